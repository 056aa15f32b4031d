//! Odd charges: in a household, and in files into which some were put.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use outlay_core::import::csv::{Column, Field, Profile};
use outlay_insight::odd::{self, Surprise, Watch};
use outlay_insight::suggest::Suggester;
use outlay_insight::wording;
use outlay_ledger::spend::Spend;
use outlay_ledger::{DocumentId, EntryKind};

use super::household::Household;
use crate::ground::Outcome;

/// The columns of a task's file.
const COLUMNS: [(Field, &str); 7] = [
    (Field::ExternalId, "id"),
    (Field::Date, "date"),
    (Field::Account, "acc"),
    (Field::Category, "cat"),
    (Field::Subcategory, "sub"),
    (Field::Payee, "text"),
    (Field::Amount, "amt"),
];
/// The first line of the answers.
const HEADER: &str = "file,id,score,reasons\n";
/// Odd charges that are printed.
const SHOWN_MAX: usize = 40;

/// `file,id,score,reasons` for each row of every file of the folder that is a task, twice. The last is how many reasons a person
/// would be shown: fewer charges are named than are strange.
///
/// The first is what there is: one detector for each kind. A file `…-x10-…`, `…-wrongcat-…` or `…-dup-…` asks for one kind of oddity
/// and is answered by its detector, any other by the one that is most surprised. The second answers every file like that,
/// as who is not told the kind would.
pub(super) fn answers(folder: &Path) -> Outcome<[String; 2]> {
    let mut answers = [HEADER.to_owned(), HEADER.to_owned()];
    let [own, any] = &mut answers;
    for path in tasks(folder)? {
        let name = path.file_stem().ok_or("a file without a name")?.to_string_lossy().into_owned();
        let household = Household::of(&fs::read(&path)?, profile())?;
        for (id, surprise, reasons) in surprises(&household) {
            let _ = writeln!(own, "{name},{id},{},{reasons}", asked(&name, &surprise));
            let _ = writeln!(any, "{name},{id},{},{reasons}", surprise.most());
        }
    }
    Ok(answers)
}

/// What is odd in a household, the newest first.
pub(super) fn found(household: &Household) -> String {
    let (rows, parents) = (household.spending(), household.parents());
    let by_id: BTreeMap<DocumentId, &Spend> = rows.iter().map(|row| (row.id, row)).collect();
    let odd = odd::find(&rows, |category| parents.get(&category).copied().unwrap_or(category));
    let mut text = format!("odd charges: {} of {} rows\n", odd.len(), rows.len());
    let sentences = odd.iter().rev().flat_map(|odd| {
        let row = by_id.get(&odd.id);
        odd.reasons.iter().filter_map(move |reason| Some(wording::reason(row?, reason, household.names())))
    });
    sentences.take(SHOWN_MAX).for_each(|sentence| text.push_str(&format!("  {sentence}\n")));
    text
}

/// The files of a folder, by name.
fn tasks(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
    paths.sort();
    Ok(paths)
}

fn profile() -> Profile {
    let columns = COLUMNS.iter().map(|(field, name)| (*field, Column::Name((*name).to_owned()))).collect();
    Profile { columns, ..Profile::default() }
}

/// Each row by its number from 0, how surprising it was to who had seen those before, and how many reasons were named.
fn surprises(household: &Household) -> Vec<(u64, Surprise, usize)> {
    let (mut watch, mut suggester) = (Watch::new(), Suggester::new(EntryKind::Expense));
    let mut surprises = Vec::new();
    for line in &household.rows {
        let reasons = watch.reasons(&line.spend, line.top, &suggester).len();
        surprises.push((line.line - 2, watch.surprise(&line.spend, line.top, &suggester), reasons));
        watch.learn(&line.spend, line.top);
        suggester.learn_in(&line.spend, line.top);
    }
    surprises
}

fn asked(task: &str, surprise: &Surprise) -> f32 {
    match task.split('-').nth(1) {
        Some("x10") => surprise.amount,
        Some("wrongcat") => surprise.category,
        Some("dup") => surprise.duplicate,
        _ => surprise.most(),
    }
}
