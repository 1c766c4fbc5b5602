//! The octets of a captured body, for saving and for showing pictures.
//!
//! They come from strangers: a browser gets them as a file, whatever they say to be, unless they are
//! a picture that cannot run anything; and even then in a sandbox.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use super::{
    answer::{self, Answer},
    error::ApiError,
    exchanges,
    route::Side,
    service::Call,
};
use crate::view::{self, MAX_DECODED, media_type, raster_image};

const TRUNCATED: HeaderName = HeaderName::from_static("x-adit-truncated");

/// One body, as it was transferred or without its encodings.
pub(super) async fn send(call: &Call<'_>, id: &str, side: Side) -> Answer {
    let query = call.query();
    query.only(&["decoded"])?;
    let is_decoded = query.word("decoded", &["0", "1"])? == "1";
    let entry = exchanges::find(call.service, id)?;
    let request = &entry.request;
    let (headers, body) = match (side, &entry.response) {
        (Side::Request, _) => (&request.headers, &request.body),
        (Side::Response, Some(response)) => (&response.headers, &response.body),
        (Side::Response, None) => return Err(ApiError::no_exchange(id)),
    };
    let (headers, body) = (headers.clone(), body.clone());
    let (media, mut is_cut) = (media_type(&headers), body.is_truncated());
    let bytes = if is_decoded {
        let decoded = call.service.heavy(move || view::decode(&headers, &body, MAX_DECODED));
        let decoded = decoded.await?;
        is_cut |= decoded.is_cut;
        decoded.bytes
    } else {
        body.bytes
    };
    let half = match side {
        Side::Request => "request",
        Side::Response => "response",
    };
    let name = format!("{}-{half}.{}", entry.id, extension(media.as_deref(), &bytes));
    let mut response = match raster_image(&bytes) {
        Some(image) => answer::bytes(StatusCode::OK, image, bytes),
        None => {
            let response = answer::bytes(StatusCode::OK, "application/octet-stream", bytes);
            answer::attachment(response, &name)
        }
    };
    if is_cut {
        response.headers_mut().insert(TRUNCATED, HeaderValue::from_static("1"));
    }
    Ok(answer::captured(response))
}

/// The end of a file's name. From a list: what strangers say does not become one.
fn extension(media_type: Option<&str>, bytes: &Bytes) -> &'static str {
    match media_type.unwrap_or_default() {
        _ if bytes.is_empty() => "txt",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "image/svg+xml" => "svg",
        "text/css" => "css",
        "text/csv" => "csv",
        "text/html" => "html",
        "text/javascript" | "application/javascript" => "js",
        kind if kind.ends_with("+json") => "json",
        kind if kind.ends_with("+xml") => "xml",
        kind if kind.starts_with("text/") => "txt",
        _ => "bin",
    }
}
