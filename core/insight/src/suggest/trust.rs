//! How sure is sure enough: learnt from how often the learner was right before, at each confidence.

/// How often a suggestion that is made must be right.
pub(super) const PRECISION: f32 = 0.9;
/// Bins of confidence.
pub(super) const BINS: usize = 64;
/// Answers at a confidence or above it before anything is said. The standard error below asks for nine right in a row; a
/// learner that is right three times in four has nine in a row every thirteenth time, and twenty every three hundredth.
const EVIDENCE_MIN: f32 = 20.0;
/// How often an answer must be right at about the least confidence that is enough, however right those above it were: more
/// often than not.
const NEAR_PRECISION: f32 = 0.5;
/// Bins on each side that are "about" a confidence: an eighth.
const NEAR: usize = BINS / 8;
/// What is believed at a confidence of which little is known: that answers are right as often as it says, and as firmly as
/// if so many had shown it. Half of what is wanted of the whole, so that a past without errors is no licence to guess: who
/// was never asked when unsure is not known to be right then.
const BELIEVED: f32 = EVIDENCE_MIN / 2.0;
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
    /// from has been seen as it came, what is suggested may be of a month that has not. About there, more answers must have
    /// been right than wrong. `None` if there is none or too little was asked.
    pub(super) fn threshold(&self) -> Option<f32> {
        let (mut right, mut asked, mut least) = (0.0, 0.0, None);
        for (bin, (more_right, more_asked)) in self.right.iter().zip(&self.asked).enumerate().rev() {
            right += more_right;
            asked += more_asked;
            let is_right =
                asked >= EVIDENCE_MIN && right - PRECISION * asked >= (PRECISION * (1.0 - PRECISION) * asked).sqrt();
            if is_right && self.near(bin) >= NEAR_PRECISION {
                least = Some(confidence(bin));
            }
        }
        least
    }

    /// How often answers at about the confidence of a bin were right.
    fn near(&self, bin: usize) -> f32 {
        let near = bin.saturating_sub(NEAR)..=(bin + NEAR).min(BINS - 1);
        let sum = |counts: &[f32; BINS]| counts.get(near.clone()).unwrap_or_default().iter().sum::<f32>();
        (sum(&self.right) + BELIEVED * confidence(bin)) / (sum(&self.asked) + BELIEVED)
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

/// The least confidence of a bin.
#[allow(clippy::cast_precision_loss)] // Below BINS.
fn confidence(bin: usize) -> f32 {
    bin as f32 / BINS as f32
}

/// The bin of a confidence from 0 to 1.
fn bin(confidence: f32) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    // Between 0 and BINS; `as` takes what is not a number for 0.
    let bin = (confidence * BINS as f32) as usize;
    bin.min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(past: &[(f32, bool, u32)]) -> Option<f32> {
        let mut trust = Trust::new();
        past.iter().for_each(|(confidence, is_right, times)| {
            (0..*times).for_each(|_| trust.note(*confidence, *is_right));
        });
        trust.threshold()
    }

    #[test]
    fn without_errors_it_is_where_the_learner_believes_itself_or_has_been_seen() {
        let sure = threshold(&[(0.99, true, 500)]).unwrap();
        assert!((0.45..=0.5).contains(&sure), "{sure}");
        let seen = threshold(&[(0.99, true, 500), (0.3, true, 40)]).unwrap();
        assert!((0.1..0.3).contains(&seen), "{seen}");
    }

    #[test]
    fn errors_of_those_who_were_unsure_are_not_outweighed_by_those_who_were_sure() {
        let erred = threshold(&[(0.99, true, 900), (0.2, false, 50)]).unwrap();
        assert!(erred > 0.3, "{erred}");
        assert_eq!(threshold(&[(0.99, true, 10), (0.99, false, 10)]), None);
        assert_eq!(threshold(&[(0.99, true, 12)]), None, "too little was asked");
    }
}
