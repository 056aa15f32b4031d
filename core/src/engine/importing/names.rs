//! The accounts and categories that a file names: each resolved once, and made when the first new entry needs it.

use std::collections::HashMap;

use outlay_ledger::DocumentId;
use outlay_ledger::category::FACT_SEPARATOR;
use outlay_ledger::change::Scalar;
use outlay_ledger::expense::{self, document_value};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Put;
use outlay_ledger::limits::CATEGORY_DEPTH_MAX;
use outlay_ledger::text::fold;
use rusqlite::Connection;

use crate::author::Draft;
use crate::engine::writing::{Named, make_named};
use crate::error::{Error, Result};
use crate::model::{NewExpense, Reference};
use crate::store::contents;

/// Accounts and categories that one import may make: more are a column of payees that was taken for one of categories.
const NEW_NAMES_MAX: usize = 10_000;

/// What is known of names.
pub(super) struct Names {
    accounts: Index,
    categories: Index,
    new: usize,
}

/// Where the names of an entry are in the lists.
#[derive(Clone, Copy, Default)]
pub(super) struct Places {
    account: Option<usize>,
    to_account: Option<usize>,
    category: Option<usize>,
}

struct Index {
    thing: Thing,
    domain: &'static str,
    names: Vec<Name>,
    by_id: HashMap<DocumentId, usize>,
    by_path: HashMap<Vec<String>, usize>,
    by_fact: HashMap<String, usize>,
}

struct Name {
    id: DocumentId,
    /// What it is called, at the end of its path.
    name: String,
    /// The folded names of its path.
    fact: String,
    parent: Option<usize>,
    is_there: bool,
}

impl Names {
    /// Reads the names that a ledger has.
    pub(super) fn load(connection: &Connection, lid: i64) -> Result<Self> {
        let mut accounts = Index::new(Thing::Account, "account");
        for account in contents::accounts(connection, lid)?.into_iter().filter(|account| !account.deleted) {
            accounts.note(account.id, vec![account.name]);
        }
        let mut categories = Index::new(Thing::Category, "category");
        for category in contents::categories(connection, lid)?.into_iter().filter(|category| !category.path.is_empty())
        {
            categories.note(category.id, category.path);
        }
        Ok(Self { accounts, categories, new: 0 })
    }

    /// Finds what an entry names. Nothing is made.
    pub(super) fn find(&mut self, draft: &Draft<'_, '_>, new: &NewExpense) -> Result<Places> {
        let accounts = [&new.account, &new.to_account].into_iter().flatten();
        if accounts.into_iter().any(|account| matches!(account, Reference::Path(path) if path.len() != 1)) {
            return Err(Error::invalid("an account has one name"));
        }
        Ok(Places {
            account: self.accounts.find(draft, new.account.as_ref())?,
            to_account: self.accounts.find(draft, new.to_account.as_ref())?,
            category: self.categories.find(draft, new.category.as_ref())?,
        })
    }

    /// The documents at these places.
    pub(super) fn named(&self, places: Places) -> Named {
        let id = |index: &Index, place: Option<usize>| place.map(|place| index.names[place].id);
        Named {
            account: id(&self.accounts, places.account),
            to_account: id(&self.accounts, places.to_account),
            category: id(&self.categories, places.category),
        }
    }

    /// Makes what is at these places and is not there yet.
    pub(super) fn make(&mut self, draft: &mut Draft<'_, '_>, places: Places) -> Result<()> {
        for place in [places.account, places.to_account] {
            self.new += self.accounts.make(draft, place)?;
        }
        self.new += self.categories.make(draft, places.category)?;
        if self.new > NEW_NAMES_MAX {
            let message = "the file names more than 10000 new accounts and categories; is a column taken for another?";
            return Err(Error::invalid(message));
        }
        Ok(())
    }
}

impl Index {
    fn new(thing: Thing, domain: &'static str) -> Self {
        let (by_id, by_path, by_fact) = Default::default();
        Self { thing, domain, names: Vec::new(), by_id, by_path, by_fact }
    }

    /// Notes a thing that is held. Of two with one name the smaller id counts.
    fn note(&mut self, id: DocumentId, path: Vec<String>) {
        let fact = fact(&path);
        let name = path.last().cloned().unwrap_or_default();
        let place = self.names.len();
        self.names.push(Name { id, name, fact: fact.clone(), parent: None, is_there: true });
        self.by_id.insert(id, place);
        self.by_path.entry(path).or_insert(place);
        self.by_fact.entry(fact).or_insert(place);
    }

    fn find(&mut self, draft: &Draft<'_, '_>, reference: Option<&Reference>) -> Result<Option<usize>> {
        match reference {
            Some(Reference::Id(id)) => match self.by_id.get(id) {
                Some(place) => Ok(Some(*place)),
                None => Err(Error::not_found(self.domain)),
            },
            Some(Reference::Path(path)) => self.find_path(draft, path).map(Some),
            None => Ok(None),
        }
    }

    fn find_path(&mut self, draft: &Draft<'_, '_>, path: &[String]) -> Result<usize> {
        if let Some(place) = self.by_path.get(path) {
            return Ok(*place);
        }
        let Some((last, above)) = path.split_last().filter(|_| path.len() <= CATEGORY_DEPTH_MAX) else {
            return Err(Error::invalid("a category has one to sixteen levels"));
        };
        let name = expense::name(last)?;
        let parent = if above.is_empty() { None } else { Some(self.find_path(draft, above)?) };
        let fact = match parent {
            Some(parent) => [self.names[parent].fact.as_str(), &fold(&name)].join(FACT_SEPARATOR),
            None => fold(&name),
        };
        let place = match self.by_fact.get(&fact) {
            Some(place) => *place,
            None => {
                let id = draft.fact_document(self.domain, fact.as_bytes());
                self.by_fact.insert(fact.clone(), self.names.len());
                self.names.push(Name { id, name, fact, parent, is_there: false });
                self.names.len() - 1
            }
        };
        self.by_path.insert(path.to_vec(), place);
        Ok(place)
    }

    /// Makes a thing and those above it. Says how many were made.
    fn make(&mut self, draft: &mut Draft<'_, '_>, place: Option<usize>) -> Result<usize> {
        let mut missing = Vec::new();
        let mut next = place;
        while let Some(place) = next.filter(|place| !self.names[*place].is_there) {
            missing.push(place);
            next = self.names[place].parent;
        }
        for place in missing.iter().rev() {
            let Name { name, fact, parent, .. } = &self.names[*place];
            let mut puts = vec![Put::new(field::NAME, Scalar::Str(name.clone()))];
            puts.extend(parent.map(|parent| Put::new(field::PARENT, document_value(Some(self.names[parent].id)))));
            make_named(draft, self.thing, self.domain, fact, puts)?;
            self.names[*place].is_there = true;
        }
        Ok(missing.len())
    }
}

fn fact(path: &[String]) -> String {
    path.iter().map(|name| fold(name)).collect::<Vec<_>>().join(FACT_SEPARATOR)
}
