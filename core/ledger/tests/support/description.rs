//! What is read from commits, as text: the second half of a golden vector.
//!
//! Written by hand and not with `Debug`, so that renaming something in the code changes no vector.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use outlay_ledger::admit::admit;
use outlay_ledger::change::{Actor, Change, OpId, Scalar};
use outlay_ledger::commit::{ActorForm, Commit, Kind, Record, Salts, action_of, actor};
use outlay_ledger::field;
use outlay_ledger::fold::{Document, Input, Verdict, fold};
use outlay_ledger::id::DocumentId;
use outlay_ledger::member::{MemberOperation, Purge};
use outlay_ledger::{CommitId, Date, EntryKind, MemberId, Method, Money, Part, Register};

use super::FACT_KEY;

/// Bytes of a line of hexadecimal digits.
const LINE_BYTES: usize = 48;

/// Lines of `name = value`, indented.
#[derive(Default)]
pub struct Description {
    text: String,
    depth: usize,
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of digits as they stand in a file, over several lines too.
pub fn unhex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect()
}

impl Description {
    /// What all the commits say, one after the other, and the documents they make.
    pub fn of(commits: &[Vec<u8>]) -> String {
        let mut description = Self::default();
        let mut inputs: BTreeMap<DocumentId, Vec<Input>> = BTreeMap::new();
        for bytes in commits {
            description.commit(bytes, &mut inputs);
        }
        for (document, inputs) in &inputs {
            description.document(document, inputs);
        }
        description.text
    }

    fn line(&mut self, name: impl Display, value: impl Display) {
        let indent = "  ".repeat(self.depth);
        writeln!(self.text, "{indent}{name} = {value}").expect("a string takes every line");
    }

    /// The commit itself begins a line of its own and goes on over as many as it needs.
    fn bytes(&mut self, bytes: &[u8]) {
        self.text.push_str("\ncommit =\n");
        for part in bytes.chunks(LINE_BYTES) {
            writeln!(self.text, "  {}", hex(part)).expect("a string takes every line");
        }
    }

    fn commit(&mut self, bytes: &[u8], inputs: &mut BTreeMap<DocumentId, Vec<Input>>) {
        let commit = Commit::decode(bytes).expect("a golden vector is a commit");
        assert_eq!(commit.encode(), bytes, "in its one encoding");
        let id = commit.id();
        self.bytes(bytes);
        self.line("id", id);
        self.line("signed", commit.is_signed(&id));
        self.header(&commit, &id);
        let ids: Vec<_> = commit.record_ids().collect();
        for ((n, record), id) in (commit.header.first..).zip(&commit.records).zip(ids) {
            self.line(format!("record {n}"), id);
            self.depth += 1;
            self.record(&commit, n, record, inputs);
            self.depth -= 1;
        }
    }

    fn header(&mut self, commit: &Commit, id: &CommitId) {
        let header = &commit.header;
        self.line("version", header.version);
        self.line("newer", header.is_newer());
        self.line("genesis", header.ledger.is_none());
        self.line("ledger", commit.ledger(id));
        self.line("device", header.device);
        self.line("nonce", hex(&header.nonce));
        self.line("feed", header.feed());
        header.previous.iter().for_each(|id| self.line("previous", id));
        header.member_heads.iter().for_each(|id| self.line("member head", id));
        self.line("generation", header.generation);
        self.line("time", format!("{} ms", header.time_ms));
        self.line("action", action_of(id, header));
        header.on_behalf.iter().for_each(|member| self.line("on behalf of", member));
        for (key, value) in &header.unknown {
            self.line(format!("header field {key}"), hex(value));
        }
        match &commit.salts {
            Salts::Seed(seed) => self.line("seed", hex(seed)),
            Salts::Each(salts) => salts.iter().for_each(|salt| self.line("salt", hex(salt))),
        }
    }

