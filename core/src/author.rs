//! What this device writes: drafts of records, cut into signed commits.
//!
//! A process has a feed of its own in each ledger it writes to. Its nonce is minted at the first write and never stored,
//! and minted anew after a write that failed, so no record number is ever used twice, whatever is restored or copied.
//!
//! Predecessors are read and the commit is signed inside the transaction that stores it, so that two processes on one
//! database make one chain.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use outlay_ledger::change::{self, Change, ChangeError, EncodedChange, content_actor};
use outlay_ledger::commit::{self, ActorForm, Body, Commit, FORMAT_VERSION, Header, Kind, Record};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Input, Put};
use outlay_ledger::limits::PREVIOUS_MAX;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{ActionId, CommitId, Date, DeviceKey, DocumentId, FeedId, LedgerId, Month};

use crate::clock::{Environment, random};
use crate::error::{Error, ErrorKind, Result};
use crate::store::standing::{self, Checked, Entry, Known, Pending};
use crate::store::things::{self, OwnRole};
use crate::store::{Write, document, keys, log, records};

/// This device as an author.
pub(crate) struct Author {
    /// Another one only inside a write: what is being drafted is signed by the key it was begun with.
    secret: RwLock<Arc<DeviceSecret>>,
    environment: Arc<dyn Environment>,
    feeds: Mutex<HashMap<LedgerId, OwnFeed>>,
}

/// This process's feed in a ledger.
#[derive(Clone, Copy)]
struct OwnFeed {
    nonce: [u8; 16],
    next: u64,
}

/// Records to be written in one go.
pub(crate) struct Draft<'a, 't> {
    pub(crate) write: &'a mut Write<'t>,
    pub(crate) lid: i64,
    author: &'a Author,
    header: Header,
    feed: FeedId,
    fact_key: [u8; 32],
    records: Vec<Drafted>,
    /// Facts drafted already: one file may name the same account twice.
    facts: HashSet<DocumentId>,
    /// The numbers of documents that were looked up together.
    looked_up: HashMap<DocumentId, Option<i64>>,
    by_month: bool,
    is_import: bool,
    /// What was stored first.
    written: Option<Written>,
}

struct Drafted {
    record: Record,
    input: Option<Input>,
    listed: Option<i64>,
}

impl Drafted {
    fn date(&self) -> Option<Date> {
        let change = &self.input.as_ref()?.change;
        change.ops.iter().find(|op| op.key == field::DATE).and_then(|op| field::date(&op.value))
    }
}

/// What a draft became.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    pub(crate) action: ActionId,
    /// The first of its commits.
    pub(crate) commit: CommitId,
}

/// What became of a record made of an outside fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// It is new.
    Added,
    /// It is held.
    Held,
    /// It is held and was deleted.
    Deleted,
    /// It is held with another content.
    Conflicting,
}

impl Author {
    pub(crate) fn new(secret: DeviceSecret, environment: Arc<dyn Environment>) -> Self {
        Self { secret: RwLock::new(Arc::new(secret)), environment, feeds: Mutex::default() }
    }

    pub(crate) fn device(&self) -> DeviceKey {
        self.secret().public()
    }

    /// Signs that a token is used by this device; see [`outlay_protocol::proof`].
    #[cfg(feature = "sync")]
    pub(crate) fn prove(&self, server: &[u8; 32], nonce: &[u8; 16], token: &str) -> [u8; 64] {
        self.sign_digest(&outlay_protocol::proof::digest(server, nonce, token))
    }

    /// Signs a digest that is of no commit.
    #[cfg(feature = "sync")]
    pub(crate) fn sign_digest(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.secret().sign_digest(digest)
    }

    /// Writes under another key from now on. To be called inside a write.
    #[cfg(feature = "sync")]
    pub(crate) fn become_device(&self, secret: Arc<DeviceSecret>) {
        *self.secret.write().unwrap_or_else(PoisonError::into_inner) = secret;
        self.begin_new_feeds();
    }

