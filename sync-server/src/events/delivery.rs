//! Telling webhooks: each in the order of its ledger's log, one event after the other, until it has said that it has it.
//!
//! What a webhook was told is in the database, and so is when it is to be tried again. That a log has grown rings a bell;
//! one that is not heard is heard with the next, or when the time to look anyway has come. A webhook holds up no other one:
//! there are many turns, an account has some of them, and none is longer than the time for a request and what is read.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use outlay_ledger::{LedgerId, hex};
use outlay_protocol::Code;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::derive::Placed;
use super::envelope::{At, Event, Kind, instant};
use super::outbound::{Failure, Outbound, Outcome};
use super::reader::Reader;
use super::webhooks::{self, Delivery, Due, Stopped, Webhook};
use crate::clock;
use crate::config::Limits;
use crate::node::{Node, random};
use crate::store::{Effect, Result, Write};

/// Webhooks that are told something at once, and those of one account.
const AT_ONCE_MAX: usize = 64;
const OF_ACCOUNT_MAX: usize = 8;
/// Events that a webhook is told before it is another's turn.
const TURN_EVENTS_MAX: usize = 32;
/// After so long it is looked whether something is due, whatever the bell says.
const SWEEP_TIME: Duration = Duration::from_secs(30);
/// How long to wait after the database has failed.
const FAILED_TIME: Duration = Duration::from_secs(1);

/// What tells webhooks.
pub(crate) struct Courier {
    pub(super) outbound: Outbound,
    /// From which the secrets of webhooks follow.
    pub(super) key: [u8; 32],
    /// Ledgers that have webhooks, or had some since the start.
    hooked: Mutex<HashSet<LedgerId>>,
    bell: Notify,
}

impl Courier {
    pub(crate) fn new(outbound: Outbound, key: [u8; 32]) -> Self {
        Self { outbound, key, hooked: Mutex::default(), bell: Notify::new() }
    }

    /// Looks whether something is to be told after what has become durable.
    pub(crate) fn notice(&self, effects: &[Effect]) {
        let hooked = self.hooked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_hooked = |effect: &Effect| match effect {
            Effect::Grown { ledger, .. } | Effect::Insights { ledger } => hooked.contains(ledger),
            _ => false,
        };
        if effects.iter().any(is_hooked) {
            self.bell.notify_one();
        }
    }

    /// A ledger has a webhook, or one was changed.
    pub(super) fn ring(&self, ledger: LedgerId) {
        self.hooked.lock().unwrap_or_else(PoisonError::into_inner).insert(ledger);
        self.bell.notify_one();
    }

    /// Ends [`run`], which lets go of what is under way: it is told again after the next start.
    pub(crate) fn wake(&self) {
        self.bell.notify_one();
    }
}

/// Who has a turn.
#[derive(Default)]
struct Turns {
    rounds: JoinSet<Due>,
    under_way: HashSet<[u8; 16]>,
    of_accounts: HashMap<i64, usize>,
}

impl Turns {
    fn begin(&mut self, node: &Arc<Node>, due: Due) {
        let count = self.of_accounts.entry(due.aid).or_insert(0);
        if *count >= OF_ACCOUNT_MAX || self.rounds.len() >= AT_ONCE_MAX || !self.under_way.insert(due.id) {
            return;
        }
        *count += 1;
        let node = Arc::clone(node);
        self.rounds.spawn(async move {
            if let Err(error) = turn(&node, due).await {
                tracing::error!(%error, "a webhook was not told");
                // Whatever it was, it is not better at once.
                tokio::time::sleep(FAILED_TIME).await;
            }
            due
        });
    }

