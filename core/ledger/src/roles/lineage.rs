//! What the commits below each commit say together, handed from heads to children.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Values in one shared piece: a fork copies one pointer for so many keys, and a merge compares one.
const PAGE_VALUES: usize = 64;

/// One table for each node of a graph, which is that of its heads together and what the node adds.
///
/// Along a chain one table is handed on and never copied. At a fork or merge the pages that no branch changed are shared,
/// so that it costs a pointer for every [`PAGE_VALUES`] keys and a page for each that differs. A table is let go once the
/// last child has read it.
pub(super) struct Lineage<K, V> {
    /// Where each key is in every table.
    slots: BTreeMap<K, usize>,
    tables: Vec<Option<Table<V>>>,
    unread: Vec<usize>,
    /// Whether the first value stands rather than the second.
    is_stronger: fn(&V, &V) -> bool,
}

/// What is known at one node, by slots.
#[derive(Clone)]
pub(super) struct Table<V> {
    pages: Vec<Rc<[Option<V>; PAGE_VALUES]>>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<K: Ord + Copy, V: Copy> Lineage<K, V> {
    /// For nodes of which each is the head of so many others that will be visited.
    pub(super) fn new(children: Vec<usize>, is_stronger: fn(&V, &V) -> bool) -> Self {
        Self { slots: BTreeMap::new(), tables: vec![None; children.len()], unread: children, is_stronger }
    }

    /// What the heads of a node say together. Each node is asked for once, after its heads.
    pub(super) fn below(&mut self, heads: &[usize]) -> Table<V> {
        let mut all: Option<Table<V>> = None;
        for &head in heads {
            self.unread[head] -= 1;
            let table = if self.unread[head] == 0 { self.tables[head].take() } else { self.tables[head].clone() };
            all = match (all, table) {
                (Some(all), Some(table)) => Some(self.union(all, table)),
                (all, table) => all.or(table),
            };
        }
        all.unwrap_or_default()
    }

    /// Keeps the table of a node for its children.
    pub(super) fn keep(&mut self, node: usize, table: Table<V>) {
        if self.unread[node] > 0 {
            self.tables[node] = Some(table);
        }
    }

    pub(super) fn get(&self, table: &Table<V>, key: &K) -> Option<V> {
        let slot = *self.slots.get(key)?;
        table.pages.get(slot / PAGE_VALUES)?[slot % PAGE_VALUES]
    }

    /// Puts a value into a table unless a stronger one is there.
    pub(super) fn put(&mut self, table: &mut Table<V>, key: K, value: V) {
        let next = self.slots.len();
        let slot = *self.slots.entry(key).or_insert(next);
        while table.pages.len() <= slot / PAGE_VALUES {
            table.pages.push(Rc::new([None; PAGE_VALUES]));
        }
        self.strengthen(&mut table.pages[slot / PAGE_VALUES], slot % PAGE_VALUES, value);
    }

    fn strengthen(&self, page: &mut Rc<[Option<V>; PAGE_VALUES]>, at: usize, value: V) {
        if page[at].is_none_or(|known| (self.is_stronger)(&value, &known)) {
            Rc::make_mut(page)[at] = Some(value);
        }
    }

    fn union(&self, one: Table<V>, other: Table<V>) -> Table<V> {
        let (mut all, less) = if one.pages.len() < other.pages.len() { (other, one) } else { (one, other) };
        for (page, other) in all.pages.iter_mut().zip(less.pages) {
            if Rc::ptr_eq(page, &other) {
                continue;
            }
            for (at, value) in other.iter().enumerate() {
                value.iter().for_each(|value| self.strengthen(page, at, *value));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_know_their_own_and_a_merge_knows_all() {
        // 0 forks into 1 and 2, which 3 brings together.
        let mut lineage: Lineage<u32, u32> = Lineage::new(vec![2, 1, 1, 0], |one, other| one < other);
        let mut root = lineage.below(&[]);
        (0..200).for_each(|key| lineage.put(&mut root, key, 10));
        lineage.keep(0, root);
        for (node, value) in [(1, 5), (2, 7)] {
            let mut branch = lineage.below(&[0]);
            assert_eq!(lineage.get(&branch, &150), Some(10));
            lineage.put(&mut branch, 150, value);
            lineage.put(&mut branch, 300 + value, value);
            lineage.put(&mut branch, 151, 20);
            lineage.keep(node, branch);
        }
        let merged = lineage.below(&[1, 2]);
        let known = [0, 150, 151, 305, 307, 400].map(|key| lineage.get(&merged, &key));
        assert_eq!(known, [Some(10), Some(5), Some(10), Some(5), Some(7), None]);
        assert!(lineage.tables.iter().all(Option::is_none), "nothing is kept that nobody reads any more");
    }
}
