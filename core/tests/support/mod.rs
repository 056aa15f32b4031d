//! What the engine's tests share: a clock that is set, seeded randomness, keys of one's own, and short words for stories.
//!
//! Nothing here judges. Each test crate uses its own part.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

pub mod forge;
pub mod oracle;
pub mod snapshot;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use outlay_core::{
    Commit, Conflict, Currency, Date, DocumentId, Engine, Environment, Expense, Filter, KeyStore, LedgerId, Money,
    NewExpense, Options, Reference, Sort,
};
use outlay_ledger::signature::DeviceSecret;

/// 2026-03-15, noon.
pub const NOON_MS: i64 = 1_773_576_000_000;

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }

    /// All items in a random order, some of them more than once.
    pub fn shuffled_with_duplicates<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for _ in 0..items.len() / 4 {
            let copy = self.pick(&items).clone();
            items.push(copy);
        }
        self.shuffle(&mut items);
        items
    }
}

/// Says which seed failed.
pub struct Seed(pub u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}", self.0);
        }
    }
}

/// A clock that stands where it is put, and seeded randomness.
pub struct TestEnvironment {
    now_ms: AtomicI64,
    rng: Mutex<Rng>,
}

impl TestEnvironment {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { now_ms: AtomicI64::new(NOON_MS), rng: Mutex::new(Rng::new(seed)) })
    }

    pub fn set_now_ms(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }

    pub fn advance_ms(&self, by_ms: i64) {
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Environment for TestEnvironment {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn today(&self) -> Date {
        let days = self.now_ms().div_euclid(86_400_000);
        i32::try_from(days).ok().and_then(Date::from_days).unwrap_or(Date::EPOCH)
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut rng = self.rng.lock().unwrap();
        bytes.fill_with(|| rng.next().to_le_bytes()[0]);
        Ok(())
    }
}

/// A key store that holds one secret for good: two engines with the same one are a cloned device.
pub struct FixedKey(pub [u8; 32]);

impl KeyStore for FixedKey {
    fn load(&self) -> io::Result<Option<[u8; 32]>> {
        Ok(Some(self.0))
    }

    fn save(&self, _: &[u8; 32]) -> io::Result<()> {
        unreachable!("there is a secret already")
    }

    fn replace(&self, _: &[u8; 32]) -> io::Result<()> {
        unreachable!("the secret is for good")
    }
}

/// The secret of a device by its number.
pub fn secret(number: u8) -> [u8; 32] {
    *blake3::hash(&[number]).as_bytes()
}

/// The secret of a device by its number, to sign with.
pub fn device_secret(number: u8) -> DeviceSecret {
    DeviceSecret::from_bytes(secret(number))
}

/// An engine with its clock.
pub struct Device {
    pub engine: Engine,
    pub clock: Arc<TestEnvironment>,
}

impl std::ops::Deref for Device {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Device {
    /// In memory. Devices of different numbers have different keys and randomness.
    pub fn new(number: u8) -> Self {
        Self::with_seed(number, u64::from(number))
    }

    pub fn with_seed(number: u8, seed: u64) -> Self {
        let clock = TestEnvironment::new(seed);
        let engine = Engine::open_in_memory_with(options(number, &clock)).unwrap();
        Self { engine, clock }
    }

    /// In a file.
    pub fn open(path: &Path, number: u8, seed: u64) -> Self {
        let clock = TestEnvironment::new(seed);
        let engine = Engine::open(path, options(number, &clock)).unwrap();
        Self { engine, clock }
    }

    /// Adds an entry a second after what was done before.
    pub fn add(&self, ledger: LedgerId, new: NewExpense) -> Expense {
        self.clock.advance_ms(1_000);
        self.add_expense(ledger, new).unwrap()
    }

    /// A conflict as it is now; without values if there is none.
    pub fn seen(&self, ledger: LedgerId, document: DocumentId, field: &str) -> Conflict {
        let is_it = |conflict: &Conflict| conflict.document == document && conflict.field == field;
        let none = || Conflict { ledger, document, field: field.to_owned(), values: vec![] };
        self.conflicts(ledger).unwrap().into_iter().find(is_it).unwrap_or_else(none)
    }

    pub fn get(&self, ledger: LedgerId, id: DocumentId) -> Expense {
        self.expense(ledger, id).unwrap().expect("it is there")
    }

    /// All that pass a filter, page by page.
    pub fn all(&self, ledger: LedgerId, filter: &Filter, sort: Sort) -> Vec<Expense> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.query(ledger, filter, sort, after, 7).unwrap();
            all.extend(page.expenses);
            after = page.next;
            assert!(all.len() < 100_000, "pages never end");
            if after.is_none() {
                return all;
            }
        }
    }

    pub fn payees(&self, ledger: LedgerId, filter: &Filter) -> Vec<String> {
        self.all(ledger, filter, Sort::Newest).into_iter().map(|expense| expense.payee).collect()
    }

    /// Everything that `other` holds of a ledger, this one holds too.
    pub fn pull(&self, other: &Self, ledger: LedgerId) {
        let known = self.heads(ledger).unwrap_or_default();
        self.take(&other.commits(ledger, &known).unwrap());
    }

    pub fn take(&self, commits: &[Commit]) {
        let taken = self.take_in(commits).unwrap();
        assert_eq!(taken.refused, [], "honest commits are taken");
    }

    pub fn assert_healthy(&self, context: &str) {
        let diagnosis = self.doctor().unwrap();
        assert!(diagnosis.is_ok(), "{context}: {:?}", diagnosis.problems);
    }
}

/// What two devices hold, both hold.
pub fn exchange(one: &Device, other: &Device, ledger: LedgerId) {
    one.pull(other, ledger);
    other.pull(one, ledger);
}

/// A ledger on two devices of one person.
pub fn two_devices() -> (Device, Device, LedgerId) {
    let (phone, laptop) = (Device::new(1), Device::new(2));
    let home = phone.create_ledger("Home", Currency::EUR).unwrap().id;
    phone.admit_device(home, laptop.device_key()).unwrap();
    laptop.pull(&phone, home);
    (phone, laptop, home)
}

pub fn options(number: u8, clock: &Arc<TestEnvironment>) -> Options {
    Options {
        environment: Arc::<TestEnvironment>::clone(clock),
        key_store: Some(Arc::new(FixedKey(secret(number)))),
        ..Options::default()
    }
}

pub fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

pub fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

pub fn path(names: &[&str]) -> Option<Reference> {
    Some(Reference::Path(names.iter().map(|name| (*name).to_owned()).collect()))
}

/// An expense of euros on a date.
pub fn spent(amount: &str, payee: &str, on: &str) -> NewExpense {
    NewExpense { date: Some(date(on)), ..NewExpense::new(eur(amount), payee) }
}