    fn secret(&self) -> Arc<DeviceSecret> {
        Arc::clone(&self.secret.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins to write in a ledger, if this device may.
    pub(crate) fn draft<'a, 't>(&'a self, write: &'a mut Write<'t>, ledger: LedgerId) -> Result<Draft<'a, 't>> {
        if things::own_role(write, ledger)?.role.is_none_or(|role| role < Role::Editor) {
            return Err(Error::new(ErrorKind::Forbidden, "this device may only read this ledger"));
        }
        self.draft_of_members(write, ledger)
    }

    /// Begins to write member operations, which have rules of their own: who only reads may leave.
    pub(crate) fn draft_of_members<'a, 't>(
        &'a self,
        write: &'a mut Write<'t>,
        ledger: LedgerId,
    ) -> Result<Draft<'a, 't>> {
        let OwnRole { lid, member_heads, .. } = things::own_role(write, ledger)?;
        let fact_key = document::own_fact_key(write, lid)?;
        let fact_key = fact_key.ok_or_else(|| Error::internal("the beginning of this ledger is not held"))?;
        let mut header = self.header(Some(ledger), member_heads)?;
        if header.first == 1 && keys::is_feed_held(&write.tx, lid, &header.device, &header.nonce)? {
            // A copy of this very process, as of a virtual machine, drew the same nonce before.
            self.begin_new_feeds();
            header.nonce = self.own_feed(ledger)?.nonce;
        }
        let feed = header.feed();
        Ok(Draft {
            write,
            lid,
            author: self,
            header,
            feed,
            fact_key,
            records: Vec::new(),
            facts: HashSet::new(),
            looked_up: HashMap::new(),
            by_month: false,
            is_import: false,
            written: None,
        })
    }

    /// Makes a ledger: its first owner, what keys its facts, and its settings.
    pub(crate) fn found_ledger(&self, write: &mut Write<'_>, settings: Vec<Put>) -> Result<LedgerId> {
        let device = self.device();
        let member = outlay_ledger::MemberId::of_first_device(&device);
        let genesis = MemberOperation::Genesis { member, device, fact_key: Some(random(&self.environment)?) };
        let header = Header { nonce: random(&self.environment)?, first: 1, count: 2, ..self.header(None, Vec::new())? };
        let change = Document::create(header.feed().0, Thing::Settings, settings);
        let records = vec![
            record(Kind::Member, None, None, ActorForm::Feed, genesis.encode().map_err(|_| unsigned())?),
            record(Kind::Change, None, None, ActorForm::Feed, change.encode()?.payload),
        ];
        let (commit, id) = Commit::sign(header, records, random(&self.environment)?, &self.secret())?;
        let ledger = commit::ledger_of_genesis(&id);
        standing::take_in(write, &device, vec![Checked::unread(&commit, id)])?;
        Ok(ledger)
    }

    /// The admission of this device to a ledger of which it may hold nothing yet: a commit by itself, not stored here.
    #[cfg(feature = "sync")]
    pub(crate) fn admission(
        &self,
        ledger: LedgerId,
        invite: &DeviceSecret,
        member_heads: Vec<CommitId>,
    ) -> Result<Commit> {
        let device = self.device();
        let member = outlay_ledger::MemberId::of_first_device(&device);
        let join = MemberOperation::join(&ledger, member, device, invite);
        let nonce = random(&self.environment)?;
        let header = Header { nonce, first: 1, count: 1, ..self.header(Some(ledger), member_heads)? };
        let payload = join.encode().map_err(|error| Error::invalid(error.to_string()))?;
        let records = vec![record(Kind::Member, None, None, ActorForm::Feed, payload)];
        Ok(Commit::sign(header, records, random(&self.environment)?, &self.secret())?.0)
    }

    /// Forgets this process's feeds: after a write that failed, nobody knows which numbers were used.
    pub(crate) fn begin_new_feeds(&self) {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether a commit is of this process's feed in its ledger.
    pub(crate) fn writes_as(&self, header: &Header) -> bool {
        let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let own = header.ledger.and_then(|ledger| feeds.get(&ledger));
        header.device == self.device() && own.is_some_and(|own| own.nonce == header.nonce)
    }

    fn header(&self, ledger: Option<LedgerId>, member_heads: Vec<CommitId>) -> Result<Header> {
        let own = match ledger {
            Some(ledger) => self.own_feed(ledger)?,
            None => OwnFeed { nonce: [0; 16], next: 1 },
        };
        Ok(Header {
            version: FORMAT_VERSION,
            ledger,
            device: self.device(),
            nonce: own.nonce,
            first: own.next,
            count: 0,
            previous: Vec::new(),
            member_heads,
            generation: 0,
            time_ms: self.environment.now_ms(),
            action: None,
            on_behalf: None,
            unknown: Vec::new(),
        })
    }

    fn own_feed(&self, ledger: LedgerId) -> Result<OwnFeed> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = feeds.get(&ledger) {
            return Ok(*own);
        }
        let own = OwnFeed { nonce: random(&self.environment)?, next: 1 };
        feeds.insert(ledger, own);
        Ok(own)
    }

    fn advance(&self, ledger: LedgerId, next: u64) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = feeds.get_mut(&ledger) {
            own.next = next;
        }
    }
}

impl Draft<'_, '_> {
    /// Orders records by month and cuts the commits there, so that another device can fetch months apart. Only for
    /// records whose documents do not follow from their numbers: those of facts, and edits.
    pub(crate) fn cut_by_month(&mut self) {
        self.by_month = true;
    }

