//! One pass over rows in the order of their dates, which can go on after a change near its end without beginning anew.
//!
//! What a learner knows depends on every row before, and on their order. So that a row of the last days, or one more, costs
//! a few steps and not all of them, what it knew at some places near the end is kept.

use std::collections::VecDeque;

/// A learner goes over rows one by one.
pub(super) trait Learner: Clone {
    /// What a row is to it.
    type Row<'a>;
    /// What it says of a row.
    type Said;

    /// One that has seen nothing.
    fn fresh() -> Self;

    /// Learns a row, and says something of it.
    fn take(&mut self, row: Self::Row<'_>) -> Option<Self::Said>;
}

/// Rows from one kept state to the next: to go over so many takes one or two milliseconds.
const ROWS_PER_MARK: usize = 64;
/// States that are kept, some two megabytes each, so that of the last 256 rows any may change: those of a month, of ten a
/// day. A row before them has all be learnt again.
const MARKS_MAX: usize = 5;

/// A learner with how far it is.
#[derive(Debug, Clone)]
pub(super) struct Pass<L: Learner> {
    learner: L,
    /// The first row that was learnt, and the one that is next.
    start: usize,
    next: usize,
    /// What it knew before it learnt a row, ascending by place.
    marks: VecDeque<(usize, L)>,
    /// What it said of which row, ascending by place.
    said: Vec<(usize, L::Said)>,
}

impl<L: Learner> Pass<L> {
    pub(super) fn new() -> Self {
        Self { learner: L::fresh(), start: 0, next: 0, marks: VecDeque::new(), said: Vec::new() }
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
        if place >= self.next {
            return;
        }
        while self.marks.back().is_some_and(|(at, _)| *at > place) {
            self.marks.pop_back();
        }
        let Some((at, learner)) = self.marks.back().filter(|_| place >= self.start) else {
            return self.begin(self.start);
        };
        (self.learner, self.next) = (learner.clone(), *at);
        let kept = self.said.partition_point(|(place, _)| *place < self.next);
        self.said.truncate(kept);
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
        let is_marked = self.marks.back().is_some_and(|(at, _)| *at == place);
        if place.is_multiple_of(ROWS_PER_MARK) && end - place <= MARKS_MAX * ROWS_PER_MARK && !is_marked {
            self.mark(place);
        }
        let said = row(place).and_then(|row| self.learner.take(row));
        self.said.extend(said.map(|said| (place, said)));
        self.next += 1;
        true
    }

    fn mark(&mut self, place: usize) {
        if self.marks.len() >= MARKS_MAX {
            self.marks.pop_front();
        }
        self.marks.push_back((place, self.learner.clone()));
    }

    fn begin(&mut self, start: usize) {
        *self = Self { learner: L::fresh(), start, next: start, marks: VecDeque::new(), said: Vec::new() };
    }
}
