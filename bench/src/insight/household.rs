//! A household from a CSV, read as an import reads it, with the line of each row.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use outlay_core::import::csv::{Draft, DraftKind, Interpreter, Profile, RowError, Rows};
use outlay_insight::months::Parents;
use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, DocumentId, EntryKind};

use super::map;
use crate::ground::Outcome;

/// The rows of a file, oldest first, and the names of what they refer to.
#[derive(Debug, Default)]
pub(super) struct Household {
    pub(super) rows: Vec<Line>,
    names: BTreeMap<DocumentId, String>,
    ids: BTreeMap<String, DocumentId>,
    rejected: usize,
    /// Why, and on which line, of the first few.
    reasons: Vec<String>,
}

/// So many rejected rows are told with their reason: a file that is read wrongly has the same in every row.
const REASONS_MAX: usize = 5;

/// A row and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// From 1, the header counted.
    pub(super) line: u64,
    /// The row; its category is the lowest one that the file names.
    pub(super) spend: Spend,
    /// The category above that one, or the same.
    pub(super) top: Option<DocumentId>,
}

impl Household {
    /// Reads a file. `map` names its columns; without it they are guessed.
    pub(super) fn read(csv: &Path, map: Option<&Path>) -> Outcome<Self> {
        let named = |path: &Path, error| format!("{}: {error}", path.display());
        let bytes = fs::read(csv).map_err(|error| named(csv, error))?;
        let profile = match map {
            Some(map) => map::read(&fs::read_to_string(map).map_err(|error| named(map, error))?)?,
            None => Profile::default(),
        };
        Self::of(&bytes, profile)
    }

    pub(super) fn of(bytes: &[u8], profile: Profile) -> Outcome<Self> {
        let profile = profile.complete(bytes)?;
        let rows = Rows::new(bytes, &profile)?;
        let interpreter = Interpreter::new(&profile, &rows, Currency::EUR)?;
        let mut household = Self::default();
        for row in rows {
            let row = row?;
            match interpreter.interpret(&row) {
                Ok(draft) => household.push(row.line(), draft),
                Err(error) => household.reject(row.line(), &error),
            }
        }
        household.sort();
        Ok(household)
    }

    /// Rows of what was spent, oldest first.
    pub(super) fn spent(&self) -> impl Iterator<Item = &Line> {
        self.rows.iter().filter(|line| line.spend.kind == EntryKind::Expense)
    }

    /// All rows, oldest first.
    pub(super) fn spending(&self) -> Vec<Spend> {
        self.rows.iter().map(|line| line.spend.clone()).collect()
    }

    /// The currency of most rows, the first of the alphabet if two are.
    pub(super) fn currency(&self) -> Option<Currency> {
        let mut rows: BTreeMap<Currency, usize> = BTreeMap::new();
        for line in &self.rows {
            *rows.entry(line.spend.amount.currency()).or_default() += 1;
        }
        rows.into_iter().min_by_key(|(currency, many)| (Reverse(*many), *currency)).map(|(currency, _)| currency)
    }

    /// Which category is below which.
    pub(super) fn parents(&self) -> Parents {
        let below = self.rows.iter().filter_map(|line| line.spend.category.zip(line.top));
        below.filter(|(category, top)| category != top).collect()
    }

    /// What a category or account is called.
    pub(super) fn name(&self, id: DocumentId) -> &str {
        self.names.get(&id).map_or("", String::as_str)
    }

    /// What every category and account is called.
    pub(super) fn names(&self) -> &BTreeMap<DocumentId, String> {
        &self.names
    }

    fn reject(&mut self, line: u64, error: &RowError) {
        self.rejected += 1;
        if self.reasons.len() < REASONS_MAX {
            self.reasons.push(format!("line {line}: {error}"));
        }
    }

    fn push(&mut self, line: u64, draft: Draft) {
        let top = draft.category.as_ref().map(|category| self.id("category", category));
        let category = match (&draft.category, &draft.subcategory) {
            (Some(category), Some(below)) => Some(self.id(&format!("category {category}"), below)),
            _ => top,
        };
        let account = draft.account.as_ref().map(|account| self.id("account", account));
        let (kind, amount) = match draft.kind {
            DraftKind::Expense => (EntryKind::Expense, draft.amount),
            DraftKind::Income => (EntryKind::Income, draft.amount),
            DraftKind::Transfer => (EntryKind::Transfer, draft.amount),
        };
        let (id, date, payee, note, tags) = (number(line), draft.date, draft.payee, draft.note, draft.tags);
        let spend = Spend { id, date, kind, amount, payee, note, category, account, tags };
        self.rows.push(Line { line, spend, top });
    }

    /// The id of what is called so among its kind.
    fn id(&mut self, kind: &str, name: &str) -> DocumentId {
        let next = number(self.ids.len() as u64 + 1);
        let id = *self.ids.entry(format!("{kind}\u{1f}{name}")).or_insert(next);
        self.names.entry(id).or_insert_with(|| name.to_owned());
        id
    }

    /// Oldest first. Many exports are newest first; within a day such a file is read from its end, so ids follow it.
    fn sort(&mut self) {
        let newest_first = match (self.rows.first(), self.rows.last()) {
            (Some(first), Some(last)) => first.spend.date > last.spend.date,
            _ => false,
        };
        for line in &mut self.rows {
            line.spend.id = number(if newest_first { u64::MAX - line.line } else { line.line });
        }
        self.rows.sort_by_key(|line| (line.spend.date, line.spend.id));
    }
}

impl fmt::Display for Household {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.rows.first(), self.rows.last());
        let date = |line: Option<&Line>| line.map_or_else(|| "never".to_owned(), |line| line.spend.date.to_string());
        write!(f, "{} rows from {} to {}", self.rows.len(), date(first), date(last))?;
        write!(f, ", {} of them spent, {} rejected", self.spent().count(), self.rejected)?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

/// An id that sorts as a number does.
fn number(number: u64) -> DocumentId {
    DocumentId(u128::from(number).to_be_bytes())
}
