//! A server in one piece for one thread: no tokio, no sockets, time and randomness as arguments.
//!
//! It answers the questions of sessions with the same functions that the sockets use, over the same limiter, bus and session
//! cache and a store without threads. A simulation gives it a database on a disk of its own and hands its [`Effect`]s on.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use outlay_ledger::commit::Commit;
use outlay_ledger::{CommitId, DeviceKey, LedgerId};
use outlay_protocol::Code;
use outlay_protocol::session::{Answer, Question};

use super::answer::{self, Answered, Context, trouble};
use super::ingest::pushed;
use super::{RateLimits, Rates, Visitor};
use crate::accounts::records::{self, Admission};
use crate::accounts::sessions::{self, Login, RefreshTimes};
use crate::auth::{AccessTokens, RefreshToken, keys};
use crate::bus::LocalBus;
use crate::ledgers::append::{Push, Signed, append};
use crate::ledgers::{self, LedgerLimits};
use crate::session_cache;
use crate::store::{Effect, Reader, Result, Serial, Store, StoreError, StoreOptions, Transactions};

/// A login as a client gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The account, device and refresh token.
    pub login: Login,
    /// The access token.
    pub access: String,
}

/// The server.
pub struct Inline {
    id: DeviceKey,
    store: Serial<LocalBus>,
    context: Context,
    times: RefreshTimes,
    rates: Rates,
    effects: Arc<Mutex<Vec<Effect>>>,
}

impl Inline {
    /// Opens the database at a path.
    ///
    /// ```
    /// use outlay_ledger::DeviceKey;
    /// use outlay_protocol::session::{Answer, Question};
    /// use outlay_server::ledgers::LedgerLimits;
    /// use outlay_server::store::StoreOptions;
    /// use outlay_server::sync::{Inline, RateLimits};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let (path, options) = (folder.path().join("server.db"), StoreOptions::default());
    /// let server = Inline::open(&path, options, LedgerLimits::default(), RateLimits::default(), 600)?;
    /// let device = DeviceKey([1; 32]);
    /// let tokens = server.sign_up(0, "ana@example.org", device)?;
    /// let question = Question::Authenticate { token: tokens.access, proof: [0; 64], device };
    /// let answered = server.answer(1_000, None, question);
    /// assert_eq!(answered.answer, Answer::Authenticated { seconds_left: 599, ledgers: vec![] });
    /// assert!(answered.visitor.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Store::open`].
    pub fn open(
        path: &Path,
        options: StoreOptions,
        limits: LedgerLimits,
        rates: RateLimits,
        access_seconds: u32,
    ) -> Result<Self> {
        let (vfs, cache_kib) = (options.vfs.clone(), options.cache_kib);
        let store = Store::open(path, options)?;
        let reader = Reader::open(path, vfs.as_deref(), cache_kib)?;
        let (id, keys) = (store.keys().identity.public(), store.keys());
        let tokens = AccessTokens::new(&keys.token, &id, access_seconds);
        let context = Context { tokens, limits, held: Default::default(), sessions: Default::default() };
        let effects = Arc::<Mutex<Vec<Effect>>>::default();
        let kept = Arc::clone(&effects);
        let bus = LocalBus::new(vec![
            session_cache::listener(Arc::clone(&context.sessions)),
            Box::new(move |effects| lock(&kept).extend_from_slice(effects)),
        ]);
        let (store, rates) = (Serial::new(store, reader, bus), Rates::new(Arc::default(), rates));
        Ok(Self { id, store, context, times: RefreshTimes::default(), rates, effects })
    }

    /// The server's id.
    pub fn id(&self) -> DeviceKey {
        self.id
    }

    /// Lets devices push so fast from now on, whatever they have pushed before.
    pub fn set_rates(&mut self, rates: RateLimits) {
        self.rates = Rates::new(Arc::default(), rates);
    }

    /// The ledgers that a device may open.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn ledgers_of(&self, device: DeviceKey) -> Result<Vec<LedgerId>> {
        at_once(self.store.read(move |connection| ledgers::of_device(connection, &device)))
    }

    /// Answers a question of a session. `visitor` is what the answer to its AUTH said. What is answered is durable.
    pub fn answer(&self, now_ms: i64, visitor: Option<Visitor>, question: Question) -> Answered {
        let answered = match question {
            Question::Append { ledger, commits } => self.append(now_ms, visitor, ledger, commits),
            question => at_once(answer::answer(&self.store, &self.context, visitor, now_ms, question)),
        };
        answered.unwrap_or_else(|error| trouble(&error).into())
    }

    fn append(
        &self,
        now_ms: i64,
        visitor: Option<Visitor>,
        ledger: LedgerId,
        commits: Vec<(Commit, CommitId)>,
    ) -> Result<Answered> {
        let Some(visitor) = visitor else { return Ok(Answer::Refused(Code::SignInNeeded, 0).into()) };
        if let Err(wait_ms) = self.rates.admit(now_ms, &visitor, &commits) {
            return Ok(Answer::Refused(Code::Rate, wait_ms).into());
        }
        let push = Push { aid: visitor.aid, device: visitor.device, ledger, commits: Signed::check(commits) };
        let limits = self.context.limits;
        Ok(pushed(ledger, at_once(self.store.write(move |write| append(write, now_ms, &limits, &push)))))
    }

    /// What connections are to be told of what has become durable since this was last asked.
    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut lock(&self.effects))
    }

    /// Makes an account without a password, or finds it, and signs a device in.
    ///
    /// # Errors
    ///
    /// When the database fails, or the account has too many devices.
    pub fn sign_up(&self, now_ms: i64, email: &str, device: DeviceKey) -> Result<Tokens> {
        let (times, email) = (self.times, email.to_owned());
        let login = self.store.write(move |write| {
            let aid = match records::by_email(write.tx, &email)? {
                Some((aid, _)) => aid,
                None => refused(records::sign_up(write, now_ms, &email, "", "", Admission::Open)?)?,
            };
            refused(sessions::sign_in(write, now_ms, times, aid, Some(device), "")?)
        });
        self.tokens(now_ms, at_once(login)?)
    }

    /// Renews tokens; the inner error is what a device is told.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn refresh(&self, now_ms: i64, token: &RefreshToken) -> Result<std::result::Result<Tokens, Code>> {
        let (times, token) = (self.times, *token);
        match at_once(self.store.write(move |write| sessions::refresh(write, now_ms, times, &token)))? {
            Ok(login) => Ok(Ok(self.tokens(now_ms, login)?)),
            Err(code) => Ok(Err(code)),
        }
    }

    /// Signs a device out of its account.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn sign_out(&self, now_ms: i64, visitor: Visitor) -> Result<bool> {
        at_once(self.store.write(move |write| sessions::end_device(write, now_ms, visitor.aid, &visitor.device)))
    }

    fn tokens(&self, now_ms: i64, login: Login) -> Result<Tokens> {
        let turn = at_once(self.store.read(keys::turn))?;
        let access = self.context.tokens.issue(now_ms, turn, &login);
        let access = access.map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Tokens { login, access })
    }
}

/// What comes of a future of a store without threads.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    future.now_or_never().unwrap_or(Err(StoreError::Busy))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused<T>(result: std::result::Result<T, Code>) -> Result<T> {
    result.map_err(|code| StoreError::Failed(code.to_string()))
}
