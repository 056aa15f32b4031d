//! Insights as people read them: sentences of the facts, a line of months, bars.

use outlay_core::insight::forecast::{Expectation, Forecast};
use outlay_core::insight::insights::{CurrencyInsights, Insights};
use outlay_core::insight::months::Target;
use outlay_core::insight::prices::Amounts;
use outlay_core::insight::recurring::{Commitment, Standing};
use outlay_core::insight::rhythm::{Pace, Rhythm};
use outlay_core::insight::wording::{self, Names, patterns};
use outlay_core::{EntryKind, Ledger, Money, Month};

use super::Output;
use super::bar::{bar, sparkline};
use super::table::{Table, printable};
use super::text;
use crate::failure::Failure;

/// Months of the line: five years are as wide as a narrow terminal.
const MONTHS_MAX: usize = 60;
/// Of each kind so many are told, the newest or largest; with `--json` all.
const TOLD_MAX: usize = 10;
/// Names in each part of the rhythm map: a line or two.
const NAMES_MAX: usize = 6;

/// Everything there is to say.
pub(crate) fn tell(ledger: &Ledger, insights: &Insights, names: &Names, out: &mut Output) -> Result<(), Failure> {
    let entries = text::counted(insights.entries as u64, "entry");
    out.line(printable(&format!("{} on {}: {entries}.", ledger.name, insights.today)))?;
    let is_old = |last| Month::from_date(last) < Month::from_date(insights.today);
    if let Some(last) = insights.last_entry.filter(|last| is_old(*last)) {
        out.line(format!("The last one is of {last}; what came after it is not known."))?;
    }
    for currency in &insights.currencies {
        self::currency(currency, names, out)?;
    }
    commitments(&insights.commitments, names, out)?;
    let odd = insights.odd.iter().flat_map(|odd| odd.reasons.iter().map(move |reason| (odd, reason)));
    told("Odd charges", odd.map(|(odd, reason)| wording::reason(&odd.charge, reason, names)).collect(), out)?;
    told("Trips", insights.trips.iter().rev().map(patterns::trip).collect(), out)
}

fn currency(one: &CurrencyInsights, names: &Names, out: &mut Output) -> Result<(), Failure> {
    heading(&format!("Spending in {}", one.currency), out)?;
    months(one, out)?;
    let (total, categories) = match one.forecasts.split_first() {
        Some((total, categories)) => (total, categories),
        None => return Ok(()),
    };
    for sentence in patterns::forecast(total, names) {
        out.line(sentence)?;
    }
    out.table(&forecasts(categories, names))?;
    told("Phases", patterns::phases(&one.phases, names), out)?;
    let usual = one.prices.iter().filter(|prices| matches!(prices.amounts, Amounts::Usual(_)));
    told("Usual prices", usual.map(|prices| patterns::prices(prices, names)).collect(), out)?;
    rhythm(&one.rhythm, names, out)
}

/// A line of months, and what it is of.
fn months(one: &CurrencyInsights, out: &mut Output) -> Result<(), Failure> {
    let skipped = one.months.totals.len().saturating_sub(MONTHS_MAX);
    let shown: Vec<(Month, i64)> = one.months.each().skip(skipped).map(|(month, total, _)| (month, total)).collect();
    let (Some((first, _)), Some((last, _))) = (shown.first(), shown.last()) else { return Ok(()) };
    let most = shown.iter().map(|(_, total)| *total).max().unwrap_or(0);
    if most <= 0 {
        return Ok(());
    }
    let line = sparkline(shown.iter().map(|(_, total)| i128::from(*total)));
    let most = Money::nearest(most, one.currency);
    out.line(format!("{line}  {first} to {last}, at most {most} a month"))
}

