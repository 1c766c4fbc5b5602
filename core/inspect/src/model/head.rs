//! Headers in a compact form.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers in the order in which they came, names in canonical capitalisation.
///
/// One block of memory of their own: header values as the HTTP library has them would keep the
/// whole buffer that they were read into.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Bytes);

impl Headers {
    /// Takes the headers of a message over.
    pub fn of(headers: &HeaderMap) -> Self {
        Self::with_host(headers, None)
    }

    /// As [`of`](Self::of), with `Host` in front if there is none.
    pub(crate) fn with_host(headers: &HeaderMap, host: Option<&str>) -> Self {
        let host = host.filter(|_| !headers.contains_key(http::header::HOST));
        let host = host.map(|host| ("host", host.as_bytes()));
        let len = |(name, value): (&str, &[u8])| name.len() + value.len() + ": \r\n".len();
        let n_bytes = host.map_or(0, len) + pairs(headers).map(len).sum::<usize>();
        let mut block = Vec::with_capacity(n_bytes);
        host.into_iter().chain(pairs(headers)).for_each(|pair| push(&mut block, pair));
        Self(block.into())
    }

    /// Makes headers of pairs. What cannot stand in a head is replaced: the block is lines.
    pub fn collect<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut block = Vec::new();
        pairs.into_iter().for_each(|pair| push(&mut block, pair));
        Self(block.into())
    }

    /// Name and value of each line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        lines(&self.0).filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            Some((name, line.get(colon + 2..).unwrap_or_default()))
        })
    }

    /// The first value of a name, in any case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.iter();
        all.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// As [`get`](Self::get), if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All values of a name.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let is_it = move |(other, _): &(&str, &[u8])| other.eq_ignore_ascii_case(name);
        self.iter().filter(is_it).map(|(_, value)| value)
    }

    /// The lines as on the wire, each with its end; without the empty line after them.
    pub const fn as_wire(&self) -> &Bytes {
        &self.0
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the HTTP library has them. What it does not accept is left out.
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in self.iter() {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                map.append(name, value);
            }
        }
        map
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    block.split(|b| *b == b'\n').filter_map(|line| line.strip_suffix(b"\r"))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

fn push(block: &mut Vec<u8>, (name, value): (&str, &[u8])) {
    push_canonical(block, name);
    block.extend_from_slice(b": ");
    let first = block.len();
    block.extend_from_slice(value);
    for b in block[first..].iter_mut().filter(|b| matches!(b, b'\r' | b'\n')) {
        *b = b' ';
    }
    block.extend_from_slice(b"\r\n");
}

/// `content-type` as `Content-Type`; what is no letter of a name as `_`.
fn push_canonical(block: &mut Vec<u8>, name: &str) {
    let mut starts = true;
    for b in name.bytes() {
        let b = if b.is_ascii_graphic() && b != b':' { b } else { b'_' };
        block.push(if starts { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() });
        starts = b == b'-';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitalised_and_order_is_kept() {
        let mut map = HeaderMap::new();
        map.append("x-request-id", HeaderValue::from_static("1"));
        map.append("etag", HeaderValue::from_static("\"a\""));
        map.append("set-cookie", HeaderValue::from_static("a=1"));
        map.append("set-cookie", HeaderValue::from_static("b=2"));
        let headers = Headers::of(&map);
        let wire = "X-Request-Id: 1\r\nEtag: \"a\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
        assert_eq!(headers.as_wire(), wire);
        assert_eq!(headers.len(), 4);
        assert_eq!(headers.text("X-REQUEST-ID"), Some("1"));
        assert_eq!(headers.get_all("set-cookie").collect::<Vec<_>>(), [b"a=1", b"b=2"]);
        assert_eq!(headers.to_map(), map);
        assert_eq!(headers.get("host"), None);
    }

    #[test]
    fn a_host_that_was_the_authority_comes_first() {
        let mut map = HeaderMap::new();
        map.append("accept", HeaderValue::from_static("*/*"));
        let headers = Headers::with_host(&map, Some("a.test"));
        assert_eq!(headers.as_wire(), "Host: a.test\r\nAccept: */*\r\n");
        map.append("host", HeaderValue::from_static("b.test"));
        assert_eq!(Headers::with_host(&map, Some("a.test")).text("host"), Some("b.test"));
    }

    #[test]
    fn a_value_cannot_begin_another_line() {
        let headers =
            Headers::collect([("a\r\nb: ", &b"x\r\ny: z"[..]), ("c", &b"\xff: \x00"[..])]);
        let pairs: Vec<_> = headers.iter().collect();
        assert_eq!(pairs, [("A__b__", &b"x  y: z"[..]), ("C", &b"\xff: \x00"[..])]);
        assert_eq!(headers.text("c"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_goes_in_comes_out(pairs: Vec<(String, Vec<u8>)>) {
            let headers = Headers::collect(pairs.iter().map(|(n, v)| (n.as_str(), v.as_slice())));
            proptest::prop_assert_eq!(headers.len(), pairs.len());
            for ((_, got), (_, put)) in headers.iter().zip(&pairs) {
                proptest::prop_assert_eq!(got.len(), put.len());
            }
            let _ = headers.to_map();
        }
    }
}
