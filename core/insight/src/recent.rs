//! A map that keeps what was used last.

use std::collections::BTreeMap;

use crate::hash::Hash;

/// Keys that are kept: the payees and categories of a household's years. A map that is full drops a quarter at once, so that
/// the work for each key stays small.
pub(crate) const KEYS_MAX: usize = 4096;

/// Values by key, at most [`KEYS_MAX`] of them.
#[derive(Debug, Clone)]
pub(crate) struct Recent<V> {
    values: BTreeMap<Hash, (u64, V)>,
    uses: u64,
}

impl<V: Default> Recent<V> {
    pub(crate) fn new() -> Self {
        Self { values: BTreeMap::new(), uses: 0 }
    }

    pub(crate) fn get(&self, key: Hash) -> Option<&V> {
        self.values.get(&key).map(|(_, value)| value)
    }

    /// The value of a key, to be changed; a new one if there is none.
    pub(crate) fn touch(&mut self, key: Hash) -> &mut V {
        if self.values.len() >= KEYS_MAX && !self.values.contains_key(&key) {
            self.drop_oldest();
        }
        self.uses += 1;
        let (used, value) = self.values.entry(key).or_default();
        *used = self.uses;
        value
    }

    fn drop_oldest(&mut self) {
        let mut used: Vec<u64> = self.values.values().map(|(used, _)| *used).collect();
        used.sort_unstable();
        let kept = used.get(KEYS_MAX / 4).copied().unwrap_or(0);
        self.values.retain(|_, (used, _)| *used >= kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let mut recent: Recent<u32> = Recent::new();
        let key = |number: u32| Hash::new(b'n').add(&number.to_le_bytes());
        for number in 0..20_000 {
            *recent.touch(key(number)) = number;
            *recent.touch(key(0)) = 7;
            assert!(recent.values.len() <= KEYS_MAX);
        }
        assert_eq!(recent.get(key(0)), Some(&7));
        assert_eq!(recent.get(key(1)), None);
        assert!((19_000..20_000).all(|number| recent.get(key(number)) == Some(&number)));
    }
}
