//! What all requests share: the store, the hub, the limits, the keys.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use axum::extract::State;
use axum::http::HeaderValue;
use outlay_ledger::DeviceKey;
use outlay_protocol::session::{Answer, Identity, Question};
use outlay_protocol::{Code, session};

use crate::accounts::Attempts;
use crate::accounts::passwords::Hashing;
use crate::auth::{AccessTokens, Nonces};
use crate::blobs::Files;
use crate::bus::LocalBus;
use crate::clock;
use crate::config::{Limits, Serve, SignUp};
use crate::events::{Courier, Outbound, Streams};
use crate::gate::Gate;
use crate::health::Health;
use crate::insights::Insights;
use crate::intake::Room;
use crate::limiter::LocalLimiter;
use crate::mail::Post;
use crate::metrics::Metrics;
use crate::proxies::Network;
use crate::session_cache::{self, LocalSessions};
use crate::store::{Concurrent, Result, Store, Transactions, Writer, system_random};
use crate::sync::answer::{self, Answered, Context, trouble};
use crate::sync::ingest::Raw;
use crate::sync::{Hub, Ingest, Rates, Visitor};

/// The threads that check and store, and what keeps the first from ending.
type Threads = (Ingest, JoinHandle<()>, JoinHandle<Store>);

/// Password hashes at once: half of the threads that work beside requests, so that people who sign in leave room for reads.
const HASHES_MAX: usize = 4;

/// The server, as its pages have it.
pub(crate) type Shared = State<Arc<Node>>;

/// The server.
pub(crate) struct Node {
    pub(crate) id: DeviceKey,
    pub(crate) refresh_key: [u8; 32],
    pub(crate) limits: Limits,
    pub(crate) sign_up: SignUp,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) cors_origins: Vec<HeaderValue>,
    pub(crate) has_tls: bool,
    pub(crate) context: Context,
    pub(crate) hub: Arc<Hub>,
    pub(crate) hashing: Hashing,
    pub(crate) attempts: Attempts,
    pub(crate) nonces: Nonces,
    pub(crate) gate: Gate,
    /// For what is not known yet whose it is.
    pub(crate) strangers: Room,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) post: Post,
    pub(crate) files: Files,
    pub(crate) streams: Streams,
    pub(crate) courier: Arc<Courier>,
    pub(crate) insights: Arc<Insights>,
    rates: Rates,
    store: Concurrent,
    /// Taken when the server ends, so that the threads behind them end too.
    threads: Mutex<Option<Threads>>,
    ingest: Ingest,
    is_closing: AtomicBool,
}

