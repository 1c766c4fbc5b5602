use adit_chain::{Meter, Totals};

use super::*;

/// True of a connection of which only the ends are known.
mod unknown {
    pub(super) const ZEROS: &[&str] = &[
        "conn.server_region == ''",
        "conn.bytes_in == 0",
        "conn.tls.version == ''",
        "conn.tls.sni == ''",
        "conn.tls.negotiated_alpn == ''",
        "conn.tls.ja4_fingerprint == ''",
        "conn.tls.cipher_suite == ''",
        "conn.tls.client.subject.common_name == ''",
        "conn.tls.client.subject == ''",
        "conn.tls.client.san.dns_names == []",
        "conn.tls.client.extensions == []",
        "conn.tls.client.pem == ''",
        "conn.geo.country_code == ''",
        "conn.geo.latitude == ''",
        "conn.client_ip.categories == []",
        "conn.client_ip.is_tor_node == false",
        "conn.client_ip.is_on_blocklist == false",
        "conn.client_ip.as.number == 0",
        "conn.client_ip.as.organization == ''",
        "conn.client_ip.geo.location.country_code == ''",
        "conn.client_ip.geo.location.is_eu == false",
        "conn.server_ip.geo.registered_location.timezone == ''",
        "conn.k8s.pod.id == ''",
        "conn.k8s.pod.metadata.error_code == ''",
        "conn.k8s.pod.metadata.namespace == ''",
        "conn.k8s.pod.metadata.annotations.size() == 0",
    ];
}

#[test]
fn a_connection_tells_both_ends() {
    let mut conn = conn();
    conn.opened_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    let scope = of_conn(conn);
    all_true(
        &scope,
        &[
            "conn.client_ip == '203.0.113.9'",
            "conn.client_port == 40000",
            "conn.server_ip == '2001:db8::1'",
            "conn.server_port == 443",
            "conn.ts.start == timestamp('1970-01-01T00:00:01.5Z')",
        ],
    );
}

#[test]
fn what_is_not_known_is_zero() {
    all_true(&of_conn(conn()), unknown::ZEROS);
}

#[test]
fn addresses_of_ipv4_look_alike_however_they_came() {
    let mut conn = conn();
    conn.client = "[::ffff:192.0.2.7]:1".parse().unwrap();
    conn.server = "0.0.0.0:0".parse().unwrap();
    let scope = of_conn(conn);
    is(&scope, "conn.client_ip", "192.0.2.7");
    is(&scope, "conn.server_ip", "");
}

#[test]
fn an_operator_names_the_region_and_a_meter_counts() {
    struct Fixed;
    impl Meter for Fixed {
        fn carried(&self) -> Totals {
            Totals { bytes_in: 7, bytes_out: 9 }
        }
    }
    let conn = conn();
    conn.region.set("eu".into()).unwrap();
    conn.set_meter(Arc::new(Fixed));
    let scope = of_conn(conn);
    is(&scope, "conn.server_region", "eu");
    is(&scope, "[conn.bytes_in, conn.bytes_out]", list([7_i64, 9]));
}

#[test]
fn what_tls_asked_for_is_known_before_it_is_agreed_on() {
    let conn = conn();
    let hello = Hello { sni: Some("app.example".into()), ja4: "t13d".into() };
    conn.hello.set(hello).unwrap();
    let scope = of_conn(conn);
    is(&scope, "conn.tls.sni", "app.example");
    is(&scope, "conn.tls.ja4_fingerprint", "t13d");
    is(&scope, "conn.tls.version", "");
}

#[test]
fn what_tls_agreed_on_is_told() {
    let conn = conn();
    let tls = TlsInfo {
        sni: Some("b.example".into()),
        alpn: Some(b"h2".to_vec()),
        version: "1.3",
        cipher_suite: "TLS13_AES_128_GCM_SHA256".into(),
        ..TlsInfo::default()
    };
    conn.tls.set(tls).unwrap();
    let scope = of_conn(conn);
    all_true(
        &scope,
        &[
            "conn.tls.sni == 'b.example'",
            "conn.tls.negotiated_alpn == 'h2'",
            "conn.tls.version == '1.3'",
            "conn.tls.cipher_suite == 'TLS_AES_128_GCM_SHA256'",
            "conn.tls.session_resumed == false",
        ],
    );
}

#[test]
fn an_endpoint_tells_its_address() {
    let table = [
        ("https://app.example", Protocol::Https, "app.example", 443_i64),
        ("http://app.example:8080", Protocol::Http, "app.example", 8080),
        ("tcp://1.tcp.example:20001", Protocol::Tcp, "1.tcp.example", 20001),
        ("tls://db.example", Protocol::Tls, "db.example", 443),
    ];
    for (url, protocol, host, port) in table {
        let scope = of_conn(conn().moved(endpoint(url, protocol)));
        is(&scope, "endpoint.url", url);
        is(&scope, "endpoint.protocol", protocol.as_str());
        is(&scope, "endpoint.host", host);
        is(&scope, "endpoint.port", Value::Int(port));
        is(&scope, "endpoint.addr", format!("{host}:{port}"));
    }
}

#[test]
fn an_endpoint_has_an_id_where_it_was_given_one() {
    let named = |name: &str| {
        let endpoint = Endpoint { name: name.to_owned(), ..Endpoint::clone(&conn().endpoint) };
        of_conn(conn().moved(Arc::new(endpoint)))
    };
    is(&named("ep_2abc"), "endpoint.id", "ep_2abc");
    is(&named("bd_2abc"), "endpoint.id", "ep_2abc");
    is(&named("web"), "endpoint.id", "");
}
