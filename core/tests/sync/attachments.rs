//! Files of entries between devices and the real server: up after the entries, down on demand, on from where they were cut.

use std::path::PathBuf;
use std::sync::Arc;

use outlay_core::{Attachment, BlobHash, Content, Currency, DocumentId, Engine, ErrorKind, LedgerId};
use tempfile::TempDir;

use super::relay::{DOWN, Relay, UP};
use super::support::spent;
use super::{LONG, Server, ana, engine, named, phone_and_laptop, sync, wait_until};

pub(super) const MIB: usize = 1024 * 1024;

/// A file of so many bytes, no two parts of which are alike.
pub(super) fn pdf(length: usize) -> Vec<u8> {
    let numbers = (0_u64..).flat_map(|number| number.to_be_bytes());
    b"%PDF-1.7\n".iter().copied().chain(numbers).take(length).collect()
}

pub(super) fn lunch(engine: &Engine, ledger: LedgerId) -> DocumentId {
    engine.add_expense(ledger, spent("12.50", "Corner Café", "2026-03-02")).unwrap().id
}

fn only(engine: &Engine, ledger: LedgerId, id: DocumentId) -> Attachment {
    let mut files = engine.attachments(ledger, id).unwrap();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Where the server keeps a file.
fn on_server(server: &Server, ledger: LedgerId, hash: BlobHash) -> PathBuf {
    server.folder.path().join("outlay-server.db-blobs").join(ledger.to_string()).join(hash.to_string())
}

/// A phone with an entry, and a laptop that has it too, both by way of a relay.
fn by_relay(folder: &TempDir, server: &Server) -> (Relay, Arc<Engine>, Arc<Engine>, LedgerId, DocumentId) {
    let relay = Relay::to(server.port);
    let (phone, laptop) = (engine(folder.path(), "phone"), engine(folder.path(), "laptop"));
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    let id = lunch(&phone, home);
    phone.sign_up(&relay.address, &ana(), &named("phone")).unwrap();
    sync(&phone);
    laptop.sign_in(&relay.address, &ana(), &named("laptop")).unwrap();
    sync(&laptop);
    (relay, phone, laptop, home, id)
}

#[test]
fn what_was_attached_offline_goes_up_after_the_entry_and_comes_when_it_is_wanted() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let (id, file) = (lunch(&phone, home), pdf(300_000));
    let hash = phone.attach(home, id, "receipt.pdf", &file).unwrap().hash;
    let status = phone.sync_status().unwrap();
    assert_eq!((status.files_waiting, status.files_refused), (1, 0));
    let report = sync(&phone);
    assert_eq!((report.files_up, report.files_waiting), (1, 0));
    assert_eq!(sync(&phone).files_up, 0, "once is enough");

    sync(&laptop);
    let missing = only(&laptop, home, id);
    assert_eq!((missing.hash, missing.bytes, missing.is_here), (hash, 300_000, false));
    assert_eq!(laptop.read_attachment(home, id, hash).unwrap(), Content::Missing);
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(file.clone()));
    assert!(only(&laptop, home, id).is_here);
    assert_eq!(sync(&laptop).files_up, 0, "what came from the server is known to be there");
    for engine in [&phone, &laptop] {
        let diagnosis = engine.doctor().unwrap();
        assert!(diagnosis.is_ok(), "{:?}", diagnosis.problems);
    }
}

#[test]
fn a_file_that_is_on_no_server_yet_is_missing_and_no_error() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let id = lunch(&phone, home);
    let hash = phone.attach(home, id, "receipt.pdf", &pdf(1_000)).unwrap().hash;
    phone.set_metered(true);
    let report = sync(&phone);
    assert_eq!((report.files_up, report.files_waiting), (0, 1), "a metered network gets no files");
    sync(&laptop);
    assert_eq!(laptop.fetch_attachment(home, id, hash).unwrap(), Content::Missing);
    phone.set_metered(false);
    assert_eq!(sync(&phone).files_up, 1);
    laptop.set_metered(true);
    assert_eq!(laptop.fetch_attachment(home, id, hash).unwrap(), Content::Here(pdf(1_000)), "who asks gets it");
}

