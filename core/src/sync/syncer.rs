//! Who keeps a database and a server alike: a thread of its own, or one call.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use outlay_protocol::{Code, Then};
use tokio::time::Instant;

use super::account::{run, runtime, signed_out};
use super::blobs;
use super::driver::{Aim, Carried, Ended, Stop, converse};
use super::lease::Lease;
use super::status::{Connection, SyncReport, Waiting};
use super::transport::http::{refusal, refusal_of};
use crate::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote;

/// The first wait after a connection failed; each next one is twice as long, up to the greatest.
const BACKOFF_MS_MIN: u64 = 250;
/// The greatest wait.
const BACKOFF_MS_MAX: u64 = 60_000;
/// How often it is looked whether another process has stopped syncing.
const LEASE_POLL: Duration = Duration::from_millis(250);
/// How often it is looked whether a wait is over for another reason: somebody signed in from another process.
const ACCOUNT_POLL: Duration = Duration::from_secs(2);

/// Keeps the database in sync until it is dropped.
pub struct Syncer {
    stop: Arc<Stop>,
    engine: Arc<Engine>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Tries now what would be tried again later: the network is back, or the app is in front again.
    pub fn retry_now(&self) {
        self.engine.sync.hurry.notify_one();
    }

    /// Ends it, as dropping it does. What was under way is finished by the next one.
    pub fn stop(self) {}
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Engine {
    /// Keeps this database in sync from a thread of its own: what is written here leaves at once, and what others write
    /// comes as it is stored. Without an account it waits for one.
    ///
    /// One process at a time syncs a database. In another one this waits for its turn, and what that process writes goes
    /// up all the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] if the system gives no thread.
    pub fn start_sync(self: &Arc<Self>) -> Result<Syncer> {
        let stop = Arc::new(Stop::default());
        let (engine, own_stop) = (Arc::clone(self), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("outlay-sync".to_owned()).spawn(move || {
            if let Ok(runtime) = runtime() {
                runtime.block_on(keep(&engine, &own_stop));
            }
        })?;
        Ok(Syncer { stop, engine: Arc::clone(self), thread: Some(thread) })
    }

    /// Syncs once: returns when everything is alike here and on the server, or when the time is up. What was done by then
    /// stays done, and the next call goes on from there; [`SyncReport::is_complete`] says which.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::SignedOut`] if there is no account, or this device was signed out of it.
    /// * [`ErrorKind::Offline`] if the server cannot be reached.
    /// * [`ErrorKind::TooNew`] if this version and the server's have no language in common.
    pub fn sync_once(&self, deadline: Duration) -> Result<SyncReport> {
        self.sync_until(deadline, &Stop::default())
    }

    /// Syncs once, as [`Engine::sync_once`], until another thread asks for the end.
    ///
    /// # Errors
    ///
    /// As [`Engine::sync_once`], and [`ErrorKind::Cancelled`] if the end was asked for. What was done by then stays done.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use outlay_core::sync::Stop;
    /// use outlay_core::{Engine, ErrorKind};
    /// let (engine, stop) = (Engine::open_in_memory()?, Stop::default());
    /// stop.ask();
    /// let synced = engine.sync_until(Duration::from_secs(10), &stop);
    /// assert_eq!(synced.map_err(|error| error.kind()), Err(ErrorKind::Cancelled));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn sync_until(&self, deadline: Duration, stop: &Stop) -> Result<SyncReport> {
        run(|| async {
            tokio::select! {
                biased;
                () = stop.asked() => {
                    self.sync.set(Connection::Off, None);
                    Err(Error::new(ErrorKind::Cancelled, "the sync was stopped"))
                }
                report = once(self, deadline) => report,
            }
        })
    }
}

/// Whoever waits longer means no limit, and no clock counts that far.
const DEADLINE_MAX: Duration = Duration::from_hours(24 * 365);

async fn once(engine: &Engine, deadline: Duration) -> Result<SyncReport> {
    let deadline = Instant::now() + deadline.min(DEADLINE_MAX);
    let Some(_lease) = lease_until(engine, deadline).await? else {
        let waiting = Some(Waiting::for_text("another process syncs this database", None));
        let remote = engine.store.read(remote::current)?.ok_or_else(signed_out)?;
        let is_complete = !engine.store.read(|connection| remote::is_owed(connection, remote.sid))?;
        return Ok(SyncReport { is_complete, waiting, ..SyncReport::default() });
    };
    let report = until_alike(engine, deadline).await;
    match &report {
        Ok(report) => engine.log.info("sync", || {
            let SyncReport { pushed, pulled, refused, damaged, is_complete, .. } = report;
            format!(
                "synced: {pushed} up, {pulled} down, {refused} refused, {damaged} damaged, all alike: {is_complete}"
            )
        }),
        Err(error) => engine.log.warn("sync", || format!("a sync ended: {}", reason(error))),
    }
    let waiting = engine.sync.live().waiting;
    engine.sync.set(Connection::Off, waiting);
    report
}

/// Connects until everything is alike or the time is up.
async fn until_alike(engine: &Engine, deadline: Instant) -> Result<SyncReport> {
    let remote = engine.store.read(remote::current)?.ok_or_else(signed_out)?;
    let connector = engine.connector(&remote)?;
    let (aim, stop) = (Aim { is_live: false, deadline: Some(deadline) }, Stop::default());
    let (mut carried, mut refused_tokens) = (Carried::default(), 0);
    loop {
        let before = carried.report.clone();
        let ended = converse(engine, &remote, &connector, aim, &stop, &mut carried).await;
        let has_progress = carried.report != before;
        match ended {
            Ended::Idle => {
                blobs::push_until(engine, &remote, &connector, deadline, &mut carried.report).await?;
                carried.report.is_complete =
                    !engine.store.read(|connection| remote::is_owed(connection, remote.sid))?;
                let waiting = engine.sync.live().waiting;
                carried.report.waiting = waiting.or(carried.report.waiting);
                return Ok(carried.report);
            }
            Ended::Deadline => {
                carried.report.waiting = engine.sync.live().waiting;
                return Ok(carried.report);
            }
            Ended::Copied => continue,
            Ended::AccountChanged | Ended::Stopped => return Err(signed_out()),
            Ended::Closed(Some(Code::Revoked)) => return Err(revoked(engine)?),
            Ended::Closed(Some(Code::TokenExpired | Code::SignInNeeded)) if refused_tokens < 2 => refused_tokens += 1,
            Ended::Closed(code) if has_progress => {
                carried.report.waiting = code.map(|code| Waiting::for_code(code, None));
            }
            Ended::Broken(_) if has_progress => {}
            Ended::Closed(code) => return Err(refusal(code.unwrap_or(Code::ShuttingDown), None)),
            Ended::Broken(error) => return Err(error),
        }
        carried.failures = if has_progress { 1 } else { carried.failures + 1 };
        tokio::time::sleep_until(deadline.min(Instant::now() + backoff(engine, carried.failures))).await;
    }
}

async fn lease_until(engine: &Engine, deadline: Instant) -> Result<Option<Lease>> {
    loop {
        if let Some(lease) = engine.sync.sync_leases.try_take()? {
            return Ok(Some(lease));
        }
        let remote = engine.store.read(remote::current)?.ok_or_else(signed_out)?;
        let is_owed = engine.store.read(|connection| remote::is_owed(connection, remote.sid))?;
        if Instant::now() >= deadline || !is_owed {
            return Ok(None);
        }
        tokio::time::sleep(LEASE_POLL).await;
    }
}

/// Syncs until it is told to stop.
async fn keep(engine: &Engine, stop: &Stop) {
    let _listening = engine.sync.listen();
    let mut failures = 0;
    while !stop.is_asked() {
        let pause = match engine.sync.sync_leases.try_take() {
            Ok(Some(_lease)) => attempt(engine, stop, &mut failures).await,
            Ok(None) => {
                engine.sync.set(Connection::Elsewhere, None);
                LEASE_POLL
            }
            Err(_) => backoff(engine, failures + 1),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.sync.hurry.notified() => failures = 0,
            () = stop.asked() => {}
        }
    }
    engine.sync.set(Connection::Off, None);
}

/// Connects once, stays as long as that lasts, and says how long to wait before the next time.
async fn attempt(engine: &Engine, stop: &Stop, failures: &mut u32) -> Duration {
    let mut carried = Carried::default();
    loop {
        carried.failures = *failures;
        let remote = match engine.store.read(remote::current) {
            Ok(Some(remote)) => remote,
            Ok(None) => return until_account(engine, stop).await,
            Err(error) => return failed(engine, failures, &error),
        };
        let connector = match engine.connector(&remote) {
            Ok(connector) => connector,
            Err(error) => return failed(engine, failures, &error),
        };
        engine.sync.set(Connection::Connecting, None);
        let aim = Aim { is_live: true, deadline: None };
        let ended = tokio::select! {
            ended = converse(engine, &remote, &connector, aim, stop, &mut carried) => ended,
            never = blobs::keep(engine, &remote, &connector) => match never {},
        };
        if carried.was_heard {
            *failures = 0;
        }
        match ended {
            Ended::Stopped | Ended::Idle | Ended::Deadline => return Duration::ZERO,
            Ended::AccountChanged | Ended::Copied => {}
            Ended::Closed(Some(Code::TokenExpired | Code::SignInNeeded)) if *failures < 2 => *failures += 1,
            Ended::Closed(Some(Code::Revoked)) => {
                let _ = revoked(engine);
                return until_account(engine, stop).await;
            }
            Ended::Closed(code) => return failed(engine, failures, &refusal(code.unwrap_or(Code::ShuttingDown), None)),
            Ended::Broken(error) if error.kind() == ErrorKind::SignedOut => return until_account(engine, stop).await,
            Ended::Broken(error) => return failed(engine, failures, &error),
        }
    }
}

/// Waits until somebody has signed in: here, or from another process.
async fn until_account(engine: &Engine, stop: &Stop) -> Duration {
    let text = "signing in is needed; what is on this device is kept";
    engine.sync.set(Connection::SignedOut, Some(Waiting::for_text(text, None)));
    tokio::select! {
        () = engine.sync.signed_in.notified() => {}
        () = engine.sync.hurry.notified() => {}
        () = tokio::time::sleep(ACCOUNT_POLL) => {}
        () = stop.asked() => {}
    }
    Duration::ZERO
}

/// The server has signed this device out: the tokens are worth nothing any more.
fn revoked(engine: &Engine) -> Result<Error> {
    engine.sync.tokens.save(None)?;
    engine.log.warn("sync", || "the server has signed this device out".to_owned());
    Ok(refusal(Code::Revoked, None))
}

fn failed(engine: &Engine, failures: &mut u32, error: &Error) -> Duration {
    *failures += 1;
    let refused = refusal_of(error);
    let asked = refused.and_then(|refused| refused.retry_after_s).map(Duration::from_secs);
    let is_final = refused.is_some_and(|refused| refused.code.then() == Then::Stops);
    let longest = Duration::from_millis(BACKOFF_MS_MAX);
    let pause = if is_final { longest } else { backoff(engine, *failures).max(asked.unwrap_or_default()) };
    let retry_ms = u64::try_from(pause.as_millis()).ok();
    engine.log.warn("sync", || {
        let why = reason(error);
        format!("no connection for the {failures}. time, tried again in {} ms: {why}", pause.as_millis())
    });
    let waiting = match refused {
        Some(refused) => Waiting::for_code(refused.code, retry_ms),
        None => Waiting::for_text(error.to_string(), retry_ms),
    };
    engine.sync.set(Connection::Retrying, Some(waiting));
    pause
}

/// Why something failed, in words of ours: the code of the server, or the kind of error.
fn reason(error: &Error) -> String {
    refusal_of(error).map_or_else(|| format!("{:?}", error.kind()), |refused| refused.code.name().to_owned())
}

/// A wait by chance up to twice that of the time before: many devices do not come back all at once.
fn backoff(engine: &Engine, failures: u32) -> Duration {
    let mut bytes = [0; 8];
    let chance = engine.options.environment.fill_random(&mut bytes);
    wait(failures, chance.ok().map(|()| u64::from_le_bytes(bytes)))
}

/// The wait after so many failures, by a number drawn by lot. Without one the longest will do.
fn wait(failures: u32, chance: Option<u64>) -> Duration {
    let longest = BACKOFF_MS_MIN.saturating_mul(1 << failures.min(16)).min(BACKOFF_MS_MAX);
    Duration::from_millis(chance.map_or(longest, |number| number % longest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::wait;

    #[test]
    fn waits_double_up_to_a_minute_and_are_spread_over_all_of_it() {
        let longest = |failures| wait(failures, None).as_millis();
        assert_eq!([1, 2, 3, 8, 9, u32::MAX].map(longest), [500, 1_000, 2_000, 60_000, 60_000, 60_000]);
        let spread = |number: u64| wait(2, Some(number));
        assert_eq!([0, 999, 1_000, 2_500].map(spread), [0, 999, 0, 500].map(Duration::from_millis));
    }
}
