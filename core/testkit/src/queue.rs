//! What is yet to happen, in the order of its time; what happens at one moment, in the order in which it was planned.

use std::collections::BTreeMap;

/// A queue of things to happen.
#[derive(Debug)]
pub struct Queue<T> {
    planned: BTreeMap<(i64, u64), T>,
    next: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { planned: BTreeMap::new(), next: 0 }
    }
}

impl<T> Queue<T> {
    /// Plans something for a moment.
    pub fn plan(&mut self, at_ms: i64, what: T) {
        self.planned.insert((at_ms, self.next), what);
        self.next += 1;
    }

    /// The moment of what happens next.
    pub fn next_ms(&self) -> Option<i64> {
        self.planned.keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Takes what happens next, with its moment.
    pub fn take(&mut self) -> Option<(i64, T)> {
        self.planned.pop_first().map(|((at_ms, _), what)| (at_ms, what))
    }

    /// Drops what is planned and no longer wanted.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        self.planned.retain(|_, what| is_wanted(what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_the_order_of_time_and_then_of_planning() {
        let mut queue = Queue::default();
        for (at_ms, what) in [(20, 'c'), (10, 'a'), (20, 'd'), (10, 'b')] {
            queue.plan(at_ms, what);
        }
        assert_eq!(queue.next_ms(), Some(10));
        queue.retain(|what| *what != 'c');
        let order: String = std::iter::from_fn(|| queue.take()).map(|(_, what)| what).collect();
        assert_eq!(order, "abd");
    }
}
