//! A pipe whose HTTP was put away: its bytes stay open, and cost no buffers.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use adit_net::{Io, Rewind};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    sync::oneshot,
    time::timeout,
};

use super::{crew::Crew, pipe::Pipe};
use crate::limits::LINGER;

/// The bytes of a pipe between exchanges.
pub(super) struct Folded {
    /// Where they are handed over, and wait.
    after: oneshot::Receiver<Rewind<Io>>,
    origin: Option<Arc<str>>,
}

impl Folded {
    pub(super) const fn new(
        after: oneshot::Receiver<Rewind<Io>>,
        origin: Option<Arc<str>>,
    ) -> Self {
        Self { after, origin }
    }

    /// Speaks HTTP again. `None` if the upstream closed the pipe meanwhile, or said something
    /// without having been asked.
    pub(super) async fn unfold(mut self, crew: &Crew) -> Option<Pipe> {
        let (unread, mut io) = self.after.try_recv().ok()?.into_parts();
        let is_quiet = poll_fn(|cx| {
            let mut byte = [0];
            let read = Pin::new(&mut io).poll_read(cx, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_pending())
        });
        if !unread.is_empty() || !is_quiet.await {
            return None;
        }
        Pipe::again(io, self.origin, crew).await
    }

    /// Ends the bytes, and gives the upstream the time to do so too: cut off without that, a
    /// stream would look like a visitor that hung up.
    pub(super) async fn close(self) {
        let closing = async {
            let Ok(mut io) = self.after.await else { return };
            if io.shutdown().await.is_ok() {
                // Either its end, or something that nobody asked for.
                let _ = io.read_u8().await;
            }
        };
        let _ = timeout(LINGER, closing).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adit_chain::Body;
    use http::Request;
    use tokio::{io::DuplexStream, time::Instant};

    use super::*;
    use crate::http::{
        crew::Members,
        idle::{Found, Idle},
        turn::{CREW, Turn},
    };

    const PIPE_IDLE: Duration = Duration::from_secs(15);

    /// A pipe that two looks found idle, where it was folded, and its upstream.
    async fn folded() -> (Idle, Instant, Crew, Members, DuplexStream) {
        let (crew, mut members) = Crew::new(Turn::new().waker(CREW).clone());
        let (ours, upstream) = tokio::io::duplex(1024);
        let pipe = Pipe::again(Io::other(ours), None, &crew).await.unwrap();
        let (mut idle, now) = (Idle::default(), Instant::now());
        idle.give_back(pipe);
        assert!(idle.look(now, PIPE_IDLE, true).is_empty());
        assert!(idle.look(now, PIPE_IDLE, true).is_empty());
        turn(&mut members).await;
        (idle, now, crew, members, upstream)
    }

    async fn turn(members: &mut Members) {
        poll_fn(|cx| {
            members.poll(cx);
            Poll::Ready(())
        })
        .await;
    }

    fn take(mut idle: Idle) -> Folded {
        match idle.take() {
            Some(Found::Folded(folded)) => folded,
            _ => panic!("the pipe is not folded"),
        }
    }

    #[tokio::test]
    async fn a_folded_pipe_speaks_again() {
        let (idle, _, crew, mut members, mut upstream) = folded().await;
        let mut pipe = take(idle).unfold(&crew).await.unwrap();
        let serving = async {
            let mut head = [0; 16];
            upstream.read_exact(&mut head).await.unwrap();
            assert_eq!(&head, b"GET / HTTP/1.1\r\n");
            upstream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            std::future::pending().await
        };
        let driving = poll_fn(|cx| {
            members.poll(cx);
            Poll::Pending
        });
        let status = tokio::select! {
            response = pipe.send(Request::new(Body::Empty)) => response.ok().map(|r| r.status()),
            () = serving => None,
            () = driving => None,
        };
        assert_eq!(status, Some(http::StatusCode::NO_CONTENT));
    }

    #[tokio::test]
    async fn a_folded_pipe_that_the_upstream_closed_is_not_used() {
        let (idle, _, crew, _members, upstream) = folded().await;
        drop(upstream);
        assert!(take(idle).unfold(&crew).await.is_none());
    }

    #[tokio::test]
    async fn a_folded_pipe_on_which_something_was_said_is_not_used() {
        let (idle, _, crew, _members, mut upstream) = folded().await;
        upstream.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await.unwrap();
        assert!(take(idle).unfold(&crew).await.is_none());
    }

    #[tokio::test]
    async fn a_folded_pipe_is_closed_by_both_sides_in_the_end() {
        let (mut idle, now, _crew, _members, mut upstream) = folded().await;
        assert!(idle.look(now + PIPE_IDLE / 2, PIPE_IDLE, true).is_empty());
        let retired = idle.look(now + PIPE_IDLE, PIPE_IDLE, true).pop().unwrap();
        assert!(idle.take().is_none());
        let mut rest = Vec::new();
        let serving = async {
            upstream.read_to_end(&mut rest).await.unwrap();
            drop(upstream);
        };
        tokio::join!(retired.close(), serving);
        assert_eq!(rest, b"");
    }
}
