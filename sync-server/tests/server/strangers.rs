//! Somebody with an account of his own, and the ids of somebody else's things: for every page of the description and every
//! message of sync he is told what he is told of ids that do not exist, and never sees a byte of what they name.
//!
//! A page that is new is tried by itself, as long as what its path names is known here.

use std::collections::{BTreeMap, HashSet};

use outlay_ledger::{CommitId, LedgerId};
use outlay_protocol::message::{Auth, Fetch, Hello, Mode, Older, Open, Push};
use outlay_protocol::{Cursor, Ladder, Message, Place, batch, proof};
use serde_json::{Value, json};

use crate::description::{committed, operations};
use crate::support::{Account, Device, PASSWORD, Reply, Server, Socket, decode, opening, request};
use crate::tenants::Tenant;

/// Ends the account of whoever asks, so that it is asked last.
const LAST: (&str, &str) = ("/v1/me", "delete");
/// Fields that name nothing that there is, and with which a body is refused before ids are looked at: an expense does not
/// have them together with its others, and an admission is a whole commit.
const LEFT_OUT: [&str; 3] = ["admission", "external_id", "to_account"];
/// Needs an address that nobody has, of which there is none to ask twice with.
const FOR_NEW_ADDRESSES: &str = "/v1/auth/signup";

/// What can be named, by what it is called in paths and schemas.
#[derive(Clone)]
struct Names(BTreeMap<&'static str, Vec<String>>);

impl Names {
    fn of(tenant: &Tenant) -> Self {
        let things = [tenant.expense.clone(), tenant.ledger.to_string()];
        let ids = [&tenant.session, &tenant.token.0, &tenant.account.id, &tenant.webhook].map(String::clone);
        Self(BTreeMap::from([
            ("ledger", vec![tenant.ledger.to_string()]),
            ("expense", vec![tenant.expense.clone()]),
            ("id", [&ids[..], &things[..]].concat()),
            ("key", vec![tenant.phone.key(), tenant.tablet.key()]),
            ("hash", vec![tenant.hash()]),
        ]))
    }

    /// As many names of each kind as `other` has, of nothing that there is.
    fn of_nothing(other: &Self) -> Self {
        let key = Device::new(77).key();
        let nothing = |kind: &str| match kind {
            "key" => key.clone(),
            "hash" => "0123456789abcdef".repeat(4),
            _ => "0123456789abcdef".repeat(2),
        };
        Self(other.0.iter().map(|(kind, names)| (*kind, vec![nothing(kind); names.len()])).collect())
    }

    fn name(&self, kind: &str, at: usize) -> &str {
        let names = self.0.get(kind).unwrap_or_else(|| panic!("tell Names what {{{kind}}} of a path is"));
        &names[at % names.len()]
    }
}

/// A page, and which of its parts name something.
struct Page<'a> {
    path: &'a str,
    method: &'a str,
    operation: &'a Value,
    description: &'a Value,
}

