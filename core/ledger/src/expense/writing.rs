//! The registers that write an entry: what a new one puts, and what an edit changes.

use super::{Decision, attachments, reference};
use crate::attachment::{self, Attachment, AttachmentError};
use crate::change::Scalar;
use crate::date::{Date, TimeOfDay};
use crate::field::{self, TAG_PREFIX};
use crate::fold::{Document, Put};
use crate::id::{BlobHash, DocumentId};
use crate::limits::{
    ATTACHMENT_NAME_BYTES_MAX, ATTACHMENTS_MAX, NAME_BYTES_MAX, NOTE_BYTES_MAX, PAYEE_BYTES_MAX, TAG_BYTES_MAX,
    TAGS_MAX,
};
use crate::money::{Money, SplitError, split};
use crate::register::{Entry, EntryKind, Method, Part, Register, RegisterError};
use crate::text::{TextError, normalize, normalize_multiline};

/// A new entry. What it refers to is held or made with it.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// What it does.
    pub kind: EntryKind,
    /// How much; not zero.
    pub amount: Money,
    /// Its civil date.
    pub date: Date,
    /// Who was paid or paid; may be empty.
    pub payee: &'a str,
    /// Its category.
    pub category: Option<DocumentId>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<DocumentId>,
    /// Of a transfer, the account that gets.
    pub to_account: Option<DocumentId>,
    /// Its local time.
    pub time: Option<TimeOfDay>,
    /// A note; may be empty.
    pub note: &'a str,
    /// Its tags.
    pub tags: &'a [String],
    /// The entry that it refunds.
    pub refund_of: Option<DocumentId>,
}

/// What to change of an entry; `None` leaves a field as it is, and of optional fields `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct Edit<'a> {
    /// What it does.
    pub kind: Option<EntryKind>,
    /// How much.
    pub amount: Option<Money>,
    /// Its date.
    pub date: Option<Date>,
    /// Who was paid; empty clears.
    pub payee: Option<&'a str>,
    /// Its category.
    pub category: Option<Option<DocumentId>>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<Option<DocumentId>>,
    /// Of a transfer, the account that gets.
    pub to_account: Option<Option<DocumentId>>,
    /// Its local time.
    pub time: Option<Option<TimeOfDay>>,
    /// A note; empty clears.
    pub note: Option<&'a str>,
    /// All its tags: others are taken off.
    pub tags: Option<&'a [String]>,
    /// The entry that it refunds.
    pub refund_of: Option<Option<DocumentId>>,
}

/// Why an entry cannot be written. It repeats nothing of what was entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpenseError {
    /// The amount is zero.
    #[error("the amount is zero")]
    Zero,
    /// A second account of what is no transfer.
    #[error("only a transfer has a second account")]
    SecondAccount,
    /// It is to refund itself.
    #[error("an expense cannot refund itself")]
    OwnRefund,
    /// Too many tags.
    #[error("an expense has at most {TAGS_MAX} tags")]
    Tags,
    /// Too many attachments.
    #[error("an expense has at most {ATTACHMENTS_MAX} attachments")]
    Attachments,
    /// A file that cannot be attached.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// An account or a category without a name.
    #[error("accounts and categories have names")]
    Unnamed,
    /// Shares do not follow a new amount.
    #[error("the shares were entered as amounts; enter them again")]
    Shares,
    /// Payers do not follow a new amount.
    #[error("several people paid; enter again who paid what")]
    Payers,
    /// A newer version wrote the money that is to be changed.
    #[error("a newer version wrote this amount; update to change it")]
    Newer,
    /// A text that cannot be written.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The money is not in order.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The amount cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
}

impl New<'_> {
    /// The registers of the entry.
    ///
    /// # Errors
    ///
    /// An [`ExpenseError`] that says what is not in order.
    pub fn puts(&self) -> Result<Vec<Put>, ExpenseError> {
        let mut entry = Entry::new(self.kind, nonzero(self.amount)?);
        let account = match self.kind {
            EntryKind::Transfer => {
                (entry.from, entry.to) = (self.account, self.to_account);
                None
            }
            EntryKind::Expense | EntryKind::Income => {
                refuse_second_account(self.to_account)?;
                self.account
            }
        };
        entry.check()?;
        let mut puts =
            vec![Put::new(field::MONEY, Scalar::Bytes(entry.encode())), Put::new(field::DATE, date(self.date))];
        puts.extend(text_put(field::PAYEE, &normalize(self.payee, PAYEE_BYTES_MAX)?));
        puts.extend(text_put(field::NOTE, &normalize_multiline(self.note, NOTE_BYTES_MAX)?));
        puts.extend(account.map(|id| Put::new(field::ACCOUNT, document_value(Some(id)))));
        puts.extend(self.category.map(|id| Put::new(field::CATEGORY, document_value(Some(id)))));
        puts.extend(self.time.map(|time| Put::new(field::TIME, time_value(Some(time)))));
        puts.extend(self.refund_of.map(|id| Put::new(field::REFUND_OF, document_value(Some(id)))));
        puts.extend(tags(self.tags)?.into_iter().map(|tag| tag_put(&tag, true)));
        Ok(puts)
    }
}

