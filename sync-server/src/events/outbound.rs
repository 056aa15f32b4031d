//! One request to an address of somebody's choice, and no further.
//!
//! A name is looked up once; every address that comes of it is checked, and one of these is connected to. No redirect is
//! followed: its answer is a failure like any other. Of an answer the status is read and nothing else, so that nobody reads
//! by this server what only this server can reach.

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Scheme;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use outlay_protocol::Code;
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;

use super::addresses::{is_public, literal};
use crate::config::Serve;

/// Bytes of a URL: what browsers take.
const URL_BYTES_MAX: usize = 2_048;
/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Names that are looked up at once, each on a thread: a name server that does not answer holds one for some seconds.
const LOOKUPS_MAX: usize = 32;
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Who asks.
const AGENT: &str = concat!("outlay-server/", env!("CARGO_PKG_VERSION"));

/// Why something was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The host is at an address that is not to be asked.
    Private,
    /// There is no such host, or nobody answers there.
    Unreachable,
    /// There was no TLS that can be trusted.
    Tls,
    /// What answers there does not speak HTTP, or broke off.
    Broken,
    /// It took too long.
    Slow,
    /// The answer sends elsewhere.
    Redirect,
    /// The answer says that there is nothing here any more.
    Gone,
    /// Any other answer that is none of success.
    Status,
}

impl Failure {
    /// As programs read it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Private => "private_address",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Broken => "broken",
            Self::Slow => "timeout",
            Self::Redirect => "redirect",
            Self::Gone => "gone",
            Self::Status => "status",
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// Why it was none of success.
    pub(crate) failure: Option<Failure>,
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self { status: None, failure: Some(failure) }
    }
}

impl Outcome {
    fn of_status(status: u16) -> Self {
        let failure = match status {
            200..300 => None,
            300..400 => Some(Failure::Redirect),
            410 => Some(Failure::Gone),
            _ => Some(Failure::Status),
        };
        Self { status: Some(status), failure }
    }
}

/// Where something is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    is_tls: bool,
    /// As it stands in the URL; an address of IPv6 in brackets.
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// What asks others.
pub(crate) struct Outbound {
    /// Made for the first request that needs it: the roots of the platform take memory, and a server may have no webhooks.
    tls: OnceLock<Option<TlsConnector>>,
    takes_private: bool,
    takes_http: bool,
    time_max: Duration,
    lookups: Arc<Semaphore>,
}

impl Outbound {
    pub(crate) fn new(serve: &Serve) -> Self {
        Self {
            tls: OnceLock::new(),
            takes_private: serve.webhook_private_addresses,
            takes_http: serve.webhook_http || serve.dev,
            time_max: Duration::from_secs(u64::from(serve.limits.webhook_timeout_seconds)),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }

    /// Where a URL leads, if something may be delivered there as far as the URL says.
    ///
    /// # Errors
    ///
    /// [`Code::Invalid`].
    pub(crate) fn target(&self, url: &str) -> Result<Target, Code> {
        let uri: Uri = url.parse().map_err(|_| Code::Invalid)?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP && self.takes_http => false,
            _ => return Err(Code::Invalid),
        };
        let authority = uri.authority().ok_or(Code::Invalid)?;
        let host = authority.host().to_owned();
        let is_private = literal(&host).is_some_and(|address| !self.may_ask(address));
        let is_odd = url.len() > URL_BYTES_MAX || url.contains('#') || authority.as_str().contains('@');
        if host.is_empty() || is_private || is_odd {
            return Err(Code::Invalid);
        }
        Ok(Target {
            is_tls,
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            host,
        })
    }

    /// Posts JSON, in as long as there is for it.
    pub(crate) async fn post(&self, target: &Target, fields: &[(&'static str, String)], body: String) -> Outcome {
        let post = self.post_without_limit(target, fields, body);
        tokio::time::timeout(self.time_max, post).await.map_or(Failure::Slow.into(), |posted| match posted {
            Ok(status) => Outcome::of_status(status),
            Err(failure) => failure.into(),
        })
    }

    async fn post_without_limit(
        &self,
        target: &Target,
        fields: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, Failure> {
        let mut request = Request::post(&target.path)
            .header(HOST, &target.authority)
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|_| Failure::Broken)?;
        let tcp = self.connect(target).await?;
        if !target.is_tls {
            return exchange(tcp, request).await;
        }
        let tls =
            self.tls.get_or_init(|| tls().inspect_err(|error| tracing::warn!(%error, "no TLS for webhooks")).ok());
        let tls = tls.as_ref().ok_or(Failure::Tls)?;
        let name = ServerName::try_from(bare(&target.host).to_owned()).map_err(|_| Failure::Tls)?;
        exchange(tls.connect(name, tcp).await.map_err(|_| Failure::Tls)?, request).await
    }

    /// A connection to one of the addresses that were checked.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Failure> {
        let addresses = self.look_up(target).await?;
        if !addresses.iter().all(|address| self.may_ask(address.ip())) {
            return Err(Failure::Private);
        }
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            if let Ok(stream) = TcpStream::connect(address).await {
                // What is written is a whole request already.
                _ = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
        Err(Failure::Unreachable)
    }

    /// The addresses of a host. A thread of its own waits for the system, as long as that likes: those of the pool are few,
    /// and the database is read by them.
    async fn look_up(&self, target: &Target) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(address) = literal(&target.host) {
            return Ok(vec![SocketAddr::new(address, target.port)]);
        }
        let turn = Arc::clone(&self.lookups).acquire_owned().await.map_err(|_| Failure::Unreachable)?;
        let (sender, found) = oneshot::channel();
        let (host, port) = (target.host.clone(), target.port);
        let look_up = move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(turn);
            // Who asked may not have waited so long.
            _ = sender.send(found);
        };
        std::thread::Builder::new().name("lookup".into()).spawn(look_up).map_err(|_| Failure::Unreachable)?;
        found.await.ok().and_then(Result::ok).ok_or(Failure::Unreachable)
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        self.takes_private || is_public(address)
    }
}

/// A host without the brackets around an address of IPv6.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Asks, and says what status is answered.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<u16, Failure> {
    let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|_| Failure::Broken)?;
    // It may end with the answer in hand; what came of the request says the request.
    let driving = async move {
        _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answered = sender.send_request(request) => {
            answered.map(|answer| answer.status().as_u16()).map_err(|_| Failure::Broken)
        }
        () = driving => Err(Failure::Broken),
    }
}

fn tls() -> io::Result<TlsConnector> {
    let unmade = |error: &dyn Display| io::Error::other(error.to_string());
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(|error| unmade(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unmade(&error))?;
    // Not dangerous: it is the platform's own verifier.
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
