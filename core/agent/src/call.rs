//! Calls to the edge, which are made again if it had no room for them.

use std::time::Duration;

use adit_mux::{Session as Mux, Stream};
use adit_proto::{
    message::Request,
    rpc::{Answered, CallError},
    session,
};
use tokio::time::{Instant, sleep};
use tracing::debug;

/// Pause before a call is made again.
///
/// Reason: our edge takes 256 streams at once and 50 in a second after those, so that few calls are
/// refused twice. A session ends with 100 refused streams in each of five seconds, which the few
/// calls that we make at a time do not reach.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a call is made again.
///
/// Reason: it is time for 300 more streams, and less than programs wait for an endpoint (our own 10 s),
/// who shall read why there is none.
const LONGEST: Duration = Duration::from_secs(6);

/// As [`session::call`], and again while the edge refuses the stream unread. An `Unbind` that is not
/// heard would leave an endpoint behind that nobody serves and nobody can bind.
pub(crate) async fn call<Q: Request>(
    mux: &Mux,
    request: &Q,
    limit: Duration,
) -> Result<Answered<Q::Answer, Stream>, CallError> {
    let began = Instant::now();
    loop {
        let took = began.elapsed();
        match session::call(mux, request, limit.saturating_sub(took)).await {
            Err(error) if error.was_not_taken() && took + PAUSE < limit.min(LONGEST) => {
                debug!(stream_type = %Q::TYPE, "the edge has no room for a call, which is made again");
                sleep(PAUSE).await;
            }
            answered => return answered,
        }
    }
}
