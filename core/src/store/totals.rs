//! Totals by month and category, from sums that are kept up to date.

use std::collections::BTreeMap;

use outlay_ledger::{Currency, EntryKind, Month};
use rusqlite::Connection;

use super::projection::kind_of_number;
use super::rollup;
use super::things::Names;
use crate::error::Result;
use crate::model::{Named, Sum, Total};

/// What was spent and earned from one month to another, by month, category and currency.
///
/// A category that is deleted or not held is none, so its sums are together with those of entries without one.
pub(crate) fn totals(connection: &Connection, lid: i64, from: Month, to: Month) -> Result<Vec<Total>> {
    let select = "SELECT month, currency, kind, category, count, high, low FROM rollup
        WHERE lid = ?1 AND month BETWEEN ?2 AND ?3 AND kind <> 2";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query((lid, from.number(), to.number()))?;
    let (mut names, mut sums) = (Names::default(), BTreeMap::new());
    while let Some(row) = rows.next()? {
        let month = Month::from_number(row.get(0)?);
        let currency = outlay_ledger::field::currency(row.get_ref(1)?.as_str().unwrap_or_default());
        let (Some(month), Some(currency)) = (month, currency) else { continue };
        let category = match row.get(3)? {
            0 => None,
            rid => names.category(connection, rid)?,
        };
        let key = (month.number(), category.as_ref().map(|named| (named.name.clone(), named.id)), currency);
        let total = sums.entry(key).or_insert_with(|| empty(month, category, currency));
        let sum = rollup::join(row.get(5)?, row.get(6)?);
        match kind_of_number(row.get(2)?) {
            EntryKind::Expense => total.spent.minor += sum,
            EntryKind::Income => total.earned.minor += sum,
            EntryKind::Transfer => {}
        }
        total.count += row.get::<_, i64>(4)?.unsigned_abs();
    }
    Ok(sums.into_values().collect())
}

fn empty(month: Month, category: Option<Named>, currency: Currency) -> Total {
    let nothing = Sum { minor: 0, currency };
    Total { month, category, spent: nothing, earned: nothing, count: 0 }
}
