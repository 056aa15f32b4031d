//! The description of the pages: what is served, what is committed and what the code says are one.

use std::collections::BTreeSet;
use std::path::Path;

use outlay_protocol::Code;
use serde_json::{Value, json};

use crate::support::{Device, Reply, Server, request, run};

const COMMITTED: &str = include_str!("../../../docs/openapi.json");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation: its path, its method, and what is said of it.
pub(crate) fn operations(description: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    let of_path = |(path, item)| METHODS.iter().map(move |method| (path, *method, item));
    let all = paths.iter().flat_map(|(path, item): (&String, &Value)| of_path((path.as_str(), item)));
    all.map(|(path, method, item)| (path, method, &item[method])).filter(|(_, _, it)| it.is_object()).collect()
}

pub(crate) fn committed() -> Value {
    serde_json::from_str(COMMITTED).unwrap()
}

#[test]
fn the_committed_description_is_what_the_code_says_and_what_is_served() {
    let (is_printed, text) = run(&["openapi"], &[]);
    assert!(is_printed && text == COMMITTED, "docs/openapi.json is old: make api writes it anew");
    let served = Server::start(&[]).get("/openapi.json");
    assert_eq!((served.status, served.header("content-type").as_deref()), (200, Some("application/json")));
    assert_eq!(served.json(), committed());
}

/// `routes!` gives no page without its description; `route` would.
#[test]
fn no_page_is_there_without_its_description() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut described = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // The metrics have a listener of their own, for whoever runs the server.
            let is_apart = path.file_name().is_some_and(|name| name == "metrics.rs");
            assert!(is_apart || !text.contains(".route("), "{} routes past the description", path.display());
            described += text.lines().filter(|line| line.starts_with("#[utoipa::path(")).count();
        }
    }
    assert_eq!(operations(&committed()).len(), described, "a page that is described is not served");
}

#[test]
fn no_page_passes_over_what_it_does_not_know() {
    let description = committed();
    for (path, method, operation) in operations(&description) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let Some(reference) = schema["$ref"].as_str() else { continue };
        let schema = description.pointer(reference.trim_start_matches('#')).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{method} {path}");
    }
    let server = Server::start(&[]);
    let refused =
        server.post("/v1/auth/login", &json!({ "email": "ana@example.org", "password": "", "cod": "123456" }));
    assert_eq!(refused.refusal(), (422, Code::Invalid));
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_answers() {
    let description = committed();
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&description) {
        let at = format!("{method} {path}");
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{at}: another has its name");
        assert!(operation["summary"].is_string(), "{at}: nothing is said of it");
        let statuses: Vec<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(statuses.iter().all(|status| status.parse::<u16>().is_ok()), "{at}: {statuses:?}");
        assert!(statuses.iter().any(|status| status.starts_with(['1', '2'])), "{at}: {statuses:?}");
        assert!(statuses.contains(&"500"), "{at}: {statuses:?}");
        let needs_token = operation["security"].is_array();
        assert_eq!(needs_token, !is_open(path, method), "{at}");
        assert!(!needs_token || statuses.contains(&"401"), "{at}: {statuses:?}");
    }
}

/// `Allow` names what is described, and no page takes what is not.
#[test]
fn a_method_that_is_not_described_is_refused_with_those_that_are() {
    let (server, description) = (Server::start(&[]), committed());
    for (path, item) in description["paths"].as_object().unwrap() {
        let mut described: Vec<String> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if described.iter().any(|method| method == "GET") {
            described.push("HEAD".to_owned());
        }
        described.sort();
        let target = path.replace(['{', '}'], "");
        for method in ["TRACE", "OPTIONS", "MADE-UP"] {
            let refused = request(&server.address, method, &target, &[], b"");
            assert_eq!(refused.refusal(), (405, Code::Method), "{method} {path}");
            assert_problem(&refused);
            let header = refused.header("allow").unwrap();
            let mut allowed: Vec<&str> = header.split(',').map(str::trim).collect();
            allowed.sort_unstable();
            assert_eq!(allowed, described, "{path}");
        }
    }
}

/// Whatever is wrong with a request, it is told so in one form.
#[test]
fn every_refusal_is_a_problem() {
    let server = Server::start(&[]);
    let json = [("content-type", "application/json")];
    let ask = |method, target, headers: &[_], body: &[u8]| request(&server.address, method, target, headers, body);
    let refused = [
        (ask("GET", "/v1/nowhere", &[], b""), (404, Code::NoSuchPage)),
        (ask("GET", "/v1/ledgers/%ff/expenses", &[("authorization", "Bearer x")], b""), (401, Code::SignInNeeded)),
        (ask("DELETE", "/livez", &[], b""), (405, Code::Method)),
        (ask("POST", "/v1/auth/login", &json, &[b' '; 20_000]), (413, Code::TooBig)),
        (ask("POST", "/v1/auth/login", &[], b"{}"), (415, Code::MediaType)),
        (ask("POST", "/v1/auth/login", &json, b"{"), (400, Code::Malformed)),
        (ask("POST", "/v1/auth/login", &json, b"\xff"), (400, Code::Malformed)),
        (ask("POST", "/v1/auth/login", &json, b"{}"), (422, Code::Invalid)),
        (ask("GET", "/v1/sync", &[], b""), (400, Code::Malformed)),
        (ask("GET", "/v1/me", &[], b""), (401, Code::SignInNeeded)),
    ];
    for (reply, refusal) in &refused {
        assert_eq!(reply.refusal(), *refusal);
        assert_problem(reply);
    }
    let ana = server.sign_up("ana@example.org", &Device::new(1));
    let asked = [
        ("/v1/ledgers/%ff/expenses", 404),
        ("/v1/ledgers/a/expenses/%ff", 404),
        ("/v1/ledgers/a/totals", 422),
        ("/v1/ledgers/a/totals?month=2026-11&month=2026-12", 422),
        ("/v1/ledgers/a/totals?month=2026-11&year=2026", 422),
    ];
    for (target, status) in asked {
        let reply = server.ask("GET", target, &ana, &Value::Null);
        assert_eq!(reply.status, status, "{target}");
        assert_problem(&reply);
    }
}

fn assert_problem(reply: &Reply) {
    assert_eq!(reply.header("content-type").as_deref(), Some("application/problem+json"));
    let problem = reply.problem();
    assert_eq!(problem["status"], reply.status);
    assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("urn:outlay:problem:")), "{problem}");
    assert!(problem["title"].is_string() && problem["code"].is_u64(), "{problem}");
}

/// The pages that need no token, one by one, so that none is open by mistake.
fn is_open(path: &str, method: &str) -> bool {
    let open = [
        "/.well-known/jwks.json",
        "/livez",
        "/openapi.json",
        "/readyz",
        "/v1/auth/login",
        "/v1/auth/refresh",
        "/v1/auth/reset",
        "/v1/auth/reset/confirm",
        "/v1/auth/signout",
        "/v1/auth/signup",
        "/v1/auth/verify",
        "/v1/server",
        // The token is in the first message.
        "/v1/sync",
    ];
    open.contains(&path) && METHODS.contains(&method)
}