impl Edit<'_> {
    /// The registers that change an entry, whose document and id these are.
    ///
    /// # Errors
    ///
    /// An [`ExpenseError`] that says what is not in order.
    pub fn puts(&self, document: &Document, own: DocumentId) -> Result<Vec<Put>, ExpenseError> {
        let mut puts = self.money_puts(document)?;
        if let Some(payee) = self.payee {
            puts.push(text_or_null(field::PAYEE, &normalize(payee, PAYEE_BYTES_MAX)?));
        }
        if let Some(note) = self.note {
            puts.push(text_or_null(field::NOTE, &normalize_multiline(note, NOTE_BYTES_MAX)?));
        }
        puts.extend(self.category.map(|id| Put::new(field::CATEGORY, document_value(id))));
        puts.extend(self.date.map(|new| Put::new(field::DATE, date(new))));
        puts.extend(self.time.map(|time| Put::new(field::TIME, time_value(time))));
        if let Some(refund_of) = self.refund_of {
            if refund_of == Some(own) {
                return Err(ExpenseError::OwnRefund);
            }
            puts.push(Put::new(field::REFUND_OF, document_value(refund_of)));
        }
        if let Some(wanted) = self.tags {
            puts.extend(tag_puts(document, &tags(wanted)?));
        }
        // Clearing what was never set would be a change that changes nothing.
        puts.retain(|put| put.value != Scalar::Null || document.winner(&put.key).is_some());
        Ok(puts)
    }

    /// The money register is replaced whole; of a transfer it has the accounts too.
    fn money_puts(&self, document: &Document) -> Result<Vec<Put>, ExpenseError> {
        let shown = shown_entry(document)?;
        let kind = self.kind.or(shown.as_ref().map(|entry| entry.kind));
        let is_transfer = kind == Some(EntryKind::Transfer);
        let is_touched = self.kind.is_some()
            || self.amount.is_some()
            || self.to_account.is_some()
            || (is_transfer && self.account.is_some());
        let mut puts = Vec::new();
        if is_touched {
            let mut entry = shown.clone().ok_or(ExpenseError::Newer)?;
            entry.kind = kind.unwrap_or(entry.kind);
            if let Some(amount) = self.amount {
                change_amount(&mut entry, nonzero(amount)?)?;
            }
            let was_transfer = shown.as_ref().is_some_and(|entry| entry.kind == EntryKind::Transfer);
            if is_transfer {
                let own_account = reference(document, field::ACCOUNT).filter(|_| !was_transfer);
                entry.from = self.account.unwrap_or(entry.from.or(own_account));
                entry.to = self.to_account.unwrap_or(entry.to);
            } else {
                refuse_second_account(self.to_account.flatten())?;
                let from = entry.from.take();
                (entry.to, entry.received) = (None, None);
                if self.account.is_none() && was_transfer {
                    puts.push(Put::new(field::ACCOUNT, document_value(from)));
                }
            }
            entry.check()?;
            puts.push(Put::new(field::MONEY, Scalar::Bytes(entry.encode())));
        }
        if let Some(account) = self.account.filter(|_| !is_transfer) {
            puts.push(Put::new(field::ACCOUNT, document_value(account)));
        }
        Ok(puts)
    }
}

