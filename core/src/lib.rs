//! Outlay's engine: expenses on this device, at once, with or without a network.
//!
//! An [`Engine`] holds ledgers of entries in one SQLite file. The truth in it is signed commits of small CRDT changes;
//! what is listed, totalled and searched is a projection of them. Two replicas that have exchanged their commits show the
//! same, and what collided is shown until it is settled.
//!
//! The database is not encrypted. The device's secret key is in the [`KeyStore`] that the app supplies, or else in a file
//! of mode 0600 beside the database.
//!
//! ```
//! use outlay_core::{Currency, Engine, Filter, Money, NewExpense, Sort};
//! let engine = Engine::open_in_memory()?;
//! let home = engine.create_ledger("Home", Currency::EUR)?.id;
//! engine.add_expense(home, NewExpense::new(Money::parse("12.50", Currency::EUR)?, "Corner Café"))?;
//! let newest = engine.query(home, &Filter::default(), Sort::Newest, None, 50)?;
//! assert_eq!(newest.expenses[0].payee, "Corner Café");
//! # Ok::<(), outlay_core::Error>(())
//! ```

mod author;
mod blobs;
mod clock;
mod engine;
mod error;
pub mod import;
mod invitation;
mod key_store;
mod log_sink;
mod model;
mod observe;
mod store;
#[cfg(feature = "sync")]
pub mod sync;

pub use clock::{Environment, System};
#[cfg(feature = "insight")]
pub use engine::InsightOptions;
pub use engine::{Engine, INVITATION_DAYS_MAX, Options};
pub use error::{Error, ErrorKind, Result};
pub use import::{ImportOptions, ImportRow, Progress};
pub use key_store::{FileKeyStore, KeyStore};
pub use log_sink::{LogLevel, LogLine, LogSink};
pub use model::{
    AsideCommit, Attachment, Author, Conflict, ConflictValue, Content, Diagnosis, Edit, Expense, FieldChange,
    FieldValue, Filter, HistoryEntry, Imported, Invitation, Ledger, Member, MemberDevice, Named, NewExpense,
    OpenInvitation, Page, Reference, Rejected, Resolution, Sort, Sum, TakenIn, Total, Undone,
};
pub use observe::{Diff, Observer, Subscription};
#[cfg(feature = "insight")]
pub use outlay_insight as insight;
pub use outlay_ledger::commit::Commit;
pub use outlay_ledger::expense::Decision;
pub use outlay_ledger::member::Role;
pub use outlay_ledger::spend::Spend;
pub use outlay_ledger::{
    ActionId, BlobHash, CommitId, Currency, Date, DeviceKey, DocumentId, EntryKind, LedgerId, MemberId, Money, Month,
    TimeOfDay,
};

/// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
