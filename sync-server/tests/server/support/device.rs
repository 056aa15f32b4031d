//! A device that signs what it writes, without an engine.

use outlay_ledger::change::{Change, Scalar};
use outlay_ledger::commit::{ActorForm, Body, Commit, FORMAT_VERSION, Header, Kind, Record, derived_document, feed};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Input, Put};
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{
    CommitId, Date, DeviceKey, DocumentId, Entry, EntryKind, FeedId, LedgerId, MemberId, Money, Month,
};

/// A device, and its process's run of commits in one ledger.
pub(crate) struct Device {
    pub(crate) secret: DeviceSecret,
    nonce: [u8; 16],
    next: u64,
    previous: Vec<CommitId>,
}

impl Device {
    pub(crate) fn new(number: u8) -> Self {
        Self { secret: DeviceSecret::from_bytes([number; 32]), nonce: [number; 16], next: 1, previous: Vec::new() }
    }

    /// The same device in another ledger, where it has written nothing.
    pub(crate) fn elsewhere(&self, nonce: u8) -> Self {
        let secret = DeviceSecret::from_bytes(*self.secret.as_bytes());
        Self { secret, nonce: [nonce; 16], next: 1, previous: Vec::new() }
    }

    pub(crate) fn public(&self) -> DeviceKey {
        self.secret.public()
    }

    pub(crate) fn key(&self) -> String {
        self.public().to_string()
    }

    pub(crate) fn member(&self) -> MemberId {
        MemberId::of_first_device(&self.public())
    }

    pub(crate) fn genesis(&mut self) -> (Commit, CommitId) {
        self.genesis_with(Some([9; 32]))
    }

    pub(crate) fn sealed_genesis(&mut self) -> (Commit, CommitId) {
        self.genesis_with(None)
    }

    fn genesis_with(&mut self, fact_key: Option<[u8; 32]>) -> (Commit, CommitId) {
        let operation = MemberOperation::Genesis { member: self.member(), device: self.public(), fact_key };
        self.sign(None, &[], vec![member_record(&operation)])
    }

    pub(crate) fn expense(&mut self, ledger: LedgerId, heads: &[CommitId], month: u16) -> (Commit, CommitId) {
        let period = Month::from_number(2026 * 12 + month - 1);
        let body = Body::Payload(format!("expense {} of {}", self.next, self.public()).into_bytes());
        let record = Record { document: None, kind: Kind::Change, period, form: ActorForm::Feed, body };
        self.sign(Some(ledger), heads, vec![record])
    }

    /// A thing of its own, as an app writes it.
    pub(crate) fn thing(&mut self, ledger: LedgerId, heads: &[CommitId], thing: Thing, puts: Vec<Put>) -> Written {
        let id = derived_document(self.feed(), self.next);
        let change = Document::create(self.feed().0, thing, puts);
        let (record, input) = self.change(None, change);
        let (commit, commit_id) = self.sign(Some(ledger), heads, vec![record]);
        let mut document = Document::default();
        assert!(document.apply_next(&input));
        Written { id, commit, commit_id, document }
    }

    /// Expenses in one commit.
    pub(crate) fn things(&mut self, ledger: LedgerId, heads: &[CommitId], things: &[Vec<Put>]) -> Commit {
        let create =
            |puts: &Vec<Put>| self.change(None, Document::create(self.feed().0, Thing::Expense, puts.clone())).0;
        let records = things.iter().map(create).collect();
        self.sign(Some(ledger), heads, records).0
    }

    /// Sets registers of a thing, as an app does that shows it as it was written.
    pub(crate) fn edit(&mut self, ledger: LedgerId, heads: &[CommitId], thing: &Written, puts: Vec<Put>) -> Written {
        let change = thing.document.edit(self.feed().0, puts).unwrap();
        let (record, input) = self.change(Some(thing.id), change);
        let (commit, commit_id) = self.sign(Some(ledger), heads, vec![record]);
        let mut document = thing.document.clone();
        assert!(document.apply_next(&input));
        Written { id: thing.id, commit, commit_id, document }
    }

