//! Making insights beside the requests: one ledger at a time, each once in an interval, and when it has been still for a while.
//!
//! That something was written is heard from the bus, and what is not heard is seen in the database with the next look. The
//! ledger that had its turn longest ago is next, so that a busy one takes no turn from others. What is under way when the
//! server is being stopped is broken off, and made after the next start.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::time::Duration;

use outlay_insight::insights::Insights as Found;
use outlay_insight::objects::InsightsObject;
use outlay_insight::study::{Options, Progress, Study};
use outlay_insight::trips::Travel;
use outlay_ledger::{Date, LedgerId};
use outlay_protocol::Code;
use rusqlite::Connection;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::results::{self, Candidate, Of, Refused};
use crate::clock;
use crate::config::Limits;
use crate::expenses::current::{self, Look};
use crate::expenses::spending::{Spending, spending};
use crate::ledgers;
use crate::node::Node;
use crate::store::{Effect, Result};

/// After so long it is looked whether some are due, whatever was heard.
const SWEEP_TIME: Duration = Duration::from_secs(60);
/// The least time between two looks: a busy server writes hundreds of times a second.
const PAUSE: Duration = Duration::from_millis(200);
/// How long to wait after the database has failed.
const FAILED_TIME: Duration = Duration::from_secs(1);

/// Hears when there may be a reason to make insights.
#[derive(Default)]
pub(crate) struct Insights {
    bell: Notify,
}

impl Insights {
    /// Hears what has become durable.
    pub(crate) fn notice(&self, effects: &[Effect]) {
        if effects.iter().any(|effect| matches!(effect, Effect::Grown { .. } | Effect::Insights { .. })) {
            self.bell.notify_one();
        }
    }

    /// Has [`make`] look whether the server is being stopped.
    pub(crate) fn wake(&self) {
        self.bell.notify_one();
    }
}

/// Ledgers with a reason to make insights, as they were at the last look.
#[derive(Default)]
struct Watch(HashMap<LedgerId, Seen>);

/// The end of a log, since when it is that, and since when there is a reason.
#[derive(Clone, Copy)]
struct Seen {
    head: u64,
    since: Instant,
    first: Instant,
}

impl Watch {
    /// Looks at these, and at no others any more.
    fn look(&mut self, candidates: &[Candidate], now: Instant) {
        let seen = candidates.iter().map(|candidate| {
            let before = self.0.get(&candidate.ledger);
            let since = before.filter(|seen| seen.head == candidate.head).map_or(now, |seen| seen.since);
            let first = before.map_or(now, |seen| seen.first);
            (candidate.ledger, Seen { head: candidate.head, since, first })
        });
        self.0 = seen.collect();
    }

    /// How long a ledger has to wait for its turn: until its interval is over and, unless somebody wants them at once, until
    /// it has been still for a while or has not been so for a whole interval.
    fn wait(&self, candidate: &Candidate, limits: &Limits, now: Instant, now_ms: i64) -> Duration {
        let interval = Duration::from_secs(limits.insight_interval_seconds.into());
        let settle = Duration::from_secs(limits.insight_settle_seconds.into());
        let begun = Duration::from_millis(u64::try_from(now_ms - candidate.begun_ms).unwrap_or(0));
        let unsettled = self.0.get(&candidate.ledger).filter(|_| !candidate.is_wanted).map_or(Duration::ZERO, |seen| {
            (seen.since + settle).min(seen.first + interval.max(settle)).saturating_duration_since(now)
        });
        interval.saturating_sub(begun).max(unsettled)
    }
}

/// Makes insights until the server is being stopped.
pub(crate) async fn make(node: Weak<Node>) {
    let mut watch = Watch::default();
    while let Some(node) = node.upgrade().filter(|node| !node.is_closing()) {
        let wait = match turn(&node, &mut watch).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "insights were not made");
                FAILED_TIME
            }
        };
        let insights = Arc::clone(&node.insights);
        drop(node);
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            () = insights.bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Makes those of the ledger whose turn it is, and says how long to wait for the next one.
async fn turn(node: &Arc<Node>, watch: &mut Watch) -> Result<Duration> {
    let (now, now_ms, today) = (Instant::now(), clock::unix_ms(), clock::today());
    let candidates = node.read(move |connection| results::candidates(connection, now_ms, today)).await?;
    watch.look(&candidates, now);
    let wait = |candidate: &Candidate| watch.wait(candidate, &node.limits, now, now_ms);
    if let Some(due) = candidates.iter().find(|candidate| wait(candidate).is_zero()) {
        of_ledger(node, due.ledger, today).await?;
        return Ok(Duration::ZERO);
    }
    Ok(candidates.iter().map(wait).fold(SWEEP_TIME, Duration::min))
}

