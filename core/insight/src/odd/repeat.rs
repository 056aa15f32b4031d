//! Charges that may have been entered or booked twice: the same amount and payee within days, where that is rare.
//!
//! Two tickets a day are no mistake for who rides there and back. So it is counted how often a charge is repeated within
//! days among all, in its category, of its text and of this very amount, and the more a level has seen, the less the wider
//! ones count.

use outlay_ledger::spend::Spend;
use outlay_ledger::{Date, DocumentId};

use super::keys::Keys;
use crate::recent::{self, Recent};

/// Days within which a repetition may be a mistake: a charge booked on Friday is booked again by Monday.
const DAYS_MAX: i32 = 3;
/// How many charges of a level weigh as much as all the wider ones, and what is believed of those at first: that one in
/// twenty is repeated. Tried on charges doubled in the first half of some years of a household, 1 to 10 were alike.
const PRIOR: f32 = 5.0;
const RATE_FIRST: f32 = 0.05;

/// Which charges came twice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repeats {
    rates: Recent<Rate>,
    last: Recent<Option<(Date, DocumentId)>>,
}

/// What learning a charge may change, as it was before.
#[derive(Debug, Clone)]
pub(super) struct Before {
    rates: recent::Before<Rate>,
    last: recent::Before<Option<(Date, DocumentId)>>,
}

/// Of how many charges how many were repetitions.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rate {
    charges: u32,
    repeated: u32,
}

/// An earlier charge that this one repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Repetition {
    /// The earlier one.
    pub(super) of: DocumentId,
    /// How many days lie between.
    pub(super) days: u8,
    /// What share of charges like this one is repeated.
    pub(super) rate: f32,
}

impl Repeats {
    pub(super) fn new() -> Self {
        Self { rates: Recent::new(), last: Recent::new() }
    }

    /// The charge that this one repeats, if it does.
    pub(super) fn of(&self, row: &Spend, keys: &Keys) -> Option<Repetition> {
        let (date, of) = self.last.get(keys.exact).copied().flatten()?;
        let days = row.date.days().checked_sub(date.days()).filter(|days| (0..=DAYS_MAX).contains(days))?;
        Some(Repetition { of, days: u8::try_from(days).ok()?, rate: self.rate(keys) })
    }

    pub(super) fn before(&self, keys: &Keys) -> Before {
        let rates = self.rates.before(keys.repeats.into_iter());
        Before { rates, last: self.last.before(std::iter::once(keys.exact)) }
    }

    pub(super) fn restore(&mut self, before: Before) {
        self.rates.restore(before.rates);
        self.last.restore(before.last);
    }

    pub(super) fn learn(&mut self, row: &Spend, keys: &Keys) {
        let repeated = u32::from(self.of(row, keys).is_some());
        for level in keys.repeats {
            let rate = self.rates.touch(level);
            rate.charges = rate.charges.saturating_add(1);
            rate.repeated = rate.repeated.saturating_add(repeated);
        }
        *self.last.touch(keys.exact) = Some((row.date, row.id));
    }

    #[allow(clippy::cast_precision_loss)] // Counts of entries, as a rate.
    fn rate(&self, keys: &Keys) -> f32 {
        let rates = keys.repeats.iter().filter_map(|level| self.rates.get(*level));
        rates.fold(RATE_FIRST, |wider, rate| (rate.repeated as f32 + PRIOR * wider) / (rate.charges as f32 + PRIOR))
    }
}
