use std::net::IpAddr;

use adit_chain::{Conn, TlsInfo};
use cel::Value;
use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, SanType, SerialNumber};

use crate::{expr::Expr, phase::Phase, scope::Scope, value};

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn of_visitor(der: &[u8]) -> Scope {
    let template = adit_chain::conformance::conn();
    let conn = Conn::new(template.client, template.server, template.endpoint.clone());
    let tls = TlsInfo { client_certificates: vec![der.to_vec()], ..TlsInfo::default() };
    conn.tls.set(tls).unwrap();
    Scope::of_connection(&std::sync::Arc::new(conn))
}

#[track_caller]
fn is(der: &[u8], source: &str, expected: impl Into<Value>) {
    let value = Expr::compile(source, Phase::TcpConnect).unwrap().eval(&of_visitor(der));
    assert_eq!(value, Ok(expected.into()), "{source}");
}

#[test]
fn names_are_told_last_part_first() {
    let der = certificate(|params| {
        let name = &mut params.distinguished_name;
        name.push(DnType::CountryName, "DE");
        name.push(DnType::StateOrProvinceName, "Hessen");
        name.push(DnType::LocalityName, "Kassel");
        name.push(DnType::OrganizationName, "Org, Inc");
        name.push(DnType::OrganizationalUnitName, "ops");
        name.push(DnType::CustomDnType(vec![2, 5, 4, 17]), "34117");
        name.push(DnType::CustomDnType(vec![2, 5, 4, 9]), "Gasse 1");
        name.push(DnType::CommonName, "leaf");
    });
    let of = |field: &str| format!("conn.tls.client.subject.{field}");
    let whole =
        "CN=leaf,STREET=Gasse 1,POSTALCODE=34117,OU=ops,O=Org\\, Inc,L=Kassel,ST=Hessen,C=DE";
    is(&der, "conn.tls.client.subject", whole);
    is(&der, "conn.tls.client.issuer", whole);
    is(&der, &of("common_name"), "leaf");
    is(&der, &of("country"), value::list(["DE"]));
    is(&der, &of("province"), value::list(["Hessen"]));
    is(&der, &of("locality"), value::list(["Kassel"]));
    is(&der, &of("organization"), value::list(["Org, Inc"]));
    is(&der, &of("organizational_unit"), value::list(["ops"]));
    is(&der, &of("postal_code"), value::list(["34117"]));
    is(&der, &of("street_address"), value::list(["Gasse 1"]));
    is(&der, "conn.tls.client.issuer.organization[0] == 'Org, Inc'", true);
}

#[test]
fn other_names_are_told_together_and_by_kind() {
    let der = certificate(|params| {
        params.subject_alt_names = vec![
            SanType::DnsName("a.example".try_into().unwrap()),
            SanType::IpAddress(IpAddr::from([192, 0, 2, 7])),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
            SanType::Rfc822Name("ann@a.example".try_into().unwrap()),
            SanType::URI("spiffe://a/b".try_into().unwrap()),
        ];
    });
    let whole = "DNS:a.example, IP Address:192.0.2.7, IP Address:2001:db8::1, \
                 email:ann@a.example, URI:spiffe://a/b";
    is(&der, "conn.tls.client.san", whole);
    is(&der, "conn.tls.client.san.dns_names", value::list(["a.example"]));
    is(&der, "conn.tls.client.san.ip_addresses", value::list(["192.0.2.7", "2001:db8::1"]));
    is(&der, "conn.tls.client.san.email_addresses", value::list(["ann@a.example"]));
    is(&der, "conn.tls.client.san.uris", value::list(["spiffe://a/b"]));
    is(&der, "'a.example' in conn.tls.client.san.dns_names", true);
}

#[test]
fn numbers_times_and_extensions_are_told() {
    let der = certificate(|params| {
        params.serial_number = Some(SerialNumber::from_slice(&[0x0a, 0xBC, 0xde]));
        params.not_before = rcgen::date_time_ymd(2020, 1, 2);
        params.not_after = rcgen::date_time_ymd(2031, 5, 6);
        let mut own = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 1, 9]);
        own.set_criticality(true);
        params.custom_extensions = vec![own];
    });
    is(&der, "conn.tls.client.serial_number", "abcde");
    is(&der, "conn.tls.client.signature_algorithm", "ECDSA-SHA256");
    let valid = "conn.tls.client.validity.not_before == timestamp('2020-01-02T00:00:00Z') && \
                 conn.tls.client.validity.not_after == timestamp('2031-05-06T00:00:00Z')";
    is(&der, valid, true);
    let own = "conn.tls.client.extensions.exists(e, e.id == '1.2.3.4' && e.critical && \
               e.value == b'\\x05\\x01\\x09')";
    is(&der, own, true);
}

#[test]
fn the_text_of_a_certificate_can_be_read_again() {
    let der = certificate(|_| {});
    let text = Expr::compile("conn.tls.client.pem", Phase::TcpConnect).unwrap();
    let Ok(Value::String(pem)) = text.eval(&of_visitor(&der)) else { panic!("no text") };
    let (_, read) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    assert_eq!(read.contents, der);
    assert!(pem.lines().all(|line| line.len() <= 64));
}

#[test]
fn what_is_no_certificate_tells_nothing() {
    is(b"no certificate", "conn.tls.client.subject.common_name", "");
    is(b"no certificate", "conn.tls.client.serial_number", "");
}
