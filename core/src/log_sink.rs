//! What the engine tells of itself: lines for the log of the app.
//!
//! Few lines, of what is asked for when something went wrong on a device far away: what was opened, migrated or moved aside,
//! how sync changed and why it waits, and what ended by a bug. A line is made of words of this source, numbers, ids and
//! codes, never of what a person wrote, so a log can be sent to whoever helps.
//!
//! Lines wait in a queue for a thread that tells them, begun only where there is a sink. Who writes one never waits: when the
//! queue is full lines are left out, and it is said how many. A sink is called with nothing locked, so it may call the engine.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Lines that wait at most: more than an engine tells in an hour, and some ten kilobytes.
const LINES_MAX: usize = 256;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// A bug: of the engine, or of the app where the engine calls it.
    Error,
    /// Something did not work. It is tried again, or somebody has to do something.
    Warn,
    /// What happened.
    Info,
    /// What happened on the way.
    Debug,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the engine that it is about: `engine`, `store`, `sync`, `observe` or `log`.
    pub target: String,
    /// What happened, in English. It holds no amounts, payees, notes, names or addresses.
    pub message: String,
}

/// Told the lines of the log.
pub trait LogSink: Send + Sync {
    /// A line. It is called on a thread of its own, one call at a time, and may call the engine; dropping the engine waits for
    /// it. One that panics is not called again.
    fn log(&self, line: LogLine);
}

impl<F: Fn(LogLine) + Send + Sync> LogSink for F {
    fn log(&self, line: LogLine) {
        self(line);
    }
}

/// Where the parts of an engine write their lines; nowhere without a sink.
#[derive(Clone, Default)]
pub(crate) struct Log(Option<Arc<Teller>>);

/// The thread that tells, joined when the last part of the engine is gone.
struct Teller {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    written: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<LogLine>,
    /// Lines that came while the queue was full.
    left_out: u64,
    is_closing: bool,
    /// The sink has panicked.
    is_over: bool,
}

impl Log {
    pub(crate) fn new(sink: Option<Arc<dyn LogSink>>) -> Self {
        Self(sink.map(|sink| Arc::new(Teller::begin(sink))))
    }

    pub(crate) fn error(&self, target: &str, message: impl FnOnce() -> String) {
        self.write(LogLevel::Error, target, message);
    }

    pub(crate) fn warn(&self, target: &str, message: impl FnOnce() -> String) {
        self.write(LogLevel::Warn, target, message);
    }

    pub(crate) fn info(&self, target: &str, message: impl FnOnce() -> String) {
        self.write(LogLevel::Info, target, message);
    }

    #[cfg(feature = "sync")]
    pub(crate) fn debug(&self, target: &str, message: impl FnOnce() -> String) {
        self.write(LogLevel::Debug, target, message);
    }

    fn write(&self, level: LogLevel, target: &str, message: impl FnOnce() -> String) {
        if let Some(teller) = &self.0 {
            teller.queue.put(LogLine { level, target: target.to_owned(), message: message() });
        }
    }
}

impl Teller {
    fn begin(sink: Arc<dyn LogSink>) -> Self {
        let queue = Arc::<Queue>::default();
        let lines = Arc::clone(&queue);
        let spawned = std::thread::Builder::new().name("outlay-log".to_owned());
        // Without a thread nothing is told, and everything else goes on.
        let thread = spawned.spawn(move || tell(&lines, sink.as_ref())).ok();
        Self { queue, thread }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.queue.lock().is_closing = true;
        self.queue.written.notify_one();
        // A sink that drops the engine itself runs on this very thread, which ends when it returns.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn put(&self, line: LogLine) {
        let mut state = self.lock();
        if state.is_over {
            return;
        }
        if state.lines.len() < LINES_MAX {
            state.lines.push_back(line);
        } else {
            state.left_out += 1;
        }
        drop(state);
        self.written.notify_one();
    }

    /// The lines that wait, and how many came after them and were left out; `None` when no more will come.
    fn take(&self) -> Option<(VecDeque<LogLine>, u64)> {
        let waits = |state: &mut State| state.lines.is_empty() && !state.is_closing;
        let mut state = self.written.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.lines.is_empty() {
            return None;
        }
        Some((std::mem::take(&mut state.lines), std::mem::take(&mut state.left_out)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(queue: &Queue, sink: &dyn LogSink) {
    while let Some((lines, left_out)) = queue.take() {
        let left_out = (left_out > 0).then(|| LogLine {
            level: LogLevel::Warn,
            target: "log".to_owned(),
            message: format!("{left_out} lines were left out: they came faster than they were taken"),
        });
        for line in lines.into_iter().chain(left_out) {
            if catch_unwind(AssertUnwindSafe(|| sink.log(line))).is_err() {
                let mut state = queue.lock();
                (state.is_over, state.lines) = (true, VecDeque::new());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn log_of<S: LogSink + 'static>(sink: S) -> Log {
        Log::new(Some(Arc::new(sink)))
    }

    /// A log whose sink tells a channel, and what it waits for before its first line.
    fn told_after(begin: Receiver<()>) -> (Log, Receiver<LogLine>) {
        let (tell, told) = channel();
        let begin = Mutex::new(Some(begin));
        let sink = move |line| {
            if let Some(begin) = begin.lock().unwrap().take() {
                begin.recv().unwrap();
            }
            tell.send(line).unwrap();
        };
        (log_of(sink), told)
    }

    #[test]
    fn who_writes_never_waits_and_what_is_too_much_is_counted() {
        let (begin, begun) = channel();
        let (log, told) = told_after(begun);
        // The sink has taken none, the first one, or the first ones when these are written.
        (0..LINES_MAX * 3).for_each(|number| log.info("engine", || number.to_string()));
        begin.send(()).unwrap();
        drop(log);
        let lines: Vec<LogLine> = told.iter().collect();
        let (counted, written): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.target == "log");
        assert!((LINES_MAX..=LINES_MAX * 2).contains(&written.len()), "{} lines", written.len());
        let left_out = counted.iter().map(|line| line.message.split(' ').next().unwrap().parse::<usize>().unwrap());
        assert_eq!(written.len() + left_out.sum::<usize>(), LINES_MAX * 3);
        assert!(written.iter().map(|line| line.message.parse::<usize>().unwrap()).is_sorted());
    }

    #[test]
    fn a_sink_that_panics_is_not_called_again() {
        let (tell, told) = channel();
        let log = log_of(move |line: LogLine| {
            tell.send(line).unwrap();
            panic!("a bug of the app");
        });
        log.info("engine", || "first".to_owned());
        assert_eq!(told.recv().unwrap().message, "first");
        (0..LINES_MAX * 2).for_each(|_| log.info("engine", || "later".to_owned()));
        drop(log);
        assert_eq!(told.iter().count(), 0);
    }

    #[test]
    fn what_was_written_is_told_before_the_log_is_gone() {
        let (begin, begun) = channel();
        let (log, told) = told_after(begun);
        ["opened", "closed"].iter().for_each(|message| log.info("store", || (*message).to_owned()));
        begin.send(()).unwrap();
        drop(log);
        assert_eq!(told.try_iter().map(|line| line.message).collect::<Vec<_>>(), ["opened", "closed"]);
    }
}
