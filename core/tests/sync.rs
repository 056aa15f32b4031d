//! Devices and the real server, over real sockets on this machine.
//!
//! Tests wait for what is to become true and never for a time to pass; the limits are only there so that a failure is not an
//! endless wait.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "sync/attachments.rs"]
mod attachments;
#[path = "sync/certificate.rs"]
mod certificate;
#[path = "sync/copies.rs"]
mod copies;
#[path = "sync/expiry.rs"]
mod expiry;
#[path = "sync/log.rs"]
mod log;
#[path = "sync/outages.rs"]
mod outages;
#[path = "sync/programs.rs"]
mod programs;
#[path = "sync/relay.rs"]
mod relay;
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use outlay_core::sync::{Connection, Credentials, ServerAddress, SignInOptions, SignOut};
use outlay_core::{Currency, Diff, Engine, ErrorKind, Expense, Filter, LedgerId, Options, Role, Sort};
use outlay_ledger::change::Scalar;
use outlay_ledger::commit::{ActorForm, Kind};
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::{Document, Put};
use outlay_ledger::{Entry, EntryKind};
use outlay_protocol::Code;
use outlay_server::config::{Cli, Command};
use programs::request;
use support::forge::{Forger, View, change_record, record};
use support::spent;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Nothing takes this long.
const LONG: Duration = Duration::from_secs(60);

/// A server on a port of its own, whose data outlives it.
struct Server {
    folder: TempDir,
    runtime: Runtime,
    options: Vec<String>,
    port: u16,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self { folder: tempfile::tempdir().unwrap(), runtime, options, port: 0, running: None };
        server.resume();
        server
    }

    /// Serves again, at the same address and with the same data.
    fn resume(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let data = self.folder.path().to_str().unwrap();
        let words = ["outlay-server", "serve", "--dev", "--data", data, "--listen", &listen];
        let cli = Cli::parse_from(words.into_iter().map(str::to_owned).chain(self.options.clone()));
        let Command::Serve(serve) = cli.command else { panic!("it serves") };
        let server = self.runtime.block_on(outlay_server::serve::Server::bind(&serve)).unwrap();
        self.port = server.address().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let running = self.runtime.spawn(server.run(async {
            let _ = stopped.await;
        }));
        self.running = Some((stop, running));
    }

    fn stop(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            let _ = stop.send(());
            self.runtime.block_on(running).unwrap();
        }
    }

    fn address(&self) -> ServerAddress {
        ServerAddress::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn engine(folder: &Path, name: &str) -> Arc<Engine> {
    Arc::new(Engine::open(folder.join(name), Options::default()).unwrap())
}

fn credentials(email: &str) -> Credentials {
    Credentials { email: email.to_owned(), password: "correct horse battery".to_owned() }
}

fn ana() -> Credentials {
    credentials("ana@example.org")
}

fn named(device: &str) -> SignInOptions {
    SignInOptions { device_name: device.to_owned(), ..SignInOptions::default() }
}

fn shown(engine: &Engine, ledger: LedgerId) -> Vec<Expense> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = engine.query(ledger, &Filter::default(), Sort::Newest, after, 500).unwrap();
        all.extend(page.expenses);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    all.sort_by_key(|expense| expense.id);
    all
}

fn sync(engine: &Engine) -> outlay_core::sync::SyncReport {
    let report = engine.sync_once(LONG).unwrap();
    assert!(report.is_complete, "{report:?}");
    assert_eq!(engine.sync_status().unwrap().connection, Connection::Off, "one sync leaves no connection");
    report
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::yield_now();
    }
}

/// A phone with a ledger that was recorded without an account and has gone up, and a laptop of the same person.
fn phone_and_laptop(folder: &TempDir, server: &Server) -> (Arc<Engine>, Arc<Engine>, LedgerId) {
    let (phone, laptop) = (engine(folder.path(), "phone"), engine(folder.path(), "laptop"));
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    phone.add_expense(home, spent("12.50", "Lunch", "2026-03-01")).unwrap();
    phone.sign_up(&server.address(), &ana(), &named("phone")).unwrap();
    sync(&phone);
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    (phone, laptop, home)
}