impl Page<'_> {
    fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = all.iter().filter(|parameter| parameter["in"] == place);
        named.map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    /// A body with everything that there can be in it, of these names.
    fn body(&self, names: &Names, at: usize) -> Value {
        let schema = &self.operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() { Value::Null } else { self.filled(schema, "", names, at) }
    }

    fn filled(&self, schema: &Value, key: &str, names: &Names, at: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = &self.description.pointer(reference.trim_start_matches('#')).unwrap();
            let kind = reference.rsplit('/').next().unwrap();
            return match kind {
                "Id" => names.name("id", at).into(),
                "Key" => names.name("key", at).into(),
                _ => self.filled(schema, key, names, at),
            };
        }
        if let Some(either) = schema["oneOf"].as_array() {
            let value = either.iter().find(|schema| schema["type"] != "null").unwrap();
            return self.filled(value, key, names, at);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        match kind {
            Some("object") => {
                let fields = schema["properties"].as_object().unwrap().iter();
                let fields = fields.filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
                fields.map(|(key, schema)| (key.clone(), self.filled(schema, key, names, at))).collect()
            }
            Some("array") => json!([self.filled(&schema["items"], key, names, at)]),
            Some("integer") => schema["minimum"].as_i64().unwrap_or(1).into(),
            Some("boolean") => false.into(),
            _ => text(schema, key, names, at).into(),
        }
    }

    fn ask(&self, server: &Server, token: &str, target: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {token}");
        // What else is a stream, which does not end, is a page for who wants JSON.
        let mut headers = vec![("authorization", bearer.as_str()), ("if-match", "*"), ("accept", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        request(&server.address, &self.method.to_uppercase(), target, &headers, body.as_bytes())
    }

    /// The path with a name in each place: a stranger's where the bit is set, else one's own.
    fn target(&self, set: usize, strange: &Names, own: &Names, at: usize) -> String {
        let places = self.parameters("path").into_iter().enumerate();
        places.fold(self.path.to_owned(), |path, (bit, kind)| {
            let names = if set & 1 << bit == 0 { own } else { strange };
            path.replace(&format!("{{{kind}}}"), names.name(kind, at))
        })
    }
}

fn text(schema: &Value, key: &str, names: &Names, at: usize) -> String {
    match (key, schema["format"].as_str()) {
        (_, Some("date")) => "2026-11-02".to_owned(),
        (_, Some("email")) => "nobody yet".to_owned(),
        ("password" | "new_password", _) => PASSWORD.to_owned(),
        ("currency", _) => "EUR".to_owned(),
        ("time", _) => "18:05".to_owned(),
        ("kind", _) => "expense".to_owned(),
        ("scope", _) => "write".to_owned(),
        ("locale", _) => "de-AT".to_owned(),
        ("event", _) => "0123456789abcdef-2-0".to_owned(),
        ("events", _) => "expense.added".to_owned(),
        // Nothing is ever sent there: the address of that name is a private one.
        ("url", _) => "https://localhost/hook".to_owned(),
        ("signature" | "proof" | "further_proof", _) => "0f".repeat(64),
        ("code" | "token" | "refresh_token", _) => "guessed".to_owned(),
        // A place for a name takes an id too, and an account by its name is no other's.
        _ => names.name("expense", at).to_owned(),
    }
}

/// What an answer says: all of a refusal, and of what was done only that it was.
fn told(reply: &Reply) -> (u16, Value) {
    (reply.status, if reply.status < 400 { Value::Null } else { reply.problem() })
}

fn saw_nothing(reply: &Reply, stranger: &Tenant, at: &str) {
    let all = format!("{}\n{}", reply.headers, String::from_utf8_lossy(&reply.body));
    assert!(!all.contains(&stranger.canary), "{at}: {all}");
}

/// Everything that somebody sees of what is his.
fn belongings(server: &Server, tenant: &Tenant) -> Vec<Value> {
    let ledger = format!("/v1/ledgers/{}", tenant.ledger);
    let paths = [
        "/v1/me".to_owned(),
        "/v1/sessions".to_owned(),
        "/v1/devices".to_owned(),
        "/v1/tokens".to_owned(),
        "/v1/webhooks".to_owned(),
        "/v1/ledgers".to_owned(),
        format!("{ledger}/members"),
        format!("{ledger}/expenses"),
        format!("{ledger}/categories"),
    ];
    let seen = paths.map(|path| server.ask("GET", &path, &tenant.account, &Value::Null));
    assert!(seen.iter().all(|reply| reply.status == 200));
    let file = server.ask("GET", &tenant.file_page(), &tenant.account, &Value::Null);
    assert!(file.body == tenant.file);
    seen.iter().map(Reply::json).collect()
}

#[test]
fn no_page_tells_strangers_ids_from_those_of_nothing() {
    let server = Server::start(&["--account-requests-per-minute", "100000", "--session-requests-per-minute", "100000"]);
    let [ana, ben] = [(1, "ana"), (2, "ben")].map(|(number, name)| Tenant::settle(&server, number, name));
    let (strange, own) = (Names::of(&ana), Names::of(&ben));
    let nothing = Names::of_nothing(&strange);
    let before = belongings(&server, &ana);
    let description = committed();
    let mut all = operations(&description);
    all.sort_by_key(|(path, method, _)| (*path, *method) == LAST);
    for (path, method, operation) in all {
        let page = Page { path, method, operation, description: &description };
        // What the page before has ended is begun anew.
        let session = server.log_in(&ben.email, &ben.phone).access;
        let takes_keys = operation["security"].to_string().contains("api_token");
        let tokens = [Some(session.as_str()), takes_keys.then_some(ben.token.1.as_str())];
        for token in tokens.into_iter().flatten() {
            try_page(&server, &page, token, &ana, [&strange, &nothing, &own]);
        }
    }
    assert_eq!(belongings(&server, &ana), before, "nothing of hers has changed");
}

fn try_page(server: &Server, page: &Page<'_>, token: &str, ana: &Tenant, [strange, nothing, own]: [&Names; 3]) {
    let kinds = page.parameters("path");
    // Each place in the path may name a stranger's thing, and so may the body and the query.
    let (body_bit, sets) = (1 << kinds.len(), 1 << (kinds.len() + 1));
    let mut asked = HashSet::new();
    for (set, at) in (1..sets).flat_map(|set| (0..strange.0["id"].len()).map(move |at| (set, at))) {
        let asking = |names: &Names| {
            let body = page.body(if set & body_bit == 0 { own } else { names }, at);
            (page.target(set, names, own, at), body)
        };
        let (hers, of_nothing) = (asking(strange), asking(nothing));
        if !asked.insert(hers.clone()) {
            continue;
        }
        let place = format!("{} {} {}", page.method, hers.0, hers.1);
        let answer = page.ask(server, token, &hers.0, &hers.1);
        saw_nothing(&answer, ana, &place);
        // Without a place for a name there is nothing to compare.
        if hers != of_nothing {
            assert_eq!(told(&answer), told(&page.ask(server, token, &of_nothing.0, &of_nothing.1)), "{place}");
        }
    }
    let (body, of_nothing) = (page.body(own, 0), page.body(nothing, 0));
    if body != of_nothing && page.path != FOR_NEW_ADDRESSES {
        let status = |at| page.ask(server, token, &page.target(0, own, own, at), &page.body(own, at)).status;
        let mut statuses = (0..own.0["id"].len()).map(status);
        assert!(
            statuses.any(|status| ![400, 422].contains(&status)),
            "{} {} {body}: no id is looked at",
            page.method,
            page.path
        );
    }
    for name in page.parameters("query") {
        let ask = |text: &str| {
            let target = format!("{}?{name}={text}", page.target(0, own, own, 0));
            page.ask(server, token, &target, &Value::Null)
        };
        for text in [strange.name("expense", 0), strange.name("ledger", 0), ana.canary.as_str()] {
            let (hers, of_nothing) = (ask(text), ask(nothing.name("id", 0)));
            assert_eq!(told(&hers), told(&of_nothing), "{} {}?{name}", page.method, page.path);
            saw_nothing(&hers, ana, page.path);
        }
    }
}

/// What is answered to each message, one after the other, and whether the connection was closed.
fn heard(server: &Server, ben: &Tenant, account: &Account, messages: &[Message]) -> Vec<Message> {
    let mut socket = Socket::of(server, &ben.phone, account);
    let mut heard = Vec::new();
    for message in messages {
        socket.send(message);
        loop {
            let answer = match socket.next() {
                Ok(Message::Ledgers(ledgers)) => {
                    assert_eq!(ledgers.ids, [ben.ledger]);
                    continue;
                }
                Ok(answer) => answer,
                Err(_) => return heard,
            };
            let is_last = is_last(message, &answer);
            heard.push(answer);
            if is_last {
                break;
            }
        }
    }
    heard.push(Message::Skipped(0x80));
    heard
}

/// Whether nothing comes after this answer.
fn is_last(asked: &Message, answer: &Message) -> bool {
    let has_push = matches!(asked, Message::Open(Open { push: Some(_), .. }));
    match answer {
        Message::Opened(opened) => match opened.mode {
            Mode::Refused(_) => true,
            Mode::Heads { .. } if matches!(asked, Message::Open(Open { heads: Some(_), .. })) => false,
            Mode::Same | Mode::Heads { .. } => !has_push,
            Mode::Delta { .. } => false,
        },
        Message::Commits(_) => matches!(asked, Message::Fetch(Fetch { older: None, .. })),
        Message::CaughtUp(_) => !has_push,
        _ => true,
    }
}

/// Each message that names a ledger or what is in it.
fn about(ledger: LedgerId, commit: CommitId, cursor: Cursor, ben: &mut Tenant) -> Vec<(&'static str, Vec<Message>)> {
    let mut writer = ben.phone.elsewhere(44);
    let written = writer.expense(ledger, &[commit], 1).0;
    let open = |from, push: &[_]| Message::Open(opening(ledger, from, push));
    let into_own = |open: Open| Message::Open(Open { handle: 2, ..open });
    let own = into_own(opening(ben.ledger, None, &[]));
    let heads = |ledger| Open { heads: Some(vec![Ladder { ids: vec![commit] }]), ..opening(ledger, None, &[]) };
    let highest = |ledger| Open { highest: Some(cursor.at), ..opening(ledger, None, &[]) };
    let batch = batch::encode(std::slice::from_ref(&written)).unwrap();
    let push = |handle| Message::Push(Push { handle, number: 5, batch: batch.clone() });
    let fetch = |handle, older| Message::Fetch(Fetch { handle, older, ids: vec![commit] });
    let older = Some(Older { before: 24_323, months: 0 });
    vec![
        ("OPEN", vec![open(None, &[])]),
        ("OPEN from a place in the log", vec![open(Some(cursor), &[])]),
        ("OPEN with heads", vec![Message::Open(heads(ledger))]),
        ("OPEN with the highest place", vec![Message::Open(highest(ledger))]),
        ("OPEN of another ledger from a place in the log", vec![into_own(opening(ben.ledger, Some(cursor), &[]))]),
        ("OPEN of another ledger with heads", vec![into_own(heads(ben.ledger))]),
        ("OPEN of another ledger with the highest place", vec![into_own(highest(ben.ledger))]),
        ("OPEN with a push", vec![open(None, &[written])]),
        ("PUSH", vec![open(None, &[]), push(1)]),
        ("PUSH without OPEN", vec![push(1)]),
        ("PUSH into another ledger", vec![own.clone(), push(2)]),
        ("FETCH", vec![open(None, &[]), fetch(1, None)]),
        ("FETCH of months", vec![open(None, &[]), fetch(1, older)]),
        ("FETCH without OPEN", vec![fetch(1, None)]),
        ("FETCH from another ledger", vec![own, fetch(2, None)]),
    ]
}

#[test]
fn no_message_of_sync_tells_strangers_ids_from_those_of_nothing() {
    let server = Server::start(&[]);
    let [ana, mut ben] = [(1, "ana"), (2, "ben")].map(|(number, name)| Tenant::settle(&server, number, name));
    let account = ben.account.clone();
    let mut hers = Socket::of(&server, &ana.phone, &ana.account);
    hers.open(ana.ledger, None, &[]);
    let (commits, cursor) = hers.caught_up();
    let has_canary = |bytes: &[u8]| bytes.windows(ana.canary.len()).any(|window| window == ana.canary.as_bytes());
    assert!(commits.iter().any(|commit| has_canary(&commit.encode())), "there is something to see");
    let strange = about(ana.ledger, commits.last().unwrap().id(), cursor, &mut ben);
    let nowhere = Cursor { epoch: [7; 8], at: Place { pos: 3, chain: [7; 8] }, complete_from: 0 };
    let nothing = about(LedgerId([7; 16]), CommitId([7; 32]), nowhere, &mut ben);
    for ((what, strange), (_, nothing)) in strange.into_iter().zip(nothing) {
        let told = heard(&server, &ben, &account, &strange);
        assert_eq!(shape(&told), shape(&heard(&server, &ben, &account, &nothing)), "{what}");
        for message in told {
            assert!(!has_canary(&message.encode()), "{what}");
            let Message::Commits(page) = message else { continue };
            assert!(decode(&page.batch).iter().all(|commit| !has_canary(&commit.encode())), "{what}");
        }
    }
    // Her key in the greeting, with his token.
    for device in [&ana.phone, &Device::new(78)] {
        let mut socket = Socket::connect(&server);
        socket.send(&Message::Hello(Hello { version_min: 1, version_max: 1, features: 0, device: device.public() }));
        let proof = ben.phone.secret.sign_digest(&proof::digest(&socket.server, &socket.nonce, &account.access));
        let ledgers = outlay_protocol::message::ledgers_mark(&[]);
        socket.send(&Message::Auth(Auth { token: account.access.clone(), proof, ledgers }));
        assert_eq!(socket.closed(), Some(outlay_protocol::Code::Proof));
    }
}

/// Messages as they compare: what is not done and why, and how much came.
fn shape(messages: &[Message]) -> Vec<String> {
    let of = |message: &Message| match message {
        Message::Commits(page) => format!("COMMITS of {}", decode(&page.batch).len()),
        message => format!("{message:?}"),
    };
    messages.iter().map(of).collect()
}
