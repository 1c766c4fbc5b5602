//! Configuration of agent and edge: from the bytes of a file to what they mean.
//!
//! ```text
//! bytes -parse-> file::* -resolve-> Config | EdgeConfig
//!       yaml,              merging, environment,
//!       unknown keys       defaults, addresses
//! ```
//!
//! Both steps are pure, never panic, and report every problem at once with its line. What a
//! handler's options mean, whether a network or a certificate is valid, and whether a file exists
//! is not decided here: those values leave with their [`Place`], so that whoever refuses them can
//! point at it.
//!
//! ```
//! use adit_config::{Layers, file::File};
//!
//! let file = File::parse("adit.yml", b"version: 3\nendpoints:\n- name: a\n  upstream: {url: 80}\n");
//! let config = Layers { files: vec![file], ..Layers::default() }.resolve().unwrap();
//! assert_eq!(config.endpoints[0].upstream.addr.value.to_string(), "http://localhost:80");
//! ```

pub mod addr;
pub mod config;
pub mod diagnostic;
pub mod edge;
pub mod edit;
pub mod endpoint;
pub mod endpoint_url;
pub mod file;
pub mod handler;
pub mod location;
pub mod middleware;
mod nearest;
mod node;
pub mod opaque;
pub mod place;
mod read;
mod record;
pub mod report;
mod resolve;
pub mod schema;
pub mod secret;
mod traffic_policy;
pub mod unit;
pub mod upgrade;
pub mod upstream;
mod yaml;

pub use self::{
    config::Config,
    diagnostic::{Diagnostic, Diagnostics},
    edge::EdgeConfig,
    endpoint::Endpoint,
    endpoint_url::EndpointUrl,
    handler::HandlerSpec,
    nearest::nearest,
    place::{At, Place},
    read::NotAChoice,
    record::Named,
    resolve::{Env, Layers},
    secret::Secret,
    unit::ByteSize,
    upstream::UpstreamAddr,
    yaml::{MAX_DEPTH, MAX_FILE_LEN},
};