#[test]
fn months_without_an_account_go_up_and_a_new_device_gets_them_all() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let phone = engine(folder.path(), "phone");
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    let trip = phone.create_ledger("Trip", Currency::EUR).unwrap().id;
    for number in 0..500 {
        let day = format!("2025-{:02}-{:02}", number % 12 + 1, number % 28 + 1);
        phone.add_expense(home, spent("1.20", &format!("Shop {number}"), &day)).unwrap();
    }
    let account = phone.sign_up(&server.address(), &ana(), &named("phone")).unwrap();
    assert_eq!(phone.account().unwrap(), Some(account));
    let report = sync(&phone);
    assert!(report.pushed >= 504, "{report:?}");
    let status = phone.sync_status().unwrap();
    assert!(status.ledgers.iter().all(|ledger| ledger.local == 0 && ledger.refused == 0), "{status:?}");

    let laptop = engine(folder.path(), "laptop");
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    let mut ledgers: Vec<LedgerId> = laptop.ledgers().unwrap().iter().map(|ledger| ledger.id).collect();
    ledgers.sort_unstable();
    let mut both = vec![home, trip];
    both.sort_unstable();
    assert_eq!(ledgers, both);
    assert_eq!(shown(&laptop, home), shown(&phone, home));

    let tea = laptop.add_expense(home, spent("2", "Tea", "2026-01-01")).unwrap();
    sync(&laptop);
    sync(&phone);
    assert_eq!(phone.expense(home, tea.id).unwrap(), Some(tea), "the new device may write");
    assert_eq!(sync(&phone).pushed, 0);
    for engine in [phone, laptop] {
        assert!(engine.doctor().unwrap().is_ok());
    }
}

#[test]
fn more_new_ledgers_than_pushes_in_flight_go_up_in_one_sync() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop) = (engine(folder.path(), "phone"), engine(folder.path(), "laptop"));
    let ledgers = 2 * outlay_protocol::message::PUSHES_IN_FLIGHT_MAX + 3;
    for number in 0..ledgers {
        let ledger = phone.create_ledger(&format!("Trip {number}"), Currency::EUR).unwrap().id;
        phone.add_expense(ledger, spent("1", "Coffee", "2026-03-01")).unwrap();
    }
    phone.sign_up(&server.address(), &ana(), &named("phone")).unwrap();
    sync(&phone);
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    let coffees: usize = laptop.ledgers().unwrap().iter().map(|ledger| shown(&laptop, ledger.id).len()).sum();
    assert_eq!((laptop.ledgers().unwrap().len(), coffees), (ledgers, ledgers));
}

#[test]
fn what_one_device_saves_the_other_shows_live() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let _syncers = (phone.start_sync().unwrap(), laptop.start_sync().unwrap());
    for engine in [&phone, &laptop] {
        wait_until("the connection is live", || engine.sync_status().unwrap().connection == Connection::Live);
    }
    let (sender, receiver) = std::sync::mpsc::channel::<Diff>();
    let sender = std::sync::Mutex::new(sender);
    let tell = move |diff: Diff| drop(sender.lock().unwrap().send(diff));
    let _watch = laptop.observe(home, Filter::default(), Sort::Newest, 50, Arc::new(tell)).unwrap();
    receiver.recv_timeout(LONG).unwrap();
    let mut times = Vec::new();
    for number in 0..20 {
        let begun = Instant::now();
        let added = phone.add_expense(home, spent("3", &format!("Live {number}"), "2026-03-02")).unwrap();
        let diff = receiver.recv_timeout(LONG).unwrap();
        times.push(begun.elapsed());
        assert_eq!(diff.inserted.iter().map(|(_, expense)| expense.id).collect::<Vec<_>>(), [added.id]);
    }
    times.sort_unstable();
    println!("live: median {:?}, greatest {:?}", times[10], times[19]);
}

