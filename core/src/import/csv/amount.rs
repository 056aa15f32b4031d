//! Amounts as files write them: grouped, signed before or behind, in parentheses, with a currency beside.
//!
//! The decimal sign is the file's and not the cell's: where it is a comma, `1.234` is a thousand, and `12.50` is no
//! amount but rejected with a hint.

use outlay_ledger::{Currency, Money, MoneyError};

use super::header::symbol_currency;
use super::{Decimal, RowError};

/// A cell read as an amount, before its currency is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// It has a minus, parentheses, or a mark for debit.
    pub(super) is_negative: bool,
    /// It says its sign, if only by a plus.
    pub(super) is_signed: bool,
    /// The currency written beside it.
    pub(super) currency: Option<Currency>,
    /// Digits, and a point before decimals, without a sign.
    digits: String,
}

impl Number {
    /// The size of the amount. Decimals beyond the currency's are passed over where they are zero.
    pub(super) fn size(&self, currency: Currency) -> Result<Money, RowError> {
        let digits = match self.digits.split_once('.') {
            Some((whole, decimals)) => {
                let most = usize::from(currency.exponent());
                let idle = decimals.bytes().skip(most).all(|byte| byte == b'0');
                let kept = if idle { &decimals[..most.min(decimals.len())] } else { decimals };
                if kept.is_empty() { whole } else { &self.digits[..=whole.len() + kept.len()] }
            }
            None => &self.digits,
        };
        Ok(Money::parse(digits, currency)?)
    }
}

/// Reads a cell; `None` if it is no amount in this notation.
pub(super) fn read(cell: &str, decimal: Decimal) -> Option<Number> {
    let (before, core, after) = parts(cell, decimal)?;
    let mut marks = Marks::default();
    marks.read(before)?;
    marks.read(after)?;
    let digits = plain_digits(core, decimal)?;
    if marks.opened != marks.closed || marks.signs > 1 {
        return None;
    }
    let is_negative = marks.is_negative || marks.opened;
    Some(Number { is_negative, is_signed: marks.signs > 0 || marks.opened, currency: marks.currency, digits })
}

/// What to say of a cell that is no amount.
pub(super) fn error(cell: &str, currency: Currency) -> RowError {
    match Money::parse(cell, currency) {
        // It is money elsewhere, but not in this file's notation.
        Ok(money) => RowError::Amount(MoneyError::NotMoney { hint: Some(money.amount_text()) }),
        Err(error) => RowError::Amount(error),
    }
}

/// Which decimal sign a cell gives away, if it does: `1,234` may be grouped and does not.
pub(super) fn decimal_sign(cell: &str) -> Option<Decimal> {
    let (_, core, _) = parts(cell, Decimal::Point)?;
    let at = core.rfind([',', '.'])?;
    let (whole, last) = (&core[..at], &core[at..]);
    let sign = if last.starts_with(',') { Decimal::Comma } else { Decimal::Point };
    if whole.contains(&last[..1]) {
        return Some(if sign == Decimal::Comma { Decimal::Point } else { Decimal::Comma });
    }
    let is_clear = last.len() != 4 || whole.contains([',', '.']);
    is_clear.then_some(sign)
}

/// What stands before the digits, the digits with their signs, and what stands behind.
fn parts(cell: &str, decimal: Decimal) -> Option<(&str, &str, &str)> {
    let mut first = cell.find(|c: char| c.is_ascii_digit())?;
    let last = cell.rfind(|c: char| c.is_ascii_digit())?;
    // `.50`, but not the point of `Rs.50`.
    let before = &cell[..first];
    if before.ends_with(decimal.character()) && !before[..first - 1].ends_with(char::is_alphabetic) {
        first -= 1;
    }
    let after = &cell[last + 1..];
    // `12.-` and `12.` are whole.
    let after = match after.strip_prefix(decimal.character()) {
        Some(rest) => rest.strip_prefix(['-', '–', '—']).unwrap_or(rest),
        None => after,
    };
    Some((&cell[..first], &cell[first..=last], after))
}

/// What the signs and letters around the digits say.
#[derive(Default)]
struct Marks {
    is_negative: bool,
    signs: u8,
    opened: bool,
    closed: bool,
    currency: Option<Currency>,
}

impl Marks {
    fn read(&mut self, mut text: &str) -> Option<()> {
        while let Some(mark) = text.chars().next() {
            let length = if mark.is_alphabetic() { word_bytes(text) } else { mark.len_utf8() };
            let (piece, rest) = text.split_at(length);
            if mark.is_alphabetic() {
                self.word(piece)?
            } else {
                self.sign(mark)?
            }
            text = rest;
        }
        Some(())
    }

    fn sign(&mut self, mark: char) -> Option<()> {
        match mark {
            '-' | '\u{2212}' | '–' => {
                self.is_negative = true;
                self.signs += 1;
            }
            '+' => self.signs += 1,
            '(' => self.opened = true,
            ')' => self.closed = true,
            '€' | '£' | '₹' => self.currency = symbol_currency(mark),
            '$' | '¥' | '₩' | '₽' | '₺' | '₴' | '₪' | '฿' | '₱' | '₦' | '₫' | '₡' | '₲' | '₵' | '₸' | '₼' | '₾'
            | '.' => {}
            mark if mark.is_whitespace() => {}
            _ => return None,
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        match word {
            "CR" | "Cr" | "cr" | "H" => self.signs += 1,
            "DR" | "Dr" | "dr" | "S" => {
                self.is_negative = true;
                self.signs += 1;
            }
            "Rs" | "kr" | "Kr" | "zł" | "Kč" | "Ft" | "lei" | "R" | "US" | "C" | "A" | "NZ" | "HK" | "Fr" | "лв" => {
            }
            code => self.currency = Some(Currency::parse(code).ok()?),
        }
        Some(())
    }
}

fn word_bytes(text: &str) -> usize {
    text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len())
}

