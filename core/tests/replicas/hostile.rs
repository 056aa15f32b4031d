//! What a member might sign that no engine writes.

use outlay_core::{Commit, CommitId, DocumentId, MemberId, Month, Role};
use outlay_ledger::change::{Change, Op, OpId, Scalar};
use outlay_ledger::commit::{ActorForm, Kind, Record, derived_document, fact_document};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::member::{MemberOperation, Purge};
use outlay_ledger::{ChangeHash, Currency, Entry, EntryKind, FeedId, Money};

use crate::support::Rng;
use crate::support::forge::{Forger, View, change_record, record};

/// A validly signed commit with something odd in it.
pub(crate) fn commit(forger: &mut Forger, view: &mut View, rng: &mut Rng) -> Commit {
    let mut documents: Vec<(DocumentId, Document)> = view.documents().into_iter().collect();
    // Of some things only changes that wait are held.
    documents.retain(|(_, document)| !document.visible.is_empty());
    let (id, document) = rng.pick(&documents);
    match rng.below(10) {
        0..=4 => {
            let record = edit(forger, *id, document, &documents, rng);
            forger.commit(view, vec![record])
        }
        5 => {
            let records = vec![creation(forger, view, rng), creation(forger, view, rng)];
            forger.commit(view, records)
        }
        6 => member(forger, view, &documents, rng),
        7 => {
            let puts = vec![Put::new(field::PAYEE, Scalar::Str("odd header".into()))];
            let change = document.edit(forger.feed().0, puts);
            let record = change.map(|change| change_record(Some(*id), &change));
            let record = record.unwrap_or_else(|| creation(forger, view, rng));
            let heads: Vec<CommitId> = view.commits.keys().copied().collect();
            header(forger, view, record, &heads, rng)
        }
        8 => unreadable(forger, view, *id, rng),
        _ => honest(forger, view, *id, document, rng),
    }
}

/// Something that counts, so that what is odd stands beside it and on top of it.
fn honest(forger: &mut Forger, view: &View, id: DocumentId, document: &Document, rng: &mut Rng) -> Commit {
    let text = |rng: &mut Rng| Scalar::Str((*rng.pick(&["Mallory", "Café"])).into());
    let key = match document.thing() {
        Some(Thing::Expense) => field::PAYEE,
        _ => field::NAME,
    };
    match document.edit(forger.feed().0, vec![Put::new(key, text(rng))]) {
        Some(change) => forger.commit(view, vec![change_record(Some(id), &change)]),
        None => forger.create(view, Thing::Expense, expense(rng)),
    }
}

fn expense(rng: &mut Rng) -> Vec<Put> {
    let amount = Money::new(*rng.pick(&[7, -1_000_000_000_000_000]), Currency::EUR).unwrap();
    let money = match rng.chance(70) {
        true => Entry::new(*rng.pick(&[EntryKind::Expense, EntryKind::Transfer]), amount).encode(),
        false => vec![2, 0xa0],
    };
    vec![
        Put::new(field::DATE, Scalar::Int(*rng.pick(&[20_500, 0, -700_000, 1_000_000]))),
        Put::new(field::MONEY, Scalar::Bytes(money)),
        Put::new(field::PAYEE, Scalar::Str("Mallory".into())),
    ]
}

