//! The engine by its public calls, as the person who uses it would tell it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod attachments;
mod categories;
mod conflicts;
mod decisions;
mod entries;
#[cfg(feature = "insight")]
mod insights;
mod ledgers;
mod log;
mod money;
mod query;
#[path = "../support/mod.rs"]
mod support;
mod totals;
mod undo;
