//! Webhooks: real receivers on real sockets, that take what they are told, fail, hang or send elsewhere.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::Code;
use ring::hmac;
use serde_json::{Value, json};

use crate::expenses::Home;
use crate::support::{Account, Device, PASSWORD, PATIENCE, Reply, Server, Socket};

/// What a receiver answers; no answer at all for `HANG`.
type Answers = Mutex<VecDeque<String>>;
const HANG: &str = "";

fn status(status: u16) -> String {
    format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n")
}

/// A program that is told events.
pub(crate) struct Receiver {
    port: u16,
    requests: mpsc::Receiver<Told>,
    connections: Arc<AtomicUsize>,
}

/// What it was sent.
pub(crate) struct Told {
    head: Vec<String>,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        let fields = self.head.iter().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn id(&self) -> String {
        self.event()["id"].as_str().unwrap().to_owned()
    }

    fn kind(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }
}

impl Receiver {
    /// Answers what it was told to, one after the other, and then always 204.
    pub(crate) fn start(answers: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Answers = Mutex::new(answers.iter().cloned().collect());
        let (sender, requests) = mpsc::channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                hanging.extend(answer(stream.unwrap(), &answers, &sender));
            }
        });
        Self { port, requests, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?a=b", self.port)
    }

    pub(crate) fn next(&self) -> Told {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request and answers it. What is not answered stays open.
fn answer(stream: TcpStream, answers: &Answers, told: &Sender<Told>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "))?.parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = answers.lock().unwrap().pop_front().unwrap_or_else(|| status(204));
    // A test that has seen enough does not listen any more.
    _ = told.send(Told { head, body: String::from_utf8(body).unwrap() });
    let mut stream = reader.into_inner();
    if answer == HANG {
        return Some(stream);
    }
    _ = stream.write_all(answer.as_bytes());
    None
}

/// Retries at once, to this machine.
const OPTIONS: [&str; 3] = ["--webhook-private-addresses", "--webhook-retry-delay-seconds", "0"];

fn home(options: &[&str]) -> Home {
    Home::with(&[&OPTIONS, options].concat())
}

fn ask(home: &Home, method: &str, path: &str, body: &Value) -> Reply {
    home.server.ask(method, path, &home.account, body)
}

fn hook(server: &Server, account: &Account, home: &Home, url: &str) -> Value {
    let made =
        server.ask("POST", "/v1/webhooks", account, &json!({ "ledger": home.ledger.id.to_string(), "url": url }));
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()
}

fn page(hook: &Value, rest: &str) -> String {
    format!("/v1/webhooks/{}{rest}", hook["id"].as_str().unwrap())
}

/// Asks until it is so: what is awaited is done by then, and only its being written down may not be.
fn until(home: &Home, account: &Account, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let shown = home.server.ask("GET", path, account, &Value::Null).json();
        if is_so(&shown) {
            return shown;
        }
        assert!(begun.elapsed() < PATIENCE, "{shown}");
    }
}

fn delivered(home: &Home, hook: &Value, count: usize) -> Value {
    let has_all = |shown: &Value| shown["deliveries"].as_array().is_some_and(|all| all.len() >= count);
    until(home, &home.account, &page(hook, "/deliveries"), has_all)["deliveries"].clone()
}

