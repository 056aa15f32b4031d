//! Every log that the server ever had.
//!
//! A place, which is a position and the mark of the chain up to it, says which commits come before it: so what a device's
//! cursor claims to hold can be looked up even after the log was rolled back and went on otherwise.

use std::collections::{HashMap, HashSet};

use outlay_core::{CommitId, LedgerId};
use outlay_protocol::{Chain, Cursor, Mark, Place};

use super::files::Logged;
use crate::Violation;

const IN_ORDER: &str = "a log has no gaps and its chain is the hash over its commits";
const KNOWN: &str = "a cursor is a place in a log that the server had";
const STORED: &str = "a cursor never passes a commit that is not stored";

/// One commit of one log.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: CommitId,
    class: u16,
    before: Mark,
}

/// All logs, and the ends of those that the server has now.
#[derive(Debug, Default)]
pub struct Books {
    entries: HashMap<(LedgerId, u64, Mark), Entry>,
    ends: HashMap<LedgerId, (u64, Chain)>,
    /// What is in the logs now, with its position.
    logged: HashMap<LedgerId, HashMap<CommitId, u64>>,
}

impl Books {
    /// The server's logs are to be read anew: it was restored.
    pub fn forget_logs(&mut self) {
        self.ends.clear();
        self.logged.clear();
    }

    /// Notes what was appended.
    ///
    /// # Errors
    ///
    /// If it does not continue the log.
    pub fn append(&mut self, new: &[Logged]) -> Result<(), Violation> {
        for logged in new {
            let (pos, chain) = self.ends.get(&logged.ledger).copied().unwrap_or((0, Chain::START));
            if logged.pos != pos + 1 || logged.chain != chain.next(&logged.id) {
                return Err(Violation::new(IN_ORDER, format!("ledger {} at {}", logged.ledger, logged.pos)));
            }
            let before = chain.mark();
            let entry = Entry { id: logged.id, class: logged.class, before };
            self.entries.insert((logged.ledger, logged.pos, logged.chain.mark()), entry);
            self.ends.insert(logged.ledger, (logged.pos, logged.chain));
            if self.logged.entry(logged.ledger).or_default().insert(logged.id, logged.pos).is_some() {
                return Err(Violation::new("a log holds each commit once", logged.id.to_string()));
            }
        }
        Ok(())
    }

    /// The position of a commit in the log that the server has now.
    pub fn pos(&self, ledger: LedgerId, id: &CommitId) -> Option<u64> {
        self.logged.get(&ledger)?.get(id).copied()
    }

    /// The commits in the log that the server has now.
    pub fn logged(&self, ledger: LedgerId) -> impl Iterator<Item = CommitId> {
        self.logged.get(&ledger).into_iter().flat_map(|logged| logged.keys().copied())
    }

    /// The ledgers of which the server has a log now, ascending.
    pub fn ledgers(&self) -> Vec<LedgerId> {
        let mut ledgers: Vec<LedgerId> = self.logged.keys().copied().collect();
        ledgers.sort_unstable();
        ledgers
    }

    /// The end of a log now.
    pub fn end(&self, ledger: LedgerId) -> Place {
        self.ends.get(&ledger).map_or(Place::START, |(pos, chain)| Place { pos: *pos, chain: chain.mark() })
    }

    /// Whether a place is one of the log that the server has now.
    pub fn is_current(&self, ledger: LedgerId, place: Place) -> bool {
        let entry = self.entries.get(&(ledger, place.pos, place.chain));
        place == Place::START || entry.is_some_and(|entry| self.pos(ledger, &entry.id) == Some(place.pos))
    }

