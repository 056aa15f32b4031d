//! Money: whole minor units of one currency, checked arithmetic, one strict text form.
//!
//! An amount is an `i64` count of minor units (cents, yen, fils), at most [`MINOR_MAX`] either way. Nothing here
//! rounds, converts or uses a float; sums of many amounts are 128 bits wide and made elsewhere.
//!
//! The text form is `-12.50`: digits, a point, no grouping. Other notations are refused with a hint at what they
//! probably mean, never guessed: a wrong guess is a wrong sum that nobody notices.

mod hint;
mod split;

use std::fmt;

pub use split::{SplitError, split};

use crate::limits::MINOR_MAX;
use crate::{Currency, CurrencyError};

/// An amount in one currency, in minor units.
///
/// ```
/// use outlay_ledger::{Currency, Money};
/// let euro = Currency::parse("EUR")?;
/// let coffee = Money::parse("3.40", euro)?;
/// assert_eq!(coffee.minor(), 340);
/// assert_eq!(coffee.checked_add(coffee)?.to_string(), "6.80 EUR");
/// # Ok::<(), outlay_ledger::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// An amount that is none, or an operation that has no result. It does not repeat the amount; a hint does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text is not in the one form amounts have. `hint` is the amount it probably means.
    #[error("an amount is written like 12.50{}", did_you_mean(.hint))]
    NotMoney {
        /// The same amount in the strict form, where there is one likely reading.
        hint: Option<String>,
    },
    /// The text has more decimals than the currency.
    #[error("{}", too_many_decimals(.currency, .allowed))]
    TooManyDecimals {
        /// The currency of the amount.
        currency: Currency,
        /// How many decimals it has.
        allowed: u8,
    },
    /// The amount, or the result, is beyond [`MINOR_MAX`] minor units.
    #[error("the amount is beyond 10^15 minor units")]
    OutOfRange,
    /// Two currencies in one operation.
    #[error("{left} and {right} are different currencies")]
    CurrencyMismatch {
        /// The currency of the left operand.
        left: Currency,
        /// The currency of the right operand.
        right: Currency,
    },
    /// A text with a currency does not name one.
    #[error(transparent)]
    Currency(#[from] CurrencyError),
}

impl Money {
    /// An amount of `minor` minor units.
    ///
    /// # Errors
    ///
    /// [`MoneyError::OutOfRange`] if |`minor`| is more than [`MINOR_MAX`].
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor.unsigned_abs() > MINOR_MAX.unsigned_abs() {
            return Err(MoneyError::OutOfRange);
        }
        Ok(Self { minor, currency })
    }

    /// The amount in minor units: cents of a euro, whole yen.
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Parses the strict text form: `-` or nothing, digits without idle leading zeros, and at most as many decimals
    /// as the currency has.
    ///
    /// # Errors
    ///
    /// * [`MoneyError::NotMoney`] for every other form, with a hint where it has one likely meaning.
    /// * [`MoneyError::TooManyDecimals`] if the form is right and the currency has fewer decimals.
    /// * [`MoneyError::OutOfRange`] if it is beyond [`MINOR_MAX`].
    ///
    /// ```
    /// use outlay_ledger::{Currency, Money, MoneyError};
    /// let euro = Currency::parse("EUR")?;
    /// assert_eq!(Money::parse("12.5", euro)?.minor(), 1250);
    /// assert_eq!(Money::parse("12,50", euro), Err(MoneyError::NotMoney { hint: Some("12.50".into()) }));
    /// assert_eq!(Money::parse("1e3", euro), Err(MoneyError::NotMoney { hint: None }));
    /// # Ok::<(), MoneyError>(())
    /// ```
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let form = Form::read(text).ok_or_else(|| MoneyError::NotMoney { hint: hint::likely(text, currency) })?;
        form.money(currency)
    }

    /// Parses an amount, one space and a currency, as [`Display`](fmt::Display) writes it.
    ///
    /// # Errors
    ///
    /// Those of [`Money::parse`], and [`MoneyError::Currency`] if the last word is not one.
    ///
    /// ```
    /// use outlay_ledger::Money;
    /// let rent = Money::parse_with_currency("900 EUR")?;
    /// assert_eq!(rent.to_string(), "900.00 EUR");
    /// assert_eq!(Money::parse_with_currency(&rent.to_string())?, rent);
    /// # Ok::<(), outlay_ledger::MoneyError>(())
    /// ```
    pub fn parse_with_currency(text: &str) -> Result<Self, MoneyError> {
        let (amount, code) = text.rsplit_once(' ').ok_or(CurrencyError::NotACode { hint: None })?;
        Self::parse(amount, Currency::parse(code)?)
    }

    /// The amount with exactly as many decimals as its currency has, without the currency: `12.50`, `-3`.
    ///
    /// ```
    /// use outlay_ledger::{Currency, Money};
    /// assert_eq!(Money::new(-5, Currency::parse("EUR")?)?.amount_text(), "-0.05");
    /// assert_eq!(Money::new(1250, Currency::parse("JPY")?)?.amount_text(), "1250");
    /// # Ok::<(), outlay_ledger::MoneyError>(())
    /// ```
    pub fn amount_text(&self) -> String {
        Amount(self).to_string()
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::OutOfRange`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        // Two amounts within the range cannot leave an i64.
        Self::new(self.minor + other.minor, self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::OutOfRange`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negate())
    }

    /// The amount nearest to `minor` minor units: a sum or a statistic beyond [`MINOR_MAX`] ends there.
    ///
    /// ```
    /// use outlay_ledger::{Currency, Money, limits::MINOR_MAX};
    /// assert_eq!(Money::nearest(340, Currency::EUR).minor(), 340);
    /// assert_eq!(Money::nearest(i64::MIN, Currency::EUR).minor(), -MINOR_MAX);
    /// ```
    pub const fn nearest(minor: i64, currency: Currency) -> Self {
        let minor = if minor > MINOR_MAX { MINOR_MAX } else { minor };
        Self { minor: if minor < -MINOR_MAX { -MINOR_MAX } else { minor }, currency }
    }

    /// The same amount the other way. The range is symmetric, so there always is one.
    #[must_use]
    pub const fn negate(self) -> Self {
        Self { minor: -self.minor, currency: self.currency }
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Amount(self), self.currency)
    }
}

