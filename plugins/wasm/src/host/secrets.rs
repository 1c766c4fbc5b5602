//! `secrets`: values that the file names, and that the log blanks.

use std::borrow::Cow;

use super::{
    State,
    error::{Answer, not_granted},
};
use crate::bindings::adit::policy::secrets::Host;

/// Shorter values are not blanked: they stand in too many words.
const MIN_LEN: usize = 4;

/// Values that are remembered. Those of files that were read before stay until there are so many.
const MAX_VALUES: usize = 1_000;

/// Blanks secrets in texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Redactor(Vec<Value>);

/// One value; printing it shows nothing.
#[derive(Clone, PartialEq, Eq)]
struct Value(String);

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Redactor {
    /// As this one, and these values too. Values that are not text cannot stand in one.
    pub(super) fn with<'a>(&self, secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut values = self.0.clone();
        for secret in secrets {
            let text = std::str::from_utf8(secret).ok().map(str::trim);
            let Some(text) = text.filter(|text| text.len() >= MIN_LEN) else { continue };
            values.retain(|value| value.0 != text);
            values.push(Value(text.to_owned()));
        }
        let too_many = values.len().saturating_sub(MAX_VALUES);
        values.drain(..too_many);
        Self(values)
    }

    /// The text with its secrets blanked.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found: Vec<&str> = self
            .0
            .iter()
            .map(|value| value.0.as_str())
            .filter(|value| text.contains(value))
            .collect();
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        // The longest first: one may stand in another.
        found.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let blank = |text: String, value: &&str| text.replace(value, "[redacted]");
        Cow::Owned(found.iter().fold(text.to_owned(), blank))
    }
}

impl Host for State {
    fn get(&mut self, name: String) -> Answer<Vec<u8>> {
        let secret = self.policy.grants().secrets.get(&name);
        Ok(secret.ok_or_else(|| not_granted("secrets", &name))?.expose().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_values_are_blanked_wherever_they_stand() {
        let secrets = [b"hunter2".as_slice(), b"hunter2-long\n", b"abc", b"\xff\xfe\xfd\xfc"];
        let redactor = Redactor::default().with(secrets.into_iter());
        assert_eq!(redactor.redact("a=hunter2;hunter2"), "a=[redacted];[redacted]");
        assert_eq!(redactor.redact("hunter2-long!"), "[redacted]!");
        assert!(matches!(redactor.redact("abc hunter"), Cow::Borrowed("abc hunter")));
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }

    #[test]
    fn values_of_earlier_files_stay_until_there_are_too_many() {
        let many: Vec<String> = (0..MAX_VALUES).map(|n| format!("secret-{n:06}")).collect();
        let first = Redactor::default().with([b"first-one".as_slice()].into_iter());
        let next = first.with(many.iter().skip(1).map(String::as_bytes));
        assert_eq!(next.redact("first-one"), "[redacted]");
        let last = next.with(many.iter().take(1).map(String::as_bytes));
        assert_eq!(last.redact("first-one"), "first-one");
        assert_eq!(last.0.len(), MAX_VALUES);
    }
}
