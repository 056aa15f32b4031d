//! Requests and what is answered to them, as text: one after the other on one server.
//!
//! A request is its line, with `as` and the name of an access token, its fields, and its body. Below it are the status of
//! the answer, the fields that are not those of every answer, and the whole body. An empty line ends it.
//!
//! What is another in each run stands as `<kind>` or `<kind name>`: `id`, `key` and `signature` are hexadecimal digits, `time`
//! is milliseconds since 1970, and there are `number` and `text`. A name keeps what was read there, and `<name>` is that from
//! then on, in requests and in answers.

use std::collections::{BTreeMap, BTreeSet};

use outlay_ledger::hex;
use serde_json::Value;

use crate::description::{committed, operations};
use crate::support::{Reply, Server, request};

/// Fields of every answer: what they say is not told again.
const EVERYWHERE: [(&str, &str); 3] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];
/// Fields that say nothing of the page.
const OF_TRANSPORT: [&str; 7] =
    ["connection", "content-length", "date", "ratelimit", "ratelimit-policy", "transfer-encoding", "x-request-id"];
/// Pages that refuse nobody.
const NEVER_REFUSED: [(&str, &str); 1] = [("/livez", "get")];

/// What was asked and answered so far.
pub(crate) struct Story {
    pub(crate) server: Server,
    names: BTreeMap<String, String>,
    asked: BTreeSet<(String, String, bool)>,
    wrong: Vec<String>,
}

/// A request and what is to be answered to it.
struct Entry {
    line: String,
    fields: Vec<(String, String)>,
    body: String,
    status: u16,
    answer_fields: BTreeMap<String, String>,
    answer_body: String,
}

impl Story {
    pub(crate) fn begin(server: Server) -> Self {
        Self { server, names: BTreeMap::new(), asked: BTreeSet::new(), wrong: Vec::new() }
    }

    /// Gives something a name.
    pub(crate) fn know(&mut self, name: &str, value: impl Into<String>) {
        self.names.insert(name.to_owned(), value.into());
    }

    /// What a name stands for.
    pub(crate) fn name(&self, name: &str) -> &str {
        self.names.get(name).unwrap_or_else(|| panic!("<{name}> was read nowhere"))
    }

    pub(crate) fn tell(&mut self, text: &str) {
        let entries: Vec<String> = text.split("\n\n").map(str::trim).map(str::to_owned).collect();
        for entry in entries.iter().filter(|entry| !entry.is_empty()) {
            let entry = Entry::read(entry);
            let reply = self.ask(&entry);
            let (path, method) = self.operation(&entry.line);
            self.answered(&path, &method, reply.status);
            if !self.is_as_told(&entry, &reply) {
                self.wrong.push(format!("{}\nis answered\n{}", entry.line, self.shown(&reply)));
            }
        }
    }

    /// Notes what a page has answered that cannot be told as text.
    pub(crate) fn answered(&mut self, path: &str, method: &str, status: u16) {
        self.asked.insert((path.to_owned(), method.to_owned(), status < 400));
    }

    /// Whether everything was answered as told, and every page was told of, done and refused.
    pub(crate) fn end(self) {
        assert!(self.wrong.is_empty(), "{} of them:\n\n{}", self.wrong.len(), self.wrong.join("\n\n"));
        let description = committed();
        let all = operations(&description)
            .into_iter()
            .flat_map(|(path, method, _)| [(path, method, true), (path, method, false)]);
        let is_told = |path: &str, method: &str, is_done: bool| {
            let never = !is_done && NEVER_REFUSED.contains(&(path, method));
            never || self.asked.contains(&(path.to_owned(), method.to_owned(), is_done))
        };
        let missing: Vec<_> = all.filter(|(path, method, is_done)| !is_told(path, method, *is_done)).collect();
        assert!(missing.is_empty(), "tell what these answer when they do it (true) and when they refuse: {missing:#?}");
    }

