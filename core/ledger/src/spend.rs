//! What an entry is to whoever looks for patterns: one row, filled in the same way on a device and on a server.

use crate::date::Date;
use crate::expense::Shown;
use crate::id::DocumentId;
use crate::money::Money;
use crate::register::EntryKind;

/// A movement of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// The entry.
    pub id: DocumentId,
    /// Its civil date.
    pub date: Date,
    /// Whether it was spent, earned or moved between one's own accounts.
    pub kind: EntryKind,
    /// How much: negative when it went the other way, such as money back.
    pub amount: Money,
    /// Who was paid or paid; empty when nobody is named.
    pub payee: String,
    /// Its note; empty when there is none.
    pub note: String,
    /// Its category.
    pub category: Option<DocumentId>,
    /// The account; of a transfer, the one that gives.
    pub account: Option<DocumentId>,
    /// Its tags, ascending.
    pub tags: Vec<String>,
}

impl Spend {
    /// The row of an entry. An income that refunds an entry is spent money that came back. `None` for what is in the trash
    /// and for money that a newer version wrote.
    ///
    /// ```
    /// use outlay_ledger::expense::Shown;
    /// use outlay_ledger::{Date, DocumentId, Entry, EntryKind, Money};
    /// use outlay_ledger::spend::Spend;
    ///
    /// let entry = Entry::new(EntryKind::Income, Money::parse_with_currency("3.40 EUR")?);
    /// let mut shown = Shown {
    ///     date: Date::parse("2024-10-04")?, entry: Some(entry), payee: Some("Corner Café"), category: None, account: None,
    ///     to_account: None, time: None, note: None, tags: vec![], attachments: vec![], refund_of: None,
    ///     is_deleted: false, is_conflicted: false,
    /// };
    /// let row = Spend::of(DocumentId([1; 16]), &shown).ok_or("an entry")?;
    /// assert_eq!((row.kind, row.amount.minor()), (EntryKind::Income, 340));
    ///
    /// shown.refund_of = Some(DocumentId([2; 16]));
    /// let row = Spend::of(DocumentId([1; 16]), &shown).ok_or("an entry")?;
    /// assert_eq!((row.kind, row.amount.minor()), (EntryKind::Expense, -340));
    ///
    /// shown.is_deleted = true;
    /// assert_eq!(Spend::of(DocumentId([1; 16]), &shown), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(id: DocumentId, shown: &Shown) -> Option<Self> {
        let entry = shown.entry.as_ref().filter(|_| !shown.is_deleted)?;
        let (kind, amount) = match entry.kind {
            EntryKind::Income if shown.refund_of.is_some() => (EntryKind::Expense, entry.amount.negate()),
            kind => (kind, entry.amount),
        };
        Some(Self {
            id,
            date: shown.date,
            kind,
            amount,
            payee: shown.payee.unwrap_or_default().to_owned(),
            note: shown.note.unwrap_or_default().to_owned(),
            category: shown.category,
            account: shown.account,
            tags: shown.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        })
    }
}
