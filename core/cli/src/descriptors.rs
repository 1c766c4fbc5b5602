//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::debug;

/// Raises the limit to what the system allows.
///
/// Reason: each connection takes one. Fact: the usual limit of 1,024 stands below the allowed one for
/// the sake of programs that use `select`; with it an edge was full with a tenth of the visitors that
/// its own limits let in.
pub(crate) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        debug!(%error, ?current, ?maximum, "cannot raise the limit of open files");
    }
}
