//! The program.

use super::{Tokens, UserAgent};

pub(super) fn name(tokens: &Tokens<'_>, agent: &mut UserAgent) {
    let mut named = |name: &str, version: &str| {
        name.clone_into(&mut agent.name);
        version.clone_into(&mut agent.version);
    };
    if let Some((name, version)) = bot(tokens) {
        named(name, version);
        agent.is_bot = true;
        return;
    }
    let browser = BROWSERS.iter().find_map(|(token, name)| Some((*name, tokens.product(token)?)));
    if let Some((name, version)) = browser {
        return named(name, version);
    }
    if let Some(version) = tokens.comment("MSIE") {
        return named("Internet Explorer", version);
    }
    if tokens.product("Trident").is_some() {
        let version = tokens.comments.iter().find_map(|comment| comment.strip_prefix("rv:"));
        return named("Internet Explorer", version.unwrap_or_default());
    }
    if tokens.product("Safari").is_some() {
        let version = tokens.product("Version").unwrap_or_default();
        return named(if agent.os == "Android" { "Android browser" } else { "Safari" }, version);
    }
    let mut products = tokens.products.iter();
    if let Some((name, version)) = products.find(|(name, _)| !NOISE.contains(name)) {
        named(name, version);
    } else if let Some((name, version)) = tokens.products.first() {
        named(name, version);
    }
}

/// What browsers say of themselves, the most telling first: most pretend to be others as well.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("Edge", "Edge"),
    ("EdgA", "Edge"),
    ("EdgiOS", "Edge"),
    ("OPR", "Opera"),
    ("OPT", "Opera Touch"),
    ("OPiOS", "Opera"),
    ("OPX", "Opera GX"),
    ("Opera Mini", "Opera Mini"),
    ("Opera", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("YaBrowser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Browser"),
    ("UCBrowser", "UC Browser"),
    ("DuckDuckGo", "DuckDuckGo"),
    ("HeadlessChrome", "Headless Chrome"),
    ("CriOS", "Chrome"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Chromium", "Chrome"),
];

/// Bots whose names do not say so.
const BOTS: &[&str] = &[
    "facebookexternalhit",
    "WhatsApp",
    "Slack-ImgProxy",
    "ChatGPT-User",
    "Claude-User",
    "Claude-Web",
    "Perplexity-User",
    "Google-InspectionTool",
    "Google-Extended",
    "GoogleOther",
    "Storebot-Google",
    "Mediapartners-Google",
    "AdsBot-Google",
    "APIs-Google",
    "Lighthouse",
];

/// Products that say nothing of the program, beside those of browsers.
const NOISE: &[&str] =
    &["Mozilla", "AppleWebKit", "Gecko", "KHTML,", "like", "Mobile", "Safari", "Version", "Build"];

/// A product that calls itself a bot, or is known as one.
fn bot<'a>(tokens: &Tokens<'a>) -> Option<(&'a str, &'a str)> {
    let mut products = tokens.products.iter();
    let found = products.find(|(name, _)| BOTS.contains(name) || says_bot(name)).copied();
    // Without a version they are not taken for products in a comment.
    let bare = || {
        let mut bare = tokens.comments.iter().filter(|comment| !comment.contains([' ', ':', '.']));
        bare.find(|name| says_bot(name)).map(|name| (*name, ""))
    };
    found.or_else(bare)
}

fn says_bot(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["bot", "crawler", "spider", "slurp"].iter().any(|word| name.contains(word))
        // A maker of phones.
        && !name.contains("cubot")
}