    fn feed(&self) -> FeedId {
        feed(&self.public(), &self.nonce)
    }

    fn change(&self, document: Option<DocumentId>, change: Change) -> (Record, Input) {
        let encoded = change.encode().unwrap();
        let (period, form) = (field::period(&change), ActorForm::Feed);
        let body = Body::Payload(encoded.payload);
        (Record { document, kind: Kind::Change, period, form, body }, Input { change, hash: encoded.hash, form })
    }

    pub(crate) fn operation(
        &mut self,
        ledger: LedgerId,
        heads: &[CommitId],
        by: &MemberOperation,
    ) -> (Commit, CommitId) {
        self.sign(Some(ledger), heads, vec![member_record(by)])
    }

    /// The next commit begins a fork from what was there then.
    pub(crate) fn fork_from(&mut self, previous: &[CommitId], nonce: u8) {
        (self.previous, self.nonce, self.next) = (previous.to_vec(), [nonce; 16], 1);
    }

    pub(crate) fn sign(
        &mut self,
        ledger: Option<LedgerId>,
        heads: &[CommitId],
        records: Vec<Record>,
    ) -> (Commit, CommitId) {
        self.sign_with(ledger, heads, records, |_| {})
    }

    /// With more in its header.
    pub(crate) fn sign_with(
        &mut self,
        ledger: Option<LedgerId>,
        heads: &[CommitId],
        records: Vec<Record>,
        and: impl FnOnce(&mut Header),
    ) -> (Commit, CommitId) {
        let mut heads = heads.to_vec();
        heads.sort_unstable();
        let mut header = Header {
            version: FORMAT_VERSION,
            ledger,
            device: self.public(),
            nonce: self.nonce,
            first: self.next,
            count: records.len() as u64,
            previous: self.previous.clone(),
            member_heads: heads,
            generation: 0,
            time_ms: 1_790_000_000_000,
            action: None,
            on_behalf: None,
            unknown: Vec::new(),
        };
        and(&mut header);
        self.next += records.len() as u64;
        let signed = Commit::sign(header, records, [3; 12], &self.secret).unwrap();
        self.previous = vec![signed.1];
        signed
    }
}

/// A thing that a device wrote, as it shows it, and the commit it wrote last.
pub(crate) struct Written {
    pub(crate) id: DocumentId,
    pub(crate) commit: Commit,
    pub(crate) commit_id: CommitId,
    pub(crate) document: Document,
}

/// The registers of an expense: its date, an amount with its currency, and a payee.
pub(crate) fn spent(date: &str, amount: &str, payee: &str) -> Vec<Put> {
    let entry = Entry::new(EntryKind::Expense, Money::parse_with_currency(amount).unwrap());
    vec![
        Put::new(field::DATE, Scalar::Int(Date::parse(date).unwrap().days().into())),
        Put::new(field::MONEY, Scalar::Bytes(entry.encode())),
        Put::new(field::PAYEE, Scalar::Str(payee.to_owned())),
    ]
}

fn member_record(operation: &MemberOperation) -> Record {
    let body = Body::Payload(operation.encode().unwrap());
    Record { document: None, kind: Kind::Member, period: None, form: ActorForm::Feed, body }
}

pub(crate) fn pin(server: [u8; 32]) -> MemberOperation {
    MemberOperation::Server { key: DeviceKey(server), up_to: Role::Editor, on_behalf: true }
}

/// A ledger of one device: what it is, its genesis, and some expenses of January.
pub(crate) struct Ledger {
    pub(crate) id: LedgerId,
    pub(crate) heads: Vec<CommitId>,
    pub(crate) commits: Vec<Commit>,
}

impl Ledger {
    pub(crate) fn of(device: &mut Device, expenses: usize) -> Self {
        let (genesis, id) = device.genesis();
        let (ledger, heads) = (genesis.ledger(&id), vec![id]);
        let mut commits = vec![genesis];
        commits.extend((0..expenses).map(|_| device.expense(ledger, &heads, 1).0));
        Self { id: ledger, heads, commits }
    }
}
