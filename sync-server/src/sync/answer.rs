//! Questions of a session, answered from the database.
//!
//! What only reads is answered at once; the rest says what is to be written, and what its outcome means.

use std::sync::Arc;

use outlay_ledger::{DeviceKey, LedgerId};
use outlay_protocol::Code;
use outlay_protocol::session::{Answer, Question};
use rusqlite::Connection;

use super::Visitor;
use crate::accounts::api_tokens::Grant;
use crate::accounts::{Session, records, sessions};
use crate::auth::{AccessTokens, TokenError, keys};
use crate::ledgers::log::{self, HeldCache, Page};
use crate::ledgers::older::{self, Wanted};
use crate::ledgers::open::{self, Claim};
use crate::ledgers::{self, LedgerLimits};
use crate::session_cache::{self, Known, LocalSessions, SessionCache};
use crate::store::{Result, StoreError, Transactions, Write};

/// What answering needs beside a connection.
#[derive(Clone)]
pub struct Context {
    /// Checks tokens.
    pub tokens: AccessTokens,
    /// Limits of ledgers.
    pub limits: LedgerLimits,
    /// What replicas hold that are being sent what they lack.
    pub held: HeldCache,
    /// Who asks by which token.
    pub sessions: Arc<LocalSessions>,
}

/// An answer, and what else it means for the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What the session is told.
    pub answer: Answer,
    /// Who has proved to be there.
    pub visitor: Option<Visitor>,
    /// The ledger whose growth this connection may be told of.
    pub granted: Option<LedgerId>,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Self { answer, visitor: None, granted: None }
    }
}

/// The answer to a question, or what has to be written first.
#[derive(Debug)]
enum Step {
    /// It is answered.
    Done(Answered),
    /// The device is to be brought into the ledgers of its account by [`sign_in`], which then is the answer.
    SignIn {
        /// Who.
        visitor: Visitor,
        /// How long the token is good for.
        seconds_left: u32,
    },
}

/// How long whoever meets a database in trouble should wait, in milliseconds.
const TROUBLE_MS: u32 = 1_000;

/// What a session is told when the database failed.
pub fn trouble(error: &StoreError) -> Answer {
    tracing::error!(%error, "a question was not answered");
    Answer::Refused(error.code(), TROUBLE_MS)
}

/// Answers a question, which is none of [`Question::Append`]: that goes to [`crate::ledgers::append`].
///
/// # Errors
///
/// When the database fails; see [`trouble`].
pub async fn answer(
    store: &impl Transactions,
    context: &Context,
    visitor: Option<Visitor>,
    now_ms: i64,
    question: Question,
) -> Result<Answered> {
    let (context, limits) = (context.clone(), context.limits);
    match store.read(move |connection| read(connection, &context, visitor, now_ms, question)).await? {
        Step::Done(answered) => Ok(answered),
        Step::SignIn { visitor, seconds_left } => {
            store.write(move |write| sign_in(write, &limits, now_ms, visitor, seconds_left)).await
        }
    }
}

fn read(
    connection: &Connection,
    context: &Context,
    visitor: Option<Visitor>,
    now_ms: i64,
    question: Question,
) -> Result<Step> {
    if let Question::Authenticate { token, device, .. } = question {
        return authenticate(connection, context, now_ms, &token, device);
    }
    let Some(visitor) = visitor else { return Ok(refused(Code::SignInNeeded)) };
    match question {
        Question::Open { ledger, from, highest, heads, has_push } => {
            open_ledger(connection, &ledger, &visitor, &Claim { from, highest, heads, has_push })
        }
        Question::Page { ledger, from, to, bytes_max } => {
            let seen = open::seen(connection, &ledger, &visitor)?;
            let page = seen.map(|(row, _, visible)| log::page(connection, &row, visible, from, to, bytes_max));
            page_answer(page)
        }
        Question::Lacking { ledger, heads, after, to, bytes_max } => {
            let seen = open::seen(connection, &ledger, &visitor)?;
            let page = seen
                .map(|(row, _, visible)| context.held.lacking(connection, &row, visible, &heads, after, to, bytes_max));
            page_answer(page)
        }
        Question::ById { ledger, ids } => {
            let seen = open::seen(connection, &ledger, &visitor)?;
            let page = seen.map(|(row, _, visible)| {
                let commits = log::by_id(connection, &row, visible, &ids)?;
                Ok(Page { commits, to: row.place(), is_last: true })
            });
            page_answer(page)
        }
        Question::Older { ledger, at, before, months, after, bytes_max } => {
            let (row, _, visible) = match open::seen(connection, &ledger, &visitor)? {
                Ok(seen) => seen,
                Err(code) => return Ok(refused(code)),
            };
            let found = older::older(connection, &row, visible, Wanted { at, before, months, after, bytes_max })?;
            let older::Found { commits, next_after, complete_from } = found;
            Ok(Step::Done(Answer::Older { commits, next_after, complete_from }.into()))
        }
        Question::Authenticate { .. } | Question::Append { .. } => Ok(refused(Code::OutOfOrder)),
    }
}

