use super::*;

fn parse(text: &str) -> UserAgent {
    UserAgent::parse(text)
}

/// Name, version, system and its version, device, and what it is: `b`ot, `d`esktop, `m`obile,
/// `t`ablet.
fn told(text: &str) -> (String, String, String, String, String, String) {
    let UserAgent { name, version, os, os_version, device, .. } = parse(text);
    let agent = parse(text);
    let flags = [
        (agent.is_bot, 'b'),
        (agent.is_desktop, 'd'),
        (agent.is_mobile, 'm'),
        (agent.is_tablet, 't'),
    ];
    let flags = flags.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).collect();
    (name, version, os, os_version, device, flags)
}

const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";

#[track_caller]
fn tells(text: &str, expected: [&str; 6]) {
    let text = text.replace("{webkit}", WEBKIT);
    let [name, version, os, os_version, device, flags] = expected.map(str::to_owned);
    assert_eq!(told(&text), (name, version, os, os_version, device, flags), "{text}");
}

#[test]
fn browsers_of_desks() {
    let safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_6) AppleWebKit/603.3.8 \
                  (KHTML, like Gecko) Version/10.1.2 Safari/603.3.8";
    tells(safari, ["Safari", "10.1.2", "macOS", "10.12.6", "", "d"]);
    tells(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/126.0.0.0 Safari/537.36",
        ["Chrome", "126.0.0.0", "Windows", "10.0", "", "d"],
    );
    tells(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/126.0.0.0 Safari/537.36 \
         Edg/126.0.2592.68",
        ["Edge", "126.0.2592.68", "Windows", "10.0", "", "d"],
    );
    tells(
        "Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/64.0.3282.140 Safari/537.36 Edge/17.17134",
        ["Edge", "17.17134", "Windows", "10.0", "", "d"],
    );
    tells(
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ["Firefox", "127.0", "Linux", "", "", "d"],
    );
    tells(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0",
        ["Firefox", "127.0", "macOS", "10.15", "", "d"],
    );
    tells(
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {webkit} Chrome/126.0.0.0 Safari/537.36",
        ["Chrome", "126.0.0.0", "ChromeOS", "14541.0.0", "", "d"],
    );
    tells(
        "Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/125.0 Safari/537.36 OPR/111.0",
        ["Opera", "111.0", "Windows", "10.0", "", "d"],
    );
    tells(
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        ["Internet Explorer", "11.0", "Windows", "6.1", "", "d"],
    );
    tells(
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0)",
        ["Internet Explorer", "8.0", "Windows", "6.0", "", "d"],
    );
}

#[test]
fn browsers_of_pockets() {
    tells(
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) {webkit} Chrome/126.0.6478.71 Mobile \
         Safari/537.36",
        ["Chrome", "126.0.6478.71", "Android", "14", "Pixel 8", "m"],
    );
    tells(
        "Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/126.0.0.0 Mobile Safari/537.36",
        ["Chrome", "126.0.0.0", "Android", "10", "", "m"],
    );
    tells(
        "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; SM-T530 Build/KOT49H) {webkit} \
         Version/4.0 Safari/537.36",
        ["Android browser", "4.0", "Android", "4.4.2", "SM-T530", "t"],
    );
    tells(
        "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
        ["Firefox", "127.0", "Android", "14", "", "m"],
    );
    let ios = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
    tells(
        &format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) {ios} Version/17.5 \
             Mobile/15E148 Safari/604.1"
        ),
        ["Safari", "17.5", "iOS", "17.5.1", "iPhone", "m"],
    );
    tells(
        &format!(
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {ios} Version/16.6 Mobile/15E148 \
             Safari/604.1"
        ),
        ["Safari", "16.6", "iOS", "16.6", "iPad", "t"],
    );
    tells(
        &format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {ios} CriOS/126.0.6478.35 \
             Mobile/15E148 Safari/604.1"
        ),
        ["Chrome", "126.0.6478.35", "iOS", "17.5", "iPhone", "m"],
    );
    tells(
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) {webkit} Chrome/126.0 Mobile Safari/537.36 \
         EdgA/126.0",
        ["Edge", "126.0", "Android", "14", "SM-S918B", "m"],
    );
}

#[test]
fn bots_say_so_and_where_to_ask() {
    let google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    tells(google, ["Googlebot", "2.1", "", "", "", "b"]);
    assert_eq!(parse(google).url, "http://www.google.com/bot.html");
    let short = "Googlebot/2.1 (+http://www.google.com/bot.html)";
    tells(short, ["Googlebot", "2.1", "", "", "", "b"]);
    assert_eq!(parse(short).url, "http://www.google.com/bot.html");
    tells(
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {webkit} Chrome/125.0 Mobile \
         Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ["Googlebot", "2.1", "Android", "6.0.1", "Nexus 5X", "bm"],
    );
    let gpt = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; \
               +https://openai.com/gptbot)";
    tells(gpt, ["GPTBot", "1.2", "", "", "", "b"]);
    assert_eq!(parse(gpt).url, "https://openai.com/gptbot");
    tells(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; \
         +https://openai.com/bot",
        ["ChatGPT-User", "1.0", "", "", "", "b"],
    );
    tells(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; \
         +claudebot@anthropic.com)",
        ["ClaudeBot", "1.0", "", "", "", "b"],
    );
    tells(
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        ["facebookexternalhit", "1.1", "", "", "", "b"],
    );
    tells("Scanner/1 (https://scan.example)", ["Scanner", "1", "", "", "", "b"]);
}

#[test]
fn programs_without_a_window_have_only_a_name() {
    tells("curl/8.5.0", ["curl", "8.5.0", "", "", "", ""]);
    tells("Wget/1.21.4", ["Wget", "1.21.4", "", "", "", ""]);
    tells("python-requests/2.32.3", ["python-requests", "2.32.3", "", "", "", ""]);
    tells("Go-http-client/1.1", ["Go-http-client", "1.1", "", "", "", ""]);
    tells("kube-probe/1.29", ["kube-probe", "1.29", "", "", "", ""]);
    tells("okhttp", ["okhttp", "", "", "", "", ""]);
}

#[test]
fn anything_may_be_sent() {
    tells("", ["", "", "", "", "", ""]);
    tells(")(;;/(", ["", "", "", "", "", ""]);
    tells("(((", ["", "", "", "", "", ""]);
    assert_eq!(parse(&"ü/".repeat(4_000)).name, "ü");
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "\\PC{0,80}") {
        let _ = parse(&text);
    }
}
