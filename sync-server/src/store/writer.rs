//! The writer on its thread: what arrives while a commit is being made durable goes into the next one together.
//!
//! A job is answered only after the transaction that holds it is durable, or was rolled back. The queue is bounded: when it
//! is full whoever asks is told to come back. A job that panics has failed, and no other with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::oneshot;

use super::{Result, Store, StoreError, Write};
use crate::bus::EventBus;
use crate::metrics::Metrics;

/// Jobs that may wait. A job holds at most one push, and a device has few in flight.
const QUEUE_JOBS_MAX: usize = 1_024;
/// Jobs of one transaction: more gain nothing and let the first wait.
const GROUP_JOBS_MAX: usize = 256;

/// What is called when the outcome of a job is durable.
type Completion = Box<dyn FnOnce(Result<()>) + Send>;
/// One job: it does its work in the transaction, if one could begin, and says whom to tell.
pub type Job = Box<dyn FnOnce(Option<&mut Write<'_>>) -> Completion + Send>;

/// A handle on the writer's thread.
#[derive(Clone)]
pub struct Writer {
    queue: SyncSender<Job>,
    /// How many jobs are in it.
    queued: Gauge,
}

impl Writer {
    /// Starts the thread, which publishes the effects of each transaction. It ends, and gives the store back, when the last
    /// handle is dropped.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(
        store: Store,
        metrics: Metrics,
        bus: impl EventBus + 'static,
    ) -> std::io::Result<(Self, JoinHandle<Store>)> {
        let (queue, jobs) = sync_channel(QUEUE_JOBS_MAX);
        let queued = metrics.queued.clone();
        let work = move || work(store, &jobs, &metrics, &bus);
        let thread = std::thread::Builder::new().name("store".into()).spawn(work)?;
        Ok((Self { queue, queued }, thread))
    }

    /// Hands in a job, with what to call when it is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when the queue is full; `answer` is then not called.
    pub fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
        answer: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<()> {
        // Counted before it can be taken out.
        self.queued.inc();
        self.queue.try_send(boxed(job, answer)).map_err(|error| {
            self.queued.dec();
            match error {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Failed("the writer has ended".into()),
            }
        })
    }

    /// Hands in a job, and waits on this thread while the queue is full.
    pub fn submit_waiting<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
        answer: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        self.queued.inc();
        if let Err(SendError(job)) = self.queue.send(boxed(job, answer)) {
            self.queued.dec();
            job(None)(Err(StoreError::Failed("the writer has ended".into())));
        }
    }

    /// Runs a job and waits for it without holding a thread.
    ///
    /// # Errors
    ///
    /// That of the job or of the database, or [`StoreError::Busy`] when the queue is full.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        // Whoever asked may be gone, which changes nothing of what was done.
        self.submit(job, |result| _ = sender.send(result))?;
        receiver.await.unwrap_or_else(|_| Err(StoreError::Failed("the writer has ended".into())))
    }
}

fn boxed<T: Send + 'static>(
    job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
    answer: impl FnOnce(Result<T>) + Send + 'static,
) -> Job {
    Box::new(move |write| {
        let result = write.map_or(Err(StoreError::Busy), |write| write.attempt(|write| unless_it_panics(job, write)));
        Box::new(move |committed| answer(committed.and(result)))
    })
}

/// Runs a job whose panic is an error like another one. Whatever it left half done is undone: what it wrote by the rollback,
/// what the writer remembers by forgetting it.
fn unless_it_panics<T>(job: impl FnOnce(&mut Write<'_>) -> Result<T>, write: &mut Write<'_>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| job(write))).unwrap_or_else(|_| {
        tracing::error!("a job of the store has panicked");
        Err(StoreError::Failed("a job has panicked".into()))
    })
}

fn work(mut store: Store, jobs: &Receiver<Job>, metrics: &Metrics, bus: &impl EventBus) -> Store {
    while let Ok(first) = jobs.recv() {
        let mut completions = Vec::new();
        let mut group = Some(first);
        let committed = store.group(|write| {
            let rest = std::iter::from_fn(|| jobs.try_recv().ok());
            for job in group.take().into_iter().chain(rest).take(GROUP_JOBS_MAX) {
                completions.push(job(Some(&mut *write)));
            }
        });
        // Still there if the transaction did not begin.
        completions.extend(group.take().map(|job| job(None)));
        let count = u32::try_from(completions.len()).unwrap_or(u32::MAX);
        metrics.queued.dec_by(count.into());
        metrics.grouped.observe(count.into());
        if let Err(error) = &committed {
            tracing::error!(%error, jobs = completions.len(), "a transaction was not committed");
        }
        let answer = || completions.into_iter().for_each(|completion| completion(committed.clone()));
        bus.publish_around(store.take_effects(), answer);
    }
    store
}
