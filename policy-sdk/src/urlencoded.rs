//! Names and values of a query or a form.

/// Names and values of `a=b&c=d`, decoded: `%xx` and `+` are undone, what is not UTF-8 becomes
/// replacement characters, a name without `=` has an empty value.
///
/// ```
/// use adit_policy_sdk::urlencoded;
///
/// let pairs = urlencoded::pairs("q=a+b%21&flag");
/// assert_eq!(pairs, [("q".into(), "a b!".into()), ("flag".into(), "".into())]);
/// ```
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        (octets, rest) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (pushed(octets, high << 4 | low), tail),
                _ => (pushed(octets, b'%'), &rest[1..]),
            },
            (b'+', _) => (pushed(octets, b' '), tail),
            (octet, _) => (pushed(octets, *octet), tail),
        };
    }
    crate::headers::text(octets)
}

fn pushed(mut octets: Vec<u8>, octet: u8) -> Vec<u8> {
    octets.push(octet);
    octets
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(decode("%"), "%");
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz%41"), "%zzA");
        assert_eq!(decode("a+%2B"), "a +");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }
}
