//! Totals by month and category, from sums that are kept up to date and the entries that are in none yet.

use std::collections::BTreeMap;

use outlay_ledger::{Currency, DocumentId, EntryKind, Month};
use rusqlite::Connection;

use super::log;
use super::projection::kind_of_number;
use super::rollup::{self, RollupKey};
use super::things::Names;
use crate::error::Result;
use crate::model::{Named, Sum, Total};

/// What was spent and earned from one month to another, by month, category and currency.
///
/// A category that is deleted or not held is none, so its sums are together with those of entries without one.
pub(crate) fn totals(
    connection: &Connection,
    names: &mut Names,
    lid: i64,
    from: Month,
    to: Month,
) -> Result<Vec<Total>> {
    let mut totals = Totals { connection, names, sums: BTreeMap::new() };
    let select = "SELECT month, currency, kind, category, count, high, low FROM rollup
        WHERE lid = ?1 AND month BETWEEN ?2 AND ?3 AND kind <> 2";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query((lid, from.number(), to.number()))?;
    while let Some(row) = rows.next()? {
        let Ok(currency) = row.get_ref(1)?.as_bytes().unwrap_or_default().try_into() else { continue };
        let key = RollupKey { lid, month: row.get(0)?, currency, kind: row.get(2)?, category: row.get(3)? };
        totals.add(&key, row.get::<_, i64>(4)?.unsigned_abs(), rollup::join(row.get(5)?, row.get(6)?))?;
    }
    for (key, minor) in rollup::not_summed(connection, log::meta(connection, log::INDEXED_TO)?)? {
        if key.lid == lid && (from.number()..=to.number()).contains(&key.month) {
            totals.add(&key, 1, i128::from(minor))?;
        }
    }
    Ok(totals.sums.into_values().collect())
}

/// What totals are shown in the order of: the month, the name and id of the category, the currency.
type Place = (u16, Option<(String, DocumentId)>, Currency);

/// Totals as they are gathered.
struct Totals<'c> {
    connection: &'c Connection,
    names: &'c mut Names,
    sums: BTreeMap<Place, Total>,
}

impl Totals<'_> {
    fn add(&mut self, key: &RollupKey, count: u64, sum: i128) -> Result<()> {
        let currency = std::str::from_utf8(&key.currency).ok().and_then(outlay_ledger::field::currency);
        let (Some(month), Some(currency)) = (Month::from_number(key.month), currency) else { return Ok(()) };
        let kind = kind_of_number(key.kind);
        if kind == EntryKind::Transfer {
            return Ok(());
        }
        let category = match key.category {
            0 => None,
            rid => self.names.category(self.connection, rid)?,
        };
        let place = (key.month, category.as_ref().map(|named| (named.name.clone(), named.id)), currency);
        let total = self.sums.entry(place).or_insert_with(|| empty(month, category, currency));
        match kind {
            EntryKind::Expense => total.spent.minor += sum,
            EntryKind::Income => total.earned.minor += sum,
            EntryKind::Transfer => {}
        }
        total.count += count;
        Ok(())
    }
}

fn empty(month: Month, category: Option<Named>, currency: Currency) -> Total {
    let nothing = Sum { minor: 0, currency };
    Total { month, category, spent: nothing, earned: nothing, count: 0 }
}
