//! The learner's weights: for each feature those of the few classes it speaks for or against, in a table of fixed size.
//!
//! A step is that of AdaGrad (Duchi, Hazan, Singer 2011): the more a weight has moved already, the less it moves.

use super::features::{Feature, PLACES};

/// Classes that one feature speaks for or against; most have one or two. Tried as `PLACES` was: four cost a twentieth of
/// macro-F1, 24 gained nothing.
const SLOTS: usize = 8;
/// How far a first step goes. Tried as `PLACES` was: from 0.5 to 1.2 all is within a hundredth or two.
const RATE: f32 = 0.7;
/// What keeps the first step finite.
const SQUARE_MIN: f32 = 1e-3;
/// The class of a slot that is free.
const FREE: u16 = u16::MAX;
/// Bytes of a slot: class, weight, square.
const SLOT_BYTES: usize = 10;

/// What one feature says: of each class a weight, with the sum of squares of all its gradients. Slots that are in use come
/// first. Each property lies by itself, so that one instruction goes over several slots.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slots {
    classes: [u16; SLOTS],
    weights: [f32; SLOTS],
    squares: [f32; SLOTS],
}

const EMPTY: Slots = Slots { classes: [FREE; SLOTS], weights: [0.0; SLOTS], squares: [0.0; SLOTS] };

/// The slots of some places, as they were.
#[derive(Debug, Clone)]
pub(super) struct Places(Vec<(u16, Slots)>);

/// The slots of each place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights(Box<[Slots]>);

impl Weights {
    pub(super) fn new() -> Self {
        Self(vec![EMPTY; PLACES].into_boxed_slice())
    }

    /// What the features say for each class.
    pub(super) fn scores(&self, features: &[Feature], classes: usize) -> Vec<f32> {
        let mut scores = vec![0.0; classes];
        for feature in features {
            let Some(slots) = self.0.get(usize::from(feature.place)) else { continue };
            for (class, weight) in slots.classes.iter().zip(&slots.weights).take_while(|(class, _)| **class != FREE) {
                if let Some(score) = scores.get_mut(usize::from(*class)) {
                    *score += feature.value * weight;
                }
            }
        }
        scores
    }

    /// Moves the weights of classes against their errors: what was believed of each less what is true, by class; 0 moves
    /// nothing.
    pub(super) fn step(&mut self, features: &[Feature], errors: &[f32]) {
        let wrong: Vec<(u16, f32)> = (0..).zip(errors.iter().copied()).filter(|(_, error)| *error != 0.0).collect();
        for feature in features {
            let Some(slots) = self.0.get_mut(usize::from(feature.place)) else { continue };
            let error = |class: u16| errors.get(usize::from(class)).copied().unwrap_or(0.0);
            let known = slots.classes;
            slots.descend(known.map(|class| error(class) * feature.value));
            for (class, error) in wrong.iter().filter(|(class, _)| !known.contains(class)) {
                slots.enter(*class, error * feature.value);
            }
        }
    }

    /// What is learnt of features, to be put back.
    pub(super) fn places(&self, features: &[Feature]) -> Places {
        let slots = |feature: &Feature| Some((feature.place, *self.0.get(usize::from(feature.place))?));
        Places(features.iter().filter_map(slots).collect())
    }

    /// Forgets what was learnt of features since.
    pub(super) fn put_back(&mut self, Places(places): Places) {
        for (place, before) in places {
            self.0.get_mut(usize::from(place)).into_iter().for_each(|slots| *slots = before);
        }
    }

    /// Frees what was learnt of a class.
    pub(super) fn forget(&mut self, class: u16) {
        for slots in self.0.iter_mut().filter(|slots| slots.classes.contains(&class)) {
            *slots = slots.used().filter(|(other, ..)| *other != class).collect();
        }
    }

    /// Writes the slots that are in use.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        for (place, slots) in self.0.iter().enumerate() {
            let (Ok(place), Ok(count @ 1..)) = (u16::try_from(place), u8::try_from(slots.used().count())) else {
                continue;
            };
            bytes.extend(place.to_le_bytes());
            bytes.push(count);
            for (class, weight, square) in slots.used() {
                bytes.extend(class.to_le_bytes());
                bytes.extend(weight.to_le_bytes());
                bytes.extend(square.to_le_bytes());
            }
        }
    }

    /// Reads what [`Self::write`] wrote. `None` for anything else.
    pub(super) fn read(mut bytes: &[u8], classes: usize) -> Option<Self> {
        let mut weights = Self::new();
        while let Some(([low, high, count], rest)) = bytes.split_first_chunk() {
            let slots = weights.0.get_mut(usize::from(u16::from_le_bytes([*low, *high])))?;
            let (used, rest) = rest.split_at_checked(usize::from(*count) * SLOT_BYTES)?;
            let used = used.chunks_exact(SLOT_BYTES).map(|slot| read_slot(slot, classes));
            *slots = (usize::from(*count) <= SLOTS).then(|| used.collect()).flatten()?;
            bytes = rest;
        }
        bytes.is_empty().then_some(weights)
    }
}

type Slot = (u16, f32, f32);

impl Slots {
    /// Class, weight and square of each slot that is in use.
    fn used(&self) -> impl Iterator<Item = Slot> {
        let slots = self.classes.into_iter().zip(self.weights).zip(self.squares);
        slots.map(|((class, weight), square)| (class, weight, square)).take_while(|(class, ..)| *class != FREE)
    }

    /// Moves each weight against its gradient.
    fn descend(&mut self, gradients: [f32; SLOTS]) {
        for ((weight, square), gradient) in self.weights.iter_mut().zip(&mut self.squares).zip(gradients) {
            *square += gradient * gradient;
            *weight -= RATE * gradient / (*square + SQUARE_MIN).sqrt();
        }
    }

    /// Makes the first step of a class that has no slot: in the first free one, or in place of the one that says least.
    fn enter(&mut self, class: u16, gradient: f32) {
        let free = self.classes.iter().position(|class| *class == FREE);
        let says = |place: &usize| self.weights.get(*place).map_or(0.0, |weight| weight.abs());
        let least = || (0..SLOTS).min_by(|left, right| says(left).total_cmp(&says(right)));
        let Some(place) = free.or_else(least) else { return };
        let square = gradient * gradient;
        self.set(place, (class, -RATE * gradient / (square + SQUARE_MIN).sqrt(), square));
    }

    fn set(&mut self, place: usize, (class, weight, square): Slot) {
        self.classes.get_mut(place).into_iter().for_each(|old| *old = class);
        self.weights.get_mut(place).into_iter().for_each(|old| *old = weight);
        self.squares.get_mut(place).into_iter().for_each(|old| *old = square);
    }
}

impl FromIterator<Slot> for Slots {
    fn from_iter<I: IntoIterator<Item = Slot>>(used: I) -> Self {
        let mut slots = EMPTY;
        used.into_iter().take(SLOTS).enumerate().for_each(|(place, slot)| slots.set(place, slot));
        slots
    }
}

fn read_slot(bytes: &[u8], classes: usize) -> Option<Slot> {
    let (class, rest) = bytes.split_first_chunk()?;
    let (weight, rest) = rest.split_first_chunk()?;
    let square = rest.first_chunk()?;
    let (class, weight, square) =
        (u16::from_le_bytes(*class), f32::from_le_bytes(*weight), f32::from_le_bytes(*square));
    let is_sound = usize::from(class) < classes && weight.is_finite() && square.is_finite() && square >= 0.0;
    is_sound.then_some((class, weight, square))
}
