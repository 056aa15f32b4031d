//! Price rises: a commitment that costs more than it did.

use outlay_ledger::Money;
use outlay_ledger::spend::Spend;

/// Earlier payments of one amount before it is a price: one might be a first month at a discount.
const PAYMENTS_MIN: usize = 2;
/// Earlier payments that are looked at: a year of months.
const PAYMENTS_MAX: usize = 12;
/// By how many hundredths payments of one price may differ: what the exchange rate does to a subscription in a month.
const SAME_PERCENT: i128 = 2;

/// A price before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rise {
    pub(super) was: Money,
    pub(super) now: Money,
}

/// Whether the last of these payments of a commitment, oldest first, is dearer than the last ones before, which had one
/// price. Payments whose amount varies anyway have none.
pub(super) fn rise(payments: &[&Spend]) -> Option<Rise> {
    let (last, earlier) = payments.split_last()?;
    let was = earlier.last()?.amount;
    let before = earlier.iter().rev().take(PAYMENTS_MAX);
    let same = before.take_while(|payment| is_same(payment.amount, was)).count();
    // One other amount in between ends a price; it takes two payments to begin one.
    let is_rise = same >= PAYMENTS_MIN
        && last.amount.currency() == was.currency()
        && last.amount.minor() > was.minor()
        && !is_same(last.amount, was);
    is_rise.then_some(Rise { was, now: last.amount })
}

fn is_same(left: Money, right: Money) -> bool {
    let apart = (i128::from(left.minor()) - i128::from(right.minor())).abs();
    left.currency() == right.currency() && apart * 100 <= SAME_PERCENT * i128::from(right.minor()).abs()
}
