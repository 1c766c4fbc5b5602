//! `res`: the response.

use adit_chain::Body;
use http::{Response, header::LOCATION};

use super::{
    content_type::{content_type, encoding, header, length},
    cookie,
    fact::Fact,
    multi::Multi,
};
use crate::expr::Type;

/// `res`. Neither its body nor its trailers are among its facts.
pub(super) fn response(ty: Type, response: &Response<Body>) -> Fact<'_> {
    let (status, headers) = (response.status(), response.headers());
    Fact::object(ty, move |name, ty| match name {
        "content_encoding" => encoding(headers),
        "content_length" => length(headers),
        "content_type" => content_type(ty, headers),
        "cookies" => Fact::Known(Box::new(cookie::of_response(ty, headers))),
        "headers" => Fact::Known(Box::new(Multi::headers(headers))),
        "location" => Fact::maybe(header(headers, LOCATION)),
        "status_code" => Fact::int(status.as_u16()),
        _ => Fact::Unknown,
    })
}
