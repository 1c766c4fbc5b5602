#![allow(clippy::unwrap_used)]

use super::*;

fn to(version: u8, text: &str) -> String {
    upgrade("f.yml", text.as_bytes(), Some(version)).unwrap().text
}

fn refused(version: Option<u8>, text: &str) -> String {
    upgrade("f.yml", text.as_bytes(), version).unwrap_err().to_string()
}

#[test]
fn without_a_target_it_is_the_next_version() {
    let step = |text: &str| {
        let u = upgrade("f.yml", text.as_bytes(), None).unwrap();
        (u.from, u.to)
    };
    assert_eq!(step("authtoken: x\n"), (1, 2));
    assert_eq!(step("version: 1\n"), (1, 2));
    assert_eq!(step("version: '2'\n"), (2, 3));
    assert_eq!(step("version: 3\n"), (3, 3));
    assert_eq!(step(""), (1, 2));
}

#[test]
fn a_file_without_a_version_gets_one_and_the_old_default_region() {
    assert_eq!(to(2, "authtoken: x # mine\n"), "version: \"2\"\nregion: us\nauthtoken: x # mine\n");
    assert_eq!(to(2, "region: eu\n"), "version: \"2\"\nregion: eu\n");
    assert_eq!(to(2, ""), "version: \"2\"\nregion: us\n");
    assert_eq!(to(2, "# mine\n"), "# mine\nversion: \"2\"\nregion: us\n");
    assert_eq!(to(2, "---\na: b\n"), "---\nversion: \"2\"\nregion: us\na: b\n");
    assert_eq!(to(2, "version: 1 # old\n"), "version: \"2\" # old\nregion: us\n");
}

#[test]
fn keys_of_version_1_get_their_new_names_and_meanings() {
    let before = "\
version: 1
http_proxy: http://p:1   # the proxy
update: false
tunnels:
  a: # first
    proto: http
    addr: 80
    bind_tls: true
    auth: \"ann:secret, too\"
  b: {proto: http, addr: 81, bind_tls: both}
  c:
    proto: http
    addr: 82 # last
  d:
    proto: tls
    addr: 83
    client_cas: ca.pem
";
    let after = "\
version: \"2\"
region: us
proxy_url: http://p:1   # the proxy
update_check: false
tunnels:
  a: # first
    proto: http
    addr: 80
    schemes: [https]
    basic_auth: [\"ann:secret, too\"]
  b: {proto: http, addr: 81, schemes: [http, https]}
  c:
    proto: http
    addr: 82 # last
    schemes: [http, https]
  d:
    proto: tls
    addr: 83
    mutual_tls_cas: ca.pem
";
    assert_eq!(to(2, before), after);
}

#[test]
fn settings_move_under_agent_with_their_comments() {
    let before = "\
# My file.

version: 2
# the token
authtoken: x # mine
tunnels:
  web: {proto: http, addr: 80}

# where the edge is
server_addr: edge.example:443
region: eu # near
web_allow_hosts:
- a
metadata: |
  one
    two
# the end
";
    let after = "\
# My file.

version: \"3\"
agent:
  # the token
  authtoken: x # mine

  # where the edge is
  connect_url: edge.example:443
  # region: eu # near, left out: version 3 has no regions
  web_allow_hosts:
  - a
  metadata: |
    one
      two
tunnels:
  web: {proto: http, addr: 80}
# the end
";
    let upgraded = upgrade("f.yml", before.as_bytes(), None).unwrap();
    assert_eq!(upgraded.text, after);
    assert_eq!(upgraded.notes, ["region: eu was left out: version 3 has no regions"]);
}

#[test]
fn two_steps_at_once_and_line_ends_as_they_were() {
    assert_eq!(
        to(3, "authtoken: x\r\nlog: stdout"),
        "version: \"3\"\r\nagent:\r\n  # region: us, left out: version 3 has no regions\r\n  \
         authtoken: x\r\n  log: stdout\r\n"
    );
    assert_eq!(
        to(3, "version: 2\nregion: us\n"),
        "version: \"3\"\n  # region: us, left out: version 3 has no regions\n"
    );
    assert_eq!(
        to(3, "{\"version\": \"2\", \"authtoken\": \"x\", \"root_cas\": \"host\"}\n"),
        "{\"version\": \"3\", \"agent\": {\"authtoken\": \"x\", \"connect_cas\": \"host\"}}\n"
    );
}

#[test]
fn the_upgraded_file_means_what_the_old_one_meant() {
    let before = "version: 1\nauthtoken: x\nserver_addr: e:443\ntunnels:\n  a: {proto: http, \
                  addr: 80, auth: 'u:passw0rd', bind_tls: false}\n  b: {proto: tcp, addr: 22}\n";
    let meaning = |text: &str| {
        let file = File::parse("f.yml", text.as_bytes());
        let config = crate::Layers { files: vec![file], ..crate::Layers::default() };
        let config = config.resolve().unwrap();
        let endpoints = config.endpoints.iter().map(|e| {
            let upstream = e.upstream.addr.value.to_string();
            format!("{} {:?} {upstream} {:?}", e.name, e.address, e.middleware.basic_auth.len())
        });
        (config.connect.map(|at| at.value), endpoints.collect::<Vec<_>>())
    };
    assert_eq!(meaning(&to(2, before)), meaning(before));
    assert_eq!(meaning(&to(3, before)), meaning(before));
}

#[test]
fn what_has_no_place_in_the_later_version_is_refused() {
    assert_eq!(
        refused(Some(1), "version: 2\n"),
        "f.yml: the file has version 2; it cannot go back to 1"
    );
    assert_eq!(
        refused(
            None,
            "version: 2\ntunnels:\n  a: {labels: [a=b], addr: 1}\n  b: {labels: [c=d]}\n"
        ),
        "f.yml: version 3 has no tunnels with labels: \"a\", \"b\"; give them a url, or keep version 2"
    );
    assert_eq!(
        refused(None, "version: 1\nhttp_proxy: http://a\nsocks5_proxy: socks5://b\n"),
        "f.yml: the file cannot be upgraded by itself: key \"proxy_url\" is written twice in this \
         map; change it with an editor"
    );
    assert_eq!(refused(None, "version: 7\n"), "f.yml: unknown version \"7\"");
    assert_eq!(refused(None, "- a\n"), "f.yml: the file is not a map of settings");
    assert_eq!(
        refused(None, "agent: {}\n"),
        "f.yml: the version property is required; add version: \"3\""
    );
}
