//! What devices and servers say to each other about a ledger.
//!
//! Everything that arrives here is from outside: it is read within limits, and what is not in order gets a typed error.
//! [`message`] are the words, [`batch`] is how commits travel in them, and [`session`] are the three conversations: a
//! device with a server, a server with a device, and two devices with each other.
//!
//! This crate knows bytes and whose turn it is. It opens no connection, reads no clock and no randomness, stores nothing,
//! and judges no right: whether a commit is signed, and what it may do, is asked of [`outlay_ledger`] by whoever takes it
//! in.

pub mod batch;
pub mod code;
pub mod cursor;
pub mod heads;
pub mod message;
pub mod proof;
pub mod session;
pub mod version;

pub use code::{Code, Then};
pub use cursor::{Chain, Cursor, Epoch, Mark, Place};
pub use heads::Ladder;
pub use message::Message;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
