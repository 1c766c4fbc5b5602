//! Encodings of a body, undone.

use std::{
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll, Waker},
};

use async_compression::{
    tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::model::{Body, Headers};

/// Bytes that a body may decode to.
///
/// Reason: a body of a mebibyte that is kept becomes less than this, unless it is a bomb.
pub const MAX_DECODED: usize = 8 * 1024 * 1024;

/// Encodings that are undone, one after the other.
///
/// Reason: one is usual, two happen, and more are an attempt.
const MAX_ENCODINGS: usize = 4;

/// Memory that a zstd frame may ask for, as a power of two.
///
/// Fact: RFC 8878 recommends that decoders support at least 8 MiB.
const ZSTD_WINDOW: u32 = 23;

/// A body without its encodings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The encodings that the head names, in the order in which they were applied.
    pub encodings: Vec<String>,
    /// The octets, as far as they could be had.
    pub bytes: Bytes,
    /// Whether there is more: the body was cut, or decodes to too much.
    pub is_cut: bool,
    /// Why the octets are not what they should be.
    pub error: Option<String>,
}

/// Undoes the encodings of a body, up to `max` bytes.
pub fn decode(headers: &Headers, body: &Body, max: usize) -> Decoded {
    let encodings = encodings(headers);
    let is_cut = body.is_truncated();
    let mut decoded = Decoded { encodings, bytes: body.bytes.clone(), is_cut, error: None };
    if decoded.encodings.len() > MAX_ENCODINGS {
        decoded.error = Some(format!("more than {MAX_ENCODINGS} encodings"));
        return decoded;
    }
    if body.bytes.is_empty() {
        return decoded;
    }
    for encoding in decoded.encodings.iter().rev() {
        let Some((bytes, result)) = undo(encoding, &decoded.bytes, max) else {
            decoded.error = Some(format!("{encoding:?} is no encoding that is known here"));
            break;
        };
        // What did not even begin to decode is not encoded as it says.
        if result.is_ok() || !bytes.is_empty() {
            decoded.is_cut |= bytes.len() == max;
            decoded.bytes = bytes.into();
        }
        if let Err(error) = result {
            // A body that was cut cannot end well.
            if !decoded.is_cut {
                decoded.error = Some(format!("{encoding}: {error}"));
            }
            break;
        }
    }
    if decoded.bytes.len() > max {
        decoded.bytes.truncate(max);
        decoded.is_cut = true;
    }
    decoded
}

fn encodings(headers: &Headers) -> Vec<String> {
    let values = headers.get_all("content-encoding");
    let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    let names = texts.iter().flat_map(|text| text.split(','));
    let names = names.map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty() && name != "identity").collect()
}

type Undone = (Vec<u8>, io::Result<()>);

fn undo(encoding: &str, bytes: &[u8], max: usize) -> Option<Undone> {
    Some(match encoding {
        "br" => read(BrotliDecoder::new(bytes), max),
        "deflate" => match read(ZlibDecoder::new(bytes), max) {
            // Some servers leave the wrapper away.
            (zlib, Err(_)) if zlib.is_empty() => read(DeflateDecoder::new(bytes), max),
            zlib => zlib,
        },
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(bytes);
            decoder.multiple_members(true);
            read(decoder, max)
        }
        "zstd" => {
            let params = [DParameter::window_log_max(ZSTD_WINDOW)];
            read(ZstdDecoder::with_params(bytes, &params), max)
        }
        _ => return None,
    })
}

/// Reads what a decoder makes of bytes that are all there: it never waits.
fn read(decoder: impl AsyncRead, max: usize) -> Undone {
    let mut bytes = Vec::new();
    let reading = async {
        let mut decoder = pin!(decoder.take(max as u64));
        decoder.read_to_end(&mut bytes).await.map(drop)
    };
    let result = now(reading).unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()));
    (bytes, result)
}

/// The value of a future that has nothing to wait for.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
