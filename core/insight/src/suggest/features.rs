//! What a row looks like to the learner: hashed features, each with a value.
//!
//! Character n-grams stand for texts, so that a misspelt or longer name still resembles the one that was learnt; words,
//! whole texts, the account and the amount stand beside them. A feature is a place in a table of fixed size, so that
//! nothing grows with the number of names a person has used.

use outlay_ledger::spend::Spend;

/// Places of the table. Tried on the first half of some years of a household's entries, each month predicted from those
/// before: four times fewer cost three hundredths of coverage, twice as many gained nothing.
pub(super) const PLACES: usize = 1 << 14;
/// Characters of a payee or note that count: a line of a phone, and a bound for the work on a pasted page.
const TEXT_CHARS_MAX: usize = 64;
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

/// The features of a row, ascending by place, each place once.
pub(super) fn of(row: &Spend) -> Vec<Feature> {
    let payee = plain(&row.payee);
    let note = plain(&row.note);
    let mut features = grams(&[&payee, &note]);
    features.extend(words(&[&payee, &note]));
    features.extend(singles(row, &payee, &note));
    merged(features)
}

/// What a row says in words, to know it again: its payee and note as [`plain`] texts. `None` if it says nothing.
pub(super) fn text_key(row: &Spend) -> Option<u64> {
    let (payee, note) = (plain(&row.payee), plain(&row.note));
    (!payee.is_empty() || !note.is_empty())
        .then(|| Hash::new(b'k').add(payee.as_bytes()).add(&[0]).add(note.as_bytes()).0)
}

/// A text in lower case with single spaces, and cut.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (index, character) in text.chars().flat_map(char::to_lowercase).enumerate() {
        if index == 2 * TEXT_CHARS_MAX {
            break;
        }
        if !character.is_whitespace() {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    let end = plain.char_indices().nth(TEXT_CHARS_MAX).map_or(plain.len(), |(end, _)| end);
    plain.truncate(end);
    plain.truncate(plain.trim_end().len());
    plain
}

/// The n-grams of texts with a space at both ends, as one vector of length 1.
fn grams(texts: &[&str]) -> Vec<Feature> {
    let mut grams = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let padded: Vec<char> = format!(" {text} ").chars().collect();
        for start in 0..padded.len() {
            let mut hash = Hash::new(b'g');
            for (index, character) in padded.iter().skip(start).take(GRAM_CHARS_MAX).enumerate() {
                hash = hash.add(character.encode_utf8(&mut [0; 4]).as_bytes());
                if index + 1 >= GRAM_CHARS_MIN {
                    grams.push(Feature { place: hash.place(), value: 1.0 });
                }
            }
        }
    }
    let mut grams = merged(grams);
    let length = grams.iter().map(|gram| gram.value * gram.value).sum::<f32>().sqrt();
    grams.iter_mut().for_each(|gram| gram.value /= length);
    grams
}

/// Words and numbers of texts, as one vector of length [`WORDS`] if they differ.
fn words(texts: &[&str]) -> Vec<Feature> {
    let is_inside = |character: char| character.is_alphanumeric();
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split(|one| !is_inside(one))).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    #[allow(clippy::cast_precision_loss)] // At most TEXT_CHARS_MAX.
    let value = WORDS / (words.len() as f32).sqrt();
    words.iter().map(|word| Feature { place: Hash::new(b'w').add(word.as_bytes()).place(), value }).collect()
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
    hashes.iter().map(|hash| Feature { place: hash.place(), value: SINGLE }).collect()
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

/// Features of equal places added up, ascending.
fn merged(mut features: Vec<Feature>) -> Vec<Feature> {
    features.sort_unstable_by(|left, right| left.place.cmp(&right.place).then(left.value.total_cmp(&right.value)));
    features.dedup_by(|next, kept| {
        let is_same = next.place == kept.place;
        if is_same {
            kept.value += next.value;
        }
        is_same
    });
    features
}

/// FNV-1a of 64 bits: short inputs, and the same for ever on every machine. Nobody gains by collisions in a table of their own.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn new(tag: u8) -> Self {
        Self(0xcbf2_9ce4_8422_2325).add(&[tag])
    }

    fn add(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)))
    }

    fn place(self) -> u16 {
        let folded = self.0 ^ (self.0 >> 32);
        #[allow(clippy::cast_possible_truncation)] // PLACES fit 16 bits; the higher ones are folded in.
        let place = ((folded ^ (folded >> 16)) as u16) & (PLACES - 1) as u16;
        place
    }
}
