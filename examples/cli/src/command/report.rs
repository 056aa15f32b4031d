//! `outlay report`: totals of a month by category, of a year by month, from what the engine keeps summed up.

use std::collections::BTreeMap;

use outlay_core::{Currency, Ledger, Month, Sum, Total};

use crate::args::Report;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::bar::bar;
use crate::output::json::TotalObject;
use crate::output::table::Table;
use crate::output::{Output, text};
use crate::{input, lookup};

const NO_CATEGORY: &str = "(none)";

pub(crate) fn run(args: &Report, home: &Home, out: &mut Output) -> Result<(), Failure> {
    match args {
        Report::Month { month, ledger } => {
            let month = month.as_deref().map_or_else(|| Ok(Month::from_date(input::today())), input::month)?;
            let Some((_, totals)) = totals(ledger.ledger.as_deref(), month, month, home, out)? else { return Ok(()) };
            show(by_category(totals), "CATEGORY", out)
        }
        Report::Year { year, ledger } => {
            let year = year.unwrap_or_else(|| input::today().year());
            let (from, to) = (input::month_of(year, 1)?, input::month_of(year, 12)?);
            let Some((ledger, totals)) = totals(ledger.ledger.as_deref(), from, to, home, out)? else { return Ok(()) };
            show(by_month(&totals, &ledger), "MONTH", out)
        }
    }
}

type Totals = (Ledger, Vec<Total>);

fn totals(named: Option<&str>, from: Month, to: Month, home: &Home, out: &Output) -> Result<Option<Totals>, Failure> {
    let engine = home.open()?;
    let Some(ledger) = lookup::ledger(&engine, named)? else {
        out.remark("There is no ledger yet: nothing to report.");
        return Ok(None);
    };
    let totals = engine.totals(ledger.id, from, to)?;
    Ok(Some((ledger, totals)))
}

/// One row of a report.
struct Row {
    month: Month,
    /// What the row is about: a category, or nothing when it is the month.
    category: Option<Option<String>>,
    spent: Sum,
    earned: Sum,
    count: u64,
}

/// One row a category and currency, what was spent most on first.
fn by_category(totals: Vec<Total>) -> Vec<Row> {
    let row = |total: Total| Row {
        month: total.month,
        category: Some(total.category.map(|category| category.name)),
        spent: total.spent,
        earned: total.earned,
        count: total.count,
    };
    let mut rows: Vec<Row> = totals.into_iter().map(row).collect();
    rows.sort_by(|a, b| {
        let rank = |row: &Row| (row.spent.currency, std::cmp::Reverse(row.spent.minor));
        rank(a).cmp(&rank(b)).then_with(|| a.category.cmp(&b.category))
    });
    rows
}

/// One row a month and currency, in order of time.
fn by_month(totals: &[Total], ledger: &Ledger) -> Vec<Row> {
    let mut rows: BTreeMap<(Month, Currency), Row> = BTreeMap::new();
    for total in totals {
        let currency = total.spent.currency;
        let row = rows.entry((total.month, currency)).or_insert_with(|| Row {
            month: total.month,
            category: None,
            spent: text::zero(currency),
            earned: text::zero(currency),
            count: 0,
        });
        row.spent.minor += total.spent.minor;
        row.earned.minor += total.earned.minor;
        row.count += total.count;
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    // The ledger's own currency first.
    rows.sort_by_key(|row| (Some(row.spent.currency) != ledger.currency, row.spent.currency, row.month));
    rows
}

fn show(rows: Vec<Row>, subject: &'static str, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        return rows.into_iter().try_for_each(|row| out.object(&object(row)));
    }
    if rows.is_empty() {
        out.remark("Nothing was spent or earned.");
        return Ok(());
    }
    out.table(&table(&rows, subject))
}

fn object(row: Row) -> TotalObject {
    TotalObject {
        month: row.month.to_string(),
        category: row.category,
        spent: row.spent.into(),
        earned: row.earned.into(),
        count: row.count,
    }
}

fn table(rows: &[Row], subject: &'static str) -> Table {
    let mut table = Table::new([subject, ">SPENT", "", ">EARNED", ">COUNT"]);
    let mut rows_left = rows;
    // Bars and totals compare amounts of one currency only.
    while let Some(first) = rows_left.first() {
        let same = rows_left.iter().take_while(|row| row.spent.currency == first.spent.currency).count();
        let (of_currency, rest) = rows_left.split_at(same);
        push_currency(&mut table, of_currency, first.spent.currency);
        rows_left = rest;
    }
    table.without_empty_columns()
}

fn push_currency(table: &mut Table, rows: &[Row], currency: Currency) {
    let greatest = rows.iter().map(|row| row.spent.minor).max().unwrap_or(0);
    let (mut spent, mut earned, mut count) = (text::zero(currency), text::zero(currency), 0);
    for row in rows {
        let subject = match &row.category {
            Some(category) => category.clone().unwrap_or_else(|| NO_CATEGORY.to_owned()),
            None => row.month.to_string(),
        };
        table.push([
            subject,
            some_sum(row.spent),
            bar(row.spent.minor, greatest),
            some_sum(row.earned),
            row.count.to_string(),
        ]);
        spent.minor += row.spent.minor;
        earned.minor += row.earned.minor;
        count += row.count;
    }
    table.push(["Total".to_owned(), spent.to_string(), String::new(), some_sum(earned), count.to_string()]);
}

/// A sum, and nothing for zero, which would only be in the way.
fn some_sum(sum: Sum) -> String {
    if sum.minor == 0 { String::new() } else { sum.to_string() }
}
