//! How ids, dates and amounts cross: as their one text form, which each language makes its own type of.
//!
//! An amount crosses with the decimals of its currency written out, `12.50`, so no language needs a table of currencies to
//! read it, and none makes a float of it.

use outlay_core::import::csv::Profile;
use outlay_core::sync::{Code, ServerAddress};
use outlay_core::{
    ActionId, BlobHash, CommitId, Currency, Date as CalendarDate, DeviceKey, DocumentId, LedgerId, MemberId, Money,
    Month, Sum, TimeOfDay,
};

use crate::error::OutlayError;

/// A number with as many decimals as its currency has, as a text: `-12.50`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalValue(pub String);

impl DecimalValue {
    /// The number in the one form that the engine reads, in which what a language computes need not be: `12.500` is `12.5`, and
    /// `-0.00` is `0`.
    fn plain(&self) -> &str {
        let plain = match self.0.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => match decimals.trim_end_matches('0').len() {
                0 => whole,
                kept => self.0.get(..=whole.len() + kept).unwrap_or(&self.0),
            },
            _ => &self.0,
        };
        if plain == "-0" { "0" } else { plain }
    }
}

impl From<DecimalValue> for String {
    fn from(value: DecimalValue) -> Self {
        value.0
    }
}

impl From<String> for DecimalValue {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MonetaryAmount {
    /// How much. Decimals beyond those of the currency are zeros.
    pub value: DecimalValue,
    /// In which currency.
    pub currency: Currency,
}

/// A type that crosses as its text.
macro_rules! as_text {
    ($($(#[$doc:meta])* $name:ident: $parse:expr;)+) => {
        $(uniffi::custom_type!($(#[$doc])* $name, String, {
            remote,
            try_lift: |text| Ok($parse(&text).map_err(OutlayError::invalid)?),
            lower: |value| value.to_string(),
        });)+
    };
}

as_text! {
    /// A ledger: 32 hexadecimal digits.
    LedgerId: str::parse::<LedgerId>;
    /// An entry, an account, a category or another thing of a ledger: 32 hexadecimal digits.
    DocumentId: str::parse::<DocumentId>;
    /// A person in a ledger: 32 hexadecimal digits.
    MemberId: str::parse::<MemberId>;
    /// A device: the 64 hexadecimal digits of its public key.
    DeviceKey: str::parse::<DeviceKey>;
    /// A commit: 64 hexadecimal digits.
    CommitId: str::parse::<CommitId>;
    /// What somebody did in one go: 16 hexadecimal digits.
    ActionId: str::parse::<ActionId>;
    /// A file of an entry: the 64 hexadecimal digits of its hash.
    BlobHash: str::parse::<BlobHash>;
    /// A civil date, which does not move with time zones: `2026-11-02`.
    CalendarDate: CalendarDate::parse;
    /// A month: `2026-11`.
    Month: Month::parse;
    /// A local time: `18:05`, or `18:05:30`.
    TimeOfDay: TimeOfDay::parse;
    /// The address of a server: `https://host[:port]`, or `http://` of this very machine.
    ServerAddress: ServerAddress::parse;
}

uniffi::custom_type!(
    /// An ISO 4217 currency: three capital letters.
    Currency, String, {
    remote,
    try_lift: |text| Ok(Currency::parse(&text).map_err(OutlayError::invalid)?),
    lower: |currency| currency.to_string(),
});

uniffi::custom_type!(DecimalValue, String);

uniffi::custom_type!(
    /// A reason of the server's, by its stable name, as `account_exists`.
    Code, String, {
    remote,
    try_lift: |name| {
        let found = Code::ALL.iter().copied().find(|code| code.name() == name);
        Ok(found.ok_or_else(|| OutlayError::invalid("no such code"))?)
    },
    lower: |code| code.name().to_owned(),
});

uniffi::custom_type!(
    /// What the columns of a file mean, as a JSON object: `{"columns": {"date": "Buchungstag", "amount": "Betrag"}}`.
    Profile, String, {
    remote,
    try_lift: |json| Ok(serde_json::from_str(&json).map_err(OutlayError::invalid)?),
    lower: |profile| serde_json::to_string(&profile).unwrap_or_default(),
});

uniffi::custom_type!(
    /// An amount of an entry.
    Money, MonetaryAmount, {
    remote,
    try_lift: |amount| Ok(Money::parse(amount.value.plain(), amount.currency).map_err(OutlayError::invalid)?),
    lower: |money| MonetaryAmount { value: DecimalValue(money.amount_text()), currency: money.currency() },
});

uniffi::custom_type!(
    /// A sum of amounts, which no number of entries overflows.
    Sum, MonetaryAmount, {
    remote,
    try_lift: |amount| {
        let money = Money::parse(amount.value.plain(), amount.currency).map_err(OutlayError::invalid)?;
        Ok(Sum { minor: money.minor().into(), currency: money.currency() })
    },
    lower: |sum| MonetaryAmount { value: DecimalValue(sum.amount_text()), currency: sum.currency },
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_many_zeros_it_ends_with() {
        for (written, plain) in [
            ("12.500", "12.5"),
            ("12.00", "12"),
            ("-1200.10", "-1200.1"),
            ("1200", "1200"),
            ("0.00", "0"),
            ("-0.00", "0"),
            ("-0", "0"),
            ("-0.05", "-0.05"),
            ("12.505", "12.505"),
        ] {
            assert_eq!(DecimalValue(written.to_owned()).plain(), plain);
        }
        for no_number in ["", ".", "12.", ".0", "1.2.0", "1,200", "NaN", "1E+3", "é.0", "12.é0"] {
            let value = DecimalValue(no_number.to_owned());
            assert!(Money::parse(value.plain(), Currency::EUR).is_err(), "{no_number}");
        }
    }
}
