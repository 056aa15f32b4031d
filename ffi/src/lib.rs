//! The boundary to Kotlin, Swift and Python: the engine, as uniffi gives it to them.
//!
//! Every call is one call of [`outlay_core`]; what crosses is its own plain data. A field or a variant that is added there
//! does not compile here until every language has it. A panic is a typed error, after which the engine can be opened anew.
//!
//! Pages and differences cross, never whole tables: a call costs some microseconds and a record some more. All calls are
//! synchronous, and so are the callbacks; each language puts them on threads of its own kind.
//!
//! There is no decision in this crate, and nothing that a package could not do without it.

mod custom;
mod engine;
mod error;
mod log_sink;
mod observer;
mod records;
mod stores;

pub use custom::{DecimalValue, MonetaryAmount};
pub use engine::Engine;
pub use engine::entries::quick_add;
pub use error::{CallbackError, OutlayError};
pub use log_sink::LogSink;
pub use observer::{Cancel, InsightObserver, Observer, ProgressObserver, Subscription, SyncObserver};
pub use records::conflicts::{Decided, Resolution};
pub use records::entries::{Diff, Edit, Inserted, OptionalId, OptionalReference, OptionalTime};
pub use records::files::{Counted, Diagnosis, RefusedCommit, TakenIn};
pub use records::insights::{
    Commitment, CommitmentAmount, Insights, OddCharge, OddReason, Oddity, Payment, PriceChange, Suggestion, Trip,
};
pub use records::opening::Options;
pub use records::spending::{
    CurrencyInsights, Difference, Due, Expectation, Forecast, ForecastTarget, MonthSpent, Phase, PhaseChange, Phases,
    Prices, RhythmPoint, Seller,
};
pub use stores::{KeyStore, TokenStore};

uniffi::setup_scaffolding!();
