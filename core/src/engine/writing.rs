//! Adding, changing, deleting and restoring entries.

use outlay_ledger::category::FACT_SEPARATOR;
use outlay_ledger::change::Scalar;
use outlay_ledger::expense::{self, document_value};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::text::fold;
use outlay_ledger::{Date, DocumentId, LedgerId};

use super::Engine;
use crate::author::Draft;
use crate::error::{Error, Result};
use crate::model::{Edit, Expense, NewExpense, Reference};
use crate::store::{Write, keys, query};

impl Engine {
    /// Adds an entry and returns it as stored. It is durable then, with or without a network.
    ///
    /// Accounts and categories that are named and not there are made with it.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::InvalidInput`] if the amount is zero, a text is too long, or accounts are given that the kind does
    ///   not have.
    /// * [`crate::ErrorKind::NotFound`] if this device has no such ledger, account, category or expense.
    /// * [`crate::ErrorKind::Forbidden`] if it may only read the ledger.
    /// * [`crate::ErrorKind::DiskFull`] if there is no room. Nothing was changed.
    ///
    /// # Example: works offline
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let coffee = engine.add_expense(home, NewExpense::new(Money::parse("3.40", Currency::EUR)?, "Café"))?;
    /// assert_eq!(engine.expense(home, coffee.id)?, Some(coffee));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn add_expense(&self, ledger: LedgerId, new: NewExpense) -> Result<Expense> {
        let date = new.date.unwrap_or_else(|| self.options.environment.today());
        self.write(|write| {
            let mut draft = self.author.draft(write, ledger)?;
            let lid = draft.lid;
            let puts = new_puts(&mut draft, &new, date)?;
            let id = draft.create(Thing::Expense, puts)?;
            draft.finish()?;
            stored(write, lid, &id)
        })
    }

    /// Changes some fields of an entry and returns it as stored.
    ///
    /// A field set to what it shows is left alone, unless it holds several values: then that settles the conflict.
    ///
    /// # Errors
    ///
    /// As [`Engine::add_expense`], and [`crate::ErrorKind::TooNew`] if a newer version wrote the money that is to be changed.
    pub fn edit_expense(&self, ledger: LedgerId, id: DocumentId, edit: Edit) -> Result<Expense> {
        self.change(ledger, id, |draft, document| edit_puts(draft, document, &edit, id))
    }

    /// Puts an entry in the trash. It is in no total then, and can be restored.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] and [`crate::ErrorKind::Forbidden`].
    pub fn delete_expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Expense> {
        self.change(ledger, id, |_, _| Ok(vec![Put::new(field::STATE, field::DELETED)]))
    }

    /// Takes an entry out of the trash.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] and [`crate::ErrorKind::Forbidden`].
    pub fn restore_expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Expense> {
        self.change(ledger, id, |_, _| Ok(vec![Put::new(field::STATE, field::LIVE)]))
    }

    pub(super) fn change(
        &self,
        ledger: LedgerId,
        id: DocumentId,
        puts: impl FnOnce(&mut Draft<'_, '_>, &Document) -> Result<Vec<Put>>,
    ) -> Result<Expense> {
        self.write(|write| {
            let mut draft = self.author.draft(write, ledger)?;
            let lid = draft.lid;
            let missing = || Error::not_found("expense in this ledger");
            let known = &mut draft.write.state.keys;
            let rid = known.find_document(&draft.write.tx, lid, &id)?.ok_or_else(missing)?;
            let document = draft.read(rid)?;
            if document.thing() != Some(Thing::Expense) {
                return Err(missing());
            }
            let puts = puts(&mut draft, &document)?;
            draft.edit(id, &document, puts)?;
            draft.finish()?;
            stored(write, lid, &id)
        })
    }
}

/// The things that the names of an entry stand for.
#[derive(Default)]
pub(super) struct Named {
    pub(super) account: Option<DocumentId>,
    pub(super) to_account: Option<DocumentId>,
    pub(super) category: Option<DocumentId>,
}

/// The registers of a new entry. What it names is made if it is not there.
fn new_puts(draft: &mut Draft<'_, '_>, new: &NewExpense, date: Date) -> Result<Vec<Put>> {
    let named = Named {
        account: new.account.as_ref().map(|reference| account(draft, reference)).transpose()?,
        to_account: new.to_account.as_ref().map(|reference| account(draft, reference)).transpose()?,
        category: new.category.as_ref().map(|reference| category(draft, reference)).transpose()?,
    };
    entry_puts(new, &named, date)
}

/// The registers of a new entry, from nothing but what it says.
pub(super) fn entry_puts(new: &NewExpense, named: &Named, date: Date) -> Result<Vec<Put>> {
    let new = expense::New {
        kind: new.kind,
        amount: new.amount,
        date,
        payee: &new.payee,
        category: named.category,
        account: named.account,
        to_account: named.to_account,
        time: new.time,
        note: &new.note,
        tags: &new.tags,
        refund_of: new.refund_of,
    };
    Ok(new.puts()?)
}

