//! Everything there is to say of a ledger on a day, as facts.

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date};

use crate::forecast::Forecast;
use crate::months::MonthSums;
use crate::odd::Reason;
use crate::phases::Phases;
use crate::prices::Prices;
use crate::recurring::Commitment;
use crate::rhythm::Rhythm;
use crate::trips::Trip;

/// What is found in the entries of a ledger up to a day. [`crate::wording`] says it in English.
#[derive(Debug, Clone, PartialEq)]
pub struct Insights {
    /// The day as of which it is.
    pub today: Date,
    /// How many entries there are up to that day.
    pub entries: usize,
    /// The day of the last of them: what was not noted since is not known, and nothing is said of it.
    pub last_entry: Option<Date>,
    /// Payments that come back, dismissed ones too, by kind, currency and first payment.
    pub commitments: Vec<Commitment>,
    /// The newest odd charges, the newest first; at most [`ODD_MAX`].
    pub odd: Vec<OddCharge>,
    /// Trips, the first one first.
    pub trips: Vec<Trip>,
    /// What is found in spending, for each currency, the one with the most payments first; at most [`CURRENCIES_MAX`].
    pub currencies: Vec<CurrencyInsights>,
}

/// Odd charges that are told: more than fit on a few screens are not looked at.
pub const ODD_MAX: usize = 50;
/// Currencies that are looked at: those of a household that lives between countries. The time that patterns take is for
/// each of them.
pub const CURRENCIES_MAX: usize = 4;

/// A charge and what is odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct OddCharge {
    /// The charge.
    pub charge: Spend,
    /// What is odd, at least one.
    pub reasons: Vec<Reason>,
}

/// What is found in the spending in one currency.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrencyInsights {
    /// The currency of every amount here.
    pub currency: Currency,
    /// What was spent in each whole month.
    pub months: MonthSums,
    /// What is expected, the total first.
    pub forecasts: Vec<Forecast>,
    /// Times in which spending was different.
    pub phases: Phases,
    /// What one pays at the sellers that are paid most often, the most often paid first.
    pub prices: Vec<Prices>,
    /// How often and how much each seller is paid.
    pub rhythm: Rhythm,
}