impl Node {
    /// With a store that was opened.
    pub(crate) fn start(store: Store, database: &std::path::Path, serve: &Serve) -> std::io::Result<Arc<Self>> {
        let limits = serve.limits.clone();
        let (id, refresh_key) = (store.keys().identity.public(), store.keys().refresh);
        let tokens = AccessTokens::new(&store.keys().token, &id, limits.access_token_seconds);
        let (hub, metrics) = (Arc::new(Hub::default()), Metrics::new(database));
        let courier = Arc::new(Courier::new(Outbound::new(serve), store.keys().webhook));
        let insights = Arc::new(Insights::default());
        let sessions = Arc::<LocalSessions>::default();
        let (to_courier, to_insights, to_hub) = (Arc::clone(&courier), Arc::clone(&insights), Arc::clone(&hub));
        let bus = LocalBus::new(vec![
            session_cache::listener(Arc::clone(&sessions)),
            Box::new(move |effects| to_courier.notice(effects)),
            Box::new(move |effects| to_insights.notice(effects)),
            Box::new(move |effects| to_hub.notice(effects)),
        ]);
        let (store, store_thread) =
            Concurrent::start(store, database, limits.database_cache_kib, metrics.clone(), bus)?;
        let (ingest, ingest_thread) = Ingest::start(store.writer().clone(), limits.ledgers())?;
        let post = Post::start(serve, store.writer()).map_err(std::io::Error::other)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (queue_max, counts) = (limits.password_hash_queue_count, metrics.hashes.clone());
        let at_once = cores.saturating_sub(1).min(HASHES_MAX);
        let hashing = Hashing::new(limits.password_cost(), at_once, queue_max, counts);
        let hashing = hashing.ok_or_else(|| std::io::Error::other("argon2 cannot work with this memory and passes"))?;
        let limiter = Arc::new(LocalLimiter::default());
        let by_default = if serve.dev { SignUp::Open } else { SignUp::Invitation };
        Ok(Arc::new(Self {
            id,
            refresh_key,
            sign_up: serve.sign_up.unwrap_or(by_default),
            trusted_proxies: serve.trusted_proxies.clone(),
            cors_origins: serve.cors_origins.iter().map(|origin| origin.0.clone()).collect(),
            has_tls: serve.tls_cert.is_some(),
            context: Context { tokens, limits: limits.ledgers(), held: Default::default(), sessions },
            hub,
            hashing,
            attempts: Attempts::new(Arc::clone(&limiter)),
            nonces: Nonces::new(random()),
            post,
            files: Files::beside(database),
            streams: Streams::default(),
            courier,
            insights,
            gate: Gate::new(Arc::clone(&limiter), &limits),
            strangers: Room::new(limits.unauthenticated_max_bytes),
            health: Health::default(),
            metrics,
            rates: Rates::new(limiter, limits.rates()),
            store,
            threads: Mutex::new(Some((ingest.clone(), ingest_thread, store_thread))),
            ingest,
            is_closing: AtomicBool::new(false),
            limits,
        }))
    }

    pub(crate) fn writer(&self) -> &Writer {
        self.store.writer()
    }

    pub(crate) fn identity(&self, nonce: [u8; 16]) -> Identity {
        Identity { server: self.id.0, nonce }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// No longer ready; connections are told.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.hub.close();
        self.courier.wake();
        self.insights.wake();
    }

    /// Ends the threads after what they have been given, and closes the database.
    pub(crate) fn end(self: Arc<Self>) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((ingest, ingest_thread, store_thread)) = threads else { return };
        let Ok(node) = Arc::try_unwrap(self).map_err(|_| tracing::warn!("connections were still open at the end"))
        else {
            return;
        };
        drop((ingest, node));
        if ingest_thread.join().is_err() || store_thread.join().is_err() {
            tracing::error!("a thread has panicked");
        }
    }

    /// Reads the database without holding up other requests.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.store.read(read).await
    }

    /// Answers a question of a session by and by. Pushes of one connection are taken in the order of these calls.
    pub(crate) fn ask(
        self: &Arc<Self>,
        visitor: Option<Visitor>,
        question: Question,
        tell: impl FnOnce(Answered) + Send + 'static,
    ) {
        let now_ms = clock::unix_ms();
        if let Question::Append { ledger, commits } = question {
            let Some(visitor) = visitor else { return tell(Answer::Refused(Code::SignInNeeded, 0).into()) };
            return match self.rates.admit(clock::monotonic_ms(), &visitor, &commits) {
                Err(wait_ms) => {
                    self.metrics.rate_limited.inc();
                    tell(Answer::Refused(Code::Rate, wait_ms).into());
                }
                Ok(()) => {
                    let metrics = self.metrics.clone();
                    let answer = Box::new(move |answered: Answered| {
                        if let Answer::Appended(outcomes) = &answered.answer {
                            metrics.pushed(outcomes);
                        }
                        tell(answered);
                    });
                    self.ingest.push(Raw { visitor, ledger, commits, now_ms, answer });
                }
            };
        }
        let node = Arc::clone(self);
        tokio::spawn(async move {
            let answered = answer::answer(&node.store, &node.context, visitor, now_ms, question).await;
            tell(answered.unwrap_or_else(|error| trouble(&error).into()));
        });
    }

    /// A session for a new connection.
    pub(crate) fn session(&self, nonce: [u8; 16]) -> session::ServerSession {
        session::ServerSession::new(self.limits.session(), self.identity(nonce))
    }
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    system_random()(&mut bytes);
    bytes
}
