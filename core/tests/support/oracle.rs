//! A ledger read with the automerge crate alone.
//!
//! Commits give payloads, payloads give chunks, and automerge says what is visible. The one rule of this format that
//! automerge does not know is applied here: where a feed has written a register, values of content-derived changes stand
//! back.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ROOT, ReadDoc, ScalarValue, Value};
use outlay_core::{Date, DocumentId, EntryKind, FieldValue, Money, Named, TimeOfDay};
use outlay_ledger::change::chunk;
use outlay_ledger::commit::{ActorForm, Kind, actor};
use outlay_ledger::{Entry, Register};

use super::forge::View;

/// The things of a ledger as automerge has them.
pub struct Oracle {
    documents: BTreeMap<DocumentId, Held>,
}

/// A document, and which of its actors no feed has.
struct Held {
    automerge: Automerge,
    of_content: BTreeSet<Vec<u8>>,
}

impl Oracle {
    /// Reads every change that commits hold. All must be honest: automerge takes in what it can.
    pub fn of(view: &View) -> Self {
        let fact_key = view.fact_key();
        let mut chunks: BTreeMap<DocumentId, Vec<Vec<u8>>> = BTreeMap::new();
        let mut of_content: BTreeMap<DocumentId, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for commit in view.commits.values() {
            for (n, record) in (commit.header.first..).zip(&commit.records) {
                let (Kind::Change, Some(payload)) = (record.kind, record.payload()) else { continue };
                let document = commit.document(n, record);
                let actor = actor(record.form, commit.header.feed(), &fact_key, &document, payload);
                if record.form == ActorForm::Content {
                    of_content.entry(document).or_default().insert(actor.to_vec());
                }
                chunks.entry(document).or_default().push(chunk(payload, actor).expect("a payload"));
            }
        }
        let documents = chunks.into_iter().map(|(document, chunks)| {
            let changes = chunks.into_iter().map(|chunk| automerge::Change::from_bytes(chunk).expect("a change"));
            let mut automerge = Automerge::new();
            automerge.apply_changes(changes).expect("honest changes apply");
            let saved = Automerge::load(&automerge.save()).expect("loads what it saved");
            let of_content = of_content.remove(&document).unwrap_or_default();
            (document, Held { automerge: saved, of_content })
        });
        Self { documents: documents.collect() }
    }

    /// The documents whose `type` is this.
    pub fn of_type(&self, number: u64) -> Vec<DocumentId> {
        let is = |id: &&DocumentId| self.shown(id, "type") == Some(ScalarValue::Uint(number));
        self.documents.keys().filter(is).copied().collect()
    }

    /// The values of a register that count, each once, the one automerge shows first.
    pub fn values(&self, id: &DocumentId, key: &str) -> Vec<ScalarValue> {
        let Some(held) = self.documents.get(id) else { return Vec::new() };
        let all = held.automerge.get_all(ROOT, key).expect("the root is a map");
        let of_content = |id: &automerge::ObjId| match id {
            automerge::ObjId::Id(_, actor, _) => held.of_content.contains(actor.to_bytes()),
            automerge::ObjId::Root => false,
        };
        let has_feed = all.iter().any(|(_, id)| !of_content(id));
        let mut values = Vec::new();
        for (value, id) in all.iter().rev() {
            let Value::Scalar(value) = value else { panic!("a register that is none") };
            if (!has_feed || !of_content(id)) && !values.contains(value.as_ref()) {
                values.push(value.as_ref().clone());
            }
        }
        if key == "state" {
            values.sort_by_key(|value| *value == ScalarValue::Uint(0));
        }
        values
    }

    pub fn keys(&self, id: &DocumentId) -> Vec<String> {
        self.documents[id].automerge.keys(ROOT).collect()
    }

    /// What is shown of a register.
    pub fn shown(&self, id: &DocumentId, key: &str) -> Option<ScalarValue> {
        self.values(id, key).into_iter().next()
    }

    pub fn is_deleted(&self, id: &DocumentId) -> bool {
        self.shown(id, "state") == Some(ScalarValue::Uint(0))
    }

    pub fn text(&self, id: &DocumentId, key: &str) -> String {
        match self.shown(id, key) {
            Some(ScalarValue::Str(text)) => text.to_string(),
            _ => String::new(),
        }
    }

