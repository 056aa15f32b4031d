//! Reading: the newest page, any page, a month by category, a search.

use outlay_core::{DocumentId, Engine, Filter, LedgerId, Month, Sort};

use crate::figure::{At, Figure};
use crate::generate::{Chance, month};
use crate::ground::{Ground, Outcome};
use crate::meter::{Meter, Spent};
use crate::report::{Measured, Report};

/// Entries of a page.
pub(crate) const PAGE: usize = 50;
/// The same for plain SQLite.
pub(crate) const PAGE_ROWS: i64 = 50;
/// How often each is read.
const READS: u64 = 1_000;
/// Searches cost more, and more of them tell nothing more.
const SEARCHES: u64 = 20;
/// Ids taken from each month.
const IDS_OF_A_MONTH: usize = 1_000;
const MONTHS: usize = 36;

pub(crate) fn run(ground: &Ground, report: &mut Report) -> Outcome<()> {
    let (engine, plain) = (ground.engine()?, ground.plain()?);
    let (ledger, filter, month) = (ground.ledger, Filter::default(), month()?);
    let (ids, rows) = (some_ids(&engine, ledger)?, plain.count()?);
    let mut chance = Chance(5);

    let newest = repeat(READS, || Ok(engine.query(ledger, &filter, Sort::Newest, None, PAGE)?.expenses.len() == PAGE))?;
    let plain_newest = repeat(READS, || Ok(plain.newest(PAGE_ROWS)? == PAGE))?;
    put(report, Figure::NewestPage, ground.size, newest, Some(plain_newest));

    let after: Vec<DocumentId> = (0..READS).map(|_| chance.one_of(&ids)).collect();
    let mut places = after.iter().copied().cycle();
    let any = repeat(READS, || Ok(engine.query(ledger, &filter, Sort::Newest, places.next(), PAGE).is_ok()))?;
    let plain_any = repeat(READS, || Ok(plain.page_after(1 + chance.below(rows), PAGE_ROWS).is_ok()))?;
    put(report, Figure::AnyPage, ground.size, any, Some(plain_any));

    let totals = repeat(READS, || Ok(!engine.totals(ledger, month, month)?.is_empty()))?;
    let (first, last) = (month.first_day().to_string(), month.last_day().to_string());
    let plain_totals = repeat(if rows > 100_000 { SEARCHES } else { READS }, || Ok(plain.month(&first, &last)? > 0))?;
    put(report, Figure::MonthTotals, ground.size, totals, Some(plain_totals));

    let words = Filter { text: Some("bicycle".to_owned()), ..Filter::default() };
    let search = repeat(SEARCHES, || Ok(!engine.query(ledger, &words, Sort::Newest, None, PAGE)?.expenses.is_empty()))?;
    put(report, Figure::Search, ground.size, search, None);
    Ok(())
}

/// Ids of entries of every month, to go on after and to edit.
pub(crate) fn some_ids(engine: &Engine, ledger: LedgerId) -> Outcome<Vec<DocumentId>> {
    let (year, number, _) = crate::generate::FIRST_DAY;
    let first = Month::from_year_month(year, number)?;
    let mut ids = Vec::new();
    for month in std::iter::successors(Some(first), |month| month.next()).take(MONTHS) {
        let filter = Filter { month: Some(month), ..Filter::default() };
        let page = engine.query(ledger, &filter, Sort::Oldest, None, IDS_OF_A_MONTH)?;
        ids.extend(page.expenses.iter().map(|expense| expense.id));
    }
    Ok(ids)
}

/// What one of many calls takes, after one that is not counted. A wrong answer is not fast, it is wrong.
fn repeat(count: u64, mut call: impl FnMut() -> Outcome<bool>) -> Outcome<Spent> {
    let mut is_right = call()?;
    let meter = Meter::process();
    for _ in 0..count {
        is_right &= call()?;
    }
    let spent = meter.stop().each(count);
    if is_right { Ok(spent) } else { Err("a read gave another answer than it should".into()) }
}

fn put(report: &mut Report, figure: Figure, size: u64, spent: Spent, plain: Option<Spent>) {
    let plain = plain.map(|plain| plain.cpu_ns);
    let measured = Measured { value: spent.cpu_ns, wall_ns: Some(spent.wall_ns), plain, ..Measured::default() };
    report.put(figure, At::Expenses(size), measured);
}
