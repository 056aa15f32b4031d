//! Expenses by HTTP: what devices push is shown to programs without the engine.

use std::collections::BTreeMap;

use outlay_ledger::LedgerId;
use outlay_ledger::change::Scalar;
use outlay_ledger::commit::Commit;
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Put;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::Code;
use outlay_server::expenses::projection;
use outlay_server::ledgers;
use outlay_server::store::{Store, StoreOptions};
use serde_json::{Value, json};

use crate::support::{Account, Device, Ledger, Reply, Server, Socket, Written, counts, spent};

/// A ledger of one device on a server, and what is pushed into it.
pub(crate) struct Home {
    pub(crate) server: Server,
    pub(crate) phone: Device,
    pub(crate) account: Account,
    pub(crate) ledger: Ledger,
    pub(crate) socket: Socket,
    pushed: u32,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(options: &[&str]) -> Self {
        let (server, mut phone) = (Server::start(options), Device::new(1));
        let account = server.sign_up("ana@example.org", &phone);
        let ledger = Ledger::of(&mut phone, 0);
        let mut socket = Socket::of(&server, &phone, &account);
        socket.open(ledger.id, None, &ledger.commits);
        assert_eq!(counts(&socket.acknowledged(1)), (1, 0, 0, None));
        Self { server, phone, account, ledger, socket, pushed: 1 }
    }

    pub(crate) fn push(&mut self, commit: &Commit) {
        self.pushed += 1;
        assert_eq!(counts(&self.socket.push(self.pushed, std::slice::from_ref(commit))), (1, 0, 0, None));
    }

    pub(crate) fn thing(&mut self, thing: Thing, puts: Vec<Put>) -> Written {
        let written = self.phone.thing(self.ledger.id, &self.ledger.heads, thing, puts);
        self.push(&written.commit);
        written
    }

    pub(crate) fn spend(&mut self, date: &str, amount: &str, payee: &str) -> Written {
        self.thing(Thing::Expense, spent(date, amount, payee))
    }

    pub(crate) fn edit(&mut self, thing: &Written, puts: Vec<Put>) -> Written {
        let edited = self.phone.edit(self.ledger.id, &self.ledger.heads, thing, puts);
        self.push(&edited.commit);
        edited
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        path(self.ledger.id, rest)
    }

    pub(crate) fn get(&self, rest: &str) -> Reply {
        self.server.ask("GET", &self.path(rest), &self.account, &Value::Null)
    }

    /// The payees of a list, in its order.
    pub(crate) fn payees(&self, query: &str) -> Vec<String> {
        let reply = self.get(&format!("/expenses{query}"));
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let text = |expense: &Value| expense["payee"].as_str().unwrap().to_owned();
        reply.json()["expenses"].as_array().unwrap().iter().map(text).collect()
    }
}

fn path(ledger: LedgerId, rest: &str) -> String {
    format!("/v1/ledgers/{ledger}{rest}")
}

fn text(key: &str, text: &str) -> Put {
    Put::new(key, Scalar::Str(text.to_owned()))
}

#[test]
fn what_a_device_pushes_is_shown_as_it_is_there() {
    let mut home = Home::new();
    let food = home.thing(Thing::Category, vec![text(field::NAME, "Food")]);
    let snacks = vec![text(field::NAME, "Snacks"), Put::new(field::PARENT, Scalar::Bytes(food.id.0.to_vec()))];
    let snacks = home.thing(Thing::Category, snacks);
    let cash = home.thing(Thing::Account, vec![text(field::NAME, "Cash")]);
    let mut puts = spent("2026-11-02", "12.50 EUR", "Corner Café");
    puts.push(Put::new(field::CATEGORY, Scalar::Bytes(snacks.id.0.to_vec())));
    puts.push(Put::new(field::ACCOUNT, Scalar::Bytes(cash.id.0.to_vec())));
    puts.push(Put::new(field::TIME, Scalar::Uint(65_100)));
    puts.push(Put::new("tag:lunch", Scalar::Bool(true)));
    puts.push(text(field::NOTE, "two of them"));
    let expense = home.thing(Thing::Expense, puts);

    let shown = json!({
        "id": expense.id.to_string(),
        "kind": "expense",
        "amount": { "minor": 1250, "currency": "EUR" },
        "payee": "Corner Café",
        "category": "Food:Snacks",
        "category_id": snacks.id.to_string(),
        "account": "Cash",
        "account_id": cash.id.to_string(),
        "to_account": null,
        "date": "2026-11-02",
        "time": "18:05",
        "note": "two of them",
        "tags": ["lunch"],
        "refund_of": null,
        "attachments": [],
        "deleted": false,
        "conflicted": false,
    });
    let one = home.get(&format!("/expenses/{}", expense.id));
    assert_eq!((one.status, one.json()), (200, shown.clone()));
    let list = home.get("/expenses");
    assert_eq!((list.status, list.json()), (200, json!({ "expenses": [shown], "next": null })));

    let edited = home.edit(&expense, vec![text(field::PAYEE, "Bakery")]);
    assert_eq!(home.payees(""), ["Bakery"], "the rows follow the log");
    home.edit(&edited, vec![Put::new(field::STATE, field::DELETED)]);
    assert_eq!(home.payees(""), [""; 0]);
    let one = home.get(&format!("/expenses/{}", expense.id)).json();
    assert_eq!((&one["deleted"], &one["payee"]), (&json!(true), &json!("Bakery")), "in the trash it is still there");
}

