//! Events of ledgers: what commits tell, and streams that lose nothing and end when they are to.

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;

use outlay_ledger::ActionId;
use outlay_ledger::change::Scalar;
use outlay_ledger::commit::{ActorForm, Body, Header, Kind, Record, fact_document};
use outlay_ledger::field;
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::Code;
use serde_json::{Value, json};

use crate::expenses::Home;
use crate::support::{Account, Device, Ledger, PASSWORD, PATIENCE, Reply, Server, Socket, run, spent};

/// A stream as a program reads it.
pub(crate) struct Listener {
    lines: BufReader<TcpStream>,
    is_over: bool,
}

impl Listener {
    /// Past the greeting.
    pub(crate) fn open(server: &Server, account: &Account, path: &str, last: Option<&str>) -> (Self, String) {
        Self::open_with(server, account, path, &last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n")))
    }

    /// As a browser does it.
    fn own(server: &Server, account: &Account, query: &str, last: Option<&str>) -> (Self, String) {
        let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        let fields = format!("accept: text/event-stream\r\n{last}");
        Self::open_with(server, account, &format!("/v1/me/events{query}"), &fields)
    }

    fn open_with(server: &Server, account: &Account, path: &str, last: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (host, bearer) = (&server.address, &account.access);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {bearer}\r\n{last}\r\n").unwrap();
        let mut listener = Self { lines: BufReader::new(stream), is_over: false };
        let head: Vec<String> = std::iter::from_fn(|| listener.line()).take_while(|line| !line.is_empty()).collect();
        assert_eq!(head[0], "HTTP/1.1 200 OK", "{head:?}");
        assert!(head.contains(&"content-type: text/event-stream".to_owned()), "{head:?}");
        let greeting = listener.block().unwrap();
        let id = greeting.iter().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
        (listener, id)
    }

    /// A line without its end; none after the last. Of the lengths of chunks nothing is shown.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    /// The lines up to an empty one; `None` at the end of the stream.
    fn block(&mut self) -> Option<Vec<String>> {
        let mut block = Vec::new();
        loop {
            let line = self.line()?;
            if line == "0" {
                self.is_over = true;
                return None;
            }
            match line.as_str() {
                "" if block.is_empty() => {}
                "" => return Some(block),
                _ if usize::from_str_radix(&line, 16).is_ok() => {}
                _ => block.push(line),
            }
        }
    }

    /// The next event, past heartbeats.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            let block = self.block()?;
            let Some(data) = block.iter().find_map(|line| line.strip_prefix("data: ")) else { continue };
            let event: Value = serde_json::from_str(data).unwrap();
            assert_eq!(block[0], format!("id: {}", event["id"].as_str().unwrap()));
            assert_eq!(block[1], format!("event: {}", event["type"].as_str().unwrap()));
            return Some(event);
        }
    }

    /// Whether it ends, and says so, with nothing told before.
    fn ends(&mut self) -> bool {
        self.next().is_none() && self.is_over
    }
}

fn path(home: &Home) -> String {
    home.path("/events")
}

fn page(home: &Home, query: &str) -> Reply {
    let accept = [("accept", "application/json")];
    home.server.ask_with("GET", &home.path(&format!("/events{query}")), &home.account, &Value::Null, &accept)
}

