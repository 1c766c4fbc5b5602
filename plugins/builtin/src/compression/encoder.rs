//! One streaming compressor, whatever the coding. Writes to memory, so it never waits.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use async_compression::{
    Level,
    brotli::EncoderParams,
    tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder},
    zstd::CParameter,
};
use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::Algorithm;

/// Levels for bytes that are made once and read once: speed before the last percent.
const BROTLI_LEVEL: Level = Level::Precise(4);
const GZIP_LEVEL: Level = Level::Precise(5);
const ZSTD_LEVEL: Level = Level::Precise(3);

/// Log2 of the window that brotli and zstd look back over: their defaults cost megabytes for each
/// response under way.
const WINDOW_LOG: u8 = 18;

pub(super) struct Encoder(Box<dyn Encode>);

/// A compressor in front of its output.
trait Encode: AsyncWrite + Send + Unpin {
    fn output(&mut self) -> &mut Vec<u8>;
}

macro_rules! encode {
    ($($encoder:ident),*) => {
        $(impl Encode for $encoder<Vec<u8>> {
            fn output(&mut self) -> &mut Vec<u8> {
                self.get_mut()
            }
        })*
    };
}

encode!(BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder);

impl Encoder {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let to = Vec::new();
        Self(match algorithm {
            Algorithm::Br => {
                let params = EncoderParams::default().quality(BROTLI_LEVEL);
                Box::new(BrotliEncoder::with_params(to, params.window_size(WINDOW_LOG.into())))
            }
            Algorithm::Deflate => Box::new(ZlibEncoder::with_quality(to, GZIP_LEVEL)),
            Algorithm::Zstd => {
                let window = CParameter::window_log(WINDOW_LOG.into());
                Box::new(ZstdEncoder::with_quality_and_params(to, ZSTD_LEVEL, &[window]))
            }
            // Nobody negotiates `compress`.
            Algorithm::Gzip | Algorithm::Compress => {
                Box::new(GzipEncoder::with_quality(to, GZIP_LEVEL))
            }
        })
    }

    /// Compresses all of `data`.
    pub(super) fn write(&mut self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let n = self.now(|to, cx| to.poll_write(cx, data))?;
            data = data.get(n..).filter(|_| n > 0).ok_or(io::ErrorKind::WriteZero)?;
        }
        Ok(())
    }

    /// Pushes out everything written so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.now(|to, cx| to.poll_flush(cx))
    }

    /// Writes the end.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.now(|to, cx| to.poll_shutdown(cx))
    }

    /// How much output waits, in bytes.
    pub(super) fn n_ready(&mut self) -> usize {
        self.0.output().len()
    }

    /// The output so far.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(self.0.output()).into()
    }

    fn now<T>(
        &mut self,
        step: impl FnOnce(Pin<&mut dyn Encode>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        match step(Pin::new(&mut *self.0), &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::Error::other("memory is always ready to be written to")),
        }
    }
}
