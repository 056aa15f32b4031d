//! Measures Outlay, and says where a limit is not kept.
//!
//! Two programs on one set of figures: `bench` measures the engine beside plain SQLite and syncs engines through a server,
//! `load` drives a server with many sockets. Both print a table with each figure beside its limit, write the same as JSON,
//! and end with 1 if a figure is over its limit or was not taken. What is measured is the work as people do it: release
//! builds, files on the disk, every acknowledgement durable, and the server a process of its own.
//!
//! A third, `bindings`, measures the engine as Kotlin and Swift call it, in the same way. A fourth, `insight-eval`, measures no time: it says what the insights find in a household that one has.
//!
//! Linux only: memory and time of other processes are read from `/proc`.

mod bench;
mod bindings;
mod child;
mod figure;
mod generate;
mod ground;
mod http;
mod insight;
mod load;
mod meter;
mod plain;
mod relay;
mod report;
mod server;
mod socket;
mod work;

pub use bench::bench;
pub use bindings::bindings;
pub use insight::insight;
pub use load::load;
