//! Content codings: takes them off, so that rules see what was meant.

use adit_chain::{Body, BoxError};
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt as _, stream};
use http::{HeaderMap, HeaderName, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

/// A coding that can be taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Br,
    /// The zlib format, whatever the name says.
    Deflate,
    Gzip,
    Zstd,
}

/// How many codings may lie on top of each other.
///
/// Reason: one is usual, two are a mistake of a proxy; each of them costs memory.
const MAX_CODINGS: usize = 4;
/// Bytes that are decoded in one go.
///
/// Reason: about 50 µs of work between two chances for others to run.
const CHUNK_LEN: usize = 16 * 1024;

/// A coding cannot be taken off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodingError {
    /// What is inside is not what the header says.
    #[error("the content is not encoded as its header says")]
    Corrupt(#[source] std::io::Error),
    /// There is more inside than may be gathered.
    #[error("the decoded content is longer than {0} bytes")]
    TooLong(usize),
    /// Nobody here knows it.
    #[error("the content coding {0:?} is not known")]
    Unknown(String),
}

impl Coding {
    /// The codings of a message in the order in which they were put on.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Vec<Self>, CodingError> {
        let lines = headers.get_all(header::CONTENT_ENCODING).iter();
        let names = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
        let mut codings = Vec::new();
        for name in names.flat_map(|line| {
            line.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>()
        }) {
            let coding = match name.as_str() {
                "" | "identity" => continue,
                "br" => Self::Br,
                "deflate" => Self::Deflate,
                "gzip" | "x-gzip" => Self::Gzip,
                "zstd" => Self::Zstd,
                _ => return Err(CodingError::Unknown(name)),
            };
            if codings.len() == MAX_CODINGS {
                return Err(CodingError::Unknown(format!("{name} on top of {MAX_CODINGS} others")));
            }
            codings.push(coding);
        }
        Ok(codings)
    }
}

/// A content without its codings.
pub(crate) async fn decode(
    content: Bytes,
    codings: &[Coding],
    max_len: usize,
) -> Result<Bytes, CodingError> {
    if codings.is_empty() {
        return Ok(content);
    }
    let mut reader = reader(std::io::Cursor::new(content), codings);
    let mut decoded = BytesMut::new();
    loop {
        decoded.reserve(CHUNK_LEN);
        let n = reader.read_buf(&mut decoded).await.map_err(CodingError::Corrupt)?;
        if n == 0 {
            return Ok(decoded.freeze());
        }
        if decoded.len() > max_len {
            return Err(CodingError::TooLong(max_len));
        }
        tokio::task::consume_budget().await;
    }
}

