//! What months would cost, each said on its first day and on its tenth.

use std::fmt::Write;

use outlay_insight::forecast::{Expectation, forecast};
use outlay_insight::months::{DaySums, Target};
use outlay_ledger::{Currency, Date, DocumentId, Month};

use super::cell;
use super::household::Household;

/// Categories that are no spending but savings, as the scorer of these answers says.
const SAVINGS: [&str; 3] = ["Investment", "Recurring Deposit", "Public Provident Fund"];
/// Whole months before the first that is forecast, as there.
const MONTHS_BEFORE: usize = 18;
/// The day of the month on which its end is forecast.
const DAY: u8 = 10;

/// `month,horizon,target,pred,lo,hi` in whole units of the currency, which stands behind the target where it is not the
/// household's usual one; what is too lumpy for an amount has none.
pub(super) fn answers(household: &Household) -> String {
    let rows = household.spending();
    let sums = DaySums::of(&rows, household.parents(), savings(household));
    let months: Vec<Month> = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => months(Month::from_date(first.date), Month::from_date(last.date)),
        _ => Vec::new(),
    };
    let currency = household.currency();
    let mut answers = String::from("month,horizon,target,pred,lo,hi\n");
    for month in months.into_iter().skip(MONTHS_BEFORE) {
        let first = month.first_day();
        let tenth = first.add_days(i32::from(DAY) - 1).unwrap_or(first);
        for (horizon, today) in [("ahead", first), ("day10", tenth)] {
            answers.push_str(&said(household, currency, &sums, month, horizon, today));
        }
    }
    answers
}

fn said(
    household: &Household,
    usual: Option<Currency>,
    sums: &DaySums,
    month: Month,
    horizon: &str,
    today: Date,
) -> String {
    let mut said = String::new();
    for forecast in forecast(sums, &[], today) {
        let target = match forecast.target {
            Target::Total => "TOTAL",
            Target::Category(Some(id)) => household.name(id),
            Target::Category(None) => continue,
        };
        let target = match forecast.currency {
            currency if Some(currency) == usual => target.to_owned(),
            other => format!("{target} {other}"),
        };
        let expected = if horizon == "ahead" { forecast.usual } else { forecast.month_end };
        let (point, range) = match expected {
            Expectation::Point { usual, range } => (usual.amount_text(), range),
            Expectation::Range(range) => (String::new(), range),
            Expectation::NotEnough { .. } | Expectation::NotLately { .. } => continue,
        };
        let [low, high] = [range.low, range.high].map(|bound| bound.amount_text());
        let _ = writeln!(said, "{month},{horizon},{},{point},{low},{high}", cell(&target));
    }
    said
}

/// All months but the last, which may not be whole.
fn months(first: Month, last: Month) -> Vec<Month> {
    std::iter::successors(Some(first), |month| month.next()).take_while(|month| *month < last).collect()
}

pub(super) fn savings(household: &Household) -> Vec<DocumentId> {
    let names = household.names().iter();
    names.filter(|(_, name)| SAVINGS.contains(&name.as_str())).map(|(id, _)| *id).collect()
}
