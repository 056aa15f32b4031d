//! What the database knows of insights: which ledgers are wanted, when they were last made, and what was found.

use outlay_ledger::{Date, LedgerId};
use rusqlite::{Connection, OptionalExtension};

use crate::events::At;
use crate::ledgers;
use crate::store::{Effect, Result, Write};

/// How long the insights of a ledger are kept up to date after somebody has asked for them, in milliseconds.
const FOLLOWED_MS: i64 = 30 * 86_400_000;
/// How long it may take until it is noted that somebody has asked again, in milliseconds: not each time.
const NOTED_MS: i64 = 3_600_000;
/// Ledgers that are looked at for one to be made: more than one is made of them in a minute.
const CANDIDATES_MAX: i64 = 256;

/// Why there are no insights of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has more entries than are looked through.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The server did something wrong.
    Failed,
}

impl Refused {
    /// As programs read it, and as it is stored.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Failed => "failed",
        }
    }
}

/// The last insights of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    asked_ms: i64,
    pub(super) is_wanted: bool,
    pub(super) begun_ms: i64,
    pub(super) position: Option<u64>,
    pub(super) day: Option<Date>,
    pub(super) made_ms: Option<i64>,
    /// JSON.
    pub(super) body: Option<String>,
    /// See [`Refused::name`].
    pub(super) refused: Option<String>,
}

impl Stored {
    /// Whether it is to be noted that somebody asks now.
    pub(super) fn is_to_be_noted(&self, now_ms: i64) -> bool {
        now_ms - self.asked_ms > NOTED_MS
    }

    /// Whether they are of the whole log, and of this day.
    pub(super) fn is_of(&self, head: u64, today: Date) -> bool {
        self.position == Some(head) && self.day == Some(today)
    }
}

/// The last insights of a ledger; `None` if nobody has asked for any.
pub(super) fn find(connection: &Connection, lid: i64) -> Result<Option<Stored>> {
    let select =
        "SELECT asked_ms, is_wanted, begun_ms, position, day, made_ms, body, refused FROM insight WHERE lid = ?1";
    let stored = connection.prepare_cached(select)?.query_row([lid], |row| {
        Ok(Stored {
            asked_ms: row.get(0)?,
            is_wanted: row.get(1)?,
            begun_ms: row.get(2)?,
            position: row.get(3)?,
            day: row.get::<_, Option<i32>>(4)?.and_then(Date::from_days),
            made_ms: row.get(5)?,
            body: row.get(6)?,
            refused: row.get(7)?,
        })
    });
    Ok(stored.optional()?)
}

/// Notes that somebody asks for the insights of a ledger; with `is_wanted` also that new ones are to be made.
pub(crate) fn ask(write: &mut Write<'_>, now_ms: i64, ledger: LedgerId, lid: i64, is_wanted: bool) -> Result<()> {
    let insert = "INSERT INTO insight (lid, asked_ms) VALUES (?1, ?2)
        ON CONFLICT (lid) DO UPDATE SET asked_ms = ?2, is_wanted = max(is_wanted, ?3)";
    write.tx.prepare_cached(insert)?.execute((lid, now_ms, is_wanted))?;
    write.effect(Effect::Insights { ledger });
    Ok(())
}

/// A ledger of which there is a reason to make insights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) ledger: LedgerId,
    /// The end of its log.
    pub(super) head: u64,
    pub(super) is_wanted: bool,
    pub(super) begun_ms: i64,
}

/// Ledgers of which there is a reason to make insights, those first that had their turn longest ago.
pub(super) fn candidates(connection: &Connection, now_ms: i64, today: Date) -> Result<Vec<Candidate>> {
    let select = "SELECT ledger.id, head, is_wanted, begun_ms FROM insight JOIN ledger USING (lid)
        WHERE is_wanted = 1 OR (asked_ms > ?1 AND (position IS NOT head OR day IS NOT ?2))
        ORDER BY begun_ms, lid LIMIT ?3";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map((now_ms - FOLLOWED_MS, today.days(), CANDIDATES_MAX), |row| {
        Ok(Candidate {
            ledger: LedgerId(row.get(0)?),
            head: row.get(1)?,
            is_wanted: row.get(2)?,
            begun_ms: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that insights are being made. Says whether there is such a ledger still.
pub(super) fn begin(write: &mut Write<'_>, now_ms: i64, ledger: &LedgerId) -> Result<bool> {
    let Some(row) = ledgers::find(write.tx, ledger)? else { return Ok(false) };
    let update = "UPDATE insight SET begun_ms = ?2 WHERE lid = ?1";
    Ok(write.tx.prepare_cached(update)?.execute((row.lid, now_ms))? > 0)
}

/// Of what insights were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Of {
    pub(super) ledger: LedgerId,
    pub(super) position: u64,
    pub(super) day: Date,
}

/// Keeps insights, and tells that they are ready. Those that could not be made take none away: the last ones stay, with why.
pub(super) fn keep(
    write: &mut Write<'_>,
    now_ms: i64,
    of: &Of,
    found: std::result::Result<String, Refused>,
) -> Result<()> {
    let Some(row) = ledgers::find(write.tx, &of.ledger)? else { return Ok(()) };
    let body = match found {
        Ok(body) => body,
        Err(refused) => {
            let update = "UPDATE insight SET is_wanted = 0, position = ?2, day = ?3, refused = ?4 WHERE lid = ?1";
            write.tx.prepare_cached(update)?.execute((row.lid, of.position, of.day.days(), refused.name()))?;
            return Ok(());
        }
    };
    let place = At::after(row.head).max(ready(write.tx, row.lid)?.map_or(At::after(0), |ready| ready.at)).next();
    let update = "UPDATE insight SET is_wanted = 0, position = ?2, day = ?3, made_ms = ?4, body = ?5, refused = NULL,
        ready_position = ?6, ready_place = ?7 WHERE lid = ?1";
    let values = (row.lid, of.position, of.day.days(), now_ms, body, place.position, place.index);
    write.tx.prepare_cached(update)?.execute(values)?;
    write.effect(Effect::Insights { ledger: of.ledger });
    Ok(())
}

/// Forgets a ledger whose insights the server may not make.
pub(super) fn forget(write: &mut Write<'_>, ledger: &LedgerId) -> Result<()> {
    let delete = "DELETE FROM insight WHERE lid = (SELECT lid FROM ledger WHERE id = ?1)";
    write.tx.prepare_cached(delete)?.execute([ledger.0])?;
    Ok(())
}

/// What tells that insights are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Where it stands among the events of the log.
    pub(crate) at: At,
    pub(crate) made_ms: i64,
    /// The day as of which they are.
    pub(crate) day: Date,
}

/// The event that tells of the last insights of a ledger.
pub(crate) fn ready(connection: &Connection, lid: i64) -> Result<Option<Ready>> {
    let select =
        "SELECT ready_position, ready_place, made_ms, day FROM insight WHERE lid = ?1 AND ready_position IS NOT NULL";
    let ready = connection.prepare_cached(select)?.query_row([lid], |row| {
        let at = At { position: row.get(0)?, index: row.get(1)? };
        Ok(Ready { at, made_ms: row.get(2)?, day: Date::from_days(row.get(3)?).unwrap_or(Date::MIN) })
    });
    Ok(ready.optional()?)
}