#[test]
fn a_file_goes_up_by_itself_while_the_connection_lasts() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let _syncers = (phone.start_sync().unwrap(), laptop.start_sync().unwrap());
    let id = lunch(&phone, home);
    let hash = phone.attach(home, id, "receipt.pdf", &pdf(2 * MIB)).unwrap().hash;
    wait_until("the laptop has the entry", || laptop.attachments(home, id).is_ok_and(|files| files.len() == 1));
    wait_until("the file is up", || phone.sync_status().unwrap().files_waiting == 0);
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(pdf(2 * MIB)));
}

#[test]
fn an_upload_that_was_cut_goes_on_from_where_it_was() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (relay, phone, laptop, home, id) = by_relay(&folder, &server);
    let file = pdf(5 * MIB);
    let hash = phone.attach(home, id, "scan.pdf", &file).unwrap().hash;
    let before = relay.moved(UP);
    relay.allow(UP, 2 * MIB + MIB / 2);
    let report = phone.sync_once(LONG).unwrap();
    assert!(report.is_complete, "the entries are alike: {report:?}");
    assert_eq!((report.files_up, report.files_waiting, report.waiting.is_some()), (0, 1, true), "{report:?}");
    assert!(relay.moved(UP) - before > 2 * MIB, "it was cut in the middle");
    relay.mend();
    assert_eq!(sync(&phone).files_up, 1);
    let sent = relay.moved(UP) - before;
    assert!(sent < file.len() + MIB + MIB / 4, "at most one part twice: {sent}");
    sync(&laptop);
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(file));
}

#[test]
fn a_download_that_was_cut_goes_on_from_where_it_was() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (relay, phone, laptop, home, id) = by_relay(&folder, &server);
    let file = pdf(5 * MIB);
    let hash = phone.attach(home, id, "scan.pdf", &file).unwrap().hash;
    sync(&phone);
    sync(&laptop);
    let before = relay.moved(DOWN);
    relay.allow(DOWN, 2 * MIB + MIB / 2);
    let cut = laptop.fetch_attachment(home, id, hash).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Offline, "{cut}");
    assert!(!only(&laptop, home, id).is_here, "half a file is none");
    relay.mend();
    drop(laptop);
    let laptop = engine(folder.path(), "laptop");
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(file.clone()));
    let came = relay.moved(DOWN) - before;
    assert!(came > file.len() && came < file.len() + MIB + MIB / 4, "at most one part twice: {came}");
}

#[test]
fn what_is_not_the_file_is_refused_and_nothing_of_it_is_kept() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let (id, file) = (lunch(&phone, home), pdf(2 * MIB));
    let hash = phone.attach(home, id, "receipt.pdf", &file).unwrap().hash;
    sync(&phone);
    sync(&laptop);
    let mut rotten = file.clone();
    rotten[MIB] ^= 1;
    std::fs::write(on_server(&server, home, hash), rotten).unwrap();
    assert_eq!(laptop.fetch_attachment(home, id, hash).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(laptop.read_attachment(home, id, hash).unwrap(), Content::Missing);
    std::fs::write(on_server(&server, home, hash), &file).unwrap();
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(file), "from its beginning");
}

#[test]
fn files_of_one_entry_that_two_devices_attach_at_once_are_all_there() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let id = lunch(&phone, home);
    sync(&phone);
    sync(&laptop);
    let front = phone.attach(home, id, "front.pdf", &pdf(1_000)).unwrap().hash;
    let back = laptop.attach(home, id, "back.pdf", &pdf(1_001)).unwrap().hash;
    phone.attach(home, id, "both.pdf", &pdf(1_002)).unwrap();
    laptop.attach(home, id, "both.pdf", &pdf(1_002)).unwrap();
    for engine in [&phone, &laptop, &phone] {
        sync(engine);
    }
    assert!(phone.conflicts(home).unwrap().is_empty());
    for (engine, hash, length) in [(&phone, back, 1_001), (&laptop, front, 1_000)] {
        assert_eq!(engine.attachments(home, id).unwrap().len(), 3);
        assert_eq!(engine.fetch_attachment(home, id, hash).unwrap(), Content::Here(pdf(length)));
    }
}

