//! What was set aside: entries of somebody who was removed or demoted and did not know it yet. They are kept, passed on and
//! counted nowhere, until an owner accepts them.

use outlay_ledger::commit::Kind;
use outlay_ledger::member::{ACCEPT_COMMITS_MAX, MemberOperation};
use outlay_ledger::{CommitId, LedgerId};

use super::Engine;
use super::values::Values;
use crate::error::{Error, Result};
use crate::model::AsideCommit;
use crate::store::log::Stands;
use crate::store::{Reading, keys, log, records};

impl Engine {
    /// The commits with entries that are set aside in a ledger, in the order in which they came to this device.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if the ledger is not on this device.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// assert_eq!(engine.aside(home)?, [], "what one's own devices write counts");
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn aside(&self, ledger: LedgerId) -> Result<Vec<AsideCommit>> {
        let own = self.device_key();
        self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            let mut values = Values::new(connection, lid, own)?;
            let mut reading = Reading::default();
            let mut aside = Vec::new();
            for cid in log::commits_standing(connection, lid, Stands::Aside)? {
                let count = log::load_header(connection, &mut reading.keys, cid)?.count;
                let kinds = records::kinds(connection, cid, count)?;
                let entries = kinds.into_iter().filter(|kind| *kind == Kind::Change).count();
                if entries > 0 {
                    let (author, time_ms, id) = values.author(&mut reading.keys, cid)?;
                    aside.push(AsideCommit { id, author, time_ms, changes: entries as u64 });
                }
            }
            Ok(aside)
        })
    }

    /// Lets commits count that were set aside, on every device that has them.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::Forbidden`] if this device is not an owner's.
    /// * [`crate::ErrorKind::NotFound`] if one of them is not set aside here, or there is no such ledger.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{CommitId, Currency, Engine, ErrorKind};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let refused = engine.accept(home, &[CommitId([7; 32])]).map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::NotFound));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn accept(&self, ledger: LedgerId, commits: &[CommitId]) -> Result<()> {
        let aside = self.aside(ledger)?;
        if !commits.iter().all(|id| aside.iter().any(|commit| commit.id == *id)) {
            return Err(Error::not_found("commit that is set aside in this ledger"));
        }
        for some in commits.chunks(ACCEPT_COMMITS_MAX) {
            self.operate(ledger, |_| Ok(vec![MemberOperation::Accept { commits: some.to_vec() }]))?;
        }
        Ok(())
    }
}
