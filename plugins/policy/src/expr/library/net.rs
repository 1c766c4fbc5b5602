//! Addresses.

use std::net::IpAddr;

use cel::{DeclarationError, Env, ExecutionError, common::types::CelString};
use ipnet::{IpNet, Ipv4Net};

use super::args::{AnyVal, define};

/// An address; an IPv4 one in IPv6 clothes is the IPv4 one.
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Whether an address is in a range. Bits beyond the prefix do not matter; what is no address and
/// no range matches nothing.
fn is_in_range(ip: &str, range: &str) -> bool {
    let (Some(ip), Ok(range)) = (address(ip), range.parse::<IpNet>()) else { return false };
    range.contains(&ip) || canonical(range).contains(&ip)
}

/// A range of IPv4 addresses in IPv6 clothes as the IPv4 range.
fn canonical(range: IpNet) -> IpNet {
    let IpNet::V6(v6) = range else { return range };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(len)) => Ipv4Net::new(v4, len).map_or(range, IpNet::V4),
        _ => range,
    }
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    define!(env, "@inCidrRange", |ip: &str, range: &str| -> bool { is_in_range(ip, range) })?;
    define!(env, "@inCidrRanges", |ip: &str,
                                   ranges: AnyVal<'_>|
     -> Result<bool, ExecutionError> {
        let ranges = ranges.as_iterable().ok_or_else(|| {
            ExecutionError::function_error("inCidrRanges", "the second argument is not a list")
        })?;
        let mut ranges = ranges.iter();
        while let Some(range) = ranges.next() {
            if range
                .downcast_ref::<CelString<'_>>()
                .is_some_and(|range| is_in_range(ip, range.inner()))
            {
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    define!(env, "@isPrivateIp", |s: &str| -> bool {
        matches!(address(s), Some(IpAddr::V4(ip)) if ip.is_private())
    })
}
