//! Message heads: what a policy may write into them.
//!
//! A policy must not be a way to smuggle a request, so whatever it writes is judged like a
//! stranger's octets. What frames a message, and the host, belong to the agent.

use std::borrow::Cow;

use crate::limits;
use crate::refused::Refused;

/// Headers that cannot be set or removed: they frame the message or belong to one connection, and
/// the authority has its own setter. Lower case, sorted.
pub const RESERVED: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The name in lower case, if it is a token. For reading: reserved names are fine.
pub fn header_name(name: &str) -> Result<Cow<'_, str>, Refused> {
    if name.len() > limits::HEADER_NAME {
        return Err(Refused::too_long("header name", name.len(), "limit", limits::HEADER_NAME));
    }
    // Most names are plain: those are looked at once.
    if !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Ok(Cow::Borrowed(name));
    }
    if !is_token(name) {
        return Err(Refused::invalid(format!("{name:?} is not a header name")));
    }
    Ok(match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    })
}

/// The name in lower case, if a policy may set, append or remove it.
pub fn editable_header_name(name: &str) -> Result<Cow<'_, str>, Refused> {
    let name = header_name(name)?;
    match RESERVED.contains(&name.as_ref()) {
        true => Err(Refused::invalid(format!("header {name} is the agent's to set"))),
        false => Ok(name),
    }
}

/// Visible ASCII, space, tab and octets from 0x80 up.
pub fn header_value(value: &[u8]) -> Result<(), Refused> {
    if value.len() > limits::HEADER_VALUE {
        let most = limits::HEADER_VALUE;
        return Err(Refused::too_long("header value", value.len(), "limit", most));
    }
    match value.iter().find(|b| !matches!(b, b'\t' | b' '..=b'~' | 0x80..)) {
        Some(b) => Err(Refused::invalid(format!("header value contains the octet {b:#04x}"))),
        None => Ok(()),
    }
}

/// Size of a head after a policy added to it: `octets` counts names and values.
pub fn size(lines: usize, octets: usize) -> Result<(), Refused> {
    if lines > limits::HEAD_LINES {
        let most = limits::HEAD_LINES;
        return Err(Refused::limit(format!("head has {lines} header lines, limit is {most}")));
    }
    match octets > limits::HEAD_OCTETS {
        true => Err(Refused::too_long("head", octets, "limit", limits::HEAD_OCTETS)),
        false => Ok(()),
    }
}

/// A token, but not `CONNECT`: that would change how the message is framed.
pub fn method(value: &str) -> Result<(), Refused> {
    if value.len() > limits::METHOD {
        return Err(Refused::too_long("method", value.len(), "limit", limits::METHOD));
    }
    match is_token(value) && value != "CONNECT" {
        true => Ok(()),
        false => Err(Refused::invalid(format!("{value:?} cannot be set as method"))),
    }
}

/// Origin form (a path that starts with `/`, and perhaps a query) or `*`. Percent-encoding is not
/// looked at.
pub fn target(value: &str) -> Result<(), Refused> {
    if value.len() > limits::TARGET {
        return Err(Refused::too_long("target", value.len(), "limit", limits::TARGET));
    }
    let path = value.starts_with('/') && value.bytes().all(is_target_octet);
    match path || value == "*" {
        true => Ok(()),
        false => Err(Refused::invalid(format!("{value:?} is neither a path nor \"*\""))),
    }
}

/// A host with an optional port. No user information, no empty host.
pub fn authority(value: &str) -> Result<(), Refused> {
    if value.len() > limits::AUTHORITY {
        return Err(Refused::too_long("authority", value.len(), "limit", limits::AUTHORITY));
    }
    match split_authority(value) {
        Some((host, port)) if is_host(host) && port.is_none_or(is_port) => Ok(()),
        _ => Err(Refused::invalid(format!("{value:?} is not a host with an optional port"))),
    }
}

/// A final status: 200 to 599.
pub fn status(value: u16) -> Result<(), Refused> {
    match value {
        200..=599 => Ok(()),
        _ => Err(Refused::invalid(format!("status {value} is not between 200 and 599"))),
    }
}

/// Whether a response with this status to this method has no body: `HEAD`, 204 and 304.
pub fn is_bodiless(method: &str, status: u16) -> bool {
    method == "HEAD" || matches!(status, 204 | 304)
}

/// Whether the text is a token: what header names and methods are made of.
pub fn is_token(text: &str) -> bool {
    let of_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(of_token)
}

