//! Currencies: ISO 4217 codes and how many decimals each has.
//!
//! What a person types or a file says is held against the table ([`Currency::parse`]). What a record says is not
//! ([`Currency::from_record`]): it may come from an app with a newer table, and whether a record is valid must not
//! depend on which app reads it.
//!
//! Amounts are stored in minor units, so the exponent of a code never changes here once it is released.

use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency, as its three letters.
///
/// ```
/// use outlay_ledger::Currency;
/// let yen = Currency::parse("JPY")?;
/// assert_eq!((yen.code(), yen.exponent()), ("JPY", 0));
/// assert_eq!(Currency::parse("KWD")?.exponent(), 3);
/// # Ok::<(), outlay_ledger::CurrencyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text that names no currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// It is not three capital letters. `hint` is the currency it names when case and outer spaces are ignored.
    #[error("a currency is three capital letters, such as EUR{}", did_you_mean(.hint))]
    NotACode {
        /// What was probably meant.
        hint: Option<Currency>,
    },
    /// It has the form of a code, but ISO 4217 has no such currency.
    #[error("{code} is not a currency of ISO 4217")]
    Unknown {
        /// The letters as given.
        code: Currency,
    },
}

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// Parses the code of a currency that is in use, or was until recently.
    ///
    /// Metals, funds without a unit and test codes (`XAU`, `XXX`, `XTS`) are none.
    ///
    /// # Errors
    ///
    /// * [`CurrencyError::NotACode`] if the text is not three letters `A` to `Z`.
    /// * [`CurrencyError::Unknown`] if the table has no such code.
    ///
    /// ```
    /// use outlay_ledger::{Currency, CurrencyError};
    /// let euro = Currency::parse("EUR")?;
    /// assert_eq!(Currency::parse("eur"), Err(CurrencyError::NotACode { hint: Some(euro) }));
    /// assert!(matches!(Currency::parse("EUX"), Err(CurrencyError::Unknown { .. })));
    /// # Ok::<(), CurrencyError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let code = letters(text).ok_or_else(|| CurrencyError::NotACode { hint: likely(text) })?;
        if code.is_known() { Ok(code) } else { Err(CurrencyError::Unknown { code }) }
    }

    /// Takes any three letters `A` to `Z`, in this version's table or not; `None` for other bytes.
    ///
    /// ```
    /// use outlay_ledger::Currency;
    /// let newer = Currency::from_record(*b"QQQ").expect("three letters");
    /// assert!(!newer.is_known());
    /// assert_eq!(newer.exponent(), 2, "shown with two decimals until the app learns better");
    /// assert_eq!(Currency::from_record(*b"eur"), None);
    /// ```
    pub fn from_record(code: [u8; 3]) -> Option<Self> {
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        // The constructors let only A to Z in, so this is always text.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// The three letters as bytes, as a record holds them.
    pub const fn as_bytes(&self) -> &[u8; 3] {
        &self.0
    }

    /// How many decimals an amount has: 0, 2, 3 or 4; 2 for a code that is not in the table.
    pub fn exponent(self) -> u8 {
        self.known_exponent().unwrap_or(2)
    }

    /// Whether this version's table has the code.
    pub fn is_known(self) -> bool {
        self.known_exponent().is_some()
    }

    fn known_exponent(self) -> Option<u8> {
        TABLE.iter().find(|(_, codes)| codes.binary_search(&&self.0).is_ok()).map(|(exponent, _)| *exponent)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        Self::parse(text)
    }
}

fn letters(text: &str) -> Option<Currency> {
    text.as_bytes().try_into().ok().and_then(Currency::from_record)
}

fn likely(text: &str) -> Option<Currency> {
    let text = text.trim();
    // Longer texts are no misspelt code, and need not be copied to find out.
    (text.len() == 3).then(|| letters(&text.to_ascii_uppercase()))?.filter(|code| code.is_known())
}

fn did_you_mean(hint: &Option<Currency>) -> String {
    hint.map(|code| format!("; did you mean {code}?")).unwrap_or_default()
}

/// Exponent and codes, the most frequent exponent first. Codes ascend, for the binary search.
const TABLE: [(u8, &[&[u8; 3]]); 4] = [(2, TWO_DECIMALS), (0, NO_DECIMALS), (3, THREE_DECIMALS), (4, FOUR_DECIMALS)];

