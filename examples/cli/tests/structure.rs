//! Keeps what docs/ARCHITECTURE.md promises about the shape of the workspace: which crate may use which, who may name
//! SQLite and automerge, what pure crates stay away from, and that the document names every source file.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot read the tree has nothing else to say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crates of ours each may use, tests aside. A new crate is put here and into the document.
const USES: &[(&str, &[&str])] = &[
    ("outlay-ledger", &[]),
    ("outlay-insight", &["outlay-ledger"]),
    ("outlay-protocol", &["outlay-ledger"]),
    ("outlay-core", &["outlay-insight", "outlay-ledger", "outlay-protocol"]),
    ("outlay-server", &["outlay-insight", "outlay-ledger", "outlay-protocol"]),
    ("outlay-testkit", &["outlay-core", "outlay-ledger", "outlay-protocol", "outlay-server"]),
    ("outlay-ffi", &["outlay-core"]),
    ("outlay-bindgen", &[]),
    ("outlay-cli", &["outlay-core"]),
    ("outlay-tour", &["outlay-core"]),
    ("outlay-bench", &["outlay-core", "outlay-insight", "outlay-ledger", "outlay-protocol"]),
];

/// Crates that do no I/O, spawn nothing and read neither clock nor randomness.
const PURE: &[&str] = &["core/insight/src", "core/ledger/src", "core/protocol/src"];

/// Where the code is.
const SOURCES: &[&str] = &[
    "core/src",
    "core/insight/src",
    "core/ledger/src",
    "core/protocol/src",
    "core/testkit/src",
    "ffi/src",
    "ffi/bindgen/src",
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

/// Names of tests, in every crate.
fn tests() -> BTreeSet<String> {
    let folders = ["core", "ffi", "sync-server", "examples", "bench"].map(|folder| sources(&root().join(folder)));
    let mut names = BTreeSet::new();
    for (_, text) in folders.into_iter().flatten() {
        let mut lines = text.lines().map(str::trim);
        while lines.by_ref().any(|line| line == "#[test]" || line == "#[tokio::test]") {
            let name = lines.by_ref().find_map(|line| line.split_once("fn ")?.1.split_once('(')).unwrap().0;
            names.insert(name.to_owned());
        }
    }
    names
}

/// What is said to keep a requirement keeps it.
#[test]
fn every_test_that_the_asvs_page_names_is_there() {
    let document = fs::read_to_string(root().join("docs/asvs.md")).unwrap();
    let is_name =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    // Shorter words in code type are names of options, codes and functions.
    let named = document.split('`').skip(1).step_by(2).filter(|word| is_name(word) && word.matches('_').count() > 2);
    let (named, tests): (BTreeSet<_>, _) = (named.collect(), tests());
    assert!(named.len() > 50, "the page names tests");
    let missing: Vec<_> = named.into_iter().filter(|name| !tests.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/asvs.md names tests that are not there: {missing:#?}");
}

/// Each requirement of levels 1 and 2 is there once.
#[test]
fn every_requirement_stands_once_on_the_asvs_page() {
    let document = fs::read_to_string(root().join("docs/asvs.md")).unwrap();
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let ids =
        document.split("v5.0.0-").skip(1).map(|rest| rest.split(|c| !is_part(c)).next().unwrap().trim_matches('.'));
    let all: Vec<&str> = ids.collect();
    let once: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!((all.len(), once.len()), (253, 253), "levels 1 and 2 have so many requirements");
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
