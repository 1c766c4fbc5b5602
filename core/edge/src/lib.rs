//! The public side: accepts agents and visitors, and leads each visitor to the agent that serves
//! the address they came for.
//!
//! Promise: whatever agents and visitors do, nothing panics, memory stays within named limits, and
//! one of them never stalls another. An address is only ever given to those who may have it, and
//! goes back to whoever had it when they return.
//!
//! ```text
//! visitor ─▶ visitor ─▶ table ─▶ pool ─▶ tunnel: chain, then upstream ─▶ paths ─▶ leg ══▶ agent
//! agent   ─▶ visitor ─▶ leg: auth, rpc ─▶ control (sessions, tunnels) ─▶ table
//! ```
//!
//! Reading order:
//!
//! - [`edge`], [`settings`], [`limits`], [`operator`]: what a program uses.
//! - [`account`], [`acl`]: who may do what.
//! - `visitor`, `router`, `redirect`, `restart`: connections from outside find their route.
//! - `leg`: one connection of an agent; `control`: all sessions; `ticket`: what agents carry for us.
//! - `address`, [`host`], `lower`, `tunnel`: from a bind to a route.
//! - `table`, `neighbours`, `paths`, `upstream`, `proxied`: from a name to a stream.
//! - [`ca`], `certificates`, `state`: keys and what is kept of them.
//!
//! Left out: how bytes are relayed and HTTP is spoken (`adit-runtime`), frames (`adit-mux`),
//! messages (`adit-proto`), and every concrete handler.

pub mod account;
pub mod acl;
mod address;
pub mod ca;
mod certificates;
mod control;
pub mod edge;
mod failures;
pub mod host;
mod leg;
pub mod limits;
mod lower;
mod neighbours;
pub mod operator;
mod paths;
mod proxied;
mod random;
mod redirect;
mod restart;
mod router;
pub mod settings;
mod shared;
pub mod state;
mod table;
mod ticket;
mod tunnel;
mod upstream;
mod visitor;

pub use self::{
    account::{Account, Accounts, AuthRefused, EmbeddedAccounts, FileAccounts},
    edge::{Addresses, Edge, StartError},
    operator::{CommandError, SessionInfo, TunnelInfo},
    settings::Settings,
};
