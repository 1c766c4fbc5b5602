#![allow(clippy::unwrap_used, reason = "tests")]

mod fields;
mod wire;

use std::sync::Arc;

use adit_chain::{Conn, Exchange, Hello, Protocol, TlsInfo, conformance};
use rustls::{CertificateError, Error, ProtocolVersion};
use serde_json::{Value as Json, json};

use self::wire::{Pair, Server, handshake, kind_of};
use crate::{
    phase::Phase,
    testing::{Rig, Site, get},
};

fn document(config: &Json) -> Json {
    json!({"on_tcp_connect": [{"actions": [{"type": "terminate-tls", "config": config}]}]})
}

fn at(protocol: Protocol, config: &Json) -> Rig {
    let url = format!("{}://app.example", protocol.as_str());
    Site::at(protocol, &url).policy(&document(config))
}

/// A server with a certificate of its own and this besides.
async fn server(more: Json) -> Server {
    server_at(Protocol::Tls, more).await
}

async fn server_at(protocol: Protocol, more: Json) -> Server {
    let pair = Pair::own("app.example");
    let mut config = json!({
        "server_certificate": pair.certificate, "server_private_key": pair.key,
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Server { mode: at(protocol, &config).connect().await.unwrap().unwrap(), pair }
}

#[tokio::test]
async fn the_certificate_that_is_given_is_presented_on_any_endpoint_with_connections() {
    for protocol in [Protocol::Https, Protocol::Tls, Protocol::Tcp] {
        let server = server_at(protocol, json!({})).await;
        assert_eq!(kind_of(&server.mode), "here");
        let session = handshake(&server, None).unwrap();
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let alpn = if protocol == Protocol::Https { Some(&b"h2"[..]) } else { None };
        assert_eq!(session.alpn_protocol(), alpn, "{protocol:?}");
    }
}

#[tokio::test]
async fn this_sides_certificates_are_the_default() {
    let resolver = Arc::new(rustls::server::ResolvesServerCertUsingSni::new());
    let mut site = Site::at(Protocol::Https, "https://app.example");
    site.cx.certificates = Some(resolver);
    let rig = site.policy(&document(&json!(null)));
    assert_eq!(kind_of(&rig.connect().await.unwrap().unwrap()), "here");
}

#[tokio::test]
async fn versions_are_bounded_on_either_side() {
    let version = async |bounds: Json| {
        handshake(&server(bounds).await, None).unwrap().protocol_version().unwrap()
    };
    assert_eq!(version(json!({"max_version": "1.2"})).await, ProtocolVersion::TLSv1_2);
    assert_eq!(version(json!({"max_version": 1.2})).await, ProtocolVersion::TLSv1_2);
    assert_eq!(version(json!({"min_version": 1.3})).await, ProtocolVersion::TLSv1_3);
    let newest = server(json!({"min_version": "1.3"})).await;
    let refused = wire::handshake_in(&newest, None, &[&rustls::version::TLS12]).unwrap_err();
    assert!(matches!(refused, Error::PeerIncompatible(_)), "{refused}");
}

#[tokio::test]
async fn with_authorities_only_those_they_vouch_for_come_in() {
    let (ours, theirs) = (Pair::authority("ours"), Pair::authority("theirs"));
    let server = server(json!({"mutual_tls_certificate_authorities": ours.certificate})).await;
    assert_eq!(kind_of(&server.mode), "mutual");
    let ann = ours.vouch_for("ann");
    let session = handshake(&server, Some(&ann)).unwrap();
    assert_eq!(session.peer_certificates().unwrap().len(), 1);
    assert_eq!(handshake(&server, None).unwrap_err(), Error::NoCertificatesPresented);
    let stranger = handshake(&server, Some(&theirs.vouch_for("eve"))).unwrap_err();
    assert_eq!(stranger, Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[tokio::test]
async fn any_certificate_will_do_where_any_is_required() {
    let ours = Pair::authority("ours");
    for authorities in [json!([]), json!([ours.certificate])] {
        let server = server(json!({
            "mutual_tls_certificate_authorities": authorities,
            "mutual_tls_verification_strategy": "require-any",
        }))
        .await;
        assert_eq!(kind_of(&server.mode), "mutual");
        assert!(handshake(&server, Some(&Pair::own("eve"))).is_ok());
        assert_eq!(handshake(&server, None).unwrap_err(), Error::NoCertificatesPresented);
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_worth_nothing_even_where_any_is_required() {
    let config = json!({"mutual_tls_verification_strategy": "require-any"});
    let server = server(config).await;
    let (ann, eve) = (Pair::own("ann"), Pair::own("eve"));
    let stolen = Pair { certificate: ann.certificate, key: eve.key };
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let refused = wire::handshake_in(&server, Some(&stolen), &[version]).unwrap_err();
        let bad = Error::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(refused, bad, "{version:?}");
    }
}

#[tokio::test]
async fn where_a_certificate_is_only_requested_nobody_has_to_show_one() {
    let server = server(json!({"mutual_tls_verification_strategy": "request"})).await;
    assert_eq!(kind_of(&server.mode), "here");
    assert!(handshake(&server, None).unwrap().peer_certificates().is_none());
    let session = handshake(&server, Some(&Pair::own("eve"))).unwrap();
    assert_eq!(session.peer_certificates().unwrap().len(), 1);
}

#[tokio::test]
async fn expressions_choose_the_certificate_for_each_connection() {
    let (one, two) = (Pair::own("one.example"), Pair::own("two.example"));
    let is_one = "conn.tls.sni == 'one.example'";
    let choose = |one: &str, two: &str| format!("${{{is_one} ? '''{one}''' : '''{two}'''}}");
    let rig = at(
        Protocol::Tls,
        &json!({
            "server_certificate": choose(&one.certificate, &two.certificate),
            "server_private_key": choose(&one.key, &two.key),
        }),
    );
    let mut modes = Vec::new();
    for (sni, pair) in [("one.example", &one), ("two.example", &two), ("one.example", &one)] {
        let conn = asking_for(sni);
        let connected = rig.connect_with(&conn).await.unwrap();
        let server = Server { mode: connected.tls().unwrap().clone(), pair: pair.clone() };
        assert!(wire::handshake_for(sni, &server).is_ok());
        modes.push(server.config());
    }
    assert!(Arc::ptr_eq(&modes[0], &modes[2]), "made once, so that sessions can be resumed");
    assert!(!Arc::ptr_eq(&modes[0], &modes[1]));
}

fn asking_for(sni: &str) -> Arc<Conn> {
    let conn = conformance::conn();
    let hello = Hello { sni: Some(sni.to_owned()), ja4: String::new() };
    conn.hello.set(hello).unwrap_or_else(|_| panic!("set before"));
    conn
}

#[tokio::test]
async fn material_that_comes_out_wrong_turns_the_connection_away() {
    let pair = Pair::own("app.example");
    let rig = at(
        Protocol::Tls,
        &json!({
            "server_certificate": "${'garbage'}", "server_private_key": pair.key,
        }),
    );
    let refusal = rig.connect().await.unwrap_err();
    assert_eq!((refusal.status.as_u16(), refusal.code.unwrap().0), (500, 2300));
    assert_eq!(rig.result("terminate_tls")["error"]["code"], "ERR_NGROK_2300");
}

#[tokio::test]
async fn tls_ends_once() {
    let (first, second) = (Pair::own("app.example"), Pair::own("app.example"));
    let action = |pair: &Pair| {
        let config =
            json!({"server_certificate": pair.certificate, "server_private_key": pair.key});
        json!({"type": "terminate-tls", "config": config})
    };
    let document = json!({"on_tcp_connect": [
        {"actions": [action(&first)]}, {"actions": [action(&second)]},
    ]});
    let rig = Site::at(Protocol::Tls, "tls://app.example").policy(&document);
    let server = Server { mode: rig.connect().await.unwrap().unwrap(), pair: first };
    assert!(handshake(&server, None).is_ok(), "the first one counts");
    assert_eq!(
        rig.result("terminate_tls")["warnings"],
        json!(["TLS of this connection ends already"])
    );
}

#[tokio::test]
async fn requests_know_what_was_agreed_on() {
    let pair = Pair::own("app.example");
    let tls = json!({"server_certificate": pair.certificate, "server_private_key": pair.key});
    let found = "${actions.ngrok.terminate_tls.version} ${actions.ngrok.terminate_tls.sni} \
                 ${actions.ngrok.terminate_tls.client.subject.common_name}";
    let vars = json!({"vars": [{"found": found}]});
    let mut document = document(&tls);
    document["on_http_request"] = json!([{"actions": [{"type": "set-vars", "config": vars}]}]);
    let rig = Site::default().policy(&document);
    let conn = asking_for("app.example");
    rig.connect_with(&conn).await.unwrap();
    assert_eq!(rig.result("terminate_tls")["sni"], "app.example");
    let authority = Pair::authority("ours");
    let session = TlsInfo {
        sni: Some("app.example".into()),
        version: "1.2",
        client_certificates: vec![authority.vouch_for("ann").der()],
        ..TlsInfo::default()
    };
    conn.tls.set(session).unwrap();
    rig.exchange(Exchange::new(conn, get("/"))).await;
    assert_eq!(rig.vars(Phase::HttpRequest), json!({"found": "1.2 app.example ann"}));
}

#[test]
fn nothing_shows_a_key() {
    let pair = Pair::own("app.example");
    let fixed = json!({"server_certificate": pair.certificate, "server_private_key": pair.key});
    let made = json!({
        "server_certificate": pair.certificate,
        "server_private_key": format!("${{'''{}'''}}", pair.key),
    });
    for config in [fixed, made] {
        let shown = format!("{:?}", at(Protocol::Tls, &config).chain);
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }
}
