//! What a row looks like to the learner: hashed features, each with a value.
//!
//! Character n-grams stand for texts, so that a misspelt or longer name still resembles the one that was learnt; words,
//! whole texts, the account and the amount stand beside them. A feature is a place in a table of fixed size, so that
//! nothing grows with the number of names a person has used.

use outlay_ledger::spend::Spend;

use crate::hash::{Hash, plain};

/// Places of the table. Tried on the first half of some years of a household's entries, each month predicted from those
/// before: four times fewer cost three hundredths of coverage, twice as many gained nothing.
pub(super) const PLACES: usize = 1 << 14;
/// The shortest n-gram: a word of Chinese has two characters.
const GRAM_CHARS_MIN: usize = 2;
/// The longest one: most stems fit, and longer ones are whole words, which are features too.
const GRAM_CHARS_MAX: usize = 5;
/// How much words weigh beside n-grams, which weigh one together: they say the same once more.
const WORDS: f32 = 0.7;
/// How much each other feature weighs: alone less than a text. There, too, 0.3 and 0.8 were within a hundredth.
const SINGLE: f32 = 0.5;

/// A feature of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feature {
    /// Below [`PLACES`].
    pub(super) place: u16,
    /// How much it counts.
    pub(super) value: f32,
}

/// The features of a row. A place may occur again.
pub(super) fn of(row: &Spend) -> Vec<Feature> {
    let (payee, note) = (plain(&row.payee), plain(&row.note));
    let mut features = grams(&[&payee, &note]);
    features.extend(words(&[&payee, &note]));
    features.extend(singles(row, &payee, &note));
    features
}

/// The n-grams of texts with a space at both ends, as one vector of length 1 if they differ.
fn grams(texts: &[&str]) -> Vec<Feature> {
    let mut grams = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let padded = format!(" {text} ");
        for (start, _) in padded.char_indices() {
            let mut hash = Hash::new(b'g');
            for (index, character) in padded.get(start..).unwrap_or_default().chars().take(GRAM_CHARS_MAX).enumerate() {
                hash = hash.add(character.encode_utf8(&mut [0; 4]).as_bytes());
                if index + 1 >= GRAM_CHARS_MIN {
                    grams.push(Feature { place: place(hash), value: 1.0 });
                }
            }
        }
    }
    #[allow(clippy::cast_precision_loss)] // A few for each character of two short texts.
    let value = 1.0 / (grams.len() as f32).sqrt();
    grams.iter_mut().for_each(|gram| gram.value = value);
    grams
}

/// Words and numbers of texts, as one vector of length [`WORDS`] if they differ.
fn words(texts: &[&str]) -> Vec<Feature> {
    let is_inside = |character: char| character.is_alphanumeric();
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split(|one| !is_inside(one))).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    #[allow(clippy::cast_precision_loss)] // At most as many as a text has characters.
    let value = WORDS / (words.len() as f32).sqrt();
    words.iter().map(|word| Feature { place: place(Hash::new(b'w').add(word.as_bytes())), value }).collect()
}

/// The whole text, the account and the amount, alone and in pairs.
fn singles(row: &Spend, payee: &str, note: &str) -> Vec<Feature> {
    let account = row.account.map_or([0; 16], |account| account.0);
    let minor = row.amount.minor();
    let size = [size(minor), row.amount.currency().as_bytes()[0], row.amount.currency().as_bytes()[1]];
    let exact = minor.to_le_bytes();
    let text = |tag| Hash::new(tag).add(payee.as_bytes()).add(&[0]).add(note.as_bytes());
    let hashes = [
        text(b't'),
        text(b'x').add(&exact),
        text(b'u').add(&account),
        Hash::new(b'p').add(payee.as_bytes()),
        Hash::new(b'a').add(&account),
        Hash::new(b's').add(&size),
        Hash::new(b'b').add(&account).add(&size),
        Hash::new(b'e').add(&exact).add(row.amount.currency().as_bytes()),
    ];
    hashes.iter().map(|hash| Feature { place: place(*hash), value: SINGLE }).collect()
}

/// The half octave of an amount: two amounts of one differ by less than a factor of 1.42. Whole numbers, so that it is the
/// same on every machine.
fn size(minor: i64) -> u8 {
    let amount = minor.unsigned_abs();
    let Some(octave) = amount.checked_ilog2() else { return 0 };
    let is_upper = u128::from(amount).pow(2) >> (2 * octave + 1) > 0;
    let half = u8::try_from(2 * octave + u32::from(is_upper)).unwrap_or(u8::MAX / 2);
    if minor < 0 { u8::MAX - half } else { half + 1 }
}

/// The place of a feature.
fn place(hash: Hash) -> u16 {
    let folded = hash.0 ^ (hash.0 >> 32);
    #[allow(clippy::cast_possible_truncation)] // PLACES fit 16 bits; the higher ones are folded in.
    let place = ((folded ^ (folded >> 16)) as u16) & (PLACES - 1) as u16;
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_amount_grows_by_half_octaves() {
        let sizes = [0, 1, 2, 3, 4, 5, 6, 1_000_000_000_000_000].map(size);
        assert_eq!(sizes, [0, 1, 3, 4, 5, 5, 6, 100]);
        assert_eq!([-1, -2, i64::MIN].map(size), [255, 253, 129]);
    }

    #[test]
    fn texts_that_are_written_alike_have_the_same_words_and_most_n_grams() {
        let places = |text: &str| grams(&[&plain(text)]).iter().map(|gram| gram.place).collect::<Vec<_>>();
        let (one, other) = (places("Corner Café"), places("  CORNER \n cafés"));
        let shared = one.iter().filter(|place| other.contains(place)).count();
        assert!(shared * 10 >= one.len() * 8 && shared < one.len(), "{shared} of {}", one.len());
        assert_eq!(words(&[&plain("Corner Café")])[0], words(&[&plain("corner bread")])[0]);
    }

    #[test]
    fn a_row_that_says_nothing_has_an_account_and_an_amount() {
        assert!(grams(&["", ""]).is_empty() && words(&["", "--"]).is_empty());
    }
}