/// An edit with one thing wrong, or with values that are allowed and strange.
fn edit(
    forger: &Forger,
    id: DocumentId,
    document: &Document,
    documents: &[(DocumentId, Document)],
    rng: &mut Rng,
) -> Record {
    let strange = strange_put(document, documents, id, rng);
    let plain = Put::new("x.odd", Scalar::Uint(rng.next()));
    let mut change = document.edit(forger.feed().0, vec![plain, strange]).expect("a random number is new");
    let mut id = Some(id);
    let mut form = ActorForm::Feed;
    match rng.below(18) {
        0 => change.seq += 1 + rng.next() % 3,
        1 => change.seq = 1,
        2 => change.start_op += 1 + rng.next() % 1_000_000,
        3 => change.start_op = change.start_op.saturating_sub(1).max(1),
        4 => change.deps = vec![ChangeHash(rng.bytes())],
        5 => change.deps.truncate(1),
        6 => change.deps.clear(),
        7 => change.ops.iter_mut().for_each(|op| op.pred.clear()),
        8 => {
            let other = OpId { counter: 1 + rng.next() % 9, actor: rng.bytes() };
            set_pred(&mut change, rng, vec![other]);
        }
        9 => {
            let other = document.visible[rng.below(document.visible.len())].id;
            set_pred(&mut change, rng, vec![other]);
        }
        10 => {
            let retyped = Op { key: field::TYPE.into(), value: Scalar::Uint(4), pred: Vec::new() };
            insert(&mut change, retyped);
        }
        11 => change.ops.retain(|op| op.key != field::STATE),
        12 => insert(&mut change, Op { key: "Not A Key".into(), value: Scalar::Null, pred: Vec::new() }),
        13 => form = ActorForm::Content,
        14 => id = Some(DocumentId(rng.bytes())),
        15 => {
            let wrong = record(Kind::Change, id, Month::from_number(24_000), form, change.encode().unwrap().payload);
            return wrong;
        }
        _ => {}
    }
    let payload = change.encode().map(|encoded| encoded.payload).unwrap_or_default();
    record(Kind::Change, id, field::period(&change), form, payload)
}

fn set_pred(change: &mut Change, rng: &mut Rng, pred: Vec<OpId>) {
    let at = rng.below(change.ops.len());
    change.ops[at].pred = pred;
}

fn insert(change: &mut Change, op: Op) {
    change.ops.retain(|other| other.key != op.key);
    change.ops.push(op);
    change.ops.sort_by(|a, b| a.key.cmp(&b.key));
}

/// A value that the format allows and no app of this version writes, or one of a wrong type.
fn strange_put(document: &Document, documents: &[(DocumentId, Document)], id: DocumentId, rng: &mut Rng) -> Put {
    let other = documents[rng.below(documents.len())].0;
    let reference = |id: DocumentId| Scalar::Bytes(id.0.to_vec());
    match rng.below(12) {
        0 => Put::new(field::PARENT, reference(*rng.pick(&[id, other]))),
        1 => Put::new(field::CATEGORY, reference(*rng.pick(&[id, other, DocumentId([0x91; 16])]))),
        2 => Put::new(field::ACCOUNT, reference(other)),
        3 => Put::new(field::REFUND_OF, reference(*rng.pick(&[id, other]))),
        4 => Put::new(field::STATE, Scalar::Uint(*rng.pick(&[0, 1, 7, u64::MAX]))),
        5 => Put::new(field::MONEY, Scalar::Bytes(vec![2, 0xa0])),
        6 => Put::new(field::PAYEE, Scalar::Int(5)),
        7 => Put::new(field::MONEY, Scalar::Bytes(vec![1, 0xff])),
        8 => Put::new(field::NAME, Scalar::Str(String::new())),
        9 => Put::new(field::TIME, Scalar::Uint(86_400)),
        10 => Put::new(format!("tag:{}", rng.pick(&["trip", "\u{1f}", ""])), Scalar::Bool(rng.chance(50))),
        _ => {
            let moved = Scalar::Int(*rng.pick(&[20_500, 20_600]));
            if document.thing() == Some(Thing::Expense) { Put::new(field::DATE, moved) } else { Put::new("zz", moved) }
        }
    }
}

