//! The contracts of the seams: what a server demands of its store, its event bus, its limiter and its session cache,
//! whatever they are made of.
//!
//! Each file is one contract. Its properties are functions of an implementation, and its tests run all of them against each
//! that there is; another one is one more test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what tests share is outside of test functions

mod bus;
mod limiter;
mod session_cache;
mod store;
