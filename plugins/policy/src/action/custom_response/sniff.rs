//! What a text looks like, where nobody says what it is.

use serde::de::IgnoredAny;

/// How pages begin, in lower case.
///
/// Fact: the tags that browsers go by, WHATWG MIME Sniffing, section 7.1.
const PAGES: [&str; 17] = [
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<!--",
];

/// The media type that a text looks like.
pub(super) fn media_type(text: &str) -> &'static str {
    let text = text.trim_start();
    if text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return "application/json";
    }
    if is_page(text) { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" }
}

fn is_page(text: &str) -> bool {
    let begins = |tag: &str| {
        let (head, rest) = text.as_bytes().split_at(tag.len().min(text.len()));
        let ends = rest.first().is_none_or(|b| *b == b'>' || b.is_ascii_whitespace());
        head.eq_ignore_ascii_case(tag.as_bytes()) && (ends || tag == "<!--")
    };
    PAGES.iter().any(|tag| begins(tag))
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_taken_for_what_they_look_like() {
        for (text, media_type) in [
            (r#"{"need":"x"}"#, "application/json"),
            ("[1, 2]\n", "application/json"),
            ("{not json}", "text/plain; charset=utf-8"),
            ("\"text\"", "text/plain; charset=utf-8"),
            ("  <!DOCTYPE html><p>hi", "text/html; charset=utf-8"),
            ("<h1 class=x>hi</h1>", "text/html; charset=utf-8"),
            ("<!--x--><p>", "text/html; charset=utf-8"),
            ("<body>", "text/html; charset=utf-8"),
            ("<?xml version='1.0'?>", "text/plain; charset=utf-8"),
            ("<abbr>", "text/plain; charset=utf-8"),
            ("<p", "text/html; charset=utf-8"),
            ("", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(super::media_type(text), media_type, "{text}");
        }
    }
}
