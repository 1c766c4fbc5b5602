//! Which exchanges are listed: those in which every word of the filter occurs.

use super::state::Exchange;

/// Longest filter.
///
/// Reason: more does not fit on a line.
const MAX_CHARS: usize = 100;

/// Words that must all occur, in whatever case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    text: String,
}

impl Filter {
    /// Adds a character.
    pub(crate) fn write(&mut self, c: char) {
        if self.text.chars().count() < MAX_CHARS && !c.is_control() {
            self.text.push(c);
        }
    }

    /// Takes the last character back.
    pub(crate) fn erase(&mut self) {
        self.text.pop();
    }

    /// Lets everything through.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Whether an exchange is listed.
    pub(crate) fn matches(&self, exchange: &Exchange) -> bool {
        if self.is_empty() {
            return true;
        }
        let handlers = exchange.decisions.iter().map(|d| d.handler.as_str());
        let known = [exchange.method.as_str(), &exchange.path, &exchange.endpoint];
        let status = exchange.status();
        let mut all = String::new();
        for part in known.into_iter().chain([status.as_str()]).chain(handlers) {
            all.push_str(&part.to_lowercase());
            all.push('\n');
        }
        self.text.split_whitespace().all(|word| all.contains(&word.to_lowercase()))
    }
}
