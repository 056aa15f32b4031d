//! A server in one piece for one thread: no tokio, no sockets, time and randomness as arguments.
//!
//! It answers the questions of sessions with the same functions that the sockets use. A simulation gives it a database on
//! a disk of its own and hands its [`Effect`]s on.

use std::path::Path;
use std::sync::Arc;

use outlay_ledger::DeviceKey;
use outlay_protocol::Code;
use outlay_protocol::session::{Answer, Question};

use super::answer::{self, Answered, Context, Step, trouble};
use super::ingest::pushed;
use super::{RateLimits, Rates, Visitor};
use crate::accounts::records::{self, Admission};
use crate::accounts::sessions::{self, Login, RefreshTimes};
use crate::auth::{AccessTokens, RefreshToken, keys};
use crate::ledgers::LedgerLimits;
use crate::ledgers::append::{Push, Signed, append};
use crate::store::{Effect, Reader, Result, Store, StoreError, StoreOptions};

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
    store: Store,
    reader: Reader,
    context: Context,
    times: RefreshTimes,
    rates: Rates,
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
    /// let mut server = Inline::open(&path, options, LedgerLimits::default(), RateLimits::default(), 600)?;
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
        let keys = store.keys();
        let tokens = AccessTokens::new(&keys.token, &keys.identity.public(), access_seconds);
        let context = Context { tokens, limits, held: Default::default() };
        let rates = Rates::new(Arc::default(), rates);
        Ok(Self { store, reader, context, times: RefreshTimes::default(), rates })
    }

    /// The server's id.
    pub fn id(&self) -> DeviceKey {
        self.store.keys().identity.public()
    }

    /// Lets devices push so fast from now on, whatever they have pushed before.
    pub fn set_rates(&mut self, rates: RateLimits) {
        self.rates = Rates::new(Arc::default(), rates);
    }

    /// The store, to look into.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Answers a question of a session. `visitor` is what the answer to its AUTH said. What is answered is durable.
    pub fn answer(&mut self, now_ms: i64, visitor: Option<Visitor>, question: Question) -> Answered {
        self.try_answer(now_ms, visitor, question).unwrap_or_else(|error| trouble(&error).into())
    }

    fn try_answer(&mut self, now_ms: i64, visitor: Option<Visitor>, question: Question) -> Result<Answered> {
        if let Question::Append { ledger, commits } = question {
            let Some(visitor) = visitor else { return Ok(Answer::Refused(Code::SignInNeeded, 0).into()) };
            if let Err(wait_ms) = self.rates.admit(now_ms, &visitor, &commits) {
                return Ok(Answer::Refused(Code::Rate, wait_ms).into());
            }
            let push = Push { aid: visitor.aid, device: visitor.device, ledger, commits: Signed::check(commits) };
            let limits = self.context.limits;
            return Ok(pushed(ledger, self.store.write(|write| append(write, now_ms, &limits, &push))));
        }
        let Self { reader, context, .. } = self;
        match reader.read(|connection| answer::read(connection, context, visitor, now_ms, question))? {
            Step::Done(answered) => Ok(answered),
            Step::SignIn { visitor, seconds_left } => {
                let limits = self.context.limits;
                self.store.write(|write| answer::sign_in(write, &limits, now_ms, visitor, seconds_left))
            }
        }
    }

    /// What connections are to be told of what has become durable since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.store.take_effects()
    }

    /// Makes an account without a password, or finds it, and signs a device in.
    ///
    /// # Errors
    ///
    /// When the database fails, or the account has too many devices.
    pub fn sign_up(&mut self, now_ms: i64, email: &str, device: DeviceKey) -> Result<Tokens> {
        let times = self.times;
        let login = self.store.write(|write| {
            let aid = match records::by_email(write.tx, email)? {
                Some((aid, _)) => aid,
                None => refused(records::sign_up(write, now_ms, email, "", "", Admission::Open)?)?,
            };
            refused(sessions::sign_in(write, now_ms, times, aid, Some(device), "")?)
        })?;
        self.tokens(now_ms, login)
    }

    /// Renews tokens; the inner error is what a device is told.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn refresh(&mut self, now_ms: i64, token: &RefreshToken) -> Result<std::result::Result<Tokens, Code>> {
        let times = self.times;
        match self.store.write(|write| sessions::refresh(write, now_ms, times, token))? {
            Ok(login) => Ok(Ok(self.tokens(now_ms, login)?)),
            Err(code) => Ok(Err(code)),
        }
    }

    /// Signs a device out of its account.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn sign_out(&mut self, now_ms: i64, visitor: Visitor) -> Result<bool> {
        self.store.write(|write| sessions::end_device(write, now_ms, visitor.aid, &visitor.device))
    }

    fn tokens(&self, now_ms: i64, login: Login) -> Result<Tokens> {
        let turn = self.reader.read(keys::turn)?;
        let access = self.context.tokens.issue(now_ms, turn, &login);
        let access = access.map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Tokens { login, access })
    }
}

fn refused<T>(result: std::result::Result<T, Code>) -> Result<T> {
    result.map_err(|code| StoreError::Failed(code.to_string()))
}
