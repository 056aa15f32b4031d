//! The names of categories and accounts, looked up once for a page.

use std::collections::HashMap;

use outlay_ledger::category::{self, Tree};
use outlay_ledger::text::fold;
use outlay_ledger::{DocumentId, hex};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Id;
use crate::store::{Result, StoreError};

/// What joins the names of a category's path.
pub(super) const PATH_SEPARATOR: &str = ":";

/// A category, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Category)]
pub(crate) struct CategoryObject {
    #[schema(value_type = Id)]
    id: String,
    /// The names from the top down to it.
    name: String,
    #[schema(value_type = Option<Id>, required)]
    parent: Option<String>,
}

/// The names of one ledger.
pub(super) struct Names<'c> {
    connection: &'c Connection,
    lid: i64,
    categories: HashMap<DocumentId, Option<CategoryRow>>,
    wallets: HashMap<DocumentId, Option<String>>,
}

/// A category that is held and not deleted.
#[derive(Clone)]
struct CategoryRow {
    name: String,
    parent: Option<DocumentId>,
}

impl<'c> Names<'c> {
    pub(super) fn new(connection: &'c Connection, lid: i64) -> Self {
        Self { connection, lid, categories: HashMap::new(), wallets: HashMap::new() }
    }

    /// The path of a category that is held and not deleted.
    pub(super) fn category(&mut self, id: DocumentId) -> Result<Option<String>> {
        let names = self.path(id)?;
        Ok((!names.is_empty()).then(|| names.join(PATH_SEPARATOR)))
    }

    /// The name of an account that is held and not deleted.
    pub(super) fn wallet(&mut self, id: DocumentId) -> Result<Option<String>> {
        if let Some(known) = self.wallets.get(&id) {
            return Ok(known.clone());
        }
        let select = "SELECT name FROM wallet WHERE lid = ?1 AND id = ?2 AND is_deleted = 0";
        let mut select = self.connection.prepare_cached(select)?;
        let name: Option<String> = select.query_row((self.lid, id.0), |row| row.get(0)).optional()?;
        self.wallets.insert(id, name.clone());
        Ok(name)
    }

    /// The categories that are not deleted, by path.
    pub(super) fn listed(&mut self) -> Result<Vec<CategoryObject>> {
        let mut listed = Vec::new();
        for id in self.all()? {
            let parent = category::parent(self, id)?.map(|parent| parent.to_string());
            listed.extend(self.category(id)?.map(|name| CategoryObject { id: id.to_string(), name, parent }));
        }
        listed.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(listed)
    }

    /// The category that a text means, be it an id or a path in any case, and all below it; none if there is none.
    pub(super) fn with_descendants(&mut self, text: &str) -> Result<Vec<DocumentId>> {
        let all = self.all()?;
        let wanted: Option<DocumentId> = hex::fixed(text).map(DocumentId).filter(|id| all.contains(id));
        let top = match wanted {
            Some(id) => Some(id),
            None => {
                let names: Vec<&str> = text.split(PATH_SEPARATOR).collect();
                self.find_category(&all, &names)?
            }
        };
        let Some(top) = top else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for id in all {
            if category::path(self, id)?.contains(&top) {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// The category of a path, whatever its case and width; of several the smallest id.
    pub(super) fn find_category(&mut self, all: &[DocumentId], names: &[&str]) -> Result<Option<DocumentId>> {
        let wanted: Vec<String> = names.iter().map(|name| fold(name)).collect();
        for id in all {
            let names = self.path(*id)?;
            if names.len() == wanted.len() && names.iter().zip(&wanted).all(|(name, wanted)| fold(name) == *wanted) {
                return Ok(Some(*id));
            }
        }
        Ok(None)
    }

    /// The categories that are not deleted, ascending.
    pub(super) fn all(&mut self) -> Result<Vec<DocumentId>> {
        let select = "SELECT id, name, parent FROM category WHERE lid = ?1 AND is_deleted = 0 ORDER BY id";
        let mut select = self.connection.prepare_cached(select)?;
        let rows = select.query_map([self.lid], |row| {
            let parent = row.get::<_, Option<_>>(2)?.map(DocumentId);
            Ok((DocumentId(row.get(0)?), CategoryRow { name: row.get(1)?, parent }))
        })?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
        let ids = rows.iter().map(|(id, _)| *id).collect();
        self.categories.extend(rows.into_iter().map(|(id, row)| (id, Some(row))));
        Ok(ids)
    }

    /// The names from the top down to a category; none if it is deleted or not held.
    pub(super) fn path(&mut self, id: DocumentId) -> Result<Vec<String>> {
        if self.row(id)?.is_none() {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for id in category::path(self, id)? {
            names.extend(self.row(id)?.map(|row| row.name));
        }
        names.reverse();
        Ok(names)
    }

    fn row(&mut self, id: DocumentId) -> Result<Option<CategoryRow>> {
        if let Some(known) = self.categories.get(&id) {
            return Ok(known.clone());
        }
        let select = "SELECT name, parent FROM category WHERE lid = ?1 AND id = ?2 AND is_deleted = 0";
        let row = self.connection.prepare_cached(select)?.query_row((self.lid, id.0), |row| {
            Ok(CategoryRow { name: row.get(0)?, parent: row.get::<_, Option<_>>(1)?.map(DocumentId) })
        });
        let row = row.optional()?;
        self.categories.insert(id, row.clone());
        Ok(row)
    }
}

impl Tree for Names<'_> {
    type Key = DocumentId;
    type Error = StoreError;

    fn named_parent(&mut self, of: DocumentId) -> Result<Option<DocumentId>> {
        let Some(parent) = self.row(of)?.and_then(|row| row.parent) else { return Ok(None) };
        Ok(self.row(parent)?.map(|_| parent))
    }

    fn id(&mut self, of: DocumentId) -> Result<DocumentId> {
        Ok(of)
    }
}
