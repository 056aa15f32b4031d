//! Things that recur in a batch, each written out once.
//!
//! A thing is one number: 0 for the same as the last time, 1 for a new one (which follows elsewhere), 2 + its place for
//! an earlier one.

use std::collections::HashMap;
use std::hash::Hash;

use super::BatchError;

const SAME: u64 = 0;
const NEW: u64 = 1;
const PLACED: u64 = 2;

/// The things met so far. Writer and reader keep equal ones.
pub(super) struct Table<T> {
    items: Vec<T>,
    places: HashMap<T, usize>,
    last: usize,
}

impl<T: Eq + Hash + Clone> Table<T> {
    pub(super) fn new() -> Self {
        Self { items: Vec::new(), places: HashMap::new(), last: 0 }
    }

    /// A table in which the first thing is known from the start: what is mostly absent costs nothing.
    pub(super) fn starting_with(item: T) -> Self {
        let places = HashMap::from([(item.clone(), 0)]);
        Self { items: vec![item], places, last: 0 }
    }

    /// Whether the thing was met before.
    pub(super) fn knows(&self, item: &T) -> bool {
        self.items.get(self.last) == Some(item) || self.places.contains_key(item)
    }

    /// The number of a thing and its place. One that is new must be written out by the caller.
    pub(super) fn code(&mut self, item: &T) -> Code {
        if self.items.get(self.last) == Some(item) {
            return Code { number: SAME, place: self.last, is_new: false };
        }
        let known = self.places.get(item).copied();
        let place = known.unwrap_or(self.items.len());
        if known.is_none() {
            self.places.insert(item.clone(), place);
            self.items.push(item.clone());
        }
        self.last = place;
        let number = if known.is_none() { NEW } else { PLACED + place as u64 };
        Code { number, place, is_new: known.is_none() }
    }

    /// The place of the thing with this number, or `None` if it is a new one that the caller must [`Self::push`].
    pub(super) fn place(&mut self, number: u64) -> Result<Option<usize>, BatchError> {
        let place = match number {
            NEW => return Ok(None),
            SAME => self.last,
            number => usize::try_from(number - PLACED).map_err(|_| BatchError::Reference)?,
        };
        if place >= self.items.len() {
            return Err(BatchError::Reference);
        }
        self.last = place;
        Ok(Some(place))
    }

    /// Takes in a new thing that was read, and says its place.
    pub(super) fn push(&mut self, item: T) -> usize {
        self.last = self.items.len();
        self.items.push(item);
        self.last
    }

    /// The place of the thing met last.
    pub(super) const fn last(&self) -> usize {
        self.last
    }

    pub(super) fn get(&self, place: usize) -> Result<&T, BatchError> {
        self.items.get(place).ok_or(BatchError::Reference)
    }
}

/// How a thing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) number: u64,
    pub(super) place: usize,
    pub(super) is_new: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_finds_what_the_writer_meant() {
        let things = ["a", "a", "b", "a", "b", "b", "c", "a"];
        let (mut writer, mut reader) = (Table::starting_with("a"), Table::starting_with("a"));
        for thing in things {
            let code = writer.code(&thing);
            let place = reader.place(code.number).expect("a place").unwrap_or_else(|| reader.push(thing));
            assert_eq!((reader.get(place), place), (Ok(&thing), code.place));
        }
    }

    #[test]
    fn a_place_that_nothing_has_is_refused() {
        let mut empty = Table::<u8>::new();
        assert_eq!([0, 2, u64::MAX].map(|number| empty.place(number)), [Err(BatchError::Reference); 3]);
    }
}
