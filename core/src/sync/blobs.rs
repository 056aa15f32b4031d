//! Files of entries, up after the entries themselves and down when somebody wants one.
//!
//! They travel as parts of at most a megabyte, each a request of its own, so that a connection which breaks costs one part.
//! How much of a file the server has it says itself; how much has come here is what is in the folder. What has come whole is
//! compared with its hash before anybody sees it.
//!
//! On a network that is paid for by the byte nothing goes up by itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::Method;
use hyper::header::{CONTENT_RANGE, HeaderName, RANGE};
use outlay_ledger::{BlobHash, DocumentId, LedgerId};
use outlay_protocol::{Code, Then};
use tokio::time::Instant;

use super::account::{run, signed_out};
use super::status::{SyncReport, Waiting};
use super::token::Tokens;
use super::transport::http::{Answered, Ask, ask, refusal, refusal_of};
use super::transport::{Connector, offline};
use crate::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Content;
use crate::store::blobs;
use crate::store::remote::{self, Remote};

/// Bytes of a part: some seconds on a slow line, and what is sent again at most when one breaks.
const PART_BYTES: u64 = 1024 * 1024;
/// Bytes of a file that is sent without a question before it: a server that does not want it has them in a buffer all the same,
/// and of more it would take no notice and break the connection.
const UNASKED_BYTES: u64 = 64 * 1024;
/// Files that are looked up at once.
const QUEUE_MAX: i64 = 64;
/// How often a server may say that it has another part of a file than it said before: another device is sending it too.
const DETOURS_MAX: u32 = 8;
/// After how long a file is offered again that the server has refused.
const REFUSED_MS: i64 = 3_600_000;
/// The time between two looks for files that wait: one costs some microseconds for each file on this device, and entries may
/// go up by the hundred in a second.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// The wait after an attempt that failed; each next one is twice as long, up to the greatest.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// The status of an answer that says how much of a file is there.
const ACCEPTED: u16 = 202;
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// A file that goes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) ledger: LedgerId,
    pub(crate) hash: BlobHash,
}

impl Engine {
    /// Says whether the network is paid for by the byte. While it is, entries are synced and files are not, but for those
    /// that are asked for by [`Engine::fetch_attachment`].
    pub fn set_metered(&self, is_metered: bool) {
        self.sync.is_metered.store(is_metered, Ordering::Release);
        self.sync.files.notify_one();
    }

    /// What is in a file of an entry: from this device, and from the server if it is not here. [`Content::Missing`] says that
    /// the server does not have it yet either.
    ///
    /// What has come when the network breaks stays, and the next call goes on from there.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::NotFound`] if this device has no such ledger or entry, or the entry no such file.
    /// * [`ErrorKind::SignedOut`] if it is not here and the database belongs to no account.
    /// * [`ErrorKind::Corrupt`] if what came is not what its hash says. Nothing of it is kept.
    /// * [`ErrorKind::Offline`], [`ErrorKind::RateLimited`] and [`ErrorKind::DiskFull`] if it cannot be done now.
    ///
    /// # Example: an account comes first
    ///
    /// ```
    /// use outlay_core::{BlobHash, Currency, Engine, ErrorKind, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let lunch = engine.add_expense(home, NewExpense::new(Money::parse("12.50", Currency::EUR)?, "Corner Café"))?.id;
    /// let unknown = engine.fetch_attachment(home, lunch, BlobHash::of(b"another file"));
    /// assert_eq!(unknown.map_err(|error| error.kind()), Err(ErrorKind::NotFound));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn fetch_attachment(&self, ledger: LedgerId, id: DocumentId, hash: BlobHash) -> Result<Content> {
        let file = self.attachment(ledger, id, &hash)?;
        if let Some(bytes) = self.blobs.get(&hash)? {
            return Ok(Content::Here(bytes));
        }
        let remote = self.store.read(remote::current)?.ok_or_else(signed_out)?;
        let is_there = run(|| async {
            let connector = self.connector(&remote)?;
            Line::begin(self, &remote, &connector).await?.fetch(ledger, &hash, file.bytes).await
        })?;
        if !is_there {
            return Ok(Content::Missing);
        }
        self.write_as_syncer(|write| {
            blobs::enter(&write.tx, &hash, file.bytes)?;
            blobs::set_held(&write.tx, remote.sid, ledger, &hash)
        })?;
        Ok(self.blobs.get(&hash)?.map_or(Content::Missing, Content::Here))
    }
}

/// Sends up what waits, for as long as there is anything and time, and says in the report how far it came.
pub(crate) async fn push_until(
    engine: &Engine,
    remote: &Remote,
    connector: &Connector,
    deadline: Instant,
    report: &mut SyncReport,
) -> Result<()> {
    match tokio::time::timeout_at(deadline, push(engine, remote, connector, &mut report.files_up)).await {
        Ok(Ok(())) | Err(_) => {}
        // The entries are alike here and there all the same; the files are offered again the next time.
        Ok(Err(error)) => report.waiting = Some(Waiting::for_text(error.to_string(), None)),
    }
    report.files_waiting = engine.store.read(|connection| blobs::waiting(connection, remote.sid))?.0;
    Ok(())
}

