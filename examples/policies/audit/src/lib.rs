//! Writes one record for each exchange and each raw connection, and counts them.
//!
//! It decides nothing and changes nothing: it is told when all is over.

use adit_policy_sdk::prelude::*;

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Whether queries are written down. They often carry secrets.
    query: bool,
    /// Headers of requests that are written down.
    headers: Vec<String>,
    /// Variables that other handlers leave, and that are written down.
    vars: Vec<String>,
    /// Exchanges that took longer, in milliseconds, are written as warnings.
    slow_ms: Option<u64>,
}

struct Audit(Config);

#[policy]
impl Audit {
    fn configure(config: Config) -> Self {
        Self(config)
    }

    fn on_finish(&mut self, conn: &Connection, req: &Request, end: &Outcome) {
        let method = method_label(&req.method());
        let status = end.status().map_or("none", status_class);
        let labels = [("endpoint", &*conn.endpoint()), ("method", method), ("status", status)];
        metrics::add("exchanges", 1, &labels);
        metrics::observe("exchange_seconds", end.duration().as_secs_f64(), &labels[..1]);
        metrics::set("last_exchange", clock::now().as_secs_f64(), &labels[..1]);

        let slow = self.0.slow_ms.is_some_and(|ms| end.duration() > Duration::from_millis(ms));
        let level = match end.failure() {
            Some(_) => log::Level::Warn,
            None if slow => log::Level::Warn,
            None => log::Level::Info,
        };
        if !log::enabled(level) {
            return;
        }
        let path = if self.0.query { req.target() } else { req.path() };
        let mut record = Record::of(conn, end);
        record.add("exchange", req.id());
        record.add("method", req.method());
        record.add("host", req.authority());
        record.add("path", &path);
        record.add("http", req.version());
        record.maybe("status", end.status());
        record.maybe("identity", req.identity());
        for name in &self.0.headers {
            record.maybe(name, req.header(name));
        }
        for name in &self.0.vars {
            record.maybe(name, req.var(name));
        }
        log::write(level, "exchange", &record.0);
    }

    fn on_close(&mut self, conn: &Connection, end: &Outcome) {
        let protocol = conn.protocol();
        let labels = [("endpoint", &*conn.endpoint()), ("protocol", &*protocol)];
        metrics::add("connections", 1, &labels);
        metrics::add("octets_in", end.octets_to_upstream(), &labels);
        metrics::add("octets_out", end.octets_to_client(), &labels);
        if matches!(&*protocol, "http" | "https") {
            // What happened on it was told exchange by exchange.
            return;
        }
        let mut record = Record::of(conn, end);
        record.add("protocol", protocol);
        log::write(log::Level::Info, "connection", &record.0);
    }
}

/// Names and values of a log record.
struct Record(Vec<(String, String)>);

impl Record {
    /// What exchanges and connections have in common.
    fn of(conn: &Connection, end: &Outcome) -> Self {
        let mut record = Self(Vec::new());
        record.add("url", conn.url());
        record.add("connection", conn.id());
        record.add("client", conn.client());
        record.add("opened", conn.opened_at().as_secs());
        record.maybe("server_name", conn.server_name());
        record.maybe("tls", conn.attribute("tls.version"));
        record.maybe("certificate", conn.attribute("tls.client.sha256"));
        record.add("ms", end.duration().as_millis());
        record.add("octets_in", end.octets_to_upstream());
        record.add("octets_out", end.octets_to_client());
        record.maybe("failure", end.failure());
        record
    }

    fn add(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    fn maybe(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }
}

/// Strangers can invent methods, but not series of metrics.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use adit_policy_sdk::testing::*;

    use super::*;

    fn harness(config: Json) -> Harness<Audit> {
        Harness::setup().fresh_instances().start(config).unwrap()
    }

    fn value<'a>(record: &'a LogRecord, name: &str) -> Option<&'a str> {
        record.extra.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn an_exchange_is_one_record() {
        let mut t = harness(json!({ "headers": ["user-agent"], "vars": ["canary", "other"] }));
        let request = get("/a?token=secret").from("203.0.113.9:4711").header("user-agent", "curl");
        let answer = response(404).body("none").after(Duration::from_millis(20));
        let request = request.var("canary", "new");
        t.request(request.identity("ann").attribute("tls.version", "1.3").answer(answer));
        let [record] = &t.logs()[..] else { panic!("{:?}", t.logs()) };
        assert_eq!((record.level, record.message.as_str()), (Level::Info, "exchange"));
        for (name, expected) in [
            ("client", "203.0.113.9:4711"),
            ("url", "https://app.example"),
            ("method", "GET"),
            ("path", "/a"),
            ("status", "404"),
            ("identity", "ann"),
            ("tls", "1.3"),
            ("ms", "20"),
            ("octets_out", "4"),
            ("user-agent", "curl"),
            ("canary", "new"),
        ] {
            assert_eq!(value(record, name), Some(expected), "{name}");
        }
        assert_eq!((value(record, "other"), value(record, "failure")), (None, None));
    }

    #[test]
    fn failures_and_slow_ones_are_warnings() {
        let mut t = harness(json!({ "slow_ms": 100 }));
        t.request(get("/").answer(response(502).failure("upstream-unreachable")));
        t.request(get("/").answer(response(200).after(Duration::from_millis(101))));
        t.request(get("/").answer(response(200).after(Duration::from_millis(100))));
        let logs = t.logs();
        let levels: Vec<_> = logs.iter().map(|record| record.level).collect();
        assert_eq!(levels, [Level::Warn, Level::Warn, Level::Info]);
        assert_eq!(value(&logs[0], "failure"), Some("upstream-unreachable"));
    }

    #[test]
    fn exchanges_are_counted_whether_or_not_anybody_reads_the_log() {
        let setup = Harness::<Audit>::setup().log_level(Level::Error);
        let mut t = setup.start(json!({})).unwrap();
        t.request(get("/"));
        t.request(method("BREW", "/").answer(response(418)));
        assert_eq!(t.logs(), []);
        let count = |method: &str, status: &str| {
            let labels = [("endpoint", "app"), ("method", method), ("status", status)];
            t.metric("exchanges", &labels)
        };
        assert_eq!(count("GET", "2xx"), Some(1.0));
        assert_eq!(count("other", "4xx"), Some(1.0));
        assert_eq!(t.metric("last_exchange", &[("endpoint", "app")]), Some(1_767_225_600.0));
    }

    #[test]
    fn a_raw_connection_is_one_record() {
        let mut t = harness(json!({}));
        let mut stream = t.connect(client("203.0.113.9").protocol("tcp"));
        stream.send("ping");
        stream.receive("pong!");
        stream.close();
        let [record] = &t.logs()[..] else { panic!("{:?}", t.logs()) };
        assert_eq!(record.message, "connection");
        assert_eq!(value(record, "octets_in"), Some("4"));
        assert_eq!(value(record, "octets_out"), Some("5"));
        let labels = [("endpoint", "app"), ("protocol", "tcp")];
        assert_eq!(t.metric("connections", &labels), Some(1.0));
        assert_eq!(t.metric("octets_out", &labels), Some(5.0));
    }

    #[test]
    fn the_cases_hold() {
        adit_policy_sdk::cases::check::<Audit>(include_str!("../cases.yml"));
    }
}