    fn record(&mut self, commit: &Commit, n: u64, record: &Record, inputs: &mut BTreeMap<DocumentId, Vec<Input>>) {
        let document = commit.document(n, record);
        let form = if record.document.is_some() { "" } else { " (derived)" };
        self.line("document", format!("{document}{form}"));
        self.line("kind", record.kind.number());
        self.line("period", record.period.map_or("none".to_owned(), |month| month.to_string()));
        let Some(payload) = record.payload() else { return self.line("payload", "purged") };
        match record.kind {
            Kind::Change => self.change(commit, n, record, payload, inputs),
            Kind::Member => self.operation(&MemberOperation::decode(payload).expect("an operation"), payload),
            Kind::Purge => self.line("purges", Purge::decode(payload).expect("a purge").document),
            _ => self.line("payload", hex(payload)),
        }
    }

    fn change(
        &mut self,
        commit: &Commit,
        n: u64,
        record: &Record,
        payload: &[u8],
        inputs: &mut BTreeMap<DocumentId, Vec<Input>>,
    ) {
        let document = commit.document(n, record);
        let actor = actor(record.form, commit.header.feed(), &FACT_KEY, &document, payload);
        let (change, hash) = Change::parse(payload, actor).expect("a change");
        let form = if record.form == ActorForm::Content { "content-derived" } else { "the feed" };
        self.line("actor", format!("{} ({form})", hex(&actor)));
        self.line("change", hash);
        self.line("seq", change.seq);
        self.line("start op", change.start_op);
        change.deps.iter().for_each(|dep| self.line("made on", dep));
        for (id, op) in change.ops_with_ids() {
            let replaced = if op.pred.is_empty() { String::new() } else { format!(" instead of {}", ids(&op.pred)) };
            self.line(format!("put {} {}", id.counter, op.key), format!("{}{replaced}", value(&op.key, &op.value)));
        }
        if commit.header.is_newer() {
            return self.line("admitted", "never judged by this version");
        }
        let admitted = admit(commit, n, record, payload, &FACT_KEY).expect("an admitted change");
        inputs.entry(admitted.document).or_default().push(admitted.input);
    }

    fn document(&mut self, document: &DocumentId, inputs: &[Input]) {
        let folded = fold(inputs);
        assert!(folded.verdicts.iter().all(|verdict| *verdict == Verdict::Applied), "all of a vector counts");
        self.text.push('\n');
        self.line("document", document);
        let Document { heads, max_op, .. } = &folded.document;
        heads.iter().for_each(|head| self.line("head", head));
        self.line("greatest op", max_op);
        self.line("deleted", folded.document.is_deleted());
        for key in folded.document.keys() {
            let values: Vec<_> = folded.document.values(key);
            let shown = values.iter().map(|visible| format!("{} by {}", value(key, &visible.value), id(&visible.id)));
            self.line(key, shown.collect::<Vec<_>>().join(" | "));
        }
        folded.document.conflicting_keys().iter().for_each(|key| self.line("conflict", key));
    }

    fn operation(&mut self, operation: &MemberOperation, payload: &[u8]) {
        assert_eq!(operation.encode().expect("it was read").as_slice(), payload, "in its one encoding");
        self.line("payload", hex(payload));
        let fields = operation_fields(operation);
        self.line(format!("operation {}", operation.number()), fields.join(", "));
    }
}

fn ids(ids: &[OpId]) -> String {
    ids.iter().map(id).collect::<Vec<_>>().join(" and ")
}

fn id(id: &OpId) -> String {
    let actor: &Actor = &id.actor;
    format!("{}@{}", id.counter, hex(&actor[..4]))
}

/// A value as its register reads it.
fn value(key: &str, value: &Scalar) -> String {
    match (key, value) {
        ("date", _) => field::date(value).expect("a date").to_string(),
        ("time", Scalar::Uint(_)) => field::time(value).expect("a time").to_string(),
        ("money", Scalar::Bytes(bytes)) => format!("{}: {}", hex(bytes), register(bytes)),
        (_, Scalar::Null) => "null".to_owned(),
        (_, Scalar::Bool(value)) => value.to_string(),
        (_, Scalar::Uint(value)) => format!("unsigned {value}"),
        (_, Scalar::Int(value)) => format!("signed {value}"),
        (_, Scalar::Str(value)) => format!("{value:?}"),
        (_, Scalar::Bytes(bytes)) => format!("bytes {}", hex(bytes)),
    }
}