#[test]
fn what_was_written_while_the_server_was_down_goes_up_when_it_is_back() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let syncer = phone.start_sync().unwrap();
    wait_until("the connection is live", || phone.sync_status().unwrap().connection == Connection::Live);
    server.stop();
    let lost = phone.add_expense(home, spent("4", "Offline", "2026-03-03")).unwrap();
    wait_until("it is said", || phone.sync_status().unwrap().connection == Connection::Retrying);
    assert!(phone.sync_status().unwrap().waiting.is_some());
    assert_eq!(laptop.sync_once(LONG).unwrap_err().kind(), ErrorKind::Offline);
    server.resume();
    syncer.retry_now();
    wait_until("it goes up", || phone.sync_status().unwrap().ledgers[0].local == 0);
    sync(&laptop);
    assert_eq!(laptop.expense(home, lost.id).unwrap(), Some(lost));
}

#[test]
fn a_database_belongs_to_one_account_at_a_time_and_is_left_by_choice() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let ben = credentials("ben@example.org");
    engine(folder.path(), "bens").sign_up(&server.address(), &ben, &named("bens")).unwrap();
    let other = phone.sign_in(&server.address(), &ben, &named("phone")).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::OtherAccount);
    assert_eq!(phone.sign_up(&server.address(), &ben, &named("phone")).unwrap_err().kind(), ErrorKind::OtherAccount);

    phone.add_expense(home, spent("1", "Unsent", "2026-03-04")).unwrap();
    assert_eq!(phone.sign_out(SignOut::Wipe).unwrap_err().kind(), ErrorKind::Forbidden);
    phone.sign_out(SignOut::Keep).unwrap();
    assert_eq!((phone.account().unwrap(), shown(&phone, home).len()), (None, 2));
    assert_eq!(phone.sync_once(LONG).unwrap_err().kind(), ErrorKind::SignedOut);
    assert_eq!(phone.sync_once(Duration::MAX).unwrap_err().kind(), ErrorKind::SignedOut, "no limit");

    phone.sign_in(&server.address(), &ana(), &named("phone")).unwrap();
    assert_eq!(sync(&phone).pushed, 1, "it goes on where it was");

    sync(&laptop);
    laptop.sign_out(SignOut::Wipe).unwrap();
    assert!(laptop.ledgers().unwrap().is_empty() && laptop.account().unwrap().is_none());
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    assert_eq!(shown(&laptop, home), shown(&phone, home));
}

/// The access token with which a database speaks.
fn access_token(folder: &TempDir, name: &str) -> String {
    let kept = std::fs::read_to_string(folder.path().join(format!("{name}.tokens"))).unwrap();
    serde_json::from_str::<serde_json::Value>(&kept).unwrap()["access_token"].as_str().unwrap().to_owned()
}

/// The token that was mailed to an address.
fn mailed(mails: &Path, to: &str) -> Option<String> {
    let files = std::fs::read_dir(mails).unwrap().map(|file| file.unwrap().path());
    let of_folder = files.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    let texts = of_folder.map(|path| std::fs::read_to_string(path).unwrap());
    let text = texts.into_iter().find(|text| text.contains(&format!("To: {to}")))?;
    text.lines().find(|line| line.starts_with("ov1_")).map(str::to_owned)
}

#[test]
fn who_has_another_address_now_signs_in_by_it_on_the_same_database() {
    let mails = tempfile::tempdir().unwrap();
    let mail_folder = mails.path().to_str().unwrap();
    let server = Server::start_with(&["--mail-folder", mail_folder, "--mail-from", "outlay@example.net"]);
    let folder = tempfile::tempdir().unwrap();
    let (phone, _, home) = phone_and_laptop(&folder, &server);
    let before = phone.account().unwrap().unwrap();
    let new = credentials("ana@example.net");
    let change = serde_json::json!({ "email": new.email, "password": new.password });
    let changed = request(&server, ("PUT", "/v1/me/email"), &access_token(&folder, "phone"), &change);
    assert_eq!(changed.0, 202, "{changed:?}");
    wait_until("it is mailed", || mailed(mails.path(), &new.email).is_some());
    let token = serde_json::json!({ "token": mailed(mails.path(), &new.email) });
    assert_eq!(request(&server, ("POST", "/v1/auth/verify"), "", &token).0, 204);

    let after = phone.sign_in(&server.address(), &new, &named("phone")).unwrap();
    assert_eq!((&after.id, after.email.as_str()), (&before.id, "ana@example.net"));
    phone.add_expense(home, spent("1", "Kiosk", "2026-03-07")).unwrap();
    assert_eq!(sync(&phone).pushed, 1, "it goes on where it was");
    let old = phone.sign_in(&server.address(), &ana(), &named("phone")).unwrap_err();
    assert_eq!(old.kind(), ErrorKind::Forbidden, "nobody has that address");
}

