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

#[derive(Debug, Clone, Copy, PartialEq)]
struct Slot {
    class: u16,
    weight: f32,
    /// The sum of squares of all its gradients.
    square: f32,
}

const EMPTY: Slot = Slot { class: FREE, weight: 0.0, square: 0.0 };

/// In each place the slots that are in use come first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights(Box<[[Slot; SLOTS]]>);

impl Weights {
    pub(super) fn new() -> Self {
        Self(vec![[EMPTY; SLOTS]; PLACES].into_boxed_slice())
    }

    /// What the features say for each class.
    pub(super) fn scores(&self, features: &[Feature], classes: usize) -> Vec<f32> {
        let mut scores = vec![0.0; classes];
        for feature in features {
            let slots = self.0.get(usize::from(feature.place)).into_iter().flatten();
            for slot in slots.take_while(|slot| slot.class != FREE) {
                if let Some(score) = scores.get_mut(usize::from(slot.class)) {
                    *score += feature.value * slot.weight;
                }
            }
        }
        scores
    }

    /// Moves the weights of a class against `error`: what was believed of it less what is true.
    pub(super) fn step(&mut self, features: &[Feature], class: u16, error: f32) {
        for feature in features {
            let Some(slots) = self.0.get_mut(usize::from(feature.place)) else { continue };
            let Some(slot) = slot_of(slots, class) else { continue };
            let gradient = error * feature.value;
            slot.square += gradient * gradient;
            slot.weight -= RATE * gradient / (slot.square + SQUARE_MIN).sqrt();
        }
    }

    /// Frees what was learnt of a class.
    pub(super) fn forget(&mut self, class: u16) {
        for slots in &mut self.0 {
            for slot in slots.iter_mut().filter(|slot| slot.class == class) {
                *slot = EMPTY;
            }
            slots.sort_by_key(|slot| slot.class == FREE);
        }
    }

    /// Writes the slots that are in use.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        for (place, slots) in self.0.iter().enumerate() {
            let used: Vec<&Slot> = slots.iter().filter(|slot| slot.class != FREE).collect();
            let (Ok(place), Ok(count @ 1..)) = (u16::try_from(place), u8::try_from(used.len())) else { continue };
            bytes.extend(place.to_le_bytes());
            bytes.push(count);
            for slot in used {
                bytes.extend(slot.class.to_le_bytes());
                bytes.extend(slot.weight.to_le_bytes());
                bytes.extend(slot.square.to_le_bytes());
            }
        }
    }

    /// Reads what [`Self::write`] wrote. `None` for anything else.
    pub(super) fn read(mut bytes: &[u8], classes: usize) -> Option<Self> {
        let mut weights = Self::new();
        while let Some(([low, high, count], rest)) = bytes.split_first_chunk() {
            let slots = weights.0.get_mut(usize::from(u16::from_le_bytes([*low, *high])))?;
            let (used, rest) = rest.split_at_checked(usize::from(*count) * SLOT_BYTES)?;
            let used =
                used.chunks_exact(SLOT_BYTES).map(|slot| read_slot(slot, classes)).collect::<Option<Vec<_>>>()?;
            slots.get_mut(..used.len())?.copy_from_slice(&used);
            bytes = rest;
        }
        bytes.is_empty().then_some(weights)
    }
}

/// The slot of a class; the first free one, or else the one that says least, if it has none.
fn slot_of(slots: &mut [Slot; SLOTS], class: u16) -> Option<&mut Slot> {
    let place = slots.iter().position(|slot| slot.class == class || slot.class == FREE).or_else(|| {
        let says = |slot: &Slot| slot.weight.abs();
        let least = slots.iter().enumerate().min_by(|(_, left), (_, right)| says(left).total_cmp(&says(right)));
        least.map(|(place, _)| place)
    })?;
    let slot = slots.get_mut(place)?;
    if slot.class != class {
        *slot = Slot { class, ..EMPTY };
    }
    Some(slot)
}

fn read_slot(bytes: &[u8], classes: usize) -> Option<Slot> {
    let (class, rest) = bytes.split_first_chunk()?;
    let (weight, rest) = rest.split_first_chunk()?;
    let square = rest.first_chunk()?;
    let (class, weight, square) =
        (u16::from_le_bytes(*class), f32::from_le_bytes(*weight), f32::from_le_bytes(*square));
    let is_sound = usize::from(class) < classes && weight.is_finite() && square.is_finite() && square >= 0.0;
    is_sound.then_some(Slot { class, weight, square })
}
