//! Who asks by which token, as it was looked up a moment ago: what a busy program sends in one second is checked once.
//!
//! Nobody is known by it whose session was ended, or whose API token was taken away. Three things see to that:
//! * The bus says what was taken away before whoever took it is answered; then all of that account is forgotten.
//! * What was read before that is not put in after it: a [`Ticket`] is taken before reading and is worth nothing by then.
//! * An entry is good for [`KNOWN_MS`] from before it was read. Whoever ends sessions in another process, where no bus of this
//!   one reaches, waits for so long until he says that it is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::api_tokens::Grant;
use crate::accounts::{AccountId, Session};
use crate::bus::Listener;
use crate::store::Effect;

/// How long an entry is good for, in milliseconds: as long as an open socket may go on that was not told yet.
pub const KNOWN_MS: i64 = 1_000;
/// Entries, at some 400 bytes: the programs and people of four seconds at the most that one server answers. When there are
/// so many all are forgotten, which costs each one look into the database.
pub const ENTRIES_MAX: usize = 4_096;

/// The hash of a token's text.
pub type TokenHash = [u8; 32];

/// The hash of a token.
pub fn hash_of(text: &str) -> TokenHash {
    blake3::hash(text.as_bytes()).into()
}

/// Who asks by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The account.
    pub account: AccountId,
    /// The session. That of an API token has the token's id.
    pub session: Session,
    /// What the token is for.
    pub grant: Grant,
    /// Until when the token is good, in milliseconds since 1970.
    pub until_ms: i64,
}

/// The right to put in what is read after it was given.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    turn: u64,
    now_ms: i64,
}

/// Remembers who asks by which token.
pub trait SessionCache: Send + Sync {
    /// Who it is, if that was looked up within [`KNOWN_MS`], the token is still good, and nothing was taken from the account
    /// since.
    ///
    /// # Errors
    ///
    /// A ticket: who it is has to be read, and may be put in with it.
    fn get(&self, now_ms: i64, token: &TokenHash) -> Result<Arc<Known>, Ticket>;

    /// Puts in what was read, unless something was taken from somebody since the ticket was given.
    fn put(&self, ticket: Ticket, token: TokenHash, known: Arc<Known>);

    /// Forgets an account: when this returns, nothing that was read of it before is given to anybody.
    fn forget(&self, aid: i64);
}

/// The cache of one process.
#[derive(Default)]
pub struct LocalSessions {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// How often something was forgotten.
    turn: u64,
    entries: HashMap<TokenHash, Entry>,
}

struct Entry {
    known: Arc<Known>,
    read_ms: i64,
}

impl LocalSessions {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionCache for LocalSessions {
    fn get(&self, now_ms: i64, token: &TokenHash) -> Result<Arc<Known>, Ticket> {
        let inside = self.lock();
        let is_good = |entry: &&Entry| {
            (0..KNOWN_MS).contains(&now_ms.saturating_sub(entry.read_ms)) && now_ms < entry.known.until_ms
        };
        let entry = inside.entries.get(token).filter(is_good);
        entry.map(|entry| Arc::clone(&entry.known)).ok_or(Ticket { turn: inside.turn, now_ms })
    }

    fn put(&self, ticket: Ticket, token: TokenHash, known: Arc<Known>) {
        let mut inside = self.lock();
        if ticket.turn != inside.turn {
            return;
        }
        if inside.entries.len() >= ENTRIES_MAX {
            inside.entries.clear();
        }
        inside.entries.insert(token, Entry { known, read_ms: ticket.now_ms });
    }

    fn forget(&self, aid: i64) {
        let mut inside = self.lock();
        inside.turn += 1;
        inside.entries.retain(|_, entry| entry.known.session.aid != aid);
    }
}

/// What tells a cache of what was taken away.
pub fn listener(cache: Arc<impl SessionCache + 'static>) -> Listener {
    Box::new(move |effects| {
        for effect in effects {
            if let Effect::SignedOut { aid, .. } | Effect::Withdrawn { aid } = effect {
                cache.forget(*aid);
            }
        }
    })
}
