//! The system and the device.

use super::{Tokens, UserAgent};

pub(super) fn system(tokens: &Tokens<'_>, agent: &mut UserAgent) {
    let is_mobile = tokens.product("Mobile").is_some();
    let mut found = |os: &str, version: &str| {
        os.clone_into(&mut agent.os);
        version.clone_into(&mut agent.os_version);
    };
    if let Some(version) = tokens.comment("Windows Phone").or(tokens.comment("Windows Phone OS")) {
        found("Windows Phone", version.trim_start_matches("OS "));
        agent.is_mobile = true;
    } else if let Some(version) = tokens.comment("Android").or(bare_android(tokens)) {
        found("Android", version);
        agent.device = android_device(tokens).unwrap_or_default().to_owned();
        // Phones say that they are mobile; tablets do not.
        agent.is_tablet = !is_mobile && !tokens.comments.contains(&"Mobile");
        agent.is_mobile = !agent.is_tablet;
    } else if let Some(device) = APPLE.iter().find(|device| tokens.comments.contains(device)) {
        found("iOS", &apple_version(tokens, "OS "));
        (*device).clone_into(&mut agent.device);
        agent.is_tablet = *device == "iPad";
        agent.is_mobile = !agent.is_tablet;
    } else if let Some(version) = tokens.comment("Windows NT") {
        found("Windows", version);
        agent.is_desktop = true;
    } else if tokens.comments.contains(&"Macintosh") {
        found("macOS", &apple_version(tokens, "Mac OS X"));
        agent.is_desktop = true;
    } else if let Some(rest) = tokens.comment("CrOS") {
        found("ChromeOS", rest.split(' ').nth(1).unwrap_or_default());
        agent.is_desktop = true;
    } else if let Some(os) = UNIX.iter().find(|os| has_word(tokens, os)) {
        found(os, "");
        agent.is_desktop = true;
    }
}

const APPLE: &[&str] = &["iPhone", "iPad", "iPod touch", "iPod"];
const UNIX: &[&str] = &["Linux", "FreeBSD", "OpenBSD", "NetBSD"];

/// Firefox names the system without a version.
fn bare_android<'a>(tokens: &Tokens<'a>) -> Option<&'a str> {
    tokens.comments.contains(&"Android").then_some("")
}

/// Whether a comment has that word, as in `Linux x86_64` or `U; Linux`.
fn has_word(tokens: &Tokens<'_>, word: &str) -> bool {
    tokens.comments.iter().any(|comment| comment.split(' ').any(|other| other == word))
}

/// `CPU iPhone OS 17_5 like Mac OS X`, `Intel Mac OS X 10_12_6`.
fn apple_version(tokens: &Tokens<'_>, before: &str) -> String {
    let found = tokens.comments.iter().find_map(|comment| comment.split_once(before));
    let version = found.map(|(_, rest)| rest.trim()).unwrap_or_default();
    let version = version.split(' ').next().unwrap_or_default();
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    if is_version { version.replace('_', ".") } else { String::new() }
}

/// The model: what follows the system, but for a language and words that say nothing.
fn android_device<'a>(tokens: &Tokens<'a>) -> Option<&'a str> {
    let system = tokens.comments.iter().position(|comment| comment.starts_with("Android"))?;
    let mut rest = tokens.comments[system + 1..].iter().filter(|comment| !is_language(comment));
    let model = rest.next()?.split(" Build/").next()?.trim();
    // `K` stands for every model since browsers keep it to themselves.
    let says_nothing =
        matches!(model, "K" | "Mobile" | "Tablet" | "wv") || model.starts_with("rv:");
    (!says_nothing).then_some(model)
}

fn is_language(text: &str) -> bool {
    let (language, country) = text.split_once(['-', '_']).unwrap_or((text, ""));
    language.len() == 2
        && language.chars().all(|c| c.is_ascii_lowercase())
        && (country.is_empty() || country.len() == 2)
}
