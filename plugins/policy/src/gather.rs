//! All of a body, for actions that need all of it.

use adit_chain::{Body, BodyLimits, BodyTooLong, BoxError};
use bytes::Bytes;
use tokio::time::timeout;

/// A body could not be gathered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatherError {
    /// Its sender broke it off.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    Late,
    /// It is longer than what may be gathered.
    #[error(transparent)]
    TooLong(#[from] BodyTooLong),
}

/// All of a body, without its trailers. A body that fits is at most copied once; one that is
/// gathered already is not.
///
/// # Errors
/// It is too long, too slow, or not all of it came. What had come is lost.
pub(crate) async fn gather(body: Body, limits: BodyLimits) -> Result<Bytes, GatherError> {
    let whole = timeout(limits.timeout, body.into_whole(limits.max_len)).await;
    whole.map_err(|_| GatherError::Late)?.map_err(|error| {
        error.downcast::<BodyTooLong>().map_or_else(GatherError::Broken, |error| (*error).into())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body::Frame;
    use http_body_util::channel::Channel;

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { max_len: 4, timeout: Duration::from_secs(1) };

    #[tokio::test]
    async fn a_body_within_the_limits_comes_whole() {
        let (mut sender, body) = Channel::<Bytes, BoxError>::new(2);
        sender.try_send(Frame::data(Bytes::from_static(b"ab"))).unwrap();
        sender.try_send(Frame::data(Bytes::from_static(b"cd"))).unwrap();
        drop(sender);
        assert_eq!(gather(Body::boxed(body), LIMITS).await.unwrap(), "abcd");
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_are_too_long_too_slow_or_broken_are_told_apart() {
        let long = gather(Body::from("abcde"), LIMITS).await.unwrap_err();
        assert_eq!(long.to_string(), "the body is longer than 4 bytes");

        let (_sender, body) = Channel::<Bytes, BoxError>::new(1);
        let late = gather(Body::boxed(body), LIMITS).await.unwrap_err();
        assert_eq!(late.to_string(), "the body did not arrive in time");

        let (sender, body) = Channel::<Bytes, BoxError>::new(1);
        sender.abort("reset".into());
        let broken = gather(Body::boxed(body), LIMITS).await.unwrap_err();
        assert_eq!(broken.to_string(), "the body broke off");
    }
}