/// A first change: of a thing, of a fact, of somebody else's document, or of nothing known.
fn creation(forger: &Forger, view: &View, rng: &mut Rng) -> Record {
    let thing = *rng.pick(&[Thing::Expense, Thing::Expense, Thing::Settings, Thing::Member, Thing::Unknown(40)]);
    let mut puts = expense(rng);
    puts.push(Put::new(field::NAME, Scalar::Str("odd".into())));
    puts.push(Put::new(field::CURRENCY, Scalar::Str("XQZ".into())));
    if rng.chance(20) {
        puts.retain(|put| put.key != field::DATE);
    }
    let change = Document::create(forger.feed().0, thing, puts);
    let fact = *rng.pick(&["food", "cash", "home"]);
    let domain = *rng.pick(&["category", "account", "csv"]);
    let fact = fact_document(&view.fact_key(), domain, fact.as_bytes());
    let (id, form) = match rng.below(6) {
        0 => (Some(fact), ActorForm::Content),
        1 => (Some(fact), ActorForm::Feed),
        2 => (Some(derived_document(FeedId(rng.bytes()), 1)), ActorForm::Feed),
        3 => (Some(derived_document(FeedId(rng.bytes()), 1)), ActorForm::Content),
        _ => (None, ActorForm::Feed),
    };
    let payload = change.encode().unwrap().payload;
    record(Kind::Change, id, field::period(&change), form, payload)
}

/// Member operations and purges that an editor may not write, and kinds of records that this version does not know.
fn member(forger: &mut Forger, view: &View, documents: &[(DocumentId, Document)], rng: &mut Rng) -> Commit {
    let member = MemberId([9; 16]);
    let operation = |operation: MemberOperation| operation.encode().unwrap();
    let document = documents[rng.below(documents.len())].0;
    let (kind, payload) = match rng.below(8) {
        0 => (Kind::Member, operation(MemberOperation::Role { member, role: Role::Owner, cut: vec![] })),
        1 => (Kind::Member, operation(MemberOperation::Remove { member: MemberId([3; 16]), cut: vec![] })),
        2 => (Kind::Member, vec![0xff]),
        3 => (Kind::Purge, Purge { document }.encode()),
        4 => (Kind::Key, rng.bytes::<9>().to_vec()),
        5 => (Kind::Blob, rng.bytes::<9>().to_vec()),
        6 => (Kind::Unknown(200), Vec::new()),
        _ => (
            Kind::Member,
            operation(MemberOperation::AddDevice { member, device: crate::support::device_secret(66).public() }),
        ),
    };
    let at = if rng.chance(30) { Some(document) } else { None };
    let odd = record(kind, at, None, ActorForm::Feed, payload);
    let beside = creation(forger, view, rng);
    forger.commit(view, if rng.chance(50) { vec![odd, beside] } else { vec![odd] })
}

/// A header that does not say what an honest one would, or that is of a newer version.
fn header(forger: &mut Forger, view: &View, record: Record, held: &[CommitId], rng: &mut Rng) -> Commit {
    let (choice, random, some) = (rng.below(13), rng.bytes(), *rng.pick(held));
    forger.commit_with(view, vec![record], |header| match choice {
        0 => header.first += 5,
        1 => header.first = 1,
        2 => header.previous = vec![CommitId(random)],
        3 => header.previous = vec![some],
        4 => header.previous.clear(),
        5 => header.member_heads = vec![CommitId(random)],
        6 => header.member_heads = vec![some],
        7 => header.member_heads.clear(),
        8 => header.on_behalf = Some(MemberId([3; 16])),
        9 => header.version = 2,
        10 => header.unknown = vec![(80, vec![0x01])],
        11 => header.unknown = vec![(40, vec![0x01])],
        _ => header.generation = 3,
    })
}

/// A payload that is no change at all, or half of one.
fn unreadable(forger: &mut Forger, view: &View, id: DocumentId, rng: &mut Rng) -> Commit {
    let whole = Document::create(forger.feed().0, Thing::Expense, expense(rng)).encode().unwrap().payload;
    let payload = match rng.below(4) {
        0 => Vec::new(),
        1 => whole[..rng.below(whole.len())].to_vec(),
        2 => [whole, vec![0]].concat(),
        _ => rng.bytes::<40>().to_vec(),
    };
    let at = if rng.chance(50) { Some(id) } else { None };
    let form = *rng.pick(&[ActorForm::Feed, ActorForm::Content]);
    forger.commit(view, vec![record(Kind::Change, at, None, form, payload)])
}
