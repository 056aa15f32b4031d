//! All that an engine shows of a ledger, in a form that does not depend on which device shows it.

use std::collections::{BTreeMap, BTreeSet};

use outlay_core::{
    Author, CommitId, ConflictValue, Currency, Decision, DocumentId, Engine, Expense, Filter, HistoryEntry, LedgerId,
    Month, Named, Sort, Total,
};

/// What two replicas that hold the same commits must both show.
#[derive(Debug, PartialEq)]
pub struct Snapshot {
    pub name: String,
    pub currency: Option<Currency>,
    pub expenses: BTreeMap<DocumentId, Expense>,
    pub found: BTreeSet<DocumentId>,
    pub totals: Vec<Total>,
    pub accounts: Vec<Named>,
    pub categories: Vec<Named>,
    pub decisions: Vec<(DocumentId, Decision)>,
    pub conflicts: BTreeMap<(DocumentId, String), Vec<ConflictValue>>,
    pub history: BTreeMap<DocumentId, Vec<HistoryEntry>>,
    pub not_applied: Vec<(String, u64)>,
    pub heads: Vec<CommitId>,
    pub commits: BTreeSet<CommitId>,
}

impl Snapshot {
    /// Looks at everything, and has doctor compare it with what a rebuild makes.
    pub fn of(engine: &Engine, ledger: LedgerId, context: &str) -> Self {
        let diagnosis = engine.doctor().unwrap();
        assert!(diagnosis.is_ok(), "{context}: {:?}", diagnosis.problems);
        let held = engine.ledger(ledger).unwrap();
        let expenses = expenses(engine, ledger);
        let (accounts, categories) = (engine.accounts(ledger).unwrap(), engine.categories(ledger).unwrap());
        let named = accounts.iter().chain(&categories).map(|named| named.id);
        let things: BTreeSet<DocumentId> = expenses.keys().copied().chain(named).collect();
        let (first, last) = (Month::from_year_month(1, 1).unwrap(), Month::from_year_month(4999, 12).unwrap());
        let search = Filter { text: Some("caf".into()), ..Filter::default() };
        let found = engine.query(ledger, &search, Sort::Newest, None, 1_000).unwrap().expenses;
        Self {
            name: held.name,
            currency: held.currency,
            found: found.into_iter().map(|expense| expense.id).collect(),
            expenses,
            totals: engine.totals(ledger, first, last).unwrap(),
            accounts,
            categories,
            decisions: engine.decisions(ledger).unwrap(),
            conflicts: conflicts(engine, ledger),
            history: things.into_iter().map(|id| (id, history(engine, ledger, id))).collect(),
            not_applied: diagnosis.not_applied,
            heads: engine.heads(ledger).unwrap(),
            commits: engine.commits(ledger, &[]).unwrap().iter().map(outlay_core::Commit::id).collect(),
        }
    }
}

/// All entries, those in the trash too.
pub fn expenses(engine: &Engine, ledger: LedgerId) -> BTreeMap<DocumentId, Expense> {
    let mut expenses = BTreeMap::new();
    for deleted in [false, true] {
        let filter = Filter { deleted, ..Filter::default() };
        let mut after = None;
        loop {
            let page = engine.query(ledger, &filter, Sort::Newest, after, 1_000).unwrap();
            expenses.extend(page.expenses.into_iter().map(|expense| (expense.id, expense)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    expenses
}

fn conflicts(engine: &Engine, ledger: LedgerId) -> BTreeMap<(DocumentId, String), Vec<ConflictValue>> {
    let conflicts = engine.conflicts(ledger).unwrap().into_iter();
    conflicts
        .map(|mut conflict| {
            assert!(conflict.values.len() >= 2, "{conflict:?}");
            conflict.values.iter_mut().for_each(|value| forget_self(&mut value.author));
            ((conflict.document, conflict.field), conflict.values)
        })
        .collect()
}

fn history(engine: &Engine, ledger: LedgerId, id: DocumentId) -> Vec<HistoryEntry> {
    let mut history = engine.history(ledger, id).unwrap();
    history.iter_mut().for_each(|entry| forget_self(&mut entry.author));
    history
}

fn forget_self(author: &mut Author) {
    author.is_self = false;
}

/// Asserts that two snapshots are equal, naming the first part in which they differ.
pub fn assert_same(one: &Snapshot, other: &Snapshot, context: &str) {
    macro_rules! same {
        ($($part:ident),+) => {
            $(assert_eq!(one.$part, other.$part, "{context}: {}", stringify!($part));)+
        };
    }
    same!(commits, name, currency, expenses, accounts, categories, totals, conflicts, history);
    same!(not_applied, heads, found);
}
