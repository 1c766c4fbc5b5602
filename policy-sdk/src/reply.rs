//! A response that the policy writes itself.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::backend::types;
use crate::error::{Error, ErrorKind};

/// A whole response: status, headers, body.
///
/// The agent adds `content-length` and `date`, and drops the body where there cannot be one. It
/// checks what is here as it would a stranger's: a status outside 200 to 599, a header that is not
/// one, more than 100 lines or 64 KiB of headers or more than 1 MiB of body make the answer a fault.
///
/// ```
/// use adit_policy_sdk::Reply;
///
/// let reply = Reply::new(429).header("retry-after", 3).text("slow down\n");
/// assert_eq!(reply.status, 429);
/// assert_eq!(reply.header_text("content-type").as_deref(), Some("text/plain; charset=utf-8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The header lines, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply without headers and body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// 302 to another address.
    pub fn redirect(location: impl HeaderValue) -> Self {
        Self::new(302).header("location", location)
    }

    /// Adds a header line.
    pub fn header(mut self, name: &str, value: impl HeaderValue) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.octets().into_owned()));
        self
    }

    /// Sets the body; says nothing about its type.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to a text, and its type unless there is one.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.typed("text/plain; charset=utf-8").body(text.into())
    }

    /// Sets the body to a page, and its type unless there is one.
    pub fn html(self, page: impl Into<String>) -> Self {
        self.typed("text/html; charset=utf-8").body(page.into())
    }

    /// Sets the body to a JSON document, and its type unless there is one.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON, such as a map whose keys are no strings.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let document = serde_json::to_vec(value).expect("the value can be written as JSON");
        self.typed("application/json").body(document)
    }

    /// First value of that name, as text.
    pub fn header_text(&self, name: &str) -> Option<String> {
        let line = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        line.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// The body as text; octets that are not UTF-8 become replacement characters.
    pub fn body_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    fn typed(self, content_type: &str) -> Self {
        match self.headers.iter().any(|(name, _)| name == "content-type") {
            true => self,
            false => self.header("content-type", content_type),
        }
    }

    #[cfg(target_arch = "wasm32")]
    pub(crate) fn into_raw(self) -> types::Reply {
        let Self { status, headers, body } = self;
        types::Reply { status, headers: into_fields(headers), body }
    }
}

pub(crate) fn into_fields(headers: Vec<(String, Vec<u8>)>) -> Vec<types::Field> {
    headers.into_iter().map(|(name, value)| types::Field { name, value }).collect()
}

pub(crate) fn from_fields(fields: Vec<types::Field>) -> Vec<(String, Vec<u8>)> {
    fields.into_iter().map(|types::Field { name, value }| (name, value)).collect()
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Limit => Self::new(503),
            _ => Self::new(500),
        }
    }
}

/// What can stand as the value of a header: text, octets, integers and addresses.
pub trait HeaderValue {
    /// Its octets on the wire.
    fn octets(&self) -> Cow<'_, [u8]>;
}

impl<T: HeaderValue + ?Sized> HeaderValue for &T {
    fn octets(&self) -> Cow<'_, [u8]> {
        (**self).octets()
    }
}

impl HeaderValue for str {
    fn octets(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl HeaderValue for String {
    fn octets(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl HeaderValue for Cow<'_, str> {
    fn octets(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl HeaderValue for [u8] {
    fn octets(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl<const N: usize> HeaderValue for [u8; N] {
    fn octets(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl HeaderValue for Vec<u8> {
    fn octets(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

macro_rules! value_by_display {
    ($($type:ty)+) => {
        $(impl HeaderValue for $type {
            fn octets(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.to_string().into_bytes())
            }
        })+
    };
}

value_by_display!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize bool IpAddr Ipv4Addr Ipv6Addr);
