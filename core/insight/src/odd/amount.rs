//! How unusual an amount is, for its payee, else its category: from the last amounts there.
//!
//! What share of charges is as large is estimated at each level from the widest to the narrowest, and the more a level has
//! seen, the less the wider ones count. Each amount that was seen counts as a spread of amounts around it, with the share
//! v² / (v² + x²) of them above x: a logistic distribution of the logarithm. It has heavy tails, so that a payee seen twice
//! proves little, and it needs no logarithm.

use super::Among;
use super::keys::Keys;
use crate::recent::{self, Recent};

/// Amounts that a level remembers. Tried on charges made ten times as large in the first half of some years of a household:
/// 100 were worse by a hundredth, as prices and habits change.
const AMOUNTS_MAX: usize = 16;
/// How many amounts of a level weigh as much as all the wider ones. There, 1 was best and 8 worse by a hundredth.
const PRIOR: f32 = 1.0;
/// What is believed where nothing was seen: that it is like any other.
const SHARE_FIRST: f32 = 0.5;
/// Amounts before one speaks of what is usual.
const USUAL_MIN: usize = 3;
/// Charges before one speaks of what is rare, and of how many one may be: who enters ten a week is asked once in ten weeks.
const RARE_AMONG: u64 = 100;
/// Steps of the logarithm of a share that are told apart, a quarter of a nat each.
const STEPS: usize = 64;
const STEPS_A_NAT: f32 = 4.0;

/// What was spent, by level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Amounts {
    rings: Recent<Ring>,
    /// How many charges had a share of each step. Some people's amounts vary more than others'.
    past: [u32; STEPS],
}

/// What learning a charge may change, as it was before.
#[derive(Debug, Clone)]
pub(super) struct Before {
    rings: recent::Before<Ring>,
    past: [u32; STEPS],
}

/// The last amounts of a level, in minor units.
#[derive(Debug, Clone, Default, PartialEq)]
struct Ring {
    amounts: Vec<i64>,
    next: usize,
}

impl Amounts {
    pub(super) fn new() -> Self {
        Self { rings: Recent::new(), past: [0; STEPS] }
    }

    /// What share of charges like this one is as large, above 0.
    pub(super) fn share(&self, keys: &Keys, minor: i64) -> f32 {
        let rings = keys.amounts.iter().flatten().filter_map(|(_, key)| self.rings.get(*key));
        rings.fold(SHARE_FIRST, |wider, ring| ring.share(minor, wider)).max(f32::MIN_POSITIVE)
    }

    /// What is usual among all charges, once there are [`RARE_AMONG`].
    pub(super) fn usual_of_all(&self, keys: &Keys) -> Option<i64> {
        let (_, widest) = keys.amounts.iter().flatten().next()?;
        self.rings.get(*widest)?.median().filter(|_| total(&self.past) >= RARE_AMONG)
    }

    /// Whether at most one charge in a hundred was as unusual for its payee or category, of those of this person.
    pub(super) fn is_rare(&self, share: f32) -> bool {
        let (as_rare, all) = (total(self.past.get(step(share)..).unwrap_or_default()), total(&self.past));
        all >= RARE_AMONG && (as_rare + 1) <= all / RARE_AMONG
    }

    /// What is usual for this charge, in minor units, and among what: the median of the narrowest level that has seen enough.
    pub(super) fn usual(&self, keys: &Keys) -> Option<(i64, Among)> {
        let narrowest_first = keys.amounts.iter().flatten().rev();
        narrowest_first.filter_map(|(among, key)| Some((self.rings.get(*key)?.median()?, *among))).next()
    }

    /// How many charges its topmost category has seen, up to [`AMOUNTS_MAX`].
    pub(super) fn count(&self, keys: &Keys) -> usize {
        self.rings.get(keys.top).map_or(0, |ring| ring.amounts.len())
    }

    pub(super) fn before(&self, keys: &Keys) -> Before {
        let rings = self.rings.before(keys.amounts.iter().flatten().map(|(_, key)| *key));
        Before { rings, past: self.past }
    }

    pub(super) fn restore(&mut self, before: Before) {
        self.rings.restore(before.rings);
        self.past = before.past;
    }

    pub(super) fn learn(&mut self, keys: &Keys, minor: i64) {
        let step = step(self.share(keys, minor));
        if let Some(count) = self.past.get_mut(step) {
            *count = count.saturating_add(1);
        }
        for (_, key) in keys.amounts.iter().flatten() {
            self.rings.touch(*key).push(minor);
        }
    }
}

impl Ring {
    fn push(&mut self, minor: i64) {
        match self.amounts.get_mut(self.next) {
            Some(oldest) => *oldest = minor,
            None => self.amounts.push(minor),
        }
        self.next = (self.next + 1) % AMOUNTS_MAX;
    }

    #[allow(clippy::cast_precision_loss)] // A share, not an amount; 24 bits of one are enough.
    fn share(&self, minor: i64, wider: f32) -> f32 {
        let larger = self.amounts.iter().map(|seen| {
            let ratio = minor as f32 / *seen as f32;
            1.0 / (1.0 + ratio * ratio)
        });
        (larger.sum::<f32>() + PRIOR * wider) / (self.amounts.len() as f32 + PRIOR)
    }

    fn median(&self) -> Option<i64> {
        let mut sorted = self.amounts.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= USUAL_MIN)
    }
}

fn total(counts: &[u32]) -> u64 {
    counts.iter().copied().map(u64::from).sum()
}

/// The step of a share: the rarer, the higher.
fn step(share: f32) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Cut to what there is; of no number, the first.
    let step = (-libm::logf(share) * STEPS_A_NAT) as usize;
    step.min(STEPS - 1)
}
