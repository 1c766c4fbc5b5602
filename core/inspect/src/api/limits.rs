//! What one client may cost.

use std::time::Duration;

/// Connections at a time; further ones wait in the kernel's queue.
///
/// Reason: a browser keeps six, a script a few; all of them are local.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// Streams of events at a time.
///
/// Reason: one for each page that is open, and well below the connections, so that pages cannot
/// keep scripts out.
pub(super) const MAX_EVENT_STREAMS: usize = 64;

/// Octets of a request's head.
///
/// Reason: through an endpoint that leads here, all the headers of a browser come along.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// Octets of path and query.
///
/// Reason: a list of exchanges for an export, 17 octets each; no name is longer.
pub(super) const MAX_TARGET: usize = 16 * 1024;

/// Octets of a body that describes something.
///
/// Reason: a definition with a traffic policy and certificates inside.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// Octets of a body that changes a request: base64 of a request's body, and JSON around it.
pub(super) const MAX_REPLAY: usize = 32 * 1024 * 1024;

/// Octets of an archive.
///
/// Reason: browsers export sessions of tens of megabytes.
pub(super) const MAX_ARCHIVE: usize = 64 * 1024 * 1024;

/// Time to send a request's head, and longest rest between two requests.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Time to send a request's body.
///
/// Reason: an archive over a slow link to a machine far away.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may take none of what is sent to it.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may read the last answer, while its unread bytes are thrown away.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// Octets that are thrown away then.
pub(super) const MAX_LINGER: u64 = 4 * 1024 * 1024;

/// Answers at a time that take real work: bodies decoded and compared, archives.
///
/// Reason: each may hold a few decoded bodies; and the visitors' traffic goes first.
pub(super) const MAX_WORK: usize = 2;

/// Changes and replays at a time that go on whether or not their client waits.
///
/// Reason: a test suite starts its endpoints at once; who sends more tests something else.
pub(super) const MAX_WHOLE: usize = 64;

/// Ports that are tried above the default one.
///
/// Reason: clients look at the first few; nobody runs a hundred agents without giving them ports.
pub(super) const MORE_PORTS: u16 = 100;

/// Octets of raw requests and responses in one list.
///
/// Reason: a list is for looking at; one exchange, asked for by itself, has all of its own.
pub(super) const MAX_LIST_RAW: usize = 8 * 1024 * 1024;

/// Exchanges in one list of captured requests.
pub(super) const MAX_LIST: usize = 10_000;

/// Exchanges on one page of a list.
pub(super) const MAX_PAGE: usize = 1_000;

/// Exchanges on one page, when nobody says.
pub(super) const PAGE: usize = 100;

/// How often a silent stream of events says something, so that both ends notice a broken one.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long changes are gathered, so that those of one exchange become one event.
///
/// Reason: three frames of a screen; a person sees no delay.
pub(super) const GATHER: Duration = Duration::from_millis(50);

/// Exchanges that are told of at a time; of more, the newest.
///
/// Reason: thousands a second are more than anybody sees, and each costs time that the traffic needs.
pub(super) const MAX_GATHERED: usize = 200;