#[test]
fn what_happens_is_told_in_order_and_signed_with_a_secret_that_is_shown_once() {
    let (mut home, receiver) = (home(&[]), Receiver::start(&[]));
    home.spend("2026-11-01", "1.00 EUR", "Before");
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    let secret = made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).unwrap());
    let spent = [1, 2, 3].map(|day| home.spend(&format!("2026-11-0{day}"), "1.00 EUR", "Shop").id.to_string());
    for expense in spent {
        let told = receiver.next();
        assert_eq!(told.head[0], "POST /hook?a=b HTTP/1.1");
        assert_eq!(told.header("content-type"), "application/json");
        assert_eq!((told.kind(), &told.event()["data"]["expense"]), ("expense.added".into(), &json!(expense)));
        assert_eq!(told.header("webhook-id"), told.id());
        let signed = format!("{}.{}.{}", told.id(), told.header("webhook-timestamp"), told.body);
        let signature = STANDARD.decode(told.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
        assert!(hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
    }
    let shown = ask(&home, "GET", "/v1/webhooks", &Value::Null).json();
    assert_eq!(shown["webhooks"][0]["url"], receiver.url());
    assert!(!shown.to_string().contains(secret), "it is shown once");
    let log = delivered(&home, &made, 3);
    assert_eq!((&log[0]["delivered"], &log[0]["status"], &log[0]["attempt"]), (&json!(true), &json!(204), &json!(1)));
}

#[test]
fn a_receiver_that_fails_is_told_the_same_again_before_anything_else() {
    let (mut home, receiver) = (home(&[]), Receiver::start(&[status(500), status(503)]));
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    home.spend("2026-11-01", "1.00 EUR", "First");
    home.spend("2026-11-02", "1.00 EUR", "Second");
    let told = [receiver.next(), receiver.next(), receiver.next(), receiver.next()];
    let ids = told.each_ref().map(Told::id);
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    assert_eq!(told[0].body, told[2].body);
    let log = delivered(&home, &made, 4);
    let log: Vec<_> = log.as_array().unwrap().iter().rev().map(|one| (&one["attempt"], &one["status"])).collect();
    let expected = [(1, 500), (2, 503), (3, 204), (1, 204)].map(|(attempt, status)| (json!(attempt), json!(status)));
    assert_eq!(log, expected.each_ref().map(|(attempt, status)| (attempt, status)));
}

#[test]
fn what_was_not_delivered_when_the_server_died_is_delivered_by_the_next() {
    let (mut home, receiver) = (home(&[]), Receiver::start(&[HANG.to_owned()]));
    hook(&home.server, &home.account, &home, &receiver.url());
    home.spend("2026-11-01", "1.00 EUR", "First");
    let first = receiver.next();
    // What comes while nobody is told.
    home.spend("2026-11-02", "1.00 EUR", "Second");
    home.server.kill();
    let _next = home.server.again(&OPTIONS);
    let (again, second) = (receiver.next(), receiver.next());
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    assert_ne!(second.id(), first.id());
}

#[test]
fn a_private_address_is_not_connected_to_by_whatever_name() {
    let (home, receiver) = (Home::new(), Receiver::start(&[]));
    let port = receiver.port;
    let ledger = home.ledger.id.to_string();
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "169.254.169.254"] {
        let body = json!({ "ledger": ledger, "url": format!("http://{host}:{port}/") });
        assert_eq!(ask(&home, "POST", "/v1/webhooks", &body).refusal(), (422, Code::Invalid), "{host}");
    }
    for host in ["localhost", "127.1", "2130706433"] {
        let made = hook(&home.server, &home.account, &home, &format!("http://{host}:{port}/"));
        let tested = ask(&home, "POST", &page(&made, "/test"), &Value::Null).json();
        assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &Value::Null), "{host}");
        let failure = tested["failure"].as_str().unwrap();
        // Not every system takes the last two for addresses.
        assert!(failure == "private_address" || (host != "localhost" && failure == "unreachable"), "{host}: {failure}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_redirect_is_not_followed() {
    let (home, elsewhere) = (home(&[]), Receiver::start(&[]));
    let moved = format!("HTTP/1.1 307 x\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url());
    let receiver = Receiver::start(&[moved]);
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    let tested = ask(&home, "POST", &page(&made, "/test"), &Value::Null).json();
    assert_eq!((&tested["failure"], &tested["status"]), (&json!("redirect"), &json!(307)));
    assert_eq!((receiver.next().kind(), receiver.connections(), elsewhere.connections()), ("ping".into(), 1, 0));
}

#[test]
fn a_receiver_that_hangs_is_given_up_in_time_and_holds_up_nobody() {
    let mut home = home(&["--webhook-timeout-seconds", "1"]);
    let (hanging, good) = (Receiver::start(&[HANG.to_owned()]), Receiver::start(&[]));
    let slow = hook(&home.server, &home.account, &home, &hanging.url());
    hook(&home.server, &home.account, &home, &good.url());
    for day in 1..4 {
        home.spend(&format!("2026-11-0{day}"), "1.00 EUR", "Shop");
    }
    let first = hanging.next();
    let told = [good.next(), good.next(), good.next()];
    assert_eq!(hanging.connections(), 1, "the other one was told all while this one hung");
    assert_eq!(told[0].id(), first.id());
    assert_eq!(hanging.next().id(), first.id());
    let log = delivered(&home, &slow, 2);
    let oldest = log.as_array().unwrap().last().unwrap();
    assert_eq!((&oldest["failure"], &oldest["status"]), (&json!("timeout"), &Value::Null));
}

#[test]
fn a_webhook_that_fails_for_long_is_stopped_with_a_reason_and_goes_on_where_it_was_when_it_is_enabled() {
    let mut home = home(&["--webhook-attempts-max-count", "2"]);
    let receiver = Receiver::start(&[status(500), status(404)]);
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    home.spend("2026-11-01", "1.00 EUR", "First");
    let first = [receiver.next().id(), receiver.next().id()];
    let stopped = until(&home, &home.account, &page(&made, ""), |shown| shown["enabled"] == false);
    assert_eq!((&stopped["disabled_reason"], &stopped["failed_attempts"]), (&json!("failing"), &json!(2)));
    home.spend("2026-11-02", "1.00 EUR", "Second");
    let enabled = ask(&home, "PATCH", &page(&made, ""), &json!({ "enabled": true })).json();
    assert_eq!((&enabled["enabled"], &enabled["failed_attempts"]), (&json!(true), &json!(0)));
    let told = [receiver.next().id(), receiver.next().id()];
    assert!(told[0] == first[0] && first[0] == first[1] && told[1] != told[0]);
}

#[test]
fn a_receiver_that_says_that_it_is_gone_is_told_nothing_more() {
    let (mut home, receiver) = (home(&[]), Receiver::start(&[status(410)]));
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    home.spend("2026-11-01", "1.00 EUR", "First");
    receiver.next();
    let stopped = until(&home, &home.account, &page(&made, ""), |shown| shown["enabled"] == false);
    assert_eq!(stopped["disabled_reason"], "gone");
}

#[test]
fn a_webhook_is_told_the_types_that_it_names_and_others_when_they_are_changed() {
    let (mut home, receiver) = (home(&[]), Receiver::start(&[]));
    let body = json!({ "ledger": home.ledger.id.to_string(), "url": receiver.url(), "events": ["member.added"] });
    let made = ask(&home, "POST", "/v1/webhooks", &body).json();
    home.spend("2026-11-01", "1.00 EUR", "Not told");
    let add =
        MemberOperation::Add { member: Device::new(2).member(), device: Device::new(2).public(), role: Role::Viewer };
    let added = home.phone.operation(home.ledger.id, &home.ledger.heads.clone(), &add);
    home.push(&added.0);
    assert_eq!(receiver.next().kind(), "member.added");
    // Its position has to be written down before what comes is of another type.
    until(&home, &home.account, &page(&made, ""), |shown| shown["position"] == 3);
    let changed = ask(&home, "PATCH", &page(&made, ""), &json!({ "events": ["expense.added"] })).json();
    assert_eq!(changed["events"], json!(["expense.added"]));
    home.spend("2026-11-02", "1.00 EUR", "Told");
    assert_eq!(receiver.next().kind(), "expense.added");
}

#[test]
fn a_removed_member_is_told_nothing_more() {
    let mut home = home(&[]);
    let ben = Device::new(2);
    let account = home.server.sign_up("ben@example.org", &ben);
    let (member, heads) = (ben.member(), home.ledger.heads.clone());
    let add = MemberOperation::Add { member, device: ben.public(), role: Role::Viewer };
    let added = home.phone.operation(home.ledger.id, &heads, &add);
    home.push(&added.0);
    Socket::of(&home.server, &ben, &account);
    let (of_ana, of_ben) = (Receiver::start(&[]), Receiver::start(&[]));
    hook(&home.server, &home.account, &home, &of_ana.url());
    let made = hook(&home.server, &account, &home, &of_ben.url());
    home.spend("2026-11-01", "1.00 EUR", "Shared");
    assert_eq!(of_ana.next().id(), of_ben.next().id());
    let removed = MemberOperation::Remove { member, cut: Vec::new() };
    let removed = home.phone.operation(home.ledger.id, &[added.1], &removed);
    home.push(&removed.0);
    home.ledger.heads = vec![removed.1];
    home.spend("2026-11-02", "1.00 EUR", "Secret");
    let told = [of_ana.next().kind(), of_ana.next().kind(), of_ana.next().kind()];
    assert_eq!(told, ["ledger.changed", "member.removed", "expense.added"]);
    let stopped = until(&home, &account, &page(&made, ""), |shown| shown["enabled"] == false);
    assert_eq!(stopped["disabled_reason"], "no_access");
    assert_eq!(of_ben.connections(), 1, "he was told what he was there for");
    let enabled = home.server.ask("PATCH", &page(&made, ""), &account, &json!({ "enabled": true }));
    assert_eq!(enabled.refusal(), (404, Code::NoSuchLedger));
}

#[test]
fn an_event_can_be_delivered_once_more() {
    let (mut home, receiver) = (home(&[]), Receiver::start(&[]));
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    home.spend("2026-11-01", "1.00 EUR", "Shop");
    let first = receiver.next();
    let again = ask(&home, "POST", &page(&made, "/redeliver"), &json!({ "event": first.id() }));
    assert_eq!((again.status, &again.json()["delivered"]), (200, &json!(true)));
    assert_eq!(receiver.next().body, first.body);
    for (event, refusal) in [
        ("nonsense", (422, Code::Invalid)),
        ("0000000000000001-2-0", (412, Code::Changed)),
        (&first.id().replace("-2-0", "-2-1"), (404, Code::NoSuchPage)),
    ] {
        let again = ask(&home, "POST", &page(&made, "/redeliver"), &json!({ "event": event }));
        assert_eq!(again.refusal(), refusal, "{event}");
    }
}

#[test]
fn tls_that_cannot_be_trusted_is_a_failure() {
    let (home, listener) = (home(&[]), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let made = hook(&home.server, &home.account, &home, &url);
    let speaking_plainly = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(status(204).as_bytes()).unwrap();
        // All that was said is read, so that what was answered is not thrown away.
        stream.read_to_end(&mut Vec::new())
    });
    let tested = ask(&home, "POST", &page(&made, "/test"), &Value::Null).json();
    _ = speaking_plainly.join().unwrap();
    assert_eq!((&tested["failure"], &tested["status"]), (&json!("tls"), &Value::Null));
}

