//! Gathers the start of a body, and puts it back in front of the rest.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use adit_chain::{Body, BoxError, Refusal};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// The start of a body, and the rest of it.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) start: Bytes,
    /// Whether that is all of it.
    pub(crate) is_complete: bool,
    pub(crate) rest: Rest,
}

/// What comes after the start.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Read already: the end of a piece that began within the limit, or trailers.
    frame: Option<Frame<Bytes>>,
    body: Body,
}

/// Reads up to `limit` octets of a body.
///
/// # Errors
/// What to tell the visitor, when the body did not come in time or broke off.
pub(crate) async fn gather(
    body: Body,
    limit: usize,
    within: Duration,
) -> Result<Gathered, Refusal> {
    match timeout(within, read(body, limit)).await {
        Ok(Ok(gathered)) => Ok(gathered),
        Ok(Err(_)) => Err(Refusal::close()),
        Err(_) => {
            let message = "The body did not arrive in time.";
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

async fn read(mut body: Body, limit: usize) -> Result<Gathered, BoxError> {
    if let Body::Whole(start) = &body
        && start.len() <= limit
    {
        return Ok(Gathered { start: start.clone(), is_complete: true, rest: Rest::default() });
    }
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    let mut frame = None;
    loop {
        let have = if more.is_empty() { first.len() } else { more.len() };
        if have == limit && limit > 0 && body.is_end_stream() {
            break;
        }
        let Some(next) = body.frame().await.transpose()? else { break };
        let mut data = match next.into_data() {
            Ok(data) => data,
            Err(trailers) => {
                frame = Some(trailers);
                break;
            }
        };
        let rest = data.split_off((limit - have).min(data.len()));
        if first.is_empty() && more.is_empty() {
            // Most bodies come in one piece: it is not copied.
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
        if !rest.is_empty() {
            let start = if more.is_empty() { first } else { more.freeze() };
            let rest = Rest { frame: Some(Frame::data(rest)), body };
            return Ok(Gathered { start, is_complete: false, rest });
        }
    }
    let start = if more.is_empty() { first } else { more.freeze() };
    Ok(Gathered { start, is_complete: true, rest: Rest { frame, body: Body::Empty } })
}

impl Gathered {
    /// The body, as it was.
    pub(crate) fn into_body(self) -> Body {
        let Self { start, is_complete, rest } = self;
        if is_complete && rest.frame.is_none() {
            return start.into();
        }
        let length = rest.size_hint().exact().map(|n| n + start.len() as u64);
        Body::boxed(Whole { start, rest, length })
    }
}

impl Rest {
    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        if let Some(data) = self.frame.as_ref().and_then(Frame::data_ref) {
            let n = data.len() as u64;
            match hint.exact() {
                Some(rest) => hint = SizeHint::with_exact(rest + n),
                None => hint.set_lower(hint.lower() + n),
            }
        }
        hint
    }
}

/// A body whose start was read and put back.
struct Whole {
    start: Bytes,
    rest: Rest,
    length: Option<u64>,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.length = None;
        if !this.start.is_empty() {
            let start = std::mem::take(&mut this.start);
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        if let Some(frame) = this.rest.frame.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        Pin::new(&mut this.rest.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_empty() && self.rest.frame.is_none() && self.rest.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::channel::Channel;

    use super::*;

    /// A body in pieces.
    fn pieces(list: &[&'static str]) -> Body {
        let (mut sender, body) = Channel::<Bytes, BoxError>::new(16);
        for piece in list {
            sender.try_send(Frame::data(Bytes::from_static(piece.as_bytes()))).unwrap();
        }
        Body::boxed(body)
    }

    #[tokio::test]
    async fn a_body_that_fits_is_complete_and_one_that_does_not_keeps_its_rest() {
        for (limit, start, is_complete) in
            [(0, "", false), (3, "abc", false), (6, "abcdef", true), (99, "abcdef", true)]
        {
            let gathered = read(pieces(&["abc", "de", "f"]), limit).await.unwrap();
            assert_eq!(
                (&gathered.start[..], gathered.is_complete),
                (start.as_bytes(), is_complete)
            );
            let body = gathered.into_body().into_whole(99).await.unwrap();
            assert_eq!(body, "abcdef");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_a_timeout() {
        let (_sender, body) = Channel::<Bytes, BoxError>::new(1);
        let refusal = gather(Body::boxed(body), 9, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
    }
}
