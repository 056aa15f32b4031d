//! Reading a ledger once its rows follow its log: some of the log is folded, then it is looked again.

use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use rusqlite::Connection;

use super::projection;
use crate::ledgers::LedgerRow;
use crate::node::Node;
use crate::store::Result;

/// Pieces of a log that are folded before whoever asked is told to come back, some seconds' worth; what is folded stays.
const STEPS_MAX: usize = 64;

/// What was found of a ledger.
pub(crate) enum Look<T> {
    Read(T),
    /// Its rows do not follow its log yet.
    Behind,
    Refused(Code),
}

/// What is read of the rows of a ledger, once they follow its log; it is told up to where they are. A sealed ledger is refused.
pub(crate) fn rows<T>(
    connection: &Connection,
    row: &LedgerRow,
    is_folded: bool,
    read: impl FnOnce(u64) -> Result<T>,
) -> Result<Look<T>> {
    match projection::projected(connection, row.lid)? {
        // Of a sealed ledger nothing is ever folded.
        None if is_folded => Ok(Look::Refused(Code::ServerMayNot)),
        // The log may have grown since it was folded to its end; what came then is not what was asked for.
        Some(projected) if is_folded || projected.position == row.head => Ok(Look::Read(read(projected.position)?)),
        _ => Ok(Look::Behind),
    }
}

/// What `look` finds; it is told whether the log was folded to its end, as it then was. The inner error is what it refuses
/// with, or [`Code::Busy`] while there is much to fold.
pub(crate) async fn read<T: Send + 'static>(
    node: &Node,
    ledger: LedgerId,
    look: impl Fn(&Connection, bool) -> Result<Look<T>> + Clone + Send + 'static,
) -> Result<std::result::Result<T, Code>> {
    let mut is_folded = false;
    for _ in 0..STEPS_MAX {
        let look = look.clone();
        match node.read(move |connection| look(connection, is_folded)).await? {
            Look::Read(value) => return Ok(Ok(value)),
            Look::Refused(code) => return Ok(Err(code)),
            Look::Behind => is_folded = node.writer().run(move |write| projection::step(write, &ledger)).await?,
        }
    }
    Ok(Err(Code::Busy))
}
