//! A whole response that a policy wrote, and the request of an `outbound` call.

use crate::head;
use crate::limits;
use crate::refused::Refused;

/// Checks a reply: its status, each header line, and its size.
///
/// A reply that does not pass is a fault of the policy, not a broken response on the wire.
pub fn check<'a>(
    status: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body_len: usize,
) -> Result<(), Refused> {
    head::status(status)?;
    lines(headers)?;
    match body_len > limits::REPLY_BODY {
        true => Err(Refused::too_long("reply body", body_len, "limit", limits::REPLY_BODY)),
        false => Ok(()),
    }
}

/// Checks the request of an `outbound` call: it obeys what holds for heads, and has a bounded body.
pub fn check_outbound<'a>(
    method: &str,
    target: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body_len: usize,
) -> Result<(), Refused> {
    head::method(method)?;
    head::target(target)?;
    lines(headers)?;
    match body_len > limits::OUTBOUND_BODY {
        true => Err(Refused::too_long("outbound body", body_len, "limit", limits::OUTBOUND_BODY)),
        false => Ok(()),
    }
}

fn lines<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<(), Refused> {
    let (mut lines, mut octets) = (0, 0);
    for (name, value) in headers {
        head::editable_header_name(name)?;
        head::header_value(value)?;
        lines += 1;
        octets += name.len() + value.len();
        if lines > limits::REPLY_LINES {
            let most = limits::REPLY_LINES;
            return Err(Refused::limit(format!("more than {most} header lines")));
        }
        if octets > limits::REPLY_HEAD {
            return Err(Refused::too_long("headers", octets, "limit", limits::REPLY_HEAD));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refused::Kind;

    const NONE: [(&str, &[u8]); 0] = [];

    #[test]
    fn a_reply_at_its_limits_passes_and_one_beyond_does_not() {
        assert_eq!(check(200, [("a", &b"b"[..]); 100], 1 << 20), Ok(()));
        assert_eq!(check(200, [("a", &b"b"[..]); 101], 0).unwrap_err().kind, Kind::Limit);
        assert_eq!(check(200, NONE, (1 << 20) + 1).unwrap_err().kind, Kind::Limit);
        let long = vec![b'a'; 33 * 1024];
        assert_eq!(check(200, [("a", &long[..]); 2], 0).unwrap_err().kind, Kind::Limit);
    }

    #[test]
    fn a_reply_says_nothing_about_framing() {
        let refused = check(200, [("Transfer-Encoding", &b"chunked"[..])], 0).unwrap_err();
        assert_eq!(refused.to_string(), "header transfer-encoding is the agent's to set");
        assert_eq!(check(700, NONE, 0).unwrap_err().kind, Kind::Invalid);
    }

    #[test]
    fn an_outbound_call_is_judged_like_a_request() {
        assert_eq!(check_outbound("POST", "/check", [("a", &b"b"[..])], 3), Ok(()));
        assert!(check_outbound("POST", "http://elsewhere/", NONE, 0).is_err());
        assert!(check_outbound("PO ST", "/", NONE, 0).is_err());
        assert!(check_outbound("POST", "/", [("host", &b"b"[..])], 0).is_err());
    }
}
