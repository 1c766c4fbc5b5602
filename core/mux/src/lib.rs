//! Many streams in one byte stream, speaking the framing of ngrok-v3 agents ("muxado").
//!
//! The promise: whatever a peer sends, nothing panics, memory stays within named limits, and one
//! slow stream never stalls another. Every byte written to a stream arrives once and in order, or
//! the stream says that it failed.
//!
//! Left out on purpose: what streams mean (types, RPC, heartbeats), TLS, dialling, reconnecting.
//!
//! ```text
//!   handles: Session, Accept, Stream ──┐
//!                                      ├── Mutex<Machine>   pure: frames in, frames out, a clock passed in
//!   Driver (one task): read, write ────┘
//! ```
//!
//! ```
//! use adit_mux::{Config, session};
//! use bytes::Bytes;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, far) = tokio::io::duplex(64 * 1024);
//! let (agent, _accept, agent_driver) = session(near, Config::agent());
//! let (_edge, mut incoming, edge_driver) = session(far, Config::edge());
//! let drivers = async { tokio::join!(agent_driver, edge_driver) };
//! let talk = async {
//!     let mut out = agent.open(Bytes::from_static(b"\0\0\0\x01ping"))?;
//!     let mut stream = incoming.accept().await.ok_or("session ended")?;
//!     let mut first = [0; 8];
//!     stream.read_exact(&mut first).await?;
//!     stream.write_all(b"pong").await?;
//!     let mut answer = [0; 4];
//!     out.read_exact(&mut answer).await?;
//!     assert_eq!(&answer, b"pong");
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! };
//! tokio::select! { result = talk => result, _ = drivers => unreachable!() }
//! # }
//! ```

mod accept;
mod config;
mod driver;
mod error;
pub mod frame;
pub mod machine;
mod session;
mod shared;
mod stream;

pub use accept::Accept;
pub use config::{
    Config, Excess, INITIAL_WINDOW, Limits, PeerCredit, PeerTraits, Role, WindowPolicy,
};
pub use driver::Driver;
pub use error::{ErrorCode, OpenError, ResetBy, SessionError, StreamError};
pub use frame::StreamId;
pub use machine::Stats;
pub use session::{Session, session};
pub use stream::Stream;
