//! `adit edge`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `adit edge`.
#[derive(Debug, Args)]
pub struct EdgeArgs {
    /// Something beside running it.
    #[command(subcommand)]
    pub command: Option<EdgeCommand>,
    /// How it runs.
    #[command(flatten)]
    pub run: EdgeRunArgs,
}

/// What can be done beside running the edge.
#[derive(Debug, Subcommand)]
pub enum EdgeCommand {
    /// Make an authtoken; print it once, with the entry for the edge's file.
    Token {
        /// Name of the token in the file and in logs.
        #[arg(long, value_name = "NAME", default_value = "default")]
        id: String,
    },
    /// Print the root certificate of the edge's own authority, PEM.
    Ca {
        /// Directory in which the edge keeps its keys.
        #[arg(long, value_name = "DIR")]
        state_dir: Option<PathBuf>,
    },
}

/// Flags that run an edge; each stands over the same key of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct EdgeRunArgs {
    /// Base domain: agents dial connect.DOMAIN, endpoints get names under it.
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Address of the TLS port, for agents and visitors.
    #[arg(long, value_name = "IP:PORT")]
    pub tls_addr: Option<String>,
    /// Address of the plain HTTP port.
    #[arg(long, value_name = "IP:PORT")]
    pub http_addr: Option<String>,
    /// Ports for tcp endpoints.
    #[arg(long, value_name = "FIRST-LAST")]
    pub tcp_ports: Option<String>,
    /// Certificate chain, PEM; may be repeated, each with its --key.
    #[arg(long, value_name = "PATH")]
    pub cert: Vec<PathBuf>,
    /// Private key of the certificate in the same place.
    #[arg(long, value_name = "PATH")]
    pub key: Vec<PathBuf>,
    /// Directory in which the edge keeps its keys.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}
