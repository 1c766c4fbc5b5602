//! Numbers for Prometheus, in its text format.

use std::fmt::{Display, Write};

use adit_chain::Body;
use http::{Response, StatusCode};

use super::{answer, service::Call};
use crate::{
    control::{EndpointView, SessionStatus},
    meter::{Numbers, Reading},
};

/// Fact: the version of the text format that every release reads.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All numbers.
pub(super) fn text(call: &Call<'_>) -> Response<Body> {
    let control = call.service.control();
    let session = control.session();
    let mut out = Text::default();
    out.head("adit_build_info", "gauge", "Which adit this is.");
    out.line("adit_build_info", &[("version", &session.version)], 1);
    out.head("adit_session_up", "gauge", "Whether there is a session with the edge.");
    out.line("adit_session_up", &[], u8::from(session.status == SessionStatus::Online));
    let read = |endpoint: EndpointView| (endpoint.name, endpoint.meter.read());
    let all: Vec<_> = control.endpoints().into_iter().map(read).collect();
    endpoints(&mut out, &all);
    if let Some(fill) = call.service.store().map(|store| store.fill()) {
        out.head("adit_inspect_exchanges", "gauge", "Captured exchanges that are kept.");
        out.line("adit_inspect_exchanges", &[], fill.entries);
        out.head("adit_inspect_bytes", "gauge", "Memory that captured exchanges take.");
        out.line("adit_inspect_bytes", &[], fill.bytes);
        out.head("adit_inspect_limit_bytes", "gauge", "Memory that they may take.");
        out.line("adit_inspect_limit_bytes", &[], fill.limit);
    }
    out.0.push_str(&control.metrics());
    answer::bytes(StatusCode::OK, MEDIA_TYPE, out.0)
}

/// One number of each endpoint.
type Of = fn(&Reading) -> u64;

const COUNTS: [(&str, &str, &str, Of); 5] = [
    ("adit_endpoint_connections_total", "counter", "Connections that came.", |r| {
        r.connections.count
    }),
    ("adit_endpoint_connections_open", "gauge", "Connections that are open.", |r| r.open),
    ("adit_endpoint_http_requests_total", "counter", "HTTP requests.", |r| r.exchanges.count),
    ("adit_endpoint_received_bytes_total", "counter", "Bytes from visitors.", |r| {
        r.totals.bytes_in
    }),
    ("adit_endpoint_sent_bytes_total", "counter", "Bytes to visitors.", |r| r.totals.bytes_out),
];

/// Durations of one kind of each endpoint.
type Durations = fn(&Reading) -> &Numbers;

const DURATIONS: [(&str, &str, Durations); 2] = [
    ("adit_endpoint_connection_duration_seconds", "How long connections last.", |r| &r.connections),
    ("adit_endpoint_http_duration_seconds", "Until the head of a response.", |r| &r.exchanges),
];

fn endpoints(out: &mut Text, all: &[(String, Reading)]) {
    for (name, kind, help, of) in COUNTS {
        out.head(name, kind, help);
        for (endpoint, reading) in all {
            out.line(name, &[("endpoint", endpoint)], of(reading));
        }
    }
    for (name, help, of) in DURATIONS {
        out.head(name, "gauge", help);
        for (endpoint, reading) in all {
            let Numbers { p50, p90, p95, p99, .. } = *of(reading);
            for (quantile, nanos) in [("0.5", p50), ("0.9", p90), ("0.95", p95), ("0.99", p99)] {
                let labels = [("endpoint", endpoint.as_str()), ("quantile", quantile)];
                out.line(name, &labels, nanos / 1e9);
            }
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let opening = if i == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{opening}{label}=\"{text}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out_of_their_quotes() {
        let mut out = Text::default();
        out.line("a", &[("x", "q\"}\n\\")], 1);
        out.line("b", &[], 0.5);
        assert_eq!(out.0, "a{x=\"q\\\"}\\n\\\\\"} 1\nb 0.5\n");
    }
}
