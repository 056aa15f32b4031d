//! Phases and usual prices in words, of the currency with the most payments.

use std::fmt::Write;
use std::ops::ControlFlow;

use outlay_insight::study::{Options, Study};
use outlay_insight::wording::patterns;

use super::forecast::savings;
use super::household::Household;

/// What a person would read, as of the day of the last row.
pub(super) fn found(household: &Household) -> String {
    let (rows, names, mut said) = (household.spending(), household.names(), String::new());
    let Some(last) = rows.last().map(|row| row.date) else { return said };
    let options = Options { left_out: savings(household), ..Options::default() };
    let mut study = Study::of(rows, options, household.parents());
    let insights = study.insights(last, &[], &mut |_| ControlFlow::Continue(()));
    let ControlFlow::Continue(insights) = insights else { return said };
    let Some(one) = insights.currencies.first() else { return said };
    for sentence in patterns::phases(&one.phases, names) {
        let _ = writeln!(said, "phases: {sentence}");
    }
    for prices in &one.prices {
        let _ = writeln!(said, "prices: {}", patterns::prices(prices, names));
    }
    said
}
