//! A server comes, and what is on three devices comes together: also when the server is killed in the middle of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use outlay_core::LedgerId;
use outlay_core::sync::Credentials;

use super::Tour;
use crate::device::{Device, Outcome, until};
use crate::page::{counted, grouped, time};

/// The person of the tour.
const EMAIL: &str = "ana@example.org";
const PASSWORD: &str = "a tour needs no secrets";

impl Tour<'_> {
    /// The phone signs up and sends what it has; the laptop logs in, and both hold the same.
    pub(super) fn enter_account(&mut self) -> Outcome<()> {
        self.page.chapter("A server is started; the phone signs up, the laptop logs in")?;
        let spent = self.server.start()?;
        let url = self.server.url()?.to_owned();
        self.page.line(format!("outlay-server, one process with one folder: ready after {}", time(spent)))?;
        let spent = self.phone.enter(&url, &by(), true)?;
        self.page.line(format!("the phone signs up as {EMAIL}, in {}", time(spent)))?;
        self.sync(&[|tour| &tour.phone])?;
        self.page.line("one of these commits names the server, which may now vouch for new devices")?;
        let spent = self.laptop.enter(&url, &by(), false)?;
        self.page.line(format!("the laptop logs in, in {}, and the phone gets its trip, too", time(spent)))?;
        self.sync(&[|tour| &tour.laptop, |tour| &tour.phone])?;
        let held = self.laptop.count(self.ledger)?;
        Ok(self.page.line(format!("the laptop now has the phone's {}", counted(held, "entry", "entries")))?)
    }

    /// The tablet sends years of entries; the server is killed when it has some of them.
    pub(super) fn kill_server(&mut self) -> Outcome<()> {
        self.page.chapter("The server is killed in the middle of a sync")?;
        let url = self.server.url()?.to_owned();
        self.tablet.enter(&url, &by(), false)?;
        let earlier = self.tablet.engine.default_ledger()?.ok_or("the tablet has no ledger")?.id;
        let (_, waiting) = self.tablet.standing(earlier)?;
        let entries = counted(self.tablet.count(earlier)?, "entry", "entries");
        let commits = counted(waiting, "commit", "commits");
        self.page.line(format!("the tablet logs in, and sends {entries} in {commits}"))?;
        let begun = Instant::now();
        let was_cut = self.sync_until_killed(earlier)?;
        let (stored, only_here) = self.tablet.standing(earlier)?;
        let spent = time(begun.elapsed());
        let cut = if was_cut { "in the middle of it" } else { "which came too late to cut anything" };
        self.page.line(format!("SIGKILL after {spent}, {cut}"))?;
        let (stored, only_here) = (counted(stored, "commit", "commits"), grouped(only_here));
        self.page.line(format!("the tablet knows that {stored} are stored, and {only_here} only here"))?;
        let spent = self.server.start()?;
        self.page.line(format!("started again on the same folder: ready after {}", time(spent)))?;
        self.sync(&[|tour| &tour.tablet, |tour| &tour.phone, |tour| &tour.laptop])?;
        self.page.line("once more, for what the server signed meanwhile: who belongs to the account")?;
        self.sync(&[|tour| &tour.phone, |tour| &tour.tablet])?;
        self.agree().map(drop)
    }

    /// Syncs the tablet on a thread of its own, and kills the server as soon as it has stored something of what is sent.
    /// Says whether that was before it had all.
    fn sync_until_killed(&mut self, ledger: LedgerId) -> Outcome<bool> {
        let tablet = &self.tablet;
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| {
                let synced = tablet.sync();
                is_over.store(true, Ordering::Release);
                synced.is_ok()
            });
            let has_begun = || Ok(tablet.standing(ledger)?.0 > 0 || is_over.load(Ordering::Acquire));
            until("the tablet does not begin to sync", has_begun)?;
            self.server.kill()?;
            let was_whole = syncing.join().map_err(|_| "the sync panicked")?;
            Ok(!was_whole)
        })
    }

    /// Stops the server in order, as for the night.
    pub(super) fn stop_server(&mut self) -> Outcome<()> {
        let spent = self.server.stop()?;
        self.page.line(format!("the server is stopped (SIGTERM), in {}", time(spent)))?;
        let why = self.phone.sync_in_vain()?;
        Ok(self.page.line(format!("the phone cannot sync ({why}); all else goes on"))?)
    }

    /// Starts it again and syncs until everybody has everything.
    pub(super) fn bring_together(&mut self) -> Outcome<()> {
        let spent = self.server.start()?;
        self.page.line(format!("the server is back after {}; each device syncs when it likes", time(spent)))?;
        let all: [fn(&Self) -> &Device; 5] =
            [|tour| &tour.phone, |tour| &tour.laptop, |tour| &tour.tablet, |tour| &tour.phone, |tour| &tour.laptop];
        self.sync(&all)?;
        self.agree().map(drop)
    }
}

fn by() -> Credentials {
    Credentials { email: EMAIL.to_owned(), password: PASSWORD.to_owned() }
}
