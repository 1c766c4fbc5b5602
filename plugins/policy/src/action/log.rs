//! `log`: says something in the program's log and to whoever watches the exchange.

use adit_chain::BoxFuture;
use serde_json::{Value as Json, json};

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{
    fields::{Depth, Fields, Tree},
    phase::Phase,
    problem::code,
    scope::Scope,
    value,
};

pub(super) const KIND: Kind = Kind {
    name: "log",
    namespace: NAMESPACE,
    phases: &[
        Phase::TcpConnect,
        Phase::HttpRequest,
        Phase::HttpResponse,
        Phase::EventStreamMessage,
    ],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "log";

/// How deep what is logged may be nested.
///
/// Reason: as deep as variables, of which most of it is made.
const MAX_DEPTH: Depth = Depth { most: 10, code: code::FIELD_VALUE };

/// How much of one entry is written, in bytes.
///
/// Reason: visitors choose what is in headers; a line in a log is for people.
const MAX_LEN: usize = 16 * 1024;

/// How many entries of one exchange are kept.
///
/// Reason: the messages of an event stream have no end.
const MAX_ENTRIES: usize = 100;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let metadata = fields.required("metadata", |fields, name| {
        let json = fields.raw(name)?;
        if !json.is_object() {
            fields.error(name, code::FIELD_TYPE, "must be an object");
            return None;
        }
        fields.tree(&[name], json, MAX_DEPTH)
    })?;
    Some(Box::new(Log { metadata }))
}

#[derive(Debug)]
struct Log {
    metadata: Tree,
}

impl Log {
    fn log(&self, scope: &mut Scope) {
        // What cannot be had is empty: nobody is turned away for the sake of a line in a log.
        let metadata = self.metadata.value(scope, |_| Ok(value::text("")));
        let metadata = metadata.unwrap_or_else(|_| value::text(""));
        let entry = json!({"metadata": value::to_json(&metadata)});
        let line = shortened(&entry);
        tracing::info!(obj = "policy", id = %scope.id, phase = %scope.phase, entry = line, "log");
        scope.note(|| format!("log {line}"));
        if scope.logs.len() < MAX_ENTRIES {
            scope.logs.push(entry);
        }
        scope.set_result(NAMESPACE, value::map([("metadata", metadata)]));
    }
}

/// An entry as one line, cut where it is too long.
fn shortened(entry: &Json) -> String {
    let mut line = entry.to_string();
    if line.len() > MAX_LEN {
        line.truncate(line.floor_char_boundary(MAX_LEN));
        line.push('…');
    }
    line
}

impl Action for Log {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        self.log(scope);
        Box::pin(std::future::ready(Ok(Done::Next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{get, policy, refused, request_action};

    #[tokio::test]
    async fn entries_are_kept_in_order_with_their_types() {
        let log = |metadata| json!({"type": "log", "config": {"metadata": metadata}});
        let rig = policy(json!({"on_http_request": [{"actions": [
            log(json!({"n": "${1 + 1}", "deep": {"list": ["${req.method}!", 1, null]}})),
            log(json!({"again": "${actions.ngrok.log.metadata.n}"})),
        ]}]}));
        let passed = rig.request(get("/")).await;
        let entries = [
            json!({"metadata": {"n": 2, "deep": {"list": ["GET!", 1, null]}}}),
            json!({"metadata": {"again": 2}}),
        ];
        assert_eq!(rig.logs(), entries);
        assert!(passed.notes().contains(r#"log {"metadata":{"again":2}}"#), "{}", passed.notes());
        assert_eq!(passed.result(NAMESPACE), json!({"metadata": {"again": 2}}));
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_empty_and_the_request_goes_on() {
        let rig = request_action(
            "log",
            json!({"metadata": {"a": "${req.cookies['a'][0].value}", "b": "x"}}),
        );
        assert!(rig.request(get("/")).await.is_forwarded());
        assert_eq!(rig.logs(), [json!({"metadata": {"a": "", "b": "x"}})]);
    }

    #[tokio::test]
    async fn connections_are_logged_too() {
        let log = json!({"type": "log", "config": {"metadata": {"ip": "${conn.client_ip}"}}});
        let rig = policy(json!({"on_tcp_connect": [{"actions": [log]}]}));
        assert!(rig.connect().await.unwrap().is_none());
        assert_eq!(rig.logs(), [json!({"metadata": {"ip": "192.0.2.7"}})]);
    }

    #[test]
    fn long_entries_are_cut_between_characters() {
        let line = shortened(&json!("ä".repeat(MAX_LEN)));
        assert!(line.len() <= MAX_LEN + '…'.len_utf8());
        assert!(line.ends_with("ä…"));
    }

    #[test]
    fn mistakes_have_their_codes() {
        assert_eq!(refused("log", json!({})), ["metadata: 2223"]);
        assert_eq!(refused("log", json!({"metadata": "x"})), ["metadata: 2203"]);
        assert_eq!(refused("log", json!({"metadata": {"a": ["${"]}})), ["metadata.a.0: 2224"]);
        let unknown = json!({"metadata": {}, "level": "info"});
        assert_eq!(refused("log", unknown), ["warning level: 2204"]);
    }
}