fn refused(code: Code) -> Step {
    Step::Done(Answer::Refused(code, 0).into())
}

fn page_answer(page: std::result::Result<Result<Page>, Code>) -> Result<Step> {
    let page = match page {
        Ok(page) => page?,
        Err(code) => return Ok(refused(code)),
    };
    let Page { commits, to, is_last } = page;
    Ok(Step::Done(Answer::Page { commits, to, is_last }.into()))
}

fn open_ledger(connection: &Connection, ledger: &LedgerId, visitor: &Visitor, claim: &Claim) -> Result<Step> {
    Ok(match open::open(connection, ledger, visitor, claim)? {
        Ok(opened) => {
            let granted = opened.role.map(|_| *ledger);
            let open::Opened { role, epoch, head, mode } = opened;
            Step::Done(Answered { granted, ..Answer::Opened { role, epoch, head, mode }.into() })
        }
        Err(code) => refused(code),
    })
}

/// Who asks by an access token, if it is good now. Nothing may have been read in the transaction before: what is put into the
/// cache has to be read after its ticket was given.
///
/// # Errors
///
/// When the database fails. The inner error is what is wrong with the token.
pub fn check_token(
    connection: &Connection,
    context: &Context,
    now_ms: i64,
    token: &str,
) -> Result<std::result::Result<Arc<Known>, Code>> {
    let hash = session_cache::hash_of(token);
    let ticket = match context.sessions.get(now_ms, &hash) {
        Ok(known) => return Ok(Ok(known)),
        Err(ticket) => ticket,
    };
    let checked = read_token(connection, &context.tokens, now_ms, token)?.map(Arc::new);
    if let Ok(known) = &checked {
        context.sessions.put(ticket, hash, Arc::clone(known));
    }
    Ok(checked)
}

fn read_token(
    connection: &Connection,
    tokens: &AccessTokens,
    now_ms: i64,
    token: &str,
) -> Result<std::result::Result<Known, Code>> {
    let claims = match tokens.check(now_ms, keys::turn(connection)?, token) {
        Ok(claims) => claims,
        Err(TokenError::Expired) => return Ok(Err(Code::TokenExpired)),
        Err(TokenError::Invalid) => return Ok(Err(Code::SignInNeeded)),
    };
    let (Some(account), Some(device), Some(id)) = (claims.account(), claims.device(), claims.session()) else {
        return Ok(Err(Code::SignInNeeded));
    };
    // An account that is not there was signed up after the backup that was restored.
    let Some(aid) = records::row_of(connection, &account)? else { return Ok(Err(Code::Revoked)) };
    let session = Session { aid, id, device };
    let known = Known { account, session, grant: Grant::ALL, until_ms: claims.exp.saturating_mul(1_000) };
    Ok(if sessions::is_going_on(connection, &session)? { Ok(known) } else { Err(Code::Revoked) })
}

fn authenticate(
    connection: &Connection,
    context: &Context,
    now_ms: i64,
    token: &str,
    device: DeviceKey,
) -> Result<Step> {
    let known = match check_token(connection, context, now_ms, token)? {
        Ok(known) => known,
        Err(code) => return Ok(refused(code)),
    };
    let session = known.session;
    if session.device != Some(device) {
        return Ok(refused(Code::Proof));
    }
    let visitor = Visitor { aid: session.aid, device };
    let seconds_left = u32::try_from(known.until_ms / 1_000 - now_ms.div_euclid(1_000)).unwrap_or(0);
    if ledgers::vouch_due(connection, visitor.aid, &visitor.device)? {
        return Ok(Step::SignIn { visitor, seconds_left });
    }
    Ok(Step::Done(signed_in(connection, visitor, seconds_left)?))
}

fn signed_in(connection: &Connection, visitor: Visitor, seconds_left: u32) -> Result<Answered> {
    let ledgers = ledgers::of_device(connection, &visitor.device)?;
    let answer = Answer::Authenticated { seconds_left, ledgers };
    Ok(Answered { visitor: Some(visitor), ..answer.into() })
}

/// Brings a device into the ledgers of its account, and answers.
fn sign_in(
    write: &mut Write<'_>,
    limits: &LedgerLimits,
    now_ms: i64,
    visitor: Visitor,
    seconds_left: u32,
) -> Result<Answered> {
    ledgers::vouch_for(write, now_ms, limits, visitor.aid, &visitor.device)?;
    signed_in(write.tx, visitor, seconds_left)
}