    /// Whether all that a cursor passed is held. `passed` are places that were found so before.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_cursor(
        &self,
        ledger: LedgerId,
        cursor: &Cursor,
        held: &HashSet<CommitId>,
        passed: &mut HashSet<(LedgerId, u64, Mark)>,
    ) -> Result<(), Violation> {
        let mut place = (cursor.at.pos, cursor.at.chain);
        while place.0 > 0 && !passed.contains(&(ledger, place.0, place.1)) {
            let at = || format!("ledger {ledger} at {} of the cursor at {}", place.0, cursor.at.pos);
            let entry = self.entries.get(&(ledger, place.0, place.1)).ok_or_else(|| Violation::new(KNOWN, at()))?;
            let is_to_come = entry.class != 0 && entry.class < cursor.complete_from;
            if !is_to_come && !held.contains(&entry.id) {
                let months = (entry.class, cursor.complete_from);
                return Err(Violation::new(STORED, format!("{}, commit {}, months {months:?}", at(), entry.id)));
            }
            place = (place.0 - 1, entry.before);
        }
        if cursor.complete_from == 0 {
            passed.insert((ledger, cursor.at.pos, cursor.at.chain));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outlay_core::DeviceKey;

    const LEDGER: LedgerId = LedgerId([7; 16]);

    fn log(ids: &[u8], class: u16) -> Vec<Logged> {
        let mut chain = Chain::START;
        let mut logged = |(at, id): (usize, &u8)| {
            let id = CommitId([*id; 32]);
            chain = chain.next(&id);
            Logged { ledger: LEDGER, id, pos: at as u64 + 1, chain, class, author: DeviceKey([1; 32]) }
        };
        ids.iter().enumerate().map(&mut logged).collect()
    }

    fn cursor(logged: &Logged, complete_from: u16) -> Cursor {
        Cursor { epoch: [0; 8], at: Place { pos: logged.pos, chain: logged.chain.mark() }, complete_from }
    }

    #[test]
    fn a_cursor_past_what_is_not_stored_is_found() {
        let mut books = Books::default();
        let log = log(&[1, 2, 3], 0);
        books.append(&log).unwrap();
        let held = HashSet::from([log[0].id, log[2].id]);
        let check = |cursor: &Cursor| books.check_cursor(LEDGER, cursor, &held, &mut HashSet::new());
        assert_eq!(check(&cursor(&log[0], 0)), Ok(()));
        assert_eq!(check(&cursor(&log[2], 0)).unwrap_err().promise, STORED);
        let nowhere = Cursor { at: Place { pos: 2, chain: [9; 8] }, ..cursor(&log[1], 0) };
        assert_eq!(check(&nowhere).unwrap_err().promise, KNOWN);
    }

    #[test]
    fn months_that_are_still_to_come_may_be_lacking() {
        let mut books = Books::default();
        let log = log(&[1, 2], 24_300);
        books.append(&log).unwrap();
        let check = |from| books.check_cursor(LEDGER, &cursor(&log[1], from), &HashSet::new(), &mut HashSet::new());
        assert_eq!(check(24_301), Ok(()));
        assert_eq!(check(24_300).unwrap_err().promise, STORED);
    }

    #[test]
    fn a_cursor_of_a_log_that_was_rolled_back_is_looked_up_in_that_log() {
        let mut books = Books::default();
        let (old, new) = (log(&[1, 2], 0), log(&[1, 3], 0));
        books.append(&old).unwrap();
        books.forget_logs();
        books.append(&new).unwrap();
        let held = HashSet::from([old[0].id, old[1].id]);
        let check = |at: &Logged| books.check_cursor(LEDGER, &cursor(at, 0), &held, &mut HashSet::new());
        assert_eq!(check(&old[1]), Ok(()));
        assert_eq!(check(&new[1]).unwrap_err().promise, STORED);
        let place = |logged: &Logged| cursor(logged, 0).at;
        assert_eq!((books.is_current(LEDGER, place(&old[1])), books.is_current(LEDGER, place(&new[1]))), (false, true));
        assert_eq!(books.append(&log(&[5], 0)).unwrap_err().promise, IN_ORDER);
    }
}
