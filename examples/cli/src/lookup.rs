//! Finding what was named: ledgers by id or name, entries by id or its first digits, categories by path.

use std::collections::BTreeMap;

use outlay_core::{DocumentId, Engine, Expense, Filter, Ledger, LedgerId, Named, Sort};

use crate::failure::Failure;
use crate::input;

/// Digits of an id that are enough to look for it: fewer are a slip.
const PREFIX_DIGITS_MIN: usize = 4;
/// Entries of one page: as many as the engine gives.
pub(crate) const PAGE_MAX: usize = 1000;

/// The ledger that was named; else the default one, which there may not be.
pub(crate) fn ledger(engine: &Engine, named: Option<&str>) -> Result<Option<Ledger>, Failure> {
    let Some(named) = named else { return Ok(engine.default_ledger()?) };
    let ledgers = engine.ledgers()?;
    if let Ok(id) = named.parse::<LedgerId>()
        && let Some(ledger) = ledgers.iter().find(|ledger| ledger.id == id)
    {
        return Ok(Some(ledger.clone()));
    }
    let with_name = ledgers.into_iter().filter(|ledger| ledger.name == named);
    let several = || format!("several ledgers are called {named:?}; give the id");
    the_one(with_name, several, || format!("there is no ledger {named:?}")).map(Some)
}

/// The ledger that was named or is the default one, and must be there.
pub(crate) fn some_ledger(engine: &Engine, named: Option<&str>) -> Result<Ledger, Failure> {
    ledger(engine, named)?.ok_or_else(|| Failure::not_found("there is no ledger yet"))
}

/// The ledgers to look through: the one that was named, or all.
pub(crate) fn ledgers(engine: &Engine, named: Option<&str>) -> Result<Vec<Ledger>, Failure> {
    match named {
        Some(_) => Ok(vec![some_ledger(engine, named)?]),
        None => Ok(engine.ledgers()?),
    }
}

/// The entry with an id; for people also by the first digits of it, if no other begins with them.
pub(crate) fn expense(engine: &Engine, text: &str, is_json: bool) -> Result<Expense, Failure> {
    let none = || format!("there is no entry {text:?}");
    if let Ok(id) = text.parse::<DocumentId>() {
        return engine.find_expense(id)?.ok_or_else(|| Failure::not_found(none()));
    }
    if is_json || !is_prefix(text) {
        let digits = if is_json { "32 hexadecimal digits" } else { "32 hexadecimal digits, or the first 4 or more" };
        return Err(Failure::invalid(format!("{text:?} is no id of an entry: give its {digits}")));
    }
    let several = || format!("several entries begin with {text:?}; give more digits");
    the_one(with_prefix(engine, text)?, several, none)
}

/// What was meant, if it is one; else a message of why not.
pub(crate) fn the_one<T>(
    meant: impl IntoIterator<Item = T>,
    several: impl FnOnce() -> String,
    none: impl FnOnce() -> String,
) -> Result<T, Failure> {
    let mut meant = meant.into_iter();
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::invalid(several())),
        (None, _) => Err(Failure::not_found(none())),
    }
}

/// Whether an id was named, whole or by its first digits.
pub(crate) fn is_named(id: &impl ToString, named: &str) -> bool {
    let id = id.to_string();
    id == named || is_prefix(named) && id.starts_with(named)
}

/// Whether a text may be the first digits of an id.
fn is_prefix(text: &str) -> bool {
    text.len() >= PREFIX_DIGITS_MIN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// At most two entries whose ids begin with these digits, from all ledgers and their trash.
fn with_prefix(engine: &Engine, prefix: &str) -> Result<Vec<Expense>, Failure> {
    let mut found = Vec::new();
    for ledger in engine.ledgers()? {
        for deleted in [false, true] {
            let filter = Filter { deleted, ..Filter::default() };
            each_expense(engine, ledger.id, &filter, Sort::Newest, None, |expense| {
                if expense.id.to_string().starts_with(prefix) {
                    found.push(expense);
                }
                Ok(found.len() < 2)
            })?;
        }
    }
    Ok(found)
}

/// Goes through the entries of a filter page by page, as long as `visit` says so.
pub(crate) fn each_expense(
    engine: &Engine,
    ledger: LedgerId,
    filter: &Filter,
    sort: Sort,
    mut after: Option<DocumentId>,
    mut visit: impl FnMut(Expense) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    loop {
        let page = engine.query(ledger, filter, sort, after, PAGE_MAX)?;
        for expense in page.expenses {
            if !visit(expense)? {
                return Ok(());
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// A category that is there, by its path.
pub(crate) fn category(engine: &Engine, ledger: LedgerId, path: &str) -> Result<Named, Failure> {
    let names = input::category_names(path)?;
    let found = engine.find_category(ledger, &names)?;
    found.ok_or_else(|| Failure::not_found(format!("there is no category {path:?}")))
}

/// An account that is there, by its name.
pub(crate) fn account(engine: &Engine, ledger: LedgerId, name: &str) -> Result<Named, Failure> {
    let found = engine.find_account(ledger, name)?;
    found.ok_or_else(|| Failure::not_found(format!("there is no account {name:?}")))
}

/// What every category of a ledger is called: its path.
pub(crate) fn category_names(engine: &Engine, ledger: LedgerId) -> Result<BTreeMap<DocumentId, String>, Failure> {
    Ok(engine.categories(ledger)?.into_iter().map(|category| (category.id, category.name)).collect())
}