/// Visible ASCII without `#`, and without `<`, `>` and `` ` ``, which need percent-encoding.
fn is_target_octet(b: u8) -> bool {
    matches!(b, b'!'..=b'~') && !matches!(b, b'#' | b'<' | b'>' | b'`')
}

fn split_authority(value: &str) -> Option<(&str, Option<&str>)> {
    let after_host = match value.strip_prefix('[') {
        Some(rest) => 1 + rest.find(']')? + 1,
        None => value.find(':').unwrap_or(value.len()),
    };
    let (host, rest) = value.split_at(after_host);
    match rest {
        "" => Some((host, None)),
        _ => Some((host, Some(rest.strip_prefix(':')?))),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let of_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    !host.is_empty() && host.bytes().all(of_name)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refused::Kind;

    #[test]
    fn names_come_out_in_lower_case() {
        assert_eq!(header_name("X-Api-Key").unwrap(), "x-api-key");
        assert!(matches!(header_name("x-api-key"), Ok(Cow::Borrowed("x-api-key"))));
    }

    #[test]
    fn what_is_no_token_is_no_header_name() {
        for name in ["", "a b", "a:", "a\r\nb", "ä", ":path", "a\0"] {
            assert_eq!(header_name(name).unwrap_err().kind, Kind::Invalid, "{name:?}");
        }
    }

    #[test]
    fn reserved_headers_can_be_read_but_not_set() {
        assert!(RESERVED.is_sorted());
        for name in RESERVED {
            assert!(header_name(name).is_ok());
            assert_eq!(editable_header_name(name).unwrap_err().kind, Kind::Invalid, "{name}");
        }
        let refused = editable_header_name("Content-Length").unwrap_err();
        assert_eq!(refused.to_string(), "header content-length is the agent's to set");
    }

    #[test]
    fn values_hold_no_line_ends_and_no_control_octets() {
        for octet in 0..=255u8 {
            let fine = matches!(octet, b'\t' | 0x20..=0x7e | 0x80..);
            assert_eq!(header_value(&[b'a', octet]).is_ok(), fine, "{octet:#04x}");
        }
        assert_eq!(header_value(&vec![b'a'; 64 * 1024 + 1]).unwrap_err().kind, Kind::Limit);
        assert_eq!(header_value(b""), Ok(()));
    }

    #[test]
    fn a_method_is_a_token_and_never_connect() {
        assert_eq!(method("PURGE"), Ok(()));
        for value in ["", "GET ", "G\r\nET", "CONNECT"] {
            assert_eq!(method(value).unwrap_err().kind, Kind::Invalid, "{value:?}");
        }
    }

    #[test]
    fn a_target_is_a_path_with_a_query_or_a_star() {
        for value in ["/", "/a?b=c&d", "*", "//x", "/%zz", "/?", "/a\"b{}|\\^"] {
            assert_eq!(target(value), Ok(()), "{value:?}");
        }
        for value in ["", "a", "http://a/", "/a b", "/a#b", "/a\r\n", "/é", "/<", "?a", "**"] {
            assert_eq!(target(value).unwrap_err().kind, Kind::Invalid, "{value:?}");
        }
    }

    #[test]
    fn an_authority_is_a_host_with_an_optional_port() {
        for value in ["a", "a.example:8080", "192.0.2.1", "[::1]", "[::1]:443", "a_b"] {
            assert_eq!(authority(value), Ok(()), "{value:?}");
        }
        let wrong = [
            "", ":80", "a:", "a:65536", "a:+1", "u@a", "a b", "::1", "[::1", "[a]", "a/b", "[::1]x",
        ];
        for value in wrong {
            assert_eq!(authority(value).unwrap_err().kind, Kind::Invalid, "{value:?}");
        }
    }

    #[test]
    fn a_status_is_final() {
        for (value, fine) in [(199, false), (200, true), (599, true), (600, false), (101, false)] {
            assert_eq!(status(value).is_ok(), fine, "{value}");
        }
    }

    #[test]
    fn a_head_does_not_grow_without_bound() {
        assert_eq!(size(256, 256 * 1024), Ok(()));
        assert_eq!(
            size(257, 0).unwrap_err().to_string(),
            "head has 257 header lines, limit is 256"
        );
        assert_eq!(size(1, 256 * 1024 + 1).unwrap_err().kind, Kind::Limit);
    }
}
