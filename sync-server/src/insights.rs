//! Insights of ledgers that the server may read, made beside the requests.
//!
//! The mathematics are those of devices, in `outlay-insight`, over rows that are filled by the same function of
//! [`outlay_ledger`]. Who asks for the insights of a ledger gets the last that were made, and has newer ones be made if
//! there is a reason; from then on they are made whenever the ledger has changed and been still for a while, until nobody
//! has asked for a month. `results` is what the database knows of that, `job` makes them.
//!
//! Of a sealed ledger a server reads nothing, and makes none: its insights are made on devices.

mod job;
mod pages;
pub(crate) mod results;

pub use job::insights_of;
pub(crate) use job::{Insights, make};
pub(crate) use pages::router;
