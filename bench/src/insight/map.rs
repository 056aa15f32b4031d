//! The file that names the columns of a household, for when they cannot be guessed.
//!
//! Either a profile as an import takes it (JSON), which also says how dates and amounts are written, or one line for each
//! column, `field = column`:
//!
//! ```text
//! date = Date
//! account = Mode
//! category = Category
//! subcategory = Subcategory
//! payee = Note
//! amount = Amount
//! kind = Income/Expense
//! currency = INR
//! ```
//!
//! The fields are those of a profile ([`Field`]). A column is its name or its place, from 1; a field without one is left out.
//! A currency of three capital letters is that of all rows. How things are written may stand there too, as
//! in a profile: `date_order = day_first`, `decimal = comma`, `sign = negative_is_spent`. A line that begins with `#` is a
//! remark.

use outlay_core::import::csv::{Column, Field, Profile};
use outlay_ledger::Currency;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ground::Outcome;

/// Reads such a file.
pub(super) fn read(text: &str) -> Outcome<Profile> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return Ok(serde_json::from_str(text)?);
    }
    let mut profile = Profile::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (field, column) = line.split_once('=').ok_or_else(|| format!("{line:?} is not field = column"))?;
        set(&mut profile, field.trim(), column.trim().trim_matches('"'))?;
    }
    Ok(profile)
}

fn set(profile: &mut Profile, field: &str, column: &str) -> Outcome<()> {
    match (field, code(field, column)) {
        _ if column.is_empty() => {}
        (_, Some(currency)) => profile.currency = Some(currency),
        ("date_order", _) => profile.date_order = Some(said(column)?),
        ("decimal", _) => profile.decimal = Some(said(column)?),
        ("sign", _) => profile.sign = Some(said(column)?),
        _ => drop(profile.columns.insert(self::field(field)?, self::column(column))),
    }
    Ok(())
}

/// What a profile has under a name.
fn said<T: DeserializeOwned>(name: &str) -> Outcome<T> {
    serde_json::from_value(Value::from(name)).map_err(|error| error.to_string().into())
}

fn field(name: &str) -> Outcome<Field> {
    serde_json::from_value(Value::from(name)).map_err(|_| format!("{name:?} is no field").into())
}

fn column(name: &str) -> Column {
    name.parse().map_or_else(|_| Column::Name(name.to_owned()), Column::Position)
}

/// The currency of all rows, if that is what a line says.
fn code(field: &str, column: &str) -> Option<Currency> {
    let is_code = column.len() == 3 && column.bytes().all(|byte| byte.is_ascii_uppercase());
    Currency::parse(column).ok().filter(|_| field == "currency" && is_code)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use outlay_core::import::csv::{DateOrder, Decimal, Sign};

    use super::*;

    #[test]
    fn columns_are_named_by_lines_or_by_a_profile() {
        let lines = "# mine\ndate = When\npayee = \"To whom\"\namount = 3\ncurrency = INR\n";
        let profile = read(lines).unwrap();
        assert_eq!(profile.columns.get(&Field::Date), Some(&Column::Name("When".to_owned())));
        assert_eq!(profile.columns.get(&Field::Payee), Some(&Column::Name("To whom".to_owned())));
        assert_eq!(profile.columns.get(&Field::Amount), Some(&Column::Position(3)));
        assert_eq!(profile.currency, Some(Currency::parse("INR").unwrap()));

        let json = r#"{"columns": {"date": "When", "payee": "To whom", "amount": 3}, "currency": "INR"}"#;
        assert_eq!(read(json).unwrap(), profile);
        let written = read("\u{feff}date = 1\namount = 2\npayee =\ndate_order = month_first\ndecimal = comma\nsign = negative_is_spent").unwrap();
        assert_eq!(written.columns.len(), 2);
        assert_eq!(
            (written.date_order, written.decimal, written.sign),
            (Some(DateOrder::MonthFirst), Some(Decimal::Comma), Some(Sign::NegativeIsSpent))
        );
        assert!(read("sign = backwards").is_err());
        assert!(read("currency = Currency").unwrap().columns.contains_key(&Field::Currency));
        assert!(read("date: When").is_err() && read("when = Date").is_err());
    }
}
