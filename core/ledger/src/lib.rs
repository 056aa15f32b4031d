//! Outlay's record model.
//!
//! Everything a ledger holds is small automerge documents, one per thing, whose changes travel as records in signed
//! commits. This crate says what they mean: it encodes, admits, orders, folds and judges them.
//!
//! Rule 0: what is visible, valid, who is a member and who is author is a pure function of the set of commits held and
//! of the format version in their headers, never of the order in which they arrived.
//!
//! It does no I/O, spawns nothing and reads no clock and no randomness: times, ids, keys and seeds are arguments.

pub mod admit;
pub mod attachment;
pub mod category;
mod cbor;
pub mod change;
pub mod commit;
pub mod currency;
pub mod date;
pub mod expense;
pub mod field;
pub mod fold;
pub mod hex;
pub mod id;
pub mod limits;
pub mod media;
pub mod member;
pub mod money;
pub mod register;
pub mod roles;
pub mod signature;
pub mod spend;
pub mod text;

pub use attachment::Attachment;
pub use currency::{Currency, CurrencyError};
pub use date::{Date, DateError, Month, TimeOfDay};
pub use id::{
    ActionId, BlobHash, ChangeHash, CommitId, DeviceKey, DocumentId, FeedId, IdError, LedgerId, MemberId, RecordId,
};
pub use money::{Money, MoneyError};
pub use register::{Entered, Entry, EntryKind, Method, Part, Rate, Register, RegisterError};
