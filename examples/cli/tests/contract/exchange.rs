//! `export`, and `import` of what another replica exported.

use serde_json::{Value, json};

use crate::home::{Home, string, text};

fn objects(jsonl: &str) -> Vec<Value> {
    jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_one_home_exports_another_holds_with_ids_and_history() {
    let ana = Home::with_ledger();
    let id = ana.add(&["12.50", "Café", "-c", "Food", "-d", "2026-11-02"]);
    ana.one(&["edit", &id, "--amount", "13.00"]);
    let ben = Home::new();
    assert_eq!(ben.take_in(&ana)["added"], 1);
    assert_eq!(ben.list(), ana.list());
    assert_eq!(ben.json(&["history", &id]), ana.json(&["history", &id]));
    assert_eq!(ben.take_in(&ana)["added"], 0, "twice is once");
    assert_eq!(ben.export(&[]), ana.export(&[]), "byte for byte");
}

#[test]
fn a_taken_in_ledger_is_the_default_where_there_was_none_and_read_only_until_admitted() {
    let ana = Home::with_ledger();
    let id = ana.add(&["12.50", "Café"]);
    let ben = Home::new();
    ben.take_in(&ana);
    let ledger = &ben.json(&["ledger", "list"])[0];
    assert_eq!((&ledger["default"], &ledger["role"], &ledger["name"]), (&json!(true), &Value::Null, &json!("Home")));
    assert_eq!(ben.refused(&["edit", &id, "--note", "x"]).0, "forbidden");
    assert_eq!(ben.refused(&["add", "1.00", "Kiosk"]).0, "forbidden");

    let key = string(&ben.one(&["device"])["device"]);
    ana.one(&["ledger", "admit", &key]);
    ben.take_in(&ana);
    assert_eq!(ben.one(&["edit", &id, "--note", "from Ben"])["note"], "from Ben");
    ana.take_in(&ben);
    assert_eq!(ana.list(), ben.list());
    assert_eq!(ana.refused(&["ledger", "admit", "abc"]).0, "invalid_input");
}

#[test]
fn a_copy_makes_new_entries_in_the_default_ledger() {
    let ana = Home::with_ledger();
    ana.add(&["12.50", "Café", "-c", "Food", "-d", "2026-11-02"]);
    let ben = Home::with_ledger();
    let file = ben.file("ana.jsonl", ana.export(&[]));
    assert_eq!(ben.one(&["import", &file, "--copy"])["added"], 1);
    let (theirs, ours) = (&ana.list()[0], &ben.list()[0]);
    assert_eq!(theirs["payee"], ours["payee"]);
    assert_ne!(theirs["ledger"], ours["ledger"]);
    assert_eq!(ben.one(&["edit", &string(&ours["id"]), "--note", "mine"])["note"], "mine");
    assert_eq!(ben.json(&["ledger", "list"]).len(), 1);
}

#[test]
fn an_export_is_readable_objects_and_then_the_signed_commits() {
    let home = Home::with_ledger();
    let id = home.add(&["12.50", "Café"]);
    let exported = objects(&home.export(&["--format", "jsonl"]));
    assert!(exported.iter().any(|object| object.to_string().contains(&id)));
    assert!(exported.iter().any(|object| object.to_string().contains("Café")));
}

#[test]
fn a_csv_export_can_be_imported_again() {
    let home = Home::with_ledger();
    home.add(&["12.50", "Café, corner", "-c", "Food:Snacks", "-a", "Cash", "-n", "a \"note\"", "-d", "2026-11-02"]);
    home.add(&["100.00", "Employer", "--kind", "income", "-d", "2026-11-03"]);
    let csv = home.export(&["--format", "csv"]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let other = Home::with_ledger();
    let file = other.file("home.csv", &csv);
    let imported = other.one(&["import", &file]);
    assert_eq!((&imported["added"], &imported["rejected"]), (&json!(2), &json!([])));
    for (before, after) in home.list().iter().zip(other.list()) {
        for key in ["kind", "amount", "payee", "category", "account", "date", "note"] {
            assert_eq!(before[key], after[key], "{key}");
        }
    }
}

#[test]
fn an_export_into_a_file_is_whole_or_not_there() {
    let home = Home::with_ledger();
    home.add(&["12.50", "Café"]);
    let path = home.beside("out.jsonl");
    assert_eq!(home.one(&["export", "-o", &text(&path)])["file"], text(&path));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), home.export(&[]));
    let nowhere = text(&home.beside("no/such/folder/out.jsonl"));
    assert_eq!(home.refused(&["export", "-o", &nowhere]).0, "not_found");
}

#[test]
fn a_damaged_export_is_refused_or_named_and_never_half_believed() {
    let ana = Home::with_ledger();
    ana.add(&["12.50", "Café"]);
    let exported = ana.export(&[]);
    let ben = Home::new();
    let cut = ben.file("cut.jsonl", &exported[..exported.len() - 40]);
    let ran = ben.run(&["--json", "import", &cut]);
    let is_named = || {
        let said: Value = serde_json::from_str(&ran.out).unwrap();
        !said["rejected"].as_array().unwrap().is_empty()
    };
    assert!(ran.code == 1 || is_named(), "{ran:?}");
    assert_eq!(ben.take_in(&ana)["rejected"], json!([]), "the whole file still goes in");
    assert_eq!(ben.list(), ana.list());
}