#[test]
fn a_wrong_password_says_what_an_unknown_address_says() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let phone = engine(folder.path(), "phone");
    phone.sign_up(&server.address(), &ana(), &named("phone")).unwrap();
    let laptop = engine(folder.path(), "laptop");
    let wrong = Credentials { password: "something else entirely".to_owned(), ..ana() };
    let wrong = laptop.sign_in(&server.address(), &wrong, &named("laptop")).unwrap_err();
    let unknown = laptop.sign_in(&server.address(), &credentials("no@example.org"), &named("laptop")).unwrap_err();
    assert_eq!((wrong.kind(), wrong.to_string()), (ErrorKind::Forbidden, unknown.to_string()));
    assert_eq!(laptop.account().unwrap(), None);
    let again = engine(folder.path(), "another").sign_up(&server.address(), &ana(), &named("x")).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_device_that_was_signed_out_keeps_what_it_has_and_goes_on_after_signing_in() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let devices = phone.devices().unwrap();
    assert_eq!(devices.iter().filter(|device| device.is_this).count(), 1);
    assert_eq!(devices.len(), 2);
    let syncer = laptop.start_sync().unwrap();
    wait_until("the connection is live", || laptop.sync_status().unwrap().connection == Connection::Live);
    phone.sign_out_device(laptop.device_key()).unwrap();
    wait_until("it is said", || laptop.sync_status().unwrap().connection == Connection::SignedOut);
    let kept = laptop.add_expense(home, spent("5", "Kept", "2026-03-05")).unwrap();
    drop(syncer);
    assert_eq!(laptop.sync_once(LONG).unwrap_err().kind(), ErrorKind::SignedOut);
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    sync(&phone);
    assert_eq!(phone.expense(home, kept.id).unwrap(), Some(kept));
}

#[test]
fn a_token_that_ends_is_renewed_and_the_work_goes_on() {
    let server = Server::start_with(&["--access-token-seconds", "2"]);
    let folder = tempfile::tempdir().unwrap();
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let _syncers = (phone.start_sync().unwrap(), laptop.start_sync().unwrap());
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        let added = phone.add_expense(home, spent("1", &format!("Tick {number}"), "2026-03-06")).unwrap();
        wait_until("it arrives", || laptop.expense(home, added.id).unwrap().is_some());
        number += 1;
    }
    assert!(number > 5);
}

#[test]
fn what_is_saved_while_others_connect_arrives() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    for round in 0..40 {
        let _syncers = (phone.start_sync().unwrap(), laptop.start_sync().unwrap());
        let added = phone.add_expense(home, spent("1", &format!("Round {round}"), "2026-03-06")).unwrap();
        wait_until("it arrives", || laptop.expense(home, added.id).unwrap().is_some());
    }
}

#[test]
fn two_processes_sync_one_database_by_turns() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let widget = engine(folder.path(), "phone");
    let first = phone.start_sync().unwrap();
    wait_until("the connection is live", || phone.sync_status().unwrap().connection == Connection::Live);
    let _second = widget.start_sync().unwrap();
    wait_until("it waits", || widget.sync_status().unwrap().connection == Connection::Elsewhere);
    widget.add_expense(home, spent("6", "Widget", "2026-03-07")).unwrap();
    wait_until("the other takes it up", || widget.sync_status().unwrap().ledgers[0].local == 0);
    drop(first);
    wait_until("its turn comes", || widget.sync_status().unwrap().connection == Connection::Live);
    sync(&laptop);
    assert_eq!(shown(&laptop, home), shown(&phone, home));
}

