//! `close-connection`: closes the visitor's connection at once, without an answer.

use adit_chain::BoxFuture;

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{fields::Fields, phase::Phase, scope::Scope};

pub(super) const KIND: Kind = Kind {
    name: "close-connection",
    namespace: "close_connection",
    phases: &[Phase::TcpConnect, Phase::HttpRequest],
    is_terminating: true,
    build: |_: &mut Fields<'_>, _: &BuildCx<'_>| Some(Box::new(CloseConnection)),
};

#[derive(Debug)]
struct CloseConnection;

impl Action for CloseConnection {
    fn run<'a>(&'a self, _: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(Ok(Done::Close)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{get, policy, request_action};

    #[tokio::test]
    async fn the_connection_ends_in_either_phase() {
        let rig = request_action("close-connection", json!(null));
        assert!(rig.request(get("/")).await.refusal().close);

        let close = json!({"type": "close-connection"});
        let rig = policy(json!({"on_tcp_connect": [{"actions": [close]}]}));
        assert!(rig.connect().await.unwrap_err().close);
    }
}
