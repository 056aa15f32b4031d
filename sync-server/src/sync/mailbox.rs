//! What a connection is to be told, until it looks: at most one letter a ledger beside the answers it has asked for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use outlay_ledger::LedgerId;
use outlay_protocol::Place;
use outlay_protocol::session::Ticket;

use super::answer::Answered;

/// One thing to be told.
#[derive(Debug)]
pub enum Letter {
    /// An answer to a question.
    Answer(Ticket, Box<Answered>),
    /// A log has grown.
    Grown(LedgerId, Place),
    /// The device may no longer open this ledger.
    Removed(LedgerId),
    /// The device may open further ledgers.
    Ledgers,
    /// The ledgers that the device may open now.
    LedgerIds(Vec<LedgerId>),
    /// Whether whoever listens still may is to be asked again. It means nothing to a device, which is told what it is.
    Look,
    /// The device was signed out.
    Revoked,
    /// The server is being stopped.
    Closing,
}

/// The letters of one connection.
#[derive(Default)]
pub struct Mailbox {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    letters: Vec<Letter>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// Puts a letter in. What a later one makes superfluous is taken out.
    pub fn put(&self, letter: Letter) {
        let mut inside = self.lock();
        match letter {
            Letter::Grown(ledger, head) => {
                let known = inside.letters.iter_mut().find_map(|known| match known {
                    Letter::Grown(other, head) if *other == ledger => Some(head),
                    _ => None,
                });
                match known {
                    // Whoever looked at the end before may come to say so after it has grown.
                    Some(known) if known.pos >= head.pos => {}
                    Some(known) => *known = head,
                    None => inside.letters.push(Letter::Grown(ledger, head)),
                }
            }
            Letter::Ledgers if inside.letters.iter().any(|known| matches!(known, Letter::Ledgers)) => {}
            Letter::Look if inside.letters.iter().any(|known| matches!(known, Letter::Look)) => {}
            letter => inside.letters.push(letter),
        }
        let waker = inside.waker.take();
        drop(inside);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes all letters, or waits for one.
    pub fn poll_take(&self, context: &mut Context<'_>) -> Poll<Vec<Letter>> {
        let mut inside = self.lock();
        if inside.letters.is_empty() {
            inside.waker = Some(context.waker().clone());
            Poll::Pending
        } else {
            Poll::Ready(std::mem::take(&mut inside.letters))
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(mailbox: &Mailbox) -> Vec<u64> {
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(letters) = mailbox.poll_take(&mut context) else { return Vec::new() };
        let pos = |letter| match letter {
            Letter::Grown(_, head) => head.pos,
            other => panic!("{other:?}"),
        };
        letters.into_iter().map(pos).collect()
    }

    #[test]
    fn an_older_end_of_a_log_does_not_hide_a_newer_one() {
        let (mailbox, ledger) = (Mailbox::default(), LedgerId([1; 16]));
        for pos in [2, 3, 1] {
            mailbox.put(Letter::Grown(ledger, Place { pos, chain: [0; 8] }));
        }
        assert_eq!(grown(&mailbox), [3]);
        assert!(grown(&mailbox).is_empty());
    }
}
