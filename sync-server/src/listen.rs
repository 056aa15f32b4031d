//! Taking connections: how many, how fast they must speak, TLS, and letting them end.
//!
//! axum's own loop sets neither buffers nor timeouts, so the loop is here; what is served is a router all the same.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::intake::{Intake, Metered};
use crate::node::Node;
use crate::patience::Patient;
use crate::{gate, proxies};

/// Pause after the system has given no connection, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One of the connections that there may be; free again when the last that holds it is gone.
#[derive(Clone)]
pub(crate) struct Place {
    _held: Arc<Held>,
}

struct Held {
    _permit: OwnedSemaphorePermit,
    site: Option<IpAddr>,
    sites: Arc<Sites>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(site) = self.site {
            self.sites.leave(site);
        }
    }
}

/// How many connections each address has. It holds as many as there are connections.
#[derive(Default)]
struct Sites(Mutex<HashMap<IpAddr, usize>>);

impl Sites {
    /// Says whether there was room for one more.
    fn enter(&self, site: IpAddr, max: usize) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(site).or_insert(0);
        let has_room = *count < max;
        *count += usize::from(has_room);
        has_room
    }

    fn leave(&self, site: IpAddr) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get_mut(&site).map(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            all.remove(&site);
        }
    }
}

/// Connections too many that are told so, and may ask for health: whoever looks after the server has a few.
const SPARE_PLACES: usize = 16;

/// What is served: all pages, and to a connection too many those of health.
pub(crate) struct Routers {
    pub(crate) all: Router,
    pub(crate) health: Router,
}

/// A place for a connection, if there is one in all and one for its address. A proxy that is trusted has as many as it
/// likes: whom it speaks for has a limit there.
fn place(node: &Node, places: &Arc<Semaphore>, sites: &Arc<Sites>, peer: IpAddr) -> Option<Place> {
    let permit = Arc::clone(places).try_acquire_owned().ok()?;
    let site = (!proxies::is_trusted(&node.trusted_proxies, &peer)).then(|| gate::site(peer));
    let has_room = site.is_none_or(|site| sites.enter(site, node.limits.address_connections_max_count));
    has_room.then(|| Place { _held: Arc::new(Held { _permit: permit, site, sites: Arc::clone(sites) }) })
}

/// A place for a connection too many.
fn spare_place(spare: &Arc<Semaphore>, sites: &Arc<Sites>) -> Option<Place> {
    let permit = Arc::clone(spare).try_acquire_owned().ok()?;
    Some(Place { _held: Arc::new(Held { _permit: permit, site: None, sites: Arc::clone(sites) }) })
}

/// TLS with a certificate chain and a key, both PEM.
pub(crate) fn tls(cert: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(cert).map_err(io::Error::other)?.collect();
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(io::Error::other)?, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Takes connections until `stop`, then lets those that are there end, for some seconds.
pub(crate) async fn run(
    node: &Arc<Node>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routers: Routers,
    stop: impl Future<Output = ()>,
) {
    let max = node.limits.connections_max_count.min(Semaphore::MAX_PERMITS);
    let (places, spare) = (Arc::new(Semaphore::new(max)), Arc::new(Semaphore::new(SPARE_PLACES)));
    let (sites, nobody) = (Arc::default(), Arc::default());
    let (closing, is_closing) = watch::channel(false);
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "no connection could be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let place = place(node, &places, &sites, peer.ip());
        let is_spare = place.is_none();
        if is_spare {
            tracing::warn!("more connections than there may be, in all or of one address");
        }
        let Some(place) = place.or_else(|| spare_place(&spare, &nobody)) else { continue };
        let serving = Serving {
            router: if is_spare { routers.health.clone() } else { routers.all.clone() },
            peer,
            place,
            is_spare,
            intake: Intake::new(node.strangers.clone()),
            head_bytes_max: node.limits.head_max_bytes,
            head_fields_max: node.limits.head_fields_max_count,
            header_time: Duration::from_secs(u64::from(node.limits.header_timeout_seconds)),
            // A device's session ends by itself after half of it, with a word.
            taking_time: Duration::from_secs(u64::from(node.limits.stalled_timeout_seconds)) * 2,
            is_closing: is_closing.clone(),
        };
        tokio::spawn(serving.stream(stream, tls.clone()));
    }
    drop((listener, is_closing));
    node.close();
    // Nobody is connected if nobody listens.
    _ = closing.send(true);
    drain(node, &places, max, &spare).await;
}

async fn drain(node: &Arc<Node>, places: &Semaphore, max: usize, spare: &Semaphore) {
    tracing::info!(connections = max - places.available_permits(), "closing");
    let all = u32::try_from(max).unwrap_or(u32::MAX);
    let time = Duration::from_secs(u64::from(node.limits.drain_timeout_seconds));
    let spares = u32::try_from(SPARE_PLACES).unwrap_or(u32::MAX);
    let free = async { tokio::join!(places.acquire_many(all), spare.acquire_many(spares)) };
    if tokio::time::timeout(time, free).await.is_err() {
        tracing::warn!(connections = max - places.available_permits(), "closed while some were still connected");
    }
}

struct Serving {
    router: Router,
    peer: SocketAddr,
    place: Place,
    /// For one request alone.
    is_spare: bool,
    intake: Arc<Intake>,
    head_bytes_max: usize,
    head_fields_max: usize,
    header_time: Duration,
    taking_time: Duration,
    is_closing: watch::Receiver<bool>,
}

impl Serving {
    async fn stream(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Without it a small frame may wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let stream = Metered::new(Patient::new(stream, self.taking_time), Arc::clone(&self.intake));
        match tls {
            None => self.http(stream).await,
            Some(tls) => match tokio::time::timeout(self.header_time, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS handshake"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { router, peer, place, is_spare, intake, .. } = self;
        let Self { head_bytes_max, head_fields_max, header_time, mut is_closing, .. } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(place.clone());
            request.extensions_mut().insert(Arc::clone(&intake));
            hyper::service::Service::call(&TowerToHyperService::new(router.clone()), request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_time)
            .keep_alive(!is_spare)
            .max_headers(head_fields_max)
            .max_buf_size(head_bytes_max)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            // The value is only ever set to true, so that a change is that.
            _ = is_closing.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection has ended early");
        }
    }
}
