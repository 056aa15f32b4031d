//! How sync stands, in words that explain themselves.

use outlay_ledger::{LedgerId, Month};
use outlay_protocol::Code;

use super::account::Account;
use crate::Engine;
use crate::error::Result;
use crate::store::{blobs, remote};

/// What one sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Commits that the server stored.
    pub pushed: u64,
    /// Commits of other devices that were new here.
    pub pulled: u64,
    /// Commits that the server refused this time; [`Engine::sync_status`] says why.
    pub refused: u64,
    /// Commits from the server that were not in order, and left out.
    pub damaged: u64,
    /// Files of entries that the server has now.
    pub files_up: u64,
    /// Files of entries that are here and not known to be on the server, at the end.
    pub files_waiting: u64,
    /// Bytes sent: frames, without what the transport adds.
    pub bytes_up: u64,
    /// Bytes received, likewise.
    pub bytes_down: u64,
    /// Whether everything was alike here and there at the end.
    pub is_complete: bool,
    /// What is waited for if not.
    pub waiting: Option<Waiting>,
}

impl SyncReport {
    pub(crate) fn add(&mut self, other: &Self) {
        self.pushed += other.pushed;
        self.pulled += other.pulled;
        self.refused += other.refused;
        self.damaged += other.damaged;
        self.files_up += other.files_up;
        self.bytes_up += other.bytes_up;
        self.bytes_down += other.bytes_down;
    }
}

/// The connection of this process to the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connection {
    /// Nothing is running that would connect.
    #[default]
    Off,
    /// It is being made.
    Connecting,
    /// It is there: what is written here leaves at once.
    Live,
    /// It is not there, and is tried again by itself.
    Retrying,
    /// Another process syncs this database.
    Elsewhere,
    /// Signing in is needed.
    SignedOut,
}

/// What is waited for, and since when it was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its code, if the server said one.
    pub code: Option<Code>,
    /// For people.
    pub text: String,
    /// When it is tried again, in milliseconds from now; `None` if something must be done first.
    pub retry_ms: Option<u64>,
}

impl Waiting {
    pub(crate) fn for_code(code: Code, retry_ms: Option<u64>) -> Self {
        Self { code: Some(code), text: words(code).to_owned(), retry_ms }
    }

    pub(crate) fn for_text(text: impl Into<String>, retry_ms: Option<u64>) -> Self {
        Self { code: None, text: text.into(), retry_ms }
    }
}

/// Commits refused for one reason. They are kept here, and offered again when the reason may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    /// The reason.
    pub code: Code,
    /// The reason, for people.
    pub text: String,
    /// How many.
    pub commits: u64,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// How one ledger stands, in commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerStatus {
    /// The ledger.
    pub ledger: LedgerId,
    /// Held here only, and going up next.
    pub local: u64,
    /// Held here, and known to be stored on the server.
    pub stored: u64,
    /// Held here, and refused.
    pub refused: u64,
    /// Why.
    pub refusals: Vec<Refusals>,
    /// Months before this one are still coming; `None` when nothing is missing.
    pub complete_from: Option<Month>,
    /// Why the server does not open the ledger.
    pub not_opened: Option<Code>,
    /// Commits from the server that were not in order, and have not come in order since: damaged there, or forged. They are
    /// left out; at most 1,000 are counted.
    pub left_out: u64,
}

/// How sync stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// Who is signed in.
    pub account: Option<Account>,
    /// The connection of this process.
    pub connection: Connection,
    /// What is waited for.
    pub waiting: Option<Waiting>,
    /// When all was alike here and there, in milliseconds since 1970.
    pub caught_up_ms: Option<i64>,
    /// Commits on their way that no answer has come to yet.
    pub sent: u64,
    /// Whether another database has written under this device's key: this one was copied or restored together with it. It
    /// gets a key of its own by itself, as a further device of the account, and this is over then.
    pub is_copied: bool,
    /// Files of entries that are here and not known to be on the server.
    pub files_waiting: u64,
    /// Those of them that the server has refused; they are offered again after an hour.
    pub files_refused: u64,
    /// Each ledger on this device, and those that are still to come to it.
    pub ledgers: Vec<LedgerStatus>,
}