/// ISO 4217 list one (amendment 180), and of list three what exports of the last years and the reference rates of the
/// European Central Bank still name: ANG BGN CUC CYP EEK HRK LTL LVL MRO MTL ROL SIT SKK SLL STD VEF ZWL.
#[rustfmt::skip]
const TWO_DECIMALS: &[&[u8; 3]] = &[
    b"AED", b"AFN", b"ALL", b"AMD", b"ANG", b"AOA", b"ARS", b"AUD", b"AWG", b"AZN", b"BAM", b"BBD", b"BDT", b"BGN",
    b"BMD", b"BND", b"BOB", b"BOV", b"BRL", b"BSD", b"BTN", b"BWP", b"BYN", b"BZD", b"CAD", b"CDF", b"CHE", b"CHF",
    b"CHW", b"CNY", b"COP", b"COU", b"CRC", b"CUC", b"CUP", b"CVE", b"CYP", b"CZK", b"DKK", b"DOP", b"DZD", b"EEK",
    b"EGP", b"ERN", b"ETB", b"EUR", b"FJD", b"FKP", b"GBP", b"GEL", b"GHS", b"GIP", b"GMD", b"GTQ", b"GYD", b"HKD",
    b"HNL", b"HRK", b"HTG", b"HUF", b"IDR", b"ILS", b"INR", b"IRR", b"JMD", b"KES", b"KGS", b"KHR", b"KPW", b"KYD",
    b"KZT", b"LAK", b"LBP", b"LKR", b"LRD", b"LSL", b"LTL", b"LVL", b"MAD", b"MDL", b"MGA", b"MKD", b"MMK", b"MNT",
    b"MOP", b"MRO", b"MRU", b"MTL", b"MUR", b"MVR", b"MWK", b"MXN", b"MXV", b"MYR", b"MZN", b"NAD", b"NGN", b"NIO",
    b"NOK", b"NPR", b"NZD", b"PAB", b"PEN", b"PGK", b"PHP", b"PKR", b"PLN", b"QAR", b"ROL", b"RON", b"RSD", b"RUB",
    b"SAR", b"SBD", b"SCR", b"SDG", b"SEK", b"SGD", b"SHP", b"SIT", b"SKK", b"SLE", b"SLL", b"SOS", b"SRD", b"SSP",
    b"STD", b"STN", b"SVC", b"SYP", b"SZL", b"THB", b"TJS", b"TMT", b"TOP", b"TRY", b"TTD", b"TWD", b"TZS", b"UAH",
    b"USD", b"USN", b"UYU", b"UZS", b"VED", b"VEF", b"VES", b"WST", b"XAD", b"XCD", b"XCG", b"YER", b"ZAR", b"ZMW",
    b"ZWG", b"ZWL",
];

/// Of these BYR and TRL are of list three.
#[rustfmt::skip]
const NO_DECIMALS: &[&[u8; 3]] = &[
    b"BIF", b"BYR", b"CLP", b"DJF", b"GNF", b"ISK", b"JPY", b"KMF", b"KRW", b"PYG", b"RWF", b"TRL", b"UGX", b"UYI",
    b"VND", b"VUV", b"XAF", b"XOF", b"XPF",
];

const THREE_DECIMALS: &[&[u8; 3]] = &[b"BHD", b"IQD", b"JOD", b"KWD", b"LYD", b"OMR", b"TND"];

const FOUR_DECIMALS: &[&[u8; 3]] = &[b"CLF", b"UYW"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ascending_and_names_each_code_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (exponent, codes) in TABLE {
            assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "exponent {exponent} does not ascend");
            for code in codes {
                assert!(Currency::from_record(**code).is_some_and(Currency::is_known), "{code:?}");
                assert!(seen.insert(*code), "{code:?} twice");
            }
        }
        assert_eq!(seen.len(), 184, "a code was added or lost");
    }

    #[test]
    fn every_currency_of_the_reference_rates_is_known() {
        let header = "USD,JPY,BGN,CYP,CZK,DKK,EEK,GBP,HUF,LTL,LVL,MTL,PLN,ROL,RON,SEK,SIT,SKK,CHF,ISK,NOK,HRK,RUB,TRL,\
                      TRY,AUD,BRL,CAD,CNY,HKD,IDR,ILS,INR,KRW,MXN,MYR,NZD,PHP,SGD,THB,ZAR";
        for code in header.split(',') {
            assert_eq!(Currency::parse(code).map(|currency| currency.to_string()), Ok(code.to_owned()));
        }
    }

    #[test]
    fn exponents_are_those_of_iso_4217() {
        for (code, exponent) in [("EUR", 2), ("CLP", 0), ("ISK", 0), ("TND", 3), ("CLF", 4), ("UYW", 4), ("MGA", 2)] {
            assert_eq!(Currency::parse(code).map(Currency::exponent), Ok(exponent), "{code}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused_with_the_likely_one() {
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!(Currency::parse(" eur"), Err(CurrencyError::NotACode { hint: Some(euro) }));
        for text in ["", "EU", "EURO", "€", "ЕUR", "E R", "\0\0\0", "xyz"] {
            assert_eq!(Currency::parse(text), Err(CurrencyError::NotACode { hint: None }), "{text:?}");
        }
        for text in ["XXX", "XAU", "XTS", "QQQ"] {
            assert!(matches!(Currency::parse(text), Err(CurrencyError::Unknown { .. })), "{text}");
        }
        assert_eq!(
            Currency::parse("eur").unwrap_err().to_string(),
            "a currency is three capital letters, such as EUR; did you mean EUR?"
        );
    }
}
