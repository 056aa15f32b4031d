//! What a program writes: records drafted as a device drafts them, and appended as the server's own commits on behalf of a
//! member.

use std::collections::HashMap;

use outlay_ledger::category::FACT_SEPARATOR;
use outlay_ledger::change::{Change, ChangeError, Scalar, content_actor};
use outlay_ledger::commit::{ActorForm, Body, Kind, Record, derived_document, fact_document};
use outlay_ledger::expense::{self, ExpenseError, document_value};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::limits::CATEGORY_DEPTH_MAX;
use outlay_ledger::member::Role;
use outlay_ledger::text::fold;
use outlay_ledger::{DocumentId, FeedId, LedgerId, hex};
use outlay_protocol::Code;
use rusqlite::Connection;

use super::documents::{Documents, find};
use super::names::{Names, PATH_SEPARATOR};
use super::projection;
use crate::ledgers::own::{OnBehalf, OwnFeed, append_own, may_write};
use crate::ledgers::{LedgerLimits, of_member, take_history};
use crate::store::{Result, StoreError, Write};

/// Pieces of the log that a write folds first: what came since somebody looked whether all is folded.
const STEPS_MAX: usize = 16;

/// Who writes where.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub(super) aid: i64,
    pub(super) ledger: LedgerId,
    pub(super) now_ms: i64,
    pub(super) limits: LedgerLimits,
}

