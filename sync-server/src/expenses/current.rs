//! Reading a ledger once its rows follow its log: some of the log is folded, then it is looked again.

use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use rusqlite::Connection;

use super::projection;
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