fn types(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// All pages after an id or a position: one ends where the log is not folded yet.
fn all(home: &Home, after: &str) -> Value {
    let (mut all, mut after) = (Vec::new(), after.to_owned());
    loop {
        let told = page(home, &format!("?after={after}")).json();
        all.extend(told["events"].as_array().unwrap().clone());
        after = told["next"].as_str().unwrap().to_owned();
        if told["more"] == false {
            return json!(all);
        }
    }
}

fn payee(text: &str) -> Vec<Put> {
    vec![Put::new(field::PAYEE, Scalar::Str(text.into()))]
}

#[test]
fn a_page_tells_what_each_commit_did_by_ids_alone() {
    let mut home = Home::new();
    let lunch = home.spend("2026-11-02", "12.50 EUR", "Corner Café");
    let edited = home.edit(&lunch, payee("Bakery"));
    let deleted = home.edit(&edited, vec![Put::new(field::STATE, field::DELETED)]);
    home.edit(&deleted, vec![Put::new(field::STATE, field::LIVE)]);

    let told = page(&home, "").json();
    let expected = ["member.added", "expense.added", "expense.changed", "expense.deleted", "expense.changed"];
    assert_eq!(types(&told["events"]), expected);
    assert_eq!(told["more"], false);
    let added = &told["events"][1];
    assert_eq!(
        (&added["ledger"], &added["position"], &added["time"], &added["data"]["expense"]),
        (
            &json!(home.ledger.id.to_string()),
            &json!(2),
            &json!("2026-09-21T14:13:20.000Z"),
            &json!(lunch.id.to_string())
        )
    );
    assert_eq!(told["events"][0]["data"], json!({ "member": home.phone.member().to_string(), "role": "owner" }));
    for secret in ["Café", "Bakery", "1250", "12.50", "EUR", "ana@"] {
        assert!(!told.to_string().contains(secret), "{secret}");
    }
}

#[test]
fn pages_follow_one_another_and_the_same_event_has_the_same_id() {
    let mut home = Home::new();
    let three = ["2026-11-02", "2026-11-03", "2026-11-04"].map(|date| spent(date, "1.00 EUR", "Shop"));
    let commit = home.phone.things(home.ledger.id, &home.ledger.heads, &three);
    home.push(&commit);
    let whole = page(&home, "").json()["events"].clone();
    assert_eq!(types(&whole), ["member.added", "expense.added", "expense.added", "expense.added"]);
    let (mut one_by_one, mut after) = (Vec::new(), String::new());
    loop {
        let told = page(&home, &format!("?limit=1{after}")).json();
        one_by_one.extend(told["events"].as_array().unwrap().clone());
        after = format!("&after={}", told["next"].as_str().unwrap());
        if told["more"] == false {
            break;
        }
    }
    assert_eq!(json!(one_by_one), whole);
    assert_eq!(types(&page(&home, "?after=1").json()["events"]), ["expense.added"; 3], "a position is taken too");
    assert_eq!(page(&home, &format!("?{}", &after[1..])).json()["events"], json!([]));
}

#[test]
fn two_devices_that_set_one_field_at_once_are_told_as_a_conflict_once() {
    let mut home = Home::new();
    let lunch = home.spend("2026-11-02", "12.50 EUR", "Café");
    let (from, first) = (lunch.commit_id, payee("Bakery"));
    home.edit(&lunch, first);
    home.phone.fork_from(&[from], 77);
    let other = home.edit(&lunch, payee("Market"));
    assert_eq!(other.id, lunch.id);
    let told = page(&home, "?after=2").json()["events"].clone();
    assert_eq!(types(&told), ["expense.changed", "expense.changed", "conflict.detected"]);
    assert_eq!(told[2]["data"]["expense"], lunch.id.to_string());
}

#[test]
fn a_role_that_changes_and_a_member_who_goes_are_told_and_so_is_that_the_rest_is_to_be_read_again() {
    let mut home = Home::new();
    let (ben, heads) = (Device::new(2), home.ledger.heads.clone());
    let member = ben.member();
    let add = MemberOperation::Add { member, device: ben.public(), role: Role::Editor };
    let added = home.phone.operation(home.ledger.id, &heads, &add);
    home.push(&added.0);
    let demoted = MemberOperation::Role { member, role: Role::Viewer, cut: Vec::new() };
    let demoted = home.phone.operation(home.ledger.id, &[added.1], &demoted);
    home.push(&demoted.0);
    let removed = MemberOperation::Remove { member, cut: Vec::new() };
    let removed = home.phone.operation(home.ledger.id, &[demoted.1], &removed);
    home.push(&removed.0);
    let told = page(&home, "?after=1").json()["events"].clone();
    let expected = ["member.added", "ledger.changed", "member.role_changed", "ledger.changed", "member.removed"];
    assert_eq!(types(&told), expected);
    assert_eq!(told[0]["data"], json!({ "member": member.to_string(), "role": "editor" }));
    assert_eq!(told[2]["data"]["role"], "viewer");
}

#[test]
fn of_a_sealed_ledger_only_members_and_that_it_changed_are_told() {
    let (server, mut phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let (genesis, id) = phone.sealed_genesis();
    let ledger = genesis.ledger(&id);
    let expense = phone.expense(ledger, &[id], 1).0;
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger, None, &[genesis, expense]);
    socket.acknowledged(1);
    let accept = [("accept", "application/json")];
    let told = server.ask_with("GET", &format!("/v1/ledgers/{ledger}/events"), &account, &Value::Null, &accept);
    assert_eq!(types(&told.json()["events"]), ["member.added", "ledger.changed"]);
}

/// Rows from outside, as a device writes them.
fn rows(numbers: std::ops::Range<u8>) -> Vec<Record> {
    let record = |number: u8| {
        let document = fact_document(&[9; 32], "csv", &[number]);
        let change = Document::create([0; 16], field::Thing::Expense, spent("2026-11-02", "1.00 EUR", "Shop"));
        let period = field::period(&change);
        let body = Body::Payload(change.encode().unwrap().payload);
        Record { document: Some(document), kind: Kind::Change, period, form: ActorForm::Content, body }
    };
    numbers.map(record).collect()
}

#[test]
fn rows_from_outside_in_one_commit_are_told_as_an_import_that_has_finished() {
    let mut home = Home::new();
    let commit = home.phone.sign(Some(home.ledger.id), &home.ledger.heads, rows(0..2));
    home.push(&commit.0);
    let told = page(&home, "?after=1").json()["events"].clone();
    assert_eq!(types(&told), ["expense.added", "expense.added", "import.finished"]);
    assert_eq!(told[2]["data"]["action"], told[0]["data"]["action"]);
}

#[test]
fn an_import_of_several_commits_is_told_to_have_finished_once_with_the_last() {
    let mut home = Home::new();
    let (ledger, heads) = (home.ledger.id, home.ledger.heads.clone());
    for (numbers, is_end) in [(0..2, false), (2..3, false), (3..5, true)] {
        let header = |header: &mut Header| {
            header.action = Some(ActionId([7; 8]));
            if is_end {
                header.end_import();
            }
        };
        let commit = home.phone.sign_with(Some(ledger), &heads, rows(numbers), header);
        home.push(&commit.0);
        assert_eq!(types(&all(&home, "1")).contains(&"import.finished"), is_end);
    }
    let told = all(&home, "1");
    assert_eq!(types(&told).iter().filter(|kind| **kind == "import.finished").count(), 1);
    let last = told.as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["position"]), (&json!("import.finished"), &json!(4)));
    assert_eq!(last["data"], json!({ "action": "0707070707070707" }));
}