    /// The last commit is to say that it is the last one of an import, for whoever waits until all rows are there.
    pub(crate) fn mark_end_of_import(&mut self) {
        self.is_import = true;
    }

    /// The document of an outside fact in this ledger.
    pub(crate) fn fact_document(&self, domain: &str, fact: &[u8]) -> DocumentId {
        commit::fact_document(&self.fact_key, domain, fact)
    }

    /// How many records the draft has.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// A new thing of this device's own.
    pub(crate) fn create(&mut self, thing: Thing, puts: Vec<Put>) -> Result<DocumentId> {
        let change = Document::create(self.feed.0, thing, puts);
        let encoded = change.encode()?;
        let document = commit::derived_document(self.feed, self.header.first + self.records.len() as u64);
        self.push(None, ActorForm::Feed, change, encoded)?;
        Ok(document)
    }

    /// A thing made of an outside fact. Nothing is written if it is held with this content already.
    pub(crate) fn create_fact(
        &mut self,
        domain: &str,
        fact: &[u8],
        thing: Thing,
        puts: Vec<Put>,
    ) -> Result<(DocumentId, Fact)> {
        let id = self.fact_document(domain, fact);
        Ok((id, self.create_document(id, thing, puts)?))
    }

    /// The same, of a document that [`Draft::fact_document`] gave.
    pub(crate) fn create_document(&mut self, id: DocumentId, thing: Thing, puts: Vec<Put>) -> Result<Fact> {
        if self.facts.contains(&id) {
            return Ok(Fact::Held);
        }
        let mut change = Document::create([0; 16], thing, puts);
        let payload = change.encode()?.payload;
        change.actor = content_actor(&self.fact_key, &id, &payload);
        let found = self.look_for(&id, &payload)?;
        if matches!(found, Fact::Added | Fact::Conflicting) {
            let hash = change::hash(&payload, change.actor).ok_or(ChangeError::Length)?;
            self.push(Some(id), ActorForm::Content, change, EncodedChange { payload, hash })?;
            self.facts.insert(id);
        }
        Ok(found)
    }

    /// Looks documents up together, before they are drafted one by one until the next flush.
    pub(crate) fn look_up(&mut self, ids: Vec<DocumentId>) -> Result<()> {
        self.looked_up = keys::find_documents(&self.write.tx, self.lid, ids)?;
        Ok(())
    }

    /// Sets registers of a thing. Says whether that changed anything.
    pub(crate) fn edit(&mut self, id: DocumentId, document: &Document, puts: Vec<Put>) -> Result<bool> {
        let Some(change) = document.edit(self.feed.0, puts) else { return Ok(false) };
        let encoded = change.encode()?;
        self.push(Some(id), ActorForm::Feed, change, encoded)?;
        Ok(true)
    }

    /// Writes a member operation.
    pub(crate) fn member(&mut self, operation: &MemberOperation) -> Result<()> {
        let payload = operation.encode().map_err(|error| Error::invalid(error.to_string()))?;
        let record = record(Kind::Member, None, None, ActorForm::Feed, payload);
        self.records.push(Drafted { record, input: None, listed: None });
        Ok(())
    }

    /// What a document holds now.
    pub(crate) fn read(&mut self, rid: i64) -> Result<Document> {
        document::read(self.write, self.lid, rid)
    }

    /// Signs and stores what was drafted so far, as a part of one action: a long import does not grow in memory.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        let mut cuts = self.cuts();
        if self.is_import {
            // Of what is drafted now the last may be the last of all.
            cuts.pop();
        }
        if !cuts.is_empty() {
            self.begin_action()?;
        }
        self.store(cuts)
    }

    /// Signs and stores what was drafted; nothing if there is nothing.
    pub(crate) fn finish(mut self) -> Result<Option<Written>> {
        let mut cuts = self.cuts();
        if cuts.len() > 1 {
            self.begin_action()?;
        }
        if self.is_import {
            let last = cuts.pop();
            self.store(cuts)?;
            self.header.end_import();
            cuts = last.into_iter().collect();
        }
        self.store(cuts)?;
        Ok(self.written)
    }

    /// Gives the commits of this draft a common action. A single commit is its own.
    fn begin_action(&mut self) -> Result<()> {
        if self.header.action.is_none() {
            self.header.action = Some(ActionId(random(&self.author.environment)?));
        }
        Ok(())
    }

