//! The real server in a process of its own, and the accounts on it.
//!
//! The program is the one that lies beside this one: it is built by the same command. It gets a folder of its own and a
//! port that the system chooses, says where it listens, and is stopped as an operator stops it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use hyper::Request;
use hyper::body::Bytes;
use hyper::http::request::Builder;
use outlay_core::sync::ServerAddress;
use outlay_core::{FileKeyStore, KeyStore as _};
use outlay_ledger::hex;
use outlay_ledger::signature::DeviceSecret;
use outlay_protocol::proof::sign_in_digest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::ground::{Outcome, number_after};
use crate::http::Http;

/// The program, beside this one.
const PROGRAM: &str = "outlay-server";
/// Options under which one machine may ask as much as many do.
const AS_MANY: [&str; 6] = [
    "--address-connections-max-count=20000",
    "--address-requests-per-minute=1000000",
    "--person-requests-per-minute=1000000",
    "--session-requests-per-minute=1000000",
    "--account-requests-per-minute=1000000",
    // One thread speaks for a thousand people: one whose connection is open may have to wait for its turn.
    "--header-timeout-seconds=60",
];
/// Options under which they sign in within seconds.
const CHEAP_PASSWORDS: [&str; 2] = ["--password-hash-memory-kib=64", "--password-hash-passes-count=1"];
/// Where it says how it is.
const METRICS: &str = "--metrics-listen=127.0.0.1:0";
/// What it says first when it is ready, and then.
const READY: &str = "listening on http://";
const MEASURED: &str = "metrics on http://";
/// The password of every account: what it is makes no difference to what hashing it takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A server that runs until it is stopped or dropped.
pub(crate) struct Server {
    child: Child,
    /// Kept, so that it may go on printing.
    _output: BufReader<ChildStdout>,
    log: PathBuf,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
}

/// What a device gets when it signs up or in.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    pub(crate) account: String,
    /// The server's id.
    pub(crate) server: [u8; 32],
    pub(crate) token: String,
}