#[test]
fn a_stream_goes_on_where_it_was_cut_off_without_loss_and_without_doubles_while_it_is_written_to() {
    let mut home = Home::new();
    let (mut listener, _) = Listener::open(&home.server, &home.account, &path(&home), None);
    let (mut told, mut written) = (Vec::<Value>::new(), Vec::new());
    for round in 0..4 {
        for _ in 0..5 {
            written.push(home.spend("2026-11-02", "1.00 EUR", "Shop").id.to_string());
        }
        // Some of what was written is read before the connection breaks.
        told.extend((0..round + 1).map(|_| listener.next().unwrap()));
        let last = told.last().unwrap()["id"].as_str().unwrap().to_owned();
        drop(listener);
        written.push(home.spend("2026-11-03", "2.00 EUR", "Shop").id.to_string());
        (listener, _) = Listener::open(&home.server, &home.account, &path(&home), Some(&last));
    }
    while told.len() < written.len() {
        told.push(listener.next().unwrap());
    }
    let ids: Vec<&str> = told.iter().map(|event| event["data"]["expense"].as_str().unwrap()).collect();
    assert_eq!(ids, written);
    assert_eq!(json!(told), page(&home, "?after=1&limit=200").json()["events"], "a page tells the same");
}

#[test]
fn what_was_written_before_a_server_died_is_told_by_the_next() {
    let mut home = Home::new();
    let (mut listener, _) = Listener::open(&home.server, &home.account, &path(&home), None);
    home.spend("2026-11-02", "1.00 EUR", "First");
    let first = listener.next().unwrap();
    let second = home.spend("2026-11-03", "1.00 EUR", "Second");
    home.server.kill();
    let next = home.server.again(&[]);
    let (mut listener, _) = Listener::open(&next, &home.account, &path(&home), first["id"].as_str());
    assert_eq!(listener.next().unwrap()["data"]["expense"], second.id.to_string());
}