/// The registers that change an entry. What the edit names is made if it is not there.
fn edit_puts(draft: &mut Draft<'_, '_>, document: &Document, edit: &Edit, own: DocumentId) -> Result<Vec<Put>> {
    let edit = expense::Edit {
        kind: edit.kind,
        amount: edit.amount,
        date: edit.date,
        payee: edit.payee.as_deref(),
        account: resolved(draft, &edit.account, account)?,
        to_account: resolved(draft, &edit.to_account, account)?,
        category: resolved(draft, &edit.category, category)?,
        time: edit.time,
        note: edit.note.as_deref(),
        tags: edit.tags.as_deref(),
        refund_of: edit.refund_of,
    };
    Ok(edit.puts(document, own)?)
}

fn resolved(
    draft: &mut Draft<'_, '_>,
    reference: &Option<Option<Reference>>,
    resolve: impl FnOnce(&mut Draft<'_, '_>, &Reference) -> Result<DocumentId>,
) -> Result<Option<Option<DocumentId>>> {
    match reference {
        Some(Some(reference)) => Ok(Some(Some(resolve(draft, reference)?))),
        Some(None) => Ok(Some(None)),
        None => Ok(None),
    }
}

/// The account that a reference means, made if it is named and not there.
pub(super) fn account(draft: &mut Draft<'_, '_>, reference: &Reference) -> Result<DocumentId> {
    let path = match reference {
        Reference::Id(id) => return existing(draft, *id, Thing::Account, "account"),
        Reference::Path(path) => path,
    };
    let [name] = path.as_slice() else { return Err(Error::invalid("an account has one name")) };
    let name = expense::name(name)?;
    let write = &mut *draft.write;
    if let Some((_, id)) = write.state.names.find_account(&write.tx, draft.lid, &name)? {
        return Ok(id);
    }
    let fact = fold(&name);
    make_named(draft, Thing::Account, "account", &fact, vec![Put::new(field::NAME, Scalar::Str(name))])
}

/// The category that a reference means; every level of its path is made if it is not there.
pub(super) fn category(draft: &mut Draft<'_, '_>, reference: &Reference) -> Result<DocumentId> {
    let path = match reference {
        Reference::Id(id) => return existing(draft, *id, Thing::Category, "category"),
        Reference::Path(path) => path,
    };
    if path.is_empty() || path.len() > outlay_ledger::limits::CATEGORY_DEPTH_MAX {
        return Err(Error::invalid("a category has one to sixteen levels"));
    }
    let (mut parent, mut rid, mut fact) = (None, None, String::new());
    for name in path {
        let name = expense::name(name)?;
        fact = if fact.is_empty() { fold(&name) } else { [fact.as_str(), &fold(&name)].join(FACT_SEPARATOR) };
        let found = match (parent, rid) {
            (Some(_), None) => None,
            (_, above) => {
                let write = &mut *draft.write;
                write.state.names.find_category(&write.tx, draft.lid, above, &name)?
            }
        };
        rid = found.map(|(rid, _)| rid);
        parent = Some(match found {
            Some((_, id)) => id,
            None => {
                let mut puts = vec![Put::new(field::NAME, Scalar::Str(name))];
                puts.extend(parent.map(|parent| Put::new(field::PARENT, document_value(Some(parent)))));
                make_named(draft, Thing::Category, "category", &fact, puts)?
            }
        });
    }
    parent.ok_or_else(|| Error::invalid("a category has a name"))
}

/// Makes a thing of a name, or takes it out of the trash.
pub(super) fn make_named(
    draft: &mut Draft<'_, '_>,
    thing: Thing,
    domain: &str,
    fact: &str,
    puts: Vec<Put>,
) -> Result<DocumentId> {
    let id = draft.fact_document(domain, fact.as_bytes());
    if let Some(rid) = keys::find_document(&draft.write.tx, draft.lid, &id)? {
        let document = draft.read(rid)?;
        if document.thing() == Some(thing) {
            // It is back under the name it had: another spelling of the same name is no other thing.
            if document.is_deleted() {
                draft.edit(id, &document, vec![Put::new(field::STATE, field::LIVE)])?;
            }
            return Ok(id);
        }
    }
    draft.create_fact(domain, fact.as_bytes(), thing, puts)?;
    Ok(id)
}

/// A thing that is there and not in the trash.
fn existing(draft: &mut Draft<'_, '_>, id: DocumentId, thing: Thing, what: &str) -> Result<DocumentId> {
    let missing = || Error::not_found(what);
    let rid = keys::find_document(&draft.write.tx, draft.lid, &id)?.ok_or_else(missing)?;
    let document = draft.read(rid)?;
    if document.thing() == Some(thing) && !document.is_deleted() { Ok(id) } else { Err(missing()) }
}

fn stored(write: &mut Write<'_>, lid: i64, id: &DocumentId) -> Result<Expense> {
    let missing = || Error::internal("what was written is not there");
    let rid = write.state.keys.find_document(&write.tx, lid, id)?.ok_or_else(missing)?;
    query::numbered(&write.tx, &mut write.state.names, rid)?.ok_or_else(missing)
}
