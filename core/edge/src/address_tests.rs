use adit_proto::options::Options;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::acl::Acl;

fn places() -> Places {
    let mut settings = Settings::new("edge.test");
    settings.tcp.ports = Ports::Range(2000..=2009);
    settings.public.tls = Some(443);
    Places::new(&settings, Some(8080), Some(8443))
}

fn wanted(proto: Proto, opts: serde_json::Value) -> Result<Wanted, u32> {
    let bind = Bind::new(proto, Options::try_from(opts).unwrap());
    places().wanted(&bind).map_err(|e| e.code().unwrap().0)
}

fn host(name: &str) -> Wanted {
    Wanted::Host(HostName::parse(name).unwrap())
}

#[test]
fn the_url_counts_most_then_the_older_members() {
    let all = json!({"URL": "https://a.edge.test", "Domain": "b.edge.test",
        "Hostname": "c.edge.test", "Subdomain": "d"});
    assert_eq!(wanted(Proto::Https, all), Ok(host("a.edge.test")));
    let rest = json!({"URL": "https://", "Hostname": "c.edge.test", "Subdomain": "d"});
    assert_eq!(wanted(Proto::Https, rest), Ok(host("c.edge.test")));
    assert_eq!(wanted(Proto::Tls, json!({"Subdomain": "d"})), Ok(host("d.edge.test")));
    assert_eq!(wanted(Proto::Http, json!({})), Ok(Wanted::Any));
}

#[test]
fn a_url_with_more_than_a_host_is_refused() {
    let url = |url: &str| wanted(Proto::Https, json!({"URL": url}));
    assert_eq!(url("https://a.edge.test:443"), Ok(host("a.edge.test")));
    assert_eq!(url("https://a.edge.test:8443"), Err(9037));
    assert_eq!(url("https://a.edge.test/x"), Err(9037));
    assert_eq!(url("https://u@a.edge.test"), Err(9037));
    assert_eq!(url("https://a.edge.test/"), Err(9038));
    assert_eq!(url("tcp://a.edge.test"), Err(301));
    assert_eq!(url("https://a_b.edge.test"), Err(326));
}

#[test]
fn internal_names_have_all_ports_and_are_nowhere_that_a_visitor_looks() {
    let url = |proto: Proto, url: &str| wanted(proto, json!({"URL": url}));
    let internal = |port| Ok(Wanted::Internal(HostName::parse("a.internal").unwrap(), port));
    assert_eq!(url(Proto::Https, "https://a.internal"), internal(443));
    assert_eq!(url(Proto::Https, "https://a.internal:8443"), internal(8443));
    assert_eq!(url(Proto::Http, "http://A.Internal"), internal(80));
    assert_eq!(url(Proto::Tcp, "tcp://a.internal:22"), internal(22));
    assert_eq!(url(Proto::Tcp, "tcp://a.internal"), Err(301));
    assert_eq!(url(Proto::Https, "https://a.internal:0"), Err(9037));
    assert_eq!(wanted(Proto::Https, json!({"Domain": "a.internal"})), internal(443));
    let address = places().of_url(Proto::Https, "https://a.internal").unwrap();
    assert_eq!(address.url(), "https://a.internal");
    let account = "acme".into();
    let key = Key::Internal(Arc::clone(&account), "a.internal:443".to_owned());
    assert_eq!(address.key(&account), key);
    assert!(!address.has_listener());
}

#[test]
fn tcp_addresses_are_ports_of_the_range() {
    let addr = |addr: &str| wanted(Proto::Tcp, json!({"Addr": addr}));
    assert_eq!(addr("edge.test:2003"), Ok(Wanted::Port(2003)));
    assert_eq!(addr(":2003"), Ok(Wanted::Port(2003)));
    assert_eq!(addr(""), Ok(Wanted::Any));
    assert_eq!(addr("edge.test:0"), Ok(Wanted::Any));
    assert_eq!(addr("edge.test:1999"), Err(307));
    assert_eq!(addr("other.test:2003"), Err(307));
    assert_eq!(addr("edge.test"), Err(301));
    assert_eq!(wanted(Proto::Tcp, json!({"URL": "tcp://edge.test:2001"})), Ok(Wanted::Port(2001)));
    assert_eq!(wanted(Proto::Tcp, json!({"URL": "tcp://"})), Ok(Wanted::Any));
}