#[test]
fn a_stream_begins_now_or_where_it_is_told_and_says_where_that_is() {
    let mut home = Home::new();
    home.spend("2026-11-02", "1.00 EUR", "Before");
    let (mut now, id) = Listener::open(&home.server, &home.account, &path(&home), None);
    let (mut all, _) = Listener::open(&home.server, &home.account, &format!("{}?after=0", path(&home)), None);
    assert_eq!(all.next().unwrap()["type"], "member.added");
    let after = home.spend("2026-11-03", "1.00 EUR", "After");
    assert_eq!(now.next().unwrap()["data"]["expense"], after.id.to_string());
    drop(now);
    let (mut again, _) = Listener::open(&home.server, &home.account, &path(&home), Some(&id));
    assert_eq!(again.next().unwrap()["data"]["expense"], after.id.to_string());
}

#[test]
fn a_stream_that_has_nothing_to_tell_says_that_it_is_there() {
    let home = Home::with(&["--event-heartbeat-seconds", "1"]);
    let (mut listener, _) = Listener::open(&home.server, &home.account, &path(&home), None);
    assert_eq!(listener.block(), Some(vec![":".to_owned()]));
    assert_eq!(listener.block(), Some(vec![":".to_owned()]));
}

/// Somebody who listens with an API token, and the page that takes it away.
fn with_token(home: &Home) -> (Listener, String) {
    let token = json!({ "name": "watcher", "scope": "read" });
    let made = home.server.ask("POST", "/v1/tokens", &home.account, &token).json();
    let program = Account { access: made["token"].as_str().unwrap().to_owned(), ..home.account.clone() };
    let (listener, _) = Listener::open(&home.server, &program, &path(home), None);
    (listener, format!("/v1/tokens/{}", made["id"].as_str().unwrap()))
}

#[test]
fn a_stream_ends_with_the_token_that_opened_it() {
    let home = Home::new();
    let (mut listener, token) = with_token(&home);
    assert_eq!(home.server.ask("DELETE", &token, &home.account, &Value::Null).status, 204);
    assert!(listener.ends());
}

#[test]
fn a_stream_ends_with_the_session_that_opened_it() {
    let home = Home::new();
    let (mut listener, _) = Listener::open(&home.server, &home.account, &path(&home), None);
    assert_eq!(home.server.ask("DELETE", "/v1/sessions", &home.account, &Value::Null).status, 204);
    assert!(listener.ends());
}

#[test]
fn streams_of_an_account_end_when_an_operator_disables_it() {
    let home = Home::new();
    let (mut by_token, _) = with_token(&home);
    let (mut by_session, _) = Listener::open(&home.server, &home.account, &path(&home), None);
    let (is_good, text) = run(&["user", "disable", "ana@example.org"], &[("--data", &home.server.data)]);
    assert!(is_good, "{text}");
    assert!(by_token.ends() && by_session.ends());
}

#[test]
fn a_stream_of_a_removed_member_ends_and_tells_him_nothing_more() {
    let mut home = Home::new();
    let ben = Device::new(2);
    let account = home.server.sign_up("ben@example.org", &ben);
    let (member, heads) = (ben.member(), home.ledger.heads.clone());
    let add = MemberOperation::Add { member, device: ben.public(), role: Role::Editor };
    let added = home.phone.operation(home.ledger.id, &heads, &add);
    home.push(&added.0);
    // Signing in ties the account to the member.
    Socket::of(&home.server, &ben, &account);
    let (mut listener, _) = Listener::open(&home.server, &account, &path(&home), None);
    let removed = MemberOperation::Remove { member, cut: Vec::new() };
    let removed = home.phone.operation(home.ledger.id, &[added.1], &removed);
    home.push(&removed.0);
    assert!(listener.ends());
    let refused = home.server.ask("GET", &path(&home), &account, &Value::Null);
    assert_eq!(refused.refusal(), (404, Code::NoSuchLedger));
}

#[test]
fn streams_do_not_keep_a_server_from_ending() {
    let mut home = Home::with(&["--drain-timeout-seconds", "600"]);
    let (mut listener, _) = Listener::open(&home.server, &home.account, &path(&home), None);
    home.server.terminate();
    assert!(listener.ends());
    drop(listener);
    drop(home.socket);
    assert_eq!(home.server.wait(), Some(0));
}

