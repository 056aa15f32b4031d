//! The facts of this crate in English, for the command line and as a pattern for other languages.
//!
//! Every sentence is made from typed facts alone; an app that speaks another language matches on the same types. Names
//! of categories are looked up in a map of the caller's. Amounts and dates are written as everywhere in Outlay.

pub mod patterns;

use std::collections::BTreeMap;

use outlay_ledger::DocumentId;
use outlay_ledger::spend::Spend;

use crate::odd::{Among, Reason};
use crate::suggest::Suggestion;

/// What categories are called.
pub type Names = BTreeMap<DocumentId, String>;

/// What is odd about a charge, in one sentence.
///
/// ```
/// use outlay_insight::odd::Reason;
/// use outlay_insight::wording::{Names, reason};
/// use outlay_ledger::spend::Spend;
/// use outlay_ledger::{Date, DocumentId, EntryKind, Money};
///
/// let row = Spend {
///     id: DocumentId([2; 16]), date: Date::parse("2024-10-04")?, kind: EntryKind::Expense,
///     amount: Money::parse_with_currency("3.40 EUR")?, payee: "Corner Café".into(), note: String::new(),
///     category: None, account: None, tags: vec![],
/// };
/// let twice = Reason::Duplicate { of: DocumentId([1; 16]), days: 2 };
/// assert_eq!(
///     reason(&row, &twice, &Names::new()),
///     "Corner Café, 3.40 EUR on 2024-10-04: the same was entered 2 days before. Is it one charge?"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reason(row: &Spend, reason: &Reason, names: &Names) -> String {
    let charge = charge(row, names);
    match reason {
        Reason::Amount { usual, among, .. } => match among {
            Among::Payee => format!("{charge}: much more than usual there, {usual}."),
            Among::Category => {
                format!("{charge}: much more than usual in {}, {usual}.", category(row.category, names))
            }
            Among::All => format!("{charge}: much more than usual, {usual}."),
        },
        Reason::Category { filed, likely } => {
            let (filed, likely) = (category(Some(*filed), names), category(Some(*likely), names));
            format!("{charge}: filed under {filed}; charges like it are under {likely}.")
        }
        Reason::Duplicate { days, .. } => {
            let when = match days {
                0 => "on the same day".to_owned(),
                1 => "the day before".to_owned(),
                days => format!("{days} days before"),
            };
            format!("{charge}: the same was entered {when}. Is it one charge?")
        }
        Reason::PriceRise { was, .. } => format!("{charge}: dearer than before, {was}."),
    }
}

/// A suggested category with where it comes from.
pub fn suggestion(suggestion: &Suggestion, names: &Names) -> String {
    let category = category(Some(suggestion.category), names);
    if suggestion.is_corrected {
        format!("{category}, as you corrected it")
    } else {
        format!("{category}, as you filed the like before")
    }
}

/// A charge as it is called: by payee, else note, else category.
fn charge(row: &Spend, names: &Names) -> String {
    let texts = [row.payee.as_str(), row.note.lines().next().unwrap_or_default()];
    let name = texts.into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| category(row.category, names));
    format!("{name}, {} on {}", row.amount, row.date)
}

fn category(id: Option<DocumentId>, names: &Names) -> &str {
    id.and_then(|id| names.get(&id)).map_or("no category", String::as_str)
}

#[cfg(test)]
mod tests {
    use outlay_ledger::{Currency, Date, EntryKind, Money};

    use super::*;

    #[test]
    fn each_oddity_is_one_sentence_with_its_reason() {
        let (food, home) = (DocumentId([1; 16]), DocumentId([2; 16]));
        let names: Names = [(food, "Food".to_owned()), (home, "Home".to_owned())].into();
        let money = |minor| Money::new(minor, Currency::EUR).unwrap();
        let row = Spend {
            id: DocumentId([9; 16]),
            date: Date::parse("2024-10-04").unwrap(),
            kind: EntryKind::Expense,
            amount: money(9_500),
            payee: String::new(),
            note: "lunch\nwith Ana".to_owned(),
            category: Some(food),
            account: None,
            tags: vec![],
        };
        let usual = |among| Reason::Amount { amount: row.amount, usual: money(950), among };
        let said = |reason| self::reason(&row, &reason, &names);
        assert_eq!(said(usual(Among::Payee)), "lunch, 95.00 EUR on 2024-10-04: much more than usual there, 9.50 EUR.");
        assert_eq!(
            said(usual(Among::Category)),
            "lunch, 95.00 EUR on 2024-10-04: much more than usual in Food, 9.50 EUR."
        );
        assert_eq!(said(usual(Among::All)), "lunch, 95.00 EUR on 2024-10-04: much more than usual, 9.50 EUR.");
        assert_eq!(
            said(Reason::Category { filed: food, likely: home }),
            "lunch, 95.00 EUR on 2024-10-04: filed under Food; charges like it are under Home."
        );
        assert_eq!(
            said(Reason::PriceRise { was: money(9_000), now: row.amount }),
            "lunch, 95.00 EUR on 2024-10-04: dearer than before, 90.00 EUR."
        );
        let bare = Spend { note: String::new(), ..row.clone() };
        let twice = Reason::Duplicate { of: food, days: 0 };
        assert_eq!(
            reason(&bare, &twice, &names),
            "Food, 95.00 EUR on 2024-10-04: the same was entered on the same day. Is it one charge?"
        );
    }

    #[test]
    fn a_suggestion_says_whether_it_was_a_correction() {
        let names: Names = [(DocumentId([1; 16]), "Food".to_owned())].into();
        let said = |is_corrected| {
            suggestion(&Suggestion { category: DocumentId([1; 16]), confidence: 0.9, is_corrected }, &names)
        };
        assert_eq!(said(true), "Food, as you corrected it");
        assert_eq!(said(false), "Food, as you filed the like before");
    }
}
