//! Wrong usage, help, completions, closed pipes, the environment.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, Ran, outlay};

#[test]
fn wrong_usage_is_two() {
    let home = Home::with_ledger();
    for args in [
        &[][..],
        &["frobnicate"],
        &["add"],
        &["add", "5", "Café", "surplus"],
        &["add", "5", "Café", "--bogus"],
        &["add", "--bogus", "5"],
        &["add", "5", "Café", "--kind", "gift"],
        &["edit"],
        &["edit", "0123456789abcdef0123456789abcdef"],
        &["list", "--limit", "0"],
        &["list", "--limit", "many"],
        &["export", "--format", "pdf"],
        &["report"],
        &["suggest"],
        &["commitments"],
        &["commitments", "confirm"],
        &["resolve", "x"],
        &["completions", "tcl"],
        &["signup", "--email", "ana@example.org"],
        &["login"],
        &["signout", "--unsent"],
        &["sync", "--timeout", "0"],
    ] {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
}

#[test]
fn wrong_usage_is_an_object_for_scripts() {
    let home = Home::new();
    let ran = home.run(&["--json", "list", "--limit", "0"]);
    assert_eq!(ran.code, 2);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["kind"], "usage");
}

#[test]
fn errors_for_people_are_one_line() {
    let home = Home::with_ledger();
    let ran = home.run(&["add", "12,50", "Café"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: ") && ran.err.lines().count() == 1, "{}", ran.err);
}

#[test]
fn help_and_version_are_done() {
    for args in [&["--help"][..], &["add", "--help"], &["help", "import"], &["--version"]] {
        let ran: Ran = outlay().args(args).output().unwrap().into();
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        assert!(ran.out.contains("outlay"), "{args:?}");
    }
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran: Ran = outlay().args(["completions", shell]).output().unwrap().into();
        assert!(ran.code == 0 && ran.out.contains("outlay") && ran.out.contains("restore"), "{shell}");
    }
}

/// `outlay list | head -1` ends quietly, however much there is to say.
#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let home = Home::with_ledger();
    let mut csv = "date,payee,amount\n".to_owned();
    for row in 1..=2000 {
        csv.push_str(&format!("2026-11-02,A payee with a long name to fill the pipe {row},{row}.00\n"));
    }
    let file = home.file("many.csv", csv);
    assert_eq!(home.one(&["import", &file])["added"], 2000);
    for args in [&["list", "--limit", "2000"][..], &["--json", "list"], &["export"], &["export", "--format", "csv"]] {
        let mut child = home.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let ended: Ran = child.wait_with_output().unwrap().into();
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn the_home_folder_may_come_from_the_environment() {
    let home = Home::new();
    let ran: Ran = outlay().args(["--json", "ledger", "list"]).env("OUTLAY_HOME", home.path()).output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let other = Home::bare();
    let ran: Ran = outlay().args(["init"]).env("XDG_DATA_HOME", other.path()).output().unwrap().into();
    assert_eq!(ran.code, 0, "{}", ran.err);
    if cfg!(target_os = "linux") {
        assert!(other.path().join("outlay/outlay.db").exists());
    }
}

#[test]
fn a_home_that_cannot_be_made_is_not_done() {
    let home = Home::bare();
    let file = home.file("file", "in the way");
    let ran: Ran = outlay().args(["--home", &file, "init"]).output().unwrap().into();
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
}