    fn cuts(&mut self) -> Vec<usize> {
        if self.by_month {
            // By day within a month too: neighbours in the indexes are then written one after another.
            self.records.sort_by_cached_key(Drafted::date);
        }
        commit::cut(self.records.iter().map(|drafted| &drafted.record), self.by_month)
    }

    /// Signs and stores what goes into so many commits of so many records each.
    fn store(&mut self, cuts: Vec<usize>) -> Result<()> {
        self.list_documents()?;
        let (lid, author) = (self.lid, self.author);
        let (write, header) = (&mut *self.write, &mut self.header);
        let mut records = std::mem::take(&mut self.records).into_iter();
        for count in cuts {
            let mut batch: Vec<Drafted> = records.by_ref().take(count).collect();
            header.count = count as u64;
            let feed = write.state.keys.enter_feed(&write.tx, lid, header.device, header.nonce)?;
            header.previous = log::device_heads(write, lid, feed.did)?;
            header.previous.truncate(PREVIOUS_MAX);
            let closes_fork = header.previous.len() > 1;
            if closes_fork {
                log::begin_any(write)?;
            }
            let known =
                |drafted: &mut Drafted| (drafted.input.take().map_or(Known::Nothing, Known::Own), drafted.listed);
            let known: Vec<_> = batch.iter_mut().map(known).collect();
            let rows = batch.into_iter().map(|drafted| drafted.record).collect();
            let seed = random(&author.environment)?;
            let (commit, id) = Commit::sign(header.clone(), rows, seed, &author.secret())?;
            let entries = commit.records.iter().zip(known);
            let entries = entries.map(|(record, (known, listed))| Entry { record, known, listed }).collect();
            let mut pending = Pending::default();
            standing::store(write, &header.device, lid, &commit, id, entries, &mut pending)?;
            self.written.get_or_insert_with(|| Written { action: commit::action_of(&id, header), commit: id });
            if closes_fork {
                log::index_ids(write)?;
            }
            header.first += header.count;
            pending.settle(write, lid)?;
            write.train_if_due()?;
        }
        if let Some(ledger) = header.ledger {
            author.advance(ledger, header.first);
        }
        self.records = records.collect();
        Ok(())
    }

    /// Lists the documents that were looked up and are new together.
    fn list_documents(&mut self) -> Result<()> {
        let mut looked_up = std::mem::take(&mut self.looked_up);
        let mut is_new = |drafted: &&mut Drafted| {
            drafted.record.document.is_some_and(|id| matches!(looked_up.remove(&id), Some(None)))
        };
        let new: Vec<&mut Drafted> = self.records.iter_mut().filter(&mut is_new).collect();
        let ids: Vec<DocumentId> = new.iter().filter_map(|drafted| drafted.record.document).collect();
        let first = keys::list_documents(&self.write.tx, self.lid, &ids)?;
        new.into_iter().zip(first..).for_each(|(drafted, rid)| drafted.listed = Some(rid));
        Ok(())
    }

    /// Takes a change into the draft, if other devices will admit it.
    fn push(
        &mut self,
        document: Option<DocumentId>,
        form: ActorForm,
        change: Change,
        encoded: EncodedChange,
    ) -> Result<()> {
        field::check(&change).map_err(|error| Error::invalid(error.to_string()))?;
        let record = record(Kind::Change, document, field::period(&change), form, encoded.payload);
        let input = Some(Input { change, hash: encoded.hash, form });
        self.records.push(Drafted { record, input, listed: None });
        Ok(())
    }

    fn look_for(&mut self, id: &DocumentId, payload: &[u8]) -> Result<Fact> {
        let found = match self.looked_up.get(id) {
            Some(found) => *found,
            None => keys::find_document(&self.write.tx, self.lid, id)?,
        };
        let Some(rid) = found else { return Ok(Fact::Added) };
        if records::count_records(&self.write.tx, rid, 1)? == 0 {
            return Ok(Fact::Added);
        }
        let same = records::find_same(&self.write.tx, &mut self.write.state.codec, rid, payload)?;
        let document = self.read(rid)?;
        if document.visible.is_empty() {
            // All that is held of it is in commits that do not count, or is not admitted.
            return Ok(Fact::Added);
        }
        if same.is_none() {
            return Ok(Fact::Conflicting);
        }
        Ok(if document.is_deleted() { Fact::Deleted } else { Fact::Held })
    }
}

fn record(
    kind: Kind,
    document: Option<DocumentId>,
    period: Option<Month>,
    form: ActorForm,
    payload: Vec<u8>,
) -> Record {
    Record { document, kind, period, form, body: Body::Payload(payload) }
}

fn unsigned() -> Error {
    Error::internal("a ledger could not be begun")
}
