//! Rows of a bank or another app, interpreted by a profile.
//!
//! The fact of a row is all its cells, decoded, trimmed, NFC, joined by U+001F, then U+001E and in decimal the how
//! many-th equal row of the file it is. What a profile makes of the row takes no part in it.
//!
//! A category is a path where it has colons, as everywhere: `Food:Snacks` is Snacks in Food.
//!
//! # Transfers with one account
//!
//! Household apps write a transfer with its account in one column and where the money went in the category's: `Bank
//! account`, `Savings`. Where the file has no column for the second account, and the category of a transfer is the name
//! of another account that some row of the same file has in its account column, that is the other side, and the
//! subcategory is the category. Any other category stays one (`Bank account`, `Money transfer`), and the other side is
//! unknown. Only the file decides, not what accounts a device knows, so two devices read it alike.

use std::collections::HashSet;

use outlay_ledger::EntryKind;
use outlay_ledger::text::fold;

use super::csv::{Draft, DraftKind, Field, Interpreter, Profile, Row, Rows};
use super::escape::PATH;
use super::source::{CSV, Incoming, Source, occurring};
use crate::error::Result;
use crate::model::{NewExpense, Reference, Rejected};

/// The rows of a CSV by a profile.
pub(crate) struct BankRows<'a> {
    rows: Rows<&'a [u8]>,
    interpreter: Interpreter,
    accounts: &'a Accounts,
}

/// The accounts of a file, by folded name.
#[derive(Debug, Default)]
pub(crate) struct Accounts(HashSet<String>);

impl<'a> BankRows<'a> {
    pub(crate) fn new(rows: Rows<&'a [u8]>, interpreter: Interpreter, accounts: &'a Accounts) -> Self {
        Self { rows, interpreter, accounts }
    }

    fn incoming(&self, row: &Row) -> std::result::Result<Incoming, Rejected> {
        let rejected = |reason: String| Rejected { line: row.line(), reason };
        let draft = self.interpreter.interpret(row).map_err(|error| rejected(error.to_string()))?;
        Ok(Incoming {
            line: row.line(),
            domain: CSV,
            fact: occurring(row.fact(), row.occurrence()),
            new: new_expense(self.accounts.with_both_sides(draft)),
            is_deleted: false,
            origin: None,
            refund: None,
        })
    }
}

impl Source for BankRows<'_> {
    fn next(&mut self) -> Result<Option<std::result::Result<Incoming, Rejected>>> {
        let Some(row) = self.rows.next().transpose()? else { return Ok(None) };
        Ok(Some(self.incoming(&row)))
    }

    fn bytes_done(&self) -> u64 {
        self.rows.bytes_read()
    }
}

impl Accounts {
    /// Whether a file of this profile may name the other side of a transfer in the category.
    pub(crate) fn are_wanted(profile: &Profile) -> bool {
        let has = |field| profile.columns.contains_key(&field);
        has(Field::Kind) && has(Field::Account) && has(Field::Category) && !has(Field::ToAccount)
    }

    /// Notes the account of a row.
    pub(crate) fn note(&mut self, new: &NewExpense) {
        for reference in [&new.account, &new.to_account].into_iter().flatten() {
            if let Reference::Path(path) = reference {
                self.0.extend(path.iter().map(|name| fold(name)));
            }
        }
    }

    fn with_both_sides(&self, mut draft: Draft) -> Draft {
        let (side, other) = match (&draft.account, &draft.to_account) {
            (Some(account), None) => (account, &draft.category),
            (None, Some(account)) => (account, &draft.category),
            _ => return draft,
        };
        let Some(name) = other.as_ref().map(|name| fold(name)) else { return draft };
        if draft.kind == DraftKind::Transfer && self.0.contains(&name) && name != fold(side) {
            let other = std::mem::replace(&mut draft.category, draft.subcategory.take());
            *(if draft.account.is_none() { &mut draft.account } else { &mut draft.to_account }) = other;
        }
        draft
    }
}

fn new_expense(draft: Draft) -> NewExpense {
    let path: Vec<String> =
        [&draft.category, &draft.subcategory].into_iter().flatten().flat_map(|name| names(name)).collect();
    NewExpense {
        kind: match draft.kind {
            DraftKind::Expense => EntryKind::Expense,
            DraftKind::Income => EntryKind::Income,
            DraftKind::Transfer => EntryKind::Transfer,
        },
        category: Some(path).filter(|path| !path.is_empty()).map(Reference::Path),
        account: draft.account.map(|name| Reference::Path(vec![name])),
        to_account: draft.to_account.map(|name| Reference::Path(vec![name])),
        date: Some(draft.date),
        time: draft.time,
        note: draft.note,
        tags: draft.tags,
        ..NewExpense::new(draft.amount, draft.payee)
    }
}

fn names(category: &str) -> impl Iterator<Item = String> {
    category.split(PATH).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}
