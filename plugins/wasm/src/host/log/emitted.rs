//! What the agent's log is told.

use std::{
    fmt::{Debug, Write as _},
    sync::Arc,
};

use parking_lot::Mutex;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::with_default,
};

use crate::{
    bindings::adit::policy::log::{Host, Level},
    host::{Services, State, testing::state},
};

/// Writes down the events of policies at level `INFO` and above.
#[derive(Clone, Default)]
struct Pen(Arc<Mutex<String>>);

impl Subscriber for Pen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "policy" && *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut out = self.0.lock();
        let _ = write!(out, "{}", event.metadata().level());
        event.record(&mut Line(&mut out));
        out.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}=<{value}>", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}=<{value:?}>", field.name());
    }
}

fn written(act: impl FnOnce(&mut State)) -> String {
    let pen = Pen::default();
    with_default(pen.clone(), || act(&mut state(Services::builder())));
    std::mem::take(&mut *pen.0.lock())
}

#[test]
fn a_record_names_policy_endpoint_and_exchange_and_has_no_secrets() {
    let mut exchange = 0;
    let text = written(|state| {
        exchange = state.current.request.as_ref().unwrap().id;
        let extra = vec![("key".to_owned(), "it is a secret.".to_owned())];
        Host::write(state, Level::Warn, "a secret told".into(), extra);
    });
    let expected = format!(
        "WARN message=<[redacted] told> policy=<p> endpoint=<api> exchange=<{exchange:016x}> \
         extra=<key=\"it is [redacted].\">\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn levels_that_nobody_reads_cost_nothing_and_do_not_count() {
    let text = written(|state| {
        assert!(!Host::enabled(state, Level::Debug));
        assert!(Host::enabled(state, Level::Info));
        for _ in 0..200 {
            Host::write(state, Level::Debug, "unread".into(), Vec::new());
        }
        state.current = crate::host::Current::default();
        Host::write(state, Level::Info, "read".into(), Vec::new());
        assert_eq!(state.policy.metrics().dropped_logs(), 0);
    });
    assert_eq!(text, "INFO message=<read> policy=<p>\n");
}
