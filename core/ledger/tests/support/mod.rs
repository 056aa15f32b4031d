//! What the tests of this crate share: seeded randomness and honest histories of one document.
//!
//! Nothing here judges: a history is made with [`Document::create`] and [`Document::edit`] as an app makes it, and the
//! tests compare what this crate, automerge and a naive reading say of it.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses its own part")]

pub mod description;

use std::collections::BTreeMap;

use outlay_ledger::change::{Actor, Change, Scalar, chunk};
use outlay_ledger::commit::ActorForm;
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Folded, Input, Put, Verdict, fold};
use outlay_ledger::{Attachment, BlobHash, ChangeHash, Currency, DocumentId, Entry, EntryKind, Money};

/// Key of the facts in tests.
pub const FACT_KEY: [u8; 32] = [0xfa; 32];

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }

    pub fn shuffled<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
        items
    }

    /// All items in a random order, some of them more than once.
    pub fn shuffled_with_duplicates<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for _ in 0..items.len() / 3 {
            let copy = self.pick(&items).clone();
            items.push(copy);
        }
        self.shuffled(&items)
    }
}

/// Makes an input of a change, as if it had been admitted.
pub fn input(change: Change, form: ActorForm) -> Input {
    let hash = change.encode().expect("a change that can be written").hash;
    Input { change, hash, form }
}

/// A content-derived root of a fact's document.
pub fn content_root(document: &DocumentId, thing: Thing, puts: Vec<Put>) -> Input {
    let payload = Document::create([0; 16], thing, puts.clone()).encode().expect("a root").payload;
    let actor = outlay_ledger::change::content_actor(&FACT_KEY, document, &payload);
    input(Document::create(actor, thing, puts), ActorForm::Content)
}

/// The change as automerge has it.
pub fn automerge_change(input: &Input) -> automerge::Change {
    let payload = input.change.encode().expect("written before").payload;
    let bytes = chunk(&payload, input.change.actor).expect("a payload");
    automerge::Change::from_bytes(bytes).expect("what this crate writes, automerge reads")
}

/// automerge's value of one of ours.
pub fn automerge_value(value: &Scalar) -> automerge::ScalarValue {
    match value {
        Scalar::Null => automerge::ScalarValue::Null,
        Scalar::Bool(value) => automerge::ScalarValue::Boolean(*value),
        Scalar::Uint(value) => automerge::ScalarValue::Uint(*value),
        Scalar::Int(value) => automerge::ScalarValue::Int(*value),
        Scalar::Str(value) => automerge::ScalarValue::Str(value.as_str().into()),
        Scalar::Bytes(value) => automerge::ScalarValue::Bytes(value.clone()),
    }
}

/// The verdict on each change, by hash: what must not depend on order.
pub fn verdicts(inputs: &[Input], folded: &Folded) -> BTreeMap<ChangeHash, Verdict> {
    inputs.iter().map(|input| input.hash).zip(folded.verdicts.iter().copied()).collect()
}

/// Asserts that every order, with duplicates too, gives one document and one verdict on each change.
pub fn assert_order_does_not_matter(inputs: &[Input], rng: &mut Rng, orders: usize, context: &str) -> Folded {
    let first = fold(inputs);
    let expected = verdicts(inputs, &first);
    for _ in 0..orders {
        let other = rng.shuffled_with_duplicates(inputs);
        let folded = fold(&other);
        assert_eq!(folded.document, first.document, "{context}");
        assert_eq!(verdicts(&other, &folded), expected, "{context}");
        let steps = |inputs: &[Input], folded: &Folded| {
            let step = |step: &outlay_ledger::fold::Step| (inputs[step.change].hash, step.before.clone());
            folded.steps.iter().map(step).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(steps(&other, &folded), steps(inputs, &first), "{context}: what each change replaced");
    }
    first
}

/// How a history is made.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub replicas: usize,
    pub steps: usize,
    /// Of each hundred edits, how many come from a process that has just been started.
    pub restarts: usize,
    /// Of each hundred steps, how many exchange what two replicas hold.
    pub exchanges: usize,
    /// Content-derived roots; without any, a feed makes the document.
    pub facts: usize,
    /// Whether `state` gets another value in every change, as in byte comparisons with automerge, which drops equal puts.
    pub states_differ: bool,
}

