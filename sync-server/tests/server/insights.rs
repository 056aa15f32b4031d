//! Insights by HTTP: made beside the requests, told by an event, and those of a device for the same entries.

use outlay_ledger::expense::{Decision, decide};
use outlay_ledger::fold::Put;
use outlay_ledger::{Date, Month, field};
use outlay_protocol::Code;
use outlay_server::store::{Store, StoreOptions};
use serde_json::{Value, json};

use crate::events::Listener;
use crate::expenses::Home;
use crate::support::{Device, Server, Socket, Written};
use crate::webhooks::Receiver;

/// Made at once, and as often as there is a reason.
const AT_ONCE: [&str; 4] = ["--insight-settle-seconds", "0", "--insight-interval-seconds", "0"];

/// A day of the month that is so many months before this one.
fn day_of_month(months_ago: u16, day: u8) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let today = Date::from_days(i32::try_from(now.as_secs() / 86_400).unwrap()).unwrap();
    let month = Month::from_number(Month::from_date(today).number() - months_ago).unwrap();
    let first = month.first_day();
    first.add_days(i32::from(day) - 1).unwrap().to_string()
}

/// What was paid each month of the last half year, but for this one.
fn rent(home: &mut Home) -> Vec<Written> {
    (1..=6).rev().map(|ago| home.spend(&day_of_month(ago, 3), "850.00 EUR", "Rent")).collect()
}

fn listen(home: &Home) -> Listener {
    Listener::open(&home.server, &home.account, &home.path("/events"), None).0
}

/// Waits until insights are told of, past other events.
fn ready(listener: &mut Listener) -> Value {
    loop {
        let event = listener.next().expect("an event");
        if event["type"] == "insight.ready" {
            return event;
        }
    }
}

fn refresh(home: &Home) -> Value {
    let reply = home.server.ask("POST", &home.path("/insights/refresh"), &home.account, &Value::Null);
    assert_eq!(reply.status, 202, "{}", reply.json());
    reply.json()
}

#[test]
fn whoever_asks_first_has_insights_made_and_is_told_when_they_are_ready() {
    let mut home = Home::with(&AT_ONCE);
    rent(&mut home);
    let mut listener = listen(&home);
    let first = home.get("/insights").json();
    let none = json!({
        "state": "making", "reason": null, "day": null, "made_at": null, "position": null, "insights": null,
    });
    assert_eq!(first, none);
    let told = ready(&mut listener);
    assert_eq!((&told["position"], &told["ledger"]), (&json!(7), &json!(home.ledger.id.to_string())));
    let made = home.get("/insights").json();
    assert_eq!((&made["state"], &made["position"], &made["day"]), (&json!("current"), &json!(7), &told["data"]["day"]));
    let commitment = &made["insights"]["commitments"][0];
    assert_eq!(commitment["cadence"], "monthly", "{made}");
    assert_eq!(commitment["amount"], json!({ "minor": 85_000, "currency": "EUR" }));

    // What changes is looked at without being asked for.
    home.spend(&day_of_month(1, 9), "12.00 EUR", "Baker");
    assert_eq!(ready(&mut listener)["position"], 8);
    assert_eq!(home.get("/insights").json()["insights"]["entries"], 7);
}

#[test]
fn they_are_made_anew_when_somebody_wants_it_though_nothing_has_changed() {
    let mut home = Home::with(&AT_ONCE);
    rent(&mut home);
    let mut listener = listen(&home);
    home.get("/insights");
    let first = ready(&mut listener);
    assert!(refresh(&home)["due"].is_string());
    let second = ready(&mut listener);
    assert_ne!(second["id"], first["id"]);
    // Who was away is told of the last one alone, and who begins now of none.
    let accept = [("accept", "application/json")];
    let page = |path: &str| home.server.ask_with("GET", &home.path(path), &home.account, &Value::Null, &accept).json();
    let kinds: Vec<String> =
        page("/events")["events"].as_array().unwrap().iter().map(|e| e["type"].to_string()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "\"insight.ready\"").count(), 1);
    let after_first = page(&format!("/events?after={}", first["id"].as_str().unwrap()));
    assert_eq!(after_first["events"], json!([second]));
    let (mut now, id) = Listener::open(&home.server, &home.account, &home.path("/events"), None);
    assert_eq!(id, second["id"]);
    let added = home.spend(&day_of_month(1, 9), "12.00 EUR", "Baker");
    let next = now.next().unwrap();
    assert_eq!((&next["type"], &next["data"]["expense"]), (&json!("expense.added"), &json!(added.id.to_string())));
}

