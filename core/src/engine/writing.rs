//! Adding, changing, deleting and restoring entries.

use outlay_ledger::change::Scalar;
use outlay_ledger::field::{self, TAG_PREFIX, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::limits::{NAME_BYTES_MAX, NOTE_BYTES_MAX, PAYEE_BYTES_MAX, TAG_BYTES_MAX, TAGS_MAX};
use outlay_ledger::money::split;
use outlay_ledger::text::{fold, normalize, normalize_multiline};
use outlay_ledger::{Date, DocumentId, Entry, EntryKind, LedgerId, Method, Money, Part, Register, TimeOfDay};

use super::Engine;
use crate::author::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Edit, Expense, NewExpense, Reference};
use crate::store::{Write, keys, query};

/// What joins the folded names of a category's path in the fact that it is made of.
pub(super) const FACT_SEPARATOR: &str = "\u{1f}";

impl Engine {
    /// Adds an entry and returns it as stored. It is durable then, with or without a network.
    ///
    /// Accounts and categories that are named and not there are made with it.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::InvalidInput`] if the amount is zero, a text is too long, or accounts are given that the kind does
    ///   not have.
    /// * [`ErrorKind::NotFound`] if this device has no such ledger, account, category or expense.
    /// * [`ErrorKind::Forbidden`] if it may only read the ledger.
    /// * [`ErrorKind::DiskFull`] if there is no room. Nothing was changed.
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
        let today = self.options.environment.today();
        self.write(|write| {
            let mut draft = self.author.draft(write, ledger)?;
            let lid = draft.lid;
            let puts = new_puts(&mut draft, &new, today)?;
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
    /// As [`Engine::add_expense`], and [`ErrorKind::TooNew`] if a newer version wrote the money that is to be changed.
    pub fn edit_expense(&self, ledger: LedgerId, id: DocumentId, edit: Edit) -> Result<Expense> {
        self.change(ledger, id, |draft, document| edit_puts(draft, document, &edit, id))
    }

    /// Puts an entry in the trash. It is in no total then, and can be restored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Forbidden`].
    pub fn delete_expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Expense> {
        self.change(ledger, id, |_, _| Ok(vec![Put::new(field::STATE, field::DELETED)]))
    }

    /// Takes an entry out of the trash.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Forbidden`].
    pub fn restore_expense(&self, ledger: LedgerId, id: DocumentId) -> Result<Expense> {
        self.change(ledger, id, |_, _| Ok(vec![Put::new(field::STATE, field::LIVE)]))
    }

    fn change(
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
fn new_puts(draft: &mut Draft<'_, '_>, new: &NewExpense, today: Date) -> Result<Vec<Put>> {
    let named = Named {
        account: new.account.as_ref().map(|reference| account(draft, reference)).transpose()?,
        to_account: new.to_account.as_ref().map(|reference| account(draft, reference)).transpose()?,
        category: new.category.as_ref().map(|reference| category(draft, reference)).transpose()?,
    };
    entry_puts(new, &named, new.date.unwrap_or(today))
}

/// The registers of a new entry, from nothing but what it says.
pub(super) fn entry_puts(new: &NewExpense, named: &Named, day: Date) -> Result<Vec<Put>> {
    let mut entry = Entry::new(new.kind, nonzero(new.amount)?);
    let account = match new.kind {
        EntryKind::Transfer => {
            (entry.from, entry.to) = (named.account, named.to_account);
            None
        }
        EntryKind::Expense | EntryKind::Income => {
            refuse_second_account(named.to_account)?;
            named.account
        }
    };
    entry.check()?;
    let category = named.category;
    let mut puts = vec![Put::new(field::MONEY, Scalar::Bytes(entry.encode())), Put::new(field::DATE, date(day))];
    puts.extend(text_put(field::PAYEE, &normalize(&new.payee, PAYEE_BYTES_MAX)?));
    puts.extend(text_put(field::NOTE, &normalize_multiline(&new.note, NOTE_BYTES_MAX)?));
    puts.extend(account.map(|id| Put::new(field::ACCOUNT, document_value(Some(id)))));
    puts.extend(category.map(|id| Put::new(field::CATEGORY, document_value(Some(id)))));
    puts.extend(new.time.map(|time| Put::new(field::TIME, time_value(Some(time)))));
    puts.extend(new.refund_of.map(|id| Put::new(field::REFUND_OF, document_value(Some(id)))));
    puts.extend(tags(&new.tags)?.into_iter().map(|tag| tag_put(&tag, true)));
    Ok(puts)
}

fn edit_puts(draft: &mut Draft<'_, '_>, document: &Document, edit: &Edit, own: DocumentId) -> Result<Vec<Put>> {
    let mut puts = money_puts(draft, document, edit)?;
    if let Some(payee) = &edit.payee {
        puts.push(text_or_null(field::PAYEE, normalize(payee, PAYEE_BYTES_MAX)?));
    }
    if let Some(note) = &edit.note {
        puts.push(text_or_null(field::NOTE, normalize_multiline(note, NOTE_BYTES_MAX)?));
    }
    if let Some(reference) = &edit.category {
        let id = reference.as_ref().map(|reference| category(draft, reference)).transpose()?;
        puts.push(Put::new(field::CATEGORY, document_value(id)));
    }
    puts.extend(edit.date.map(|new| Put::new(field::DATE, date(new))));
    puts.extend(edit.time.map(|time| Put::new(field::TIME, time_value(time))));
    if let Some(refund_of) = edit.refund_of {
        if refund_of == Some(own) {
            return Err(Error::invalid("an expense cannot refund itself"));
        }
        puts.push(Put::new(field::REFUND_OF, document_value(refund_of)));
    }
    if let Some(wanted) = &edit.tags {
        puts.extend(tag_puts(document, &tags(wanted)?));
    }
    // Clearing what was never set would be a change that changes nothing.
    puts.retain(|put| put.value != Scalar::Null || document.winner(&put.key).is_some());
    Ok(puts)
}

/// The money register is replaced whole; of a transfer it has the accounts too.
fn money_puts(draft: &mut Draft<'_, '_>, document: &Document, edit: &Edit) -> Result<Vec<Put>> {
    let resolve = |draft: &mut Draft<'_, '_>, reference: &Option<Option<Reference>>| match reference {
        Some(Some(reference)) => account(draft, reference).map(|id| Some(Some(id))),
        Some(None) => Ok(Some(None)),
        None => Ok(None),
    };
    let account = resolve(draft, &edit.account)?;
    let to_account = resolve(draft, &edit.to_account)?;
    let shown = shown_entry(document)?;
    let kind = edit.kind.or(shown.as_ref().map(|entry| entry.kind));
    let is_transfer = kind == Some(EntryKind::Transfer);
    let is_touched =
        edit.kind.is_some() || edit.amount.is_some() || to_account.is_some() || (is_transfer && account.is_some());
    let mut puts = Vec::new();
    if is_touched {
        let newer = || Error::new(ErrorKind::TooNew, "a newer version wrote this amount; update to change it");
        let mut entry = shown.clone().ok_or_else(newer)?;
        entry.kind = kind.unwrap_or(entry.kind);
        if let Some(amount) = edit.amount {
            change_amount(&mut entry, nonzero(amount)?)?;
        }
        let was_transfer = shown.as_ref().is_some_and(|entry| entry.kind == EntryKind::Transfer);
        if is_transfer {
            let own_account = document.winner(field::ACCOUNT).and_then(document_of).filter(|_| !was_transfer);
            entry.from = account.unwrap_or(entry.from.or(own_account));
            entry.to = to_account.unwrap_or(entry.to);
        } else {
            refuse_second_account(to_account.flatten())?;
            let from = entry.from.take();
            (entry.to, entry.received) = (None, None);
            if account.is_none() && was_transfer {
                puts.push(Put::new(field::ACCOUNT, document_value(from)));
            }
        }
        entry.check()?;
        puts.push(Put::new(field::MONEY, Scalar::Bytes(entry.encode())));
    }
    if let Some(account) = account.filter(|_| !is_transfer) {
        puts.push(Put::new(field::ACCOUNT, document_value(account)));
    }
    Ok(puts)
}

fn shown_entry(document: &Document) -> Result<Option<Entry>> {
    match document.winner(field::MONEY) {
        Some(Scalar::Bytes(bytes)) => match Register::decode(bytes)? {
            Register::Entry(entry) => Ok(Some(entry)),
            Register::Newer(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Shares follow a new amount as they were entered; shares entered as amounts cannot.
pub(super) fn change_amount(entry: &mut Entry, amount: Money) -> Result<()> {
    let numbers = match &entry.entered {
        Some(entered) if entered.method != Method::Amounts => Some(entered.numbers.clone()),
        _ => None,
    };
    let shares = std::mem::take(&mut entry.shares);
    match (shares.is_empty(), numbers) {
        (true, _) => {}
        (false, Some(numbers)) => entry.shares = shared(&shares, amount, &numbers)?,
        (false, None) => return Err(Error::invalid("the shares were entered as amounts; enter them again")),
    }
    match entry.payers.as_mut_slice() {
        [] => {}
        [only] => only.minor = amount.minor(),
        _ => return Err(Error::invalid("several people paid; enter again who paid what")),
    }
    // A rate belongs to the amount that it converted.
    entry.rate = None;
    entry.amount = amount;
    Ok(())
}

fn shared(shares: &[Part], amount: Money, numbers: &[u64]) -> Result<Vec<Part>> {
    let parts =
        split(amount.minor(), numbers, DocumentId([0; 16])).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(shares.iter().zip(parts).map(|(share, minor)| Part { member: share.member, minor }).collect())
}

/// The account that a reference means, made if it is named and not there.
pub(super) fn account(draft: &mut Draft<'_, '_>, reference: &Reference) -> Result<DocumentId> {
    let path = match reference {
        Reference::Id(id) => return existing(draft, *id, Thing::Account, "account"),
        Reference::Path(path) => path,
    };
    let [name] = path.as_slice() else { return Err(Error::invalid("an account has one name")) };
    let name = thing_name(name)?;
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
        let name = thing_name(name)?;
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

pub(super) fn thing_name(name: &str) -> Result<String> {
    let name = normalize(name, NAME_BYTES_MAX)?;
    if name.is_empty() { Err(Error::invalid("accounts and categories have names")) } else { Ok(name) }
}

fn stored(write: &mut Write<'_>, lid: i64, id: &DocumentId) -> Result<Expense> {
    let missing = || Error::internal("what was written is not there");
    let rid = write.state.keys.find_document(&write.tx, lid, id)?.ok_or_else(missing)?;
    query::numbered(&write.tx, rid, &mut write.state.names)?.ok_or_else(missing)
}

pub(super) fn nonzero(amount: Money) -> Result<Money> {
    if amount.minor() == 0 { Err(Error::invalid("the amount is zero")) } else { Ok(amount) }
}

fn refuse_second_account(account: Option<DocumentId>) -> Result<()> {
    match account {
        Some(_) => Err(Error::invalid("only a transfer has a second account")),
        None => Ok(()),
    }
}

fn tags(tags: &[String]) -> Result<Vec<String>> {
    let normal = tags.iter().map(|tag| Ok(normalize(tag, TAG_BYTES_MAX)?));
    let mut normal = normal.collect::<Result<Vec<_>>>()?;
    normal.retain(|tag| !tag.is_empty());
    normal.sort();
    normal.dedup();
    if normal.len() > TAGS_MAX {
        Err(Error::invalid(format!("an expense has at most {TAGS_MAX} tags")))
    } else {
        Ok(normal)
    }
}

/// Every tag that is wanted, and off with those that are there and are not.
fn tag_puts(document: &Document, wanted: &[String]) -> Vec<Put> {
    let there = document.keys().filter_map(|key| key.strip_prefix(TAG_PREFIX));
    let off = there.filter(|tag| !wanted.iter().any(|wanted| wanted == tag)).map(|tag| tag_put(tag, false));
    wanted.iter().map(|tag| tag_put(tag, true)).chain(off).collect()
}

fn tag_put(tag: &str, is_set: bool) -> Put {
    Put::new(format!("{TAG_PREFIX}{tag}"), Scalar::Bool(is_set))
}

fn text_put(key: &str, text: &str) -> Option<Put> {
    (!text.is_empty()).then(|| Put::new(key, Scalar::Str(text.to_owned())))
}

fn text_or_null(key: &str, text: String) -> Put {
    text_put(key, &text).unwrap_or_else(|| Put::new(key, Scalar::Null))
}

pub(super) fn document_value(id: Option<DocumentId>) -> Scalar {
    id.map_or(Scalar::Null, |id| Scalar::Bytes(id.0.to_vec()))
}

fn document_of(value: &Scalar) -> Option<DocumentId> {
    match value {
        Scalar::Bytes(bytes) => bytes.as_slice().try_into().ok().map(DocumentId),
        _ => None,
    }
}

fn time_value(time: Option<TimeOfDay>) -> Scalar {
    time.map_or(Scalar::Null, |time| Scalar::Uint(u64::from(time.seconds())))
}

fn date(date: Date) -> Scalar {
    Scalar::Int(i64::from(date.days()))
}
