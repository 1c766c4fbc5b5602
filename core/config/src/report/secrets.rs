//! Hides the secrets of a file that is shown.

use std::{ops::Range, sync::Arc};

use crate::yaml::outline::{Kind, Outline};

/// Keys whose values, and all that is in them, are secret.
const KEYS: [&str; 14] = [
    "api_key",
    "auth",
    "authtoken",
    "basic_auth",
    "client_secret",
    "credentials",
    "hash",
    "key",
    "password",
    "proxy_url",
    "secret",
    "secrets",
    "server_private_key",
    "token",
];

/// What stands for a secret, a character for a character.
const MARK: char = '•';

/// The lines of a file without its secrets. No other character moves.
pub(super) fn hide(name: &str, bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let shown = match Outline::parse(&Arc::from(name), text) {
        Ok(outline) => {
            let mut spans = Vec::new();
            if let Some(outline) = outline {
                gather(&outline, false, &mut spans);
            }
            mark(text, spans)
        }
        // Without its structure, the key is the only sign.
        Err(_) => text.split('\n').map(by_key).collect::<Vec<_>>().join("\n"),
    };
    shown.lines().map(str::to_owned).collect()
}

fn gather(value: &Outline, secret: bool, spans: &mut Vec<Range<usize>>) {
    match &value.kind {
        Kind::Map(entries, _) => {
            for entry in entries {
                gather(&entry.value, secret || KEYS.contains(&entry.key.as_str()), spans);
            }
        }
        Kind::Alias => {}
        Kind::List | Kind::Scalar(..) if secret => spans.push(value.span.clone()),
        Kind::List | Kind::Scalar(..) => {}
    }
}

fn mark(text: &str, spans: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut shown = String::with_capacity(text.len());
    // Both are in the order of the text.
    let mut spans = spans.into_iter().peekable();
    for (at, c) in text.char_indices() {
        while spans.next_if(|span| span.end <= at).is_some() {}
        let inside = spans.peek().is_some_and(|span| span.contains(&at));
        let hidden = inside && !" \t\r\n-[],|>\"'".contains(c);
        shown.push(if hidden { MARK } else { c });
    }
    shown
}

fn by_key(line: &str) -> String {
    let key = line.trim_start_matches([' ', '-', '{', '"', '\'']);
    let key = key.split([':', '"', '\'', ' ']).next().unwrap_or_default();
    match line.find(':') {
        Some(colon) if KEYS.contains(&key) => mark(line, Some(colon + 1..line.len())),
        _ => line.to_owned(),
    }
}