/// Why something is not written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// With a code.
    Code(Code),
    /// What was entered is not in order; the text repeats nothing of it.
    Invalid(String),
    /// The database failed.
    Store(StoreError),
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::Code(code)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<ExpenseError> for Refusal {
    fn from(error: ExpenseError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// What drafting returns.
pub(super) type Drafted<T> = std::result::Result<T, Refusal>;

/// Drafts records and writes them; all or nothing. What comes after sees them in the rows.
///
/// The inner error says why nothing is written: [`Code::NoSuchLedger`], [`Code::ReadOnly`] for a viewer,
/// [`Code::ServerMayNot`], or what the draft or the log says.
pub(super) fn write<T>(
    write: &mut Write<'_>,
    by: By,
    draft: impl FnOnce(&mut Draft<'_>) -> Drafted<T>,
    after: impl FnOnce(&Write<'_>, i64, T) -> Drafted<Reply>,
) -> Result<std::result::Result<Reply, Code>> {
    let mut refused = None;
    let written = write.attempt(|write| {
        write_or_fail(write, by, draft, after).map_err(|refusal| match refusal {
            Refusal::Store(error) => error,
            Refusal::Code(code) => undo(&mut refused, code),
            Refusal::Invalid(_) => undo(&mut refused, Code::Invalid),
        })
    });
    match refused {
        Some(code) => Ok(Err(code)),
        None => written.map(Ok),
    }
}

/// An answer, as it is sent and repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// JSON, or nothing.
    pub(super) body: String,
}

/// Notes why, and says what has the database undo everything.
fn undo(refused: &mut Option<Code>, code: Code) -> StoreError {
    *refused = Some(code);
    StoreError::Failed("refused".to_owned())
}

fn write_or_fail<T>(
    write: &mut Write<'_>,
    by: By,
    draft: impl FnOnce(&mut Draft<'_>) -> Drafted<T>,
    after: impl FnOnce(&Write<'_>, i64, T) -> Drafted<Reply>,
) -> Drafted<Reply> {
    let (row, member, role) = of_member(write.tx, &by.ledger, by.aid)??;
    if role < Role::Editor {
        return Err(Code::ReadOnly.into());
    }
    let server = write.keys.identity.public();
    let history = take_history(write, by.ledger, row.lid)?;
    let (may_write, fact_key) = (may_write(history.roles(), &server), history.roles().fact_key().copied());
    write.memory.histories.insert(row.lid, history);
    let fact_key = fact_key.filter(|_| may_write).ok_or(Code::ServerMayNot)?;
    follow(write, &by.ledger)?;
    let own = OwnFeed::of(write, row.lid);
    let mut drafting = Draft {
        tx: write.tx,
        lid: row.lid,
        fact_key,
        documents: Documents::new(write.tx, row.lid, fact_key),
        feed: own.id(&server),
        first: own.next,
        records: Vec::new(),
        is_import: false,
        categories: None,
        wallets: None,
    };
    let value = draft(&mut drafting)?;
    let (records, is_import) = (drafting.records, drafting.is_import);
    if !records.is_empty() {
        let by_member = OnBehalf { ledger: by.ledger, aid: by.aid, member, is_import };
        append_own(write, by.now_ms, &by.limits, by_member, records)??;
        follow(write, &by.ledger)?;
    }
    after(write, row.lid, value)
}

/// Folds what is not folded yet.
fn follow(write: &mut Write<'_>, ledger: &LedgerId) -> Drafted<()> {
    for _ in 0..STEPS_MAX {
        if projection::step(write, ledger)? {
            return Ok(());
        }
    }
    Err(Code::Busy.into())
}

/// Records to be written in one go.
pub(super) struct Draft<'a> {
    pub(super) tx: &'a Connection,
    pub(super) lid: i64,
    fact_key: [u8; 32],
    documents: Documents<'a>,
    feed: FeedId,
    first: u64,
    records: Vec<Record>,
    /// Whether there are rows from outside among them.
    is_import: bool,
    /// By the folded names of their paths, once they are asked for.
    categories: Option<HashMap<String, DocumentId>>,
    wallets: Option<HashMap<String, DocumentId>>,
}

impl Draft<'_> {
    /// A new entry of the server's own feed.
    pub(super) fn create(&mut self, puts: Vec<Put>) -> Drafted<DocumentId> {
        let change = Document::create(self.feed.0, Thing::Expense, puts);
        let id = derived_document(self.feed, self.first + self.records.len() as u64);
        let payload = change.encode()?.payload;
        self.push(None, ActorForm::Feed, &change, payload)?;
        Ok(id)
    }

    /// The document of an outside fact.
    pub(super) fn fact(&self, domain: &str, fact: &str) -> DocumentId {
        fact_document(&self.fact_key, domain, fact.as_bytes())
    }

    /// A thing made of an outside fact: the same on every device that makes it of the same.
    pub(super) fn create_fact(&mut self, id: DocumentId, thing: Thing, puts: Vec<Put>) -> Drafted<()> {
        let mut change = Document::create([0; 16], thing, puts);
        let payload = change.encode()?.payload;
        change.actor = content_actor(&self.fact_key, &id, &payload);
        self.is_import |= thing == Thing::Expense;
        self.push(Some(id), ActorForm::Content, &change, payload)
    }

    /// Sets registers of an entry that is there.
    pub(super) fn edit(
        &mut self,
        id: DocumentId,
        puts: impl FnOnce(&mut Self, &Document) -> Drafted<Vec<Put>>,
    ) -> Drafted<()> {
        let rid = find(self.tx, self.lid, &id)?.ok_or(Code::NoSuchPage)?;
        let document = self.documents.read(rid)?;
        if document.thing() != Some(Thing::Expense) {
            return Err(Code::NoSuchPage.into());
        }
        let puts = puts(self, &document)?;
        self.set(id, &document, puts)
    }

    /// Whether there is an entry, be it in the trash.
    pub(super) fn has_entry(&self, id: &DocumentId) -> Drafted<bool> {
        let select = "SELECT 1 FROM document JOIN expense USING (rid) WHERE document.lid = ?1 AND document.id = ?2
            AND state <> 2";
        Ok(self.tx.prepare_cached(select)?.exists((self.lid, id.0))?)
    }

    /// The account that a text means, be it an id or a name; made if it is not there.
    pub(super) fn wallet(&mut self, text: &str) -> Drafted<DocumentId> {
        if self.wallets.is_none() {
            self.wallets = Some(self.known_wallets()?);
        }
        let known = self.wallets.get_or_insert_default();
        if let Some(id) = known_id(known, text) {
            return Ok(id);
        }
        let name = expense::name(text)?;
        let fact = fold(&name);
        if let Some(id) = known.get(&fact) {
            return Ok(*id);
        }
        let id = self.make(Thing::Account, "account", &fact, vec![Put::new(field::NAME, Scalar::Str(name))])?;
        self.wallets.get_or_insert_default().insert(fact, id);
        Ok(id)
    }

    /// The category that a text means, be it an id or a path; every level of it is made if it is not there.
    pub(super) fn category(&mut self, text: &str) -> Drafted<DocumentId> {
        if self.categories.is_none() {
            self.categories = Some(self.known_categories()?);
        }
        if let Some(id) = known_id(self.categories.get_or_insert_default(), text) {
            return Ok(id);
        }
        let (mut above, mut fact) = (None, String::new());
        if text.split(PATH_SEPARATOR).count() > CATEGORY_DEPTH_MAX {
            return Err(Refusal::Invalid("a category has one to sixteen levels".to_owned()));
        }
        for name in text.split(PATH_SEPARATOR) {
            let name = expense::name(name)?;
            fact = if fact.is_empty() { fold(&name) } else { [fact.as_str(), &fold(&name)].join(FACT_SEPARATOR) };
            let known = self.categories.get_or_insert_default().get(&fact).copied();
            above = Some(match known {
                Some(id) => id,
                None => {
                    let mut puts = vec![Put::new(field::NAME, Scalar::Str(name))];
                    puts.extend(above.map(|above| Put::new(field::PARENT, document_value(Some(above)))));
                    let id = self.make(Thing::Category, "category", &fact, puts)?;
                    self.categories.get_or_insert_default().insert(fact.clone(), id);
                    id
                }
            });
        }
        above.ok_or_else(|| ExpenseError::Unnamed.into())
    }

    /// Makes a thing of a name, or takes it out of the trash.
    fn make(&mut self, thing: Thing, domain: &str, fact: &str, puts: Vec<Put>) -> Drafted<DocumentId> {
        let id = self.fact(domain, fact);
        if let Some(rid) = find(self.tx, self.lid, &id)? {
            let document = self.documents.read(rid)?;
            if document.thing() == Some(thing) {
                self.set(id, &document, vec![Put::new(field::STATE, field::LIVE)])?;
                return Ok(id);
            }
        }
        self.create_fact(id, thing, puts)?;
        Ok(id)
    }

    fn set(&mut self, id: DocumentId, document: &Document, puts: Vec<Put>) -> Drafted<()> {
        let Some(change) = document.edit(self.feed.0, puts) else { return Ok(()) };
        let payload = change.encode()?.payload;
        self.push(Some(id), ActorForm::Feed, &change, payload)
    }

    /// Takes a change into the draft, if devices will admit it.
    fn push(
        &mut self,
        document: Option<DocumentId>,
        form: ActorForm,
        change: &Change,
        payload: Vec<u8>,
    ) -> Drafted<()> {
        field::check(change).map_err(|error| Refusal::Invalid(error.to_string()))?;
        let (period, body) = (field::period(change), Body::Payload(payload));
        self.records.push(Record { document, kind: Kind::Change, period, form, body });
        Ok(())
    }

    fn known_categories(&self) -> Drafted<HashMap<String, DocumentId>> {
        let mut names = Names::new(self.tx, self.lid);
        let mut known = HashMap::new();
        // Of two with one name the smaller id counts.
        for id in names.all()? {
            let path: Vec<String> = names.path(id)?.iter().map(|name| fold(name)).collect();
            known.entry(path.join(FACT_SEPARATOR)).or_insert(id);
        }
        Ok(known)
    }

    fn known_wallets(&self) -> Drafted<HashMap<String, DocumentId>> {
        let select = "SELECT id, name FROM wallet WHERE lid = ?1 AND is_deleted = 0 ORDER BY id";
        let mut select = self.tx.prepare_cached(select)?;
        let rows = select.query_map([self.lid], |row| Ok((DocumentId(row.get(0)?), row.get::<_, String>(1)?)))?;
        let mut known = HashMap::new();
        for row in rows {
            let (id, name) = row?;
            known.entry(fold(&name)).or_insert(id);
        }
        Ok(known)
    }
}

/// The thing whose id a text is.
fn known_id(known: &HashMap<String, DocumentId>, text: &str) -> Option<DocumentId> {
    hex::fixed(text).map(DocumentId).filter(|id| known.values().any(|known| known == id))
}
