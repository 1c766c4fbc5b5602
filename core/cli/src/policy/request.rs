//! One request, from flags.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use anyhow::{Context, Result, anyhow, bail};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};

use super::args::RequestArgs;

/// Longest body that is read from a file, in bytes.
const MAX_BODY: u64 = 64 * 1024 * 1024;
/// Who asks, when nobody says: an address that is set aside for documentation.
const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The visitor's port, when nobody says.
pub(super) const PORT: u16 = 50_000;

/// One request and what a service would answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: Uri,
    pub(super) version: Version,
    /// Whether the visitor came over TLS.
    pub(super) is_https: bool,
    pub(super) headers: HeaderMap,
    pub(super) body: Content,
    pub(super) from: SocketAddr,
    /// Who an earlier handler found the visitor to be.
    pub(super) identity: Option<String>,
    /// What earlier handlers left.
    pub(super) vars: BTreeMap<String, String>,
    /// Facts about the connection.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) answer: Answer,
}

/// A body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    #[default]
    None,
    /// All of it at once, of known length.
    Whole(Vec<u8>),
    /// As it comes.
    Pieces(Vec<Vec<u8>>),
}

impl Content {
    /// All octets.
    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::None => Cow::Borrowed(&[]),
            Self::Whole(bytes) => Cow::Borrowed(bytes),
            Self::Pieces(pieces) => Cow::Owned(pieces.concat()),
        }
    }

    /// Its length, where it is known beforehand.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Self::None | Self::Pieces(_) => None,
            Self::Whole(bytes) => Some(bytes.len()),
        }
    }
}

/// What a service would answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Content,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body: Content::None }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: Method::GET,
            target: Uri::from_static("/"),
            version: Version::HTTP_11,
            is_https: true,
            headers: HeaderMap::new(),
            body: Content::None,
            from: SocketAddr::new(SOMEBODY, PORT),
            identity: None,
            vars: BTreeMap::new(),
            attributes: BTreeMap::new(),
            answer: Answer::default(),
        }
    }
}

impl Request {
    /// What the flags ask for.
    pub(super) fn of(args: &RequestArgs, target: &str) -> Result<Self> {
        let body = args.data.as_deref().map(|data| body(data, "-d")).transpose()?;
        let method = match (&args.method, &body) {
            (Some(method), _) => Method::from_bytes(method.as_bytes())
                .map_err(|_| anyhow!("-X {method:?} is not a method"))?,
            (None, Some(_)) => Method::POST,
            (None, None) => Method::GET,
        };
        let mut headers = headers(&args.headers, "-H")?;
        let (target, authority) = target_of(target)?;
        if let Some(authority) = authority
            && !headers.contains_key(http::header::HOST)
        {
            headers.insert(http::header::HOST, authority);
        }
        let answer = Answer {
            status: StatusCode::from_u16(args.response_status)
                .map_err(|_| anyhow!("--response-status {} is no status", args.response_status))?,
            headers: self::headers(&args.response_header, "--response-header")?,
            body: match &args.response_data {
                Some(data) => Content::Whole(self::body(data, "--response-data")?),
                None => Content::None,
            },
        };
        let from = SocketAddr::new(args.from.unwrap_or(SOMEBODY), PORT);
        let body = body.map_or(Content::None, Content::Whole);
        Ok(Self { method, target, headers, body, from, answer, ..Self::default() })
    }
}

/// `/path?query`, or a whole URL, whose authority becomes the host.
fn target_of(text: &str) -> Result<(Uri, Option<HeaderValue>)> {
    let wrong = || anyhow!("{text:?} is no target; give a path, for example /hello?x=1");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let path = uri.path_and_query().ok_or_else(wrong)?;
    if !path.as_str().starts_with('/') {
        return Err(wrong());
    }
    let authority = uri.authority().map(|a| HeaderValue::from_str(a.as_str())).transpose()?;
    Ok((Uri::from(path.clone()), authority))
}

fn headers(lines: &[String], flag: &str) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .with_context(|| format!("{flag} {line:?} is no header; write 'name: value'"))?;
        let name: HeaderName =
            name.trim().parse().map_err(|_| anyhow!("{flag} {line:?}: not a header's name"))?;
        let value = HeaderValue::from_str(value.trim())
            .map_err(|_| anyhow!("{flag} {line:?}: not a header's value"))?;
        map.append(name, value);
    }
    Ok(map)
}

fn body(data: &str, flag: &str) -> Result<Vec<u8>> {
    let Some(file) = data.strip_prefix('@') else { return Ok(data.as_bytes().to_vec()) };
    let at = || format!("{flag} {data}");
    if fs::metadata(file).with_context(at)?.len() > MAX_BODY {
        bail!("{flag} {data}: longer than {MAX_BODY} bytes");
    }
    fs::read(file).with_context(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> RequestArgs {
        RequestArgs { response_status: 200, ..RequestArgs::default() }
    }

    #[test]
    fn flags_become_a_request() {
        let args = RequestArgs {
            headers: vec!["X-Api-Key: a".into(), "accept:".into()],
            data: Some("{}".into()),
            ..args()
        };
        let request = Request::of(&args, "http://example.com:80/a?b=1").unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.target, "/a?b=1");
        assert_eq!(request.headers["x-api-key"], "a");
        assert_eq!(request.headers["accept"], "");
        assert_eq!(request.headers["host"], "example.com:80");
        assert_eq!(request.body, Content::Whole(b"{}".to_vec()));
    }

    #[test]
    fn what_is_no_request_is_told() {
        let refused =
            |args: &RequestArgs, target| Request::of(args, target).unwrap_err().to_string();
        assert!(refused(&args(), "hello").contains("is no target"));
        let line = RequestArgs { headers: vec!["x".into()], ..args() };
        assert_eq!(refused(&line, "/"), r#"-H "x" is no header; write 'name: value'"#);
        let method = RequestArgs { method: Some("A B".into()), ..args() };
        assert_eq!(refused(&method, "/"), r#"-X "A B" is not a method"#);
        let status = RequestArgs { response_status: 7, ..args() };
        assert_eq!(refused(&status, "/"), "--response-status 7 is no status");
    }
}
