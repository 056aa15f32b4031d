//! What a charge is compared with, as keys: computed once for both detectors that count.

use outlay_ledger::DocumentId;
use outlay_ledger::spend::Spend;

use super::Among;
use crate::hash::Hash;

/// The keys of a charge.
#[derive(Debug)]
pub(super) struct Keys {
    /// The levels of its amount, the widest first, each in its currency. A level that the charge does not have is left out.
    pub(super) amounts: [Option<(Among, Hash)>; 5],
    /// The levels of its repetitions, the widest first.
    pub(super) repeats: [Hash; 4],
    /// Its topmost category, in its currency.
    pub(super) top: Hash,
    /// What it is: the same text and amount.
    pub(super) exact: Hash,
}

impl Keys {
    pub(super) fn of(row: &Spend, top: Option<DocumentId>) -> Self {
        let currency = row.amount.currency();
        let bytes = |id: Option<DocumentId>| id.map_or([0; 16], |id| id.0);
        let level = |tag: u8, id| Hash::new(tag).add(currency.as_bytes()).add(&bytes(id));
        let said = Hash::of_text(row);
        // A charge that says nothing is known by its category and account.
        let text = said.unwrap_or_else(|| Hash::new(b'e').add(&bytes(row.category)).add(&bytes(row.account)));
        let exact = text.add(&row.amount.minor().to_le_bytes()).add(currency.as_bytes());
        let among_top = if top.is_some() { Among::Category } else { Among::All };
        let (top, category) = (level(b'c', top), (row.category != top).then(|| level(b's', row.category)));
        let amounts = [
            Some((Among::All, level(b'g', None))),
            Some((among_top, top)),
            category.map(|key| (Among::Category, key)),
            // A note may be another each time, such as which month the rent is for.
            Hash::of_payee(row).map(|payee| (Among::Payee, payee.add(currency.as_bytes()))),
            said.map(|text| (Among::Payee, text.add(currency.as_bytes()))),
        ];
        Self { amounts, repeats: [Hash::new(b'g'), level(b'r', row.category), text, exact], top, exact }
    }
}
