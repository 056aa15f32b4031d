//! Files of expenses: sent in parts or at once, given to members alone, and counted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::{BlobHash, LedgerId};
use outlay_protocol::Code;
use outlay_server::store::{Store, StoreOptions};
use serde_json::{Value, json};

use crate::support::{Account, Device, Ledger, PASSWORD, PATIENCE, Reply, Server, Socket, counts, request, run};

const MIB: usize = 1024 * 1024;

/// Ana with a ledger on a server.
struct Home {
    server: Server,
    ana: Device,
    account: Account,
    ledger: Ledger,
    socket: Socket,
}

impl Home {
    fn start(options: &[&str]) -> Self {
        let (server, mut ana) = (Server::start(options), Device::new(1));
        let account = server.sign_up("ana@example.org", &ana);
        let ledger = Ledger::of(&mut ana, 1);
        let mut socket = Socket::of(&server, &ana, &account);
        socket.open(ledger.id, None, &ledger.commits);
        assert_eq!(counts(&socket.acknowledged(1)), (2, 0, 0, None));
        Self { server, ana, account, ledger, socket }
    }

    /// Ben, a member with a role.
    fn ben(&mut self, role: Role) -> Account {
        let ben = Device::new(2);
        let account = self.server.sign_up("ben@example.org", &ben);
        let add = MemberOperation::Add { member: ben.member(), device: ben.public(), role };
        let added = self.ana.operation(self.ledger.id, &self.ledger.heads, &add);
        assert_eq!(counts(&self.socket.push(2, std::slice::from_ref(&added.0))), (1, 0, 0, None));
        // Opening ties the account to its member.
        Socket::of(&self.server, &ben, &account).open(self.ledger.id, None, &[]);
        account
    }

    fn path(&self, hash: &BlobHash) -> String {
        page(self.ledger.id, hash)
    }

    /// Sends all of a file at once.
    fn put(&self, by: &Account, bytes: &[u8]) -> Reply {
        self.put_as(by, &BlobHash::of(bytes), bytes, &[])
    }

    /// Sends a part of a file.
    fn put_part(&self, by: &Account, bytes: &[u8], from: usize, to: usize) -> Reply {
        let range = format!("bytes {from}-{}/{}", to - 1, bytes.len());
        self.put_as(by, &BlobHash::of(bytes), &bytes[from..to], &[("content-range", &range)])
    }

    /// Asks how much of a file is there.
    fn come(&self, by: &Account, bytes: &[u8]) -> (u16, Option<String>) {
        let range = format!("bytes */{}", bytes.len());
        let reply = self.put_as(by, &BlobHash::of(bytes), &[], &[("content-range", &range)]);
        (reply.status, reply.header("upload-offset"))
    }

    fn put_as(&self, by: &Account, hash: &BlobHash, body: &[u8], headers: &[(&str, &str)]) -> Reply {
        ask(&self.server, by, "PUT", &self.path(hash), headers, body)
    }

    fn get(&self, by: &Account, bytes: &[u8], headers: &[(&str, &str)]) -> Reply {
        ask(&self.server, by, "GET", &self.path(&BlobHash::of(bytes)), headers, b"")
    }

    /// Bytes of the ledger, as it says itself.
    fn counted(&self) -> u64 {
        let listed = ask(&self.server, &self.account, "GET", "/v1/ledgers", &[], b"").json();
        listed["ledgers"][0]["bytes"].as_u64().unwrap()
    }

