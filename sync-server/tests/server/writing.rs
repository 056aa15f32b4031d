//! Expenses written by HTTP: ordinary commits of the server on behalf of a member.

use outlay_ledger::BlobHash;
use outlay_ledger::change::Scalar;
use outlay_ledger::field;
use outlay_ledger::fold::Put;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::{Code, Message};
use serde_json::{Value, json};

use crate::expenses::Home;
use crate::support::{Account, Device, Reply, Socket, decode, pin, request};

/// A ledger that lets the server write.
fn pinned() -> Home {
    let mut home = Home::new();
    let (server, _) = home.server.identity();
    let pinned = home.phone.operation(home.ledger.id, &home.ledger.heads, &pin(server));
    home.push(&pinned.0);
    home.ledger.heads = vec![pinned.1];
    home
}

fn lunch() -> Value {
    json!({
        "amount": { "minor": 1250, "currency": "EUR" }, "date": "2026-11-02", "payee": "Corner Café",
        "category": "Food:Snacks", "account": "Cash", "note": "two of them", "tags": ["lunch"], "time": "18:05",
    })
}

impl Home {
    fn send(&self, method: &str, rest: &str, body: &Value) -> Reply {
        self.server.ask(method, &self.path(rest), &self.account, body)
    }

    fn send_once(&self, method: &str, rest: &str, body: &Value, key: &str) -> Reply {
        self.server.ask_with(method, &self.path(rest), &self.account, body, &[("idempotency-key", key)])
    }

