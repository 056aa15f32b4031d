//! The log of the app, as the engine tells it.

use std::sync::Arc;

use outlay_core::{LogLevel, LogLine};

/// How much a line of the log matters.
#[uniffi::remote(Enum)]
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
#[uniffi::remote(Record)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the engine that it is about: `engine`, `store`, `sync`, `observe` or `log`.
    pub target: String,
    /// What happened, in English. It holds no amounts, payees, notes, names or addresses.
    pub message: String,
}

/// Told the lines of the log: few, of what is asked for when something went wrong on a device far away.
///
/// It is called on a thread of its own, one call at a time, and may call the engine; closing the engine waits for it. The engine
/// never waits: lines that come faster than they are taken are left out, and counted. One that throws is not called again.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// A line.
    fn log(&self, line: LogLine);
}

/// A log of the app, as the engine tells it.
pub(crate) struct LogBridge(Arc<dyn LogSink>);

impl LogBridge {
    pub(crate) fn over(sink: Arc<dyn LogSink>) -> Arc<dyn outlay_core::LogSink> {
        Arc::new(Self(sink))
    }
}

impl outlay_core::LogSink for LogBridge {
    fn log(&self, line: LogLine) {
        self.0.log(line);
    }
}
