//! Keeps what docs/ARCHITECTURE.md promises about the shape of the workspace: which crate may use which, who may name
//! SQLite and automerge, what pure crates stay away from, and that the document names every source file.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot read the tree has nothing else to say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crates of ours each may use, tests aside. A new crate is put here and into the document.
const USES: &[(&str, &[&str])] = &[
    ("outlay-ledger", &[]),
    ("outlay-protocol", &["outlay-ledger"]),
    ("outlay-core", &["outlay-ledger", "outlay-protocol"]),
    ("outlay-server", &["outlay-ledger", "outlay-protocol"]),
    ("outlay-testkit", &["outlay-core", "outlay-ledger", "outlay-protocol", "outlay-server"]),
    ("outlay-cli", &["outlay-core"]),
    ("outlay-tour", &["outlay-core"]),
    ("outlay-bench", &["outlay-core", "outlay-ledger", "outlay-protocol"]),
];

/// Crates that do no I/O, spawn nothing and read neither clock nor randomness.
const PURE: &[&str] = &["core/ledger/src", "core/protocol/src"];

/// Where the code is.
const SOURCES: &[&str] = &[
    "core/src",
    "core/ledger/src",
    "core/protocol/src",
    "core/testkit/src",
    "sync-server/src",
    "examples/cli/src",
    "examples/tour/src",
    "bench/src",
];

/// What a pure crate does not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "getrandom",
    "thread_rng",
    "tokio",
];

/// What gives away that a file speaks SQL.
const SQL: &[&str] =
    &["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "PRAGMA ", ".prepare", ".execute(", ".query_row("];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The crates of the workspace with what each depends on, development dependencies left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let used = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|one| one["kind"] != "dev").map(|one| text(&one["name"])).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|package| (text(&package["name"]), used(package))).collect()
}

/// Every Rust file below a folder, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

#[test]
fn crates_depend_downwards_only() {
    let allowed: BTreeMap<&str, &[&str]> = USES.iter().copied().collect();
    for (package, used) in dependencies() {
        let may_use =
            allowed.get(package.as_str()).unwrap_or_else(|| panic!("{package} has no place in ARCHITECTURE.md"));
        for name in used.iter().filter(|name| name.starts_with("outlay-")) {
            assert!(may_use.contains(&name.as_str()), "{package} must not depend on {name}");
        }
    }
}

/// The server keeps its logs in an SQLite database of its own, and the simulator lets both fail. The benchmarks put the same
/// rows into plain SQLite.
#[test]
fn only_the_engine_and_the_server_name_sqlite_and_only_tests_automerge() {
    for (package, used) in dependencies() {
        let names = |name: &str| used.iter().any(|one| one == name);
        assert!(
            !names("rusqlite")
                || matches!(package.as_str(), "outlay-core" | "outlay-server" | "outlay-testkit" | "outlay-bench"),
            "{package}: rusqlite"
        );
        assert!(!names("automerge"), "{package}: automerge");
    }
}

#[test]
fn inside_the_engine_only_the_store_knows_sql() {
    let engine = root().join("core/src");
    for (path, text) in sources(&engine) {
        let place = path.strip_prefix(&engine).unwrap();
        let is_store = place.starts_with("store") || place == Path::new("store.rs");
        for word in SQL {
            assert!(is_store || !text.contains(word), "{} says {word}", place.display());
        }
    }
}

#[test]
fn pure_crates_name_no_clock_no_randomness_and_no_system() {
    for crate_sources in PURE {
        for (path, text) in sources(&root().join(crate_sources)) {
            for word in IMPURE {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

/// A reader finds the room of every line of code.
#[test]
fn the_architecture_names_every_source_file() {
    let root = root();
    let document = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let mut missing = Vec::new();
    for folder in SOURCES {
        let folder = root.join(folder);
        for (path, _) in sources(&folder) {
            let place = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            let is_own_tests = place.ends_with("tests.rs") || place.contains("tests/");
            if !is_own_tests && !document.contains(&format!("`{place}`")) {
                missing.push(path.strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md does not say what is in {missing:#?}");
}
