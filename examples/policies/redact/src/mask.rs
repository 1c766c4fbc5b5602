//! What is masked, and how.

use adit_policy_sdk::prelude::*;

/// What stands in the place of a value.
const MASKED: &str = "***";
/// Digits of a card that stay: the last ones, by which people know their card.
const SHOWN: usize = 4;

/// What is masked.
pub(crate) struct Mask {
    fields: Vec<String>,
    cards: bool,
}

impl Mask {
    pub(crate) fn new(fields: &[String], cards: bool) -> Self {
        Self { fields: fields.iter().map(|name| name.to_lowercase()).collect(), cards }
    }

    /// A whole body, if anything in it is masked: by field if it is JSON, as text otherwise.
    pub(crate) fn document(&self, body: &[u8]) -> Option<Vec<u8>> {
        match serde_json::from_slice::<Json>(body) {
            Ok(mut value) => self.value(&mut value).then(|| value.to_string().into_bytes()),
            Err(_) => self.text(body),
        }
    }

    /// A line of a stream, with its end: `data: {…}` of an event, a document, or text.
    pub(crate) fn line(&self, line: &[u8]) -> Vec<u8> {
        let end =
            line.len() - line.iter().rev().take_while(|octet| b"\r\n".contains(octet)).count();
        let (line, line_end) = line.split_at(end);
        let start = if line.starts_with(b"data:") { b"data:".len() } else { 0 };
        let (name, content) = line.split_at(start);
        match self.document(content) {
            Some(masked) => [name, &masked, line_end].concat(),
            None => [line, line_end].concat(),
        }
    }

    /// Whether anything was masked.
    fn value(&self, value: &mut Json) -> bool {
        match value {
            Json::Object(fields) => fields.iter_mut().fold(false, |masked, (name, value)| {
                if self.fields.contains(&name.to_lowercase()) {
                    *value = MASKED.into();
                    return true;
                }
                self.value(value) | masked
            }),
            Json::Array(items) => {
                items.iter_mut().fold(false, |masked, item| self.value(item) | masked)
            }
            Json::String(text) => match self.text(text.as_bytes()) {
                Some(masked) => {
                    *text = String::from_utf8_lossy(&masked).into_owned();
                    true
                }
                None => false,
            },
            Json::Number(number) => match self.text(number.to_string().as_bytes()) {
                Some(masked) => {
                    *value = String::from_utf8_lossy(&masked).into();
                    true
                }
                None => false,
            },
            Json::Null | Json::Bool(_) => false,
        }
    }

    /// Text with the card numbers in it masked, if there are any.
    fn text(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut masked = None;
        let mut at = 0;
        while self.cards && at < text.len() {
            let run = digits_from(text, at);
            if is_card(text, &run) {
                let masked = masked.get_or_insert_with(|| text.to_vec());
                for place in &run[..run.len() - SHOWN] {
                    masked[*place] = b'*';
                }
            }
            at = run.last().map_or(at, |last| *last) + 1;
        }
        masked
    }
}

/// Places of the digits that begin here, over single spaces and hyphens between them.
fn digits_from(text: &[u8], start: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = start;
    while let Some(octet) = text.get(at) {
        match octet {
            b'0'..=b'9' => places.push(at),
            b' ' | b'-' if places.last() == Some(&(at.wrapping_sub(1))) => {}
            _ => break,
        }
        at += 1;
    }
    places
}

/// Cards have 13 to 19 digits, and the last one checks the others (Luhn).
fn is_card(text: &[u8], run: &[usize]) -> bool {
    if !(13..=19).contains(&run.len()) {
        return false;
    }
    let digits = run.iter().rev().map(|place| u32::from(text[*place] - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(n, digit)| match (n % 2, digit * 2) {
            (0, _) => digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum > 0 && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mask = Mask::new(&["Password".to_owned()], true);
        let masked = mask.document(text.as_bytes());
        masked.map_or_else(|| text.to_owned(), |text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_card_is_a_card_however_it_is_written() {
        assert_eq!(masked("4111111111111111!"), "************1111!");
        assert_eq!(masked("card 4111 1111 1111 1111 of"), "card **** **** **** 1111 of");
        assert_eq!(masked("5500-0000-0000-0004, 3400 0000 0000 009"), {
            "****-****-****-0004, **** **** ***0 009"
        });
    }

    #[test]
    fn other_numbers_stay() {
        for text in ["4111111111111112", "0000000000000000", "2026-01-01", "41111111111111111111"] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn fields_are_masked_wherever_they_are_and_whatever_they_hold() {
        assert_eq!(
            masked(
                r#"{"a":[{"PASSWORD":{"x":1}}],"n":4111111111111111,"t":"4111 1111 1111 1111"}"#
            ),
            r#"{"a":[{"PASSWORD":"***"}],"n":"************1111","t":"**** **** **** 1111"}"#
        );
        let same = r#"{ "spaces":  "stay where nothing is masked" }"#;
        assert_eq!(masked(same), same);
    }
}
