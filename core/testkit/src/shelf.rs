//! A place where engines stay until the run ends.
//!
//! A session borrows its engine. And an engine that is put aside is not closed: nothing of it runs any more, and its files
//! are no longer looked at, as with a process that was killed.

use std::cell::{Cell, OnceCell};

use outlay_core::Engine;

/// Engines that one run may have: each holds some file handles.
const ENGINES_MAX: usize = 28;

/// The engines of one run.
pub struct Shelf {
    places: Vec<OnceCell<Engine>>,
    taken: Cell<usize>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { places: (0..ENGINES_MAX).map(|_| OnceCell::new()).collect(), taken: Cell::new(0) }
    }
}

impl Shelf {
    /// Whether there is room for so many engines more.
    pub fn has_room(&self, engines: usize) -> bool {
        self.taken.get() + engines <= self.places.len()
    }

    /// Puts an engine on the shelf; gives it back if there is no room.
    ///
    /// # Errors
    ///
    /// The engine.
    pub fn put(&self, engine: Engine) -> Result<&Engine, Box<Engine>> {
        let at = self.taken.get();
        let Some(place) = self.places.get(at) else { return Err(Box::new(engine)) };
        self.taken.set(at + 1);
        Ok(place.get_or_init(|| engine))
    }
}
