//! The command line of `adit inspect`.

use std::path::PathBuf;

use adit_inspect::capture::StatusFilter;
use clap::{Args, Subcommand};

/// `adit inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InspectArgs {
    /// Where the agent's local API is: host:port, port, or URL.
    #[arg(long, value_name = "ADDR", global = true)]
    pub addr: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: InspectCommand,
}

const EXAMPLES: &str = "\
Examples:
  adit inspect list --status 5xx          what went wrong
  adit inspect show last                  the newest, with its bodies
  adit inspect replay last --method PUT   once more, changed
  adit inspect tail --json | jq .path     as they come
  adit inspect export --har traffic.har";

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum InspectCommand {
    /// List captured exchanges, the newest first.
    List(ListArgs),
    /// Show an exchange: heads, bodies, times, decisions.
    Show(ShowArgs),
    /// Send a request to the upstream once more, as it was or changed.
    Replay(ReplayArgs),
    /// Write exchanges to a HAR file.
    Export(ExportArgs),
    /// Print exchanges as they come, until Ctrl+C.
    Tail(TailArgs),
    /// Forget everything that was captured.
    Clear,
}

/// Which exchanges. All that is said must match.
#[derive(Clone, Debug, Default, Args)]
pub struct FilterArgs {
    /// Those of the endpoint of this name.
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// Those with this text in path or query.
    #[arg(long, value_name = "TEXT")]
    pub path: Option<String>,
    /// Those with this method.
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Those with this status: 200, 4xx or 400-499.
    #[arg(long, value_name = "STATUS", value_parser = status)]
    pub status: Option<String>,
    /// Those that took so many milliseconds, or more.
    #[arg(long, value_name = "N")]
    pub min_ms: Option<u64>,
    /// Those that took so many milliseconds, or less.
    #[arg(long, value_name = "N")]
    pub max_ms: Option<u64>,
    /// Those whose response has so many bytes: 1000, 1000- or 1000-2000.
    #[arg(long, value_name = "RANGE", value_parser = size)]
    pub size: Option<(u64, Option<u64>)>,
    /// Those with this header in request or response: NAME:TEXT, or TEXT.
    #[arg(long, value_name = "HEADER")]
    pub header: Option<String>,
    /// Those with this text anywhere: path, heads, decoded bodies.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}

fn status(text: &str) -> Result<String, adit_inspect::capture::FilterError> {
    text.parse::<StatusFilter>().map(|_| text.to_owned())
}

fn size(text: &str) -> Result<(u64, Option<u64>), String> {
    let number = |text: &str| match text.parse() {
        Ok(n) => Ok(n),
        Err(_) => Err(format!("{text:?} is no size: write 1000, 1000- or 1000-2000")),
    };
    match text.split_once('-') {
        None => number(text).map(|n| (n, Some(n))),
        Some((min, "")) => Ok((number(min)?, None)),
        Some((min, max)) => Ok((number(min)?, Some(number(max)?))),
    }
}

/// `adit inspect list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which exchanges.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `adit inspect show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Id of the exchange, or `last`.
    pub id: String,
    /// Only the request.
    #[arg(long, conflicts_with = "response")]
    pub request: bool,
    /// Only the response.
    #[arg(long)]
    pub response: bool,
    /// Print heads and bodies as they were transferred.
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// Print what the agent knows as JSON.
    #[arg(long)]
    pub json: bool,
    /// Print Authorization, Cookie and their like, too.
    #[arg(long)]
    pub include_secrets: bool,
}

/// `adit inspect replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Id of the exchange, or `last`.
    pub id: String,
    /// Another method.
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Another path and query.
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Set a header, or remove it with `NAME:`; may be repeated.
    #[arg(long, value_name = "NAME:VALUE")]
    pub header: Vec<String>,
    /// Another body.
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    pub body: Option<String>,
    /// Another body, from a file; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub body_file: Option<PathBuf>,
    /// Print the new exchange as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `adit inspect export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Ids of exchanges; all that match the filters, if none is said.
    pub ids: Vec<String>,
    /// Where to; - is standard output.
    #[arg(long, value_name = "FILE")]
    pub har: PathBuf,
    /// Which exchanges.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Write Authorization, Cookie and their like, too.
    #[arg(long)]
    pub include_secrets: bool,
}

/// `adit inspect tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Those of the endpoint of this name.
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// Those with this text in path or query.
    #[arg(long, value_name = "TEXT")]
    pub path: Option<String>,
    /// Those with this method.
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Those with this status: 200, 4xx or 400-499.
    #[arg(long, value_name = "STATUS")]
    pub status: Option<StatusFilter>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

impl FilterArgs {
    /// As the API wants them.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let number = |n: u64| n.to_string();
        let (min_size, max_size) = match self.size {
            Some((min, max)) => (Some(min), max),
            None => (None, None),
        };
        let all = [
            ("endpoint", self.endpoint.clone()),
            ("path", self.path.clone()),
            ("method", self.method.clone()),
            ("status", self.status.clone()),
            ("min_ms", self.min_ms.map(number)),
            ("max_ms", self.max_ms.map(number)),
            ("min_size", min_size.map(number)),
            ("max_size", max_size.map(number)),
            ("header", self.header.clone()),
            ("q", self.search.clone()),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
