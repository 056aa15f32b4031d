//! `doctor` and `backup`.

use serde_json::json;

use crate::home::{Home, string, text};

#[test]
fn doctor_says_ok_and_what_it_checked() {
    let home = Home::with_ledger();
    home.add(&["12.50", "Café", "-c", "Food"]);
    let said = home.one(&["doctor"]);
    assert_eq!((&said["ok"], &said["problems"]), (&json!(true), &json!([])));
    let checked = said["checked"].as_array().unwrap();
    assert!(!checked.is_empty());
    assert!(checked.iter().all(|one| !string(&one["what"]).is_empty() && one["count"].is_u64()), "{checked:?}");
    let ran = home.run(&["doctor"]);
    assert!(ran.code == 0 && ran.out.ends_with("ok\n"), "{ran:?}");
}

#[test]
fn a_backup_is_a_database_with_all_there_was() {
    let home = Home::with_ledger();
    home.add(&["12.50", "Café"]);
    let restored = Home::bare();
    std::fs::create_dir(restored.path()).unwrap();
    let database = text(&restored.path().join("outlay.db"));
    let backup = home.one(&["backup", &database]);
    assert!(backup["bytes"].as_u64().unwrap() > 0);
    assert_eq!(restored.list(), home.list());
    assert_eq!(restored.one(&["doctor"])["ok"], true);
    assert_eq!(home.refused(&["backup", &database]).0, "invalid_input", "a backup overwrites nothing");
}

/// A file that is no database is never deleted, whatever the engine does about it.
#[test]
fn a_damaged_database_is_kept() {
    let home = Home::with_ledger();
    let database = home.path().join("outlay.db");
    for file in ["outlay.db-wal", "outlay.db-shm"] {
        let _ = std::fs::remove_file(home.path().join(file));
    }
    let damaged = b"this is no database, and more than a hundred bytes of it: ".repeat(100);
    std::fs::write(&database, &damaged).unwrap();
    let ran = home.run(&["list"]);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let files = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept = files.filter(|path| path.is_file()).any(|path| std::fs::read(path).unwrap() == damaged);
    assert!(kept, "{ran:?}");
}
