//! Whose request it is when it comes through a proxy: a header says so, and only that of a trusted one is believed.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;

/// Addresses with a common beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| format!("{address} is no network address"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| "a network ends in its number of bits".to_owned())?;
        if bits > width { Err(format!("a network has at most {width} bits")) } else { Ok(Self::new(address, bits)) }
    }
}

impl Network {
    /// One of IPv4 that is written as one of IPv6 (`::ffff:10.0.0.0/104`) is one of IPv4.
    fn new(address: IpAddr, bits: u32) -> Self {
        match (address, address.to_canonical(), bits.checked_sub(96)) {
            (IpAddr::V6(_), plain @ IpAddr::V4(_), Some(bits)) => Self { address: plain, bits },
            _ => Self { address, bits },
        }
    }

    /// Whether an address is in it; one of IPv4 also as a socket for IPv6 and IPv4 says it (`::ffff:10.0.0.1`).
    pub(crate) fn contains(&self, address: &IpAddr) -> bool {
        let (own, other, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        (own ^ other).checked_shr(width - self.bits).unwrap_or(0) == 0
    }
}

/// Whether a connection from this address is one of a trusted proxy.
pub(crate) fn is_trusted(trusted: &[Network], address: &IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The address of whoever sent a request: of the connection, or, behind trusted proxies, the last that is none of them.
///
/// Each proxy adds at the end whom it was asked by: only what is right of the first stranger, from the end, was written by
/// one that is trusted. What is no address ends the search, as nobody says what is left of it.
pub(crate) fn client(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(trusted, &peer) {
        return peer;
    }
    let values = headers.get_all("x-forwarded-for").iter().rev().map(|value| value.to_str().unwrap_or_default());
    let mut hops = values.flat_map(|value| value.rsplit(',')).map_while(hop);
    hops.find(|hop| !is_trusted(trusted, hop)).unwrap_or(peer)
}

/// The address of a hop as proxies write it: bare, or with a port, which one of IPv6 is kept from by brackets.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().ok().map(|hop: SocketAddr| hop.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client_of(peer: &str, forwarded: &str) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        client(&trusted, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_whose_request_it_is() {
        assert_eq!(client_of("192.0.2.1", "198.51.100.7"), "192.0.2.1");
        assert_eq!(client_of("10.1.2.3", "198.51.100.7"), "198.51.100.7");
        assert_eq!(client_of("10.1.2.3", "203.0.113.9, 198.51.100.7, 10.9.9.9"), "198.51.100.7");
        assert_eq!(client_of("::1", "198.51.100.7"), "198.51.100.7");
        assert_eq!(client_of("10.1.2.3", "nonsense"), "10.1.2.3");
    }

    #[test]
    fn nothing_that_a_client_writes_itself_says_whose_request_it_is() {
        for written in ["203.0.113.9, nonsense", "nonsense", "unknown, 203.0.113.9", "203.0.113.9,", "203.0.113.9, [::"]
        {
            assert_eq!(client_of("10.1.2.3", &format!("{written}, 198.51.100.7")), "198.51.100.7", "{written}");
            assert_eq!(
                client_of("10.1.2.3", &format!("{written}, 198.51.100.7, 10.9.9.9")),
                "198.51.100.7",
                "{written}"
            );
        }
        assert_eq!(client_of("10.1.2.3", "203.0.113.9, nonsense, 10.9.9.9"), "10.1.2.3", "a proxy wrote no address");
    }

    #[test]
    fn a_header_that_comes_twice_is_one_and_one_that_is_no_text_ends_the_search() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let client_of = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
            }
            client(&trusted, "10.1.2.3".parse().unwrap(), &headers).to_string()
        };
        assert_eq!(client_of(&[b"203.0.113.9", b"198.51.100.7", b"10.9.9.9"]), "198.51.100.7");
        assert_eq!(client_of(&[b"203.0.113.9", b"\xff", b"198.51.100.7"]), "198.51.100.7");
        assert_eq!(client_of(&[b"203.0.113.9", b"\xff", b"10.9.9.9"]), "10.1.2.3");
    }

    #[test]
    fn an_address_is_one_with_a_port_and_in_the_dress_of_ipv6() {
        for hop in ["198.51.100.7:4711", "::ffff:198.51.100.7", "[::ffff:198.51.100.7]:80", " 198.51.100.7 "] {
            assert_eq!(
                client_of("::ffff:10.1.2.3", &format!("203.0.113.9, {hop}, 10.9.9.9:80")),
                "198.51.100.7",
                "{hop}"
            );
        }
        for hop in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711"] {
            assert_eq!(client_of("10.1.2.3", hop), "2001:db8::7", "{hop}");
        }
        assert_eq!(client_of("::ffff:192.0.2.1", "198.51.100.7"), "192.0.2.1");
    }

    #[test]
    fn a_network_has_an_address_and_no_more_bits_than_that() {
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("ten/8".parse::<Network>().is_err());
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(&"203.0.113.9".parse().unwrap()));
        for network in ["10.0.0.0/8", "::ffff:10.0.0.0/104"] {
            let network: Network = network.parse().unwrap();
            let holds = |address: &str| network.contains(&address.parse().unwrap());
            assert!(holds("10.0.0.1") && holds("::ffff:10.0.0.1") && !holds("::ffff:11.0.0.1") && !holds("::1"));
        }
    }
}
