//! Trying a policy as somebody else directs: on connections that they make, with all that it
//! answered.

use std::sync::Arc;

use adit_chain::{Conn, OnConnect};
use bytes::Bytes;

use super::{Call, Lab, PieceVerdict, PieceWay};
use crate::{
    Fault, connect,
    hook::{Hook, HookInterface},
    host::Current,
    pieces::{Caller, Way},
};

/// What a policy answered, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// What it decided about pieces of bodies and of raw connections.
    pub pieces: Vec<(Hook, PieceVerdict)>,
    /// Why it broke off.
    pub reasons: Vec<(Hook, String)>,
}

/// A piece of a raw connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it goes.
    pub way: PieceWay,
    /// Its octets.
    pub bytes: Bytes,
    /// Whether this direction ends with it.
    pub is_last: bool,
}

impl Lab {
    /// Calls and faults since the last look, also of chains that hold the same policy: the same
    /// component with the same configuration from the same host.
    pub fn observed(&self) -> (Vec<Call>, Vec<Fault>) {
        self.policy().observed()
    }

    /// What it answered since the last look.
    pub fn heard(&self) -> Heard {
        self.policy().observer().map(|observer| observer.heard()).unwrap_or_default()
    }

    /// Opens a raw connection through the policy, and shows it pieces until it has seen enough of
    /// them. Whether it was let in; `None`: the policy broke.
    pub async fn connect(
        &self,
        conn: &Arc<Conn>,
        pieces: impl IntoIterator<Item = Piece>,
    ) -> Option<bool> {
        let connected = connect::on_connect(&self.link, conn).await;
        let is_accepted = match &connected {
            Ok(OnConnect::Refuse(_)) => Some(false),
            Ok(_) => Some(true),
            Err(_) => None,
        };
        if is_accepted == Some(true) && self.policy().has(HookInterface::Stream) {
            self.pass(conn, pieces).await;
        }
        if let Ok(OnConnect::NextThen(closing) | OnConnect::WrapThen(_, closing)) = connected {
            closing.on_close(adit_chain::End::default()).await;
        }
        is_accepted
    }

    async fn pass(&self, conn: &Arc<Conn>, pieces: impl IntoIterator<Item = Piece>) {
        use crate::bindings::adit::policy::types::ChunkVerdict as Is;

        let current = Current { conn: Some(self.link.view(conn)), ..Current::default() };
        let mut caller = Caller::of_connection(Arc::clone(&self.link), current);
        for Piece { way, bytes, is_last } in pieces {
            let way = match way {
                PieceWay::ToClient => Way::ToClient,
                PieceWay::ToUpstream => Way::ToUpstream,
            };
            let called = caller.call(way, bytes, is_last).await;
            caller = called.caller;
            if let Ok(Is::Abort(reason)) = &called.result {
                crate::request::aborted(self.policy(), Hook::Data, reason);
            }
            if !matches!(called.result, Ok(Is::Pass | Is::Replace(_))) {
                break;
            }
        }
        caller.release();
    }
}
