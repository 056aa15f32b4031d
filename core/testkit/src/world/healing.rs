//! The end of a run: everything that was broken is mended, nobody does anything any more, and all must come to hold the
//! same within two minutes.

use std::collections::{BTreeSet, HashSet};

use outlay_core::{CommitId, LedgerId};
use outlay_server::sync::RateLimits;

use super::{Event, PEOPLE, World};
use crate::Violation;
use crate::wire::{LinkId, Way};

/// How long it may take.
const HEALING_MS_MAX: i64 = 120_000;
/// How long it is watched that nothing more is asked for, once all hold the same.
const QUIET_MS: i64 = 5_000;
/// What a device may ask for beside one of each kind a second: the first attempts come quickly one after another.
const ASKED_SPARE: u32 = 20;
/// Pushes beside one a second: a server that was rolled back is brought what it lacks, which may be all there is.
const PUSHES_SPARE: u32 = 400;

const LIVE: &str = "when all is mended, all come to hold the same within two minutes";
const CALM: &str = "nothing is tried again more often than once a second";

impl World<'_> {
    /// Mends everything and waits.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.mend()?;
        let begun_ms = self.now_ms();
        let mut looked_ms = begun_ms;
        let mut settled_ms = None;
        while settled_ms.is_none_or(|settled_ms| self.now_ms() - settled_ms < QUIET_MS) {
            let next_ms = self.queue.next_ms().unwrap_or(i64::MAX);
            if next_ms > looked_ms {
                looked_ms = next_ms + 200;
                match self.unsettled()? {
                    None => _ = settled_ms.get_or_insert(self.clock.elapsed_ms()),
                    Some(why) if next_ms - begun_ms > HEALING_MS_MAX => return Err(Violation::new(LIVE, why)),
                    Some(_) => settled_ms = None,
                }
            }
            self.step()?;
        }
        let healed_ms = settled_ms.unwrap_or(begun_ms) - begun_ms;
        self.healed_ms = healed_ms;
        self.say(format_args!("all hold the same after {healed_ms} ms"));
        self.check_calm(self.now_ms() - begun_ms)
    }

    fn mend(&mut self) -> Result<(), Violation> {
        self.say(format_args!("everything is mended"));
        self.is_healing = true;
        self.queue.retain(|event| !matches!(event, Event::Happening));
        self.server.armed = None;
        self.server.set_rates(RateLimits::default());
        self.start_server()?;
        for at in 0..self.devices.len() {
            self.devices[at].environment.arm(None);
            self.devices[at].dials.clear();
            self.online(at);
            if self.devices[at].login.is_none() {
                let pause_ms = if self.devices[at].person + 1 == PEOPLE { 0 } else { self.pace.between(0, 4_000) };
                self.plan_in(pause_ms, Event::SignIn(at));
            }
        }
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for id in links {
            self.let_through(id, Way::Up);
            self.let_through(id, Way::Down);
        }
        Ok(())
    }

    /// Why not all is done; `None` if it is.
    fn unsettled(&mut self) -> Result<Option<String>, Violation> {
        if !self.server.is_up() {
            return Ok(Some("the server is down".into()));
        }
        for at in 0..self.devices.len() {
            if let Some(why) = self.unsettled_device(at)? {
                return Ok(Some(format!("d{at}: {why}")));
            }
        }
        Ok(None)
    }

    fn unsettled_device(&mut self, at: usize) -> Result<Option<String>, Violation> {
        let Some(line) = &self.devices[at].line else { return Ok(Some("not connected".into())) };
        if !line.session.is_idle() {
            return Ok(Some(format!("not idle; {}", self.standing(at)?)));
        }
        for ledger in self.may_open(at)? {
            if let Some(why) = self.unsettled_ledger(at, ledger)? {
                return Ok(Some(format!("ledger {ledger}: {why}; {}", self.standing(at)?)));
            }
        }
        // A ledger that nobody has brought to the server is owed.
        for ledger in self.devices[at].engine.ledgers()?.iter().filter(|ledger| ledger.role.is_some()) {
            if self.oracle.books.end(ledger.id).pos == 0 {
                return Ok(Some(format!("ledger {} is not on the server; {}", ledger.id, self.standing(at)?)));
            }
        }
        Ok(None)
    }

    fn unsettled_ledger(&self, at: usize, ledger: LedgerId) -> Result<Option<String>, Violation> {
        let (device, end) = (&self.devices[at], self.oracle.books.end(ledger));
        let cursor = device.note_of(ledger).and_then(|noted| noted.cursor);
        if cursor.is_none_or(|cursor| cursor.at != end || cursor.complete_from != 0) {
            return Ok(Some(format!("the cursor is {cursor:?}, the end {end:?}")));
        }
        let refused = device.refused(&self.server.id.0)?;
        let nothing = HashSet::new();
        let held = device.held.get(&ledger).unwrap_or(&nothing);
        let logged: BTreeSet<CommitId> = self.oracle.books.logged(ledger).collect();
        if let Some(id) = logged.iter().find(|id| !held.contains(*id)) {
            return Ok(Some(format!("commit {id} is in the log and not here")));
        }
        let lacking = held.iter().filter(|id| !logged.contains(*id) && !refused.contains_key(*id));
        let lacking = lacking.filter(|id| !self.oracle.is_refused_by_role(at, id));
        Ok(lacking.min().map(|id| format!("commit {id} is here, not in the log, and was not refused")))
    }

    /// How a device stands, for whoever looks for the cause.
    fn standing(&self, at: usize) -> Result<String, Violation> {
        let refused = self.devices[at].refused(&self.server.id.0)?;
        let codes: BTreeSet<u16> = refused.values().copied().collect();
        Ok(format!("{} refused for {codes:?}", refused.len()))
    }

    fn check_calm(&self, for_ms: i64) -> Result<(), Violation> {
        let seconds = u32::try_from(for_ms / 1_000).unwrap_or(u32::MAX);
        for ((at, what), count) in &self.asked {
            let spare = if *what == "pushes" { PUSHES_SPARE } else { ASKED_SPARE };
            if *count > seconds + spare {
                return Err(Violation::new(CALM, format!("d{at}: {count} {what} in {seconds} s")));
            }
        }
        Ok(())
    }
}