#[test]
fn a_server_restored_from_an_older_backup_gets_everything_back() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let backup = folder.path().join("server.backup");
    outlay_server::backup::backup(server.folder.path(), &backup).unwrap();
    laptop.add_expense(home, spent("7", "After the backup", "2026-03-08")).unwrap();
    sync(&laptop);
    sync(&phone);
    server.stop();
    let mut random = outlay_server::store::system_random();
    outlay_server::backup::restore(server.folder.path(), &backup, &mut random).unwrap();
    server.resume();
    phone.add_expense(home, spent("8", "After the restore", "2026-03-09")).unwrap();
    sync(&phone);
    sync(&laptop);
    let tablet = engine(folder.path(), "tablet");
    tablet.sign_in(&server.address(), &ana(), &named("tablet")).unwrap();
    sync(&tablet);
    assert_eq!(shown(&tablet, home).len(), 3);
    assert_eq!(shown(&tablet, home), shown(&laptop, home));
    assert_eq!(shown(&tablet, home), shown(&phone, home));
}

#[test]
fn another_server_at_the_same_address_gets_nothing() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, _, home) = phone_and_laptop(&folder, &server);
    server.stop();
    let mut other = Server::start();
    other.stop();
    other.port = server.port;
    other.resume();
    phone.add_expense(home, spent("9", "Mine", "2026-03-10")).unwrap();
    assert_eq!(phone.sync_once(LONG).unwrap_err().kind(), ErrorKind::Offline);
    assert_eq!(phone.sync_status().unwrap().ledgers[0].local, 1);
}

#[test]
fn a_record_that_is_not_admitted_is_kept_aside_alike_on_all_devices_and_what_is_beside_it_counts() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let (before, mut ben) = (shown(&phone, home).len(), Forger::new(2, 31));
    phone.add_member(home, ben.device(), Role::Editor).unwrap();
    let no_change = record(Kind::Change, None, None, ActorForm::Feed, vec![1, 2, 3]);
    let amount = Entry::new(EntryKind::Expense, support::eur("3")).encode();
    let puts = vec![Put::new(field::DATE, Scalar::Int(20_000)), Put::new(field::MONEY, Scalar::Bytes(amount))];
    let lunch = change_record(None, &Document::create(ben.feed().0, Thing::Expense, puts));
    let taken = phone.take_in(&[ben.commit(&View::of(&phone, home), vec![no_change, lunch])]).unwrap();
    assert_eq!((taken.stored, taken.refused.len()), (1, 0), "the commit itself is in order");
    phone.add_expense(home, spent("4", "Kiosk", "2026-03-11")).unwrap();
    assert_eq!(sync(&phone).refused, 0);
    sync(&laptop);
    for device in [&phone, &laptop] {
        let diagnosis = device.doctor().unwrap();
        assert!(diagnosis.is_ok(), "{:?}", diagnosis.problems);
        assert_eq!(diagnosis.not_applied.iter().map(|(_, count)| count).sum::<u64>(), 1);
        assert_eq!(shown(device, home).len(), before + 2);
    }
    assert_eq!(shown(&laptop, home), shown(&phone, home));
}

/// Something between a device and a server that lets plain requests through, and answers what would become a WebSocket itself.
struct Proxy {
    address: ServerAddress,
    does: Arc<Does>,
}

/// What it does with what comes.
struct Does {
    /// The status of its answer to an upgrade; 0 lets it through.
    status: AtomicU16,
    /// Nothing more goes through, without closing what there is.
    hangs: AtomicBool,
    /// Upgrades that went through.
    upgrades: AtomicUsize,
}

impl Proxy {
    fn without_upgrade(to: u16) -> Self {
        Self::answering(to, 400)
    }

    fn answering(to: u16, status: u16) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = ServerAddress::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let does =
            Does { status: AtomicU16::new(status), hangs: AtomicBool::new(false), upgrades: AtomicUsize::new(0) };
        let does = Arc::new(does);
        let shared = Arc::clone(&does);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let does = Arc::clone(&shared);
                std::thread::spawn(move || drop(pass_on(client.unwrap(), to, &does)));
            }
        });
        Self { address, does }
    }
}

