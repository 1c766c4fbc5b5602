//! Headers that are not for users to set.

use http::{HeaderName, header};

/// Hop-by-hop headers, and those that say how long a message is: the relay sets them.
const FRAMING: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a header belongs to one connection or frames a message, so that nobody but the relay may
/// set it.
pub fn is_framing(name: &HeaderName) -> bool {
    FRAMING.contains(name)
}
