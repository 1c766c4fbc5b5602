//! The JSON messages: one struct per request and one per successful answer.
//!
//! Field types are what a reader may rely on: lists, maps and texts are never null here. The `Error`
//! member is not part of an answer: [`rpc`](crate::rpc) adds it when writing and looks at it first when
//! reading, so that whoever holds an answer holds a success.

mod auth;
mod bind;
mod command;
mod tunnel;

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    auth::{
        Auth, AuthExtra, AuthResp, AuthRespExtra, ConnectAddress, DeprecationWarning, VERSIONS,
        choose_version,
    },
    bind::{Bind, BindExtra, BindResp, BindRespExtra, MAX_METADATA_LEN, Proto, check_metadata},
    command::{CommandResp, Restart, Stop, StopTunnel, Update},
    tunnel::{
        MAX_LABELS, PatchTunnelState, PatchTunnelStateResp, SrvInfo, SrvInfoResp,
        StartTunnelWithLabel, StartTunnelWithLabelResp, Unbind, UnbindResp,
    },
};
use crate::StreamType;

/// The first message of a stream of one type.
pub trait Message: Serialize + DeserializeOwned {
    /// The type of the streams that begin with it.
    const TYPE: StreamType;
}

/// A message that is answered.
pub trait Request: Message {
    /// What a success looks like.
    type Answer: Serialize + DeserializeOwned;
}

macro_rules! requests {
    ($($request:ty: $stream_type:ident -> $answer:ty;)*) => {
        $(
            impl Message for $request {
                const TYPE: StreamType = StreamType::$stream_type;
            }
            impl Request for $request {
                type Answer = $answer;
            }
        )*
    };
}

requests! {
    Auth: AUTH -> AuthResp;
    Bind: BIND -> BindResp;
    Unbind: UNBIND -> UnbindResp;
    StartTunnelWithLabel: START_TUNNEL_WITH_LABEL -> StartTunnelWithLabelResp;
    SrvInfo: SRV_INFO -> SrvInfoResp;
    PatchTunnelState: PATCH_TUNNEL_STATE -> PatchTunnelStateResp;
    Restart: RESTART -> CommandResp;
    Stop: STOP -> CommandResp;
    Update: UPDATE -> CommandResp;
}

impl Message for StopTunnel {
    const TYPE: StreamType = StreamType::STOP_TUNNEL;
}
