//! The session, as it stands and as it stood.

use std::collections::VecDeque;

use adit_agent::{Event, Handle, SessionInfo, Status, Stopped};
use adit_inspect::control::{LegView, SessionEvent, SessionStatus, SessionView};
use jiff::Timestamp;
use parking_lot::Mutex;

/// What is remembered of connects and disconnects.
///
/// Reason: at one every thirty seconds, the longest pause between two attempts, it is the last hour.
const MAX_HISTORY: usize = 100;

/// The session, before and while there is one.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) handle: Handle,
    edge: String,
    agent_version: String,
    started: Timestamp,
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    history: VecDeque<SessionEvent>,
    /// Why there is no session now, on one line.
    reason: String,
    /// When it is tried next to establish one.
    retry_at: Option<Timestamp>,
}

/// Whether endpoints can be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Yes,
    /// There was no session yet.
    NotYet,
    /// There was one.
    Lost,
}

impl Line {
    pub(super) fn new(handle: Handle, edge: String, agent_version: String) -> Self {
        let (started, past) = (Timestamp::now(), Mutex::default());
        Self { handle, edge, agent_version, started, past }
    }

    pub(super) fn ready(&self) -> Ready {
        match *self.handle.status().borrow() {
            Status::Online(_) => Ready::Yes,
            Status::Connecting => Ready::NotYet,
            _ => Ready::Lost,
        }
    }

    /// Waits until there is a session.
    pub(super) async fn online(&self) {
        let mut status = self.handle.status();
        let online = status.wait_for(|status| matches!(status, Status::Online(_))).await.is_ok();
        if !online {
            // It has ended: there will be none.
            std::future::pending().await
        }
    }

    /// Takes in what happened; whether it is about the session.
    pub(super) fn take_in(&self, event: &Event) -> bool {
        let (what, detail) = match event {
            Event::Connected(info) => ("connected", with_whom(info)),
            Event::Disconnected { reason } => {
                self.lost(reason, None);
                ("disconnected", reason.to_string())
            }
            Event::ReconnectFailed { reason, retry_in } => {
                self.lost(reason, Timestamp::now().checked_add(*retry_in).ok());
                ("retry", reason.to_string())
            }
            Event::Stopped(why) => ("ended", why_ended(why).to_owned()),
            _ => return false,
        };
        let mut past = self.past.lock();
        if past.history.len() == MAX_HISTORY {
            past.history.pop_front();
        }
        past.history.push_back(SessionEvent { at: Timestamp::now(), what, detail });
        true
    }

    fn lost(&self, reason: &str, retry_at: Option<Timestamp>) {
        let mut past = self.past.lock();
        past.reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        past.retry_at = retry_at;
    }

    /// Why visitors cannot come, if they cannot.
    pub(super) fn trouble(&self) -> Option<String> {
        (self.ready() != Ready::Yes).then(|| {
            let reason = self.past.lock().reason.clone();
            if reason.is_empty() { "there is no session with the edge".to_owned() } else { reason }
        })
    }

    pub(super) fn view(&self) -> SessionView {
        let status = self.handle.status().borrow().clone();
        let rtt = *self.handle.rtt().borrow();
        let past = self.past.lock();
        let mut view = SessionView {
            agent_version: self.agent_version.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            edge: self.edge.clone(),
            started: self.started,
            history: past.history.iter().cloned().collect(),
            ..SessionView::default()
        };
        view.status = match status {
            Status::Connecting => SessionStatus::Connecting,
            Status::Online(info) => {
                view.legs = vec![LegView { region: info.region.clone(), latency: rtt }];
                view.account.clone_from(&info.account_name);
                view.plan.clone_from(&info.plan_name);
                view.banner.clone_from(&info.banner);
                SessionStatus::Online
            }
            Status::Reconnecting => {
                view.retry_at = past.retry_at;
                SessionStatus::Reconnecting(past.reason.clone())
            }
            _ => SessionStatus::Offline,
        };
        view
    }
}

fn with_whom(info: &SessionInfo) -> String {
    let parts = [("", &info.edge_version), ("region ", &info.region)];
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    parts.map(|(what, text)| format!("{what}{text}")).collect::<Vec<_>>().join(", ")
}

fn why_ended(why: &Stopped) -> &'static str {
    match why {
        Stopped::ByEdge(_) => "the edge asked for it",
        _ => "the agent ended",
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn the_history_tells_why_and_has_an_end() {
        let agent = adit_agent::Agent::builder().connect("localhost:1").build().unwrap();
        let connecting = agent.begin();
        let line = Line::new(connecting.handle().clone(), "localhost:1".into(), "3.0.0".into());
        assert_eq!((line.ready(), line.view().status), (Ready::NotYet, SessionStatus::Connecting));
        let info = SessionInfo { region: "eu".into(), ..SessionInfo::default() };
        assert!(line.take_in(&Event::Connected(Arc::new(info))));
        for n in 0..MAX_HISTORY {
            assert!(line.take_in(&Event::Disconnected { reason: format!("reason {n}").into() }));
        }
        let up = Event::EndpointUp { name: "a".into(), url: "http://a".into() };
        assert!(!line.take_in(&up));
        let history = line.view().history;
        assert_eq!(history.len(), MAX_HISTORY);
        assert_eq!((history[0].what, history[0].detail.as_str()), ("disconnected", "reason 0"));
        assert_eq!(line.trouble().as_deref(), Some("reason 99"));
    }

    #[tokio::test]
    async fn an_attempt_that_failed_tells_why_on_one_line_and_when_the_next_one_is() {
        let agent = adit_agent::Agent::builder().connect("localhost:1").build().unwrap();
        let connecting = agent.begin();
        let line = Line::new(connecting.handle().clone(), "localhost:1".into(), "3.0.0".into());
        let (reason, retry_in) = ("revoked.\n\nERR_NGROK_107".into(), Duration::from_secs(30));
        let before = Timestamp::now();
        assert!(line.take_in(&Event::ReconnectFailed { reason, retry_in }));
        assert_eq!(line.trouble().as_deref(), Some("revoked. ERR_NGROK_107"));
        let left = line.past.lock().retry_at.unwrap().duration_since(before);
        assert!(left.as_secs() == 30, "{left}");
        assert!(line.take_in(&Event::Disconnected { reason: "reset".into() }));
        assert_eq!(line.past.lock().retry_at, None);
    }
}