#[test]
fn urls_leave_out_the_scheme_s_port() {
    let name = HostName::parse("a.edge.test").unwrap();
    let url = |proto| places().named(proto, &name).unwrap().url();
    assert_eq!(url(Proto::Https), "https://a.edge.test");
    assert_eq!(url(Proto::Http), "http://a.edge.test:8080");
    assert_eq!(places().numbered(2000).url(), "tcp://edge.test:2000");
    assert_eq!(places().numbered(2000).short(), "edge.test:2000");
    let again = places().of_url(Proto::Http, "http://a.edge.test:8080").unwrap();
    assert_eq!(again.url(), url(Proto::Http));
}

fn permit(rules: &[&str], proto: Proto, name: &str) -> Result<(), u32> {
    let account = Account { acl: Acl::parse(rules).unwrap(), ..Account::local() };
    let address = match name.parse() {
        Ok(port) => places().numbered(port),
        Err(_) => places().named(proto, &HostName::parse(name).unwrap()).unwrap(),
    };
    let covered = |host: &str| host == "covered.example";
    places().permit(&account, &address, covered).map_err(|e| e.code().unwrap().0)
}

#[test]
fn names_below_the_domain_are_free_and_others_need_a_reason() {
    assert_eq!(permit(&[], Proto::Https, "a.edge.test"), Ok(()));
    assert_eq!(permit(&[], Proto::Https, "a.b.edge.test"), Ok(()));
    assert_eq!(permit(&[], Proto::Https, "*.b.edge.test"), Ok(()));
    assert_eq!(permit(&[], Proto::Https, "*.edge.test"), Err(318));
    assert_eq!(permit(&["bind:*.edge.test"], Proto::Https, "*.edge.test"), Ok(()));
    assert_eq!(permit(&[], Proto::Https, "connect.edge.test"), Err(319));
    assert_eq!(permit(&[], Proto::Https, "edge.test"), Err(319));
    assert_eq!(permit(&[], Proto::Https, "app.example"), Err(319));
    assert_eq!(permit(&["bind:*"], Proto::Https, "app.example"), Err(319));
    assert_eq!(permit(&["bind:app.example"], Proto::Https, "app.example"), Ok(()));
    assert_eq!(permit(&[], Proto::Https, "covered.example"), Ok(()));
}

#[test]
fn rules_come_before_reservations() {
    assert_eq!(permit(&["bind:x.edge.test"], Proto::Https, "app.example"), Err(316));
    assert_eq!(permit(&["bind:edge.test:2001"], Proto::Tcp, "2001"), Ok(()));
    assert_eq!(permit(&["bind:edge.test:2001"], Proto::Tcp, "2002"), Err(308));
}

proptest! {
    #[test]
    fn no_address_panics_and_what_is_accepted_is_a_name_or_a_port_of_ours(
        text in r"(https?|tcp|tls)?(://)?[a-zé*.:/%\[\]@?#0-9-]{0,20}",
        proto in 0usize..4,
    ) {
        let proto = [Proto::Http, Proto::Https, Proto::Tcp, Proto::Tls][proto];
        for member in ["URL", "Domain", "Hostname", "Subdomain", "Addr"] {
            match wanted(proto, json!({member: text})) {
                Ok(Wanted::Host(host)) => {
                    prop_assert_eq!(&HostName::parse(host.as_str()).unwrap(), &host);
                    let url = places().named(proto, &host).unwrap().url();
                    prop_assert_eq!(places().of_url(proto, &url).unwrap().url(), url);
                }
                Ok(Wanted::Port(port)) => prop_assert!((2000..=2009).contains(&port)),
                Ok(Wanted::Internal(host, port)) => {
                    let url = places().internal(proto, &host, port).url();
                    prop_assert_eq!(places().of_url(proto, &url).unwrap().url(), url);
                }
                Ok(Wanted::Any) | Err(_) => {}
            }
        }
    }

    #[test]
    fn no_rule_panics(rule in ".{0,40}", host in "[a-z*.]{0,20}") {
        if let Ok(acl) = Acl::parse([format!("bind:{rule}")]) {
            let _ = acl.allows_host(&host, 443) || acl.allows_label(&host, &rule);
        }
    }
}