fn shown_entry(document: &Document) -> Result<Option<Entry>, RegisterError> {
    match document.winner(field::MONEY) {
        Some(Scalar::Bytes(bytes)) => match Register::decode(bytes)? {
            Register::Entry(entry) => Ok(Some(entry)),
            Register::Newer(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Gives an entry another amount. Shares follow it as they were entered; shares entered as amounts cannot.
///
/// # Errors
///
/// [`ExpenseError::Shares`] or [`ExpenseError::Payers`] when these have to be entered again.
pub fn change_amount(entry: &mut Entry, amount: Money) -> Result<(), ExpenseError> {
    let numbers = match &entry.entered {
        Some(entered) if entered.method != Method::Amounts => Some(entered.numbers.clone()),
        _ => None,
    };
    let shares = std::mem::take(&mut entry.shares);
    match (shares.is_empty(), numbers) {
        (true, _) => {}
        (false, Some(numbers)) => entry.shares = shared(&shares, amount, &numbers)?,
        (false, None) => return Err(ExpenseError::Shares),
    }
    match entry.payers.as_mut_slice() {
        [] => {}
        [only] => only.minor = amount.minor(),
        _ => return Err(ExpenseError::Payers),
    }
    // A rate belongs to the amount that it converted.
    entry.rate = None;
    entry.amount = amount;
    Ok(())
}

fn shared(shares: &[Part], amount: Money, numbers: &[u64]) -> Result<Vec<Part>, SplitError> {
    let parts = split(amount.minor(), numbers, DocumentId([0; 16]))?;
    Ok(shares.iter().zip(parts).map(|(share, minor)| Part { member: share.member, minor }).collect())
}

/// An amount that an entry may have.
///
/// # Errors
///
/// [`ExpenseError::Zero`].
pub fn nonzero(amount: Money) -> Result<Money, ExpenseError> {
    if amount.minor() == 0 { Err(ExpenseError::Zero) } else { Ok(amount) }
}

/// The name of an account or a category, as it is written.
///
/// # Errors
///
/// [`ExpenseError::Text`] or [`ExpenseError::Unnamed`].
pub fn name(text: &str) -> Result<String, ExpenseError> {
    let name = normalize(text, NAME_BYTES_MAX)?;
    if name.is_empty() { Err(ExpenseError::Unnamed) } else { Ok(name) }
}

/// The register that attaches a file to an entry, whose document this is. The name is brought into the form of a ledger.
///
/// # Errors
///
/// [`ExpenseError::Attachments`], [`ExpenseError::Attachment`] or [`ExpenseError::Text`].
pub fn attach(document: &Document, file: Attachment) -> Result<Put, ExpenseError> {
    let file = Attachment { name: normalize(&file.name, ATTACHMENT_NAME_BYTES_MAX)?, ..file };
    file.check()?;
    let others = attachments(document).into_iter().filter(|other| other.hash != file.hash);
    if others.count() >= ATTACHMENTS_MAX {
        return Err(ExpenseError::Attachments);
    }
    Ok(Put::new(attachment::key(&file.hash), Scalar::Bytes(file.encode())))
}

/// The register that takes a file off an entry; `None` if the entry does not have it.
pub fn detach(document: &Document, hash: &BlobHash) -> Option<Put> {
    let is_attached = attachments(document).iter().any(|file| file.hash == *hash);
    is_attached.then(|| Put::new(attachment::key(hash), Scalar::Null))
}

/// The register that decides of the payment that an entry, whose document this is, is one of; `None` if nothing is taken
/// back because nothing was decided.
pub fn decide(document: &Document, decision: Option<Decision>) -> Option<Put> {
    let value = decision.map_or(Scalar::Null, |decision| Scalar::Str(decision.word().to_owned()));
    let is_change = decision.is_some() || document.winner(field::COMMITMENT).is_some();
    is_change.then(|| Put::new(field::COMMITMENT, value))
}

/// The value of a register that refers to a document, or to none.
pub fn document_value(id: Option<DocumentId>) -> Scalar {
    id.map_or(Scalar::Null, |id| Scalar::Bytes(id.0.to_vec()))
}

fn refuse_second_account(account: Option<DocumentId>) -> Result<(), ExpenseError> {
    if account.is_some() { Err(ExpenseError::SecondAccount) } else { Ok(()) }
}

fn tags(tags: &[String]) -> Result<Vec<String>, ExpenseError> {
    let mut normal = tags.iter().map(|tag| normalize(tag, TAG_BYTES_MAX)).collect::<Result<Vec<_>, _>>()?;
    normal.retain(|tag| !tag.is_empty());
    normal.sort();
    normal.dedup();
    if normal.len() > TAGS_MAX { Err(ExpenseError::Tags) } else { Ok(normal) }
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

fn text_or_null(key: &str, text: &str) -> Put {
    text_put(key, text).unwrap_or_else(|| Put::new(key, Scalar::Null))
}

fn time_value(time: Option<TimeOfDay>) -> Scalar {
    time.map_or(Scalar::Null, |time| Scalar::Uint(u64::from(time.seconds())))
}

fn date(date: Date) -> Scalar {
    Scalar::Int(i64::from(date.days()))
}