    /// Adds an expense and returns its id.
    fn add(&self, body: &Value) -> String {
        let added = self.send("POST", "/expenses", body);
        assert_eq!(added.status, 201, "{}", String::from_utf8_lossy(&added.body));
        added.json()["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_program_attaches_a_file_to_an_expense_and_takes_it_off_again() {
    let mut home = pinned();
    let (id, file) = (home.add(&lunch()), b"%PDF-1.7 a receipt".as_slice());
    let hash = BlobHash::of(file);
    let expense = format!("/expenses/{id}");
    let page = format!("{expense}/attachments/{hash}");
    let attach = |name: &str| home.send("PUT", &page, &json!({ "name": name }));
    assert_eq!(home.get(&expense).json()["attachments"], json!([]));
    assert_eq!(attach("receipt.pdf").refusal(), (404, Code::NoSuchPage), "the file comes first");
    let bearer = format!("Bearer {}", home.account.access);
    let blob = home.path(&format!("/blobs/{hash}"));
    let sent = request(&home.server.address, "PUT", &blob, &[("authorization", &bearer)], file);
    assert_eq!(sent.status, 201);

    let attached = attach("receipt.pdf");
    let shown = json!([{
        "hash": hash.to_string(), "bytes": file.len(), "media_type": "application/pdf", "name": "receipt.pdf",
    }]);
    assert_eq!((attached.status, &attached.json()["attachments"]), (200, &shown));
    assert_eq!(home.get("/expenses").json()["expenses"][0]["attachments"], shown);
    assert_eq!(home.get("/expenses/delta").json()["changes"][0]["expense"]["attachments"], shown);
    let named = attach("lunch.pdf").json();
    assert_eq!(
        (&named["attachments"][0]["name"], named["attachments"].as_array().unwrap().len()),
        (&json!("lunch.pdf"), 1)
    );
    assert_eq!(attach(&"x".repeat(256)).refusal(), (422, Code::Invalid));
    assert_eq!(home.send("PUT", &page, &json!({ "nam": "" })).refusal(), (422, Code::Invalid));
    let of_none = format!("/expenses/{}/attachments/{hash}", "07".repeat(16));
    assert_eq!(home.send("PUT", &of_none, &json!({})).refusal(), (404, Code::NoSuchPage));
    assert_eq!(home.send("PUT", &format!("{expense}/attachments/zz"), &json!({})).refusal(), (404, Code::NoSuchPage));

    for _ in 0..2 {
        assert_eq!(home.send("DELETE", &page, &Value::Null).status, 204, "twice is as once");
    }
    assert_eq!(home.get(&expense).json()["attachments"], json!([]));
    let kept = request(&home.server.address, "GET", &blob, &[("authorization", &bearer)], b"");
    assert!(kept.body == file, "a device that was away may name it again");
    let seen = home.server.sign_up("cat@example.org", &Device::new(7));
    let other = home.server.ask("PUT", &home.path(&page), &seen, &json!({}));
    assert_eq!(other.refusal(), (404, Code::NoSuchLedger));
    let mut written = Vec::new();
    while written.len() < 4 {
        if let Message::Commits(commits) = home.socket.receive() {
            written.extend(decode(&commits.batch));
        }
    }
    let value = written[1].records[0].payload().unwrap();
    let digest = &hash.0[..];
    assert!(value.windows(32).any(|bytes| bytes == digest), "phones are told of it by an ordinary commit");
}

#[test]
fn what_a_program_writes_is_shown_and_arrives_live_as_the_members_own() {
    let mut home = pinned();
    let added = home.send("POST", "/expenses", &lunch());
    assert_eq!(added.status, 201, "{}", String::from_utf8_lossy(&added.body));
    let shown = added.json();
    assert_eq!(
        (&shown["category"], &shown["account"], &shown["amount"], &shown["kind"], &shown["time"]),
        (&json!("Food:Snacks"), &json!("Cash"), &lunch()["amount"], &json!("expense"), &json!("18:05"))
    );
    let again = home.get(&format!("/expenses/{}", shown["id"].as_str().unwrap()));
    assert_eq!((again.status, again.json()), (200, shown.clone()));

    let commits = loop {
        if let Message::Commits(page) = home.socket.receive()
            && let commits = decode(&page.batch)
            && commits.iter().any(|commit| commit.header.on_behalf.is_some())
        {
            break commits;
        }
    };
    let (server, _) = home.server.identity();
    let header = &commits.last().unwrap().header;
    assert_eq!((header.device.0, header.on_behalf), (server, Some(home.phone.member())));
    // Both categories, the account, and the expense.
    assert_eq!(header.count, 4);
    home.add(&lunch());
    assert_eq!(home.get("/categories").json()["categories"].as_array().map(Vec::len), Some(2), "each is made once");
}

#[test]
fn a_change_sets_what_it_names_and_clears_by_null() {
    let home = pinned();
    let id = home.add(&lunch());
    let path = format!("/expenses/{id}");
    let changes =
        json!({ "payee": "Bakery", "account": null, "amount": { "minor": 5, "currency": "USD" }, "tags": [] });
    let changed = home.send("PATCH", &path, &changes);
    let mut expected = home.get(&path).json();
    assert_eq!((changed.status, changed.json()), (200, expected.clone()));
    assert_eq!(
        (&expected["payee"], &expected["account"], &expected["tags"]),
        (&json!("Bakery"), &json!(null), &json!([]))
    );
    assert_eq!((&expected["amount"]["minor"], &expected["category"]), (&json!(5), &json!("Food:Snacks")));

    for _ in 0..2 {
        let deleted = home.send("DELETE", &path, &Value::Null);
        assert_eq!((deleted.status, deleted.body.len()), (204, 0));
        assert_eq!(home.payees(""), [""; 0]);
    }
    let restored = home.send("PATCH", &path, &json!({ "deleted": false }));
    expected["deleted"] = json!(false);
    assert_eq!((restored.status, restored.json()), (200, expected));
}

/// The phone edits the note while a program changes the payee of the same expense: both edits are kept.
#[test]
fn an_edit_on_a_phone_merges_with_one_by_a_program() {
    let mut home = pinned();
    let lunch = home.spend("2026-11-02", "12.50 EUR", "Lunch");
    let path = format!("/expenses/{}", lunch.id);
    assert_eq!(home.send("PATCH", &path, &json!({ "payee": "Corner Café" })).status, 200);
    // It has not seen the other one.
    home.edit(&lunch, vec![Put::new(field::NOTE, Scalar::Str("with Ben".to_owned()))]);
    let shown = home.get(&path).json();
    assert_eq!((&shown["payee"], &shown["note"]), (&json!("Corner Café"), &json!("with Ben")));
    assert_eq!(shown["conflicted"], json!(false));
    // The next change is made on top of both.
    assert_eq!(home.send("PATCH", &path, &json!({ "payee": "Café" })).json()["note"], json!("with Ben"));
}

#[test]
fn a_request_under_a_key_is_carried_out_once() {
    let home = pinned();
    let first = home.send_once("POST", "/expenses", &lunch(), "monday");
    let again = home.send_once("POST", "/expenses", &lunch(), "monday");
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(home.payees("").len(), 1);
    let mut other = lunch();
    other["payee"] = json!("Bakery");
    assert_eq!(home.send_once("POST", "/expenses", &other, "monday").refusal(), (409, Code::KeyReused));
    assert_eq!(home.send_once("POST", "/expenses/bulk", &json!({ "expenses": [lunch()] }), "monday").status, 409);
    assert_eq!(home.send_once("POST", "/expenses", &other, "tuesday").status, 201);
    assert_eq!(home.send_once("POST", "/expenses", &other, "").refusal(), (422, Code::Invalid));
    assert_eq!(home.send_once("POST", "/expenses", &other, &"k".repeat(256)).refusal(), (422, Code::Invalid));
    assert_eq!(home.payees("").len(), 2);
}

#[test]
fn rows_of_a_bulk_go_in_each_by_itself() {
    let home = pinned();
    let row = |id: &str, payee: &str| {
        let mut row = lunch();
        (row["external_id"], row["payee"]) = (json!(id), json!(payee));
        row
    };
    let mut zero = row("3", "Nothing");
    zero["amount"]["minor"] = json!(0);
    let rows =
        json!({ "expenses": [row("1", "Bakery"), lunch(), row("1", "Again"), zero, { "payee": 7 }, row("", "x")] });
    let reply = home.send("POST", "/expenses/bulk", &rows);
    let report = reply.json();
    assert_eq!(
        (reply.status, &report["added"], &report["duplicates"], &report["rejected"]),
        (200, &json!(2), &json!(1), &json!(3))
    );
    let statuses: Vec<_> =
        report["rows"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["added", "added", "duplicate", "rejected", "rejected", "rejected"]);
    assert_eq!(report["rows"][2]["id"], report["rows"][0]["id"]);
    assert_eq!(report["rows"][3]["reason"], json!("the amount is zero"));
    assert_eq!(report["rows"][4]["reason"], json!("the row is no expense"));
    assert_eq!(home.payees(""), ["Bakery", "Corner Café"], "the one made of a fact has the greater id");

    let again =
        home.send("POST", "/expenses/bulk", &json!({ "expenses": [row("1", "Bakery"), row("4", "Market")] })).json();
    assert_eq!((&again["added"], &again["duplicates"]), (&json!(1), &json!(1)));
    for count in [0, 501] {
        let rows = json!({ "expenses": vec![lunch(); count] });
        assert_eq!(home.send("POST", "/expenses/bulk", &rows).refusal(), (422, Code::Invalid), "{count}");
    }
    let many: Vec<_> = (0..500).map(|number| row(&format!("many {number}"), "Railway")).collect();
    assert_eq!(home.send("POST", "/expenses/bulk", &json!({ "expenses": many })).json()["added"], json!(500));
}

#[test]
fn what_cannot_be_written_is_refused_with_its_code() {
    let home = pinned();
    let with = |key: &str, value: Value| {
        let mut body = lunch();
        body[key] = value;
        body
    };
    for body in [
        with("amount", json!({ "minor": 0, "currency": "EUR" })),
        with("amount", json!({ "minor": 1, "currency": "euro" })),
        with("amount", json!({ "minor": i64::MAX, "currency": "EUR" })),
        with("amount", json!({ "minor": 1.5, "currency": "EUR" })),
        with("date", json!("2026-02-30")),
        with("kind", json!("gift")),
        with("to_account", json!("Bank")),
        with("payee", json!("x".repeat(257))),
        with("category", json!("")),
        with("category", json!("a:".repeat(17))),
        with("refund_of", json!("zz")),
        with("external_id", json!("1")),
        with("color", json!("red")),
    ] {
        assert_eq!(home.send("POST", "/expenses", &body).refusal(), (422, Code::Invalid), "{body}");
    }
    let headers = [("content-type", "text/plain")];
    let text = home.server.ask_with("POST", &home.path("/expenses"), &home.account, &Value::Null, &headers);
    assert_eq!(text.refusal(), (415, Code::MediaType));
    let large = with("note", json!("x".repeat(70_000)));
    assert_eq!(home.send("POST", "/expenses", &large).refusal(), (413, Code::TooBig));
    let nothing = format!("/expenses/{}", home.ledger.id);
    for (method, body) in [("PATCH", json!({})), ("DELETE", Value::Null)] {
        assert_eq!(home.send(method, &nothing, &body).refusal(), (404, Code::NoSuchPage));
        assert_eq!(home.send(method, "/expenses/zz", &body).refusal(), (404, Code::NoSuchPage));
    }
    assert_eq!(home.payees(""), [""; 0]);
    assert_eq!(home.get("/categories").json(), json!({ "categories": [] }), "nothing is half written");
}

#[test]
fn a_write_needs_the_role_of_the_member_and_the_word_of_the_ledger() {
    let mut home = Home::new();
    assert_eq!(home.send("POST", "/expenses", &lunch()).refusal(), (403, Code::ServerMayNot), "not pinned");
    let (server, _) = home.server.identity();
    let pinned = home.phone.operation(home.ledger.id, &home.ledger.heads, &pin(server));
    home.push(&pinned.0);
    assert_eq!(home.send("POST", "/expenses", &lunch()).status, 201);

    let viewer = Device::new(2);
    let other = home.server.sign_up("ben@example.org", &viewer);
    let path = home.path("/expenses");
    let by_other = |home: &Home, account: &Account| home.server.ask("POST", &path, account, &lunch());
    assert_eq!(by_other(&home, &other).refusal(), (404, Code::NoSuchLedger));
    let add = MemberOperation::Add { member: viewer.member(), device: viewer.public(), role: Role::Viewer };
    let added = home.phone.operation(home.ledger.id, &[pinned.1], &add);
    home.push(&added.0);
    // He is known as this member once his device has been here.
    _ = Socket::of(&home.server, &viewer, &other);
    assert_eq!(home.server.ask("GET", &path, &other, &Value::Null).status, 200, "he reads");
    assert_eq!(by_other(&home, &other).refusal(), (403, Code::ReadOnly));

    let promoted = MemberOperation::Role { member: viewer.member(), role: Role::Editor, cut: Vec::new() };
    let promoted = home.phone.operation(home.ledger.id, &[added.1], &promoted);
    home.push(&promoted.0);
    assert_eq!(by_other(&home, &other).status, 201);
    let removed = MemberOperation::Remove { member: viewer.member(), cut: Vec::new() };
    let removed = home.phone.operation(home.ledger.id, &[promoted.1], &removed);
    home.push(&removed.0);
    assert_eq!(by_other(&home, &other).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(home.payees("").len(), 1, "what was written for him is cut off with him");
}

/// A program with a token that is only for reading writes nothing, and one that may write does.
#[test]
fn a_token_writes_only_if_it_was_made_for_that() {
    let home = pinned();
    let token = |scope: &str| {
        let made =
            home.server.ask("POST", "/v1/tokens", &home.account, &json!({ "name": "a program", "scope": scope }));
        Account { access: made.json()["token"].as_str().unwrap().to_owned(), ..home.account.clone() }
    };
    let (reader, writer) = (token("read"), token("write"));
    let path = home.path("/expenses");
    assert_eq!(home.server.ask("POST", &path, &reader, &lunch()).refusal(), (403, Code::Scope));
    assert_eq!(home.server.ask("POST", &path, &writer, &lunch()).status, 201);
    let listed = home.server.ask("GET", &path, &reader, &Value::Null);
    assert_eq!(
        (listed.status, listed.json()["expenses"].as_array().map(Vec::len)),
        (200, Some(1)),
        "{}",
        listed.json()
    );
}
