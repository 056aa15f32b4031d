//! Programs without the engine: what they write by HTTP is on devices like anything else, and both show the same.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use outlay_core::sync::SignInOptions;
use outlay_core::{Edit, Engine, ErrorKind, Expense};
use ring::hmac;
use serde_json::{Value, json};

use super::support::spent;
use super::{LONG, LedgerId, Server, ana, engine, named, phone_and_laptop, shown, sync};

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
        request(self.server, (method, path), &self.token, body)
    }
}

/// What a server answers to one request of whoever has a token.
pub(super) fn request(server: &Server, (method, path): (&str, &str), token: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: outlay\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
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

/// What an authenticator app shows for a secret (RFC 6238), in this half minute.
fn authenticator_code(secret: &str) -> String {
    let digit = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
    let bits: String = secret.chars().map(|c| format!("{:05b}", digit(c))).collect();
    let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap();
    let secret: Vec<u8> = bits.as_bytes().chunks_exact(8).map(byte).collect();
    let step = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 30;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret), &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// Of an account that wants a second proof, a new device needs one, and those that are signed in go on as they were.
#[test]
fn a_new_device_signs_in_with_a_code_where_the_account_wants_one() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, _laptop, home) = phone_and_laptop(&folder, &server);
    let program = Program::of(&server, home);
    let (_, begun) = program.request("POST", "/v1/auth/totp", &json!({ "password": ana().password }));
    let secret = begun["secret"].as_str().unwrap();
    let confirm = json!({ "code": authenticator_code(secret) });
    let (status, confirmed) = program.request("POST", "/v1/auth/totp/confirm", &confirm);
    assert_eq!(status, 200, "{confirmed}");

    let tablet = engine(folder.path(), "tablet");
    let sign_in = |code: Option<&str>| {
        let options = SignInOptions { code: code.map(str::to_owned), ..named("tablet") };
        tablet.sign_in(&server.address(), &ana(), &options).map_err(|error| error.kind())
    };
    assert_eq!(sign_in(None).unwrap_err(), ErrorKind::Forbidden);
    assert_eq!(sign_in(Some("nonsense")).unwrap_err(), ErrorKind::Forbidden);
    sign_in(confirmed["recovery_codes"][0].as_str()).unwrap();
    sync(&tablet);
    assert_eq!(shown(&tablet, home), shown(&phone, home));
    phone.add_expense(home, spent("1", "Tea", "2026-03-05")).unwrap();
    assert_eq!(sync(&phone).pushed, 1);
}
