//! Connections to a server: TCP, with TLS to any other machine.
//!
//! One way to connect for HTTP and WebSocket alike, so that both judge certificates the same. Nothing here knows what is
//! said.

pub(crate) mod http;
pub(crate) mod websocket;

use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use super::address::ServerAddress;
use crate::error::{Error, ErrorKind, Result};

/// How long a connection may take to be made, a name looked up and a handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What connects.
pub(crate) struct Connector {
    address: ServerAddress,
    tls: Option<TlsConnector>,
}

impl Connector {
    pub(crate) fn new(address: ServerAddress, roots_pem: &[Vec<u8>]) -> Result<Self> {
        let tls = if address.is_tls() { Some(tls(roots_pem)?) } else { None };
        Ok(Self { address, tls })
    }

    pub(crate) fn address(&self) -> &ServerAddress {
        &self.address
    }

    pub(crate) async fn connect(&self) -> Result<Box<dyn Stream>> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect_without_limit()).await;
        connected.map_err(|_| offline("the server does not answer"))?
    }

    async fn connect_without_limit(&self) -> Result<Box<dyn Stream>> {
        let unreachable = |error: std::io::Error| offline("the server cannot be reached").with_source(error);
        let tcp = TcpStream::connect((self.address.host(), self.address.port())).await.map_err(unreachable)?;
        // What is written is a whole flight already: waiting for more would only cost time.
        tcp.set_nodelay(true).map_err(unreachable)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(self.address.host().to_owned())
            .map_err(|error| Error::invalid("the address of the server names no host").with_source(error))?;
        let untrusted =
            |error: std::io::Error| offline("there is no secure connection to the server").with_source(error);
        Ok(Box::new(tls.connect(name, tcp).await.map_err(untrusted)?))
    }
}

fn tls(roots_pem: &[Vec<u8>]) -> Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = Vec::new();
    for pem in roots_pem {
        for root in CertificateDer::pem_slice_iter(pem) {
            roots.push(root.map_err(|error| Error::invalid("a root certificate is not PEM").with_source(error))?);
        }
    }
    let unmade = |error| Error::internal("TLS could not be set up").with_source(error);
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(unmade)?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(unmade)?;
    // Not dangerous: it is the platform's own verifier, with the roots that were given beside its own.
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

pub(crate) fn offline(text: &str) -> Error {
    Error::new(ErrorKind::Offline, text)
}
