//! The contract others script against, kept on the real program: one home folder each, no network, no clock that
//! matters, nothing outside the temporary folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod conflict;
mod exchange;
mod expense;
mod health;
mod home;
mod import;
mod ledger;
mod list;
mod report;
mod usage;
