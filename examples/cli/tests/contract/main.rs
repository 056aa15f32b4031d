//! The contract others script against, kept on the real programs: one home folder each, no network but to a server of the
//! test's own, no clock that matters, nothing outside the temporary folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod account;
mod attachment;
mod conflict;
mod exchange;
mod expense;
mod health;
mod home;
mod import;
mod insight;
mod ledger;
mod list;
mod member;
mod readme;
mod report;
mod server;
mod sync;
mod usage;
