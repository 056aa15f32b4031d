//! The expenses of ledgers, for programs without the engine.
//!
//! [`projection`] folds the documents of a ledger's log into rows, by the functions of [`outlay_ledger`] that devices use, so
//! that both show the same. It is made when somebody first reads a ledger here, and follows the log from then on; the relay
//! between devices never waits for it and never reads it.
//!
//! Only members of a ledger read it. A ledger of others, and one that is not there, look the same. One that is sealed, or
//! that does not pin this server, cannot be read or written here.

pub(crate) mod current;
pub(crate) mod documents;
pub mod projection;
pub mod spending;

mod attachments;
mod bulk;
mod changes;
mod delta;
mod draft;
mod input;
mod names;
mod object;
mod query;
mod repeats;
mod routes;
mod rows;
mod totals;

pub(crate) use routes::router;
