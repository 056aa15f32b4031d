//! The sync server of Outlay: accounts, ledgers' logs and live push, in one program with one file.
//!
//! It takes signed commits, keeps them in logs, and hands them on, and reads nothing inside them but who may do what. What it
//! says to devices is [`outlay_protocol`]; who may do what is [`outlay_ledger::roles`]; it knows nothing of the engine. Beside
//! that, [`expenses`] shows to programs without the engine what is in a log.
//!
//! [`serve::serve`] is the program. [`sync::Inline`] is the same server without sockets and threads, for simulations.

pub mod accounts;
pub mod api;
pub mod auth;
pub mod backup;
pub mod blobs;
pub mod bus;
mod clock;
pub mod config;
mod error;
mod events;
pub mod expenses;
mod gate;
mod health;
pub mod insights;
mod intake;
pub mod ledgers;
pub mod limiter;
mod listen;
pub mod logs;
mod mail;
pub mod metrics;
mod node;
mod patience;
mod proxies;
mod request;
mod router;
pub mod serve;
pub mod session_cache;
pub mod store;
pub mod sync;