/// What is expected of each category by the end of the month, the largest first; those of which nothing is expected and
/// nothing was spent are left out.
fn forecasts(categories: &[Forecast], names: &Names) -> Table {
    let expected = |forecast: &Forecast| match forecast.month_end {
        Expectation::Point { usual, .. } => usual.minor(),
        Expectation::Range(range) => range.high.minor(),
        Expectation::NotEnough { .. } | Expectation::NotLately { .. } => forecast.spent.minor(),
    };
    let mut shown: Vec<&Forecast> = categories.iter().filter(|forecast| expected(forecast) != 0).collect();
    shown.sort_by_key(|forecast| std::cmp::Reverse(expected(forecast)));
    let greatest = shown.iter().map(|forecast| expected(forecast)).max().unwrap_or(0);
    let mut table = Table::new(["CATEGORY", ">SO FAR", ">BY THE END", "", ">BETWEEN", ">AND"]);
    for forecast in shown {
        let (point, range) = match forecast.month_end {
            Expectation::Point { usual, range } => (usual.amount_text(), Some(range)),
            Expectation::Range(range) => (String::new(), Some(range)),
            Expectation::NotEnough { .. } | Expectation::NotLately { .. } => (String::new(), None),
        };
        let Target::Category(category) = forecast.target else { continue };
        table.push([
            patterns::category_name(category, names).to_owned(),
            forecast.spent.amount_text(),
            point,
            bar(expected(forecast).into(), greatest.into()),
            range.map_or_else(String::new, |range| range.low.amount_text()),
            range.map_or_else(String::new, |range| range.high.amount_text()),
        ]);
    }
    table
}

fn commitments(found: &[Commitment], names: &Names, out: &mut Output) -> Result<(), Failure> {
    let shown = || found.iter().filter(|one| one.standing != Standing::Dismissed);
    let mut running: Vec<&Commitment> = shown().filter(|one| one.next.is_some()).collect();
    running.sort_by_key(|one| (one.kind, one.next));
    let stopped = shown().count() - running.len();
    if running.is_empty() && stopped == 0 {
        return Ok(());
    }
    heading("Payments that come back", out)?;
    for one in running {
        let mark = match one.standing {
            Standing::Confirmed => "✓ ",
            Standing::Found | Standing::Dismissed => "",
        };
        let kind = match one.kind {
            EntryKind::Expense => "",
            EntryKind::Income => "Income: ",
            EntryKind::Transfer => "Transfer: ",
        };
        out.line(format!("{mark}{kind}{}", printable(&patterns::commitment(one, names).join(" "))))?;
    }
    if stopped > 0 {
        let are = if stopped == 1 { "is" } else { "are" };
        out.line(format!("{stopped} {are} not expected any more: outlay commitments list"))?;
    }
    Ok(())
}

/// Who is paid how often, a line for each part of the map.
fn rhythm(rhythm: &Rhythm, names: &Names, out: &mut Output) -> Result<(), Failure> {
    let Some(typical) = rhythm.typical.filter(|_| !rhythm.points.is_empty()) else { return Ok(()) };
    heading(&format!("How often and how much (small is up to {typical})"), out)?;
    let paces = [
        (Pace::WithinAWeek, "every week or more often"),
        (Pace::WithinAMonth, "every month or more often"),
        (Pace::Rarer, "more rarely"),
    ];
    let mut table = Table::new(["HOW OFTEN", "HOW MUCH", "WHAT"]);
    for ((pace, often), (is_large, much)) in
        paces.iter().flat_map(|pace| [(pace, (false, "small")), (pace, (true, "large"))])
    {
        let here = rhythm.points.iter().filter(|point| point.pace == *pace && point.is_large == is_large);
        let named: Vec<&str> = here.map(|point| patterns::seller(&point.seller, names)).collect();
        if !named.is_empty() {
            let more = named.len().saturating_sub(NAMES_MAX);
            let shown = named[..named.len().min(NAMES_MAX)].join(", ");
            let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
            table.push([(*often).to_owned(), much.to_owned(), shown]);
        }
    }
    out.table(&table)
}

/// Sentences below a heading, at most [`TOLD_MAX`]; nothing where there are none.
fn told(title: &str, sentences: Vec<String>, out: &mut Output) -> Result<(), Failure> {
    if sentences.is_empty() {
        return Ok(());
    }
    heading(title, out)?;
    sentences.iter().take(TOLD_MAX).try_for_each(|sentence| out.line(printable(sentence)))?;
    match sentences.len().saturating_sub(TOLD_MAX) {
        0 => Ok(()),
        more => out.line(format!("{more} more: outlay insights --json")),
    }
}

fn heading(title: &str, out: &mut Output) -> Result<(), Failure> {
    out.line("")?;
    out.heading(title)
}

pub(crate) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Found => "",
        Standing::Confirmed => "confirmed",
        Standing::Dismissed => "dismissed",
    }
}