    pub fn entry(&self, id: &DocumentId) -> Option<Entry> {
        match self.shown(id, "money") {
            Some(ScalarValue::Bytes(bytes)) => match Register::decode(&bytes) {
                Ok(Register::Entry(entry)) => Some(entry),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn kind(&self, id: &DocumentId) -> Option<EntryKind> {
        self.entry(id).map(|entry| entry.kind)
    }

    pub fn amount(&self, id: &DocumentId) -> Option<Money> {
        self.entry(id).map(|entry| entry.amount)
    }

    pub fn date(&self, id: &DocumentId) -> Option<Date> {
        self.shown(id, "date").and_then(|value| date(&value))
    }

    pub fn time(&self, id: &DocumentId) -> Option<TimeOfDay> {
        self.shown(id, "time").and_then(|value| time(&value))
    }

    pub fn tags(&self, id: &DocumentId) -> Vec<String> {
        let is_set = |key: &String| self.shown(id, key) == Some(ScalarValue::Boolean(true));
        let tags = self.keys(id).into_iter().filter(|key| key.starts_with("tag:")).filter(is_set);
        tags.map(|key| key[4..].to_owned()).collect()
    }

    /// The account of a transfer's giving side, or that of anything else.
    pub fn account(&self, id: &DocumentId) -> Option<Named> {
        match self.entry(id) {
            Some(entry) if entry.kind == EntryKind::Transfer => entry.from.and_then(|id| self.named(id)),
            _ => self.reference(id, "account").and_then(|id| self.named(id)),
        }
    }

    pub fn to_account(&self, id: &DocumentId) -> Option<Named> {
        self.entry(id)?.to.and_then(|id| self.named(id))
    }

    pub fn category(&self, id: &DocumentId) -> Option<Named> {
        self.reference(id, "category").and_then(|id| self.category_path(id))
    }

    pub fn reference(&self, id: &DocumentId, key: &str) -> Option<DocumentId> {
        match self.shown(id, key) {
            Some(ScalarValue::Bytes(bytes)) => bytes.as_slice().try_into().ok().map(DocumentId),
            _ => None,
        }
    }

    /// An account that is held and not deleted.
    fn named(&self, id: DocumentId) -> Option<Named> {
        let is_account = self.shown(&id, "type") == Some(ScalarValue::Uint(3)) && !self.is_deleted(&id);
        is_account.then(|| Named { id, name: self.text(&id, "name") })
    }

    /// The path of a category that is held and not deleted. No circles here.
    fn category_path(&self, id: DocumentId) -> Option<Named> {
        let is_category =
            |id: &DocumentId| self.shown(id, "type") == Some(ScalarValue::Uint(4)) && !self.is_deleted(id);
        let (mut names, mut next) = (Vec::new(), Some(id));
        while let Some(id) = next.filter(|id| is_category(id) && names.len() < 16) {
            names.push(self.text(&id, "name"));
            next = self.reference(&id, "parent");
        }
        names.reverse();
        (!names.is_empty()).then(|| Named { id, name: names.join(":") })
    }

    /// A value of a register as the engine is to show it in a conflict.
    pub fn field_value(&self, key: &str, value: &ScalarValue) -> FieldValue {
        let unnamed = |id| Named { id, name: String::new() };
        let account = |id| self.named(id).unwrap_or_else(|| unnamed(id));
        match (key, value) {
            (_, ScalarValue::Null) => FieldValue::Empty,
            ("money", ScalarValue::Bytes(bytes)) => match Register::decode(bytes) {
                Ok(Register::Entry(entry)) => FieldValue::Money {
                    kind: entry.kind,
                    amount: entry.amount,
                    from: entry.from.map(account),
                    to: entry.to.map(account),
                },
                _ => FieldValue::Newer,
            },
            ("state", value) => FieldValue::Flag(*value == ScalarValue::Uint(0)),
            ("date", value) => FieldValue::Date(date(value).expect("a date")),
            ("time", value) => FieldValue::Time(time(value).expect("a time")),
            (_, ScalarValue::Boolean(value)) => FieldValue::Flag(*value),
            (key, ScalarValue::Bytes(bytes)) => {
                let id = DocumentId(bytes.as_slice().try_into().expect("an id"));
                let named = match key {
                    "account" => self.named(id),
                    "refund_of" => self.shown(&id, "payee").map(|_| Named { id, name: self.text(&id, "payee") }),
                    _ => self.category_path(id),
                };
                FieldValue::Thing(named.unwrap_or_else(|| unnamed(id)))
            }
            (_, ScalarValue::Str(text)) => FieldValue::Text(text.to_string()),
            _ => FieldValue::Newer,
        }
    }

    /// Every register with more than one distinct value, with those values.
    pub fn conflicts(&self) -> BTreeMap<(DocumentId, String), Vec<FieldValue>> {
        let mut conflicts = BTreeMap::new();
        for id in self.documents.keys() {
            for key in self.keys(id) {
                let values = self.values(id, &key);
                if values.len() > 1 {
                    let shown = values.iter().map(|value| self.field_value(&key, value)).collect();
                    let field = match key.as_str() {
                        "money" => "amount".to_owned(),
                        "state" => "deleted".to_owned(),
                        _ => key,
                    };
                    conflicts.insert((*id, field), shown);
                }
            }
        }
        conflicts
    }
}

fn date(value: &ScalarValue) -> Option<Date> {
    match value {
        ScalarValue::Int(days) => i32::try_from(*days).ok().and_then(Date::from_days),
        _ => None,
    }
}

fn time(value: &ScalarValue) -> Option<TimeOfDay> {
    match value {
        ScalarValue::Uint(seconds) => u32::try_from(*seconds).ok().and_then(TimeOfDay::from_seconds),
        _ => None,
    }
}
