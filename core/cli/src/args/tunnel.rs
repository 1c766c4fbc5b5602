//! `adit tunnel`: an endpoint without a URL of its own, of the time before `--url`.

use std::path::PathBuf;

use clap::Args;

use super::SessionArgs;

/// `adit tunnel`.
#[derive(Debug, Args)]
pub struct TunnelArgs {
    /// Port, host:port, URL or unix:/socket.
    pub upstream: String,
    /// Label by which the edge routes; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', required = true)]
    pub label: Vec<String>,
    /// Certificate chain, PEM. The ngrok agent had it; TLS of labels ends at the edge, so it is refused.
    #[arg(long, value_name = "PATH", hide = true)]
    pub crt: Option<PathBuf>,
    /// Private key of the certificate, PEM. Refused as well.
    #[arg(long, value_name = "PATH", hide = true)]
    pub key: Option<PathBuf>,
    /// Whether exchanges may be captured for inspection.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub inspect: Option<bool>,
    /// Opaque text kept with the endpoint.
    #[arg(long, value_name = "TEXT")]
    pub metadata: Option<String>,
    /// Which edge, and as whom.
    #[command(flatten)]
    pub session: SessionArgs,
}
