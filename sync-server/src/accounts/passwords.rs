//! Password hashes: argon2id with 19 MiB, two passes and one lane (OWASP), a few at a time.
//!
//! A hash carries its parameters, so that they can be raised later. Where too many wait one more is told to come back; whoever
//! hangs up keeps his turn until his hash is done, as nothing stops it.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use outlay_ledger::hex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;

/// More than 32 MiB, of which only what is used is ever touched: glibc maps so much by itself and gives it back at once.
/// Of the 19 MiB that are needed it learns to keep them, for each thread: 360 MiB after twenty logins.
const MAPPED_BLOCKS_MIN: usize = 33 * 1024;

/// What hashing costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

/// The hash of a password, as it is stored. `None` only for parameters that argon2 has not.
pub fn hash(cost: Cost, password: &str, salt: [u8; 16]) -> Option<String> {
    let hash = digest(cost, password, &salt)?;
    Some(format!("argon2id${}${}${}${}", cost.memory_kib, cost.passes, hex::encode(&salt), hex::encode(&hash)))
}

/// Whether a password is that of a stored hash.
///
/// ```
/// use outlay_server::accounts::passwords::{Cost, hash, verify};
/// let stored = hash(Cost { memory_kib: 64, passes: 1 }, "correct horse", [7; 16]).ok_or("cost")?;
/// assert!(verify(&stored, "correct horse"));
/// assert!(!verify(&stored, "correct hors"));
/// assert!(!verify("", "correct horse"));
/// # Ok::<(), &str>(())
/// ```
pub fn verify(stored: &str, password: &str) -> bool {
    let parts: Vec<&str> = stored.split('$').collect();
    let [_, memory, passes, salt, hash] = parts[..] else { return false };
    let (Ok(memory_kib), Ok(passes), Some(salt), Some(expected)) =
        (memory.parse(), passes.parse(), hex::fixed::<16>(salt), hex::fixed::<32>(hash))
    else {
        return false;
    };
    let given = digest(Cost { memory_kib, passes }, password, &salt);
    // Comparing these takes the same time wherever they differ.
    given.is_some_and(|given| blake3::Hash::from_bytes(given) == blake3::Hash::from_bytes(expected))
}

fn digest(cost: Cost, password: &str, salt: &[u8; 16]) -> Option<[u8; 32]> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).ok()?;
    let mut hash = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let blocks = argon2.params().block_count();
    let mut memory = Vec::with_capacity(blocks.max(MAPPED_BLOCKS_MIN));
    memory.resize(blocks, Block::default());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, &mut memory).ok()?;
    Some(hash)
}

/// What is counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Hashes made.
    pub made: Counter,
    /// Those told to come back.
    pub shed: Counter,
}

/// Hashes a few passwords at a time.
#[derive(Clone)]
pub struct Hashing {
    cost: Cost,
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    queue_max: usize,
    /// Hashes made, and logins told to come back.
    counts: Counts,
    /// The hash of nothing: what the password of an unknown account is compared with.
    decoy: Arc<str>,
}

impl Hashing {
    /// At most `at_once` at the same time and `queue_max` that wait. `None` only for a cost that argon2 has not.
    pub fn new(cost: Cost, at_once: usize, queue_max: usize, counts: Counts) -> Option<Self> {
        let zeros = hex::encode(&[0; 48]);
        digest(Cost { passes: 1, ..cost }, "", &[0; 16])?;
        let decoy = format!("argon2id${}${}${}${}", cost.memory_kib, cost.passes, &zeros[..32], &zeros[..64]);
        let turns = Arc::new(Semaphore::new(at_once.max(1)));
        let queue_max = at_once.max(1).saturating_add(queue_max).min(Semaphore::MAX_PERMITS);
        let queue = Arc::new(Semaphore::new(queue_max));
        Some(Self { cost, turns, queue, queue_max, counts, decoy: decoy.into() })
    }

    /// The hash of a new password; `None` if too many wait.
    pub async fn hash(&self, password: String, salt: [u8; 16]) -> Option<String> {
        let cost = self.cost;
        self.take_turn(move || hash(cost, &password, salt)).await?
    }

    /// Whether a password is that of a stored hash, or, at the same cost, no if there is none; `None` if too many wait.
    pub async fn verify(&self, stored: Option<String>, password: String) -> Option<bool> {
        let is_known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        self.take_turn(move || verify(&stored, &password) && is_known).await
    }

    /// How many are hashed or wait for it.
    pub fn busy(&self) -> usize {
        self.queue_max - self.queue.available_permits()
    }

    async fn take_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = Arc::clone(&self.queue).try_acquire_owned().inspect_err(|_| _ = self.counts.shed.inc()).ok()?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        self.counts.made.inc();
        // They go with the work and not with whoever waits for it, who may be gone while it is done.
        let work = move || {
            let _held = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn who_hangs_up_keeps_his_turn_until_his_hash_is_done() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let _inside = runtime.enter();
        let hashing = Hashing::new(Cost { memory_kib: 64, passes: 1 }, 1, 0, Counts::default()).unwrap();
        let ((release, is_released), (begin, has_begun)) = (channel::<()>(), channel());
        let mut login = Box::pin(hashing.take_turn(move || {
            begin.send(()).unwrap();
            is_released.recv()
        }));
        assert!(login.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        has_begun.recv().unwrap();
        drop(login);
        assert_eq!(hashing.busy(), 1);
        assert_eq!(runtime.block_on(hashing.verify(None, "a guess".into())), None, "told to come back");
        assert_eq!((hashing.counts.made.get(), hashing.counts.shed.get()), (1, 1));
        release.send(()).unwrap();
        drop(runtime.block_on(hashing.turns.acquire()).unwrap());
        assert_eq!((hashing.busy(), runtime.block_on(hashing.verify(None, "a guess".into()))), (0, Some(false)));
    }
}