/// Writes an amount with the decimals of its currency.
struct Amount<'a>(&'a Money);

impl fmt::Display for Amount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Money { minor, currency } = self.0;
        let decimals = usize::from(currency.exponent());
        let unit = 10_u64.pow(u32::from(currency.exponent()));
        let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
        let sign = if *minor < 0 { "-" } else { "" };
        match decimals {
            0 => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{part:0decimals$}"),
        }
    }
}

/// A text in the strict form, taken apart.
struct Form<'a> {
    is_negative: bool,
    whole: &'a str,
    decimals: &'a str,
}

impl<'a> Form<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = match digits.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (digits, None),
        };
        let is_idle_zero = whole.len() > 1 && whole.starts_with('0');
        let is_minus_zero = is_negative && digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let is_form = is_digits(whole) && decimals.is_none_or(is_digits) && !is_idle_zero && !is_minus_zero;
        is_form.then_some(Self { is_negative, whole, decimals: decimals.unwrap_or("") })
    }

    fn money(&self, currency: Currency) -> Result<Money, MoneyError> {
        let allowed = currency.exponent();
        let missing = usize::from(allowed)
            .checked_sub(self.decimals.len())
            .ok_or(MoneyError::TooManyDecimals { currency, allowed })?;
        let mut digits = self.whole.bytes().chain(self.decimals.bytes()).chain(std::iter::repeat_n(b'0', missing));
        let size = digits.try_fold(0_i64, push_digit).ok_or(MoneyError::OutOfRange)?;
        Money::new(if self.is_negative { -size } else { size }, currency)
    }
}

