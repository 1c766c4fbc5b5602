//! `conn`: the visitor's connection.

use adit_chain::{Conn, Presented, TlsInfo};

use super::{certificate, fact::Fact};
use crate::expr::Type;

/// `conn`.
pub(super) fn conn(ty: Type, conn: &Conn) -> Fact<'_> {
    Fact::object(ty, move |name, ty| match name {
        "bytes_in" => Fact::int(conn.carried().bytes_in),
        "bytes_out" => Fact::int(conn.carried().bytes_out),
        "client_ip" => address(ty, conn.client.ip()),
        "client_port" => Fact::int(conn.client.port()),
        "server_ip" => address(ty, conn.server.ip()),
        "server_port" => Fact::int(conn.server.port()),
        "server_region" => Fact::text(conn.region.get().map_or("", |region| &**region)),
        "tls" => tls(ty, conn),
        "ts" => Fact::object(ty, |_, _| Fact::time(conn.opened_at)),
        // Where a visitor is, and which pod it comes from, is not known here.
        _ => Fact::Unknown,
    })
}

/// An address. Nothing is known about it: its other fields are zero.
fn address<'v>(ty: Type, ip: std::net::IpAddr) -> Fact<'v> {
    // At the agent, the public address is not known.
    let text = if ip.is_unspecified() { "".into() } else { Fact::ip(ip) };
    Fact::with_text(ty, text, |_, _| Fact::Unknown)
}

/// `conn.tls`. What was asked for is known before anything was agreed on.
fn tls(ty: Type, conn: &Conn) -> Fact<'_> {
    let (session, hello) = (conn.tls.get(), conn.hello.get());
    Fact::object(ty, move |name, ty| match name {
        "ja4_fingerprint" => Fact::maybe(hello.map(|hello| &*hello.ja4)),
        "session_resumed" => Fact::bool(false),
        "sni" => {
            let asked = || hello.and_then(|hello| hello.sni.as_deref());
            Fact::maybe(session.and_then(|tls| tls.sni.as_deref()).or_else(asked))
        }
        _ => session.map_or(Fact::Unknown, |session| agreed(name, ty, session)),
    })
}

/// What both sides of a TLS session agreed on.
pub(super) fn agreed<'v>(name: &str, ty: Type, session: &'v TlsInfo) -> Fact<'v> {
    match name {
        "cipher_suite" => Fact::text(iana(&session.cipher_suite)),
        "client" => certificate::of(ty, session.client_certificates.first().map(Vec::as_slice)),
        "negotiated_alpn" => Fact::maybe(session.alpn.as_deref().map(String::from_utf8_lossy)),
        "server" => certificate::of(ty, session.presented.as_ref().and_then(Presented::leaf)),
        "sni" => Fact::maybe(session.sni.as_deref()),
        "version" => Fact::text(session.version),
        _ => Fact::Unknown,
    }
}

/// The registered name of a cipher suite. The library spells those of TLS 1.3 its own way.
fn iana(name: &str) -> String {
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name.to_owned(),
    }
}