#[test]
fn webhooks_are_their_persons_alone_and_there_are_so_many_and_no_more() {
    let (home, receiver) = (home(&["--account-webhooks-max-count", "1"]), Receiver::start(&[]));
    let ben = home.server.sign_up("ben@example.org", &Device::new(2));
    let made = hook(&home.server, &home.account, &home, &receiver.url());
    let (one, ledger) = (page(&made, ""), home.ledger.id.to_string());

    for (method, path) in [
        ("GET", one.clone()),
        ("DELETE", one.clone()),
        ("GET", page(&made, "/deliveries")),
        ("POST", page(&made, "/test")),
    ] {
        let refused = home.server.ask(method, &path, &ben, &Value::Null);
        assert_eq!(refused.refusal(), (404, Code::NoSuchPage), "{method} {path}");
    }
    assert_eq!(home.server.ask("PATCH", &one, &ben, &json!({ "enabled": false })).refusal(), (404, Code::NoSuchPage));
    assert_eq!(home.server.ask("GET", "/v1/webhooks", &ben, &Value::Null).json(), json!({ "webhooks": [] }));
    let body = json!({ "ledger": ledger, "url": receiver.url() });
    assert_eq!(home.server.ask("POST", "/v1/webhooks", &ben, &body).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(ask(&home, "POST", "/v1/webhooks", &body).refusal(), (400, Code::TooMany));

    let token = ask(&home, "POST", "/v1/tokens", &json!({ "name": "all", "scope": "write" })).json();
    let program = Account { access: token["token"].as_str().unwrap().to_owned(), ..home.account.clone() };
    assert_eq!(home.server.ask("GET", "/v1/webhooks", &program, &Value::Null).refusal(), (401, Code::SignInNeeded));

    assert_eq!(ask(&home, "PATCH", &one, &json!({ "enabled": false })).json()["disabled_reason"], "by_owner");
    assert_eq!(ask(&home, "DELETE", &one, &Value::Null).status, 204);
    assert_eq!(ask(&home, "DELETE", &one, &Value::Null).refusal(), (404, Code::NoSuchPage));
    assert_eq!(ask(&home, "GET", "/v1/webhooks/nonsense", &Value::Null).refusal(), (404, Code::NoSuchPage));
}

#[test]
fn what_cannot_be_a_webhook_is_refused() {
    let home = Home::new();
    let (ledger, url) = (home.ledger.id.to_string(), "https://example.org/hook");
    let long = format!("https://example.org/{}", "x".repeat(2_048));
    for body in [
        json!({ "ledger": ledger, "url": "ftp://example.org/" }),
        json!({ "ledger": ledger, "url": "/hook" }),
        json!({ "ledger": ledger, "url": "https://user:password@example.org/" }),
        json!({ "ledger": ledger, "url": "https://example.org/#part" }),
        json!({ "ledger": ledger, "url": long }),
        json!({ "ledger": ledger, "url": url, "events": [] }),
        json!({ "ledger": ledger, "url": url, "events": ["expense.exploded"] }),
        json!({ "ledger": ledger, "url": url, "unknown": 1 }),
        json!({ "ledger": ledger }),
    ] {
        assert_eq!(ask(&home, "POST", "/v1/webhooks", &body).refusal(), (422, Code::Invalid), "{body}");
    }
    let nowhere = json!({ "ledger": "nowhere", "url": url });
    assert_eq!(ask(&home, "POST", "/v1/webhooks", &nowhere).refusal(), (404, Code::NoSuchLedger));
    let made = hook(&home.server, &home.account, &home, url);
    for change in [json!({ "url": "http://127.0.0.1/" }), json!({ "events": [] }), json!({ "secret": "x" })] {
        let refused = ask(&home, "PATCH", &page(&made, ""), &change);
        assert_eq!(refused.refusal(), (422, Code::Invalid), "{change}");
    }
}

#[test]
fn webhooks_go_with_their_account() {
    let mut home = home(&[]);
    let ben = Device::new(2);
    let account = home.server.sign_up("ben@example.org", &ben);
    let (member, heads) = (ben.member(), home.ledger.heads.clone());
    let add = MemberOperation::Add { member, device: ben.public(), role: Role::Viewer };
    let added = home.phone.operation(home.ledger.id, &heads, &add);
    home.push(&added.0);
    Socket::of(&home.server, &ben, &account);
    let (of_ana, of_ben) = (Receiver::start(&[]), Receiver::start(&[]));
    hook(&home.server, &home.account, &home, &of_ana.url());
    hook(&home.server, &account, &home, &of_ben.url());
    assert_eq!(home.server.ask("DELETE", "/v1/me", &account, &json!({ "password": PASSWORD })).status, 204);
    home.spend("2026-11-01", "1.00 EUR", "Shop");
    of_ana.next();
    // The next one is told after the first was for everybody.
    home.spend("2026-11-02", "1.00 EUR", "Shop");
    of_ana.next();
    assert_eq!(of_ben.connections(), 0);
}
