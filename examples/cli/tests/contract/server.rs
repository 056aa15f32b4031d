//! The real server as a process of its own, on a port that was free and a folder that goes away.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server that ends with the test.
pub(crate) struct Server {
    data: TempDir,
    pub(crate) url: String,
    process: Option<Child>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut server = Self { data: TempDir::new().unwrap(), url: "http://127.0.0.1:0".to_owned(), process: None };
        server.start_again();
        server
    }

    /// On the same folder and the same port.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(outlay_testkit::program::server().unwrap());
        command.arg("serve").arg("--data").arg(self.data.path()).arg("--dev");
        command.args(["--listen", self.url.strip_prefix("http://").unwrap()]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        self.url = first.trim_end().strip_prefix("listening on ").expect("the first line says where").to_owned();
        self.process = Some(process);
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