/// Digits and a point: the grouping is taken out where it is one.
fn plain_digits(core: &str, decimal: Decimal) -> Option<String> {
    let (whole, decimals) = core.split_once(decimal.character()).unwrap_or((core, ""));
    if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = ungrouped(whole, decimal)?;
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if decimals.is_empty() { "" } else { "." };
    Some(format!("{whole}{point}{decimals}"))
}

fn ungrouped(whole: &str, decimal: Decimal) -> Option<String> {
    if whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(whole.to_owned());
    }
    let separator = whole.chars().find(|c| !c.is_ascii_digit()).filter(|c| decimal.is_grouping(*c))?;
    let groups: Vec<&str> = whole.split(separator).collect();
    let (last, others) = groups.split_last()?;
    let (first, middle) = others.split_first()?;
    // Groups of three, or as India writes them of two before a last one of three.
    let is_grouped = matches!(first.len(), 1..=3)
        && last.len() == 3
        && (middle.iter().all(|group| group.len() == 3) || middle.iter().all(|group| group.len() == 2));
    let is_digits = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    (is_grouped && is_digits).then(|| groups.concat())
}

impl Decimal {
    const fn character(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn is_grouping(self, separator: char) -> bool {
        match separator {
            ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '\u{2019}' | '_' => true,
            ',' => self == Self::Point,
            '.' => self == Self::Comma,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(cell: &str, decimal: Decimal, code: &str) -> Option<i64> {
        let number = read(cell, decimal)?;
        let size = number.size(number.currency.unwrap_or(Currency::parse(code).unwrap())).ok()?;
        Some(if number.is_negative { -size.minor() } else { size.minor() })
    }

    #[test]
    fn amounts_are_read_in_the_notation_of_the_file() {
        use Decimal::{Comma, Point};
        for (cell, decimal, minor_units) in [
            ("12.50", Point, 1250),
            ("-1,234.56", Point, -123_456),
            ("1.234,56-", Comma, -123_456),
            ("12,5", Comma, 1250),
            ("1.234", Comma, 123_400),
            ("1,234", Point, 123_400),
            ("1,23,456.00", Point, 12_345_600),
            ("(45.00)", Point, -4500),
            ("($45.00)", Point, -4500),
            ("-$45", Point, -4500),
            ("$ -45.00", Point, -4500),
            ("\u{2212}3,20 €", Comma, -320),
            ("€ 3,20", Comma, 320),
            ("12.50 EUR", Point, 1250),
            ("EUR 1'234.50", Point, 123_450),
            ("1\u{202f}234,5", Comma, 123_450),
            ("100.00 Cr", Point, 10_000),
            ("100.00 DR", Point, -10_000),
            ("Rs.50", Point, 5000),
            (".50", Point, 50),
            ("12.", Point, 1200),
            ("12.–", Point, 1200),
            ("+7", Point, 700),
            ("007.5000", Point, 750),
            ("0,00", Comma, 0),
        ] {
            assert_eq!(minor(cell, decimal, "EUR"), Some(minor_units), "{cell}");
        }
        assert_eq!(minor("1250.00", Point, "JPY"), Some(1250), "idle decimals");
    }

    #[test]
    fn what_is_no_amount_in_this_notation_is_none() {
        use Decimal::{Comma, Point};
        for (cell, decimal) in [
            ("12,5,0", Point),
            ("12.50", Comma),
            ("1e3", Point),
            ("20-09-2018", Point),
            ("12:30", Point),
            ("", Point),
            ("EUR", Point),
            ("--5", Point),
            ("(5", Point),
            ("5%", Point),
            ("1.2.3", Point),
            ("1,2345", Point),
            ("12 apples", Point),
            ("١٢", Point),
        ] {
            assert_eq!(read(cell, decimal), None, "{cell:?}");
        }
        assert_eq!(minor("12.345", Point, "EUR"), None, "more decimals than the currency has");
    }

    #[test]
    fn a_refused_amount_comes_with_a_hint_where_there_is_one() {
        let euro = Currency::parse("EUR").unwrap();
        let hint = |text: &str| RowError::Amount(MoneyError::NotMoney { hint: Some(text.to_owned()) });
        assert_eq!(error("12,50", euro), hint("12.50"));
        assert_eq!(error("12.50", euro), hint("12.50"));
        assert_eq!(error("1e3", euro), RowError::Amount(MoneyError::NotMoney { hint: None }));
    }

    #[test]
    fn the_decimal_sign_is_told_only_where_it_is_certain() {
        for (cell, sign) in [
            ("12,50", Some(Decimal::Comma)),
            ("1.234,50", Some(Decimal::Comma)),
            ("1,234.5", Some(Decimal::Point)),
            ("1.234.567", Some(Decimal::Comma)),
            ("1.234,567", Some(Decimal::Comma)),
            ("1,234", None),
            ("1234", None),
            ("", None),
        ] {
            assert_eq!(decimal_sign(cell), sign, "{cell}");
        }
    }
}
