//! The real server as a program, for tests that run it as a process of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the server's program is: where `$OUTLAY_SERVER` says, else where Cargo makes it, which makes programs for the tests
/// of their own package only and so is asked for this one here, once in a process.
///
/// # Errors
///
/// When Cargo cannot be run, or does not make the program.
///
/// # Examples
///
/// ```no_run
/// let version = std::process::Command::new(outlay_testkit::program::server()?).arg("--version").output()?;
/// assert!(version.status.success());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn server() -> io::Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = PROGRAM.get_or_init(|| match std::env::var_os("OUTLAY_SERVER") {
        Some(named) => Ok(PathBuf::from(named)),
        None => build(),
    });
    made.as_deref().map_err(|reason| io::Error::other(reason.as_str()))
}

fn build() -> Result<PathBuf, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "outlay-server", "--bin", "outlay-server", "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().map_err(|error| error.to_string())?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let path = messages.rsplit_once("\"executable\":\"").and_then(|(_, after)| after.split('"').next());
    path.map(PathBuf::from).ok_or_else(|| "cargo does not name the program".to_owned())
}