impl Plan {
    /// A plan of a few replicas, drawn from the seed.
    pub fn random(rng: &mut Rng) -> Self {
        Self {
            replicas: 1 + rng.below(5),
            steps: 4 + rng.below(28),
            restarts: *rng.pick(&[0, 10, 40]),
            exchanges: *rng.pick(&[10, 25, 45, 70]),
            facts: *rng.pick(&[0, 0, 1, 2, 3]),
            states_differ: rng.chance(50),
        }
    }
}

/// A process on a device, and what it holds of the document.
#[derive(Debug, Clone)]
pub struct Replica {
    pub actor: Actor,
    /// All it has written as: one for each process.
    pub actors: Vec<Actor>,
    /// Indices into the history.
    pub held: Vec<usize>,
    pub document: Document,
}

/// The changes that some replicas made of one document.
#[derive(Debug, Clone)]
pub struct History {
    /// In an order in which each comes after those it was made on top of.
    pub inputs: Vec<Input>,
    pub replicas: Vec<Replica>,
    counter: u64,
    tag: u8,
    states_differ: bool,
}

impl History {
    /// The history of a plan.
    pub fn honest(plan: Plan, rng: &mut Rng) -> Self {
        let mut history = Self::begun(plan, rng);
        for _ in 0..plan.steps {
            let at = rng.below(history.replicas.len());
            if rng.chance(plan.exchanges) {
                let from = rng.below(history.replicas.len());
                history.exchange(from, at);
            } else {
                if rng.chance(plan.restarts) {
                    history.restart(at, rng);
                }
                history.edit(at, rng);
            }
        }
        history
    }

    /// The document exists and every replica holds some root of it.
    pub fn begun(plan: Plan, rng: &mut Rng) -> Self {
        let (tag, states_differ) = (rng.next().to_le_bytes()[0], plan.states_differ);
        let mut history = Self { inputs: Vec::new(), replicas: Vec::new(), counter: 0, tag, states_differ };
        for _ in 0..plan.replicas {
            let actor = history.new_actor(rng);
            history.replicas.push(Replica {
                actor,
                actors: vec![actor],
                held: Vec::new(),
                document: Document::default(),
            });
        }
        if plan.facts == 0 {
            let root = Document::create(history.replicas[0].actor, Thing::Expense, expense_puts(rng));
            history.write(0, input(root, ActorForm::Feed));
        }
        let document = DocumentId([0x80 | tag; 16]);
        for fact in 0..plan.facts {
            let root = content_root(&document, Thing::Expense, expense_puts(rng));
            history.write(fact % plan.replicas, root);
        }
        for at in 0..plan.replicas {
            if history.replicas[at].held.is_empty() {
                history.exchange(0, at);
            }
        }
        history
    }

    /// One edit by a replica, unless it would change nothing. Returns the index of the change.
    pub fn edit(&mut self, at: usize, rng: &mut Rng) -> Option<usize> {
        let puts = self.random_puts(&self.replicas[at].document.clone(), rng);
        let change = self.replicas[at].document.edit(self.replicas[at].actor, puts)?;
        Some(self.write(at, input(change, ActorForm::Feed)))
    }

    /// A new process of the replica: a new feed, what it holds stays.
    pub fn restart(&mut self, at: usize, rng: &mut Rng) {
        let actor = self.new_actor(rng);
        self.replicas[at].actor = actor;
        self.replicas[at].actors.push(actor);
    }

    /// What `from` holds, `to` holds too.
    pub fn exchange(&mut self, from: usize, to: usize) {
        let new: Vec<_> =
            self.replicas[from].held.iter().copied().filter(|index| !self.replicas[to].held.contains(index)).collect();
        if !new.is_empty() {
            self.replicas[to].held.extend(new);
            self.replicas[to].document = fold(&self.held_by(to)).document;
        }
    }

    /// All changes that a replica holds.
    pub fn held_by(&self, at: usize) -> Vec<Input> {
        self.replicas[at].held.iter().map(|index| self.inputs[*index].clone()).collect()
    }

    fn write(&mut self, at: usize, input: Input) -> usize {
        // Two devices that import the same row make the same change.
        let index = self.inputs.iter().position(|held| held.hash == input.hash).unwrap_or(self.inputs.len());
        if index == self.inputs.len() {
            self.inputs.push(input.clone());
        }
        if !self.replicas[at].held.contains(&index) {
            self.replicas[at].held.push(index);
            if !self.replicas[at].document.apply_next(&input) {
                self.replicas[at].document = fold(&self.held_by(at)).document;
            }
        }
        index
    }

