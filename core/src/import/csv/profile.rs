//! A profile: what the columns of a bank's or an app's export mean, to be guessed once, corrected and kept.
//!
//! Every part may be left out; [`Profile::complete`] fills it from a file. It is plain data and serialises to an object
//! a person can write:
//!
//! ```
//! use outlay_core::import::csv::{Column, Field, Profile};
//! let text = r#"{"columns": {"date": "Buchungstag", "amount": "Betrag", "payee": 4}, "currency": "EUR"}"#;
//! let profile: Profile = serde_json::from_str(text)?;
//! assert_eq!(profile.columns[&Field::Payee], Column::Position(4));
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use outlay_ledger::Currency;
use serde::{Deserialize, Serialize};

/// How a file is to be read and what its columns mean. What is `None` or empty is decided by the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// How the file is written.
    pub dialect: Dialect,
    /// Which column holds what. If any is named, these are all; if none is, they are guessed.
    pub columns: BTreeMap<Field, Column>,
    /// In which order a date like `03/04/2026` has its day and month.
    pub date_order: Option<DateOrder>,
    /// Which character begins the decimals.
    pub decimal: Option<Decimal>,
    /// What the sign of an amount says.
    pub sign: Option<Sign>,
    /// The currency of rows that name none; without it, the ledger's.
    #[serde(with = "currency_code")]
    pub currency: Option<Currency>,
    /// The account of rows that name none.
    pub account: Option<String>,
}

/// How a file is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// The label of an encoding of the WHATWG standard, such as `UTF-8`. A byte order mark in the file wins over it.
    pub encoding: Option<String>,
    /// What separates cells.
    pub delimiter: Option<char>,
    /// Whether the first row after the preamble names the columns.
    pub has_header: Option<bool>,
    /// Lines before the header, or before the first row where there is no header. Not used where the header can be
    /// found by the names in [`Profile::columns`].
    pub preamble_lines: Option<u64>,
    /// How many cells a row has, where no header says it.
    pub cells: Option<usize>,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// By its place, from 1.
    Position(usize),
    /// By its name in the header; case and outer white space do not matter.
    Name(String),
}

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The day, perhaps with a time.
    Date,
    /// The time of day.
    Time,
    /// How much, with a sign or not.
    Amount,
    /// How much, if it was spent.
    Debit,
    /// How much, if it was received.
    Credit,
    /// Expense, income or transfer, in the words of several languages.
    Kind,
    /// The currency: a code of ISO 4217.
    Currency,
    /// Who was paid, or who paid.
    Payee,
    /// A note.
    Note,
    /// The account.
    Account,
    /// For a transfer, the account the money came to.
    ToAccount,
    /// The category.
    Category,
    /// The category below that one.
    Subcategory,
    /// Tags, separated by commas, semicolons or bars.
    Tags,
    /// The bank's or app's own id.
    ExternalId,
}

/// In which order a date in digits has its parts. A year of four digits in front is read as such under each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 31.12.2026
    DayFirst,
    /// 12/31/2026
    MonthFirst,
    /// 26-12-31
    YearFirst,
}

/// Which character begins the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decimal {
    /// 1,234.50
    Point,
    /// 1.234,50
    Comma,
}

/// What the sign of an amount says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// A negative amount was spent and a positive one received, as banks write it. Where a column says the kind, a
    /// negative expense is just an expense.
    NegativeIsSpent,
    /// Amounts have no sign, and one that has is a reversal: a negative expense came back. Where no column says the
    /// kind, every positive amount was spent.
    NegativeIsReversal,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = 15;

    /// The name a profile has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::Amount => "amount",
            Self::Debit => "debit",
            Self::Credit => "credit",
            Self::Kind => "kind",
            Self::Currency => "currency",
            Self::Payee => "payee",
            Self::Note => "note",
            Self::Account => "account",
            Self::ToAccount => "to_account",
            Self::Category => "category",
            Self::Subcategory => "subcategory",
            Self::Tags => "tags",
            Self::ExternalId => "external_id",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "{position}"),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

/// A currency in a profile is its code.
mod currency_code {
    use outlay_ledger::Currency;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(currency: &Option<Currency>, to: S) -> Result<S::Ok, S::Error> {
        currency.map(|currency| currency.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Currency>, D::Error> {
        let code: Option<String> = Option::deserialize(from)?;
        code.map(|code| Currency::parse(&code).map_err(serde::de::Error::custom)).transpose()
    }
}
