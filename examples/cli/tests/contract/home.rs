//! A home folder and the program run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The password of every account here.
pub(crate) const PASSWORD: &str = "a password of the tests";

/// A home folder that goes away with the test.
pub(crate) struct Home {
    folder: TempDir,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program was killed"),
            out: String::from_utf8(output.stdout).expect("the output is text"),
            err: String::from_utf8(output.stderr).expect("the messages are text"),
        }
    }
}

/// The program, in a locale and an environment that say nothing.
pub(crate) fn outlay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outlay"));
    for variable in ["OUTLAY_HOME", "OUTLAY_PASSWORD", "OUTLAY_ROOTS", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

impl Home {
    /// A folder where nothing is yet.
    pub(crate) fn bare() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A folder after `outlay init`.
    pub(crate) fn new() -> Self {
        let home = Self::bare();
        home.one(&["init"]);
        home
    }

    /// A folder with a ledger in euros.
    pub(crate) fn with_ledger() -> Self {
        let home = Self::new();
        home.one(&["ledger", "create", "Home", "--currency", "EUR"]);
        home
    }

    /// The home folder itself: one below the temporary one, so that files beside it are not in it.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A file beside the home folder.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the home folder and returns its name.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.beside(name);
        std::fs::write(&path, bytes).unwrap();
        text(&path)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = outlay();
        command.arg("--home").arg(self.path()).args(args);
        command
    }

    /// Runs a command as a person does.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Runs a command as a script does, which must do what was asked; answers the objects it printed.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let ran: Ran = self.command(&["--json"]).args(args).output().unwrap().into();
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one object that a command prints.
    pub(crate) fn one(&self, args: &[&str]) -> Value {
        let mut objects = self.json(args);
        assert_eq!(objects.len(), 1, "{args:?}");
        objects.remove(0)
    }

    /// The one object that a command prints that wants the password of an account.
    pub(crate) fn one_with(&self, args: &[&str], password: &str) -> Value {
        let output = self.command(&["--json"]).args(args).env("OUTLAY_PASSWORD", password).output();
        let ran: Ran = output.unwrap().into();
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Makes Ana's account on a server.
    pub(crate) fn sign_up(&self, server: &str, name: &str) -> Value {
        self.sign_up_as(server, "ana@example.org", name)
    }

    /// Makes somebody's account on a server.
    pub(crate) fn sign_up_as(&self, server: &str, email: &str, name: &str) -> Value {
        self.one_with(&["signup", "--server", server, "--email", email, "--name", name], PASSWORD)
    }

    /// Enters Ana's account on a server.
    pub(crate) fn log_in(&self, server: &str, name: &str) -> Value {
        self.log_in_as(server, "ana@example.org", name)
    }

    /// Enters somebody's account on a server.
    pub(crate) fn log_in_as(&self, server: &str, email: &str, name: &str) -> Value {
        self.one_with(&["login", "--server", server, "--email", email, "--name", name], PASSWORD)
    }

    /// Runs a command that must not be done; answers the kind of error and its message.
    pub(crate) fn refused(&self, args: &[&str]) -> (String, String) {
        self.refused_with(args, None)
    }

    /// The same with a password.
    pub(crate) fn refused_with(&self, args: &[&str], password: Option<&str>) -> (String, String) {
        let mut command = self.command(&["--json"]);
        if let Some(password) = password {
            command.env("OUTLAY_PASSWORD", password);
        }
        let ran: Ran = command.args(args).output().unwrap().into();
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}: {}", ran.err);
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        (string(&error["error"]["kind"]), string(&error["error"]["message"]))
    }

    /// Adds an expense and answers its id.
    pub(crate) fn add(&self, args: &[&str]) -> String {
        string(&self.one(&[&["add"], args].concat())["id"])
    }

    /// All entries that are not in the trash, newest first.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.json(&["list"])
    }

    /// What `export` writes.
    pub(crate) fn export(&self, args: &[&str]) -> String {
        let ran = self.run(&[&["export"], args].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        ran.out
    }

    /// Takes in what another home holds.
    pub(crate) fn take_in(&self, other: &Self) -> Value {
        let file = self.file("taken.jsonl", other.export(&[]));
        self.one(&["import", &file])
    }
}

/// The text of a JSON string.
pub(crate) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