impl Server {
    /// Starts a server on a folder, which may hold what another one left there, and waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Outcome<Self> {
        Self::start_with(folder, &[])
    }

    /// Starts one that lets a thousand devices in from one address, without the work that a password is worth.
    pub(crate) fn start_for_many(folder: &Path) -> Outcome<Self> {
        Self::start_with(folder, &[&AS_MANY[..], &CHEAP_PASSWORDS].concat())
    }

    /// Starts one that one address may ask as often as it likes, and for which passwords are the work that they are.
    pub(crate) fn start_for_programs(folder: &Path) -> Outcome<Self> {
        Self::start_with(folder, &AS_MANY)
    }

    fn start_with(folder: &Path, options: &[&str]) -> Outcome<Self> {
        let program = std::env::current_exe()?.with_file_name(PROGRAM);
        std::fs::create_dir_all(folder)?;
        let log = folder.join("log");
        let mut command = Command::new(&program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--dev", METRICS, "--data"]).arg(folder).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}, which is built beside this program: {error}", program.display()))?;
        let mut output = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let mut said = |what: &str| {
            let mut line = String::new();
            output.read_line(&mut line).ok()?;
            line.trim().strip_prefix(what)?.split('/').next()?.parse().ok()
        };
        match said(READY).zip(said(MEASURED)) {
            Some((address, metrics)) => Ok(Self { child, _output: output, log, address, metrics }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("the server did not start: {}", std::fs::read_to_string(&log)?.trim()).into())
            }
        }
    }

    /// Where it is, for an engine.
    pub(crate) fn url(&self) -> Outcome<ServerAddress> {
        url(self.address)
    }

    /// Asks it whether it is ready.
    pub(crate) async fn ready(&self) -> Outcome<()> {
        ask(self.address, Request::get("/readyz"), Bytes::new()).await.map(drop)
    }

    /// How many passwords it has hashed since it was started.
    pub(crate) async fn hashes(&self) -> Outcome<u64> {
        let text = ask(self.metrics, Request::get("/metrics"), Bytes::new()).await?;
        let text = String::from_utf8_lossy(&text);
        let count = text.lines().find_map(|line| line.strip_prefix("outlay_password_hashes_total "));
        Ok(count.ok_or("the server does not count password hashes")?.parse()?)
    }

    /// The memory it has now, in bytes.
    pub(crate) fn memory_bytes(&self) -> Outcome<u64> {
        self.status("VmRSS:")
    }

    /// The most memory it had since [`Server::forget_peak`], in bytes.
    pub(crate) fn peak_bytes(&self) -> Outcome<u64> {
        self.status("VmHWM:")
    }

    /// Begins to look for the most memory anew.
    pub(crate) fn forget_peak(&self) -> Outcome<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    /// What it has taken of the processor, in nanoseconds, to a hundredth of a second.
    pub(crate) fn cpu_ns(&self) -> Outcome<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name of the program, in brackets, may hold spaces. User and kernel time are the 14th and 15th field, in
        // hundredths of a second on every Linux.
        let after_name = stat.rsplit_once(')').ok_or("no such process")?.1;
        let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()? * 10_000_000)
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Stops it as an operator does, and waits until it has.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("the server has no process")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}: {}", self.said()).into()) }
    }

    /// The end of what it wrote to its log.
    fn said(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("; ")
    }

    fn status(&self, name: &str) -> Outcome<u64> {
        Ok(number_after(&format!("/proc/{}/status", self.child.id()), name)? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address for an engine.
pub(crate) fn url(address: SocketAddr) -> Outcome<ServerAddress> {
    Ok(ServerAddress::parse(&format!("http://{address}"))?)
}

/// The address of the `number`th person.
pub(crate) fn email(number: usize) -> String {
    format!("person{number}@example.org")
}

/// Makes an account without a device, as a program does, and says with which token to ask.
pub(crate) async fn sign_up_program(server: SocketAddr, email: &str) -> Outcome<()> {
    let body = json!({ "email": email, "password": PASSWORD, "name": "bench" });
    post(server, "/v1/auth/signup", &body).await.map(drop)
}

/// Makes an account with its first device.
pub(crate) async fn sign_up(server: SocketAddr, email: &str, device: &DeviceSecret) -> Outcome<Entered> {
    enter(server, "/v1/auth/signup", email, device).await
}

/// Signs a device in to an account.
pub(crate) async fn sign_in(server: SocketAddr, email: &str, device: &DeviceSecret) -> Outcome<Entered> {
    enter(server, "/v1/auth/login", email, device).await
}

/// The key of an engine that is in a file.
pub(crate) fn secret_beside(database: &Path) -> Outcome<DeviceSecret> {
    let secret = FileKeyStore::beside(database).load()?.ok_or("the engine has no key yet")?;
    Ok(DeviceSecret::from_bytes(secret))
}

async fn enter(server: SocketAddr, path: &str, email: &str, device: &DeviceSecret) -> Outcome<Entered> {
    let told = ask(server, Request::get("/v1/server"), Bytes::new()).await?;
    let told: Value = serde_json::from_slice(&told)?;
    let said = |key: &str| told[key].as_str().ok_or_else(|| format!("/v1/server: no {key}"));
    let id = hex::fixed(said("id")?).ok_or("the server's id is no key")?;
    let nonce = hex::fixed(said("nonce")?).ok_or("the nonce is none")?;
    let proof = hex::encode(&device.sign_digest(&sign_in_digest(&id, &nonce, email)));
    let key = device.public().to_string();
    let device = json!({ "key": key, "name": "bench", "nonce": hex::encode(&nonce), "proof": proof });
    let body = json!({ "email": email, "password": PASSWORD, "device": device });
    let answer = post(server, path, &body).await?;
    let text = |key: &str| answer[key].as_str().map(str::to_owned).ok_or_else(|| format!("{path}: no {key}"));
    Ok(Entered { account: text("account")?, server: id, token: text("access_token")? })
}

async fn post(server: SocketAddr, path: &str, body: &Value) -> Outcome<Value> {
    let request = Request::post(path).header("content-type", "application/json");
    let answer = ask(server, request, Bytes::from(body.to_string())).await?;
    Ok(serde_json::from_slice(&answer)?)
}

async fn ask(server: SocketAddr, request: Builder, body: Bytes) -> Outcome<Bytes> {
    Http::connect(server).await?.ask(request, body).await?.ok()
}