#[test]
fn a_ledger_has_its_turn_when_its_interval_is_over() {
    let mut home = Home::with(&["--insight-settle-seconds", "0", "--insight-interval-seconds", "86400"]);
    rent(&mut home);
    let mut listener = listen(&home);
    home.get("/insights");
    ready(&mut listener);
    let made = home.get("/insights").json();
    home.spend(&day_of_month(1, 9), "12.00 EUR", "Baker");
    let due = refresh(&home)["due"].as_str().unwrap().to_owned();
    assert!(due.as_str() > made["made_at"].as_str().unwrap(), "tomorrow");
    let outdated = home.get("/insights").json();
    assert_eq!((&outdated["state"], &outdated["position"]), (&json!("outdated"), &json!(7)));
    assert_eq!(outdated["insights"], made["insights"]);
}

#[test]
fn what_was_decided_on_a_device_holds_here() {
    let mut home = Home::with(&AT_ONCE);
    let paid = rent(&mut home);
    let mut listener = listen(&home);
    home.get("/insights");
    ready(&mut listener);
    let decision = decide(&paid[2].document, Some(Decision::Dismissed)).unwrap();
    let decided = home.edit(&paid[2], vec![decision]);
    ready(&mut listener);
    assert_eq!(home.get("/insights").json()["insights"]["commitments"][0]["standing"], "dismissed");
    // Also when the entry that says so is in the trash.
    home.edit(&decided, vec![Put::new(field::STATE, field::DELETED)]);
    ready(&mut listener);
    let insights = home.get("/insights").json()["insights"].clone();
    assert_eq!((&insights["entries"], &insights["commitments"][0]["standing"]), (&json!(5), &json!("dismissed")));
}

#[test]
fn a_webhook_is_told_that_insights_are_ready() {
    let mut home = Home::with(&[&AT_ONCE[..], &["--webhook-private-addresses"]].concat());
    let receiver = Receiver::start(&[]);
    rent(&mut home);
    let body = json!({ "ledger": home.ledger.id.to_string(), "url": receiver.url(), "events": ["insight.ready"] });
    assert_eq!(home.server.ask("POST", "/v1/webhooks", &home.account, &body).status, 201);
    home.get("/insights");
    let told = receiver.next().event();
    assert_eq!((&told["type"], &told["position"]), (&json!("insight.ready"), &json!(7)));
    refresh(&home);
    let again = receiver.next().event();
    assert_eq!(again["type"], "insight.ready");
    assert_ne!(again["id"], told["id"]);
}

#[test]
fn a_ledger_with_more_entries_than_are_looked_through_is_refused_with_its_reason() {
    let mut home = Home::with(&[&AT_ONCE[..], &["--insight-entries-max-count", "5"]].concat());
    rent(&mut home);
    home.get("/insights");
    let refused = loop {
        let shown = home.get("/insights").json();
        if shown["state"] != "making" {
            break shown;
        }
    };
    let expected = json!({
        "state": "refused", "reason": "too_large", "day": null, "made_at": null, "position": null, "insights": null,
    });
    assert_eq!(refused, expected);
}

/// Its insights are made on devices alone.
#[test]
fn of_a_sealed_ledger_there_are_none() {
    let (server, mut phone) = (Server::start(&AT_ONCE), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let (genesis, id) = phone.sealed_genesis();
    let ledger = genesis.ledger(&id);
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger, None, &[genesis]);
    socket.acknowledged(1);
    for (method, rest) in [("GET", "/insights"), ("POST", "/insights/refresh")] {
        let reply = server.ask(method, &format!("/v1/ledgers/{ledger}{rest}"), &account, &Value::Null);
        assert_eq!(reply.refusal(), (403, Code::ServerMayNot));
    }
}

/// What a server from before has folded lacks decisions.
#[test]
fn a_database_from_before_insights_is_folded_anew() {
    let mut home = Home::with(&AT_ONCE);
    let paid = rent(&mut home);
    home.edit(&paid[0], vec![decide(&paid[0].document, Some(Decision::Confirmed)).unwrap()]);
    assert_eq!(home.payees("").len(), 6);
    home.server.stop();
    let store = Store::open(&home.server.data.join("server.db"), StoreOptions::beside()).unwrap();
    let back = "ALTER TABLE expense DROP COLUMN decision; DROP TABLE insight; PRAGMA user_version = 1;";
    store.connection().execute_batch(back).unwrap();
    drop(store);
    home.server = home.server.again(&AT_ONCE);
    let mut listener = listen(&home);
    assert_eq!(home.payees("").len(), 6);
    home.get("/insights");
    ready(&mut listener);
    assert_eq!(home.get("/insights").json()["insights"]["commitments"][0]["standing"], "confirmed");
}