impl Engine {
    /// How sync stands: who is signed in, how the connection is, what is here only, and what waits for what.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    ///
    /// # Example: without an account, everything is here only
    ///
    /// ```
    /// use outlay_core::{Currency, Engine};
    /// let engine = Engine::open_in_memory()?;
    /// engine.create_ledger("Home", Currency::EUR)?;
    /// let status = engine.sync_status()?;
    /// assert_eq!((status.account, status.ledgers[0].local, status.ledgers[0].stored), (None, 1, 0));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn sync_status(&self) -> Result<SyncStatus> {
        let (remote, standings, is_copied, files) = self.store.read(|connection| {
            let remote = remote::current(connection)?;
            let sid = remote.as_ref().map_or(0, |remote| remote.sid);
            Ok((
                remote,
                remote::standings(connection, sid)?,
                remote::is_copied(connection)?,
                blobs::waiting(connection, sid)?,
            ))
        })?;
        let live = self.sync.live();
        let is_elsewhere =
            live.connection == Connection::Off && remote.is_some() && self.sync.sync_leases.is_elsewhere();
        Ok(SyncStatus {
            caught_up_ms: remote.as_ref().and_then(|remote| remote.caught_up_ms),
            account: remote.map(Account::of_remote).transpose()?,
            connection: if is_elsewhere { Connection::Elsewhere } else { live.connection },
            waiting: live.waiting,
            sent: live.sent,
            files_waiting: files.0,
            files_refused: files.1,
            is_copied,
            ledgers: standings.into_iter().map(LedgerStatus::of).collect(),
        })
    }
}

impl LedgerStatus {
    fn of(standing: remote::Standing) -> Self {
        let refusals = standing.refused.into_iter().map(|(code, commits, since_ms)| {
            let code = Code::from_number(code);
            Refusals { code, text: words(code).to_owned(), commits, since_ms }
        });
        let refusals: Vec<Refusals> = refusals.collect();
        let refused: u64 = refusals.iter().map(|refusals| refusals.commits).sum();
        Self {
            ledger: standing.ledger,
            local: standing.owed.saturating_sub(refused),
            stored: standing.total.saturating_sub(standing.owed),
            refused,
            refusals,
            complete_from: Month::from_number(standing.complete_from),
            not_opened: standing.code.map(Code::from_number),
            left_out: standing.left_out,
        }
    }
}

/// What a code means to whoever is waiting.
pub(crate) const fn words(code: Code) -> &'static str {
    match code {
        Code::Version => "this app and the server have no version in common; update the older one",
        Code::SignInNeeded | Code::TokenExpired | Code::Proof => "the server asks who this is",
        Code::Revoked => "this device was signed out; sign in again. What is on it is kept",
        Code::Credentials => "the address or the password is not right",
        Code::CodeNeeded => "the account wants a code of its authenticator app too",
        Code::CodeWrong => "the code of the authenticator app is wrong, was used, or is too old",
        Code::SignUpClosed => "this server takes no new accounts",
        Code::Invitation => "the invitation is unknown, used, or too old",
        Code::AccountExists => "there is an account with this address already",
        Code::AccountInvalid => "the address or the password cannot be one",
        Code::NoSuchLedger => "the server knows no such ledger of this account",
        Code::ReadOnly => "this device may only read here",
        Code::Removed => "this device is no longer a member here",
        Code::Scope => "the token was not made for this",
        Code::InvitationUsed => "the invitation was used already; ask for another one",
        Code::InvitationExpired => "the invitation is too old; ask for another one",
        Code::KeyGeneration => "a newer key is needed",
        Code::Signature | Code::WrongLedger | Code::CommitTooBig => "the server found it damaged; it is kept here",
        Code::PredecessorsMissing => "it builds on what the server does not have yet",
        Code::Forks => "this device has too many open branches; they are being closed",
        Code::Rate => "the server asks to send more slowly",
        Code::Quota => "there is no more room for this account on the server",
        Code::Busy | Code::Slow => "the server is busy",
        Code::ShuttingDown => "the server is being stopped",
        Code::Storage => "the server cannot read or write its database",
        Code::Full => "the server's disk is full",
        _ => "the server refused it",
    }
}
