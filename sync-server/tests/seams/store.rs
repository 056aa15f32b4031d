//! What a store keeps: the one with threads, and the one without that the simulator drives.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};

use outlay_ledger::{DeviceKey, LedgerId};
use outlay_server::bus::LocalBus;
use outlay_server::metrics::Metrics;
use outlay_server::store::{
    Concurrent, Effect, Reader, Result, Serial, Store, StoreError, StoreOptions, Transactions, Write,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::bus::{Told, listener};

const CACHE_KIB: u32 = 1_024;
/// More than may wait for a writer.
const FAR_TOO_MANY: usize = 1_200;

/// A store with what is around it.
struct Made<S> {
    store: Arc<S>,
    told: Told,
    /// Keeps the thread that writes busy, if there is one, until this is dropped.
    hold: Box<dyn Fn() -> Option<Sender<()>> + Send + Sync>,
    /// How many jobs may wait.
    queue_max: Option<usize>,
    path: PathBuf,
    _folder: TempDir,
}

fn open(bytes_max: u64) -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.db");
    let options = StoreOptions { cache_kib: CACHE_KIB, bytes_max, ..StoreOptions::default() };
    let store = Store::open(&path, options).unwrap();
    (folder, path, store)
}

fn concurrent(bytes_max: u64) -> Made<Concurrent> {
    let ((folder, path, store), (told, listener)) = (open(bytes_max), listener());
    let bus = LocalBus::new(vec![listener]);
    let (store, _thread): (_, JoinHandle<Store>) =
        Concurrent::start(store, &path, CACHE_KIB, Metrics::new(&path), bus).unwrap();
    let writer = store.writer().clone();
    let hold = move || {
        let ((release, is_released), (begin, has_begun)) = (channel(), channel());
        let job = move |_: &mut Write<'_>| {
            begin.send(()).unwrap();
            is_released.recv().or(Ok(()))
        };
        writer.submit(job, |_| ()).unwrap();
        has_begun.recv().unwrap();
        Some(release)
    };
    Made { store: Arc::new(store), told, hold: Box::new(hold), queue_max: Some(1_024), path, _folder: folder }
}

fn serial(bytes_max: u64) -> Made<Serial<LocalBus>> {
    let ((folder, path, store), (told, listener)) = (open(bytes_max), listener());
    let reader = Reader::open(&path, None, CACHE_KIB).unwrap();
    let store = Serial::new(store, reader, LocalBus::new(vec![listener]));
    Made { store: Arc::new(store), told, hold: Box::new(|| None), queue_max: None, path, _folder: folder }
}

#[test]
fn the_one_with_threads_keeps_the_contract() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let _inside = runtime.enter();
    keeps_the_contract(concurrent);
}

/// Without threads it is whoever asks who panics.
#[test]
fn a_job_that_panics_has_failed_and_harms_no_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let _inside = runtime.enter();
    let made = concurrent(u64::MAX);
    let held = (made.hold)();
    let job = |number: usize| {
        move |write: &mut Write<'_>| {
            write.effect(access(number));
            insert(write, number, 1)?;
            assert_ne!(number, 2, "as in a test");
            Ok(number)
        }
    };
    let begun: Vec<_> = (1..=3).map(|number| begin(write(Arc::clone(&made.store), job(number)))).collect();
    drop(held);
    let outcomes: Vec<_> = begun.into_iter().map(Begun::wait).collect();
    assert!(matches!(&outcomes[..], [Ok(1), Err(StoreError::Failed(_)), Ok(3)]), "{outcomes:?}");
    made.insert(4).unwrap();
    assert_eq!(made.numbers(), [1, 3, 4]);
    assert_eq!(made.told(), [access(1), access(3)]);
}

#[test]
fn the_one_without_threads_keeps_the_contract() {
    keeps_the_contract(serial);
}

fn keeps_the_contract<S: Transactions + Send + Sync + 'static>(new: impl Fn(u64) -> Made<S>) {
    let plain = || new(u64::MAX);
    what_was_answered_is_read_by_all_who_ask_after_it(plain());
    what_was_answered_is_in_the_file(plain());
    what_is_read_is_of_one_moment(plain());
    a_reader_writes_nothing(plain());
    a_job_that_fails_leaves_nothing_and_harms_no_other(plain());
    effects_come_in_the_order_of_the_transactions(plain());
    what_takes_something_away_has_been_told_when_it_is_answered(plain());
    a_job_is_done_also_when_nobody_waits_for_it(plain());
    what_is_too_much_is_refused_and_not_done(plain());
    a_full_disk_leaves_all_as_it_was(new(1 << 20));
}

