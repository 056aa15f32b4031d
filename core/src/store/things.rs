//! Ledgers, accounts, categories and members: what is few and named.

#[cfg(feature = "insight")]
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::Hash;

use outlay_ledger::category;
use outlay_ledger::member::Role;
use outlay_ledger::text::fold;
use outlay_ledger::{CommitId, DocumentId, LedgerId, MemberId};
use rusqlite::{Connection, OptionalExtension};

use super::{Write, keys, log};
use crate::error::{Error, Result};
use crate::model::{Ledger, Named};

/// What joins the names of a category's path.
pub(crate) const PATH_SEPARATOR: &str = ":";
const DEFAULT_LEDGER: &str = "default_ledger";

/// What this device is in a ledger.
#[derive(Clone)]
pub(crate) struct OwnRole {
    pub(crate) lid: i64,
    pub(crate) role: Option<Role>,
    /// The member heads that its next commit names.
    pub(crate) member_heads: Vec<CommitId>,
}

/// What this device is in a ledger that must be here.
pub(crate) fn own_role(write: &mut Write<'_>, ledger: LedgerId) -> Result<OwnRole> {
    if let Some(known) = write.state.latest.own_roles.get(&ledger) {
        return Ok(known.clone());
    }
    let lid = keys::ledger_here(&write.tx, ledger)?;
    let select = "SELECT role, member_heads FROM ledger WHERE lid = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let (role, heads) = write.tx.prepare_cached(select)?.query_row([lid], row)?;
    let own = OwnRole { lid, role: role_of_number(role), member_heads: log::split_ids(&heads) };
    write.state.latest.own_roles.insert(ledger, own.clone());
    Ok(own)
}

/// This device's member in a ledger.
pub(crate) fn own_member(connection: &Connection, lid: i64) -> Result<Option<MemberId>> {
    let select = "SELECT member FROM ledger WHERE lid = ?1";
    let member: Option<[u8; 16]> = connection.prepare_cached(select)?.query_row([lid], |row| row.get(0))?;
    Ok(member.map(MemberId))
}

/// All ledgers, in the order in which they came.
pub(crate) fn ledgers(connection: &Connection) -> Result<Vec<Ledger>> {
    let default = default_ledger(connection)?;
    let mut statement = connection.prepare_cached("SELECT id, name, currency, role FROM ledger ORDER BY lid")?;
    let ledgers = statement.query_map([], |row| {
        let id = LedgerId(row.get(0)?);
        let currency: String = row.get(2)?;
        Ok(Ledger {
            id,
            name: row.get(1)?,
            currency: outlay_ledger::field::currency(&currency),
            role: role_of_number(row.get(3)?),
            is_default: default == Some(id),
        })
    })?;
    Ok(ledgers.collect::<rusqlite::Result<_>>()?)
}

