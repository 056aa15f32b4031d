//! The program itself, over real sockets: every test starts a server of its own on a free port.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what tests share is outside of test functions

mod accounts;
mod administering;
mod answers;
mod blobs;
/// The one that the engine is tested with.
#[path = "../../../core/tests/sync/certificate.rs"]
mod certificate;
mod configuring;
mod conformance;
mod description;
mod events;
mod expenses;
mod insights;
mod leaving;
mod limiting;
mod logging;
mod mail;
mod members;
mod operation;
mod postbox;
mod refusals;
mod revoking;
mod second;
mod strangers;
mod support;
mod syncing;
mod tenants;
mod tokens;
mod webhooks;
mod writing;
