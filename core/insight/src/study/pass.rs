//! One pass over rows in the order of their dates, which can go on after a change near its end without beginning anew.
//!
//! What a learner knows depends on every row before, and on their order. So that a row of the last days, or one more, costs
//! a few steps and not all of them, what the last rows changed is kept, and taken back row by row.

use std::collections::VecDeque;

/// A learner goes over rows one by one.
pub(super) trait Learner {
    /// What a row is to it.
    type Row<'a>: Copy;
    /// What it says of a row.
    type Said;
    /// What a row changes of it, as it was before.
    type Before;

    /// One that has seen nothing.
    fn fresh() -> Self;

    /// What learning a row will change.
    fn before(&self, row: Self::Row<'_>) -> Self::Before;

    /// Learns a row, and says something of it.
    fn take(&mut self, row: Self::Row<'_>) -> Option<Self::Said>;

    /// Takes back the last row that was learnt.
    fn restore(&mut self, before: Self::Before);
}

/// The last rows, any of which may change: those of a month, of ten a day. What each changed takes some ten kilobytes. After
/// a change of a row before them all are learnt again.
const KEPT_MAX: usize = 256;

/// A learner with how far it is.
#[derive(Debug, Clone)]
pub(super) struct Pass<L: Learner> {
    learner: L,
    /// The first row that was learnt, and the one that is next.
    start: usize,
    next: usize,
    /// What the last rows before `next` changed; `None` where there was no row.
    kept: VecDeque<Option<L::Before>>,
    /// What it said of which row, ascending by place.
    said: Vec<(usize, L::Said)>,
}

impl<L: Learner> Pass<L> {
    pub(super) fn new() -> Self {
        Self { learner: L::fresh(), start: 0, next: 0, kept: VecDeque::new(), said: Vec::new() }
    }

    pub(super) const fn learner(&self) -> &L {
        &self.learner
    }

    /// What was said, the first first, with the place of the row.
    pub(super) fn said(&self) -> &[(usize, L::Said)] {
        &self.said
    }

    /// Notes that the row at a place is another one, or that the places after it have moved.
    pub(super) fn touched(&mut self, place: usize) {
        if place + self.kept.len() < self.next {
            return self.begin(self.start);
        }
        while place < self.next {
            self.next -= 1;
            self.kept.pop_back().flatten().into_iter().for_each(|before| self.learner.restore(before));
        }
        let told = self.said.partition_point(|(place, _)| *place < self.next);
        self.said.truncate(told);
    }

    /// How many rows there are to go over, of those from `start` to `end`.
    pub(super) const fn left(&self, start: usize, end: usize) -> usize {
        if start == self.start { end.saturating_sub(self.next) } else { end.saturating_sub(start) }
    }

    /// Goes over the next row of those from `start` to `end`, if there is one; `row` gives it by its place.
    pub(super) fn step<'a>(&mut self, start: usize, end: usize, row: impl Fn(usize) -> Option<L::Row<'a>>) -> bool {
        if start != self.start {
            self.begin(start);
        }
        let place = self.next;
        if place >= end {
            return false;
        }
        let row = row(place);
        if end - place <= KEPT_MAX {
            self.keep(row.map(|row| self.learner.before(row)));
        } else {
            self.kept.clear();
        }
        let said = row.and_then(|row| self.learner.take(row));
        self.said.extend(said.map(|said| (place, said)));
        self.next += 1;
        true
    }

    fn keep(&mut self, before: Option<L::Before>) {
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(before);
    }

    fn begin(&mut self, start: usize) {
        *self = Self { learner: L::fresh(), start, next: start, kept: VecDeque::new(), said: Vec::new() };
    }
}
