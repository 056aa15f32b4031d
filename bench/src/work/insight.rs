//! Insights of a ledger: all of them the first time they are asked for, and again after one more expense of these days.

use std::ops::ControlFlow;
use std::path::Path;

use outlay_core::insight::insights::Insights;
use outlay_core::{Date, Engine, InsightOptions, LedgerId, NewExpense};

use crate::figure::{At, FOLLOWED, Figure};
use crate::generate::last_day;
use crate::ground::{Ground, Outcome};
use crate::meter::{Meter, Spent, median};
use crate::report::{Measured, Report};

/// Further expenses, after each of which insights are asked for.
const EXPENSES: usize = 40;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let folder = folder.join("insight");
    std::fs::create_dir(&folder)?;
    let (mut ground, _) = Ground::build(&folder, FOLLOWED)?;
    let (engine, today) = (ground.engine()?, last_day()?);
    let (first, insights) = asked(&engine, ground.ledger, today)?;
    let is_whole = insights.entries as u64 == FOLLOWED && insights.currencies.len() == 1;
    if !is_whole {
        return Err("the insights are not of all entries".into());
    }
    put(report, Figure::Insights, first.cpu_ns, first);
    let (mut each, mut all) = (Vec::with_capacity(EXPENSES), Spent::default());
    for row in ground.more(EXPENSES) {
        engine.add_expense(ground.ledger, NewExpense { date: Some(today), ..row.expense()? })?;
        let (spent, _) = asked(&engine, ground.ledger, today)?;
        each.push(spent.cpu_ns);
        all += spent;
    }
    put(report, Figure::InsightsAgain, median(&mut each), all.each(EXPENSES as u64));
    Ok(())
}

fn asked(engine: &Engine, ledger: LedgerId, today: Date) -> Outcome<(Spent, Insights)> {
    let options = InsightOptions { today: Some(today), ..InsightOptions::default() };
    let meter = Meter::process();
    let insights = engine.insights(ledger, &options, &mut |_| ControlFlow::Continue(()))?;
    Ok((meter.stop(), insights))
}

fn put(report: &mut Report, figure: Figure, value: u64, spent: Spent) {
    report.put(figure, At::Expenses(FOLLOWED), Measured { value, wall_ns: Some(spent.wall_ns), ..Measured::default() });
}
