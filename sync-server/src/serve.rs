//! The program: opens the store, listens, and ends in good order.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use outlay_ledger::hex;
use tokio::net::TcpListener;

use crate::accounts::admin;
use crate::blobs::{self, Files};
use crate::config::Serve;
use crate::ledgers::purge;
use crate::listen::Routers;
use crate::node::Node;
use crate::store::{Secret, Store, StoreError, StoreOptions};
use crate::{events, insights, listen, metrics, router};

/// The name of the database in the server's folder.
const DATABASE: &str = "outlay-server.db";

/// Secrets that stand in examples: whoever reads them could sign as the server.
const KNOWN_SECRETS: [[u8; 32]; 2] = [[0; 32], *b"change-me-change-me-change-me-ch"];

/// Why the server does not start or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The secret is no secret.
    #[error("the secret is one that stands in examples; make another (openssl rand -hex 32), or use --dev")]
    KnownSecret,
    /// The secret is not in its form.
    #[error("the secret is 64 lower-case hexadecimal digits")]
    Secret,
    /// The database does not open.
    #[error("{path}: {error}")]
    Store {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        error: StoreError,
    },
    /// A file or a socket does not open.
    #[error("{what}: {error}")]
    Io {
        /// Which.
        what: String,
        /// What is wrong with it.
        error: io::Error,
    },
}

impl ServeError {
    fn io(what: impl ToString) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |error| Self::Io { what, error }
    }
}

/// The database of a server's folder.
pub fn database(data: &Path) -> PathBuf {
    data.join(DATABASE)
}

/// Opens the store of a server's folder.
///
/// # Errors
///
/// As for [`Store::open`], and when the folder cannot be made.
pub fn open(data: &Path, options: StoreOptions) -> Result<Store, ServeError> {
    std::fs::create_dir_all(data).map_err(ServeError::io(data.display()))?;
    let path = database(data);
    Store::open(&path, options).map_err(|error| ServeError::Store { path, error })
}

/// A server that listens and has not yet begun to serve.
pub struct Server {
    node: Arc<Node>,
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    metrics: Option<TcpListener>,
}

impl Server {
    /// Opens everything that can fail.
    ///
    /// # Errors
    ///
    /// A [`ServeError`] that says what to change.
    pub async fn bind(serve: &Serve) -> Result<Self, ServeError> {
        let (secret, tls) = (secret(serve)?, tls(serve)?);
        let options = StoreOptions {
            cache_kib: serve.limits.database_cache_kib,
            bytes_max: serve.limits.database_max_bytes,
            secret,
            ..Default::default()
        };
        let mut store = open(&serve.data, options)?;
        tidy(&mut store, &database(&serve.data))
            .map_err(|error| ServeError::Store { path: database(&serve.data), error })?;
        let listener = TcpListener::bind(serve.listen).await.map_err(ServeError::io(serve.listen))?;
        let metrics = match serve.metrics_listen {
            Some(address) => Some(TcpListener::bind(address).await.map_err(ServeError::io(address))?),
            None => None,
        };
        let node = Node::start(store, &database(&serve.data), serve).map_err(ServeError::io("starting"))?;
        Ok(Self { node, listener, tls, metrics })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The URL of the server.
    ///
    /// # Errors
    ///
    /// When the system does not say where it listens.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.address()?))
    }

    /// The URL of the metrics, if they are served.
    ///
    /// # Errors
    ///
    /// When the system does not say where it listens.
    pub fn metrics_url(&self) -> io::Result<Option<String>> {
        let address = self.metrics.as_ref().map(TcpListener::local_addr).transpose()?;
        Ok(address.map(|address| format!("http://{address}/metrics")))
    }

    /// Serves until `stop`, then lets connections end, makes everything durable and closes the database.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { node, listener, tls, metrics } = self;
        let watched = metrics.map(|listener| tokio::spawn(watch(listener, metrics::router(&node))));
        let routers = Routers { all: router::router(Arc::clone(&node)), health: router::health(Arc::clone(&node)) };
        let noticing = tokio::spawn(admin::watch(Arc::downgrade(&node)));
        let telling = tokio::spawn(events::tell_webhooks(Arc::downgrade(&node)));
        let finding = tokio::spawn(insights::make(Arc::downgrade(&node)));
        listen::run(&node, listener, tls, routers, stop).await;
        for beside in watched.into_iter().chain([noticing]) {
            beside.abort();
            // Nothing that it holds is there when this returns; that it was aborted is no news.
            _ = beside.await;
        }
        // They end by themselves, and let go of what they are sending or making.
        _ = telling.await;
        _ = finding.await;
        node.post.end(Duration::from_secs(u64::from(node.limits.drain_timeout_seconds))).await;
        // Ending waits for threads, which nothing else may have to wait for.
        if tokio::task::spawn_blocking(move || node.end()).await.is_err() {
            tracing::error!("the server did not end in good order");
        }
    }
}

async fn watch(listener: TcpListener, metrics: axum::Router) {
    if let Err(error) = axum::serve(listener, metrics).await {
        tracing::error!(%error, "the metrics are no longer served");
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
///
/// A [`ServeError`] when it does not start.
pub async fn serve(serve: &Serve) -> Result<(), ServeError> {
    let server = Server::bind(serve).await?;
    let stop = stop_signal().map_err(ServeError::io("signals"))?;
    let url = server.url().map_err(ServeError::io("listening"))?;
    tracing::info!(url, data = %serve.data.display(), "serving");
    // Whoever has started the server waits for this line; that nobody reads it is no reason to stop.
    let mut out = io::stdout();
    _ = writeln!(out, "listening on {url}").and_then(|()| out.flush());
    if let Some(url) = server.metrics_url().map_err(ServeError::io("metrics"))? {
        _ = writeln!(out, "metrics on {url}").and_then(|()| out.flush());
    }
    server.run(stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// Whether the secret and the certificate can be used; opens neither the database nor a socket.
///
/// # Errors
///
/// A [`ServeError`] that says what to change.
pub fn check(serve: &Serve) -> Result<(), ServeError> {
    secret(serve)?;
    tls(serve)?;
    Ok(())
}

fn tls(serve: &Serve) -> Result<Option<tokio_rustls::TlsAcceptor>, ServeError> {
    match (&serve.tls_cert, &serve.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(listen::tls(cert, key).map_err(ServeError::io(cert.display()))?)),
        _ => Ok(None),
    }
}

/// Goes on with deleting what a server that was stopped has begun to delete, and files that nothing says anything of.
fn tidy(store: &mut Store, database: &Path) -> Result<(), StoreError> {
    while store.write(purge::go_on)? {}
    Files::beside(database).sweep(|ledger, hash| blobs::is_known(store.connection(), ledger, hash))
}

fn secret(serve: &Serve) -> Result<Secret, ServeError> {
    let Some(text) = &serve.secret else { return Ok(Secret::Kept) };
    let secret = hex::fixed(text).ok_or(ServeError::Secret)?;
    if KNOWN_SECRETS.contains(&secret) && !serve.dev { Err(ServeError::KnownSecret) } else { Ok(Secret::Given(secret)) }
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
