//! The public URL, as senders sign it.

use std::borrow::Cow;

use super::{Incoming, Rejected};

/// The URL as it was asked for.
pub(super) fn url(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    Ok(format!("{}://{}{}", incoming.scheme, incoming.host, incoming.target))
}

/// The URL with its port, also where it is the usual one of the scheme.
pub(super) fn with_port(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    let port = if incoming.scheme == "http" { 80 } else { 443 };
    let (name, _) = split_host(incoming.host);
    match split_host(incoming.host) {
        (_, Some(_)) => url(incoming),
        (_, None) => Ok(format!("{}://{name}:{port}{}", incoming.scheme, incoming.target)),
    }
}

/// The URL without a port.
pub(super) fn without_port(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    let (name, _) = split_host(incoming.host);
    Ok(format!("{}://{name}{}", incoming.scheme, incoming.target))
}

/// The URL without its query.
pub(super) fn without_query(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    let (path, _) = incoming.path_and_query();
    Ok(format!("{}://{}{path}", incoming.scheme, incoming.host))
}

/// The URL with some escapes taken off.
///
/// Fact: one provider lists these, and signs what comes out.
pub(super) fn unescaped(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    const ESCAPES: [(&str, &str); 12] = [
        ("3A", ":"),
        ("2F", "/"),
        ("3F", "?"),
        ("40", "@"),
        ("21", "!"),
        ("24", "$"),
        ("27", "'"),
        ("28", "("),
        ("29", ")"),
        ("2A", "*"),
        ("2C", ","),
        ("3B", ";"),
    ];
    let url = url(incoming)?;
    let mut parts = url.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).map(str::to_ascii_uppercase);
        let known = ESCAPES.iter().find(|(known, _)| Some(*known) == code.as_deref());
        let (plain, rest): (Cow<'_, str>, _) = match known {
            Some((_, plain)) => ((*plain).into(), &part[2..]),
            None => ("%".into(), part),
        };
        out.push_str(&plain);
        out.push_str(rest);
    }
    Ok(out)
}

/// The method, in capitals.
pub(super) fn method(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    Ok(incoming.method.as_str().to_owned())
}

/// Name and port of a host; an IPv6 address keeps its brackets.
fn split_host(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}
