//! Outlay's insights: what recurs in spending, what to expect, what is odd, and otherwise nothing.
//!
//! Every function here takes rows of spending ([`outlay_ledger::spend::Spend`]) and answers with typed facts, from which
//! an app makes sentences in its language. The order of the rows does not matter. What is not certain enough is not said.
//!
//! It does no I/O, spawns nothing and reads no clock and no randomness: today's date and seeds are arguments.

#![allow(clippy::float_arithmetic)] // Statistics; no amount that is shown as one is computed here but by whole numbers.

mod alone;
pub mod calendar;
pub mod forecast;
mod gate;
mod hash;
pub mod insights;
pub mod months;
#[cfg(test)]
mod numbers;
pub mod objects;
pub mod odd;
pub mod phases;
pub mod prices;
mod recent;
mod recorded;
pub mod recurring;
pub mod rhythm;
pub mod sellers;
mod statistics;
pub mod study;
pub mod suggest;
pub mod trips;
pub mod wording;
