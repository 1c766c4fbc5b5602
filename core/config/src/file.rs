//! What was written: one file, in the current layout, every value optional and with its place.
//!
//! Files of versions 1 and 2 are brought into this layout while they are read, so that files of
//! different versions can be merged. Flags come in as the same types.

mod agent;
mod endpoint;
mod layout;
mod tunnel;

pub use self::{
    agent::{
        Agent, CONNECT_PLACES, ConsoleColor, ConsoleUi, LogFormat, LogLevel, PolicyCache,
        PolicyRequests, UpdateChannel,
    },
    endpoint::{AgentTls, Endpoint, Enforce, HttpVersion, Upstream},
    layout::File,
    tunnel::{
        BindTls, HeaderEdit, IpRestriction, OAuth, Oidc, TerminateAt, Tunnel, UserAgentFilter,
        VerifyWebhook,
    },
};

pub(crate) use self::layout::{V1_AGENT, V1_TUNNEL, V3_KEYS, read_limited};