#[test]
fn an_account_has_so_many_streams_and_no_more_and_one_that_ends_makes_room() {
    let home = Home::with(&["--account-event-streams-max-count", "1"]);
    let (mut listener, token) = with_token(&home);
    let refused = home.server.ask("GET", &path(&home), &home.account, &Value::Null);
    assert_eq!(refused.refusal(), (429, Code::Rate));
    assert_eq!(page(&home, "").status, 200, "pages are not counted");
    home.server.ask("DELETE", &token, &home.account, &Value::Null);
    assert!(listener.ends());
    Listener::open(&home.server, &home.account, &path(&home), None);
}

#[test]
fn what_cannot_be_asked_is_refused_and_others_ledgers_look_like_none() {
    let home = Home::new();
    let ben = Device::new(2);
    let other = home.server.sign_up("ben@example.org", &ben);
    for query in ["?after=x", "?limit=0", "?limit=201", "?unknown=1"] {
        assert_eq!(page(&home, query).refusal(), (422, Code::Invalid), "{query}");
    }
    let elsewhere = "?after=0000000000000001-1-0";
    assert_eq!(page(&home, elsewhere).refusal(), (412, Code::Changed));
    assert_eq!(page(&home, "?after=99").refusal(), (412, Code::Changed));
    let stream = home.server.ask("GET", &home.path(&format!("/events{elsewhere}")), &home.account, &Value::Null);
    assert_eq!(stream.refusal(), (412, Code::Changed));
    assert_eq!(home.server.ask("GET", &path(&home), &other, &Value::Null).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(home.server.get(&path(&home)).refusal(), (401, Code::SignInNeeded));
    let none = Ledger::of(&mut Device::new(3), 0).id;
    let none = home.server.ask("GET", &format!("/v1/ledgers/{none}/events"), &home.account, &Value::Null);
    assert_eq!(none.refusal(), (404, Code::NoSuchLedger));
}

fn own_events(server: &Server, account: &Account) -> Value {
    server.ask("GET", "/v1/me/events", account, &Value::Null).json()["events"].clone()
}

#[test]
fn what_happens_to_an_account_is_told_to_its_person_and_to_nobody_else() {
    let server = Server::start(&[]);
    let (phone, tablet) = (Device::new(1), Device::new(2));
    let ana = server.sign_up("ana@example.org", &phone);
    let ben = server.sign_up("ben@example.org", &Device::new(3));
    let on_tablet = server.log_in("ana@example.org", &tablet);
    let sessions = server.ask("GET", "/v1/sessions", &on_tablet, &Value::Null).json();
    let other = sessions["sessions"].as_array().unwrap().iter().find(|session| session["this"] == false).unwrap();
    let path = format!("/v1/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(server.ask("DELETE", &path, &on_tablet, &Value::Null).status, 204);

    let told = own_events(&server, &on_tablet);
    assert_eq!(types(&told), ["user.signed_up", "device.added", "device.added", "session.revoked"]);
    assert_eq!(told[2]["data"], json!({ "account": ana.id, "device": tablet.key() }));
    assert_eq!(told[3]["data"], json!({ "account": ana.id, "session": other["id"] }));
    assert_eq!((&told[0]["ledger"], &told[0]["position"]), (&Value::Null, &Value::Null));
    assert!(told[0]["time"].as_str().unwrap().ends_with('Z'), "{told}");
    assert_eq!(types(&own_events(&server, &ben)), ["user.signed_up", "device.added"]);

    let page = |query: &str| server.ask("GET", &format!("/v1/me/events?{query}"), &on_tablet, &Value::Null);
    let first = page("limit=3").json();
    assert_eq!((types(&first["events"]).len(), &first["more"]), (3, &json!(true)));
    let rest = page(&format!("after={}", first["next"].as_str().unwrap())).json();
    assert_eq!((types(&rest["events"]), &rest["more"]), (vec!["session.revoked"], &json!(false)));
    let last = rest["next"].as_str().unwrap();
    assert_eq!(page(&format!("after={last}")).json(), json!({ "events": [], "next": last, "more": false }));
    let others = own_events(&server, &ben)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(page(&format!("after={others}")).refusal(), (412, Code::Changed));
    assert_eq!(page("limit=0").refusal(), (422, Code::Invalid));
    assert_eq!(server.get("/v1/me/events").refusal(), (401, Code::SignInNeeded));
}

#[test]
fn what_happens_to_an_account_is_told_as_a_stream_that_goes_on_where_it_was_cut_off() {
    let server = Server::start(&["--account-event-streams-max-count", "2"]);
    let ana = server.sign_up("ana@example.org", &Device::new(1));
    let ben = server.sign_up("ben@example.org", &Device::new(9));
    let (mut listener, begin) = Listener::own(&server, &ana, "", None);
    server.log_in("ana@example.org", &Device::new(2));
    server.log_in("ben@example.org", &Device::new(3));
    let first = listener.next().unwrap();
    assert_eq!((&first["type"], &first["data"]["device"]), (&json!("device.added"), &json!(Device::new(2).key())));
    drop(listener);
    server.log_in("ana@example.org", &Device::new(4));
    let (mut listener, again) = Listener::own(&server, &ana, "?after=0", first["id"].as_str());
    assert_eq!(Some(again.as_str()), first["id"].as_str(), "the header comes before the query");
    let second = listener.next().unwrap();
    assert_eq!(second["data"]["device"], Device::new(4).key());

    let (mut all, zero) = Listener::own(&server, &ana, "?after=0", None);
    assert_eq!(zero, "0");
    let told = json!([all.next().unwrap(), all.next().unwrap(), all.next().unwrap(), all.next().unwrap()]);
    assert_eq!(types(&told), ["user.signed_up", "device.added", "device.added", "device.added"]);
    assert_eq!((&told, &told[1]["id"]), (&own_events(&server, &ana), &json!(begin)), "a page tells the same");
    let accept = [("accept", "text/event-stream")];
    let ask = |account: &Account, query: &str| {
        server.ask_with("GET", &format!("/v1/me/events{query}"), account, &Value::Null, &accept)
    };
    assert_eq!(ask(&ana, "").refusal(), (429, Code::Rate), "two are open");
    assert_eq!(ask(&ben, "?limit=1").refusal(), (422, Code::Invalid));
    assert_eq!(ask(&ben, &format!("?after={begin}")).refusal(), (412, Code::Changed), "of another account");

    assert_eq!(server.ask("DELETE", "/v1/sessions", &ana, &Value::Null).status, 204);
    assert!(listener.ends() && all.ends(), "with the session that has opened them");
}

#[test]
fn devices_of_members_that_come_and_go_are_told_by_the_ledger() {
    let mut home = Home::new();
    let (member, device, heads) = (home.phone.member(), Device::new(5).public(), home.ledger.heads.clone());
    let added = home.phone.operation(home.ledger.id, &heads, &MemberOperation::AddDevice { member, device });
    home.push(&added.0);
    let gone = MemberOperation::RemoveDevice { member, device, cut: Vec::new() };
    let gone = home.phone.operation(home.ledger.id, &[added.1], &gone);
    home.push(&gone.0);
    let told = page(&home, "?after=1").json()["events"].clone();
    assert_eq!(types(&told), ["device.added", "ledger.changed", "device.removed"]);
    for event in [&told[0], &told[2]] {
        assert_eq!(event["data"], json!({ "member": member.to_string(), "device": device.to_string() }));
        assert_eq!(event["ledger"], home.ledger.id.to_string());
    }
}

#[test]
fn that_an_account_and_its_ledgers_are_gone_is_told_to_the_operator_and_nothing_of_it_from_before() {
    let home = Home::new();
    let ben = home.server.sign_up("ben@example.org", &Device::new(2));
    let body = json!({ "password": PASSWORD });
    assert_eq!(home.server.ask("DELETE", "/v1/me", &home.account, &body).status, 204);
    let told = |arguments: &[&str]| {
        let (is_good, text) = run(&[&["events"], arguments].concat(), &[("--data", &home.server.data)]);
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (is_good, json!(lines))
    };
    let (is_good, all) = told(&[]);
    assert!(is_good);
    assert_eq!(types(&all), ["user.signed_up", "device.added", "ledger.purged", "account.deleted"]);
    assert_eq!(all[0]["data"]["account"], ben.id);
    assert_eq!((&all[2]["ledger"], &all[3]["ledger"]), (&json!(home.ledger.id.to_string()), &Value::Null));
    assert_eq!(all[3]["data"], json!({ "account": home.account.id }));
    assert_eq!(types(&told(&["--after", all[2]["id"].as_str().unwrap()]).1), ["account.deleted"]);
    assert!(!told(&["--after", "nonsense"]).0);
}
