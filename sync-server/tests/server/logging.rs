//! What is logged, and what is not.

use serde_json::{Value, json};

use crate::support::{Account, Device, Reply, Server, Socket, request};

/// In everything that a person writes, and so in no line.
const CANARY: &str = "canary7f3a";

fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn by(server: &Server, account: &Account, method: &str, path: &str, body: &Value) -> Reply {
    server.ask_with(method, path, account, body, &[("if-match", "*")])
}

#[test]
fn no_address_no_name_no_password_and_no_token_is_logged() {
    let mut server = Server::logging(&["--log", "trace", "--log-format", "json"]);
    let (phone, email, password) =
        (Device::new(1), format!("{CANARY}@example.org"), format!("{CANARY} rides the tide"));
    let sign_up = || {
        let device = server.proved(&email, &phone, CANARY);
        server
            .post("/v1/auth/signup", &json!({ "email": email, "password": password, "name": CANARY, "device": device }))
    };
    let account = Account::of(&sign_up());
    assert_eq!(sign_up().status, 409);
    assert_eq!(server.post("/v1/auth/login", &json!({ "email": email, "password": CANARY })).status, 401);
    let login = json!({ "email": email, "password": password, "name": CANARY });
    let program = Account::of(&server.post("/v1/auth/login", &login));
    let renewed = Account::of(&server.refresh(&phone, &account.refresh));
    assert_eq!(by(&server, &renewed, "PATCH", "/v1/me", &json!({ "name": CANARY })).status, 200);
    assert_eq!(
        by(&server, &renewed, "GET", &format!("/v1/me?token={}&q={CANARY}", renewed.access), &json!({})).status,
        200
    );
    assert_eq!(by(&server, &renewed, "GET", &format!("/v1/{CANARY}"), &json!({})).status, 404);
    assert_eq!(by(&server, &renewed, "DELETE", &format!("/v1/sessions/{CANARY}"), &json!({})).status, 404);
    assert_eq!(by(&server, &renewed, &CANARY.to_uppercase(), "/v1/me", &json!({})).status, 405);
    let unasked = [("x-request-id", CANARY), ("user-agent", CANARY), ("referer", CANARY)];
    assert_eq!(request(&server.address, "GET", "/v1/server", &unasked, b"").status, 200);
    let change = json!({ "password": password, "new_password": format!("{CANARY} and another tide") });
    drop(Socket::of(&server, &phone, &renewed));
    assert_eq!(by(&server, &renewed, "POST", "/v1/auth/password", &change).status, 204);
    assert_eq!(server.post("/v1/auth/signout", &json!({ "refresh_token": renewed.refresh })).status, 204);
    assert_eq!(server.stop(), Some(0));
    let log = server.log();
    let tokens = [&account, &program, &renewed].into_iter().flat_map(|one| [&one.access, &one.refresh]);
    for secret in tokens.map(String::as_str).chain([CANARY]) {
        assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in the log:\n{log}");
    }
    let lines = lines(&log);
    let of_change = lines.iter().find(|line| line["route"] == "/v1/auth/password").unwrap();
    assert_eq!((of_change["method"].as_str(), of_change["status"].as_u64()), (Some("POST"), Some(204)));
    assert_eq!((of_change["level"].as_str(), of_change["message"].as_str()), (Some("INFO"), Some("answered")));
    assert_eq!(of_change["account"].as_str(), Some(account.id.as_str()));
    assert!(of_change["ms"].is_u64() && of_change["session"].as_str().is_some_and(|id| id.len() == 32));
    let routes = lines.iter().filter_map(|line| line["route"].as_str()).filter(|route| *route == "/v1/sessions/{id}");
    assert_eq!(routes.count(), 1, "one line for one request");
}

#[test]
fn a_request_has_an_id_that_its_answer_and_its_line_have_too() {
    let server = Server::logging(&["--log", "info", "--trusted-proxies", "127.0.0.0/8"]);
    let ask = |id: &str| request(&server.address, "GET", "/v1/nothing", &[("x-request-id", id)], b"");
    let of_proxy = ask("edge-1_2.3");
    assert_eq!(of_proxy.json()["request_id"], "edge-1_2.3");
    assert_eq!(of_proxy.header("x-request-id").as_deref(), Some("edge-1_2.3"));
    let made = server.get("/livez").header("x-request-id").unwrap();
    assert_eq!(made.len(), 32);
    for nonsense in ["", "with space", "quote\"", &"x".repeat(65)] {
        let id = ask(nonsense).header("x-request-id").unwrap();
        assert!(id.len() == 32 && id != made, "{nonsense:?} became {id}");
    }
    let log = server.log();
    let line = log.lines().find(|line| line.contains(&made)).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("route=\"/livez\"") && line.contains("status=200"), "{line}");
    let direct = Server::start(&[]);
    let untrusted = request(&direct.address, "GET", "/livez", &[("x-request-id", "edge-1")], b"");
    assert_ne!(untrusted.header("x-request-id").as_deref(), Some("edge-1"));
}
