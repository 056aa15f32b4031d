//! The description of the pages: what is served, what is committed and what the code says are one.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Server, run};

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