/// A body without its codings, and without its trailers. What has arrived is decoded before it
/// waits for more.
pub(crate) fn decode_stream(body: Body, codings: &[Coding]) -> Body {
    if codings.is_empty() {
        return body;
    }
    let data = body.into_data_stream().map_err(std::io::Error::other);
    let reader = reader(StreamReader::new(data), codings);
    let frames = stream::try_unfold(reader, |mut reader| async {
        let mut chunk = BytesMut::with_capacity(CHUNK_LEN);
        let n = reader.read_buf(&mut chunk).await?;
        Ok::<_, BoxError>((n > 0).then(|| (Frame::data(chunk.freeze()), reader)))
    });
    Body::boxed(StreamBody::new(frames))
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;

fn reader(content: impl AsyncBufRead + Send + Unpin + 'static, codings: &[Coding]) -> Reader {
    let mut outer_first = codings.iter().rev();
    let Some(outermost) = outer_first.next() else { return Box::new(content) };
    outer_first.fold(decoder(content, *outermost), |inner, coding| {
        decoder(tokio::io::BufReader::with_capacity(CHUNK_LEN, inner), *coding)
    })
}

fn decoder(content: impl AsyncBufRead + Send + Unpin + 'static, coding: Coding) -> Reader {
    match coding {
        Coding::Br => Box::new(BrotliDecoder::new(content)),
        Coding::Deflate => Box::new(ZlibDecoder::new(content)),
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(content);
            // RFC 9110, 8.4.1.3 names the file format, in which several may follow each other.
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Coding::Zstd => Box::new(ZstdDecoder::new(content)),
    }
}

/// Makes headers tell the truth about a content that was changed, and is `len` bytes long if that
/// is known.
pub(crate) fn relabel(headers: &mut HeaderMap, len: Option<usize>) {
    // Of the bytes as they were: their coding, their digests, and that parts can be asked for.
    let stale = [
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::ACCEPT_RANGES,
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("content-md5"),
        HeaderName::from_static("digest"),
        HeaderName::from_static("repr-digest"),
    ];
    for name in stale {
        headers.remove(name);
    }
    if let Some(len) = len {
        headers.insert(header::CONTENT_LENGTH, len.into());
    }
    // A strong validator promises the same bytes.
    let etag = headers.get(header::ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    let weak = etag
        .and_then(|etag| http::HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
    use http::HeaderValue;
    use http_body_util::channel::Channel;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn encode(content: &[u8], coding: Coding) -> Vec<u8> {
        macro_rules! with {
            ($encoder:ident) => {{
                let mut encoder = $encoder::new(Vec::new());
                encoder.write_all(content).await.unwrap();
                encoder.shutdown().await.unwrap();
                encoder.into_inner()
            }};
        }
        match coding {
            Coding::Br => with!(BrotliEncoder),
            Coding::Deflate => with!(ZlibEncoder),
            Coding::Gzip => with!(GzipEncoder),
            Coding::Zstd => with!(ZstdEncoder),
        }
    }

    fn codings(lines: &[&'static str]) -> Result<Vec<Coding>, String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(line));
        }
        Coding::of(&headers).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn every_coding_comes_off_and_also_one_on_top_of_another() {
        for coding in [Coding::Br, Coding::Deflate, Coding::Gzip, Coding::Zstd] {
            let encoded = encode(b"hello", coding).await.into();
            assert_eq!(decode(encoded, &[coding], 5).await.unwrap(), "hello");
        }
        let twice = encode(&encode(b"hello", Coding::Br).await, Coding::Gzip).await;
        assert_eq!(codings(&["br", "X-Gzip , identity"]), Ok(vec![Coding::Br, Coding::Gzip]));
        let decoded = decode(twice.into(), &[Coding::Br, Coding::Gzip], 5).await.unwrap();
        assert_eq!(decoded, "hello");
    }

    #[tokio::test]
    async fn a_content_that_unpacks_past_the_limit_is_refused() {
        let bomb = encode(&vec![0; 4 << 20], Coding::Gzip).await;
        assert!(bomb.len() < 8 * 1024);
        let error = decode(bomb.into(), &[Coding::Gzip], 100).await.unwrap_err();
        assert_eq!(error.to_string(), "the decoded content is longer than 100 bytes");
    }

    #[tokio::test]
    async fn what_is_not_encoded_so_is_refused() {
        let error = decode("plain".into(), &[Coding::Gzip], 100).await.unwrap_err();
        assert_eq!(error.to_string(), "the content is not encoded as its header says");
        assert_eq!(codings(&["lzw"]), Err("the content coding \"lzw\" is not known".into()));
        let five = "the content coding \"br on top of 4 others\" is not known";
        assert_eq!(codings(&["br, br, br, br, br"]), Err(five.into()));
    }

    #[tokio::test]
    async fn a_stream_is_decoded_as_far_as_it_has_come() {
        let (mut sender, body) = Channel::<Bytes, BoxError>::new(4);
        let mut decoded = decode_stream(Body::boxed(body), &[Coding::Gzip]);
        let mut encoder = GzipEncoder::new(Vec::new());
        encoder.write_all(b"one").await.unwrap();
        encoder.flush().await.unwrap();
        let first = std::mem::take(encoder.get_mut());
        sender.try_send(Frame::data(first.into())).unwrap();
        assert_eq!(decoded.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
        encoder.write_all(b"two").await.unwrap();
        encoder.shutdown().await.unwrap();
        sender.try_send(Frame::data(encoder.into_inner().into())).unwrap();
        drop(sender);
        assert_eq!(decoded.into_whole(9).await.unwrap(), "two");
    }

    #[test]
    fn headers_no_longer_speak_of_what_was() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-encoding", "gzip"),
            ("content-length", "9"),
            ("content-digest", "x"),
            ("etag", "\"a\""),
            ("x-other", "1"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        relabel(&mut headers, Some(3));
        let mut left: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(left, [("content-length", "3"), ("etag", "W/\"a\""), ("x-other", "1")]);
    }
}