/// Sends up what waits whenever the entries are up: the first file at once, and looks for more after a pause. It goes on until
/// it is dropped.
pub(crate) async fn keep(engine: &Engine, remote: &Remote, connector: &Connector) -> std::convert::Infallible {
    let mut pause = PAUSE_MIN;
    loop {
        engine.sync.files.notified().await;
        let mut sent = 0;
        while push(engine, remote, connector, &mut sent).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        pause = PAUSE_MIN;
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

async fn push(engine: &Engine, remote: &Remote, connector: &Connector, sent: &mut u64) -> Result<()> {
    if engine.sync.is_metered.load(Ordering::Acquire) {
        return Ok(());
    }
    let (sid, before_ms) = (remote.sid, engine.options.environment.now_ms() - REFUSED_MS);
    let mut line = None;
    loop {
        let queue = engine.store.read(|connection| blobs::queue(connection, sid, before_ms, QUEUE_MAX))?;
        if queue.is_empty() {
            return Ok(());
        }
        let line = match &mut line {
            Some(line) => line,
            empty => empty.insert(Line::begin(engine, remote, connector).await?),
        };
        for file in queue {
            let code = line.send(&file).await?;
            let now_ms = engine.options.environment.now_ms();
            engine.write_as_syncer(|write| match code {
                None => blobs::set_held(&write.tx, sid, file.ledger, &file.hash),
                Some(code) => blobs::refuse(&write.tx, sid, file.ledger, &file.hash, code.number(), now_ms),
            })?;
            *sent += u64::from(code.is_none());
            if engine.sync.is_metered.load(Ordering::Acquire) {
                return Ok(());
            }
        }
    }
}

/// Requests of one device about files.
struct Line<'e> {
    engine: &'e Engine,
    remote: &'e Remote,
    connector: &'e Connector,
    tokens: Tokens,
}

impl<'e> Line<'e> {
    async fn begin(engine: &'e Engine, remote: &'e Remote, connector: &'e Connector) -> Result<Self> {
        let tokens = engine.tokens(connector, remote, None).await?;
        Ok(Self { engine, remote, connector, tokens })
    }

    /// Sends a file, from where the server has it. Answers why the server does not take it, if it never will as things are.
    async fn send(&mut self, file: &Queued) -> Result<Option<Code>> {
        let Some(bytes) = self.engine.blobs.get(&file.hash)? else {
            // It has rotted, and is known no more: another device may have it.
            self.engine.write_as_syncer(|write| blobs::forget(&write.tx, &file.hash))?;
            return Ok(None);
        };
        let (total, path) = (bytes.len() as u64, path(file.ledger, &file.hash));
        let mut range = (total <= UNASKED_BYTES).then_some((0, total));
        let mut detours = 0;
        loop {
            let (described, part) = match range {
                None => (format!("bytes */{total}"), &[][..]),
                Some((from, to)) => (format!("bytes {from}-{}/{total}", to - 1), part(&bytes, from, to)),
            };
            let answered = self.ask(Method::PUT, &path, (CONTENT_RANGE, described), part).await?;
            let come = answered.headers.get(OFFSET).and_then(|come| come.to_str().ok()?.parse::<u64>().ok());
            match (answered.status, come.filter(|come| *come < total)) {
                (ACCEPTED, Some(come)) => range = Some((come, total.min(come + PART_BYTES))),
                (200..=299, _) => return Ok(None),
                (_, Some(come)) if detours < DETOURS_MAX => {
                    detours += 1;
                    range = Some((come, total.min(come + PART_BYTES)));
                }
                _ => return kept_back(answered.refusal()).map(Some),
            }
        }
    }

    /// Gets what is not here of a file. Answers whether all of it is here then; it is not if the server does not have it.
    async fn fetch(&mut self, ledger: LedgerId, hash: &BlobHash, total: u64) -> Result<bool> {
        let (blobs, path) = (&self.engine.blobs, path(ledger, hash));
        let mut come = blobs.come(hash)?;
        if come > total {
            blobs.forget_partial(hash)?;
            come = 0;
        }
        while come < total {
            let to = total.min(come + PART_BYTES);
            let answered = self.ask(Method::GET, &path, (RANGE, format!("bytes={come}-{}", to - 1)), &[]).await?;
            if answered.status != 206 {
                let error = answered.refusal();
                let is_missing = refusal_of(&error).is_some_and(|refusal| refusal.code == Code::NoSuchPage);
                return if is_missing { Ok(false) } else { Err(error) };
            }
            if answered.body.len() as u64 != to - come {
                return Err(offline("the server sent another part of the file than was asked for"));
            }
            blobs.append(hash, &answered.body)?;
            come = to;
        }
        if blobs.finish(hash)? { Ok(true) } else { Err(damaged()) }
    }

    /// Asks, and once more with another token if the one it has is too old.
    async fn ask(&mut self, method: Method, path: &str, header: (HeaderName, String), body: &[u8]) -> Result<Answered> {
        for is_last in [false, true] {
            let asked = Ask {
                method: method.clone(),
                path,
                bearer: Some(&self.tokens.access_token),
                nonce: None,
                content_type: "application/octet-stream",
                header: Some(header.clone()),
                body: body.to_vec(),
            };
            let answered = ask(self.connector, asked).await?;
            if answered.status != 401 || is_last {
                return Ok(answered);
            }
            let refused = self.tokens.access_token.clone();
            self.tokens = self.engine.tokens(self.connector, self.remote, Some(&refused)).await?;
        }
        Err(refusal(Code::SignInNeeded, None))
    }
}

fn path(ledger: LedgerId, hash: &BlobHash) -> String {
    format!("/v1/ledgers/{ledger}/blobs/{hash}")
}

fn part(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[at(from)..at(to)]
}

/// The code of a refusal that stands until something changes; what is over sooner is an error of this attempt.
fn kept_back(error: Error) -> Result<Code> {
    match refusal_of(&error).map(|refusal| refusal.code) {
        Some(code @ (Code::TooBig | Code::Invalid)) => Ok(code),
        Some(code)
            if matches!(code.then(), Then::Waits | Then::Kept) && !matches!(code, Code::Rate | Code::SignInNeeded) =>
        {
            Ok(code)
        }
        _ => Err(error),
    }
}

fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, "what the server sent is not the file; nothing of it was kept")
}