    fn ask(&self, entry: &Entry) -> Reply {
        let line = self.filled(&entry.line);
        let words: Vec<&str> = line.split(' ').collect();
        let mut fields: Vec<(String, String)> =
            entry.fields.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect();
        if let [_, _, "as", name] = words[..] {
            fields.push(("authorization".to_owned(), format!("Bearer {}", self.name(name))));
        }
        if entry.body.starts_with('{') && !fields.iter().any(|(name, _)| name == "content-type") {
            fields.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        request(&self.server.address, words[0], words[1], &fields, self.filled(&entry.body).as_bytes())
    }

    /// Path and method of the description that a request is for.
    fn operation(&self, line: &str) -> (String, String) {
        let mut words = line.split(' ');
        let method = words.next().unwrap().to_lowercase();
        let target = words.next().unwrap();
        let parts: Vec<&str> = target.split('?').next().unwrap().split('/').collect();
        let description = committed();
        let fits = |path: &str| {
            let places: Vec<&str> = path.split('/').collect();
            places.len() == parts.len()
                && places.iter().zip(&parts).all(|(place, part)| place.starts_with('{') || place == part)
        };
        let all = operations(&description).into_iter().filter(|(path, of, _)| *of == method && fits(path));
        // A word is meant before a place for any.
        let best = all.min_by_key(|(path, ..)| path.matches('{').count());
        best.map_or_else(|| panic!("{line} is not described"), |(path, ..)| (path.to_owned(), method))
    }

    /// A text with what its names stand for.
    fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.names {
            filled = filled.replace(&format!("<{name}>"), value);
        }
        assert!(!filled.contains('<'), "something of this was read nowhere: {filled}");
        filled
    }

    fn is_as_told(&mut self, entry: &Entry, reply: &Reply) -> bool {
        let fields = fields_of(reply);
        let names: Vec<&String> = fields.keys().collect();
        reply.status == entry.status
            && names == entry.answer_fields.keys().collect::<Vec<_>>()
            && entry.answer_fields.iter().all(|(name, told)| self.is_text(told, &fields[name]))
            && self.is_body(&entry.answer_body, reply)
    }

    fn is_body(&mut self, told: &str, reply: &Reply) -> bool {
        match serde_json::from_str(told) {
            Ok(told) => self.is_value(&told, &body_of(reply)),
            Err(_) => self.is_text(told, String::from_utf8_lossy(&reply.body).trim_end()),
        }
    }

    fn is_value(&mut self, told: &Value, value: &Value) -> bool {
        match (told, value) {
            (Value::Object(told), Value::Object(value)) => {
                // What is there is read even where something else is missing, so that what comes after can be asked.
                let has_all = told.keys().eq(value.keys());
                let known = told.iter().filter_map(|(key, told)| Some((told, value.get(key)?)));
                known.fold(has_all, |is_alike, (told, value)| self.is_value(told, value) && is_alike)
            }
            (Value::Array(told), Value::Array(value)) => {
                let has_all = told.len() == value.len();
                told.iter().zip(value).fold(has_all, |is_alike, (told, value)| self.is_value(told, value) && is_alike)
            }
            (Value::String(told), Value::String(value)) => self.is_text(told, value),
            (Value::String(told), Value::Number(value)) if told.starts_with("<time") || told == "<number>" => {
                self.is_text(told, &value.to_string())
            }
            _ => told == value,
        }
    }

    fn is_text(&mut self, told: &str, text: &str) -> bool {
        let Some((before, rest)) = told.split_once('<') else { return told == text };
        let (Some(text), Some((place, after))) = (text.strip_prefix(before), rest.split_once('>')) else {
            return false;
        };
        let (kind, name) = place.split_once(' ').map_or((place, None), |(kind, name)| (kind, Some(name)));
        let Some(length) = length_of(kind, text, after) else {
            let known = self.name(place).to_owned();
            return text.strip_prefix(known.as_str()).is_some_and(|text| self.is_text(after, text));
        };
        let Some((value, text)) = text.split_at_checked(length) else { return false };
        let is_one = match kind {
            "id" | "key" | "signature" => value.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "time" => value.bytes().all(|byte| byte.is_ascii_digit()),
            _ => !value.is_empty(),
        };
        if let Some(name) = name.filter(|_| is_one) {
            self.know(name, value);
        }
        is_one && self.is_text(after, text)
    }

