//! Tokens that end in the middle of something: it goes on by itself, and nobody is signed out.
//!
//! What is under way is held on its way to the server until the server no longer takes the token that it came with.

use std::sync::Arc;

use outlay_core::sync::{ServerAddress, SyncReport};
use outlay_core::{Content, Currency, Engine, LedgerId};
use serde_json::Value;
use tempfile::TempDir;

use super::attachments::{MIB, lunch, pdf};
use super::programs::request;
use super::relay::{Relay, UP};
use super::support::spent;
use super::{LONG, Proxy, Server, access_token, ana, engine, named, shown, sync, wait_until};

/// Shorter than what is kept ready for a flight: a token is always as new as it can be when something begins. A token says
/// its end in whole seconds, so one of a second may have ended before it is used. The server is asked over and over whether
/// it has ended, and is not to answer that it is asked too often.
const SHORT_LIVED: [&str; 8] = [
    "--access-token-seconds",
    "3",
    "--session-requests-per-minute",
    "10000000",
    "--person-requests-per-minute",
    "10000000",
    "--address-requests-per-minute",
    "10000000",
];
/// Bytes after which a push of many entries is in its middle, and a greeting is long over.
const MIDDLE_BYTES: usize = 24 * 1024;

/// Syncs, and lets the token end while so many bytes have gone up.
fn sync_beyond_expiry(folder: &TempDir, server: &Server, relay: &Relay, phone: &Engine, bytes: usize) -> SyncReport {
    relay.hold(UP, bytes);
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| phone.sync_once(LONG).unwrap());
        wait_until("it is in the middle", || relay.is_held(UP));
        let token = access_token(folder, "phone");
        let told = || request(server, ("GET", "/v1/me"), &token, &Value::Null).1["type"].clone();
        wait_until("the token has ended", || told() == "urn:outlay:problem:token_expired");
        relay.mend();
        syncing.join().unwrap()
    })
}

/// A phone with a ledger of many entries that are not on the server yet.
fn with_entries(folder: &TempDir, address: &ServerAddress) -> (Arc<Engine>, LedgerId) {
    let phone = engine(folder.path(), "phone");
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    phone.sign_up(address, &ana(), &named("phone")).unwrap();
    sync(&phone);
    for number in 0..400 {
        phone.add_expense(home, spent("1", &format!("Shop {number}"), "2025-12-01")).unwrap();
    }
    (phone, home)
}

fn assert_arrived(folder: &TempDir, server: &Server, phone: &Engine, home: LedgerId) {
    let laptop = engine(folder.path(), "laptop");
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    assert_eq!(shown(&laptop, home), shown(phone, home));
}

#[test]
fn a_push_goes_on_when_the_token_ends_in_its_middle() {
    let (server, folder) = (Server::start_with(&SHORT_LIVED), tempfile::tempdir().unwrap());
    let relay = Relay::to(server.port);
    let (phone, home) = with_entries(&folder, &relay.address);
    let report = sync_beyond_expiry(&folder, &server, &relay, &phone, MIDDLE_BYTES);
    assert!(report.is_complete && report.pushed == 400, "{report:?}");
    assert_arrived(&folder, &server, &phone, home);
}

#[test]
fn an_exchange_by_plain_requests_goes_on_when_the_token_ends_in_its_middle() {
    let (server, folder) = (Server::start_with(&SHORT_LIVED), tempfile::tempdir().unwrap());
    let relay = Relay::to(server.port);
    let proxy = Proxy::without_upgrade(relay.port);
    let (phone, home) = with_entries(&folder, &proxy.address);
    let report = sync_beyond_expiry(&folder, &server, &relay, &phone, MIDDLE_BYTES);
    assert!(report.is_complete && report.pushed == 400, "{report:?}");
    assert_arrived(&folder, &server, &phone, home);
}

#[test]
fn a_file_goes_on_when_the_token_ends_in_its_middle() {
    let (server, folder) = (Server::start_with(&SHORT_LIVED), tempfile::tempdir().unwrap());
    let relay = Relay::to(server.port);
    let phone = engine(folder.path(), "phone");
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    let (id, file) = (lunch(&phone, home), pdf(3 * MIB));
    phone.sign_up(&relay.address, &ana(), &named("phone")).unwrap();
    sync(&phone);
    let hash = phone.attach(home, id, "receipt.pdf", &file).unwrap().hash;
    let report = sync_beyond_expiry(&folder, &server, &relay, &phone, MIB + MIB / 2);
    assert_eq!((report.files_up, report.files_waiting, &report.waiting), (1, 0, &None), "{report:?}");
    let laptop = engine(folder.path(), "laptop");
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(file));
}
