//! `ip-restriction`: lets connections through by the visitor's address.
//!
//! An address passes if it is in an allowed network and in no denied one. The address is that of
//! the connection (or of its PROXY header), never one that a request header claims.

use std::sync::Arc;

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Conn, ErrorCode, Handler, Needs, OnConnect, Refusal,
    code::IP_RESTRICTED,
};
use http::StatusCode;
use ipnet::IpNet;
use serde::Deserialize;

use crate::{
    networks::{self, Networks},
    options::mistake,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
}

pub(crate) fn build(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let (allow, deny) = (list("allow", &options.allow)?, list("deny", &options.deny)?);
    if allow.is_empty() {
        let error = if deny.is_empty() {
            BuildError::new("no networks; list at least one under allow")
        } else {
            let message = "deny without allow blocks everyone; allow 0.0.0.0/0 and ::/0 as well";
            BuildError::new(message).with_code(ErrorCode(393))
        };
        return Err(error.at(["allow"]));
    }
    Ok(BoxHandler::new(IpRestriction { networks: Networks { allow, deny } }))
}

fn list(list: &str, texts: &[String]) -> Result<Vec<IpNet>, BuildError> {
    let read = |(i, text): (usize, &String)| {
        let message = || format!("{text:?} is not a network; write 192.0.2.0/24 or 2001:db8::/32");
        networks::parse(text).ok_or_else(|| mistake(list, i, 362, message()))
    };
    texts.iter().enumerate().map(read).collect()
}

#[derive(Debug)]
struct IpRestriction {
    networks: Networks,
}

impl Handler for IpRestriction {
    fn needs(&self) -> Needs {
        Needs::CONNECT
    }

    async fn on_connect(&self, conn: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        if self.networks.standing(conn.client.ip()).is_allowed() {
            return Ok(OnConnect::Next);
        }
        let message = "connections from your address are not allowed";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, message).with_code(IP_RESTRICTED);
        Ok(OnConnect::Refuse(refusal))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use adit_chain::{Connected, conformance::endpoint};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{chain, refused};

    async fn lets_in(options: Value, client: &str) -> bool {
        let client = SocketAddr::new(client.parse().unwrap(), 5555);
        let server = SocketAddr::from(([198, 51, 100, 1], 443));
        let conn = Arc::new(Conn::new(client, server, endpoint()));
        let mut connected = Connected::default();
        chain("ip-restriction", &options).connect(&conn, &mut connected).await.is_ok()
    }

    #[tokio::test]
    async fn an_address_must_be_allowed_and_not_denied() {
        let options = json!({"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]});
        assert!(lets_in(options.clone(), "10.2.0.1").await);
        assert!(!lets_in(options.clone(), "10.1.0.1").await);
        assert!(!lets_in(options, "192.0.2.1").await);
    }

    #[tokio::test]
    async fn a_bare_address_is_a_network_of_one() {
        assert!(lets_in(json!({"allow": ["192.0.2.7"]}), "192.0.2.7").await);
        assert!(!lets_in(json!({"allow": ["2001:db8::1"]}), "2001:db8::2").await);
    }

    #[tokio::test]
    async fn a_mapped_address_is_its_ipv4_address_on_either_side() {
        assert!(lets_in(json!({"allow": ["10.0.0.0/8"]}), "::ffff:10.0.0.1").await);
        assert!(lets_in(json!({"allow": ["::ffff:10.0.0.0/104"]}), "10.0.0.1").await);
    }

    #[tokio::test]
    async fn all_of_one_world_says_nothing_about_the_other() {
        assert!(!lets_in(json!({"allow": ["0.0.0.0/0"]}), "2001:db8::1").await);
        assert!(!lets_in(json!({"allow": ["::/0"]}), "192.0.2.1").await);
    }

    #[tokio::test]
    async fn the_refusal_is_a_403_with_its_code() {
        let chain = chain("ip-restriction", &json!({"allow": ["10.0.0.0/8"]}));
        let (conn, mut connected) = (adit_chain::conformance::conn(), Connected::default());
        let refusal = chain.connect(&conn, &mut connected).await.err().unwrap();
        assert_eq!((refusal.status, refusal.code), (StatusCode::FORBIDDEN, Some(IP_RESTRICTED)));
    }

    #[test]
    fn bad_networks_and_denial_alone_are_refused_with_their_codes() {
        let refused = |options| refused("ip-restriction", &options);
        assert_eq!(
            refused(json!({"allow": ["::1", "10.0.0.0/33"]})),
            ("allow.1".into(), Some(362))
        );
        assert_eq!(refused(json!({"allow": ["::1"], "deny": ["x"]})), ("deny.0".into(), Some(362)));
        assert_eq!(refused(json!({"deny": ["10.0.0.0/8"]})), ("allow".into(), Some(393)));
        assert_eq!(refused(json!({})), ("allow".into(), None));
    }
}
