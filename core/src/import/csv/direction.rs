//! The words files have for expense, income and transfer.

use super::header::plain_words;

/// What a cell says happened to the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// It was spent, or debited.
    Spent,
    /// It was received, or credited.
    Received,
    /// It moved to another account; the sign may say it came from there.
    Moved,
    /// It moved to another account.
    MovedOut,
    /// It came from another account.
    MovedIn,
}

/// Reads the cell of a kind column; `None` for words that are none of the three.
pub(super) fn read(cell: &str) -> Option<Direction> {
    match cell {
        "-" | "−" => return Some(Direction::Spent),
        "+" => return Some(Direction::Received),
        _ => {}
    }
    // No word of the lists is longer, and a column of long texts is not worth folding.
    if cell.len() > 40 {
        return None;
    }
    let words = plain_words(cell);
    let is_in = |list: &[&str]| list.contains(&words.as_str());
    [
        (SPENT, Direction::Spent),
        (RECEIVED, Direction::Received),
        (MOVED_OUT, Direction::MovedOut),
        (MOVED_IN, Direction::MovedIn),
        (MOVED, Direction::Moved),
    ]
    .into_iter()
    .find(|(list, _)| is_in(list))
    .map(|(_, direction)| direction)
}

#[rustfmt::skip]
const SPENT: &[&str] = &[
    "expense", "expenses", "exp", "debit", "dr", "db", "d", "withdrawal", "out", "outgoing", "outflow", "spent",
    "spending", "purchase", "money out", "paid out", "debit card",
    "ausgabe", "ausgaben", "soll", "s", "belastung", "lastschrift", "ausgang",
    "depense", "depenses", "sortie", "gasto", "gastos", "cargo", "egreso", "egresos", "salida", "debito",
    "spesa", "spese", "uscita", "uscite", "addebito", "dare", "uitgave", "uitgaven", "af", "debet",
    "despesa", "despesas", "saida", "saidas",
];

#[rustfmt::skip]
const RECEIVED: &[&str] = &[
    "income", "incomes", "inc", "credit", "cr", "c", "deposit", "in", "incoming", "inflow", "received", "refund",
    "money in", "paid in", "salary", "interest", "dividend",
    "einnahme", "einnahmen", "haben", "h", "gutschrift", "eingang",
    "revenu", "revenus", "recette", "recettes", "entree", "ingreso", "ingresos", "abono", "entrada", "credito",
    "entrata", "entrate", "accredito", "avere", "inkomst", "inkomsten", "bij",
    "receita", "receitas", "entradas",
];

#[rustfmt::skip]
const MOVED: &[&str] = &[
    "transfer", "transfers", "account transfer", "internal transfer",
    "umbuchung", "umbuchungen", "ubertrag", "virement interne", "transfert", "transfert interne",
    "transferencia", "transferencias", "traspaso", "trasferimento", "trasferimenti", "giroconto",
    "overboeking", "overboekingen",
];

const MOVED_OUT: &[&str] = &["transfer out", "transferout", "outgoing transfer", "transfer to"];

const MOVED_IN: &[&str] = &["transfer in", "transferin", "incoming transfer", "transfer from"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_in_many_words_and_never_guessed() {
        for (cell, direction) in [
            ("Expense", Some(Direction::Spent)),
            ("INCOME", Some(Direction::Received)),
            ("Transfer-Out", Some(Direction::MovedOut)),
            ("Af", Some(Direction::Spent)),
            ("Dépense", Some(Direction::Spent)),
            ("Übertrag", Some(Direction::Moved)),
            ("+", Some(Direction::Received)),
            ("Kartenzahlung", None),
            ("", None),
        ] {
            assert_eq!(read(cell), direction, "{cell:?}");
        }
    }
}
