//! What the columns of a sample contain, counted once and asked often.

use outlay_ledger::Currency;

use super::sniff::Line;
use super::{Decimal, amount, calendar, direction};

/// Rows whose contents are counted: enough for every column that decides anything.
const COUNTED_ROWS_MAX: usize = 1_000;

/// What the cells of one column are, as counts of cells.
#[derive(Debug, Default, Clone)]
pub(super) struct Contents {
    pub(super) filled: usize,
    pub(super) dates: usize,
    pub(super) times: usize,
    pub(super) amounts: usize,
    /// Amounts with decimals or a sign: no running number has them.
    pub(super) money: usize,
    pub(super) negative: usize,
    pub(super) currencies: usize,
    pub(super) kinds: usize,
    pub(super) texts: usize,
}

impl Contents {
    /// Whether at least four of five filled cells are counted, and there is one.
    pub(super) fn mostly(&self, count: usize) -> bool {
        count > 0 && count * 5 >= self.filled * 4
    }

    /// Whether at least half of the filled cells are counted; an empty column passes.
    pub(super) fn half(&self, count: usize) -> bool {
        count * 2 >= self.filled
    }

    fn count(&mut self, cell: &str) {
        if cell.is_empty() {
            return;
        }
        let is_date = calendar::is_date(cell);
        let number = [Decimal::Point, Decimal::Comma].iter().find_map(|decimal| amount::read(cell, *decimal));
        let is_money = number.as_ref().is_some_and(|number| number.is_signed) || cell.contains(['.', ',']);
        self.filled += 1;
        self.dates += usize::from(is_date);
        self.times += usize::from(calendar::time(cell).is_ok());
        self.amounts += usize::from(number.is_some());
        self.money += usize::from(number.is_some() && is_money);
        self.negative += usize::from(number.as_ref().is_some_and(|number| number.is_negative));
        self.currencies += usize::from(Currency::parse(cell).is_ok());
        self.kinds += usize::from(direction::read(cell).is_some());
        self.texts += usize::from(!is_date && number.is_none() && cell.contains(char::is_alphabetic));
    }
}

/// The contents of each of so many columns.
pub(super) fn contents(rows: &[Line], width: usize) -> Vec<Contents> {
    let mut columns = vec![Contents::default(); width];
    for row in rows.iter().filter(|row| row.cells.fault.is_none()).take(COUNTED_ROWS_MAX) {
        for (column, cell) in columns.iter_mut().zip(row.cells.iter()) {
            column.count(cell);
        }
    }
    columns
}