fn push_digit(size: i64, digit: u8) -> Option<i64> {
    size.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn did_you_mean(hint: &Option<String>) -> String {
    hint.as_ref().map(|amount| format!("; did you mean {amount}?")).unwrap_or_default()
}

fn too_many_decimals(currency: &Currency, allowed: &u8) -> String {
    match allowed {
        0 => format!("{currency} has no decimals"),
        _ => format!("{currency} has {allowed} decimals"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn parse(text: &str, code: &str) -> Result<i64, MoneyError> {
        Money::parse(text, currency(code)).map(|money| money.minor())
    }

    fn hint(text: &str) -> Option<String> {
        match parse(text, "EUR") {
            Err(MoneyError::NotMoney { hint }) => hint,
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn the_strict_form_is_read_by_the_decimals_of_the_currency() {
        for (text, code, minor) in [
            ("12.50", "EUR", 1250),
            ("12.5", "EUR", 1250),
            ("12", "EUR", 1200),
            ("-0.01", "EUR", -1),
            ("0", "EUR", 0),
            ("0.00", "EUR", 0),
            ("1250", "JPY", 1250),
            ("1.234", "KWD", 1234),
            ("1.2345", "CLF", 12345),
            ("10000000000000.00", "EUR", MINOR_MAX),
            ("-10000000000000", "EUR", -MINOR_MAX),
        ] {
            assert_eq!(parse(text, code), Ok(minor), "{text} {code}");
        }
    }

    #[test]
    fn other_forms_are_refused_and_where_the_meaning_is_likely_it_is_named() {
        for (text, meant) in [
            ("12,50", "12.50"),
            ("12,5", "12.5"),
            ("1.234,50", "1234.50"),
            ("1,234.50", "1234.50"),
            ("-1.234.567,89", "-1234567.89"),
            ("12,34,567.80", "1234567.80"),
            ("1'234.50", "1234.50"),
            ("1 000", "1000"),
            ("1\u{202f}000,5", "1000.5"),
            ("1,000", "1000"),
            (".5", "0.5"),
            ("1.", "1"),
            ("+1", "1"),
            (" 12", "12"),
            ("007", "7"),
            ("-0", "0"),
            ("\u{2212}3", "-3"),
        ] {
            assert_eq!(hint(text).as_deref(), Some(meant), "{text:?}");
        }
        for text in [
            "",
            "-",
            ".",
            ",",
            "12,5,0",
            "1e3",
            "0x10",
            "١٢",
            "１２",
            "12.50 EUR",
            "€5",
            "1.2.3",
            "--1",
            "NaN",
            "1,2345",
            "\0",
        ] {
            assert_eq!(hint(text), None, "{text:?}");
        }
        assert_eq!(parse("1,234", "KWD"), Err(MoneyError::NotMoney { hint: None }), "one dinar or a thousand");
    }

    #[test]
    fn too_many_decimals_and_too_much_have_their_own_errors() {
        let yen = currency("JPY");
        assert_eq!(parse("1.0", "JPY"), Err(MoneyError::TooManyDecimals { currency: yen, allowed: 0 }));
        let euro = currency("EUR");
        assert_eq!(parse("1.234", "EUR"), Err(MoneyError::TooManyDecimals { currency: euro, allowed: 2 }));
        assert_eq!(parse("10000000000000.01", "EUR"), Err(MoneyError::OutOfRange));
        assert_eq!(parse(&"9".repeat(400), "EUR"), Err(MoneyError::OutOfRange));
        assert_eq!(Money::new(i64::MIN, euro), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn arithmetic_is_checked() {
        let most = Money::new(MINOR_MAX, currency("EUR")).unwrap();
        let cent = Money::new(1, currency("EUR")).unwrap();
        let yen = Money::new(1, currency("JPY")).unwrap();
        assert_eq!(most.checked_add(cent), Err(MoneyError::OutOfRange));
        assert_eq!(most.negate().checked_sub(cent), Err(MoneyError::OutOfRange));
        assert_eq!(most.checked_sub(most).unwrap().minor(), 0);
        let mismatch = MoneyError::CurrencyMismatch { left: cent.currency(), right: yen.currency() };
        assert_eq!(cent.checked_add(yen), Err(mismatch));
    }

    #[test]
    fn a_text_with_its_currency_is_read_back() {
        assert_eq!(Money::parse_with_currency("12.50 EUR").unwrap().minor(), 1250);
        for text in ["12.50", "12.50EUR", "EUR 12.50", "12.50 eur", "12.50  EUR", "12.50 EUR ", ""] {
            assert!(Money::parse_with_currency(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_written_is_read_back(
            minor in -MINOR_MAX..=MINOR_MAX,
            code in prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"]),
        ) {
            let money = Money::new(minor, currency(code)).unwrap();
            prop_assert_eq!(Money::parse(&money.amount_text(), money.currency()), Ok(money));
            prop_assert_eq!(Money::parse_with_currency(&money.to_string()), Ok(money));
        }

        #[test]
        fn no_text_panics_and_a_hint_is_always_money(text in "[-+0-9., '\u{202f}eE\u{660}]{0,12}|\\PC{0,8}") {
            if let Err(MoneyError::NotMoney { hint: Some(hint) }) = Money::parse(&text, currency("EUR")) {
                prop_assert!(Money::parse(&hint, currency("EUR")).is_ok());
            }
        }
    }
}
