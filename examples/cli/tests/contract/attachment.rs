//! `attach`, `attachments`, `fetch` and `detach`.

use serde_json::{Value, json};

use crate::home::{Home, string};
use crate::server::Server;

const PDF: &[u8] = b"%PDF-1.7 a receipt";
const KEYS: [&str; 7] = ["expense", "ledger", "hash", "bytes", "media_type", "name", "here"];

fn lunch(home: &Home) -> String {
    string(&home.one(&["add", "12.50", "Corner Café"])["id"])
}

#[test]
fn a_file_is_attached_listed_written_and_taken_off() {
    let home = Home::with_ledger();
    let (id, file) = (lunch(&home), home.file("receipt.pdf", PDF));
    let attached = home.one(&["attach", &id, &file]);
    assert!(KEYS.iter().all(|key| !attached[key].is_null()), "{attached}");
    assert_eq!(attached["expense"], json!(id));
    assert_eq!((&attached["media_type"], &attached["name"]), (&json!("application/pdf"), &json!("receipt.pdf")));
    assert_eq!((&attached["bytes"], &attached["here"]), (&json!(PDF.len()), &json!(true)));
    assert_eq!(home.json(&["attachments", &id]), std::slice::from_ref(&attached));

    let hash = string(&attached["hash"]);
    let to = home.beside("copy.pdf");
    let written = home.one(&["fetch", &id, &hash, "-o", to.to_str().unwrap()]);
    assert_eq!(written["file"], json!(to.to_str().unwrap()));
    assert_eq!(std::fs::read(&to).unwrap(), PDF);
    assert_eq!(home.refused(&["fetch", &id, &hash, "-o", to.to_str().unwrap()]).0, "invalid_input");

    assert_eq!(home.one(&["detach", &id, &hash])["hash"], json!(hash));
    assert!(home.json(&["attachments", &id]).is_empty());
    assert_eq!(home.refused(&["detach", &id, &hash]).0, "not_found");
    home.one(&["undo"]);
    assert_eq!(home.json(&["attachments", &id]).len(), 1, "an undo brings it back");
}

#[test]
fn people_see_files_by_name_and_may_name_them() {
    let home = Home::with_ledger();
    let (id, file) = (lunch(&home), home.file("scan.bin", b"\x89PNG\r\n\x1a\n and so on"));
    let said = home.run(&["attach", &id, &file, "--name", "Receipt"]).out;
    assert!(said.contains("Attached Receipt (image/png, 18 bytes)"), "{said}");
    let listed = home.run(&["attachments", &id]).out;
    assert!(listed.contains("Receipt") && listed.contains("yes"), "{listed}");
    let said = home.run(&["detach", &id[..8], "Receipt"]).out;
    assert!(said.contains("Took Receipt off"), "{said}");
    let history = home.run(&["history", &id]).out;
    assert!(history.contains("Receipt"), "{history}");
}

#[test]
fn what_cannot_be_attached_is_refused_with_a_reason() {
    let home = Home::with_ledger();
    let (id, empty) = (lunch(&home), home.file("empty", b""));
    assert_eq!(home.refused(&["attach", &id, &empty]).0, "invalid_input");
    let huge = home.file("huge", vec![1; 20 * 1024 * 1024 + 1]);
    assert_eq!(home.refused(&["attach", &id, &huge]).0, "invalid_input");
    assert_eq!(home.refused(&["attach", &id, "/nowhere/at/all"]).0, "not_found");
    assert!(home.json(&["attachments", &id]).is_empty());
}

#[test]
fn a_file_of_another_device_is_missing_until_it_is_fetched() {
    let server = Server::start();
    let phone = Home::with_ledger();
    let (id, file) = (lunch(&phone), phone.file("receipt.pdf", PDF));
    let hash = string(&phone.one(&["attach", &id, &file])["hash"]);
    phone.sign_up(&server.url, "phone");
    let up = phone.one(&["sync", "--metered"]);
    assert_eq!((&up["files_up"], &up["files_waiting"]), (&json!(0), &json!(1)), "records only");
    assert_eq!(phone.refused(&["signout", "--wipe"]).0, "forbidden", "the file is nowhere else");

    let laptop = Home::bare();
    laptop.log_in(&server.url, "laptop");
    laptop.one(&["sync"]);
    let here = |home: &Home| -> Value { home.json(&["attachments", &id])[0]["here"].clone() };
    assert_eq!(here(&laptop), json!(false));
    assert!(laptop.run(&["attachments", &id]).out.contains("no, on the server"));
    assert_eq!(laptop.refused(&["fetch", &id, &hash]).0, "missing", "it has not gone up yet");

    let up = phone.one(&["sync"]);
    assert_eq!((&up["files_up"], &up["files_waiting"]), (&json!(1), &json!(0)));
    let to = laptop.beside("receipt.pdf");
    assert_eq!(laptop.one(&["fetch", &id, &hash, "-o", to.to_str().unwrap()])["here"], json!(true));
    assert_eq!(std::fs::read(to).unwrap(), PDF);
    assert_eq!(here(&laptop), json!(true));
}
