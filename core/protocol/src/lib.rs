//! What devices and servers say to each other about a ledger.
//!
//! Everything that arrives here is from outside: it is read within limits, and what is not in order gets a typed error.
//! This crate knows bytes. It opens no connection, reads no clock and no randomness, and judges no right: whether a commit
//! is signed, and what it may do, is asked of [`outlay_ledger`] by whoever takes it in.

pub mod batch;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
