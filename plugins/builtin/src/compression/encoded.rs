//! A body, compressed as it passes.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use adit_chain::{Body, BoxError};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};

use super::{Algorithm, encoder::Encoder};

/// Enough output to be worth a frame of its own, in bytes.
const WORTH_SENDING: usize = 16 * 1024;

/// Input of one compression step, in bytes.
const STEP: usize = 16 * 1024;

/// Steps before other tasks get their turn: about a millisecond.
const STEPS_PER_TURN: usize = 8;

/// Compresses frame by frame. Output is held back only while more input is at hand: before it waits
/// for the upstream, everything goes out.
pub(super) struct Encoded {
    body: Body,
    encoder: Encoder,
    /// Input that was taken but not compressed yet.
    input: Bytes,
    state: State,
}

enum State {
    /// Nothing is in the encoder that the visitor has not got.
    Clean,
    /// The encoder holds something back.
    Dirty,
    /// The encoder has finished; what is left goes out, then the trailers.
    Finished {
        trailers: Option<HeaderMap>,
    },
    Done,
}

impl Encoded {
    pub(super) fn new(body: Body, algorithm: Algorithm) -> Self {
        let (encoder, input) = (Encoder::new(algorithm), Bytes::new());
        Self { body, encoder, input, state: State::Clean }
    }

    fn finish(&mut self, trailers: Option<HeaderMap>) -> Result<(), BoxError> {
        self.encoder.finish()?;
        self.state = State::Finished { trailers };
        Ok(())
    }

    /// Compresses the next piece of the input.
    fn step(&mut self) -> Result<(), BoxError> {
        let n = self.input.len().min(STEP);
        self.encoder.write(&self.input[..n])?;
        self.input.advance(n);
        self.state = State::Dirty;
        Ok(())
    }

    fn output(&mut self) -> Option<Frame<Bytes>> {
        (self.encoder.n_ready() > 0).then(|| Frame::data(self.encoder.take()))
    }
}

impl HttpBody for Encoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        for _ in 0..STEPS_PER_TURN {
            match &mut this.state {
                State::Done => return Poll::Ready(None),
                State::Finished { trailers } => {
                    let trailers = trailers.take();
                    if let Some(frame) = this.output() {
                        this.state = State::Finished { trailers };
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    this.state = State::Done;
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                State::Clean | State::Dirty => {}
            }
            if this.encoder.n_ready() >= WORTH_SENDING {
                return Poll::Ready(this.output().map(Ok));
            }
            if !this.input.is_empty() {
                this.step()?;
                continue;
            }
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(None) => this.finish(None)?,
                Poll::Ready(Some(frame)) => match frame?.into_data() {
                    Ok(data) => this.input = data,
                    Err(frame) => this.finish(frame.into_trailers().ok())?,
                },
                Poll::Pending => {
                    if let State::Dirty = this.state {
                        this.encoder.flush()?;
                        this.state = State::Clean;
                    }
                    return match this.output() {
                        Some(frame) => Poll::Ready(Some(Ok(frame))),
                        None => Poll::Pending,
                    };
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Done)
    }
}
