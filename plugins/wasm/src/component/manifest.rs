//! What `adit policy build` writes into a component about itself.

use serde::{Deserialize, Serialize};

/// Name of the custom section.
pub(super) const SECTION: &str = "adit:policy";

/// Octets of the section that are read.
pub(super) const MAX_MANIFEST: usize = 16 * 1024;

/// What a component says about itself, in its custom section `adit:policy`. Unknown fields are
/// ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Manifest {
    /// The policy's name.
    pub name: Option<String>,
    /// The policy's version.
    pub version: Option<String>,
    /// The SDK's version.
    pub sdk: Option<String>,
    /// The agent's version that it needs.
    pub min_agent: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}
