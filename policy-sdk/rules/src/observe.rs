//! Log records and metrics.

use crate::limits;
use crate::refused::Refused;

/// Prefix of every metric that a policy names.
pub const METRIC_PREFIX: &str = "adit_policy_user_";

/// Name of a metric and its labels. What does not pass is dropped and counted: metrics have no
/// errors of their own.
pub fn metric<'a>(
    name: &str,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), Refused> {
    metric_name(name)?;
    let mut count = 0;
    for (label, value) in labels {
        metric_name(label)?;
        if label == "policy" {
            return Err(Refused::invalid("label policy is the agent's to set"));
        }
        if value.len() > limits::METRIC_LABEL_VALUE {
            let most = limits::METRIC_LABEL_VALUE;
            return Err(Refused::too_long("label value", value.len(), "limit", most));
        }
        count += 1;
        if count > limits::METRIC_LABELS {
            let most = limits::METRIC_LABELS;
            return Err(Refused::limit(format!("more than {most} labels")));
        }
    }
    Ok(())
}

fn metric_name(name: &str) -> Result<(), Refused> {
    if name.len() > limits::METRIC_NAME {
        return Err(Refused::too_long("metric name", name.len(), "limit", limits::METRIC_NAME));
    }
    let mut octets = name.bytes();
    let first = octets.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    match first && octets.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        true => Ok(()),
        false => Err(Refused::invalid(format!("{name:?} is not a metric's name"))),
    }
}

/// Cuts a text to `most` octets, at a character's end.
pub fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// How much of the message and which of the extra pairs fit into one log record: the message first,
/// then whole pairs in order.
pub fn record<'a>(message: &'a str, extra: &'a [(String, String)]) -> Record<'a> {
    let cut_message = cut(message, limits::LOG_RECORD);
    let mut left = limits::LOG_RECORD - cut_message.len();
    let fitting = extra.iter().take_while(|(name, value)| {
        let size = name.len().saturating_add(value.len());
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    });
    let extra = &extra[..fitting.count()];
    Record { message: cut_message, extra }
}

/// The part of a log record that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The message, perhaps cut.
    pub message: &'a str,
    /// The pairs that fitted.
    pub extra: &'a [(String, String)],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_and_labels_are_plain_words() {
        assert_eq!(metric("hits_total", [("group", "b")]), Ok(()));
        for name in ["", "1a", "a-b", "a b", "ä"] {
            assert!(metric(name, []).is_err(), "{name:?}");
        }
        assert!(metric("a", [("policy", "x")]).is_err());
        assert!(metric("a", [("b", "c"); 9]).is_err());
        assert!(metric("a", [("b", "x".repeat(129).as_str())]).is_err());
    }

    #[test]
    fn a_long_record_loses_its_end_and_not_its_characters() {
        let message = "é".repeat(5_000);
        let pairs = [("a".to_owned(), "b".to_owned())];
        let kept = record(&message, &pairs);
        assert_eq!(kept.message.len(), 8 * 1024);
        assert_eq!(kept.extra.len(), 0);
        assert_eq!(record("short", &pairs).extra.len(), 1);
    }
}
