//! Reading the events of a ledger for somebody who may: as of now, after the projection has followed the log so far. And those
//! of an account for its person.

use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use rusqlite::Connection;

use super::derive::{self, Derived, derive};
use super::envelope::{At, EventId};
use super::outbox;
use crate::accounts::Session;
use crate::expenses::current::{self, Look};
use crate::ledgers::{LedgerRow, of_member};
use crate::node::Node;
use crate::request::{Pass, Principal};
use crate::store::Result;

/// Where somebody wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With what comes from now on.
    Now,
    /// After this event.
    After(EventId),
    /// After a position of the log, whichever log it is.
    Position(u64),
}

/// Reads a ledger for an account that is a member of it.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) ledger: LedgerId,
    pub(crate) aid: i64,
    /// What has to hold beside that; nothing for what is read long after somebody asked for it.
    pass: Option<Pass>,
}

impl Reader {
    pub(crate) const fn new(ledger: LedgerId, aid: i64) -> Self {
        Self { ledger, aid, pass: None }
    }

    /// For as long as the token of whoever asks holds.
    pub(crate) fn by(ledger: LedgerId, principal: &Principal) -> Self {
        Self { pass: Some(principal.pass), ..Self::new(ledger, principal.session.aid) }
    }

    /// The ledger, if it may be read.
    pub(crate) fn row(&self, connection: &Connection) -> Result<std::result::Result<LedgerRow, Code>> {
        if let Some(pass) = &self.pass
            && !pass.holds(connection)?
        {
            return Ok(Err(Code::Revoked));
        }
        Ok(of_member(connection, &self.ledger, self.aid)?.map(|(row, ..)| row))
    }

    /// The place where to begin, and the id of it. The inner error is [`Code::Changed`] for an id of another log, as of one
    /// from before a restore.
    pub(crate) fn begin(
        &self,
        connection: &Connection,
        begin: Begin,
    ) -> Result<std::result::Result<(At, EventId), Code>> {
        let row = match self.row(connection)? {
            Ok(row) => row,
            Err(code) => return Ok(Err(code)),
        };
        let at = match begin {
            Begin::Now => Some(derive::end(connection, &row)?),
            Begin::After(id) => derive::place(connection, &row, &id)?,
            Begin::Position(position) => (position <= row.head).then_some(At::after(position)),
        };
        let Some(at) = at else { return Ok(Err(Code::Changed)) };
        Ok(Ok((at, derive::id_of(connection, &row, at)?)))
    }

    /// The id of a place.
    pub(crate) fn id_of(&self, connection: &Connection, at: At) -> Result<std::result::Result<EventId, Code>> {
        Ok(match self.row(connection)? {
            Ok(row) => Ok(derive::id_of(connection, &row, at)?),
            Err(code) => Err(code),
        })
    }

    /// The events after a place. The inner error is that of whoever may not, or [`Code::Busy`] while there is much to fold.
    pub(crate) async fn read(
        &self,
        node: &Node,
        after: At,
        events_max: usize,
    ) -> Result<std::result::Result<Derived, Code>> {
        let reader = *self;
        let look = move |connection: &Connection, is_folded| {
            let row = match reader.row(connection)? {
                Ok(row) => row,
                Err(code) => return Ok(Look::Refused(code)),
            };
            let derived = derive(connection, reader.ledger, &row, after, events_max, is_folded)?;
            Ok(derived.map_or(Look::Behind, Look::Read))
        };
        current::read(node, self.ledger, look).await
    }
}

/// Reads what happened to an account for its person, while a session of it goes on.
#[derive(Clone, Copy)]
pub(crate) struct OwnReader {
    session: Session,
}

impl OwnReader {
    pub(crate) const fn by(session: Session) -> Self {
        Self { session }
    }

    pub(crate) const fn aid(&self) -> i64 {
        self.session.aid
    }

    /// Whether it may be read still.
    pub(crate) fn check(&self, connection: &Connection) -> Result<std::result::Result<(), Code>> {
        Ok(if Pass::Session(self.session).holds(connection)? { Ok(()) } else { Err(Code::Revoked) })
    }

    /// The number after which to begin, and the id of it: after the event that is named, or with what comes from now on.
    pub(crate) fn begin(
        &self,
        connection: &Connection,
        after: Option<String>,
    ) -> Result<std::result::Result<(i64, String), Code>> {
        match after {
            None => outbox::last(connection, self.aid()).map(Ok),
            Some(id) => Ok(outbox::number(connection, Some(self.aid()), &id)?.map(|number| (number, id))),
        }
    }

    /// The events after a number. The inner error is that of whoever may not.
    pub(crate) fn read(
        &self,
        connection: &Connection,
        after: i64,
        events_max: usize,
    ) -> Result<std::result::Result<outbox::Page, Code>> {
        match self.check(connection)? {
            Ok(()) => Ok(Ok(outbox::page(connection, Some(self.aid()), after, events_max)?)),
            Err(code) => Ok(Err(code)),
        }
    }
}