/// A future that was begun.
struct Begun<T>(Pin<Box<dyn Future<Output = T> + Send>>, Option<T>);

fn begin<T>(future: impl Future<Output = T> + Send + 'static) -> Begun<T> {
    let mut future: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(future);
    let done = match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    };
    Begun(future, done)
}

impl<T> Begun<T> {
    fn wait(self) -> T {
        let Self(future, done) = self;
        done.unwrap_or_else(|| wait(future))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread, also within a job.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let (mut future, waker) = (std::pin::pin!(future), Arc::new(Unpark(std::thread::current())).into());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A write that owns the store, so that it can be begun and left.
async fn write<S: Transactions, T: Send + 'static>(
    store: Arc<S>,
    job: impl FnOnce(&mut Write<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    store.write(job).await
}

fn insert(write: &Write<'_>, number: usize, bytes: usize) -> Result<()> {
    let insert = "INSERT INTO meta (key, value) VALUES (?1, zeroblob(?2))";
    write.tx.execute(insert, (format!("test {number:06}"), i64::try_from(bytes).unwrap()))?;
    Ok(())
}

fn numbers(connection: &Connection) -> Result<Vec<usize>> {
    let mut select = connection.prepare("SELECT key FROM meta WHERE key LIKE 'test %' ORDER BY key")?;
    let keys = select.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(keys.iter().map(|key| key["test ".len()..].parse().unwrap()).collect())
}

/// An effect that takes nothing from anybody.
fn access(number: usize) -> Effect {
    let ledger = LedgerId((number as u128).to_be_bytes());
    Effect::Access { ledger, lost: Vec::new(), gained: Vec::new() }
}

impl<S: Transactions + Send + Sync + 'static> Made<S> {
    fn insert(&self, number: usize) -> Result<()> {
        wait(self.store.write(move |write| insert(write, number, 1)))
    }

    fn numbers(&self) -> Vec<usize> {
        wait(self.store.read(numbers)).unwrap()
    }

    /// What was told of all transactions so far: one more comes after all that follows their answers.
    fn told(&self) -> Vec<Effect> {
        wait(self.store.write(|_| Ok(()))).unwrap();
        self.told.lock().unwrap().clone()
    }
}

fn what_was_answered_is_read_by_all_who_ask_after_it<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let made = &made;
    let next = &Mutex::new(0);
    let runtime = tokio::runtime::Handle::try_current();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let runtime = runtime.as_ref().ok();
            scope.spawn(move || {
                let _inside = runtime.map(tokio::runtime::Handle::enter);
                for _ in 0..25 {
                    let number = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next
                    };
                    made.insert(number).unwrap();
                    assert!(made.numbers().contains(&number));
                }
            });
        }
    });
    assert_eq!(made.numbers(), (1..=100).collect::<Vec<_>>());
}

/// The files as a process leaves them that is killed.
fn what_was_answered_is_in_the_file<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let copy = made.path.with_file_name("copy.db");
    for number in 1..=3 {
        made.insert(number).unwrap();
        std::fs::copy(&made.path, &copy).unwrap();
        let wal = |path: &Path| path.with_extension("db-wal");
        std::fs::copy(wal(&made.path), wal(&copy)).unwrap();
        _ = std::fs::remove_file(copy.with_extension("db-shm"));
        assert_eq!(numbers(&Connection::open(&copy).unwrap()).unwrap(), (1..=number).collect::<Vec<_>>());
    }
}

fn what_is_read_is_of_one_moment<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    made.insert(1).unwrap();
    let store = Arc::clone(&made.store);
    let read = made.store.read(move |connection| {
        let before = numbers(connection)?;
        wait(store.write(|write| insert(write, 2, 1)))?;
        Ok((before, numbers(connection)?))
    });
    assert_eq!(wait(read).unwrap(), (vec![1], vec![1]));
    assert_eq!(made.numbers(), [1, 2]);
}

