//! What a connection is told about its owner's shutdown.

use adit_net::ConnStop;
use tokio_util::sync::CancellationToken;

/// The phases of a shutdown, as a connection sees them.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Finish what is under way, begin nothing new, tell the peer (`Connection: close`, GOAWAY).
    pub drain: CancellationToken,
    /// Say so to whoever still waits for the head of an answer: the end is near. For agents, and heard
    /// by those of their connections on which nobody else can say so.
    pub late: Option<CancellationToken>,
    /// End at once.
    pub cut: CancellationToken,
}

impl From<&ConnStop> for Stop {
    fn from(stop: &ConnStop) -> Self {
        Self { drain: stop.stop.clone(), late: None, cut: stop.cut.clone() }
    }
}
