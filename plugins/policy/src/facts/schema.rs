//! The names that expressions may use, and their types.

mod results;
mod tables;

use crate::{
    expr::{Root, Type},
    phase::Phase,
};

/// All names.
pub(crate) static SCHEMA: &[Root] = &[
    Root { name: "actions", ty: results::ACTIONS, phases: ALL },
    Root { name: "conn", ty: tables::CONN, phases: ALL },
    Root { name: "endpoint", ty: tables::ENDPOINT, phases: ALL },
    Root { name: "req", ty: tables::REQ, phases: WITH_REQUEST },
    Root { name: "res", ty: tables::RES, phases: WITH_RESPONSE },
    Root { name: "time", ty: tables::TIME, phases: ALL },
    Root { name: "vars", ty: Type::Map(&Type::Any), phases: ALL },
];

/// The type of a name at the top, wherever it can be read.
pub(super) fn root(name: &str) -> Option<Type> {
    SCHEMA.iter().find(|root| root.name == name).map(|root| root.ty)
}

const ALL: &[Phase] =
    &[Phase::TcpConnect, Phase::HttpRequest, Phase::HttpResponse, Phase::EventStreamMessage];
const WITH_REQUEST: &[Phase] =
    &[Phase::HttpRequest, Phase::HttpResponse, Phase::EventStreamMessage];
const WITH_RESPONSE: &[Phase] = &[Phase::HttpResponse, Phase::EventStreamMessage];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<Type> {
        let mut names = path.split('.');
        let top = root(names.next()?)?;
        names.try_fold(top, |ty, name| match ty {
            Type::Object(fields) | Type::Text(fields) => {
                fields.iter().find(|field| field.name == name).map(|field| field.ty)
            }
            _ => None,
        })
    }

    #[test]
    fn names_have_their_types() {
        assert_eq!(at("conn.bytes_in"), Some(Type::Int));
        assert_eq!(at("conn.client_ip.geo.location.is_eu"), Some(Type::Bool));
        assert_eq!(at("conn.server_ip.as.number"), Some(Type::Int));
        assert_eq!(at("conn.geo.radius"), Some(Type::String));
        assert_eq!(at("conn.tls.server.validity.not_after"), Some(Type::Timestamp));
        assert_eq!(at("conn.k8s.pod.metadata.error_code"), Some(Type::String));
        assert_eq!(at("req.headers"), Some(Type::Multi(&Type::String)));
        assert_eq!(at("req.url.query_params"), Some(Type::Multi(&Type::String)));
        assert_eq!(at("req.content_type.parameters"), Some(Type::Map(&Type::String)));
        assert_eq!(at("res.status_code"), Some(Type::Int));
        assert_eq!(at("time.now"), Some(Type::String));
        assert_eq!(at("actions.ngrok.basic_auth.credentials.authorized"), Some(Type::Bool));
        assert_eq!(at("actions.ngrok.oidc.identity.current_session_id"), Some(Type::String));
        assert_eq!(
            at("actions.ngrok.terminate_tls.client.subject.common_name"),
            Some(Type::String)
        );
    }

    #[test]
    fn other_names_have_none() {
        for path in ["req.nope", "request", "conn.ts.end", "req.body", "req.url.fragment"] {
            assert_eq!(at(path), None, "{path}");
        }
        assert_eq!(at("conn.tls.server.pem"), None, "ours is not handed out");
        assert_eq!(at("actions.ngrok.compress_response"), None, "it is called compress");
        assert_eq!(at("actions.ngrok.openid_connect"), None, "it is called oidc");
    }

    #[test]
    fn what_is_not_there_yet_cannot_be_read() {
        let phases = |name| SCHEMA.iter().find(|root| root.name == name).unwrap().phases;
        assert!(!phases("req").contains(&Phase::TcpConnect));
        assert!(!phases("res").contains(&Phase::HttpRequest));
        assert!(phases("res").contains(&Phase::EventStreamMessage));
        assert!(phases("conn").contains(&Phase::TcpConnect));
    }
}
