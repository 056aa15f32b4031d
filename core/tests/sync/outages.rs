//! What a server and its devices go through: full disks, tokens that several processes renew, certificates nobody knows.

use std::sync::{Arc, Barrier};

use outlay_core::sync::{Code, Connection, LedgerStatus, ServerAddress, SyncOptions};
use outlay_core::{Currency, Engine, ErrorKind, Options};

use super::certificate::Authority;
use super::support::spent;
use super::{LONG, Server, ana, engine, named, phone_and_laptop, shown, sync, wait_until};

#[test]
fn a_ledger_made_on_one_device_comes_to_another_that_is_connected() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, _) = phone_and_laptop(&folder, &server);
    let _syncers = (phone.start_sync().unwrap(), laptop.start_sync().unwrap());
    for engine in [&phone, &laptop] {
        wait_until("the connection is live", || engine.sync_status().unwrap().connection == Connection::Live);
    }
    for (from, to, name) in [(&laptop, &phone, "Trip"), (&phone, &laptop, "Shop")] {
        let made = from.create_ledger(name, Currency::EUR).unwrap().id;
        let first = from.add_expense(made, spent("5", "Tickets", "2026-03-02")).unwrap();
        let is_here = || to.ledger(made).is_ok() && to.expense(made, first.id).unwrap().is_some();
        wait_until("the other device has it", is_here);
        wait_until("and may write there", || to.add_expense(made, spent("6", "Map", "2026-03-02")).is_ok());
        wait_until("which comes back", || shown(from, made).len() == 2);
    }
}

#[test]
fn a_server_with_a_full_disk_says_so_and_everything_goes_up_when_there_is_room() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    server.stop();
    let files = std::fs::read_dir(server.folder.path()).unwrap();
    let held: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    server.options = vec!["--database-max-bytes".to_owned(), (held + 16 * 1024).to_string()];
    server.resume();
    for number in 0..400 {
        phone.add_expense(home, spent("2", &format!("Shop number {number}"), "2026-03-02")).unwrap();
    }
    let syncer = phone.start_sync().unwrap();
    let waits_for = || phone.sync_status().unwrap().waiting.and_then(|waiting| waiting.code);
    wait_until("it is said", || waits_for() == Some(Code::Full));
    let status = phone.sync_status().unwrap();
    assert!(status.ledgers[0].local > 0, "{status:?}");
    // What builds on what the disk had no room for may be refused meanwhile, and is offered again.
    assert_eq!(shown(&phone, home).len(), 401, "nothing is given up");
    let kept = phone.add_expense(home, spent("2", "Meanwhile", "2026-03-02")).unwrap();
    assert!(sync_reads(&laptop), "what it has it still gives");
    server.stop();
    server.options.clear();
    server.resume();
    syncer.retry_now();
    let is_up = || matches!(phone.sync_status().unwrap().ledgers[0], LedgerStatus { local: 0, refused: 0, .. });
    wait_until("everything goes up", is_up);
    sync(&laptop);
    assert_eq!(laptop.expense(home, kept.id).unwrap(), Some(kept));
    assert_eq!(shown(&laptop, home), shown(&phone, home));
}

fn sync_reads(engine: &Engine) -> bool {
    engine.sync_once(LONG).unwrap().is_complete
}

#[test]
fn processes_that_renew_the_tokens_at_once_are_no_thief() {
    // Every use of a token finds it too old, and a token that was used once before is a thief's.
    let server = Server::start_with(&["--access-token-seconds", "20", "--refresh-token-repeat-seconds", "0"]);
    let folder = tempfile::tempdir().unwrap();
    let (phone, ..) = phone_and_laptop(&folder, &server);
    let widget = engine(folder.path(), "phone");
    let begin = Arc::new(Barrier::new(4));
    let threads: Vec<_> = [&phone, &widget, &phone, &widget]
        .into_iter()
        .map(|engine| {
            let (engine, begin) = (Arc::clone(engine), Arc::clone(&begin));
            std::thread::spawn(move || {
                begin.wait();
                (0..10).map(|_| engine.devices().unwrap().len()).collect::<Vec<_>>()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), [2; 10]);
    }
    sync(&phone);
    sync(&widget);
}

#[test]
fn a_server_with_a_certificate_of_ones_own_is_trusted_when_its_root_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new(1), Authority::new(2));
    let (chain, key) = authority.certificate_of_this_machine();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("chain.pem"), chain).unwrap();
    std::fs::write(file("key.pem"), key).unwrap();
    let server = Server::start_with(&["--tls-cert", &file("chain.pem"), "--tls-key", &file("key.pem")]);
    let address = ServerAddress::parse(&format!("https://127.0.0.1:{}", server.port)).unwrap();
    let trusting = |name: &str, roots_pem: Vec<Vec<u8>>| {
        let sync = SyncOptions { roots_pem, ..SyncOptions::default() };
        Arc::new(Engine::open(folder.path().join(name), Options { sync, ..Options::default() }).unwrap())
    };
    for roots in [Vec::new(), vec![stranger.root()]] {
        let refused = trusting("wary", roots).sign_up(&address, &ana(), &named("wary")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Offline, "{refused}");
    }
    let phone = trusting("phone", vec![stranger.root(), authority.root()]);
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    phone.sign_up(&address, &ana(), &named("phone")).unwrap();
    let _syncer = phone.start_sync().unwrap();
    wait_until("the connection is live", || phone.sync_status().unwrap().connection == Connection::Live);
    let lunch = phone.add_expense(home, spent("5", "Lunch", "2026-03-02")).unwrap();
    let laptop = trusting("laptop", vec![authority.root()]);
    laptop.sign_in(&address, &ana(), &named("laptop")).unwrap();
    wait_until("it is there", || phone.sync_status().unwrap().ledgers[0].local == 0);
    sync(&laptop);
    assert_eq!(laptop.expense(home, lunch.id).unwrap(), Some(lunch));
    let plain = ServerAddress::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap();
    let refused = trusting("plain", Vec::new()).sign_up(&plain, &ana(), &named("plain")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Offline);
}
