//! What a policy needs: `use adit_policy_sdk::prelude::*;`

pub use std::time::Duration;

pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value as Json, json};

pub use crate::error::{Error, ErrorKind, Result};
pub use crate::rate::Quota;
pub use crate::seeded::SeededMap;
pub use crate::verdict::{Admission, BodyVerdict, ChunkVerdict, Direction, Verdict};
pub use crate::{
    Connection, HeaderValue, Outcome, Reply, Request, Response, agent, bail, clock, crypto, kv,
    log, metrics, outbound, policy, random, rate, secrets,
};
