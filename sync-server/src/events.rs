//! Events: that something has happened, told to programs by ids alone.
//!
//! The log of a ledger is the outbox of what happens in it. `derive` makes the events of a commit from the commit, its
//! position and what the ledger's projection knows; nothing of them is stored, and the same commit gives the same events
//! under the same ids whenever and to whomever they are told. Whoever is told keeps a position, never a list: a wake-up that
//! is missed delays and loses nothing.
//!
//! What happens to accounts has no log, and an `outbox` of its own.
//!
//! Webhooks are told by `delivery`, which keeps how far in the database, and asks others through `outbound` alone.
//!
//! Nothing here tells amounts, payees, names or addresses. What has become of a thing is read where it is read anyway.

mod addresses;
mod delivery;
mod derive;
mod envelope;
mod outbound;
pub(crate) mod outbox;
mod pages;
mod reader;
mod stream;
mod webhook_pages;
mod webhooks;

pub(crate) use delivery::{Courier, run as tell_webhooks};
pub(crate) use envelope::{At, Event, instant};
pub(crate) use outbound::Outbound;
pub(crate) use pages::router;
pub(crate) use stream::Streams;
pub(crate) use webhook_pages::{WebhookOut, of_account as webhooks_out};
pub(crate) use webhooks::forget as forget_webhooks;
