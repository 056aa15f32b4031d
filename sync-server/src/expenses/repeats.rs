//! Requests that may come twice: with an `Idempotency-Key` the first answer is kept, and a repeat gets it again.
//!
//! What is kept is written with what the request did, so that either both or neither is there.

use axum::http::HeaderMap;
use outlay_protocol::Code;
use rusqlite::OptionalExtension;

use super::draft::Reply;
use crate::store::{Result, Write};

const HEADER: &str = "idempotency-key";
/// Bytes of a key: a UUID has 36.
const KEY_BYTES_MAX: usize = 255;
/// How long an answer is kept, in milliseconds: a program that was down for a night repeats what it was not told of.
const KEPT_MS: i64 = 24 * 3_600_000;
/// Answers kept for an account: one every ninety seconds, of at most some 60 kB each.
const KEPT_MAX: i64 = 1_000;

/// The header of a key, as it is described.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "is read as bytes")]
pub(super) struct KeyHeader {
    /// Keeps the answer for 24 hours: the same request under the same key gets it again and does nothing.
    #[param(rename = "idempotency-key", min_length = 1, max_length = 255)]
    key: Option<String>,
}

/// The key of a request, and what the request is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    key: [u8; 32],
    request: [u8; 32],
}

impl Key {
    /// The key that a request brought, if it brought one. `what` is all that the request is.
    pub(super) fn read(headers: &HeaderMap, what: &[&[u8]]) -> std::result::Result<Option<Self>, Code> {
        let Some(key) = headers.get(HEADER) else { return Ok(None) };
        let key = key.as_bytes();
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Code::Invalid);
        }
        let mut request = blake3::Hasher::new();
        for part in what {
            request.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        Ok(Some(Self { key: blake3::hash(key).into(), request: request.finalize().into() }))
    }
}

/// The answer that was given to a request; the inner error is [`Code::KeyReused`] if that was another request, or
/// [`Code::Rate`] if there is no room for another answer.
pub(super) fn recall(
    write: &Write<'_>,
    now_ms: i64,
    aid: i64,
    key: &Key,
) -> Result<std::result::Result<Option<Reply>, Code>> {
    let forget = "DELETE FROM repeat WHERE aid = ?1 AND made_ms < ?2";
    write.tx.prepare_cached(forget)?.execute((aid, now_ms - KEPT_MS))?;
    let select = "SELECT request, status, body FROM repeat WHERE aid = ?1 AND key = ?2";
    let mut select = write.tx.prepare_cached(select)?;
    let kept = select.query_row((aid, key.key), |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, Reply { status: row.get(1)?, body: row.get(2)? }))
    });
    match kept.optional()? {
        Some((request, reply)) if request == key.request => Ok(Ok(Some(reply))),
        Some(_) => Ok(Err(Code::KeyReused)),
        None => {
            let mut count = write.tx.prepare_cached("SELECT count(*) FROM repeat WHERE aid = ?1")?;
            let is_full = count.query_row([aid], |row| row.get::<_, i64>(0))? >= KEPT_MAX;
            Ok(if is_full { Err(Code::Rate) } else { Ok(None) })
        }
    }
}

/// Keeps the answer to a request.
pub(super) fn keep(write: &Write<'_>, now_ms: i64, aid: i64, key: &Key, reply: &Reply) -> Result<()> {
    let insert = "INSERT INTO repeat (aid, key, request, status, body, made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = (aid, key.key, key.request, reply.status, &reply.body, now_ms);
    write.tx.prepare_cached(insert)?.execute(row)?;
    Ok(())
}
