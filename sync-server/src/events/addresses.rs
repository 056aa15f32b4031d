//! Which network addresses are those of the world, and not of this machine or the networks behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use crate::proxies::Network;

/// Of IPv4, what is for special purposes (IANA), multicast, and what was never given to anybody.
const NOT_PUBLIC_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// Of IPv6, what is given to the world; the rest is local, multicast, or an address of IPv4 in another dress.
const PUBLIC_V6: &str = "2000::/3";
/// And what of it is not: protocols, tunnels to addresses of IPv4, and documentation.
const NOT_PUBLIC_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

static NETWORKS: LazyLock<(Vec<Network>, Vec<Network>)> = LazyLock::new(|| {
    // All are in order, as a test says.
    let not_public = NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6).filter_map(|text| text.parse().ok());
    (not_public.collect(), PUBLIC_V6.parse().into_iter().collect())
});

/// Whether an address is one of the world.
pub(super) fn is_public(address: IpAddr) -> bool {
    let (not_public, public_v6) = &*NETWORKS;
    let address = address.to_canonical();
    let is_in = |networks: &[Network]| networks.iter().any(|network| network.contains(&address));
    !is_in(not_public) && (address.is_ipv4() || is_in(public_v6))
}

/// The address that a host is, if it is not a name. Whoever writes an address in another way has written a name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one() {
        assert_eq!(NETWORKS.0.len(), NOT_PUBLIC_V4.len() + NOT_PUBLIC_V6.len());
        assert_eq!(NETWORKS.1.len(), 1);
    }

    #[test]
    fn what_is_behind_this_server_is_not_public_in_whatever_dress() {
        let private = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_is_told_from_a_name() {
        assert_eq!(literal("[::1]"), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(literal("127.0.0.1"), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!((literal("localhost"), literal("127.1"), literal("::1")), (None, None, None));
    }
}
