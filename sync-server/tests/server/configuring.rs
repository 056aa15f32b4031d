//! Options: the command line before the environment before a file before the default.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::command;

/// What operators read.
const OPERATION: &str = include_str!("../../../docs/OPERATION.md");

/// A folder with a file of options, and the program without the variables of whoever runs the tests.
struct Options {
    folder: tempfile::TempDir,
}

impl Options {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("outlay.toml"), text).unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("outlay.toml")
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, what: &str) -> Command {
        let mut command = command();
        command.env_clear().args(["config", what, "--config"]).arg(self.file());
        command
    }

    fn print(&self, flags: &[&str], variables: &[(&str, &Path)]) -> String {
        let mut command = self.command("print");
        command.args(flags).envs(variables.iter().copied());
        said(&command.output().unwrap(), true)
    }

    fn refusal(&self, flags: &[&str]) -> String {
        said(&self.command("check").args(flags).output().unwrap(), false)
    }
}

fn said(output: &Output, is_expected_to_work: bool) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), is_expected_to_work, "{text}");
    text
}

fn line<'a>(printed: &'a str, name: &str) -> &'a str {
    printed.lines().find(|line| line.trim_start_matches("# ").starts_with(name)).unwrap_or_else(|| panic!("{printed}"))
}

#[test]
fn a_flag_comes_before_a_variable_and_that_before_the_file() {
    let options = Options::new(
        "data = \"/srv/outlay\"\nlisten = \"127.0.0.1:9000\"\nconnections_max_count = 7\nping_interval_seconds = 8\n\
         dev = true\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n",
    );
    let (four, five) = (Path::new("4"), Path::new("5"));
    let variables = [("OUTLAY_PING_INTERVAL_SECONDS", four), ("OUTLAY_AUTH_TIMEOUT_SECONDS", five)];
    let printed = options.print(&["--auth-timeout-seconds", "6"], &variables);
    let file = options.file().display().to_string();
    let expected = [
        ("data ", format!("data = \"/srv/outlay\"  # {file}")),
        ("listen", format!("listen = \"127.0.0.1:9000\"  # {file}")),
        ("connections_max_count", format!("connections_max_count = 7  # {file}")),
        ("dev", format!("dev = true  # {file}")),
        ("trusted_proxies", format!("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]  # {file}")),
        ("ping_interval_seconds", "ping_interval_seconds = 4  # $OUTLAY_PING_INTERVAL_SECONDS".to_owned()),
        ("auth_timeout_seconds", "auth_timeout_seconds = 6  # command line".to_owned()),
        ("drain_timeout_seconds", "drain_timeout_seconds = 10  # default".to_owned()),
        ("tls_cert", "# tls_cert is not set".to_owned()),
    ];
    for (name, expected) in expected {
        assert_eq!(line(&printed, name), expected);
    }
    let again = Options::new(&printed);
    assert_eq!(
        line(&again.print(&[], &[]), "ping_interval_seconds").split("  ").next(),
        Some("ping_interval_seconds = 4")
    );
}

#[test]
fn what_the_file_turns_on_a_flag_or_a_variable_turns_off() {
    let options = Options::new("data = \"/srv/outlay\"\ndev = true\nwebhook_http = true\n");
    let (no, yes) = (Path::new("false"), Path::new("true"));
    let printed =
        options.print(&["--dev=false"], &[("OUTLAY_WEBHOOK_HTTP", no), ("OUTLAY_WEBHOOK_PRIVATE_ADDRESSES", yes)]);
    assert_eq!(line(&printed, "dev"), "dev = false  # command line");
    assert_eq!(line(&printed, "webhook_http"), "webhook_http = false  # $OUTLAY_WEBHOOK_HTTP");
    let private = "webhook_private_addresses = true  # $OUTLAY_WEBHOOK_PRIVATE_ADDRESSES";
    assert_eq!(line(&printed, "webhook_private_addresses"), private);
    assert!(line(&options.print(&["--dev"], &[]), "dev").starts_with("dev = true"));
    assert!(options.refusal(&["--dev=perhaps"]).contains("--dev"));
}

