//! Policies in WebAssembly: from `plugins:` and `--policy` to kinds of handlers, and to new ones
//! when their files change.
//!
//! ```text
//! plugins: ─► PluginSpec ─► Slot (a kind of handler) ─► links of endpoints
//! file changes ─► a new component in the Slot ─► the endpoints that use it are updated
//! configuration changes ─► other Slots beside those of before ─► the same
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

#[cfg(not(feature = "wasm"))]
pub(crate) use self::load::{Renewed, Seen, Stamp, stamp};
#[cfg(feature = "wasm")]
pub(crate) use self::reload::{Renewed, Seen, Stamp, stamp};
pub(crate) use self::{flags::with_policies, load::Plugins};
