//! Reading the events of a ledger for somebody who may: as of now, after the projection has followed the log so far.

use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use rusqlite::Connection;

use super::derive::{self, Derived, Source, derive};
use super::envelope::{At, EventId};
use crate::expenses::projection;
use crate::ledgers::{self, LedgerRow, member_of};
use crate::node::Node;
use crate::store::Result;

/// Pieces of a log that are folded before whoever asked is told to come back; what is folded stays.
const STEPS_MAX: usize = 64;

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

/// What was found.
enum Look {
    Read(Derived),
    /// The projection does not follow the log yet.
    Behind,
    Refused(Code),
}

/// Reads a ledger for an account, for as long as `may` says that it may.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) source: Source,
    pub(crate) aid: i64,
}

impl Reader {
    pub(crate) fn new(node: &Node, ledger: LedgerId, aid: i64) -> Self {
        Self { source: Source { ledger, server: node.id }, aid }
    }

    /// The ledger, if the account is a member of it.
    pub(crate) fn row(&self, connection: &Connection) -> Result<std::result::Result<LedgerRow, Code>> {
        let Some(row) = ledgers::find(connection, &self.source.ledger)? else { return Ok(Err(Code::NoSuchLedger)) };
        let member = member_of(connection, row.lid, self.aid)?;
        Ok(member.map(|_| row).ok_or(Code::NoSuchLedger))
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
            Begin::Now => Some(At::after(row.head)),
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
        may: impl Fn(&Connection) -> Result<std::result::Result<(), Code>> + Clone + Send + 'static,
    ) -> Result<std::result::Result<Derived, Code>> {
        let (reader, ledger) = (*self, self.source.ledger);
        let mut is_folded = false;
        for _ in 0..STEPS_MAX {
            let may = may.clone();
            let look = move |connection: &Connection| reader.look(connection, after, events_max, is_folded, &may);
            match node.read(look).await? {
                Look::Read(derived) => return Ok(Ok(derived)),
                Look::Refused(code) => return Ok(Err(code)),
                Look::Behind => is_folded = node.writer().run(move |write| projection::step(write, &ledger)).await?,
            }
        }
        Ok(Err(Code::Busy))
    }

    fn look(
        &self,
        connection: &Connection,
        after: At,
        events_max: usize,
        is_folded: bool,
        may: impl Fn(&Connection) -> Result<std::result::Result<(), Code>>,
    ) -> Result<Look> {
        if let Err(code) = may(connection)? {
            return Ok(Look::Refused(code));
        }
        let row = match self.row(connection)? {
            Ok(row) => row,
            Err(code) => return Ok(Look::Refused(code)),
        };
        let derived = derive(connection, self.source, &row, after, events_max, is_folded)?;
        Ok(derived.map_or(Look::Behind, Look::Read))
    }
}
