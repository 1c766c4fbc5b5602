//! Values of flags that hold several things between commas, where a comma may also be a part of one.

/// Headers to add, `name:value` each. A comma that no `name:` follows belongs to the value.
pub(super) fn headers(values: &[String]) -> Vec<String> {
    let items = values.iter().flat_map(|value| split(value, |_, rest| begins_header(rest)));
    items.map(|item| item.trim_start().to_owned()).collect()
}

/// Regular expressions. A comma between brackets belongs to the expression.
pub(super) fn patterns(values: &[String]) -> Vec<String> {
    values.iter().flat_map(|value| split(value, |before, _| is_whole(before))).collect()
}

/// Splits at those commas of which `ends` says so, by what stands before it since the last one, and
/// by what follows.
fn split(value: &str, ends: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut items = Vec::new();
    let mut start = 0;
    for (at, _) in value.match_indices(',') {
        if ends(&value[start..at], &value[at + 1..]) {
            items.push(value[start..at].to_owned());
            start = at + 1;
        }
    }
    items.push(value[start..].to_owned());
    items
}

fn begins_header(text: &str) -> bool {
    let Some((name, value)) = text.trim_start().split_once(':') else { return false };
    let is_char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let is_name = !name.is_empty() && name.bytes().all(is_char);
    is_name && !value.starts_with("//")
}

/// Whether no bracket of a regular expression is left open.
fn is_whole(pattern: &str) -> bool {
    let (mut open, mut class, mut escaped) = (0_usize, false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => class = false,
            _ if class => {}
            '[' => class = true,
            '(' | '{' => open += 1,
            ')' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open == 0 && !class && !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_parts_headers_where_another_begins() {
        let of = |value: &str| headers(&[value.to_owned()]);
        assert_eq!(of("x-a: 1,x-b: 2, x-c:"), ["x-a: 1", "x-b: 2", "x-c:"]);
        assert_eq!(of("accept: text/html, */*;q=0.8"), ["accept: text/html, */*;q=0.8"]);
        assert_eq!(of("date: Mon, 01 Jan 2026 00:00:00"), ["date: Mon, 01 Jan 2026 00:00:00"]);
        assert_eq!(of("link: a,https://b.example/"), ["link: a,https://b.example/"]);
        assert_eq!(of("nonsense"), ["nonsense"]);
    }

    #[test]
    fn a_comma_parts_expressions_outside_of_brackets() {
        let of = |value: &str| patterns(&[value.to_owned()]);
        assert_eq!(of("curl/.*,wget"), ["curl/.*", "wget"]);
        assert_eq!(of(r"a{1,3},[,(],(b,c)\,d"), ["a{1,3}", "[,(]", r"(b,c)\,d"]);
    }
}
