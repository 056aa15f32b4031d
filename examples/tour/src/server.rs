//! The server, a process of its own: started, stopped, killed and started again on the same folder.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::device::Outcome;

/// What the server prints first when it is ready, before its address.
const READY: &str = "listening on ";
/// The file that its messages go to.
const LOG: &str = "server.log";

/// A server that runs or does not, with a folder of data that stays.
pub(crate) struct Server {
    program: PathBuf,
    folder: PathBuf,
    /// Where it listens: a port that was free, and the same one ever after.
    url: Option<String>,
    process: Option<Child>,
}

impl Server {
    /// One that does not run yet.
    pub(crate) fn new(program: &Path, folder: &Path) -> Self {
        Self { program: program.to_owned(), folder: folder.to_owned(), url: None, process: None }
    }

    /// Starts the process and says after how long it was ready.
    pub(crate) fn start(&mut self) -> Outcome<Duration> {
        let begun = Instant::now();
        let listen =
            self.url.as_deref().and_then(|url| url.strip_prefix("http://")).unwrap_or("127.0.0.1:0").to_owned();
        let log = File::options().create(true).append(true).open(self.folder.join(LOG))?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--data").arg(self.data()).args(["--listen", &listen, "--dev"]);
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let process = process.map_err(|error| format!("{}: {error}", self.program.display()))?;
        let process = self.process.insert(process);
        let mut first = String::new();
        let stdout = process.stdout.as_mut().ok_or("the server has no output")?;
        BufReader::new(stdout).read_line(&mut first)?;
        let url = first.trim_end().strip_prefix(READY).map(str::to_owned);
        self.url = Some(url.ok_or_else(|| format!("the server did not start: {}", self.last_words()))?);
        Ok(begun.elapsed())
    }

    pub(crate) fn url(&self) -> Outcome<&str> {
        Ok(self.url.as_deref().ok_or("the server was not started yet")?)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Outcome<Duration> {
        let begun = Instant::now();
        let mut process = self.process.take().ok_or("the server is not running")?;
        let asked = Command::new("kill").arg("-TERM").arg(process.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            process.kill()?;
        }
        process.wait()?;
        Ok(begun.elapsed())
    }

    /// Ends it at once, whatever it is doing: SIGKILL.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        let mut process = self.process.take().ok_or("the server is not running")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Bytes of all that it keeps.
    pub(crate) fn bytes(&self) -> Outcome<u64> {
        let sizes = std::fs::read_dir(self.data())?.map(|entry| Ok(entry?.metadata()?.len()));
        sizes.sum::<std::io::Result<u64>>().map_err(Into::into)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("server")
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
        log.lines().last().unwrap_or("it said nothing").to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The tour is over, or has failed: nothing of it is left running.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
