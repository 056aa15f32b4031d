//! Numbers for whoever watches the server, in the text format of Prometheus, on an address of their own.
//!
//! Names are `outlay_<area>_<what>_<unit>`. Nothing is labelled by account, device, ledger or address: the number of
//! series depends on the number of routes alone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use outlay_protocol::session::Outcome;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::accounts::passwords::Counts;
use crate::node::Node;

/// What Prometheus calls what [`encode`] writes.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds: from a read of memory to a request that is given up.
const TIME_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Jobs of one transaction, up to the most that there may be.
const GROUP_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Routed {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Became {
    outcome: &'static str,
}

type Times = Family<Routed, Histogram, fn() -> Histogram>;

/// Every number, by reference: a copy counts into the same.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answered, Counter>,
    times: Times,
    sockets: Gauge,
    ledgers: Gauge,
    streams: Gauge,
    commits: Family<Became, Counter>,
    pub(crate) queued: Gauge,
    pub(crate) grouped: Histogram,
    strangers: Gauge,
    hashing: Gauge,
    pub(crate) hashes: Counts,
    pub(crate) rate_limited: Counter,
    deliveries: Family<Became, Counter>,
    pub(crate) webhooks_stopped: Counter,
    insights: Family<Became, Counter>,
    insight_times: Histogram,
    database_bytes: Gauge,
    wal_bytes: Gauge,
    database: Arc<PathBuf>,
}

fn entered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// All at zero, of the server of this database.
    pub fn new(database: &Path) -> Self {
        let mut registry = Registry::with_prefix("outlay");
        let all = &mut registry;
        let (requests, times) = (Family::default(), Times::new_with_constructor(|| Histogram::new(TIME_BUCKETS)));
        Self {
            requests: entered(all, "http_requests", "Requests answered, by method, route and status", requests),
            times: entered(all, "http_request_duration_seconds", "Time to the answer, by route", times),
            sockets: entered(all, "sync_sockets_count", "Devices connected by a WebSocket", Gauge::default()),
            ledgers: entered(all, "sync_subscribed_ledgers_count", "Ledgers somebody waits on", Gauge::default()),
            streams: entered(all, "event_streams_count", "Event streams that are read", Gauge::default()),
            commits: entered(all, "sync_commits", "Commits pushed, by what became of them", Family::default()),
            queued: entered(all, "store_queue_jobs", "Jobs that wait for the writer", Gauge::default()),
            grouped: entered(all, "store_group_jobs", "Jobs of one transaction", Histogram::new(GROUP_BUCKETS)),
            strangers: entered(all, "unauthenticated_bytes", "Taken before it is known from whom", Gauge::default()),
            hashing: entered(all, "password_hashes_count", "Password hashes running or waiting", Gauge::default()),
            hashes: Counts {
                made: entered(all, "password_hashes", "Passwords hashed", Counter::default()),
                shed: entered(all, "password_hashes_shed", "Logins told to come back", Counter::default()),
            },
            rate_limited: entered(all, "http_rate_limited_requests", "Requests over a rate", Counter::default()),
            deliveries: entered(all, "webhook_deliveries", "Attempts, by what became of them", Family::default()),
            webhooks_stopped: entered(all, "webhook_stops", "Webhooks stopped by the server", Counter::default()),
            insights: entered(all, "insight_jobs", "Insights of a ledger, by what became of them", Family::default()),
            insight_times: entered(all, "insight_job_duration_seconds", "Time of that", Histogram::new(TIME_BUCKETS)),
            database_bytes: entered(all, "store_database_bytes", "Size of the database file", Gauge::default()),
            wal_bytes: entered(all, "store_wal_bytes", "Size of its write-ahead log", Gauge::default()),
            database: Arc::new(database.to_owned()),
            registry: Arc::new(registry),
        }
    }

    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, time: Duration) {
        self.requests.get_or_create(&Answered { method, route: route.to_owned(), status }).inc();
        self.times.get_or_create(&Routed { route: route.to_owned() }).observe(time.as_secs_f64());
    }

    pub(crate) fn pushed(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let outcome = match outcome {
                Outcome::Stored(_) => "stored",
                Outcome::Held => "held",
                Outcome::Refused(..) => "refused",
            };
            self.commits.get_or_create(&Became { outcome }).inc();
        }
    }

    pub(crate) fn delivered(&self, outcome: &'static str) {
        self.deliveries.get_or_create(&Became { outcome }).inc();
    }

    pub(crate) fn insights_made(&self, outcome: &'static str, time: Duration) {
        self.insights.get_or_create(&Became { outcome }).inc();
        self.insight_times.observe(time.as_secs_f64());
    }

    /// The text of now.
    fn text(&self, node: &Node) -> Result<String, std::fmt::Error> {
        let (sockets, ledgers) = node.hub.counts();
        set(&self.sockets, sockets);
        set(&self.ledgers, ledgers);
        set(&self.streams, node.streams.count());
        set(&self.strangers, node.strangers.taken());
        set(&self.hashing, node.hashing.busy());
        set(&self.database_bytes, file_bytes(&self.database));
        let mut wal = self.database.as_os_str().to_owned();
        wal.push("-wal");
        set(&self.wal_bytes, file_bytes(Path::new(&wal)));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn set(gauge: &Gauge, value: impl TryInto<i64>) {
    gauge.set(value.try_into().unwrap_or(i64::MAX));
}

/// Of a file that is not there, 0.
fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// The page, for an address that only those who watch can reach. It does not keep a server that ends from ending.
pub(crate) fn router(node: &Arc<Node>) -> Router {
    Router::new().route("/metrics", get(page)).with_state(Arc::downgrade(node))
}

async fn page(State(node): State<Weak<Node>>) -> Response {
    let Some(node) = node.upgrade() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match node.metrics.text(&node) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