    /// Names of what is in the folder of the ledger's files.
    fn files(&self) -> Vec<String> {
        let folder = self.server.data.join("outlay-server.db-blobs").join(self.ledger.id.to_string());
        let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn page(ledger: LedgerId, hash: &BlobHash) -> String {
    format!("/v1/ledgers/{ledger}/blobs/{hash}")
}

fn ask(server: &Server, by: &Account, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", by.access);
    let all = [&[("authorization", bearer.as_str())], headers].concat();
    request(&server.address, method, path, &all, body)
}

/// A PDF of so many bytes, no two parts of which are alike.
fn pdf(length: usize) -> Vec<u8> {
    let numbers = (0_u64..).flat_map(|number| number.to_be_bytes());
    b"%PDF-1.7\n".iter().copied().chain(numbers).take(length).collect()
}

#[test]
fn what_one_member_says_of_the_size_of_a_file_costs_another_no_part_of_it() {
    let mut home = Home::start(&[]);
    let (ben, file) = (home.ben(Role::Editor), pdf(100_000));
    assert_eq!(home.put_part(&home.account, &file, 0, 60_000).status, 202);
    let claim = |by: &Account, range: &str, body: &[u8]| {
        home.put_as(by, &BlobHash::of(&file), body, &[("content-range", range)])
    };
    for (range, body) in [("bytes */7", &[][..]), ("bytes 0-6/7", &[1; 7]), ("bytes */900000", &[])] {
        assert_eq!(claim(&ben, range, body).refusal(), (503, Code::Busy), "{range}");
    }
    assert_eq!(home.come(&home.account, &file), (202, Some("60000".to_owned())));
    assert_eq!(home.come(&ben, &file), (202, Some("60000".to_owned())), "who says the same goes on from there");
    assert_eq!(home.put_part(&ben, &file, 60_000, 100_000).status, 201);
    assert!(home.get(&home.account, &file, &[]).body == file);
}

#[test]
fn a_file_that_was_sent_at_once_is_given_to_every_member() {
    let mut home = Home::start(&[]);
    let (viewer, file) = (home.ben(Role::Viewer), pdf(100_000));
    let (hash, before) = (BlobHash::of(&file), home.counted());
    let stored = home.put(&home.account, &file);
    let described = json!({ "hash": hash.to_string(), "bytes": 100_000, "media_type": "application/pdf" });
    assert_eq!((stored.status, stored.json()), (201, described.clone()));
    let again = home.put(&home.account, &file);
    assert_eq!((again.status, again.json()), (200, described));
    assert_eq!(home.counted() - before, 100_512, "it counts once, and so does its row");

    let given = home.get(&viewer, &file, &[]);
    assert_eq!((given.status, given.body == file), (200, true));
    let header = |name: &str| given.header(name).unwrap_or_default();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(header("content-length"), "100000");
    assert_eq!(header("content-disposition"), "attachment");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(header("etag"), format!("\"{hash}\""));
    let known = home.get(&viewer, &file, &[("if-none-match", &format!("\"{hash}\""))]);
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = ask(&home.server, &viewer, "HEAD", &home.path(&hash), &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("100000".into()), 0));
}

#[test]
fn a_part_of_a_file_is_given_to_whoever_asks_for_it() {
    let home = Home::start(&[]);
    let file = pdf(200_000);
    assert_eq!(home.put(&home.account, &file).status, 201);
    for (range, from, to) in
        [("0-9", 0, 10), ("199990-", 199_990, 200_000), ("-5", 199_995, 200_000), ("70000-170000", 70_000, 170_001)]
    {
        let part = home.get(&home.account, &file, &[("range", &format!("bytes={range}"))]);
        assert_eq!((part.status, part.body == file[from..to]), (206, true), "{range}");
        assert_eq!(part.header("content-range"), Some(format!("bytes {from}-{}/200000", to - 1)));
    }
    let beyond = home.get(&home.account, &file, &[("range", "bytes=200000-")]);
    assert_eq!(beyond.refusal(), (416, Code::Range));
    assert_eq!(beyond.header("content-range"), Some("bytes */200000".into()));
    let of_another = home.get(&home.account, &file, &[("range", "bytes=0-9"), ("if-range", "\"another\"")]);
    assert_eq!((of_another.status, of_another.body.len()), (200, 200_000));
}

#[test]
fn what_was_cut_off_is_gone_on_with_from_where_it_was() {
    let home = Home::start(&[]);
    let (file, by) = (pdf(3 * MIB), &home.account);
    assert_eq!(home.come(by, &file), (202, Some("0".into())));
    let sent = cut_off(&home, &file, 2 * MIB);
    let (status, come) = home.come(by, &file);
    let come: usize = come.unwrap().parse().unwrap();
    assert_eq!(status, 202);
    assert!(come <= sent && sent - come <= 256 * 1024, "{come} of {sent}");
    assert_eq!(home.get(by, &file, &[]).refusal(), (404, Code::NoSuchPage), "half a file is none");

    let wrong = home.put_part(by, &file, 0, MIB);
    assert_eq!((wrong.refusal(), wrong.header("upload-offset")), ((409, Code::Offset), Some(come.to_string())));
    let more = home.put_part(by, &file, come, come + 1000);
    assert_eq!((more.status, more.json()), (202, json!({ "offset": come + 1000 })));
    assert_eq!(home.put_part(by, &file, come + 1000, file.len()).status, 201);
    assert!(home.get(by, &file, &[]).body == file);
    assert_eq!(home.come(by, &file), (200, Some(file.len().to_string())));
    assert_eq!(home.files(), [BlobHash::of(&file).to_string()]);
}

/// Sends the beginning of a file and ends there. Says how much that was.
fn cut_off(home: &Home, file: &[u8], length: usize) -> usize {
    let mut stream = TcpStream::connect(&home.server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (path, access, total) = (home.path(&BlobHash::of(file)), &home.account.access, file.len());
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {access}\r\n\
         content-length: {total}\r\ncontent-range: bytes 0-{}/{total}\r\n\r\n",
        total - 1
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&file[..length]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    // Whatever it says, it has noticed then.
    _ = stream.read_to_end(&mut Vec::new());
    length
}

#[test]
fn bytes_that_are_not_what_the_hash_says_are_refused_and_nothing_is_kept() {
    let home = Home::start(&[]);
    let (file, before) = (pdf(5_000), home.counted());
    let hash = BlobHash::of(&file);
    let wrong = home.put_as(&home.account, &hash, &pdf(4_999), &[]);
    assert_eq!(wrong.refusal(), (422, Code::Hash));
    assert_eq!(home.get(&home.account, &file, &[]).refusal(), (404, Code::NoSuchPage));
    assert_eq!((home.files(), home.counted()), (Vec::new(), before));
    assert_eq!(home.put(&home.account, &file).status, 201, "and the right ones are taken");
}

#[test]
fn what_cannot_be_a_part_of_a_file_is_refused() {
    let home = Home::start(&["--blob-max-bytes", "5000"]);
    let (by, hash) = (&home.account, BlobHash::of(b"x"));
    let put = |range: &str, body: &[u8]| home.put_as(by, &hash, body, &[("content-range", range)]).refusal();
    assert_eq!(home.put(by, &pdf(5_001)).refusal(), (413, Code::TooBig));
    assert_eq!(put("bytes 0-9/5001", &[0; 10]), (413, Code::TooBig));
    assert_eq!(home.put(by, b"").refusal(), (422, Code::Invalid));
    assert_eq!(put("bytes 0-9/100", &[0; 9]), (400, Code::Malformed));
    assert_eq!(put("bytes 0-9", &[0; 10]), (400, Code::Malformed));
    assert_eq!(put("bytes 95-104/100", &[0; 10]), (422, Code::Invalid));
    let (server, path) = (&home.server, home.path(&hash));
    let no_hash = format!("/v1/ledgers/{}/blobs/receipt.pdf", home.ledger.id);
    assert_eq!(ask(server, by, "PUT", &no_hash, &[], b"x").refusal(), (404, Code::NoSuchPage));
    assert_eq!(ask(server, by, "DELETE", &path, &[], b"").refusal(), (405, Code::Method));
    assert_eq!(request(&server.address, "PUT", &path, &[], b"x").refusal(), (401, Code::SignInNeeded));
    assert!(home.files().is_empty());
}

#[test]
fn who_may_only_read_sends_nothing_and_others_see_no_ledger() {
    let mut home = Home::start(&[]);
    let (viewer, file) = (home.ben(Role::Viewer), pdf(1_000));
    let stranger = home.server.sign_up("cat@example.org", &Device::new(3));
    assert_eq!(home.put(&viewer, &file).refusal(), (403, Code::ReadOnly));
    assert_eq!(home.put(&home.account, &file).status, 201);
    let nowhere = page(LedgerId([7; 16]), &BlobHash::of(&file));
    for (method, body) in [("GET", &b""[..]), ("PUT", &file[..])] {
        let others = ask(&home.server, &stranger, method, &home.path(&BlobHash::of(&file)), &[], body);
        let none = ask(&home.server, &stranger, method, &nowhere, &[], body);
        assert_eq!(others.refusal(), (404, Code::NoSuchLedger));
        assert_eq!(others.problem(), none.problem(), "another's and none are answered alike");
    }
}

#[test]
fn a_token_sends_files_only_where_it_may_write() {
    let home = Home::start(&[]);
    let file = pdf(1_000);
    let token = |body: Value| {
        let made = home.server.ask("POST", "/v1/tokens", &home.account, &body).json();
        Account { access: made["token"].as_str().unwrap().to_owned(), ..home.account.clone() }
    };
    let reader = token(json!({ "name": "reader", "scope": "read" }));
    assert_eq!(home.put(&reader, &file).refusal(), (403, Code::Scope));
    let writer = token(json!({ "name": "writer", "scope": "write", "ledgers": [home.ledger.id.to_string()] }));
    assert_eq!(home.put(&writer, &file).status, 201);
    assert_eq!(home.get(&reader, &file, &[]).status, 200);
}

#[test]
fn files_count_to_the_quota_and_so_does_what_has_come_in_part() {
    let home = Home::start(&["--ledger-max-bytes", "20000", "--blob-max-bytes", "20000"]);
    let (by, half) = (&home.account, pdf(10_000));
    assert_eq!(home.put_part(by, &half, 0, 10).status, 202);
    assert_eq!(home.put(by, &pdf(9_999)).refusal(), (403, Code::Quota), "the other one will take it");
    assert_eq!(home.put_part(by, &half, 10, 10_000).status, 201);
    assert_eq!(home.put(by, &pdf(9_999)).refusal(), (403, Code::Quota));
    assert_eq!(home.put(by, &pdf(2_000)).status, 201);
    assert_eq!(home.files().len(), 2);
}

#[test]
fn files_that_have_come_in_part_are_bounded_in_number_and_in_time() {
    let options = ["--account-uploads-max-count", "2"];
    let home = Home::start(&options);
    let by = &home.account;
    for length in [1_000, 1_001] {
        assert_eq!(home.put_part(by, &pdf(length), 0, 10).status, 202);
    }
    assert_eq!(home.put_part(by, &pdf(1_002), 0, 10).refusal(), (400, Code::TooMany));
    assert_eq!(home.put_part(by, &pdf(1_000), 10, 1_000).status, 201);
    assert_eq!(home.put_part(by, &pdf(1_002), 0, 10).status, 202);
    assert_eq!(home.files().len(), 3);
}

#[test]
fn what_has_waited_too_long_for_its_rest_is_gone_when_somebody_sends_another_file() {
    let mut home = Home::start(&[]);
    let (old, new) = (pdf(1_000), pdf(2_000));
    assert_eq!(home.put_part(&home.account, &old, 0, 10).status, 202);
    home.server.stop();
    let mut store = Store::open(&home.server.data.join("outlay-server.db"), StoreOptions::default()).unwrap();
    let a_day_and_more = "UPDATE upload SET begun_ms = begun_ms - 86401000";
    assert_eq!(store.write(|write| Ok(write.tx.execute(a_day_and_more, [])?)), Ok(1));
    drop(store);
    home.server = home.server.again(&[]);
    assert_eq!(home.put_part(&home.account, &new, 0, 10).status, 202);
    assert_eq!((home.files().len(), home.come(&home.account, &old)), (1, (202, Some("0".into()))));
}

#[test]
fn the_files_of_a_deleted_account_are_gone() {
    let home = Home::start(&[]);
    let file = pdf(1_000);
    assert_eq!(home.put(&home.account, &file).status, 201);
    assert_eq!(home.put_part(&home.account, &pdf(2_000), 0, 10).status, 202);
    assert_eq!(home.files().len(), 2);
    let gone = home.server.ask("DELETE", "/v1/me", &home.account, &json!({ "password": PASSWORD }));
    assert_eq!((gone.status, home.files()), (204, Vec::new()));
}

#[test]
fn of_a_shared_ledger_only_what_a_deleted_account_was_sending_goes() {
    let mut home = Home::start(&[]);
    let ben = home.ben(Role::Editor);
    let (kept, begun) = (pdf(1_000), pdf(3_000));
    assert_eq!(home.put(&home.account, &kept).status, 201);
    assert_eq!(home.put_part(&home.account, &pdf(2_000), 0, 10).status, 202);
    assert_eq!(home.put_part(&ben, &begun, 0, 10).status, 202);
    let of_nobody = home.server.data.join("outlay-server.db-blobs").join("07".repeat(16));
    std::fs::create_dir(&of_nobody).unwrap();
    let gone = home.server.ask("DELETE", "/v1/me", &home.account, &json!({ "password": PASSWORD }));
    assert_eq!((gone.status, home.files().len()), (204, 2));
    assert!(home.get(&ben, &kept, &[]).body == kept);
    assert_eq!(home.come(&ben, &begun), (202, Some("10".into())));
    assert!(of_nobody.exists(), "nobody has looked through the files of others");
}

#[test]
fn a_backup_has_the_files_and_restoring_brings_them_back() {
    let mut home = Home::start(&[]);
    let file = pdf(1_000);
    assert_eq!(home.put(&home.account, &file).status, 201);
    let backup = home.server.file("backup.db");
    let (done, text) = run(&["backup"], &[("--data", &home.server.data), ("--to", &backup)]);
    assert!(done, "{text}");
    home.server.stop();
    std::fs::remove_dir_all(home.server.data.join("outlay-server.db-blobs")).unwrap();
    let (done, text) = run(&["restore"], &[("--data", &home.server.data), ("--from", &backup)]);
    assert!(done, "{text}");
    home.server = home.server.again(&[]);
    assert!(home.get(&home.account, &file, &[]).body == file);
}

#[test]
fn a_file_that_was_lost_is_missing_and_can_be_sent_again() {
    let home = Home::start(&[]);
    let (file, by) = (pdf(1_000), &home.account);
    assert_eq!(home.put(by, &file).status, 201);
    let counted = home.counted();
    let folder = home.server.data.join("outlay-server.db-blobs").join(home.ledger.id.to_string());
    std::fs::remove_file(folder.join(BlobHash::of(&file).to_string())).unwrap();
    assert_eq!(home.get(by, &file, &[]).refusal(), (404, Code::NoSuchPage));
    assert_eq!(home.put(by, &file).status, 201);
    assert_eq!((home.get(by, &file, &[]).status, home.counted()), (200, counted));
}

#[test]
fn what_nothing_says_anything_of_is_gone_after_a_restart_and_the_rest_stays() {
    let mut home = Home::start(&[]);
    let (whole, begun) = (pdf(1_000), pdf(2_000));
    assert_eq!(home.put(&home.account, &whole).status, 201);
    assert_eq!(home.put_part(&home.account, &begun, 0, 10).status, 202);
    let folder = home.server.data.join("outlay-server.db-blobs");
    let orphan = BlobHash::of(b"orphan").to_string();
    for name in [orphan.clone(), format!("{orphan}.part")] {
        std::fs::write(folder.join(home.ledger.id.to_string()).join(name), b"orphan").unwrap();
    }
    let of_nobody = folder.join("07".repeat(16));
    std::fs::create_dir(&of_nobody).unwrap();
    std::fs::write(of_nobody.join(&orphan), b"orphan").unwrap();
    home.server.stop();
    home.server = home.server.again(&[]);
    assert_eq!((home.files().len(), of_nobody.exists()), (2, false));
    assert_eq!(home.come(&home.account, &begun), (202, Some("10".into())));
    assert!(home.get(&home.account, &whole, &[]).body == whole);
}
