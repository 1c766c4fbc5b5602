//! What a `User-Agent` header tells of the program, the system and the device.
//!
//! ```text
//! Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 … Chrome/126.0 Mobile Safari/537.36
//! product     (comment; split at semicolons)  product …
//! ```

mod name;
mod system;

use self::{name::name, system::system};

/// What a `User-Agent` header tells. What it does not tell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UserAgent {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) os: String,
    pub(super) os_version: String,
    pub(super) device: String,
    /// Where the operator of a bot says who it is.
    pub(super) url: String,
    pub(super) is_mobile: bool,
    pub(super) is_tablet: bool,
    pub(super) is_desktop: bool,
    pub(super) is_bot: bool,
}

impl UserAgent {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.get(..text.floor_char_boundary(MAX_LEN)).unwrap_or_default();
        let tokens = Tokens::of(text);
        let mut agent = Self { url: url(text).unwrap_or_default().to_owned(), ..Self::default() };
        system(&tokens, &mut agent);
        name(&tokens, &mut agent);
        // Programs of people have no page to tell who sent them.
        agent.is_bot |= !agent.url.is_empty();
        if agent.is_bot {
            agent.is_desktop = false;
        }
        agent
    }
}

/// How much of a header is looked at, in bytes.
///
/// Reason: real ones have some hundred; what follows is made up.
const MAX_LEN: usize = 2048;

/// The parts of a header.
#[derive(Debug, Default)]
struct Tokens<'a> {
    /// `name/version` pairs outside and inside of comments, in order.
    products: Vec<(&'a str, &'a str)>,
    /// What comments hold, split at semicolons.
    comments: Vec<&'a str>,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        let mut tokens = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find(['(', ')']) {
            let (part, behind) = rest.split_at(at);
            let is_comment = behind.starts_with(')');
            tokens.add(part, is_comment);
            rest = &behind[1..];
        }
        tokens.add(rest, false);
        tokens
    }

    fn add(&mut self, part: &'a str, is_comment: bool) {
        if is_comment {
            for part in part.split(';').map(str::trim).filter(|part| !part.is_empty()) {
                self.comments.push(part);
                // Bots name themselves there: `compatible; Googlebot/2.1; +http://…`.
                if !part.contains(' ') && !part.contains("://") {
                    self.products.extend(part.split_once('/'));
                }
            }
        } else {
            let words = part.split(|c: char| c.is_whitespace() || c == ';');
            let words = words.filter(|word| !word.is_empty() && !word.contains("://"));
            self.products.extend(words.map(|word| word.split_once('/').unwrap_or((word, ""))));
        }
    }

    /// The version of a product, if it is there; empty if it says none.
    fn product(&self, name: &str) -> Option<&'a str> {
        self.products.iter().find(|(other, _)| *other == name).map(|(_, version)| *version)
    }

    /// What follows these words in the comments.
    fn comment(&self, start: &str) -> Option<&'a str> {
        let mut found = self.comments.iter().filter_map(|comment| comment.strip_prefix(start));
        found.find(|rest| rest.is_empty() || rest.starts_with(' ')).map(str::trim)
    }
}

/// The first URL in a header.
fn url(text: &str) -> Option<&str> {
    let at = text.find("http://").into_iter().chain(text.find("https://")).min()?;
    let end = text[at..].find(|c: char| c.is_whitespace() || matches!(c, ';' | ')' | ','));
    Some(end.map_or(&text[at..], |end| &text[at..at + end]))
}

#[cfg(test)]
mod tests;
