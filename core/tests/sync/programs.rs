//! Programs without the engine: what they write by HTTP is on devices like anything else, and both show the same.

use std::io::{Read, Write};
use std::net::TcpStream;

use outlay_core::{Edit, Engine, Expense};
use serde_json::{Value, json};

use super::support::spent;
use super::{LONG, LedgerId, Server, ana, phone_and_laptop, shown, sync};

/// A program that is signed in as Ana.
struct Program<'s> {
    server: &'s Server,
    home: LedgerId,
    token: String,
}

impl<'s> Program<'s> {
    fn of(server: &'s Server, home: LedgerId) -> Self {
        let mut program = Self { server, home, token: String::new() };
        let login = json!({ "email": ana().email, "password": ana().password, "name": "script" });
        let (status, answer) = program.request("POST", "/v1/auth/login", &login);
        assert_eq!(status, 200, "{answer}");
        program.token = answer["access_token"].as_str().unwrap().to_owned();
        program
    }

    fn expenses(&self, method: &str, rest: &str, body: &Value) -> (u16, Value) {
        self.request(method, &format!("/v1/ledgers/{}/expenses{rest}", self.home), body)
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: outlay\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

/// An expense of an engine, as far as it is compared with one of a program.
fn of_engine(expense: &Expense) -> Value {
    let name = |named: &Option<outlay_core::Named>| named.as_ref().map(|named| named.name.clone());
    json!([
        expense.id.to_string(),
        expense.amount.map(|amount| amount.minor()),
        expense.payee,
        name(&expense.category),
        name(&expense.account),
        expense.date.to_string(),
        expense.note,
        expense.conflicted
    ])
}

fn of_program(expense: &Value) -> Value {
    let minor = expense["amount"]["minor"].clone();
    let [id, payee, category, account, date, note, conflicted] =
        ["id", "payee", "category", "account", "date", "note", "conflicted"].map(|key| expense[key].clone());
    json!([id, minor, payee, category, account, date, note, conflicted])
}

fn show_alike(engine: &Engine, program: &Program<'_>) {
    let (status, list) = program.expenses("GET", "", &Value::Null);
    assert_eq!(status, 200, "{list}");
    let mut by_program: Vec<Value> = list["expenses"].as_array().unwrap().iter().map(of_program).collect();
    by_program.sort_by_key(|expense| expense[0].to_string());
    let by_engine: Vec<Value> = shown(engine, program.home).iter().map(of_engine).collect();
    assert_eq!(by_engine, by_program);
}

#[test]
fn what_a_program_writes_is_on_every_device_and_edits_of_both_merge() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let program = Program::of(&server, home);
    let rent = json!({
        "amount": { "minor": 80000, "currency": "EUR" }, "date": "2026-03-03", "payee": "Landlord",
        "category": "Home:Rent", "account": "Bank",
    });
    let (status, added) = program.expenses("POST", "", &rent);
    assert_eq!(status, 201, "{added}");
    sync(&phone);
    sync(&laptop);
    show_alike(&phone, &program);
    let id = added["id"].as_str().unwrap().parse().unwrap();
    let seen = phone.expense(home, id).unwrap().unwrap();
    let history = phone.history(home, id).unwrap();
    assert_eq!(seen.category.map(|category| category.name), Some("Home:Rent".to_owned()));
    assert!(history.iter().all(|entry| entry.author.member.is_some()), "written for a member: {history:?}");

    // Both change it before either knows of the other: two fields merge, and one that both set keeps both values.
    let edit = Edit { note: Some("March".into()), payee: Some("Anna".into()), ..Edit::default() };
    phone.edit_expense(home, id, edit).unwrap();
    let (status, changed) = program.expenses("PATCH", &format!("/{id}"), &json!({ "payee": "Ben", "account": "Cash" }));
    assert_eq!(status, 200, "{changed}");
    sync(&phone);
    sync(&laptop);
    show_alike(&phone, &program);
    show_alike(&laptop, &program);
    let merged = laptop.expense(home, id).unwrap().unwrap();
    assert_eq!((merged.note.as_str(), merged.account.map(|account| account.name)), ("March", Some("Cash".to_owned())));
    assert!(merged.conflicted, "the payee has two values until somebody chooses");

    let (status, _) = program.expenses("DELETE", &format!("/{id}"), &Value::Null);
    assert_eq!(status, 204);
    let rows: Vec<Value> = (0..40)
        .map(|n| {
            json!({ "external_id": format!("bank {n}"), "date": "2026-03-04",
        "amount": { "minor": n + 1, "currency": "EUR" } })
        })
        .collect();
    let (status, report) = program.expenses("POST", "/bulk", &json!({ "expenses": rows }));
    assert_eq!((status, &report["added"]), (200, &json!(40)));
    phone.add_expense(home, spent("7", "Tea", "2026-03-05")).unwrap();
    sync(&phone);
    sync(&laptop);
    assert!(laptop.expense(home, id).unwrap().unwrap().deleted);
    assert_eq!(shown(&laptop, home).len(), 42);
    show_alike(&laptop, &program);
    for engine in [phone, laptop] {
        assert!(engine.doctor().unwrap().is_ok());
    }
}
