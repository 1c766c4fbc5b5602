//! Whom requests of rules may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom `http-request` may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Internal endpoints only.
    #[default]
    Inside,
    /// Other hosts too, at addresses that anybody on the Internet could ask.
    Public,
    /// Every host and address, this machine's among them.
    Any,
}

impl Reach {
    /// Whether a request may go to an address outside.
    pub fn allows(self, ip: IpAddr) -> bool {
        match self {
            Self::Inside => false,
            Self::Public => is_public(ip),
            Self::Any => true,
        }
    }
}

/// Whether an address is one of the Internet's: none of this machine, this network, of tests or of
/// groups, and no other address in disguise.
///
/// Fact: the registries of special-purpose addresses (RFC 6890 and its updates).
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18);
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Translated addresses (NAT64) lead to what they hold, and so do 6to4 addresses.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments, Teredo and benchmarks among them; documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Everything else that is given out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        let allows = |ip: &str| Reach::Public.allows(ip.parse().unwrap());
        for ip in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(allows(ip), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "fe80::1",
            "fc00::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
        ] {
            assert!(!allows(ip), "{ip}");
        }
    }

    #[test]
    fn the_other_values_allow_nothing_or_everything() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert!(Reach::Any.allows(loopback));
        assert!(!Reach::Inside.allows(IpAddr::from([1, 1, 1, 1])));
    }
}