fn pass_on(mut client: TcpStream, to: u16, does: &Does) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    if String::from_utf8_lossy(&head).to_ascii_lowercase().contains("upgrade: websocket") {
        let status = does.status.load(Ordering::SeqCst);
        if status > 0 {
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            return client.write_all(answer.as_bytes());
        }
        does.upgrades.fetch_add(1, Ordering::SeqCst);
    }
    if does.hangs.load(Ordering::SeqCst) {
        return std::io::copy(&mut client, &mut std::io::sink()).map(drop);
    }
    let mut server = TcpStream::connect(("127.0.0.1", to))?;
    server.write_all(&head)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    std::io::copy(&mut server, &mut client).map(drop)
}

/// A server that is full or being started, or the proxy before it, says nothing of WebSockets.
#[test]
fn an_answer_that_says_later_leaves_no_device_without_its_socket() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    for status in [429, 502, 503, 504] {
        let proxy = Proxy::answering(server.port, status);
        phone.sign_in(&proxy.address, &ana(), &named("phone")).unwrap();
        let syncer = phone.start_sync().unwrap();
        let waits = || phone.sync_status().unwrap().connection == Connection::Retrying;
        wait_until("it is told to come later", waits);
        let waiting = phone.sync_status().unwrap().waiting.unwrap();
        assert!(matches!(waiting.code, Some(Code::Rate | Code::Busy)) && waiting.retry_ms.is_some(), "{waiting:?}");
        proxy.does.status.store(0, Ordering::SeqCst);
        wait_until("it has a socket", || proxy.does.upgrades.load(Ordering::SeqCst) > 0);
        let added = laptop.add_expense(home, spent("1", &format!("Shop {status}"), "2026-03-06")).unwrap();
        sync(&laptop);
        wait_until("it arrives", || phone.expense(home, added.id).unwrap().is_some());
        drop(syncer);
    }
}

/// A proxy that cannot upgrade says so in many ways; a status that says later, again and again, is one of them.
#[test]
fn a_proxy_that_says_later_to_every_upgrade_is_passed_by_plain_requests() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let proxy = Proxy::answering(server.port, 502);
    phone.sign_in(&proxy.address, &ana(), &named("phone")).unwrap();
    phone.add_expense(home, spent("1", "Kiosk", "2026-03-06")).unwrap();
    assert_eq!(sync(&phone).pushed, 1, "a sync that is to end once does not wait for it");
    let syncer = phone.start_sync().unwrap();
    let added = phone.add_expense(home, spent("2", "Bakery", "2026-03-07")).unwrap();
    wait_until("it is stored on the server", || phone.sync_status().unwrap().ledgers[0].local == 0);
    drop(syncer);
    sync(&laptop);
    assert!(laptop.expense(home, added.id).unwrap().is_some());
    assert_eq!(proxy.does.upgrades.load(Ordering::SeqCst), 0);
}

#[test]
fn where_no_websocket_comes_through_plain_requests_do() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, _, home) = phone_and_laptop(&folder, &server);
    for number in 0..400 {
        phone.add_expense(home, spent("1", &format!("Shop {number}"), "2025-12-01")).unwrap();
    }
    let proxy = Proxy::without_upgrade(server.port);
    let tablet = engine(folder.path(), "tablet");
    tablet.sign_in(&proxy.address, &ana(), &named("tablet")).unwrap();
    sync(&tablet);
    phone.sign_in(&proxy.address, &ana(), &named("phone")).unwrap();
    assert_eq!(sync(&phone).pushed, 400);
    sync(&tablet);
    assert_eq!(shown(&tablet, home), shown(&phone, home));

    proxy.does.hangs.store(true, Ordering::SeqCst);
    tablet.add_expense(home, spent("1", "Kiosk", "2025-12-02")).unwrap();
    let report = tablet.sync_once(Duration::from_millis(200)).unwrap();
    assert!(!report.is_complete, "the time was up while the server said nothing");
}