    /// Waits until one has ended; for ever if there is none.
    async fn ended(&mut self) {
        match self.rounds.join_next().await {
            Some(Ok(due)) => {
                self.under_way.remove(&due.id);
                if let Some(count) = self.of_accounts.get_mut(&due.aid) {
                    *count -= 1;
                }
                self.of_accounts.retain(|_, count| *count > 0);
            }
            // A bug, which has been logged; whose turn it was is not said, so that all who are not running are let in.
            Some(Err(_)) if self.rounds.is_empty() => (self.under_way, self.of_accounts) = Default::default(),
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Tells webhooks until the server is being stopped.
pub(crate) async fn run(node: Weak<Node>) {
    let mut turns = Turns::default();
    let mut is_known = false;
    while let Some(node) = node.upgrade().filter(|node| !node.is_closing()) {
        let looked = look(&node, &mut is_known).await;
        let wait = match looked {
            Ok((due, wait)) => {
                due.into_iter().for_each(|due| turns.begin(&node, due));
                wait
            }
            Err(error) => {
                tracing::error!(%error, "webhooks were not read");
                FAILED_TIME
            }
        };
        let courier = Arc::clone(&node.courier);
        drop(node);
        tokio::select! {
            () = courier.bell.notified() => {}
            () = turns.ended() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    turns.rounds.shutdown().await;
}

/// Who is due, and how long to wait for the next.
async fn look(node: &Node, is_known: &mut bool) -> Result<(Vec<Due>, Duration)> {
    if !*is_known {
        let ledgers = node.read(webhooks::ledgers).await?;
        node.courier.hooked.lock().unwrap_or_else(PoisonError::into_inner).extend(ledgers);
        *is_known = true;
    }
    let now_ms = clock::unix_ms();
    let (due, next_ms) = node.read(move |connection| webhooks::due(connection, now_ms)).await?;
    let wait_ms = next_ms.map(|next_ms| u64::try_from(next_ms - now_ms).unwrap_or(0));
    Ok((due, wait_ms.map_or(SWEEP_TIME, |ms| Duration::from_millis(ms).min(SWEEP_TIME))))
}

/// Tells a webhook some of what it was not told.
async fn turn(node: &Node, due: Due) -> Result<()> {
    let found = node.read(move |connection| webhooks::find(connection, due.aid, &due.id)).await?;
    let Some(mut webhook) = found.filter(|webhook| webhook.stopped.is_none()) else { return Ok(()) };
    let reader = Reader::new(webhook.ledger, webhook.aid);
    let derived = match reader.read(node, webhook.at, TURN_EVENTS_MAX).await? {
        Ok(derived) => derived,
        Err(Code::NoSuchLedger) => return stop(node, &webhook, Stopped::NoAccess).await,
        // There is much to fold: some of it was, and the next turn goes on.
        Err(_) => return Ok(()),
    };
    for placed in derived.events {
        if !webhook.wants(placed.event.kind) {
            continue;
        }
        match may_go_on(node, reader, &webhook).await? {
            Ok(()) => {}
            Err(Code::NoSuchLedger) => return stop(node, &webhook, Stopped::NoAccess).await,
            Err(_) => return Ok(()),
        }
        if !tell(node, &webhook, &placed).await? {
            return Ok(());
        }
        webhook.attempts = 0;
    }
    let (wid, to) = (webhook.wid, derived.to);
    node.writer().run(move |write| webhooks::advance(write, wid, to)).await
}

/// Whether a webhook may be told something now: asked before each event, so that nothing is told after somebody was removed.
async fn may_go_on(node: &Node, reader: Reader, webhook: &Webhook) -> Result<std::result::Result<(), Code>> {
    let (aid, id) = (webhook.aid, webhook.id);
    node.read(move |connection| {
        let now = webhooks::find(connection, aid, &id)?;
        if now.is_none_or(|webhook| webhook.stopped.is_some()) {
            return Ok(Err(Code::NoSuchPage));
        }
        Ok(reader.row(connection)?.map(drop))
    })
    .await
}

async fn stop(node: &Node, webhook: &Webhook, why: Stopped) -> Result<()> {
    node.metrics.webhooks_stopped.inc();
    tracing::warn!(webhook = hex::encode(&webhook.id), why = why.name(), "a webhook was stopped");
    let wid = webhook.wid;
    node.writer().run(move |write| webhooks::stop(write, wid, why)).await
}

/// Tells a webhook of an event, and writes down what came of it. Says whether it has it.
async fn tell(node: &Node, webhook: &Webhook, placed: &Placed) -> Result<bool> {
    let Placed { at, event } = placed;
    let attempt = webhook.attempts.saturating_add(1);
    let (outcome, delivery) = deliver(node, webhook, event, attempt).await;
    let (wid, at, limits) = (webhook.wid, *at, node.limits.clone());
    let due_ms = clock::unix_ms().saturating_add(delay_ms(&limits, attempt, random()));
    node.writer().run(move |write| written(write, wid, at, &delivery, &limits, due_ms)).await?;
    match outcome.failure {
        None => return Ok(true),
        Some(Failure::Gone) => stop(node, webhook, Stopped::Gone).await?,
        Some(_) if attempt >= node.limits.webhook_attempts_max_count => stop(node, webhook, Stopped::Failing).await?,
        Some(_) => {}
    }
    Ok(false)
}

fn written(write: &mut Write<'_>, wid: i64, at: At, delivery: &Delivery, limits: &Limits, due_ms: i64) -> Result<()> {
    webhooks::note(write, wid, delivery, limits.webhook_deliveries_max_count)?;
    match delivery.failure {
        None => webhooks::advance(write, wid, at),
        Some(_) => webhooks::postpone(write, wid, delivery.attempt, due_ms),
    }
}

/// How long to wait after an attempt in vain, in milliseconds: twice as long each time, up to a limit, and up to half of it
/// less, so that those who failed together do not come again together.
fn delay_ms(limits: &Limits, attempt: u32, random: [u8; 8]) -> i64 {
    let first_ms = i64::from(limits.webhook_retry_delay_seconds) * 1_000;
    let most_ms = i64::from(limits.webhook_retry_delay_max_seconds) * 1_000;
    let delay_ms = first_ms.saturating_mul(1_i64 << attempt.saturating_sub(1).min(30)).min(most_ms);
    let less_ms = i64::from_be_bytes(random).rem_euclid(delay_ms / 2 + 1);
    delay_ms - less_ms
}

/// Posts an event to a webhook, signed.
pub(super) async fn deliver(node: &Node, webhook: &Webhook, event: &Event, attempt: u32) -> (Outcome, Delivery) {
    // Neither texts nor numbers fail to be JSON.
    let body = serde_json::to_string(event).unwrap_or_default();
    let (time_ms, begun) = (clock::unix_ms(), Instant::now());
    let seconds = time_ms.div_euclid(1_000);
    let courier = &node.courier;
    let fields = [
        ("webhook-id", event.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", webhook.secret(&courier.key).sign(&event.id, seconds, &body)),
    ];
    let outcome = match courier.outbound.target(&webhook.url) {
        Ok(target) => courier.outbound.post(&target, &fields, body).await,
        // What was good when it was written is so no longer: the server was started with other options.
        Err(_) => Failure::Private.into(),
    };
    node.metrics.delivered(outcome.failure.map_or("delivered", Failure::name));
    let delivery = Delivery {
        event: event.id.clone(),
        kind: event.kind.name().to_owned(),
        attempt,
        time_ms,
        duration_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
        status: outcome.status,
        failure: outcome.failure.map(|failure| failure.name().to_owned()),
    };
    (outcome, delivery)
}

/// What a webhook is sent to see whether it is there.
pub(super) fn ping(webhook: &Webhook) -> Event {
    Event {
        id: format!("ping-{}", hex::encode(&random::<16>())),
        kind: Kind::Ping,
        time: instant(clock::unix_ms()),
        ledger: Some(webhook.ledger),
        position: None,
        data: json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_a_limit_and_is_never_less_than_half() {
        let limits =
            Limits { webhook_retry_delay_seconds: 10, webhook_retry_delay_max_seconds: 60, ..Limits::default() };
        for (attempt, whole_s) in [(1, 10), (2, 20), (3, 40), (4, 60), (u32::MAX, 60)] {
            assert_eq!(delay_ms(&limits, attempt, [0; 8]), whole_s * 1_000, "{attempt}");
            for number in 0..200_u8 {
                let delay_ms = delay_ms(&limits, attempt, [number; 8]);
                assert!((whole_s * 500..=whole_s * 1_000).contains(&delay_ms), "{attempt}: {delay_ms}");
            }
        }
        let limits = Limits { webhook_retry_delay_seconds: 0, ..limits };
        assert_eq!(delay_ms(&limits, 3, [7; 8]), 0);
    }
}
