//! Categories suggested, each month from all before it.

use std::fmt::Write;

use outlay_insight::suggest::Suggester;
use outlay_ledger::spend::Spend;
use outlay_ledger::{EntryKind, Month};

use super::household::{Household, Line};
use super::{cell, say};

/// `line,pred,confidence` for every expense that has a category, and what became of it, printed.
pub(super) fn answers(household: &Household) -> String {
    let mut learner = Suggester::new(EntryKind::Expense);
    let mut answers = String::from("line,pred,confidence\n");
    let (mut right, mut spoken, mut asked) = (0, 0, 0);
    let spent: Vec<(Spend, &Line)> = household.spent().map(|line| (topmost(line), line)).collect();
    for month in spent.chunk_by(|left, right| Month::from_date(left.0.date) == Month::from_date(right.0.date)) {
        for (row, line) in month {
            let Some(best) = learner.best(row) else { continue };
            let _ = writeln!(answers, "{},{},{}", line.line, cell(household.name(best.category)), best.confidence);
            asked += 1;
            if learner.suggest(row).is_some() {
                spoken += 1;
                right += i32::from(row.category == Some(best.category));
            }
        }
        month.iter().for_each(|(row, _)| learner.learn(row));
    }
    say(format_args!("categories: of {asked} rows suggested for {spoken}, right for {right}\n"));
    say(format_args!("learner: threshold {:?}, {} bytes\n", learner.threshold(), learner.to_bytes().len()));
    answers
}

/// The row in the topmost of its categories.
fn topmost(line: &Line) -> Spend {
    Spend { category: line.top, ..line.spend.clone() }
}