    fn new_actor(&mut self, rng: &mut Rng) -> Actor {
        self.counter += 1;
        let mut actor = rng.bytes::<16>();
        actor[8..].copy_from_slice(&self.counter.to_be_bytes());
        actor
    }

    fn random_puts(&mut self, document: &Document, rng: &mut Rng) -> Vec<Put> {
        let mut puts = BTreeMap::new();
        for _ in 0..=rng.below(3) {
            let put = random_put(rng);
            puts.insert(put.key.clone(), put);
        }
        if rng.chance(20) {
            // Settles a conflict with the value shown.
            if let Some(key) = document.conflicting_keys().first().filter(|key| **key != field::STATE) {
                let shown = document.winner(key).expect("it has values").clone();
                puts.insert((*key).to_owned(), Put::new(*key, shown));
            }
        }
        if self.states_differ {
            self.counter += 1;
            let state = if rng.chance(20) { field::DELETED } else { Scalar::Uint(self.counter) };
            puts.insert(field::STATE.to_owned(), Put::new(field::STATE, state));
        } else if rng.chance(15) {
            let state = if document.is_deleted() { field::LIVE } else { field::DELETED };
            puts.insert(field::STATE.to_owned(), Put::new(field::STATE, state));
        }
        puts.into_values().collect()
    }
}

/// A money register of a few cents.
pub fn money(minor: i64) -> Scalar {
    let amount = Money::new(minor, Currency::parse("EUR").expect("euros")).expect("a small amount");
    Scalar::Bytes(Entry::new(EntryKind::Expense, amount).encode())
}

/// One of few files, under one of few names.
pub fn attachment(number: u8, name: usize) -> Attachment {
    let name = ["", "receipt.jpg"][name].to_owned();
    Attachment { hash: BlobHash([number; 32]), bytes: 1 + u64::from(number), media_type: "image/jpeg".into(), name }
}

/// The least an expense has.
pub fn expense() -> Vec<Put> {
    vec![Put::new(field::DATE, Scalar::Int(20_000)), Put::new(field::MONEY, money(340))]
}

fn expense_puts(rng: &mut Rng) -> Vec<Put> {
    let mut puts = vec![random_date(rng), Put::new(field::MONEY, money(rng.below(4) as i64))];
    if rng.chance(50) {
        puts.push(Put::new(field::PAYEE, Scalar::Str("Corner Café".into())));
    }
    puts
}

fn random_date(rng: &mut Rng) -> Put {
    Put::new(field::DATE, Scalar::Int(20_000 + rng.below(3) as i64))
}

/// A put of one of few values, so that equal ones meet too.
fn random_put(rng: &mut Rng) -> Put {
    match rng.below(12) {
        0 => random_date(rng),
        1 => Put::new(field::MONEY, money(rng.below(4) as i64)),
        2 => Put::new(field::PAYEE, Scalar::Str(["", "Bäcker", "Corner Café"][rng.below(3)].into())),
        3 => Put::new(field::NOTE, if rng.chance(30) { Scalar::Null } else { Scalar::Str("n".repeat(rng.below(200))) }),
        4 => Put::new(field::CATEGORY, Scalar::Bytes(vec![rng.below(3).to_le_bytes()[0]; 16])),
        5 => Put::new(format!("tag:{}", ["a", "holiday", "Ü"][rng.below(3)]), Scalar::Bool(rng.chance(50))),
        6 => Put::new(field::TIME, if rng.chance(20) { Scalar::Null } else { Scalar::Uint(rng.next() % 86_400) }),
        7 | 8 => {
            let file = attachment(rng.below(3).to_le_bytes()[0], rng.below(2));
            let value = if rng.chance(30) { Scalar::Null } else { Scalar::Bytes(file.encode()) };
            Put::new(outlay_ledger::attachment::key(&file.hash), value)
        }
        9 => Put::new(field::COMMITMENT, Scalar::Str(["confirmed", "dismissed", "newer"][rng.below(3)].into())),
        10 => Put::new("x.newer:field-1", Scalar::Int([0, -1, i64::MIN, i64::MAX, 300][rng.below(5)])),
        _ => Put::new("zz_newer", [Scalar::Uint(u64::MAX), Scalar::Bytes(vec![]), Scalar::Null][rng.below(3)].clone()),
    }
}
