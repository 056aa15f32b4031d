//! What a record must be before it is folded: by its place, its month and its registers.

use outlay_ledger::admit::{Quarantine, admit};
use outlay_ledger::change::{Actor, Change, Scalar};
use outlay_ledger::commit::{ActorForm, Body, Commit, Header, Kind, Record, derived_document, fact_document};
use outlay_ledger::field::{self, FieldError, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::limits::{NAME_BYTES_MAX, NOTE_BYTES_MAX, PAYEE_BYTES_MAX, TAG_BYTES_MAX, UNKNOWN_VALUE_BYTES_MAX};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{BlobHash, ChangeHash, DocumentId, LedgerId, Month};

use crate::support::{FACT_KEY, attachment, content_root, expense, input};

/// A commit of one record by a device, as it would come in.
struct Sender {
    device: DeviceSecret,
    header: Header,
}

impl Sender {
    fn new() -> Self {
        let device = DeviceSecret::from_bytes([5; 32]);
        let header = Header {
            version: 1,
            ledger: Some(LedgerId([3; 16])),
            device: device.public(),
            nonce: [4; 16],
            first: 7,
            count: 1,
            previous: vec![],
            member_heads: vec![],
            generation: 0,
            time_ms: 0,
            action: None,
            on_behalf: None,
            unknown: vec![],
        };
        Self { device, header }
    }

    fn actor(&self) -> Actor {
        self.header.feed().0
    }

    fn sends(&self, record: Record) -> Result<DocumentId, Quarantine> {
        let (commit, _) = Commit::sign(self.header.clone(), vec![record], [6; 12], &self.device).expect("a commit");
        let commit = Commit::decode(&commit.encode()).expect("one that goes over the wire");
        let record = &commit.records[0];
        let payload = record.payload().expect("not purged");
        admit(&commit, 7, record, payload, &FACT_KEY).map(|admitted| admitted.document)
    }
}

fn record(change: &Change, document: Option<DocumentId>, form: ActorForm) -> Record {
    let payload = change.encode().expect("a change").payload;
    let period = field::period(change);
    Record { document, kind: Kind::Change, period, form, body: Body::Payload(payload) }
}

#[test]
fn only_the_first_change_of_a_document_has_no_dependencies() {
    let sender = Sender::new();
    let fact = fact_document(&FACT_KEY, "csv", b"row");
    let made = Document::create(sender.actor(), Thing::Expense, expense());
    let on_top = |actor| {
        let mut document = Document::default();
        let first = Document::create([8; 16], Thing::Expense, expense());
        assert!(document.apply_next(&input(first, ActorForm::Feed)));
        document.edit(actor, vec![Put::new("payee", Scalar::Str("Corner Café".into()))]).expect("a payee")
    };
    let content = content_root(&fact, Thing::Expense, expense()).change;
    let elsewhere = Some(DocumentId([1; 16]));

    let own = sender.sends(record(&made, None, ActorForm::Feed)).expect("a feed makes its own documents");
    assert_eq!(own, derived_document(sender.header.feed(), 7));
    assert_eq!(sender.sends(record(&content, Some(fact), ActorForm::Content)), Ok(fact));
    assert_eq!(sender.sends(record(&on_top(sender.actor()), elsewhere, ActorForm::Feed)), Ok(DocumentId([1; 16])));
    assert_eq!(sender.sends(record(&on_top(sender.actor()), Some(fact), ActorForm::Feed)), Ok(fact));

    let root = Err(Quarantine::Root);
    assert_eq!(sender.sends(record(&made, elsewhere, ActorForm::Feed)), root, "another's document cannot be made");
    assert_eq!(sender.sends(record(&made, Some(fact), ActorForm::Feed)), root, "nor a fact's, by a feed");
    assert_eq!(sender.sends(record(&on_top(sender.actor()), None, ActorForm::Feed)), root, "one's own has no past");
    assert_eq!(sender.sends(record(&content, elsewhere, ActorForm::Content)), root, "content is of facts");
    assert_eq!(sender.sends(record(&content, None, ActorForm::Content)), root, "and of no feed");
    assert_eq!(sender.sends(record(&on_top([0; 16]), Some(fact), ActorForm::Content)), root, "nobody edits as a fact");
    for change in [Change { seq: 2, ..made.clone() }, Change { start_op: 2, ..made.clone() }] {
        assert_eq!(sender.sends(record(&change, None, ActorForm::Feed)), root, "the first is the first");
    }
}

#[test]
fn the_month_of_a_record_is_that_of_its_date() {
    let sender = Sender::new();
    let made = record(&Document::create(sender.actor(), Thing::Expense, expense()), None, ActorForm::Feed);
    let month = made.period.expect("an expense has a date");
    for period in [None, month.next(), month.previous(), Month::from_number(12)] {
        assert_eq!(sender.sends(Record { period, ..made.clone() }), Err(Quarantine::Period), "{period:?}");
    }
    let category =
        Document::create(sender.actor(), Thing::Category, vec![Put::new("name", Scalar::Str("Food".into()))]);
    let category = record(&category, None, ActorForm::Feed);
    assert!(sender.sends(category.clone()).is_ok());
    assert_eq!(sender.sends(Record { period: Some(month), ..category }), Err(Quarantine::Period), "without a date");
}

#[test]
fn a_record_that_is_no_change_is_refused_with_its_reason() {
    let sender = Sender::new();
    let made = record(&Document::create(sender.actor(), Thing::Expense, expense()), None, ActorForm::Feed);
    let with_payload = |payload: &[u8]| Record { body: Body::Payload(payload.to_vec()), ..made.clone() };
    let payload = made.payload().expect("not purged");
    assert!(matches!(sender.sends(with_payload(b"")), Err(Quarantine::Change(_))));
    assert!(matches!(sender.sends(with_payload(&payload[1..])), Err(Quarantine::Change(_))));
    assert!(matches!(sender.sends(with_payload(&[0xff; 32 * 1024])), Err(Quarantine::Change(_))));
}

fn checked(thing: Thing, puts: Vec<Put>) -> Result<(), FieldError> {
    field::check(&Document::create([1; 16], thing, puts))
}

fn checked_expense_with(key: &str, value: Scalar) -> Result<(), FieldError> {
    let mut puts = expense();
    puts.retain(|put| put.key != key);
    puts.push(Put::new(key, value));
    checked(Thing::Expense, puts)
}

#[test]
fn every_register_refuses_what_it_cannot_hold() {
    let text = |length: usize| Scalar::Str("x".repeat(length));
    let bytes = |length: usize| Scalar::Bytes(vec![1; length]);
    let long_tag = format!("tag:{}", "x".repeat(TAG_BYTES_MAX));
    let too_long_tag = format!("{long_tag}x");
    let file = attachment(1, 1);
    let (attached, register) = (outlay_ledger::attachment::key(&file.hash), Scalar::Bytes(file.encode()));
    let another = outlay_ledger::attachment::key(&BlobHash([2; 32]));
    let good = [
        ("account", bytes(16)),
        ("account", Scalar::Null),
        ("category", bytes(16)),
        ("commitment", Scalar::Str("postponed".into())),
        ("commitment", Scalar::Null),
        ("currency", Scalar::Str("QQQ".into())),
        ("date", Scalar::Int(-719_162)),
        ("date", Scalar::Int(1_106_684)),
        ("name", text(NAME_BYTES_MAX)),
        ("note", text(NOTE_BYTES_MAX)),
        ("note", Scalar::Null),
        ("parent", Scalar::Null),
        ("payee", text(PAYEE_BYTES_MAX)),
        ("payee", Scalar::Null),
        ("refund_of", bytes(16)),
        ("state", Scalar::Uint(u64::MAX)),
        ("tag:", Scalar::Bool(true)),
        (&long_tag, Scalar::Bool(false)),
        ("time", Scalar::Uint(86_399)),
        ("time", Scalar::Null),
        ("money", Scalar::Bytes(vec![2, 1, 2, 3])),
        (&attached, register.clone()),
        (&attached, Scalar::Null),
        (&another, Scalar::Bytes(vec![2, 1, 2, 3])),
    ];
    for (key, value) in good {
        assert_eq!(checked_expense_with(key, value.clone()), Ok(()), "{key} {value:?}");
    }
    let bad = [
        ("account", bytes(15)),
        ("account", text(16)),
        ("category", bytes(17)),
        ("commitment", text(65)),
        ("commitment", Scalar::Bool(true)),
        ("currency", text(3)),
        ("currency", Scalar::Str("EURO".into())),
        ("currency", Scalar::Null),
        ("date", Scalar::Int(-719_163)),
        ("date", Scalar::Int(1_106_685)),
        ("date", Scalar::Int(i64::MIN)),
        ("date", Scalar::Uint(20_000)),
        ("date", Scalar::Null),
        ("name", text(NAME_BYTES_MAX + 1)),
        ("name", Scalar::Null),
        ("note", text(NOTE_BYTES_MAX + 1)),
        ("note", bytes(3)),
        ("parent", bytes(0)),
        ("payee", text(PAYEE_BYTES_MAX + 1)),
        ("payee", Scalar::Bool(true)),
        ("refund_of", Scalar::Uint(1)),
        ("state", Scalar::Int(1)),
        ("state", Scalar::Null),
        ("tag:a", Scalar::Null),
        ("tag:a", Scalar::Uint(1)),
        (&too_long_tag, Scalar::Bool(true)),
        ("time", Scalar::Uint(86_400)),
        ("time", Scalar::Int(1)),
        ("money", Scalar::Int(340)),
        ("money", Scalar::Null),
        (&another, register),
        (&attached, Scalar::Bool(true)),
        ("attachment:", Scalar::Null),
        ("attachment:receipt", Scalar::Bytes(vec![2])),
        (&attached.to_uppercase().replace("ATTACHMENT", "attachment").replace("01", "AB"), Scalar::Null),
    ];
    for (key, value) in bad {
        assert_eq!(checked_expense_with(key, value.clone()), Err(FieldError::Value), "{key} {value:?}");
    }
    for malformed in [vec![], vec![0], vec![1], vec![1, 0xa0]] {
        let refused = checked_expense_with("money", Scalar::Bytes(malformed));
        assert!(matches!(refused, Err(FieldError::Money(_))), "{refused:?}");
    }
    for malformed in [vec![], vec![0], vec![1], vec![1, 0xa0]] {
        let refused = checked_expense_with(&attached, Scalar::Bytes(malformed));
        assert!(matches!(refused, Err(FieldError::Attachment(_))), "{refused:?}");
    }
}

#[test]
fn keys_of_newer_versions_are_kept_within_limits_and_others_refused() {
    let longest = format!("k{}", "x".repeat(63));
    for key in ["a", "z9", "a_b.c:d-e", "tags", "moneyed", &longest] {
        assert_eq!(checked_expense_with(key, Scalar::Int(1)), Ok(()), "{key}");
    }
    for key in ["", "9a", "_a", "A", "aB", "a b", "ä", "aä", "a/b", "a\0", &format!("{longest}x")] {
        assert_eq!(checked_expense_with(key, Scalar::Int(1)), Err(FieldError::Key), "{key:?}");
    }
    let most = UNKNOWN_VALUE_BYTES_MAX;
    assert_eq!(checked_expense_with("x", Scalar::Bytes(vec![0; most])), Ok(()));
    assert_eq!(checked_expense_with("x", Scalar::Bytes(vec![0; most + 1])), Err(FieldError::Value));
    assert_eq!(checked_expense_with("x", Scalar::Str("x".repeat(most))), Ok(()));
    assert_eq!(checked_expense_with("x", Scalar::Str("x".repeat(most + 1))), Err(FieldError::Value));
}

#[test]
fn a_thing_has_from_its_first_change_what_it_cannot_be_shown_without() {
    let name = || Put::new("name", Scalar::Str("Home".into()));
    let currency = || Put::new("currency", Scalar::Str("EUR".into()));
    let [date, amount] = <[Put; 2]>::try_from(expense()).expect("two");
    let missing = Err(FieldError::Missing);
    assert_eq!(checked(Thing::Settings, vec![name(), currency()]), Ok(()));
    assert_eq!(checked(Thing::Settings, vec![name()]), missing);
    assert_eq!(checked(Thing::Settings, vec![currency()]), missing);
    assert_eq!(checked(Thing::Account, vec![name()]), Ok(()));
    assert_eq!(checked(Thing::Account, vec![]), missing);
    assert_eq!(checked(Thing::Category, vec![]), missing);
    assert_eq!(checked(Thing::Expense, vec![date.clone()]), missing);
    assert_eq!(checked(Thing::Expense, vec![amount]), missing);
    assert_eq!(checked(Thing::Member, vec![]), Ok(()));
    assert_eq!(checked(Thing::Unknown(99), vec![]), Ok(()), "a thing of a newer version");

    let without = |key: &str| {
        let mut change = Document::create([1; 16], Thing::Member, vec![]);
        change.ops.retain(|op| op.key != key);
        field::check(&change)
    };
    assert_eq!(without("type"), missing);
    assert_eq!(without("state"), missing, "every change puts it");
    let later = |key: &str| {
        let mut change = Document::create([1; 16], Thing::Member, vec![name()]);
        change.deps = vec![ChangeHash([1; 32])];
        change.ops.retain(|op| op.key != key);
        field::check(&change)
    };
    assert_eq!(later("type"), Ok(()));
    assert_eq!(later("state"), Err(FieldError::Missing));
    assert_eq!(later("name"), Err(FieldError::Retyped), "the type never changes");
}
