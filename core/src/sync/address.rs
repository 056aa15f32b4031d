//! Where a server is.

use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, Result};

/// Bytes of an address: no host name is longer than 253.
const ADDRESS_BYTES_MAX: usize = 512;

/// The address of a server: `https://host[:port]`, or `http://` of this very machine.
///
/// ```
/// use outlay_core::sync::ServerAddress;
/// assert_eq!(ServerAddress::parse("https://sync.example.org/")?.to_string(), "https://sync.example.org");
/// assert!(ServerAddress::parse("http://127.0.0.1:8080").is_ok());
/// assert!(ServerAddress::parse("http://sync.example.org").is_err(), "passwords do not go over a wire in clear");
/// # Ok::<(), outlay_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    is_tls: bool,
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::InvalidInput`] if it is none, has a path, or is `http://` of another machine.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().trim_end_matches('/');
        let (is_tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(Error::invalid("the address of a server begins with https://")),
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if rest.is_empty() || rest.len() > ADDRESS_BYTES_MAX || !rest.chars().all(is_plain) {
            return Err(Error::invalid("the address of a server is https://, a host name, and perhaps : and a port"));
        }
        let (host, port) = split_port(rest, if is_tls { 443 } else { 80 })?;
        let address = Self { is_tls, host: host.to_ascii_lowercase(), port };
        if !is_tls && !address.is_loopback() {
            return Err(Error::invalid("http:// is only for a server on this very machine; use https://"));
        }
        Ok(address)
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The host, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What the `Host` header says.
    pub(crate) fn authority(&self) -> String {
        let is_usual = self.port == if self.is_tls { 443 } else { 80 };
        if is_usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host().parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

fn split_port(rest: &str, usual: u16) -> Result<(&str, u16)> {
    let end_of_host = rest.rfind(']').map_or(0, |end| end + 1);
    match rest[end_of_host..].find(':') {
        None => Ok((rest, usual)),
        Some(at) => {
            let (host, port) = rest.split_at(end_of_host + at);
            let port = port[1..].parse().ok().filter(|port| *port != 0);
            let port = port.ok_or_else(|| Error::invalid("the port of a server is a number from 1 to 65535"))?;
            if host.is_empty() { Err(Error::invalid("the address of a server names a host")) } else { Ok((host, port)) }
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())
    }
}
