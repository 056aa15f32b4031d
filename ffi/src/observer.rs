//! What the app is told: observers, progress, and the handles that end them.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use outlay_core::Progress as ImportProgress;
use outlay_core::insight::study::Progress as InsightProgress;
use outlay_core::sync::{Stop, SyncStatus};

use crate::error::CallbackError;
use crate::records::entries::Diff;

/// Told what changes among the entries of a live query.
///
/// It is called on a thread of the engine's, one call at a time, and may call the engine. One that throws is not called again.
#[uniffi::export(with_foreign)]
pub trait Observer: Send + Sync {
    /// What changed since the last call. The first call has everything as inserted. Changes that come while it runs are told
    /// as one.
    fn changed(&self, diff: Diff);
}

/// Told how sync stands.
///
/// It is called on a thread of its own, one call at a time, and may call the engine. One that throws is not called again.
#[uniffi::export(with_foreign)]
pub trait SyncObserver: Send + Sync {
    /// How it stands now. The first call says how it stands at the beginning. Changes that come while it runs are told as one.
    fn changed(&self, status: SyncStatus);
}

/// Told how far an import is.
#[uniffi::export(with_foreign)]
pub trait ProgressObserver: Send + Sync {
    /// How far it is. It is called on the thread of the import, every few hundred rows. One that throws ends the import, and
    /// nothing is written then.
    fn progressed(&self, progress: ImportProgress) -> Result<(), CallbackError>;
}

/// Told how far insights are.
#[uniffi::export(with_foreign)]
pub trait InsightObserver: Send + Sync {
    /// How far they are. It is called on the thread of the call, every few hundred entries. One that throws ends the call, and
    /// nothing is lost then.
    fn progressed(&self, progress: InsightProgress) -> Result<(), CallbackError>;
}

/// An observer of entries, as the engine tells it.
pub(crate) struct ObserverBridge(pub(crate) Arc<dyn Observer>);

impl outlay_core::Observer for ObserverBridge {
    fn changed(&self, diff: outlay_core::Diff) {
        self.0.changed(diff.into());
    }
}

/// An observer of sync, as the engine tells it.
pub(crate) struct SyncBridge(pub(crate) Arc<dyn SyncObserver>);

impl outlay_core::sync::SyncObserver for SyncBridge {
    fn changed(&self, status: SyncStatus) {
        self.0.changed(status);
    }
}

/// Something that is watched, until this is cancelled or dropped.
#[derive(uniffi::Object)]
pub struct Subscription(Mutex<Option<Box<dyn Send>>>);

impl Subscription {
    pub(crate) fn over(watch: impl Send + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Box::new(watch)))))
    }
}

#[uniffi::export]
impl Subscription {
    /// Ends it. A call that is under way ends first, unless this is called from it. A second time does nothing.
    pub fn cancel(&self) {
        // Taken first: ending it waits for the observer, which may call this too.
        let watch = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(watch);
    }
}

/// What ends a long call from another thread.
#[derive(Default, uniffi::Object)]
pub struct Cancel(Stop);

impl Cancel {
    pub(crate) fn stop(&self) -> &Stop {
        &self.0
    }
}

#[uniffi::export]
impl Cancel {
    /// For one call.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Ends the call that it was given to, which fails as cancelled; one that it is given to later fails at once.
    pub fn cancel(&self) {
        self.0.ask();
    }
}

/// Whether a long call goes on after its progress was told: unless that failed, or the end was asked for, also from there.
pub(crate) fn goes_on(told: Result<(), CallbackError>, cancel: Option<&Arc<Cancel>>) -> ControlFlow<()> {
    let is_wanted = cancel.is_none_or(|cancel| !cancel.stop().is_asked());
    if told.is_ok() && is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
