//! What was spent and earned in a month, by category and currency.

use std::collections::BTreeMap;

use outlay_ledger::{DocumentId, Month};
use rusqlite::Connection;
use serde::Serialize;
use utoipa::ToSchema;

use super::names::Names;
use super::object::MoneyObject;
use crate::api::Id;
use crate::store::Result;

/// Amounts are summed in two parts of so many minor units, because no sum may overflow the database's numbers.
const PART: i64 = 1_000_000_000;

/// One category in one currency. Transfers are neither spent nor earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Total)]
pub(crate) struct TotalObject {
    month: String,
    /// `null` for entries without one.
    #[schema(required)]
    category: Option<String>,
    #[schema(value_type = Option<Id>, required)]
    category_id: Option<String>,
    /// Expenses, less what came back as negative ones.
    spent: MoneyObject,
    earned: MoneyObject,
    count: u64,
}

/// What totals are shown in the order of: the path and id of the category, the currency.
type Place = (Option<(String, DocumentId)>, String);

/// The totals of a month. A category that is deleted or not held is none, so its sums are together with those of entries
/// without one.
pub(super) fn totals(connection: &Connection, lid: i64, month: Month) -> Result<Vec<TotalObject>> {
    let select = "SELECT category, currency, kind = 1, count(*), sum(minor / ?4), sum(minor % ?4) FROM expense
        WHERE state = 1 AND lid = ?1 AND day BETWEEN ?2 AND ?3 AND kind IN (0, 1) GROUP BY category, currency, kind";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query((lid, month.first_day().days(), month.last_day().days(), PART))?;
    let (mut names, mut totals) = (Names::new(connection, lid), BTreeMap::new());
    while let Some(row) = rows.next()? {
        let category = match row.get::<_, Option<_>>(0)?.map(DocumentId) {
            Some(id) => names.category(id)?.map(|name| (name, id)),
            None => None,
        };
        let place: Place = (category, row.get(1)?);
        let total = totals.entry(place).or_insert_with_key(|place| empty(month, place));
        let sum = i128::from(row.get::<_, i64>(4)?) * i128::from(PART) + i128::from(row.get::<_, i64>(5)?);
        let side = if row.get(2)? { &mut total.earned } else { &mut total.spent };
        side.minor += sum;
        total.count += row.get::<_, u64>(3)?;
    }
    Ok(totals.into_values().collect())
}

fn empty(month: Month, (category, currency): &Place) -> TotalObject {
    let nothing = MoneyObject { minor: 0, currency: currency.clone() };
    TotalObject {
        month: month.to_string(),
        category: category.as_ref().map(|(name, _)| name.clone()),
        category_id: category.as_ref().map(|(_, id)| id.to_string()),
        spent: nothing.clone(),
        earned: nothing,
        count: 0,
    }
}
