//! Whose request it is when it comes through a proxy: a header says so, and only that of a trusted one is believed.

use std::net::IpAddr;
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
        if bits > width { Err(format!("a network has at most {width} bits")) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    pub(crate) fn contains(&self, address: &IpAddr) -> bool {
        let (own, other, width) = match (self.address, address) {
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
pub(crate) fn client(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !is_trusted(trusted, &peer) {
        return peer;
    }
    let values = headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> =
        values.flat_map(|value| value.split(',')).map_while(|hop| hop.trim().parse().ok()).collect();
    hops.into_iter().rev().find(|hop| !is_trusted(trusted, hop)).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
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
    fn a_network_has_an_address_and_no_more_bits_than_that() {
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("ten/8".parse::<Network>().is_err());
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(&"203.0.113.9".parse().unwrap()));
    }
}