#[test]
fn a_list_goes_on_page_by_page_and_is_narrowed_by_what_is_asked() {
    let mut home = Home::new();
    for (date, payee) in [
        ("2026-10-31", "Bakery"),
        ("2026-11-01", "Corner Café"),
        ("2026-11-15", "Bakery"),
        ("2026-11-30", "Railway"),
        ("2026-12-01", "CORNER  café"),
    ] {
        home.spend(date, "2.00 EUR", payee);
    }
    let (mut pages, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        pages.push(home.payees(&query));
        let next = home.get(&format!("/expenses{query}")).json()["next"].clone();
        let Some(next) = next.as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(pages, [vec!["CORNER  café", "Railway"], vec!["Bakery", "Corner Café"], vec!["Bakery"]]);
    for (query, expected) in [
        ("?month=2026-11", vec!["Railway", "Bakery", "Corner Café"]),
        ("?from=2026-11-15&to=2026-11-30", vec!["Railway", "Bakery"]),
        ("?month=2026-11&to=2026-11-01", vec!["Corner Café"]),
        ("?merchant=corner%20caf%C3%A9", vec!["CORNER  café", "Corner Café"]),
        ("?merchant=corner", vec![]),
        ("?text=corn+cafe", vec!["CORNER  café", "Corner Café"]),
        ("?text=rail&month=2026-11", vec!["Railway"]),
        ("?text=%22*", vec![]),
        ("?category=Food", vec![]),
    ] {
        assert_eq!(home.payees(query), expected, "{query}");
    }
}

#[test]
fn a_category_is_listed_with_all_below_it() {
    let mut home = Home::new();
    let food = home.thing(Thing::Category, vec![text(field::NAME, "Food")]);
    let parent = Put::new(field::PARENT, Scalar::Bytes(food.id.0.to_vec()));
    let snacks = home.thing(Thing::Category, vec![text(field::NAME, "Snacks"), parent]);
    for (category, payee) in [(&food, "Market"), (&snacks, "Bakery")] {
        let mut puts = spent("2026-11-02", "1.00 EUR", payee);
        puts.push(Put::new(field::CATEGORY, Scalar::Bytes(category.id.0.to_vec())));
        home.thing(Thing::Expense, puts);
    }
    home.spend("2026-11-01", "1.00 EUR", "Railway");
    assert_eq!(home.payees("?category=food"), ["Bakery", "Market"]);
    assert_eq!(home.payees("?category=Food:SNACKS"), ["Bakery"]);
    assert_eq!(home.payees(&format!("?category={}", snacks.id)), ["Bakery"]);
    assert_eq!(home.payees("?category=Snacks"), [""; 0], "a path begins at the top");
}

#[test]
fn a_ledger_of_others_and_none_at_all_look_the_same() {
    let mut home = Home::new();
    let expense = home.spend("2026-11-02", "1.00 EUR", "Bakery");
    let other = home.server.sign_up("ben@example.org", &Device::new(2));
    let nowhere = Ledger::of(&mut Device::new(3), 0);
    for rest in ["/expenses".to_owned(), format!("/expenses/{}", expense.id)] {
        let replies = [home.ledger.id, nowhere.id]
            .map(|ledger| home.server.ask("GET", &path(ledger, &rest), &other, &Value::Null));
        assert_eq!(replies[0].refusal(), (404, Code::NoSuchLedger));
        assert_eq!(replies[0].problem(), replies[1].problem());
        assert_eq!(home.server.get(&home.path(&rest)).refusal(), (401, Code::SignInNeeded));
    }
    let one = format!("/expenses/{}", expense.id);
    let new = json!({ "amount": { "minor": 1, "currency": "EUR" }, "date": "2026-11-02" });
    for (method, rest, body) in [
        ("GET", "/expenses/delta", Value::Null),
        ("GET", "/categories", Value::Null),
        ("GET", "/totals?month=2026-11", Value::Null),
        ("POST", "/expenses", new.clone()),
        ("POST", "/expenses/bulk", json!({ "expenses": [new] })),
        ("PATCH", &one, json!({})),
        ("DELETE", &one, Value::Null),
    ] {
        let replies =
            [home.ledger.id, nowhere.id].map(|ledger| home.server.ask(method, &path(ledger, rest), &other, &body));
        assert_eq!(replies[0].refusal(), (404, Code::NoSuchLedger), "{method} {rest}");
        assert_eq!(replies[0].problem(), replies[1].problem(), "{method} {rest}");
    }
    let garbage = home.server.ask("GET", "/v1/ledgers/zz/expenses", &home.account, &Value::Null);
    assert_eq!(garbage.refusal(), (404, Code::NoSuchLedger));
}

/// A ledger whose genesis says no fact key is a sealed one.
#[test]
fn a_sealed_ledger_is_not_read_here() {
    let (server, mut phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let (genesis, id) = phone.sealed_genesis();
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(genesis.ledger(&id), None, std::slice::from_ref(&genesis));
    assert_eq!(counts(&socket.acknowledged(1)), (1, 0, 0, None));
    for rest in ["/expenses", "/expenses/delta", "/categories", "/totals?month=2026-11"] {
        let reply = server.ask("GET", &path(genesis.ledger(&id), rest), &account, &Value::Null);
        assert_eq!(reply.refusal(), (403, Code::ServerMayNot), "{rest}");
    }
    let expense = json!({ "amount": { "minor": 1, "currency": "EUR" }, "date": "2026-11-02" });
    let written = server.ask("POST", &path(genesis.ledger(&id), "/expenses"), &account, &expense);
    assert_eq!(written.refusal(), (403, Code::ServerMayNot));
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_code() {
    let mut home = Home::new();
    home.spend("2026-11-02", "1.00 EUR", "Bakery");
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=x",
        "cursor=1.2.zz",
        "month=2026-13",
        "from=yesterday",
        "to=2026-02-30",
        "payee=Bakery",
    ] {
        assert_eq!(home.get(&format!("/expenses?{query}")).refusal(), (422, Code::Invalid), "{query}");
    }
    for id in [home.ledger.id.to_string(), "zz".to_owned()] {
        assert_eq!(home.get(&format!("/expenses/{id}")).refusal(), (404, Code::NoSuchPage));
    }
    let put = home.server.ask("PUT", &home.path("/expenses"), &home.account, &Value::Null);
    assert_eq!(put.refusal(), (405, Code::Method));
}

/// What a removed member wrote after the cut is not shown, though it was shown before the removal was known.
#[test]
fn what_member_commits_set_aside_is_no_longer_shown() {
    let mut home = Home::new();
    let mut friend = Device::new(2);
    let add = MemberOperation::Add { member: friend.member(), device: friend.public(), role: Role::Editor };
    let added = home.phone.operation(home.ledger.id, &home.ledger.heads, &add);
    home.push(&added.0);
    let [kept, cut] = ["Bakery", "Casino"].map(|payee| {
        let puts = spent("2026-11-02", "1.00 EUR", payee);
        friend.thing(home.ledger.id, &[added.1], Thing::Expense, puts)
    });
    home.push(&kept.commit);
    home.push(&cut.commit);
    let mut payees = home.payees("");
    payees.sort();
    assert_eq!(payees, ["Bakery", "Casino"]);
    let cursor = home.get("/expenses/delta").json()["cursor"].as_str().unwrap().to_owned();

    let remove = MemberOperation::Remove { member: friend.member(), cut: vec![kept.commit_id] };
    let removed = home.phone.operation(home.ledger.id, &[added.1], &remove);
    home.push(&removed.0);
    assert_eq!(home.payees(""), ["Bakery"]);
    assert_eq!(home.get(&format!("/expenses/{}", cut.id)).refusal(), (404, Code::NoSuchPage));
    assert_eq!(home.payees("?text=casino"), [""; 0]);
    let delta = home.get(&format!("/expenses/delta?cursor={cursor}")).json();
    assert_eq!(delta["changes"], json!([{ "id": cut.id.to_string(), "expense": null }]));

    let accept = MemberOperation::Accept { commits: vec![cut.commit_id] };
    let accepted = home.phone.operation(home.ledger.id, &[removed.1], &accept);
    home.push(&accepted.0);
    assert_eq!(home.payees("?text=casino"), ["Casino"], "an owner took it in after all");
}

/// The rows follow from the log alone: dropped and made anew they are the same as those that grew with it.
#[test]
fn the_rows_can_be_dropped_and_are_made_anew() {
    let mut home = Home::new();
    let food = home.thing(Thing::Category, vec![text(field::NAME, "Food")]);
    let mut last = home.spend("2026-11-02", "1.00 EUR", "Bakery");
    let again = home.spend("2026-11-03", "2.00 EUR", "Railway");
    for round in 0..20 {
        last = home.edit(&last, vec![text(field::NOTE, &format!("round {round}"))]);
        assert_eq!(home.payees("").len(), 2);
    }
    home.edit(&again, vec![Put::new(field::CATEGORY, Scalar::Bytes(food.id.0.to_vec()))]);
    assert_eq!(home.payees("?category=Food"), ["Railway"]);
    assert_eq!(home.server.stop(), Some(0));

    let mut store = Store::open(&home.server.data.join("outlay-server.db"), StoreOptions::default()).unwrap();
    let grown = rows(&store);
    let ledger = home.ledger.id;
    let lid = ledgers::find(store.connection(), &ledger).unwrap().unwrap().lid;
    store.write(|write| projection::forget(write, lid)).unwrap();
    assert!(rows(&store).values().all(Vec::is_empty));
    while !store.write(|write| projection::step(write, &ledger)).unwrap() {}
    assert_eq!(rows(&store), grown);
    assert!(grown.values().all(|rows| !rows.is_empty()), "{grown:?}");
}

/// What is shown, without the numbers that a database gives.
fn rows(store: &Store) -> BTreeMap<&'static str, Vec<String>> {
    let selects = [
        (
            "expense",
            "SELECT hex(id) || state || day || created_ms || minor || payee || coalesce(note, '') FROM expense",
        ),
        ("category", "SELECT hex(id) || name || is_deleted FROM category"),
        (
            "document",
            "SELECT hex(id) || n || (SELECT count(*) FROM fold) FROM document JOIN document_record USING (rid)",
        ),
    ];
    let read = |select: &str| {
        let mut select = store.connection().prepare(&format!("{select} ORDER BY 1")).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap()
    };
    selects.into_iter().map(|(table, select)| (table, read(select))).collect()
}

#[test]
fn a_month_is_summed_by_category_and_currency() {
    let mut home = Home::new();
    let food = home.thing(Thing::Category, vec![text(field::NAME, "Food")]);
    for (date, amount, category) in [
        ("2026-11-02", "12.50 EUR", Some(&food)),
        ("2026-11-30", "2.50 EUR", Some(&food)),
        ("2026-11-30", "300 JPY", None),
        ("2026-12-01", "99.00 EUR", None),
    ] {
        let mut puts = spent(date, amount, "Market");
        puts.extend(category.map(|category| Put::new(field::CATEGORY, Scalar::Bytes(category.id.0.to_vec()))));
        home.thing(Thing::Expense, puts);
    }
    let totals = home.get("/totals?month=2026-11");
    let total = |category: Option<&Written>, minor: i64, currency: &str, count: u64| {
        json!({
            "month": "2026-11",
            "category": category.map(|_| "Food"),
            "category_id": category.map(|category| category.id.to_string()),
            "spent": { "minor": minor, "currency": currency },
            "earned": { "minor": 0, "currency": currency },
            "count": count,
        })
    };
    let expected = json!({ "totals": [total(None, 300, "JPY", 1), total(Some(&food), 1_500, "EUR", 2)] });
    assert_eq!((totals.status, totals.json()), (200, expected));
    assert_eq!(home.get("/totals?month=2027-01").json(), json!({ "totals": [] }));
    for query in ["", "?month=11", "?month=2026-11&year=2026"] {
        assert_eq!(home.get(&format!("/totals{query}")).refusal(), (422, Code::Invalid), "{query}");
    }
}

/// A sum of the greatest amounts there may be is wider than 64 bits.
#[test]
fn no_sum_is_too_great() {
    let mut home = Home::new();
    let greatest = "10000000000000.00 EUR";
    let entries: Vec<_> = (0..9_300).map(|_| spent("2026-11-02", greatest, "")).collect();
    for chunk in entries.chunks(500) {
        let commit = home.phone.things(home.ledger.id, &home.ledger.heads, chunk);
        home.push(&commit);
    }
    let totals = home.get("/totals?month=2026-11").json();
    assert_eq!(totals["totals"][0]["spent"].to_string(), "{\"currency\":\"EUR\",\"minor\":9300000000000000000}");
}

#[test]
fn categories_are_listed_by_path() {
    let mut home = Home::new();
    let food = home.thing(Thing::Category, vec![text(field::NAME, "Food")]);
    let parent = Put::new(field::PARENT, Scalar::Bytes(food.id.0.to_vec()));
    let snacks = home.thing(Thing::Category, vec![text(field::NAME, "Snacks"), parent]);
    let gone = home.thing(Thing::Category, vec![text(field::NAME, "Gone")]);
    home.edit(&gone, vec![Put::new(field::STATE, field::DELETED)]);
    let listed = home.get("/categories");
    let expected = json!({ "categories": [
        { "id": food.id.to_string(), "name": "Food", "parent": null },
        { "id": snacks.id.to_string(), "name": "Food:Snacks", "parent": food.id.to_string() },
    ] });
    assert_eq!((listed.status, listed.json()), (200, expected));
}

/// Each change comes once after the cursor of before, whatever the size of the pages.
#[test]
fn a_delta_has_what_changed_since() {
    let mut home = Home::new();
    let bakery = home.spend("2026-11-02", "1.00 EUR", "Bakery");
    home.spend("2026-11-01", "1.00 EUR", "Railway");
    home.spend("2026-10-01", "1.00 EUR", "Market");
    let delta = |home: &Home, query: String| {
        let reply = home.get(&format!("/expenses/delta{query}"));
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let json = reply.json();
        let payees = json["changes"].as_array().unwrap().iter().map(|change| change["expense"]["payee"].clone());
        (payees.collect::<Vec<_>>(), json["cursor"].as_str().unwrap().to_owned(), json["more"] == json!(true))
    };
    let (mut first, cursor, more) = delta(&home, "?limit=2".to_owned());
    let (rest, cursor, last) = delta(&home, format!("?limit=2&cursor={cursor}"));
    first.extend(rest);
    assert_eq!((first, more, last), (vec![json!("Bakery"), json!("Railway"), json!("Market")], true, false));
    assert_eq!(delta(&home, format!("?cursor={cursor}")).0, [json!(null); 0]);

    let edited = home.edit(&bakery, vec![text(field::PAYEE, "Baker")]);
    let (changed, after_edit, _) = delta(&home, format!("?cursor={cursor}"));
    assert_eq!(changed, [json!("Baker")]);
    home.edit(&edited, vec![Put::new(field::STATE, field::DELETED)]);
    let reply = home.get(&format!("/expenses/delta?cursor={after_edit}")).json();
    assert_eq!(reply["changes"][0]["expense"]["deleted"], json!(true), "the trash is a change like any other");
    for cursor in ["x", "1.2", "1.2.z"] {
        assert_eq!(home.get(&format!("/expenses/delta?cursor={cursor}")).refusal(), (422, Code::Invalid));
    }
    let of_another = home.get("/expenses/delta?cursor=77.1.1");
    assert_eq!(of_another.refusal(), (412, Code::Changed), "of another log");
}
