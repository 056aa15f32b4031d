//! Mail: what the server writes to people, sent in the background.
//!
//! A request puts an [`Errand`] into a bounded queue and goes on. All that depends on whether an address is known (finding
//! the account, making a token, speaking to a mail server) happens behind the queue, so that no answer tells it by its time.
//!
//! A mail is tried some times, later and later, each within a time limit. What waits is lost with the process: people ask
//! again. This module knows nothing of passwords and addresses' owners; what tokens do is said by [`crate::accounts`].

mod carrier;
mod letter;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outlay_protocol::Code;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::{JoinHandle, JoinSet};

use crate::accounts::mailed;
use crate::clock;
use crate::config::Serve;
use crate::node::random;
use crate::store::{Result, Writer};

pub(crate) use carrier::MailError;
use carrier::{Carrier, Failure};
pub(crate) use letter::Letter;
use letter::Sender;

/// Mails under way at once: a mail server takes a few connections of one client, and one that hangs holds one only.
const AT_ONCE_MAX: usize = 8;

/// What is to be mailed.
#[derive(Debug)]
pub(crate) enum Errand {
    /// A token to set another password with, if an account has this address.
    Reset { email: String },
    /// A token that proves an account's address, or the one it is to have, if there is one that is not proved.
    Verify { aid: i64 },
    /// Something to know.
    Tell { email: String, letter: Letter },
}

/// How often and for how long a mail is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) attempts_max: u32,
    /// Before the second attempt; twice that before the third, and so on.
    pub(crate) delay: Duration,
    /// For one attempt.
    pub(crate) time_max: Duration,
}

/// Takes errands; none if the server sends no mail.
pub(crate) struct Post {
    queue: Mutex<Option<(mpsc::Sender<Errand>, JoinHandle<()>)>>,
}

impl Post {
    /// Starts what sends, if the options say by what.
    pub(crate) fn start(serve: &Serve, writer: &Writer) -> std::result::Result<Self, MailError> {
        let Some((carrier, from)) = Carrier::of(serve)? else {
            tracing::info!("no mail is sent: neither --smtp-url nor --mail-folder was given");
            return Ok(Self { queue: Mutex::new(None) });
        };
        let (sender, errands) = mpsc::channel(serve.limits.mail_queue_max_count.max(1));
        let round = Round { carrier, from, patience: serve.limits.mail_patience(), writer: writer.clone() };
        let worker = tokio::spawn(work(Arc::new(round), errands));
        Ok(Self { queue: Mutex::new(Some((sender, worker))) })
    }

    /// Hands an errand in.
    ///
    /// # Errors
    ///
    /// [`Code::MailOff`] if the server sends none, [`Code::Busy`] if too many wait.
    pub(crate) fn put(&self, errand: Errand) -> std::result::Result<(), Code> {
        match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Err(Code::MailOff),
            Some((queue, _)) => queue.try_send(errand).map_err(|error| match error {
                TrySendError::Full(_) => Code::Busy,
                TrySendError::Closed(_) => Code::ShuttingDown,
            }),
        }
    }

    /// Hands one in that nobody waits for: if it cannot be sent now, it can be asked for.
    pub(crate) fn put_if_possible(&self, errand: Errand) {
        match self.put(errand) {
            Ok(()) | Err(Code::MailOff) => {}
            Err(code) => tracing::warn!(code = code.number(), "a mail was given up: too many wait"),
        }
    }

    /// Whether the server sends mail.
    ///
    /// # Errors
    ///
    /// [`Code::MailOff`] if not.
    pub(crate) fn check(&self) -> std::result::Result<(), Code> {
        let is_on = self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if is_on { Ok(()) } else { Err(Code::MailOff) }
    }

    /// Sends what waits, for as long as `time_max`, and takes nothing any more.
    pub(crate) async fn end(&self, time_max: Duration) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((queue, mut worker)) = queue else { return };
        drop(queue);
        if tokio::time::timeout(time_max, &mut worker).await.is_err() {
            tracing::warn!("mail was still waiting at the end, and is not sent");
            worker.abort();
            // Ended it is now, whatever it says.
            _ = worker.await;
        }
    }
}

async fn work(round: Arc<Round>, mut errands: mpsc::Receiver<Errand>) {
    let mut under_way = JoinSet::new();
    while let Some(errand) = errands.recv().await {
        while under_way.try_join_next().is_some() {}
        if under_way.len() >= AT_ONCE_MAX {
            under_way.join_next().await;
        }
        under_way.spawn(Arc::clone(&round).run(errand));
    }
    while under_way.join_next().await.is_some() {}
}

/// What sending needs.
struct Round {
    carrier: Carrier,
    from: Sender,
    patience: Patience,
    writer: Writer,
}

impl Round {
    async fn run(self: Arc<Self>, errand: Errand) {
        match self.write(errand).await {
            Ok(Some((email, letter))) => self.send(&email, &letter).await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a mail could not be written"),
        }
    }

    /// The letter of an errand, and to whom; none if there is nothing to say.
    async fn write(&self, errand: Errand) -> Result<Option<(String, Letter)>> {
        let now_ms = clock::unix_ms();
        match errand {
            Errand::Reset { email } => {
                let token = self.writer.run({
                    let email = email.clone();
                    move |write| mailed::reset_token(write, now_ms, &email)
                });
                Ok(token.await?.map(|token| (email, Letter::Reset(token))))
            }
            Errand::Verify { aid } => {
                let token = self.writer.run(move |write| mailed::address_token(write, now_ms, aid));
                Ok(token.await?.map(|(email, token)| (email, Letter::Verify(token))))
            }
            Errand::Tell { email, letter } => Ok(Some((email, letter))),
        }
    }

    async fn send(&self, email: &str, letter: &Letter) {
        let Some(mail) = letter.mail(&self.from, email, random()) else {
            return tracing::warn!("a mail was given up: mail does not know such an address");
        };
        let Patience { attempts_max, mut delay, time_max } = self.patience;
        for attempt in 1..=attempts_max {
            let sent = tokio::time::timeout(time_max, self.carrier.carry(&mail));
            match sent.await.unwrap_or(Err(Failure::SLOW)) {
                Ok(()) => return,
                Err(failure) if failure.is_for_good || attempt == attempts_max => {
                    return tracing::warn!(
                        attempt,
                        reason = failure.reason,
                        status = failure.status,
                        "a mail was given up"
                    );
                }
                Err(failure) => {
                    tracing::info!(attempt, reason = failure.reason, status = failure.status, "a mail waits")
                }
            }
            tokio::time::sleep(delay).await;
            delay *= 2;
        }
    }
}