#[test]
fn a_file_that_has_no_room_on_the_server_waits_and_the_entries_do_not() {
    let options = ["--ledger-max-bytes", "60000", "--blob-max-bytes", "60000"];
    let (server, folder) = (Server::start_with(&options), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let id = lunch(&phone, home);
    for length in [70_000, 59_000, 1_000] {
        phone.attach(home, id, "", &pdf(length)).unwrap();
    }
    let report = sync(&phone);
    assert_eq!((report.files_up, report.files_waiting), (1, 2), "{report:?}");
    let status = phone.sync_status().unwrap();
    assert_eq!((status.files_waiting, status.files_refused), (2, 2));
    assert_eq!(sync(&phone).files_up, 0, "it is not offered again at once");
    let tea = lunch(&phone, home);
    sync(&phone);
    sync(&laptop);
    assert!(laptop.expense(home, tea).unwrap().is_some());
}

#[test]
fn a_server_that_was_restored_without_a_file_gets_it_again() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let backup = folder.path().join("server.backup");
    outlay_server::backup::backup(server.folder.path(), &backup).unwrap();
    let (id, file) = (lunch(&phone, home), pdf(10_000));
    let hash = phone.attach(home, id, "receipt.pdf", &file).unwrap().hash;
    assert_eq!(sync(&phone).files_up, 1);
    server.stop();
    std::fs::remove_file(on_server(&server, home, hash)).unwrap();
    let random = &mut outlay_server::store::system_random();
    outlay_server::backup::restore(server.folder.path(), &backup, random).unwrap();
    server.resume();
    assert_eq!(sync(&phone).files_up, 1, "with the entry that the backup lacks");
    sync(&laptop);
    assert!(laptop.fetch_attachment(home, id, hash).unwrap() == Content::Here(file));
}

#[test]
fn a_wipe_takes_the_files_too() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, _, home) = phone_and_laptop(&folder, &server);
    let id = lunch(&phone, home);
    phone.attach(home, id, "receipt.pdf", &pdf(1_000)).unwrap();
    phone.set_metered(true);
    sync(&phone);
    let refused = phone.sign_out(outlay_core::sync::SignOut::Wipe).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden, "the file is nowhere else");
    assert!(phone.account().unwrap().is_some(), "nothing was done");
    phone.set_metered(false);
    sync(&phone);
    assert!(folder.path().join("phone-blobs").exists());
    phone.sign_out(outlay_core::sync::SignOut::Wipe).unwrap();
    assert!(!folder.path().join("phone-blobs").exists());
}

#[test]
fn who_may_only_read_a_ledger_sends_no_files_and_gets_them() {
    // That a viewer's entry is refused at home is the engine's; here it is that nothing is offered for him.
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, _, home) = phone_and_laptop(&folder, &server);
    let (id, file) = (lunch(&phone, home), pdf(1_000));
    let hash = phone.attach(home, id, "receipt.pdf", &file).unwrap().hash;
    sync(&phone);
    let invitation = phone.invite(home, outlay_core::Role::Viewer, 7).unwrap();
    sync(&phone);
    let guest = engine(folder.path(), "guest");
    guest.sign_up(&server.address(), &super::credentials("ben@example.org"), &named("guest")).unwrap();
    guest.join_ledger(&invitation.code).unwrap();
    sync(&guest);
    let refused = guest.attach(home, id, "own.pdf", &pdf(2_000)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    assert_eq!(guest.fetch_attachment(home, id, hash).unwrap(), Content::Here(file));
    assert_eq!(sync(&guest).files_waiting, 0);
}