/// The ledger entries go into when none is named: the one that was chosen, or the only one.
pub(crate) fn default_ledger(connection: &Connection) -> Result<Option<LedgerId>> {
    let select = "SELECT value FROM meta WHERE key = ?1";
    let chosen: Option<[u8; 16]> =
        connection.prepare_cached(select)?.query_row([DEFAULT_LEDGER], |row| row.get(0)).optional()?;
    if let Some(chosen) = chosen {
        return Ok(Some(LedgerId(chosen)));
    }
    let first: Option<[u8; 16]> = connection
        .prepare_cached("SELECT id FROM ledger ORDER BY lid LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(first.map(LedgerId))
}

/// Chooses the default ledger.
pub(crate) fn set_default_ledger(tx: &Connection, id: LedgerId) -> Result<()> {
    keys::ledger_here(tx, id)?;
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    tx.prepare_cached(insert)?.execute((DEFAULT_LEDGER, id.0))?;
    Ok(())
}

/// The accounts of a ledger that are not deleted, by name.
pub(crate) fn accounts(connection: &Connection, lid: i64) -> Result<Vec<Named>> {
    let select = "SELECT rid, name FROM account WHERE lid = ?1 AND deleted = 0";
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let named = rows.into_iter().map(|(rid, name)| Ok(Named { id: keys::document(connection, rid)?, name }));
    let mut accounts = named.collect::<Result<Vec<Named>>>()?;
    accounts.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(accounts)
}

/// The account of a name, whatever its case and width.
pub(crate) fn find_account(connection: &Connection, lid: i64, name: &str) -> Result<Option<i64>> {
    let select = "SELECT rid FROM account WHERE lid = ?1 AND name = ?2 AND deleted = 0 ORDER BY rid LIMIT 1";
    let exact = connection.prepare_cached(select)?.query_row((lid, name), |row| row.get(0)).optional()?;
    if exact.is_some() {
        return Ok(exact);
    }
    let select = "SELECT rid, name FROM account WHERE lid = ?1 AND deleted = 0 ORDER BY rid";
    find_folded(connection, select, lid, name)
}

/// The category below a parent with a name, whatever its case and width.
pub(crate) fn find_category(connection: &Connection, lid: i64, parent: Option<i64>, name: &str) -> Result<Option<i64>> {
    let mut categories = Categories::default();
    let select = "SELECT rid, name FROM category WHERE lid = ?1 AND name = ?2 AND deleted = 0 ORDER BY rid";
    let mut statement = connection.prepare_cached(select)?;
    let exact = statement.query_map((lid, name), |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    for rid in exact {
        if categories.parent(connection, rid)? == parent {
            return Ok(Some(rid));
        }
    }
    let (wanted, select) = (fold(name), "SELECT rid, name FROM category WHERE lid = ?1 AND deleted = 0 ORDER BY rid");
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
    for (rid, name) in rows {
        if fold(&name) == wanted && categories.parent(connection, rid)? == parent {
            return Ok(Some(rid));
        }
    }
    Ok(None)
}

/// The categories of a ledger that are not deleted, with their paths.
pub(crate) fn categories(connection: &Connection, lid: i64) -> Result<Vec<Named>> {
    let mut statement =
        connection.prepare_cached("SELECT rid FROM category WHERE lid = ?1 AND deleted = 0 ORDER BY rid")?;
    let rids: Vec<i64> = statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut names = Names::default();
    let mut categories = Vec::with_capacity(rids.len());
    for rid in rids {
        categories.extend(names.category(connection, rid)?);
    }
    categories.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(categories)
}

/// Which category is below which, of those that are not deleted.
#[cfg(feature = "insight")]
pub(crate) fn parents(
    connection: &Connection,
    names: &mut Names,
    lid: i64,
) -> Result<BTreeMap<DocumentId, DocumentId>> {
    let select = "SELECT rid FROM category WHERE lid = ?1 AND deleted = 0";
    let mut statement = connection.prepare_cached(select)?;
    let rids: Vec<i64> = statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut parents = BTreeMap::new();
    for rid in rids {
        if let Some(parent) = names.tree.parent(connection, rid)? {
            parents.insert(names.document(connection, rid)?, names.document(connection, parent)?);
        }
    }
    Ok(parents)
}

/// A category and all below it.
pub(crate) fn with_descendants(connection: &Connection, lid: i64, rid: i64) -> Result<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT rid FROM category WHERE lid = ?1 AND deleted = 0")?;
    let rids: Vec<i64> = statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut found = vec![rid];
    let mut categories = Categories::default();
    for candidate in rids {
        if candidate != rid && categories.path(connection, candidate)?.contains(&rid) {
            found.push(candidate);
        }
    }
    Ok(found)
}

/// The documents and registers that hold several values, in a stable order.
pub(crate) fn conflicts(connection: &Connection, lid: i64) -> Result<Vec<(i64, String)>> {
    let mut statement = connection.prepare_cached("SELECT rid, key FROM conflict WHERE lid = ?1 ORDER BY rid, key")?;
    let rows = statement.query_map([lid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Categories whose way up leads back to themselves, and whose own link is the one that does not count.
pub(crate) fn cycles(connection: &Connection, lid: i64) -> Result<Vec<i64>> {
    let select = "SELECT rid FROM category WHERE lid = ?1 AND deleted = 0 AND parent IS NOT NULL";
    let mut statement = connection.prepare_cached(select)?;
    let rids: Vec<i64> = statement.query_map([lid], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut categories = Categories::default();
    let mut closing = Vec::new();
    for rid in rids {
        if categories.stored_parent(connection, rid)?.is_some() && categories.parent(connection, rid)?.is_none() {
            closing.push(rid);
        }
    }
    Ok(closing)
}

/// The names of a category from the top down to it; none if it is deleted or not held.
pub(crate) fn category_path(connection: &Connection, rid: i64) -> Result<Vec<String>> {
    Categories::default().names(connection, rid)
}

/// Whether a document is an account or a category.
pub(crate) fn is_referred_to(connection: &Connection, rid: i64) -> Result<bool> {
    let select =
        "SELECT EXISTS (SELECT 1 FROM account WHERE rid = ?1) OR EXISTS (SELECT 1 FROM category WHERE rid = ?1)";
    Ok(connection.prepare_cached(select)?.query_row([rid], |row| row.get(0))?)
}

/// The entries and categories, not deleted, that refer to an account or a category.
pub(crate) fn referring(connection: &Connection, lid: i64, rid: i64) -> Result<Vec<i64>> {
    let select = "SELECT rid FROM expense WHERE lid = ?1 AND deleted = 0 AND ?2 IN (category, account, to_account)
        UNION SELECT rid FROM category WHERE lid = ?1 AND parent = ?2 AND deleted = 0";
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map((lid, rid), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Names and ids of what entries refer to, looked up once for each state of the database.
#[derive(Default)]
pub(crate) struct Names {
    tree: Categories,
    categories: HashMap<i64, Option<Named>>,
    accounts: HashMap<i64, Option<Named>>,
    payees: HashMap<i64, String>,
    prefixes: HashMap<i64, [u8; 10]>,
    ledgers: HashMap<i64, LedgerId>,
    /// What was looked for by its name: in which ledger, and as which level of which category or as an account.
    called: HashMap<(i64, Level, String), (i64, DocumentId)>,
}

/// Of each of these so many, some 60 bytes each: more than most people have. Then that is looked up anew.
const REMEMBERED_MAX: usize = 10_000;

/// Where a name is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Level {
    Account,
    Category { above: Option<i64> },
}

impl Names {
    /// The account of a name, whatever its case and width.
    pub(crate) fn find_account(
        &mut self,
        connection: &Connection,
        lid: i64,
        name: &str,
    ) -> Result<Option<(i64, DocumentId)>> {
        self.find(connection, (lid, Level::Account, name.to_owned()), || find_account(connection, lid, name))
    }

    /// The category below another with a name, whatever its case and width.
    pub(crate) fn find_category(
        &mut self,
        connection: &Connection,
        lid: i64,
        above: Option<i64>,
        name: &str,
    ) -> Result<Option<(i64, DocumentId)>> {
        let key = (lid, Level::Category { above }, name.to_owned());
        self.find(connection, key, || find_category(connection, lid, above, name))
    }

    fn find(
        &mut self,
        connection: &Connection,
        key: (i64, Level, String),
        look: impl FnOnce() -> Result<Option<i64>>,
    ) -> Result<Option<(i64, DocumentId)>> {
        if let Some(known) = self.called.get(&key) {
            return Ok(Some(*known));
        }
        let Some(rid) = look()? else { return Ok(None) };
        let found = (rid, self.document(connection, rid)?);
        Ok(Some(remember(&mut self.called, key, found)))
    }

    /// A category that is held and not deleted, with its path.
    pub(crate) fn category(&mut self, connection: &Connection, rid: i64) -> Result<Option<Named>> {
        if let Some(known) = self.categories.get(&rid) {
            return Ok(known.clone());
        }
        let named = match self.tree.row(connection, rid)? {
            None => None,
            Some(row) => {
                let name = self.tree.names(connection, rid)?.join(PATH_SEPARATOR);
                Some(Named { id: self.id(connection, rid, row.id)?, name })
            }
        };
        Ok(remember(&mut self.categories, rid, named))
    }

    /// An account that is held and not deleted.
    pub(crate) fn account(&mut self, connection: &Connection, rid: i64) -> Result<Option<Named>> {
        if let Some(known) = self.accounts.get(&rid) {
            return Ok(known.clone());
        }
        let select = "SELECT name, id FROM account WHERE rid = ?1 AND deleted = 0";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let row: Option<(String, Option<[u8; 16]>)> =
            connection.prepare_cached(select)?.query_row([rid], row).optional()?;
        let named = match row {
            None => None,
            Some((name, listed)) => Some(Named { id: self.id(connection, rid, listed)?, name }),
        };
        Ok(remember(&mut self.accounts, rid, named))
    }

    /// The name of a payee.
    pub(crate) fn payee(&mut self, connection: &Connection, pid: i64) -> Result<String> {
        if let Some(known) = self.payees.get(&pid) {
            return Ok(known.clone());
        }
        let select = "SELECT name FROM payee WHERE pid = ?1";
        let name = connection.prepare_cached(select)?.query_row([pid], |row| row.get(0))?;
        Ok(remember(&mut self.payees, pid, name))
    }

    /// The id of a document from its row: there if it is a listed one, others follow from their rid.
    pub(crate) fn id(&mut self, connection: &Connection, rid: i64, listed: Option<[u8; 16]>) -> Result<DocumentId> {
        listed.map_or_else(|| self.document(connection, rid), |id| Ok(DocumentId(id)))
    }

    /// The id of a document.
    pub(crate) fn document(&mut self, connection: &Connection, rid: i64) -> Result<DocumentId> {
        let Some((fid, number)) = keys::feed_and_number(rid) else { return keys::document(connection, rid) };
        let prefix = match self.prefixes.get(&fid) {
            Some(prefix) => *prefix,
            None => remember(&mut self.prefixes, fid, keys::prefix_of_feed(connection, fid)?),
        };
        Ok(keys::document_of(prefix, number))
    }

    /// The id of a ledger.
    pub(crate) fn ledger(&mut self, connection: &Connection, lid: i64) -> Result<LedgerId> {
        match self.ledgers.get(&lid) {
            Some(id) => Ok(*id),
            None => Ok(remember(&mut self.ledgers, lid, keys::ledger_id(connection, lid)?)),
        }
    }
}

fn remember<K: Eq + Hash, V: Clone>(all: &mut HashMap<K, V>, key: K, value: V) -> V {
    if all.len() >= REMEMBERED_MAX {
        all.clear();
    }
    all.insert(key, value.clone());
    value
}

/// The tree of categories, as far as it is asked for; see [`category`].
#[derive(Default)]
struct Categories(HashMap<i64, Option<CategoryRow>>);

/// Categories with where to look up more of them.
struct Held<'a> {
    categories: &'a mut Categories,
    connection: &'a Connection,
}

impl category::Tree for Held<'_> {
    type Key = i64;
    type Error = Error;

    fn named_parent(&mut self, of: i64) -> Result<Option<i64>> {
        self.categories.stored_parent(self.connection, of)
    }

    fn id(&mut self, of: i64) -> Result<DocumentId> {
        keys::document(self.connection, of)
    }
}

/// A category that is held and not deleted.
#[derive(Clone)]
struct CategoryRow {
    lid: i64,
    name: String,
    parent: Option<i64>,
    /// Of a listed document; others follow from their rid.
    id: Option<[u8; 16]>,
}

impl Categories {
    /// The names from the top down to a category; none if it is deleted or not held.
    fn names(&mut self, connection: &Connection, rid: i64) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for rid in self.path(connection, rid)? {
            names.extend(self.row(connection, rid)?.map(|row| row.name));
        }
        names.reverse();
        Ok(names)
    }

    /// A category and those above it, from the bottom; empty if it is deleted or not held.
    fn path(&mut self, connection: &Connection, rid: i64) -> Result<Vec<i64>> {
        match self.row(connection, rid)? {
            Some(_) => category::path(&mut Held { categories: self, connection }, rid),
            None => Ok(Vec::new()),
        }
    }

    fn parent(&mut self, connection: &Connection, rid: i64) -> Result<Option<i64>> {
        category::parent(&mut Held { categories: self, connection }, rid)
    }

    fn stored_parent(&mut self, connection: &Connection, rid: i64) -> Result<Option<i64>> {
        let Some(row) = self.row(connection, rid)? else { return Ok(None) };
        let Some(parent) = row.parent else { return Ok(None) };
        let above = self.row(connection, parent)?;
        Ok(above.filter(|above| above.lid == row.lid).map(|_| parent))
    }

    fn row(&mut self, connection: &Connection, rid: i64) -> Result<Option<CategoryRow>> {
        if let Some(known) = self.0.get(&rid) {
            return Ok(known.clone());
        }
        let select = "SELECT lid, name, parent, id FROM category WHERE rid = ?1 AND deleted = 0";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(CategoryRow { lid: row.get(0)?, name: row.get(1)?, parent: row.get(2)?, id: row.get(3)? })
        };
        let row = connection.prepare_cached(select)?.query_row([rid], read).optional()?;
        Ok(remember(&mut self.0, rid, row))
    }
}

/// The name in a member's document.
pub(crate) fn member_name(connection: &Connection, lid: i64, document: &DocumentId) -> Result<Option<String>> {
    let Some(rid) = keys::find_document(connection, lid, document)? else { return Ok(None) };
    let select = "SELECT name FROM member WHERE rid = ?1 AND deleted = 0 AND name <> ''";
    Ok(connection.prepare_cached(select)?.query_row([rid], |row| row.get(0)).optional()?)
}

fn find_folded(connection: &Connection, select: &str, lid: i64, name: &str) -> Result<Option<i64>> {
    let wanted = fold(name);
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([lid])?;
    while let Some(row) = rows.next()? {
        if fold(row.get_ref(1)?.as_str().unwrap_or_default()) == wanted {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

fn role_of_number(number: i64) -> Option<Role> {
    u64::try_from(number).ok().and_then(Role::from_number)
}
