//! A server as a process, and those who speak to it.

mod device;
mod socket;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outlay_ledger::hex;
use outlay_protocol::{Code, proof};
use serde_json::{Value, json};

pub(crate) use device::{Device, Ledger, Written, pin, spent};
pub(crate) use socket::{Socket, counts, decode, greeting, opening, refused};

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
        let passes: &[&str] = if options.contains(&"--password-hash-passes-count") {
            &[]
        } else {
            &["--password-hash-passes-count", "1"]
        };
        let mut child = command
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--password-hash-memory-kib", "64"])
            .args(passes)
            .arg("--data")
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
        let body = json!({ "email": email, "password": PASSWORD, "device": self.proved(email, device, "phone") });
        Account::of(&self.post("/v1/auth/signup", &body))
    }

    pub(crate) fn log_in(&self, email: &str, device: &Device) -> Account {
        let body = json!({ "email": email, "password": PASSWORD, "device": self.proved(email, device, "tablet") });
        Account::of(&self.post("/v1/auth/login", &body))
    }

    /// A device as it signs up or in by this address: with the proof that its key is its own.
    pub(crate) fn proved(&self, email: &str, device: &Device, name: &str) -> Value {
        proved(&self.address, email, device, name)
    }

    /// Id and nonce.
    pub(crate) fn identity(&self) -> ([u8; 32], [u8; 16]) {
        identity(&self.address)
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

fn identity(address: &str) -> ([u8; 32], [u8; 16]) {
    let answer = request(address, "GET", "/v1/server", &[], b"").json();
    (hex::fixed(answer["id"].as_str().unwrap()).unwrap(), hex::fixed(answer["nonce"].as_str().unwrap()).unwrap())
}

pub(crate) fn proved(address: &str, email: &str, device: &Device, name: &str) -> Value {
    let (server, nonce) = identity(address);
    let proof = device.secret.sign_digest(&proof::sign_in_digest(&server, &nonce, email));
    json!({ "key": device.key(), "name": name, "nonce": hex::encode(&nonce), "proof": hex::encode(&proof) })
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

/// What a server that serves its metrics at an address says of one of them.
pub(crate) fn metric(address: &str, name: &str) -> u64 {
    let text = String::from_utf8(request(address, "GET", "/metrics", &[], b"").body).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in\n{text}"))
}

/// A program that is no device, signed in.
pub(crate) fn program(server: &Server, page: &str, email: &str, name: &str) -> Account {
    let body = json!({ "email": email, "password": PASSWORD, "name": name });
    Account::of(&server.post(&format!("/v1/auth/{page}"), &body))
}

pub(crate) fn run(arguments: &[&str], paths: &[(&str, &Path)]) -> (bool, String) {
    let mut command = command();
    command.args(arguments);
    paths.iter().for_each(|(option, path)| _ = command.arg(option).arg(path));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}
