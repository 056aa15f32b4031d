//! Replicas: whatever was done on which device, and in whatever order it arrived, all show the same in the end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod automerge_alone;
mod hostile;
mod order;
mod property;
#[path = "../support/mod.rs"]
mod support;
mod world;
