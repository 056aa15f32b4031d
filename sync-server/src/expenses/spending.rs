//! A ledger as rows of spending, which insights are made from: filled as devices fill them.

use outlay_insight::months::Parents;
use outlay_insight::recurring::{Decided, fingerprint};
use outlay_insight::wording::Names as Paths;
use outlay_ledger::category;
use outlay_ledger::expense::{Decision, Shown};
use outlay_ledger::spend::Spend;
use outlay_ledger::{Date, DocumentId, Entry, Money, field};
use rusqlite::{Connection, Row};

use super::names::Names;
use super::rows::{TAG_SEPARATOR, kind_of};
use crate::store::Result;

/// All that a ledger's insights depend on, but for the day.
pub struct Spending {
    /// The entries that are not in the trash, in no order.
    pub rows: Vec<Spend>,
    /// What was decided of payments that come back.
    pub decided: Vec<Decided>,
    /// The paths of categories that are not deleted.
    pub names: Paths,
    /// Which category is below which.
    pub parents: Parents,
}

/// The columns that [`spend`] reads.
const COLUMNS: &str = "id, day, kind, minor, currency, payee, category, account, note, tags, refund_of";

/// The rows of a ledger, as far as it is folded; `None` if there are more than so many.
///
/// # Errors
///
/// When the database fails.
pub fn spending(connection: &Connection, lid: i64, entries_max: usize) -> Result<Option<Spending>> {
    let select = format!("SELECT {COLUMNS} FROM expense WHERE lid = ?1 AND state = 1 LIMIT ?2");
    let mut statement = connection.prepare_cached(&select)?;
    let mut found = statement.query((lid, i64::try_from(entries_max).unwrap_or(i64::MAX).saturating_add(1)))?;
    let (mut rows, mut count) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        count += 1;
        if count > entries_max {
            return Ok(None);
        }
        rows.extend(spend(row)?);
    }
    let (names, parents) = tree(connection, lid)?;
    Ok(Some(Spending { rows, decided: decided(connection, lid)?, names, parents }))
}

/// What was decided of entries, also of those in the trash.
fn decided(connection: &Connection, lid: i64) -> Result<Vec<Decided>> {
    let select = format!("SELECT {COLUMNS}, decision FROM expense WHERE lid = ?1 AND decision IS NOT NULL ORDER BY id");
    let mut statement = connection.prepare_cached(&select)?;
    let mut found = statement.query([lid])?;
    let mut decided = Vec::new();
    while let Some(row) = found.next()? {
        let word: String = row.get(11)?;
        let Some(decision) = Decision::of_word(&word) else { continue };
        let said = spend(row)?;
        let fingerprint = said.map_or(0, |said| fingerprint(&said.payee, &said.note, said.category));
        decided.push(Decided { entry: DocumentId(row.get(0)?), decision, fingerprint });
    }
    Ok(decided)
}

fn spend(row: &Row<'_>) -> Result<Option<Spend>> {
    let text = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null()?);
    let document = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<_>>(column)?.map(DocumentId));
    let amount = row.get::<_, Option<i64>>(3)?.zip(text(4)?.and_then(field::currency));
    let amount = amount.and_then(|(minor, currency)| Money::new(minor, currency).ok());
    let kind: Option<i64> = row.get(2)?;
    let shown = Shown {
        date: Date::from_days(row.get(1)?).unwrap_or(Date::MIN),
        entry: kind.zip(amount).map(|(kind, amount)| Entry::new(kind_of(kind), amount)),
        payee: text(5)?,
        category: document(6)?,
        account: document(7)?,
        to_account: None,
        time: None,
        note: text(8)?,
        tags: text(9)?.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).collect(),
        attachments: Vec::new(),
        refund_of: document(10)?,
        is_deleted: false,
        is_conflicted: false,
    };
    Ok(Spend::of(DocumentId(row.get(0)?), &shown))
}

/// The paths of the categories, and which is below which.
fn tree(connection: &Connection, lid: i64) -> Result<(Paths, Parents)> {
    let mut names = Names::new(connection, lid);
    let (mut paths, mut parents) = (Paths::new(), Parents::new());
    for id in names.all()? {
        if let Some(path) = names.category(id)? {
            paths.insert(id, path);
        }
        if let Some(parent) = category::parent(&mut names, id)? {
            parents.insert(id, parent);
        }
    }
    Ok((paths, parents))
}
