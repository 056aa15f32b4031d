//! A server as a process, and the smallest client that speaks to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outlay_ledger::change::{Change, Scalar};
use outlay_ledger::commit::{ActorForm, Body, Commit, FORMAT_VERSION, Header, Kind, Record, derived_document, feed};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Input, Put};
use outlay_ledger::hex;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{
    CommitId, Date, DeviceKey, DocumentId, Entry, EntryKind, FeedId, LedgerId, MemberId, Money, Month,
};
use outlay_protocol::message::{Ack, Auth, Hello, Inline, Mode, Open, Opened, Push, Run};
use outlay_protocol::{Code, Cursor, Message, batch, proof};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::WebSocket;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

/// A test that hangs is a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Where the metrics are, if it was told to serve them.
    pub(crate) metrics: Option<String>,
    pub(crate) data: PathBuf,
    /// Goes away with the last server that uses it.
    folder: std::rc::Rc<tempfile::TempDir>,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        let folder = std::rc::Rc::new(tempfile::tempdir().unwrap());
        let data = folder.path().join("data");
        Self::start_in(folder, data, options)
    }

    /// What it logs is in [`Self::log`].
    pub(crate) fn logging(options: &[&str]) -> Self {
        let folder = std::rc::Rc::new(tempfile::tempdir().unwrap());
        let data = folder.path().join("data");
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        Self::start_with(folder, data, options, log.into())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap()
    }

    fn start_in(folder: std::rc::Rc<tempfile::TempDir>, data: PathBuf, options: &[&str]) -> Self {
        let options = [&["--log", "error"], options].concat();
        Self::start_with(folder, data, &options, Stdio::inherit())
    }

    /// It trusts only whom these roots certify, as PEM.
    pub(crate) fn trusting(roots: &[u8], options: &[&str]) -> Self {
        let folder = std::rc::Rc::new(tempfile::tempdir().unwrap());
        let (data, roots_file) = (folder.path().join("data"), folder.path().join("roots.pem"));
        std::fs::write(&roots_file, roots).unwrap();
        let mut command = command();
        command.env("SSL_CERT_FILE", roots_file).env_remove("SSL_CERT_DIR");
        Self::spawn(command, folder, data, &[&["--log", "error"], options].concat(), Stdio::inherit())
    }

    fn start_with(folder: std::rc::Rc<tempfile::TempDir>, data: PathBuf, options: &[&str], log: Stdio) -> Self {
        Self::spawn(command(), folder, data, options, log)
    }

    fn spawn(
        mut command: Command,
        folder: std::rc::Rc<tempfile::TempDir>,
        data: PathBuf,
        options: &[&str],
        log: Stdio,
    ) -> Self {
        let mut child = command
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(["--password-hash-memory-kib", "64", "--password-hash-passes-count", "1", "--data"])
            .arg(&data)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        let address = url.split_once("://").unwrap().1.to_owned();
        let metrics = options.contains(&"--metrics-listen").then(|| {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            let address = line.trim().strip_prefix("metrics on http://").and_then(|url| url.strip_suffix("/metrics"));
            address.unwrap_or_else(|| panic!("{line:?}")).to_owned()
        });
        Self { child, address, metrics, data, folder }
    }

    /// Stops it in good order, and says with which status it ended.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.terminate();
        self.child.wait().unwrap().code()
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Another one in the same folder, after this one has ended.
    pub(crate) fn again(&self, options: &[&str]) -> Self {
        Self::start_in(self.folder.clone(), self.data.clone(), options)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        request(&self.address, "GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        request(&self.address, "POST", path, &headers, body.to_string().as_bytes())
    }

    /// Asks as somebody who is signed in; a body is JSON, `Null` is none.
    pub(crate) fn ask(&self, method: &str, path: &str, account: &Account, body: &Value) -> Reply {
        self.ask_with(method, path, account, body, &[])
    }

    pub(crate) fn ask_with(
        &self,
        method: &str,
        path: &str,
        account: &Account,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Reply {
        let bearer = format!("Bearer {}", account.access);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            all.push(("content-type", "application/json"));
        }
        request(&self.address, method, path, &all, body.as_bytes())
    }

    pub(crate) fn sign_up(&self, email: &str, device: &Device) -> Account {
        let body = json!({ "email": email, "password": PASSWORD, "device": { "key": device.key(), "name": "phone" } });
        Account::of(&self.post("/v1/auth/signup", &body))
    }

    pub(crate) fn log_in(&self, email: &str, device: &Device) -> Account {
        let body = json!({ "email": email, "password": PASSWORD, "device": { "key": device.key(), "name": "tablet" } });
        Account::of(&self.post("/v1/auth/login", &body))
    }

    /// Id and nonce.
    pub(crate) fn identity(&self) -> ([u8; 32], [u8; 16]) {
        let answer = self.get("/v1/server").json();
        (hex::fixed(answer["id"].as_str().unwrap()).unwrap(), hex::fixed(answer["nonce"].as_str().unwrap()).unwrap())
    }

    pub(crate) fn refresh(&self, device: &Device, refresh_token: &str) -> Reply {
        let (server, nonce) = self.identity();
        let proof = device.secret.sign_digest(&proof::digest(&server, &nonce, refresh_token));
        let body = json!({
            "refresh_token": refresh_token, "nonce": hex::encode(&nonce), "proof": hex::encode(&proof),
        });
        self.post("/v1/auth/refresh", &body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_outlay-server"))
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// What a refusal says, without the id of the request, which is another for each.
    pub(crate) fn problem(&self) -> Value {
        let mut problem = self.json();
        let id = problem.as_object_mut().and_then(|problem| problem.remove("request_id"));
        assert_eq!(id.as_ref().and_then(Value::as_str), self.header("x-request-id").as_deref(), "the same in both");
        problem
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, Code) {
        let number = self.json()["code"].as_u64().unwrap_or_default();
        (self.status, Code::from_number(u16::try_from(number).unwrap()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }
}

pub(crate) fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    headers.iter().for_each(|(key, value)| head += &format!("{key}: {value}\r\n"));
    // A refusal may come before everything was taken.
    _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
    let headers = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    let is_chunked = headers.to_lowercase().contains("\r\ntransfer-encoding: chunked");
    let body = if is_chunked { unchunked(&answer[end + 4..]) } else { answer[end + 4..].to_vec() };
    Reply { status, headers, body }
}

/// A body that came in pieces, each after its length.
fn unchunked(mut pieces: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = pieces.windows(2).position(|two| two == b"\r\n").expect("a length");
        let length = usize::from_str_radix(std::str::from_utf8(&pieces[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend(&pieces[end + 2..end + 2 + length]);
        pieces = &pieces[end + 2 + length + 2..];
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Account {
    pub(crate) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let (json, text) = (reply.json(), |key: &str| reply.json()[key].as_str().unwrap().to_owned());
        assert_eq!(json["expires_in"].as_u64().map(|s| s > 0), Some(true));
        Self { id: text("account"), access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// A program that is no device, signed in.
pub(crate) fn program(server: &Server, page: &str, email: &str, name: &str) -> Account {
    let body = json!({ "email": email, "password": PASSWORD, "name": name });
    Account::of(&server.post(&format!("/v1/auth/{page}"), &body))
}

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

/// A connection of a device.
pub(crate) struct Socket {
    socket: WebSocket<TcpStream>,
    pub(crate) server: [u8; 32],
    pub(crate) nonce: [u8; 16],
}

impl Socket {
    pub(crate) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, answer) = tungstenite::client(format!("ws://{}/v1/sync", server.address), stream).unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let server = hex::fixed(&header("outlay-server")).unwrap();
        Self { socket, server, nonce: hex::fixed(&header("outlay-nonce")).unwrap() }
    }

    /// Connected and signed in.
    pub(crate) fn of(server: &Server, device: &Device, account: &Account) -> Self {
        let mut socket = Self::connect(server);
        socket.greet(device, &account.access);
        loop {
            match socket.receive() {
                Message::Welcome(welcome) => break assert!(welcome.seconds_left > 0),
                Message::Ledgers(_) => {}
                other => panic!("{other:?}"),
            }
        }
        socket
    }

    pub(crate) fn greet(&mut self, device: &Device, token: &str) {
        greeting(device, token, &self.server, &self.nonce).iter().for_each(|message| self.send(message));
    }

    pub(crate) fn send(&mut self, message: &Message) {
        self.send_bytes(message.encode());
    }

    pub(crate) fn send_bytes(&mut self, frame: Vec<u8>) {
        // A server that has closed says why to whoever reads.
        _ = self.socket.send(Frame::Binary(frame.into()));
    }

    /// The next message, or the code with which the server has closed.
    pub(crate) fn next(&mut self) -> Result<Message, u16> {
        loop {
            match self.socket.read() {
                Ok(Frame::Binary(frame)) => return Ok(Message::decode(&frame, 1 << 20).unwrap()),
                Ok(Frame::Close(close)) => return Err(close.map_or(0, |close| close.code.into())),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn receive(&mut self) -> Message {
        self.next().unwrap_or_else(|close| panic!("closed with {close}"))
    }

    /// The code of the close, past what comes before it.
    pub(crate) fn closed(&mut self) -> Option<Code> {
        loop {
            if let Err(close) = self.next() {
                return Code::from_close(close);
            }
        }
    }

    /// Opens a ledger by handle 1 and returns what became of it and of the push in it.
    pub(crate) fn open(&mut self, ledger: LedgerId, from: Option<Cursor>, push: &[Commit]) -> Opened {
        self.send(&Message::Open(opening(ledger, from, push)));
        loop {
            match self.receive() {
                Message::Opened(opened) => return opened,
                Message::Ledgers(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn push(&mut self, number: u32, commits: &[Commit]) -> Vec<Run> {
        let batch = batch::encode(commits).unwrap();
        self.send(&Message::Push(Push { handle: 1, number, batch }));
        self.acknowledged(number)
    }

    /// What became of a push, past what comes before that.
    pub(crate) fn acknowledged(&mut self, wanted: u32) -> Vec<Run> {
        loop {
            match self.receive() {
                Message::Ack(Ack { number, runs, .. }) if number == wanted => return runs,
                Message::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    /// The commits up to CAUGHT_UP, and its cursor.
    pub(crate) fn caught_up(&mut self) -> (Vec<Commit>, Cursor) {
        let mut commits = Vec::new();
        loop {
            match self.receive() {
                Message::Commits(page) => commits.extend(decode(&page.batch)),
                Message::CaughtUp(caught_up) => return (commits, caught_up.cursor),
                Message::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    /// The next commits.
    pub(crate) fn commits(&mut self) -> Vec<Commit> {
        loop {
            if let Message::Commits(page) = self.receive() {
                return decode(&page.batch);
            }
        }
    }
}

pub(crate) fn greeting(device: &Device, token: &str, server: &[u8; 32], nonce: &[u8; 16]) -> [Message; 2] {
    let proof = device.secret.sign_digest(&proof::digest(server, nonce, token));
    let hello = Hello { version_min: 1, version_max: 1, features: 0, device: device.public() };
    let ledgers = outlay_protocol::message::ledgers_mark(&[]);
    [Message::Hello(hello), Message::Auth(Auth { token: token.to_owned(), proof, ledgers })]
}

pub(crate) fn opening(ledger: LedgerId, from: Option<Cursor>, push: &[Commit]) -> Open {
    let batch = (!push.is_empty()).then(|| batch::encode(push).unwrap());
    let push = batch.map(|batch| Inline { number: 1, batch });
    Open { handle: 1, ledger, from, highest: None, heads: None, months: 0, live: true, push }
}

pub(crate) fn decode(bytes: &[u8]) -> Vec<Commit> {
    batch::decode(bytes, &batch::Limits::default()).unwrap()
}

/// Commits stored, held and refused, and the first refusal.
pub(crate) fn counts(runs: &[Run]) -> (u32, u32, u32, Option<Code>) {
    runs.iter().fold((0, 0, 0, None), |(stored, held, refused, code), run| match run {
        Run::Stored { count, .. } => (stored + count, held, refused, code),
        Run::Held { count } => (stored, held + count, refused, code),
        Run::Refused { count, code: new, .. } => (stored, held, refused + count, code.or(Some(*new))),
    })
}

pub(crate) fn refused(opened: &Opened) -> Option<Code> {
    match opened.mode {
        Mode::Refused(code) => Some(code),
        _ => None,
    }
}

pub(crate) fn run(arguments: &[&str], paths: &[(&str, &Path)]) -> (bool, String) {
    let mut command = command();
    command.args(arguments);
    paths.iter().for_each(|(option, path)| _ = command.arg(option).arg(path));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}