#[test]
fn every_option_that_is_no_limit_is_described_for_operators() {
    let printed = Options::new("data = \"/srv/outlay\"\n").print(&[], &[]);
    let names = printed.lines().filter_map(|line| line.trim_start_matches("# ").split(' ').next());
    let is_limit = |name: &&str| {
        ["_bytes", "_count", "_seconds", "_second", "_minute", "_kib"].iter().any(|unit| name.ends_with(unit))
    };
    let others: Vec<&str> = names.filter(|name| !is_limit(name) && *name != "config").collect();
    assert!(others.contains(&"listen") && others.contains(&"secret_file"), "{others:?}");
    for name in others {
        assert!(OPERATION.contains(&format!("`{name}`")), "{name} is not in docs/OPERATION.md");
    }
}

#[test]
fn a_secret_is_read_from_a_file_and_never_shown() {
    let options = Options::new("data = \"/srv/outlay\"\n");
    let secret = "a1".repeat(32);
    let file = options.write("secret", &format!("{secret}\n"));
    let by_file = options.print(&[], &[("OUTLAY_SECRET_FILE", &file)]);
    assert!(!by_file.contains(&secret), "{by_file}");
    assert_eq!(line(&by_file, "secret_file"), format!("secret_file = \"{}\"  # $OUTLAY_SECRET_FILE", file.display()));
    let itself = options.print(&["--secret", &secret], &[]);
    assert!(!itself.contains(&secret), "{itself}");
    assert_eq!(line(&itself, "secret ="), "# secret = (secret)  # command line");
    let file = file.to_str().unwrap();
    assert!(options.refusal(&["--secret", &secret, "--secret-file", file]).contains("--secret-file are given"));
    assert!(options.refusal(&["--secret-file", "/nowhere/at/all"]).contains("--secret-file /nowhere/at/all"));
    let known = options.write("known", &"0".repeat(64));
    assert!(options.refusal(&["--secret-file", known.to_str().unwrap()]).contains("the secret is one"));
    let short = options.write("short", "deadbeef");
    let refusal = options.refusal(&["--secret-file", short.to_str().unwrap()]);
    assert!(refusal.contains("64 lower-case") && !refusal.contains("deadbeef"), "{refusal}");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_name_of_the_option() {
    let data = "data = \"/srv/outlay\"\n";
    let in_file = |text: &str| Options::new(&format!("{data}{text}")).refusal(&[]);
    assert!(in_file("frame_max_byte = 1").contains("there is no option frame_max_byte"));
    assert!(in_file("config = \"other.toml\"").contains("there is no option config"));
    assert!(in_file("[limits]\nframe_max_bytes = 1").contains("there is no option limits"));
    assert!(in_file("listen = 1.5").contains("listen is no value"));
    assert!(in_file("listen = \"nowhere\"").contains("--listen"));
    assert!(in_file("frame_max_bytes = 0").contains("--frame-max-bytes"));
    let unreadable = in_file("secret = \"a1a1a1a1a1");
    assert!(unreadable.contains("line 2") && !unreadable.contains("a1a1"), "{unreadable}");
    let options = Options::new(data);
    let least = [
        ("--connections-max-count", "0", "at least 1"),
        ("--ledger-max-bytes", "0", "at least 1"),
        ("--frame-max-bytes", "262143", "at least 262144"),
        ("--pushes-in-flight-max-count", "3", "at least 4"),
    ];
    for (option, value, reason) in least {
        let refusal = options.refusal(&[option, value]);
        assert!(refusal.contains(option) && refusal.contains(reason), "{refusal}");
    }
    let refusal = options.refusal(&["--ledger-max-bytes", "20", "--account-max-bytes", "10"]);
    assert!(refusal.contains("--ledger-max-bytes is 20 and may not be more than --account-max-bytes"), "{refusal}");
    assert!(options.refusal(&["--tls-cert", "chain.pem"]).contains("--tls-key"));
    assert!(Options::new("").refusal(&[]).contains("data"), "without a folder there is nothing to serve");
    said(&options.command("check").output().unwrap(), true);
}

#[test]
fn the_port_of_a_platform_is_taken_unless_told_where_to_listen() {
    let options = Options::new("data = \"/srv/outlay\"\nlisten = \"127.0.0.1:9000\"\n");
    let port = ("PORT", Path::new("5000"));
    assert_eq!(line(&options.print(&[], &[port]), "listen"), "listen = \"0.0.0.0:5000\"  # $PORT");
    let told = options.print(&["--listen", "127.0.0.1:1"], &[port]);
    assert_eq!(line(&told, "listen"), "listen = \"127.0.0.1:1\"  # command line");
    let nonsense = options.command("check").env("PORT", "tcp://10.0.0.1").output().unwrap();
    assert!(said(&nonsense, false).contains("$PORT is no port"));
}
