//! The harness as host.

use std::time::Duration;

use serde_json::Value;

use super::run::{Connected, Host, Observed};
use super::schema::{Case, ConnectionStep, File, RequestStep, ResponseStep, Side};
use crate::hooks::Hooks;
use crate::testing::{self, Answer, Direction, Harness, Metric, client, method, response};

/// Runs the cases of a YAML file on the native policy; call it from a test with
/// `include_str!("../cases.yml")`.
///
/// # Panics
///
/// If a case fails, or the file is not one of cases.
#[cfg(feature = "yaml")]
#[track_caller]
pub fn check<P: Hooks>(yaml: &str) {
    let file: Value = serde_yaml_ng::from_str(yaml).unwrap_or_else(|error| panic!("{error}"));
    check_json::<P>(&file);
}

/// Runs the cases of a file on the native policy.
///
/// # Panics
///
/// If a case fails, or the document is not a file of cases.
#[track_caller]
pub fn check_json<P: Hooks>(file: &Value) {
    let file: File =
        serde_path_to_error::deserialize(file).unwrap_or_else(|error| panic!("cases: {error}"));
    let report = super::run(&file, start::<P>);
    assert!(report.passed(), "not as expected:\n{report}");
}

fn start<P: Hooks>(file: &File, case: &Case) -> Result<Native<P>, String> {
    let mut setup = Harness::<P>::setup();
    let mut secrets: Vec<_> = file.secrets.iter().collect();
    if let Some(grants) = &file.grants {
        secrets.retain(|(name, _)| grants.secrets.contains(name));
        setup = setup.grants(testing::Grants {
            kv: Some(grants.kv.clone()),
            rate: Some(grants.rate.clone()),
            outbound: Some(grants.outbound.clone()),
            reroute: Some(grants.reroute.clone()),
        });
    }
    for (name, value) in secrets {
        setup = setup.secret(name, value.as_str());
    }
    for (upstream, answers) in &file.outbound {
        for answer in answers {
            setup = setup.outbound(upstream, answer_of(answer));
        }
        setup = setup.silent(upstream);
    }
    let harness = setup.start(case.config.as_ref().unwrap_or(&file.config))?;
    Ok(Native { harness, logged: 0 })
}

struct Native<P> {
    harness: Harness<P>,
    logged: usize,
}

impl<P: Hooks> Host for Native<P> {
    fn request(&mut self, request: &RequestStep, answer: &ResponseStep) -> Observed {
        let mut message = method(&request.method, &request.target)
            .from(&request.from)
            .authority(&request.authority)
            .scheme(&request.scheme)
            .version(&request.version)
            .answer(upstream_of(answer));
        for (name, value) in request.headers.lines() {
            message = message.header(&name, value);
        }
        for (name, value) in &request.vars {
            message = message.var(name, value);
        }
        for (name, value) in &request.attributes {
            message = message.attribute(name, value);
        }
        if let Some(subject) = &request.identity {
            message = message.identity(subject);
        }
        message = match (&request.body, &request.json, &request.chunks) {
            (Some(body), ..) => message.body(body.as_str()),
            (None, Some(json), _) => message.json(json),
            (None, None, Some(chunks)) => message.chunks(chunks.clone()),
            (None, None, None) => message,
        };
        match self.harness.try_request(message) {
            Ok(exchange) => Observed::Exchange(Box::new(exchange)),
            Err(fault) => Observed::Fault(fault.to_string()),
        }
    }

    fn connection(&mut self, connection: &ConnectionStep) -> Observed {
        let mut visitor = client(&connection.from).protocol(&connection.protocol);
        if let Some(name) = &connection.server_name {
            visitor = visitor.server_name(name);
        }
        for (name, value) in &connection.attributes {
            visitor = visitor.attribute(name, value);
        }
        let mut stream = match self.harness.try_connect(visitor) {
            Ok(stream) => stream,
            Err(fault) => return Observed::Fault(fault.to_string()),
        };
        let mut chunks = Vec::new();
        for piece in &connection.chunks {
            let (side, octets, last) = match piece.octets() {
                Ok(piece) => piece,
                Err(text) => return Observed::Fault(text),
            };
            let way = match side {
                Side::Upstream => Direction::ToUpstream,
                Side::Client => Direction::ToClient,
            };
            let watched = stream.is_watched();
            match stream.pass(way, &octets, last) {
                Ok(verdict) if watched => chunks.push(verdict),
                Ok(_) => {}
                Err(fault) => return Observed::Fault(fault.to_string()),
            }
        }
        let admission = stream.admission.clone();
        let (to_upstream, to_client) = (stream.to_upstream.clone(), stream.to_client.clone());
        match stream.try_close() {
            Ok(()) => Observed::Connection(Connected { admission, chunks, to_upstream, to_client }),
            Err(fault) => Observed::Fault(fault.to_string()),
        }
    }

    fn advance(&mut self, time: Duration) {
        self.harness.advance(time);
    }

    fn logs(&mut self) -> Vec<String> {
        let records = self.harness.logs();
        let new = records[self.logged..].iter().map(|record| {
            let pairs = record.extra.iter().map(|(name, value)| format!(" {name}={value}"));
            record.message.clone() + &pairs.collect::<String>()
        });
        let new = new.collect();
        self.logged = records.len();
        new
    }

    fn metrics(&mut self) -> Vec<Metric> {
        self.harness.metrics()
    }
}

fn upstream_of(step: &ResponseStep) -> testing::Upstream {
    let mut upstream = response(step.status);
    for (name, value) in step.headers.lines() {
        upstream = upstream.header(&name, value);
    }
    match (&step.body, &step.json, &step.chunks) {
        (Some(body), ..) => upstream.body(body.as_str()),
        (None, Some(json), _) => upstream.json(json),
        (None, None, Some(chunks)) => upstream.chunks(chunks.clone()),
        (None, None, None) => upstream,
    }
}

fn answer_of(step: &ResponseStep) -> Answer {
    let mut headers: Vec<_> =
        step.headers.lines().map(|(name, value)| (name, value.into_bytes())).collect();
    let body = match (&step.body, &step.json, &step.chunks) {
        (Some(body), ..) => body.clone().into_bytes(),
        (None, Some(json), _) => {
            headers.push(("content-type".into(), b"application/json".to_vec()));
            json.to_string().into_bytes()
        }
        (None, None, Some(chunks)) => chunks.concat().into_bytes(),
        (None, None, None) => Vec::new(),
    };
    Answer { status: step.status, headers, body }
}
