//! How sure is sure enough: learnt from how often the learner was right before, at each confidence.

/// How often a suggestion that is made must be right.
pub(super) const PRECISION: f32 = 0.9;
/// Bins of confidence.
pub(super) const BINS: usize = 64;
/// Answers at a confidence or above it before anything is said. The standard error below asks for nine right in a row; a
/// learner that is right three times in four has nine in a row every thirteenth time, and twenty every three hundredth.
const EVIDENCE_MIN: f32 = 20.0;
/// How much of the past is kept with each row: the last thousand or so count, as habits change.
const KEPT: f32 = 0.999;

/// How often it was right, and how often asked, by confidence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trust {
    right: [f32; BINS],
    asked: [f32; BINS],
}

impl Trust {
    pub(super) fn new() -> Self {
        Self { right: [0.0; BINS], asked: [0.0; BINS] }
    }

    /// Notes one answer that was given before the truth was known.
    pub(super) fn note(&mut self, confidence: f32, is_right: bool) {
        self.right.iter_mut().chain(&mut self.asked).for_each(|count| *count *= KEPT);
        let bin = bin(confidence);
        if let (Some(right), Some(asked)) = (self.right.get_mut(bin), self.asked.get_mut(bin)) {
            *asked += 1.0;
            *right += if is_right { 1.0 } else { 0.0 };
        }
    }

    /// The least confidence at or above which nine in ten answers were right, by one standard error of that: what is learnt
    /// from has been seen as it came, what is suggested may be of a month that has not. `None` if there is none or too little
    /// was asked.
    pub(super) fn threshold(&self) -> Option<f32> {
        let (mut right, mut asked, mut least) = (0.0, 0.0, None);
        for (bin, (more_right, more_asked)) in self.right.iter().zip(&self.asked).enumerate().rev() {
            right += more_right;
            asked += more_asked;
            if asked >= EVIDENCE_MIN && right - PRECISION * asked >= (PRECISION * (1.0 - PRECISION) * asked).sqrt() {
                least = Some(bin);
            }
        }
        #[allow(clippy::cast_precision_loss)] // Below BINS.
        least.map(|bin| bin as f32 / BINS as f32)
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        self.right.iter().chain(&self.asked).for_each(|count| bytes.extend(count.to_le_bytes()));
    }

    /// Reads what [`Self::write`] wrote, and gives back the rest.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (own, rest) = bytes.split_at_checked(2 * BINS * size_of::<f32>())?;
        let mut trust = Self::new();
        for (count, bytes) in trust.right.iter_mut().chain(&mut trust.asked).zip(own.chunks_exact(size_of::<f32>())) {
            *count = f32::from_le_bytes(bytes.try_into().ok()?);
            if !count.is_finite() || *count < 0.0 {
                return None;
            }
        }
        Some((trust, rest))
    }
}

/// The bin of a confidence from 0 to 1.
fn bin(confidence: f32) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    // Between 0 and BINS; `as` takes what is not a number for 0.
    let bin = (confidence * BINS as f32) as usize;
    bin.min(BINS - 1)
}