fn register(bytes: &[u8]) -> String {
    let entry = match Register::decode(bytes).expect("a register") {
        Register::Newer(version) => return format!("of version {version}"),
        Register::Entry(entry) => entry,
    };
    let kind = match entry.kind {
        EntryKind::Expense => "expense",
        EntryKind::Income => "income",
        EntryKind::Transfer => "transfer",
    };
    let mut text = format!("{kind} of {}", money(&entry.amount));
    let mut add = |part: String| write!(text, ", {part}").expect("a string takes all");
    entry.payers.iter().for_each(|part| add(format!("{} paid", member_part(part))));
    entry.shares.iter().for_each(|part| add(format!("{} owes", member_part(part))));
    if let Some(entered) = &entry.entered {
        let method = match entered.method {
            Method::Equally => "equally",
            Method::Amounts => "by amounts",
            Method::Percent => "by hundredths of a percent",
            Method::Weights => "by weights",
        };
        add(format!("entered {method} {:?}", entered.numbers));
    }
    if let Some(rate) = &entry.rate {
        add(format!("rate {}e-{} to {}", rate.mantissa, rate.decimals, money(&rate.converted)));
    }
    entry.from.iter().for_each(|account| add(format!("from {account}")));
    entry.to.iter().for_each(|account| add(format!("to {account}")));
    entry.received.iter().for_each(|received| add(format!("received {}", money(received))));
    text
}

fn money(money: &Money) -> String {
    format!("{} {}", money.minor(), money.currency().code())
}

fn member_part(part: &Part) -> String {
    format!("{}… {}", &part.member.to_string()[..8], part.minor)
}

fn operation_fields(operation: &MemberOperation) -> Vec<String> {
    use MemberOperation as Op;
    let commits = |commits: &[CommitId]| commits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let member = |member: &MemberId| format!("member {member}");
    match operation {
        Op::Genesis { member: who, device, fact_key } => {
            let key = fact_key.as_ref().map_or("in key records".to_owned(), |key| hex(key));
            vec!["genesis".into(), member(who), format!("device {device}"), format!("fact key {key}")]
        }
        Op::Add { member: who, device, role } => {
            vec!["add".into(), member(who), format!("device {device}"), format!("as {role}")]
        }
        Op::Remove { member: who, cut } => vec!["remove".into(), member(who), format!("cut {}", commits(cut))],
        Op::Role { member: who, role, cut } => {
            vec!["role".into(), member(who), format!("as {role}"), format!("cut {}", commits(cut))]
        }
        Op::AddDevice { member: who, device } => vec!["add device".into(), member(who), format!("device {device}")],
        Op::ReplaceDevice { member: who, old, new, cut } => vec![
            "replace device".into(),
            member(who),
            format!("old {old}"),
            format!("new {new}"),
            format!("cut {}", commits(cut)),
        ],
        Op::Invite { invite_key, role, member: who, expires_s } => [
            "invite".into(),
            format!("key {invite_key}"),
            format!("as {role}"),
            who.as_ref().map_or("anybody".to_owned(), member),
        ]
        .into_iter()
        .chain(expires_s.map(|expires_s| format!("until {expires_s}")))
        .collect(),
        Op::Accept { commits: accepted } => vec!["accept".into(), commits(accepted)],
        Op::Server { key, up_to, on_behalf } => {
            vec!["server".into(), format!("key {key}"), format!("up to {up_to}"), format!("on behalf {on_behalf}")]
        }
        Op::RevokeServer { key, cut } => {
            vec!["revoke server".into(), format!("key {key}"), format!("cut {}", commits(cut))]
        }
        Op::Confirm { device } => vec!["confirm".into(), format!("device {device}")],
        Op::Join { member: who, device, invite_key, signature } => vec![
            "join".into(),
            member(who),
            format!("device {device}"),
            format!("invite key {invite_key}"),
            format!("signature {}", hex(signature)),
        ],
        Op::RemoveDevice { member: who, device, cut } => {
            vec!["remove device".into(), member(who), format!("device {device}"), format!("cut {}", commits(cut))]
        }
        Op::Unknown { .. } => vec!["of a newer version".into()],
    }
}

/// The date of a day in these tests.
pub fn date(text: &str) -> Scalar {
    Scalar::Int(i64::from(Date::parse(text).expect("a date").days()))
}
