//! Lets the right addresses speak the right protocol to a port.
//!
//! The address is judged before an octet is read. Then the first octets must look like the protocol;
//! after those the policy lets go, and the connection runs as if it were not there.

mod look;
mod network;

use adit_policy_sdk::prelude::*;

use look::{Look, Protocol};
use network::Network;

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Networks that may connect; everybody, if there are none.
    #[serde(default)]
    allow: Vec<Network>,
    /// Networks that may not, even if they are in one that may.
    #[serde(default)]
    deny: Vec<Network>,
    /// What the first octets must look like.
    speaks: Protocol,
}

struct PortGuard(Config);

#[policy]
impl PortGuard {
    fn configure(config: Config) -> Self {
        Self(config)
    }

    fn on_connection(&mut self, conn: &Connection) -> Admission {
        let Config { allow, deny, .. } = &self.0;
        let address = conn.client_ip().to_canonical();
        let among = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        if among(deny) {
            return Admission::refuse(format!("{address} is denied"));
        }
        if !allow.is_empty() && !among(allow) {
            return Admission::refuse(format!("{address} is not allowed"));
        }
        Admission::Accept
    }

    fn on_data(
        &mut self,
        conn: &Connection,
        way: Direction,
        chunk: &[u8],
        last: bool,
    ) -> Result<ChunkVerdict> {
        if way == Direction::ToClient {
            // Some services speak first.
            return Ok(ChunkVerdict::Pass);
        }
        let mut seen = conn.kept_bytes().unwrap_or_default();
        seen.extend(chunk.iter().take(look::MAX_LEN - seen.len()));
        let speaks = self.0.speaks;
        Ok(match speaks.look(&seen) {
            Look::Right => ChunkVerdict::Detach,
            Look::Wrong => ChunkVerdict::abort(format!("this is not {speaks:?}")),
            Look::TooShort if last => {
                ChunkVerdict::abort(format!("ended before it was {speaks:?}"))
            }
            Look::TooShort => {
                // Pieces end anywhere. What fits so far may pass: it says nothing yet.
                conn.keep_bytes(&seen)?;
                ChunkVerdict::Pass
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use adit_policy_sdk::testing::*;

    use super::*;

    fn harness(config: Json) -> Harness<PortGuard> {
        Harness::setup().fresh_instances().start(config).unwrap()
    }

    #[test]
    fn addresses_are_judged_before_anything_is_read() {
        let config = json!({
            "allow": ["10.0.0.0/8", "2001:db8::/32"],
            "deny": ["10.9.0.0/16"],
            "speaks": "ssh",
        });
        let mut t = harness(config);
        for (from, admission) in [
            ("10.1.2.3", Admission::Accept),
            ("2001:db8::1", Admission::Accept),
            ("[::ffff:10.1.2.3]:2000", Admission::Accept),
            ("10.9.0.1", Admission::refuse("10.9.0.1 is denied")),
            ("192.0.2.1", Admission::refuse("192.0.2.1 is not allowed")),
        ] {
            assert_eq!(t.connect(client(from)).admission, admission, "{from}");
        }
    }

    #[test]
    fn after_the_first_octets_the_policy_lets_go() {
        let mut t = harness(json!({ "speaks": "ssh" }));
        let mut stream = t.connect(client("192.0.2.1"));
        assert_eq!(stream.receive("SSH-2.0-server\r\n"), ChunkVerdict::Pass);
        assert_eq!(stream.send("SSH-"), ChunkVerdict::Pass);
        assert_eq!(stream.send("2.0-client\r\n"), ChunkVerdict::Detach);
        assert_eq!(stream.to_upstream, b"SSH-2.0-client\r\n");
        stream.close();
    }

    #[test]
    fn octet_by_octet_is_judged_the_same() {
        let mut t = harness(json!({ "speaks": "tls" }));
        let mut stream = t.connect(client("192.0.2.1"));
        for octet in [0x16, 3, 1, 2, 0] {
            assert_eq!(stream.send([octet]), ChunkVerdict::Pass);
        }
        assert_eq!(stream.send([1]), ChunkVerdict::Detach);
    }

    #[test]
    fn the_first_wrong_octet_ends_it() {
        let mut t = harness(json!({ "speaks": "ssh" }));
        let mut stream = t.connect(client("192.0.2.1"));
        assert_eq!(stream.send("SS"), ChunkVerdict::Pass);
        assert_eq!(stream.send("L"), ChunkVerdict::abort("this is not Ssh"));
        assert_eq!(stream.to_upstream, b"SS");
    }

    #[test]
    fn nobody_says_nothing_and_goes() {
        let mut t = harness(json!({ "speaks": "postgres" }));
        let mut stream = t.connect(client("192.0.2.1"));
        let verdict = stream.send_last("");
        assert_eq!(verdict, ChunkVerdict::abort("ended before it was Postgres"));
    }

    #[test]
    fn networks_are_checked_when_the_file_is_read() {
        let told = |network: &str| {
            let config = json!({ "allow": [network], "speaks": "ssh" });
            Harness::<PortGuard>::new(config).err().unwrap()
        };
        assert_eq!(
            told("10.0.0.0/33"),
            "allow[0]: \"10.0.0.0/33\" is no network, such as 10.0.0.0/8"
        );
        assert!(told("localhost").starts_with("allow[0]: "));
    }

    #[test]
    fn the_cases_hold() {
        adit_policy_sdk::cases::check::<PortGuard>(include_str!("../cases.yml"));
    }
}
