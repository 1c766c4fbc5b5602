//! What `adit http` shows on standard output while it serves.

use adit_agent::{Down, Endpoint, Event};
use adit_config::{Config, config::LogTarget};

use crate::output::line;

/// Shows what happens, unless standard output belongs to the log: nothing but records may stand
/// there then.
pub(crate) struct Status {
    edge: Option<String>,
    quiet: bool,
}

impl Status {
    pub(crate) fn new(config: &Config) -> Self {
        let edge = config.connect.as_ref().map(|at| at.value.to_string());
        Self { edge, quiet: config.log.target == LogTarget::Stdout }
    }

    /// The session is up and its endpoints are served.
    pub(crate) fn started<'a>(&self, endpoints: impl Iterator<Item = &'a Endpoint>) {
        let edge = self.edge.as_deref().unwrap_or("the embedded edge");
        self.show(format_args!("adit {}  (Ctrl+C to quit)", env!("CARGO_PKG_VERSION")));
        self.show(format_args!("Session     online at {edge}"));
        for endpoint in endpoints {
            let (url, upstream) = (endpoint.url(), endpoint.upstream());
            self.show(format_args!("Forwarding  {url} -> {upstream}"));
        }
    }

    /// Something happened to it.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Connected(_) => self.show(format_args!("Session     online")),
            Event::Disconnected { reason } => {
                self.show(format_args!("Session     reconnecting ({reason})"));
            }
            Event::EndpointDown { name, why: Down::StoppedByEdge(text) } => {
                self.show(format_args!("Stopped     {name}, by the edge: {}", text.message()));
            }
            Event::EndpointDown { name, why: Down::RebindFailed(reason) } => {
                self.show(format_args!("Offline     {name}: {reason}"));
            }
            _ => {}
        }
    }

    fn show(&self, text: std::fmt::Arguments<'_>) {
        if !self.quiet {
            line(text);
        }
    }
}
