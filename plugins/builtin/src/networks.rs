//! Lists of networks, and what they say of an address.
//!
//! IPv4 and IPv6 are separate worlds, except that an IPv4-mapped IPv6 address is the IPv4 address.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Reads `192.0.2.0/24`, `2001:db8::/32`, or an address, which is a network of one. Bits past the
/// prefix are dropped.
pub fn parse(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    let IpNet::V6(v6) = net else { return Some(net.trunc()) };
    // ::ffff:0:0/96 is where the IPv4-mapped addresses live.
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(prefix_len)) => {
            Ipv4Net::new(v4, prefix_len).ok().map(|net| net.trunc().into())
        }
        _ => Some(net.trunc()),
    }
}

/// Who may come in: those in an allowed network and in no denied one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    /// Whoever is in none of these stays out; so none of them lets nobody in.
    pub allow: Vec<IpNet>,
    /// Whoever is in one of these stays out.
    pub deny: Vec<IpNet>,
}

/// What the lists say of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may come in, by this network.
    Allowed(IpNet),
    /// It is kept out by this network.
    Denied(IpNet),
    /// No network names it, so it stays out.
    Unknown,
}

impl Networks {
    /// Looks an address up.
    pub fn standing(&self, address: IpAddr) -> Standing {
        let address = address.to_canonical();
        let holding = |nets: &[IpNet]| nets.iter().find(|net| net.contains(&address)).copied();
        match (holding(&self.deny), holding(&self.allow)) {
            (Some(net), _) => Standing::Denied(net),
            (None, Some(net)) => Standing::Allowed(net),
            (None, None) => Standing::Unknown,
        }
    }
}

impl Standing {
    /// Whether it may come in.
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The network that decided.
    pub const fn network(self) -> Option<IpNet> {
        match self {
            Self::Allowed(net) | Self::Denied(net) => Some(net),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> IpNet {
        parse(text).unwrap()
    }

    #[test]
    fn the_network_that_decides_is_told_and_denial_comes_first() {
        let networks = Networks {
            allow: vec![net("10.0.0.0/8"), net("10.1.2.0/24")],
            deny: vec![net("10.1.0.0/16")],
        };
        let standing = |address: &str| networks.standing(address.parse().unwrap());
        assert_eq!(standing("10.2.0.1"), Standing::Allowed(net("10.0.0.0/8")));
        assert_eq!(standing("10.1.2.3"), Standing::Denied(net("10.1.0.0/16")));
        assert_eq!(standing("192.0.2.1"), Standing::Unknown);
    }

    #[test]
    fn bits_past_the_prefix_are_dropped() {
        assert_eq!(net("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(net("2001:db8::1/32").to_string(), "2001:db8::/32");
        assert_eq!(net(" 192.0.2.1 ").to_string(), "192.0.2.1/32");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reading_of_networks_panic(text in "[0-9a-f:./ ]{0,50}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_network_holds_the_address_it_was_written_with(ip: IpAddr, prefix_len in 0_u8..=32) {
            prop_assume!(ip == ip.to_canonical());
            let allow = vec![net(&format!("{ip}/{prefix_len}"))];
            let networks = Networks { allow, deny: Vec::new() };
            prop_assert!(networks.standing(ip).is_allowed());
        }
    }
}
