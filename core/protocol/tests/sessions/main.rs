//! Sessions against each other, with replicas and logs in memory: what must hold whatever is cut, restored or repeated.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod author;
mod bytes;
mod faults;
mod hostile;
mod log;
mod peers;
mod replica;
mod schedule;
mod world;
