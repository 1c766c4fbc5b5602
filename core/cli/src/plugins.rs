//! Policies in WebAssembly: from `plugins:` and `--policy` to kinds of handlers, and to new ones
//! when their files change.
//!
//! ```text
//! plugins: ─► PluginSpec ─► Slot (a kind of handler) ─► links of endpoints
//! file changes ─► a new component in the Slot ─► the endpoints that use it are updated
//! ```
//!
//! Without a policy in the configuration nothing is started.

mod flags;
#[cfg(feature = "wasm")]
mod load;
#[cfg(not(feature = "wasm"))]
#[path = "plugins/without.rs"]
mod load;
#[cfg(feature = "wasm")]
mod outbound;
#[cfg(feature = "wasm")]
mod reload;
#[cfg(feature = "wasm")]
mod slot;

use adit_agent::{Endpoint, EndpointSpec};

pub(crate) use self::{flags::with_policies, load::Plugins};

/// An endpoint that is served, and what it was made of.
pub(crate) struct Served {
    pub(crate) endpoint: Endpoint,
    #[cfg_attr(not(feature = "wasm"), expect(dead_code, reason = "nothing is made anew"))]
    pub(crate) spec: EndpointSpec,
}