async fn of_ledger(node: &Arc<Node>, ledger: LedgerId, day: Date) -> Result<()> {
    let begun = Instant::now();
    if !node.writer().run(move |write| results::begin(write, clock::unix_ms(), &ledger)).await? {
        return Ok(());
    }
    let read = match read(node, ledger).await? {
        Ok(read) => read,
        Err(Code::Busy) => return Ok(()),
        Err(_) => return node.writer().run(move |write| results::forget(write, &ledger)).await,
    };
    let (position, spending) = read;
    let found = match spending {
        Some(spending) => found(node, ledger, spending, day).await,
        None => Some(Err(Refused::TooLarge)),
    };
    // Broken off: it is made after the next start.
    let Some(found) = found else { return Ok(()) };
    let outcome = found.as_ref().map_or_else(|refused| refused.name(), |_| "made");
    node.metrics.insights_made(outcome, begun.elapsed());
    let of = Of { ledger, position, day };
    node.writer().run(move |write| results::keep(write, clock::unix_ms(), &of, found)).await
}

/// The rows of a ledger and up to where they are; the inner error is that of a ledger that cannot be read here, or
/// [`Code::Busy`] when the server is being stopped.
async fn read(node: &Node, ledger: LedgerId) -> Result<std::result::Result<(u64, Option<Spending>), Code>> {
    let entries_max = node.limits.insight_entries_max_count;
    let look = move |connection: &Connection, is_folded| {
        let Some(row) = ledgers::find(connection, &ledger)? else { return Ok(Look::Refused(Code::NoSuchLedger)) };
        current::rows(connection, &row, is_folded, |position| {
            Ok((position, spending(connection, row.lid, entries_max)?))
        })
    };
    loop {
        match current::read(node, ledger, look).await? {
            // There is much to fold, and nobody waits.
            Err(Code::Busy) if !node.is_closing() => {}
            read => return Ok(read),
        }
    }
}

/// What is found, in JSON; `None` when the server is being stopped.
async fn found(
    node: &Arc<Node>,
    ledger: LedgerId,
    spending: Spending,
    day: Date,
) -> Option<std::result::Result<String, Refused>> {
    let deadline = Instant::now() + Duration::from_secs(node.limits.insight_timeout_seconds.into());
    let of = Arc::clone(node);
    let finding = tokio::task::spawn_blocking(move || {
        let names = spending.names.clone();
        let found = insights_of(spending, day, &mut |_| match of.is_closing() || Instant::now() > deadline {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        let ControlFlow::Continue(insights) = found else { return Err(Refused::TooSlow) };
        serde_json::to_string(&InsightsObject::new(ledger, &insights, &names)).map_err(|_| Refused::Failed)
    });
    match finding.await {
        Ok(Err(_)) if node.is_closing() => None,
        Ok(found) => Some(found),
        Err(error) => {
            tracing::error!(%error, "insights could not be made");
            Some(Err(Refused::Failed))
        }
    }
}

/// What is found in a ledger as of a day. `look` is called again and again, and may break off.
pub fn insights_of(
    spending: Spending,
    day: Date,
    look: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> ControlFlow<(), Found> {
    let Spending { rows, decided, names, parents } = spending;
    let options = Options { left_out: Vec::new(), travel: Travel::named(&names) };
    Study::of(rows, options, parents).insights(day, &decided, look)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(head: u64, begun_ms: i64) -> Candidate {
        Candidate { ledger: LedgerId([1; 16]), head, is_wanted: false, begun_ms }
    }

    #[test]
    fn a_ledger_waits_until_it_is_still_but_not_for_longer_than_an_interval() {
        let limits = Limits { insight_settle_seconds: 10, insight_interval_seconds: 60, ..Limits::default() };
        let (mut watch, begun) = (Watch::default(), Instant::now());
        let mut wait = |second: u64, head| {
            let now = begun + Duration::from_secs(second);
            watch.look(&[candidate(head, 0)], now);
            watch.wait(&candidate(head, 0), &limits, now, i64::MAX).as_secs()
        };
        assert_eq!(
            [(0, 1), (4, 1), (8, 2), (17, 2), (18, 2)].map(|(second, head)| wait(second, head)),
            [10, 6, 10, 1, 0]
        );
        // It is written to every eight seconds from then on.
        assert_eq!(
            [(26, 3), (34, 4), (42, 5), (50, 6), (58, 7)].map(|(second, head)| wait(second, head)),
            [10, 10, 10, 10, 2]
        );
        assert_eq!(wait(60, 8), 0);
    }

    #[test]
    fn a_ledger_waits_for_its_interval_also_when_somebody_wants_its_insights() {
        let limits = Limits { insight_settle_seconds: 10, insight_interval_seconds: 60, ..Limits::default() };
        let (watch, now) = (Watch::default(), Instant::now());
        let wanted = |begun_ms| Candidate { is_wanted: true, ..candidate(1, begun_ms) };
        assert_eq!(watch.wait(&wanted(0), &limits, now, 100_000), Duration::ZERO);
        assert_eq!(watch.wait(&wanted(70_000), &limits, now, 100_000), Duration::from_secs(30));
    }

    #[test]
    fn a_ledger_without_a_reason_is_forgotten() {
        let mut watch = Watch::default();
        watch.look(&[candidate(1, 0)], Instant::now());
        watch.look(&[], Instant::now());
        assert!(watch.0.is_empty());
    }
}