    /// An answer as it can be told.
    fn shown(&self, reply: &Reply) -> String {
        let fields =
            fields_of(reply).into_iter().map(|(name, value)| format!("{name}: {}", self.without_names(&value)));
        let body = match body_of(reply) {
            Value::Null => String::from_utf8_lossy(&reply.body).into_owned(),
            json => self.shown_value(&json).to_string(),
        };
        let lines: Vec<String> = [reply.status.to_string()].into_iter().chain(fields).chain([body]).collect();
        lines.join("\n").trim_end().to_owned()
    }

    fn shown_value(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), self.shown_value(value))).collect(),
            Value::Array(items) => items.iter().map(|item| self.shown_value(item)).collect(),
            Value::String(text) => self.without_names(text).into(),
            Value::Number(number) if number.as_i64() > Some(1_000_000_000_000) => "<time>".into(),
            other => other.clone(),
        }
    }

    fn without_names(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        // Shorter ones may stand in others by chance.
        for (name, value) in self.names.iter().filter(|(_, value)| value.len() >= 8) {
            shown = shown.replace(value.as_str(), &format!("<{name}>"));
        }
        match shown.len() {
            32 if hex::fixed::<16>(&shown).is_some() => "<id>".to_owned(),
            64 if hex::fixed::<32>(&shown).is_some() => "<key>".to_owned(),
            128 if hex::fixed::<64>(&shown).is_some() => "<signature>".to_owned(),
            _ => shown,
        }
    }
}

/// Bytes of what stands for a kind; `None` if it is none.
fn length_of(kind: &str, text: &str, after: &str) -> Option<usize> {
    match kind.split(' ').next() {
        Some("id") => Some(32),
        Some("key") => Some(64),
        Some("signature") => Some(128),
        Some("time") => Some(13),
        Some("number") => Some(text.bytes().take_while(u8::is_ascii_digit).count()),
        Some("text") if after.is_empty() => Some(text.len()),
        Some("text") => text.find(after.split('<').next().unwrap_or_default()).or(Some(usize::MAX)),
        _ => None,
    }
}

/// The fields that are not those of every answer, which are looked at here.
fn fields_of(reply: &Reply) -> BTreeMap<String, String> {
    for (name, value) in EVERYWHERE {
        assert_eq!(reply.header(name).as_deref(), Some(value), "{}", reply.headers);
    }
    assert!(reply.header("x-request-id").is_some(), "{}", reply.headers);
    let kind = if reply.status < 400 { "application/json" } else { "application/problem+json" };
    let lines = reply.headers.lines().filter_map(|line| line.split_once(": "));
    let fields = lines.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let is_said = |name: &str, value: &str| match name {
        "content-type" => value != kind,
        "cache-control" => value != "no-store",
        _ => !OF_TRANSPORT.contains(&name) && EVERYWHERE.iter().all(|(everywhere, _)| name != *everywhere),
    };
    fields.filter(|(name, value)| is_said(name, value)).collect()
}

/// The body as JSON, without the id of the request.
fn body_of(reply: &Reply) -> Value {
    let is_problem = reply.header("content-type").as_deref() == Some("application/problem+json");
    if is_problem { reply.problem() } else { reply.json() }
}

impl Entry {
    fn read(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let status = |line: &&str| line.len() == 3 && line.bytes().all(|byte| byte.is_ascii_digit());
        let at = lines.iter().position(status).unwrap_or_else(|| panic!("no status in {text}"));
        let (fields, body) = parts(&lines[1..at]);
        let (answer_fields, answer_body) = parts(&lines[at + 1..]);
        let (line, status) = (lines[0].to_owned(), lines[at].parse().unwrap());
        Self { line, fields, body, status, answer_fields: answer_fields.into_iter().collect(), answer_body }
    }
}

/// Fields, and what follows them.
fn parts(lines: &[&str]) -> (Vec<(String, String)>, String) {
    let field = |line: &&str| {
        let (name, value) = line.split_once(": ")?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        is_name.then(|| (name.to_owned(), value.to_owned()))
    };
    let fields: Vec<_> = lines.iter().map_while(field).collect();
    let body = lines[fields.len()..].join("\n");
    (fields, body)
}