fn a_reader_writes_nothing<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let delete = |connection: &Connection| Ok(connection.execute("DELETE FROM meta", [])?);
    made.insert(1).unwrap();
    assert!(wait(made.store.read(delete)).is_err());
    assert_eq!(made.numbers(), [1]);
}

fn a_job_that_fails_leaves_nothing_and_harms_no_other<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let held = (made.hold)();
    let job = |number: usize| {
        move |write: &mut Write<'_>| {
            write.effect(access(number));
            insert(write, number, 1)?;
            if number.is_multiple_of(3) { Err(StoreError::Corrupt("as in a test".into())) } else { Ok(number) }
        }
    };
    let begun: Vec<_> = (0..20).map(|number| begin(write(Arc::clone(&made.store), job(number)))).collect();
    drop(held);
    let outcomes: Vec<_> = begun.into_iter().map(Begun::wait).collect();
    let done: Vec<usize> = (0..20).filter(|number| number % 3 != 0).collect();
    assert_eq!(outcomes.iter().filter_map(|outcome| outcome.clone().ok()).collect::<Vec<_>>(), done);
    assert!(outcomes.iter().step_by(3).all(|outcome| matches!(outcome, Err(StoreError::Corrupt(_)))));
    assert_eq!(made.numbers(), done);
    assert_eq!(made.told(), done.into_iter().map(access).collect::<Vec<_>>());
}

fn effects_come_in_the_order_of_the_transactions<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let order = Arc::new(Mutex::new(Vec::new()));
    let runtime = tokio::runtime::Handle::try_current();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (made, order, runtime) = (&made, &order, runtime.as_ref().ok());
            scope.spawn(move || {
                let _inside = runtime.map(tokio::runtime::Handle::enter);
                for number in thread * 20..thread * 20 + 20 {
                    let order = Arc::clone(order);
                    let job = move |write: &mut Write<'_>| {
                        order.lock().unwrap().push(access(number));
                        write.effect(access(number));
                        Ok(())
                    };
                    wait(made.store.write(job)).unwrap();
                }
            });
        }
    });
    assert_eq!(made.told(), *order.lock().unwrap());
}

fn what_takes_something_away_has_been_told_when_it_is_answered<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    for aid in 0..50 {
        let effect = match aid % 2 {
            0 => Effect::Withdrawn { aid },
            _ => Effect::SignedOut { aid, device: DeviceKey([1; 32]) },
        };
        let told = Arc::clone(&made.told);
        let same = effect.clone();
        let job = move |write: &mut Write<'_>| {
            write.effect(same.clone());
            assert!(!told.lock().unwrap().contains(&same), "not before it is durable");
            Ok(())
        };
        wait(made.store.write(job)).unwrap();
        assert_eq!(made.told.lock().unwrap().last(), Some(&effect));
    }
}

fn a_job_is_done_also_when_nobody_waits_for_it<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let held = (made.hold)();
    let begun = begin(write(Arc::clone(&made.store), |write| insert(write, 1, 1)));
    drop(begun);
    drop(held);
    made.insert(2).unwrap();
    assert_eq!(made.numbers(), [1, 2]);
}

fn what_is_too_much_is_refused_and_not_done<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    let held = (made.hold)();
    let job = |number| move |write: &mut Write<'_>| insert(write, number, 1);
    let begun: Vec<_> = (0..FAR_TOO_MANY).map(|number| begin(write(Arc::clone(&made.store), job(number)))).collect();
    drop(held);
    let outcomes: Vec<_> = begun.into_iter().map(Begun::wait).collect();
    let done: Vec<usize> = (0..).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(at, _)| at).collect();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Busy))));
    assert_eq!(done.len(), made.queue_max.unwrap_or(FAR_TOO_MANY));
    assert_eq!(made.numbers(), done);
}

fn a_full_disk_leaves_all_as_it_was<S: Transactions + Send + Sync + 'static>(made: Made<S>) {
    made.insert(1).unwrap();
    let job = |write: &mut Write<'_>| {
        write.effect(access(1));
        insert(write, 2, 1 << 10)?;
        insert(write, 3, 4 << 20)
    };
    assert_eq!(wait(made.store.write(job)), Err(StoreError::Full));
    assert_eq!(made.numbers(), [1]);
    made.insert(4).unwrap();
    assert_eq!(made.numbers(), [1, 4]);
    assert_eq!(made.told(), []);
}
