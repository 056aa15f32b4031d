//! Sync on the real server: what it prints, what it says when it cannot, and that devices become alike.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::home::{Home, string};
use crate::server::Server;

const FIGURES: [&str; 6] = ["pushed", "pulled", "refused", "bytes_up", "bytes_down", "ms"];

/// A phone that has recorded for a while and then signed up, and a laptop that has logged in.
fn two_devices(server: &Server) -> (Home, Home) {
    let phone = Home::with_ledger();
    phone.add(&["12.50", "Café", "-c", "Food", "-d", "2026-11-02"]);
    phone.sign_up(&server.url, "phone");
    phone.one(&["sync"]);
    let laptop = Home::bare();
    laptop.log_in(&server.url, "laptop");
    laptop.one(&["sync"]);
    (phone, laptop)
}

#[test]
fn what_was_recorded_without_an_account_goes_up_and_comes_down() {
    let server = Server::start();
    let phone = Home::with_ledger();
    phone.add(&["12.50", "Café", "-c", "Food", "-d", "2026-11-02"]);
    phone.sign_up(&server.url, "phone");
    let up = phone.one(&["sync"]);
    assert!(up["pushed"].as_u64().unwrap() >= 2, "the ledger and the expense: {up}");
    assert_eq!((&up["pulled"], &up["refused"], &up["complete"]), (&json!(0), &json!(0), &json!(true)));
    assert!(FIGURES.iter().all(|figure| up[figure].is_u64()), "{up}");

    let laptop = Home::bare();
    laptop.log_in(&server.url, "laptop");
    let down = laptop.one(&["sync"]);
    assert!(down["pulled"].as_u64().unwrap() >= 2, "{down}");
    assert_eq!(laptop.list(), phone.list());
    assert_eq!(laptop.json(&["ledger", "list"])[0]["default"], true);
}

#[test]
fn both_write_and_both_end_up_alike() {
    let server = Server::start();
    let (phone, laptop) = two_devices(&server);
    let id = string(&phone.list()[0]["id"]);
    phone.one(&["edit", &id, "--amount", "13.00"]);
    laptop.one(&["edit", &id, "--amount", "14.00"]);
    laptop.one(&["edit", &id, "--note", "with Ben"]);
    for home in [&phone, &laptop, &phone] {
        assert_eq!(home.one(&["sync"])["refused"], 0);
    }
    assert_eq!(phone.export(&[]), laptop.export(&[]), "byte for byte");
    assert_eq!(phone.list()[0]["note"], "with Ben");
    assert_eq!(phone.json(&["conflicts"])[0]["values"].as_array().unwrap().len(), 2);
    let conflict = string(&phone.json(&["conflicts"])[0]["id"]);
    phone.one(&["resolve", &conflict, "14.00"]);
    phone.one(&["sync"]);
    laptop.one(&["sync"]);
    assert!(laptop.json(&["conflicts"]).is_empty());
    assert_eq!(phone.export(&[]), laptop.export(&[]));
}

#[test]
fn nothing_new_is_a_small_question_and_a_small_answer() {
    let server = Server::start();
    let (phone, _) = two_devices(&server);
    phone.one(&["sync"]);
    let again = phone.one(&["sync"]);
    assert_eq!((&again["pushed"], &again["pulled"]), (&json!(0), &json!(0)));
    assert!(again["bytes_up"].as_u64().unwrap() <= 960, "{again}");
}

#[test]
fn without_a_server_everything_goes_on_and_goes_up_later() {
    let mut server = Server::start();
    let (phone, laptop) = two_devices(&server);
    server.kill();
    phone.add(&["3.00", "Kiosk"]);
    assert_eq!(phone.refused(&["sync"]).0, "offline");
    let status = phone.one(&["status"]);
    assert_eq!((&status["local"], &status["refused"]), (&json!(1), &json!(0)));
    server.start_again();
    assert_eq!(phone.one(&["sync"])["pushed"], 1);
    laptop.one(&["sync"]);
    assert_eq!(laptop.list(), phone.list());
}

#[test]
fn the_status_explains_itself() {
    let home = Home::with_ledger();
    home.add(&["12.50", "Café"]);
    let alone = home.one(&["status"]);
    assert_eq!((&alone["account"], &alone["stored"]), (&Value::Null, &json!(0)));
    assert!(alone["local"].as_u64().unwrap() >= 2, "{alone}");
    assert!(home.run(&["status"]).out.contains("outlay signup"));

    let server = Server::start();
    home.sign_up(&server.url, "phone");
    home.one(&["sync"]);
    let synced = home.one(&["status"]);
    assert_eq!((&synced["local"], &synced["sent"], &synced["refused"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(synced["email"], "ana@example.org");
    assert!(synced["caught_up"].is_string(), "{synced}");
    let ledger = &synced["ledgers"][0];
    assert_eq!((&ledger["name"], &ledger["complete_from"]), (&json!("Home"), &Value::Null));
    let text = home.run(&["status"]).out;
    assert!(text.contains("everything here is stored on the server"), "{text}");
    home.add(&["1.00", "Kiosk"]);
    let text = home.run(&["status"]).out;
    assert!(text.contains("1 change is on this device only"), "{text}");
}

#[test]
fn sync_for_people_is_one_line_of_figures() {
    let server = Server::start();
    let (phone, _) = two_devices(&server);
    phone.add(&["1.00", "Kiosk"]);
    let ran = phone.run(&["sync"]);
    assert_eq!((ran.code, ran.err.as_str(), ran.out.lines().count()), (0, "", 1), "{ran:?}");
    let words: Vec<&str> = ran.out.split_whitespace().collect();
    assert_eq!(words.iter().step_by(2).copied().collect::<Vec<_>>(), FIGURES);
    assert!(words.iter().skip(1).step_by(2).all(|figure| figure.parse::<u64>().is_ok()), "{words:?}");
}

/// What another device saves is printed as it comes; Ctrl-C ends it in order.
#[cfg(unix)]
#[test]
fn a_watch_prints_a_line_for_each_change_until_it_is_interrupted() {
    let server = Server::start();
    let (phone, laptop) = two_devices(&server);
    let mut watch = laptop.command(&["--json", "sync", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["complete"], true, "first what a sync says");
    let mut until = |event: &str| {
        loop {
            let said = next();
            if said["event"] == event && said["connection"] != "retrying" {
                return said;
            }
        }
    };
    assert_eq!(until("status")["connection"], "live");

    let id = phone.add(&["3.00", "Kiosk"]);
    phone.one(&["sync"]);
    let added = until("added");
    assert_eq!((&added["expense"]["id"], &added["expense"]["payee"]), (&json!(id), &json!("Kiosk")));
    assert_eq!(added["device"], phone.one(&["device"])["device"]);
    phone.one(&["edit", &id, "--note", "gum"]);
    phone.one(&["sync"]);
    assert_eq!(until("changed")["expense"]["note"], "gum");
    assert_eq!(laptop.one(&["status"])["connection"], "elsewhere", "another process of this device syncs");
    laptop.one(&["rm", &id]);
    assert_eq!(until("removed")["expense"]["id"], json!(id), "what another process of this device writes, too");

    // It is seen here and sent up at the same time, by two threads.
    let is_sent = || laptop.one(&["status"])["local"] == 0;
    assert!((0..1_000).any(|_| is_sent()), "it goes up by itself");

    assert!(Command::new("kill").arg("-INT").arg(watch.id().to_string()).status().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    phone.one(&["sync"]);
    assert_eq!(phone.list().len(), 1);
}
