//! A map that keeps what was used last.

use std::collections::BTreeMap;

use crate::hash::Hash;

/// Keys that are kept: the payees and categories of a household's years. A map that is full drops a quarter at once, so that
/// the work for each key stays small.
pub(crate) const KEYS_MAX: usize = 4096;

/// Values by key, at most [`KEYS_MAX`] of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recent<V> {
    values: BTreeMap<Hash, (u64, V)>,
    uses: u64,
}

/// What using some keys may change of a map, as it was before.
#[derive(Debug, Clone)]
pub(crate) enum Before<V> {
    /// The map is full: some of the others are dropped.
    Full(Recent<V>),
    /// The values of the keys, and how often any was used.
    Keys(Vec<(Hash, Option<(u64, V)>)>, u64),
}

impl<V: Clone + Default> Recent<V> {
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

    /// What using keys once will change.
    pub(crate) fn before(&self, keys: impl Iterator<Item = Hash>) -> Before<V> {
        let values: Vec<_> = keys.map(|key| (key, self.values.get(&key).cloned())).collect();
        let new = values.iter().filter(|(_, value)| value.is_none()).count();
        if self.values.len() + new > KEYS_MAX { Before::Full(self.clone()) } else { Before::Keys(values, self.uses) }
    }

    /// Takes back the last use.
    pub(crate) fn restore(&mut self, before: Before<V>) {
        let (values, uses) = match before {
            Before::Full(before) => return *self = before,
            Before::Keys(values, uses) => (values, uses),
        };
        self.uses = uses;
        for (key, value) in values {
            match value {
                Some(value) => drop(self.values.insert(key, value)),
                None => drop(self.values.remove(&key)),
            }
        }
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
    #![allow(clippy::unwrap_used)]

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

    #[test]
    fn the_last_use_is_taken_back_also_where_it_dropped_the_oldest() {
        let mut recent: Recent<u32> = Recent::new();
        let key = |number: u32| Hash::new(b'n').add(&number.to_le_bytes());
        let mut dropped = 0;
        for number in 0..2 * u32::try_from(KEYS_MAX).unwrap() {
            let keys = [key(number / 2), key(number), key(7)];
            let (mut used, before) = (recent.clone(), recent.before(keys.into_iter()));
            keys.into_iter().for_each(|key| *used.touch(key) += number);
            dropped += u32::from(used.values.len() < recent.values.len());
            let after = used.clone();
            used.restore(before);
            assert!(used == recent, "{number}");
            recent = after;
        }
        assert!(dropped > 2, "{dropped}");
    }
}
