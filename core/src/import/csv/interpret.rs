//! One row by one profile: a draft, or the reason why not.

use std::io::Read;

use outlay_ledger::limits::{NAME_BYTES_MAX, NOTE_BYTES_MAX, PAYEE_BYTES_MAX, TAG_BYTES_MAX, TAGS_MAX};
use outlay_ledger::text::{self, TextError};
use outlay_ledger::{Currency, CurrencyError, Money};

use super::amount::{self, Number};
use super::direction::{self, Direction};
use super::header;
use super::{
    CELLS_MAX, Column, CsvError, DateOrder, Decimal, Draft, DraftKind, Field, Profile, Row, RowError, Rows, Sign,
    calendar,
};

/// Makes a draft of each row of one file.
///
/// # Example: a file without options
///
/// ```
/// use outlay_core::import::csv::{DraftKind, Interpreter, Profile, Rows};
/// use outlay_ledger::Currency;
///
/// let file = "Date,Description,Amount\n11/02/2026,Corner Café,-3.40\n11/31/2026,Never,-1.00\n";
/// let profile = Profile::guess(file.as_bytes())?;
/// let mut rows = Rows::new(file.as_bytes(), &profile)?;
/// let interpreter = Interpreter::new(&profile, &rows, Currency::parse("USD")?)?;
///
/// let coffee = interpreter.interpret(&rows.next().ok_or("no row")??)?;
/// assert_eq!((coffee.kind, coffee.amount.to_string()), (DraftKind::Expense, "3.40 USD".to_owned()));
/// assert_eq!((coffee.payee.as_str(), coffee.date.to_string()), ("Corner Café", "2026-11-02".to_owned()));
///
/// let never = rows.next().ok_or("no row")??;
/// let reason = interpreter.interpret(&never).unwrap_err();
/// assert_eq!((never.line(), reason.to_string()), (3, "the calendar has no such date".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Interpreter {
    places: [Option<usize>; Field::COUNT],
    date_order: DateOrder,
    decimal: Decimal,
    sign: Sign,
    currency: Currency,
    account: Option<String>,
}

impl Interpreter {
    /// Finds the columns of a profile in a file. `currency` is that of rows of which neither the file nor the profile
    /// says one.
    ///
    /// What the profile leaves open is taken for days first, a point before decimals and negative amounts spent.
    ///
    /// # Errors
    ///
    /// * [`CsvError::NoSuchColumn`] if the profile names a column that the file does not have.
    /// * [`CsvError::Unrecognised`] if it names none for the date, or none for amount, debit and credit.
    pub fn new<R: Read>(profile: &Profile, rows: &Rows<R>, currency: Currency) -> Result<Self, CsvError> {
        let interpreter = Self {
            places: places(profile, rows.header())?,
            date_order: profile.date_order.unwrap_or(DateOrder::DayFirst),
            decimal: profile.decimal.unwrap_or(Decimal::Point),
            sign: profile.sign.unwrap_or(Sign::NegativeIsSpent),
            currency: profile.currency.unwrap_or(currency),
            account: profile.account.clone(),
        };
        let has = |field| interpreter.place(field).is_some();
        if !has(Field::Date) {
            return Err(CsvError::Unrecognised { field: Field::Date });
        }
        if !(has(Field::Amount) || has(Field::Debit) || has(Field::Credit)) {
            return Err(CsvError::Unrecognised { field: Field::Amount });
        }
        Ok(interpreter)
    }

    /// Reads a row.
    ///
    /// # Errors
    ///
    /// [`RowError`] with the first reason found. The row is then to be named to the person, with its line.
    pub fn interpret(&self, row: &Row) -> Result<Draft, RowError> {
        if let Some(fault) = &row.fault {
            return Err(fault.clone());
        }
        let (date, time) = self.when(row)?;
        let (direction, amount) = self.amount(row)?;
        let (payee, note) = self.payee_and_note(row)?;
        let (account, to_account) = self.accounts(row, direction)?;
        let (category, subcategory) = self.categories(row)?;
        Ok(Draft {
            kind: kind(direction),
            amount,
            date,
            time,
            payee,
            note,
            account,
            to_account,
            category,
            subcategory,
            tags: self.tags(row)?,
            external_id: self.name(row, Field::ExternalId)?,
        })
    }

    fn place(&self, field: Field) -> Option<usize> {
        self.places[field as usize]
    }

    /// The cell of a field, empty where there is no such column.
    fn cell<'a>(&self, row: &'a Row, field: Field) -> &'a str {
        self.place(field).and_then(|index| row.cell(index)).unwrap_or("")
    }

    fn when(&self, row: &Row) -> Result<calendar::When, RowError> {
        let cell = self.cell(row, Field::Date);
        if cell.is_empty() {
            return Err(RowError::Missing { field: Field::Date });
        }
        let (date, time) = calendar::read(cell, self.date_order)?;
        match self.cell(row, Field::Time) {
            "" => Ok((date, time)),
            cell => Ok((date, Some(calendar::time(cell)?))),
        }
    }

    /// What happened to how much: above zero, and the sign in the direction.
    fn amount(&self, row: &Row) -> Result<(Direction, Money), RowError> {
        let (cell, column) = self.amount_cell(row)?;
        let said = match self.cell(row, Field::Currency) {
            "" => None,
            cell => Some(currency(cell)?),
        };
        let assumed = said.unwrap_or(self.currency);
        let number = amount::read(cell, self.decimal).ok_or_else(|| amount::error(cell, assumed))?;
        let size = number.size(said.or(number.currency).unwrap_or(self.currency))?;
        if size.minor() == 0 {
            return Err(RowError::ZeroAmount);
        }
        let direction = match (column, self.cell(row, Field::Kind)) {
            (Field::Debit, _) => Some(Direction::Spent),
            (Field::Credit, _) => Some(Direction::Received),
            (_, "") => None,
            (_, cell) => Some(direction::read(cell).ok_or(RowError::UnknownKind)?),
        };
        Ok((self.signed(direction, &number), size))
    }

    /// The one amount a row has, and the column it stands in.
    fn amount_cell<'a>(&self, row: &'a Row) -> Result<(&'a str, Field), RowError> {
        let filled = |field| (self.cell(row, field), field);
        let (debit, credit, amount) = (filled(Field::Debit), filled(Field::Credit), filled(Field::Amount));
        match (debit.0, credit.0, amount.0) {
            ("", "", "") => Err(RowError::Missing { field: Field::Amount }),
            ("", "", _) => Ok(amount),
            (_, "", _) => Ok(debit),
            ("", _, _) => Ok(credit),
            // Some banks fill the other column with a zero.
            _ if self.is_zero(credit.0) => Ok(debit),
            _ if self.is_zero(debit.0) => Ok(credit),
            _ => Err(RowError::DebitAndCredit),
        }
    }

    fn is_zero(&self, cell: &str) -> bool {
        let size = amount::read(cell, self.decimal).and_then(|number| number.size(self.currency).ok());
        size.is_some_and(|size| size.minor() == 0)
    }

    fn signed(&self, said: Option<Direction>, number: &Number) -> Direction {
        use Direction::{Moved, MovedIn, MovedOut, Received, Spent};
        match (said, self.sign, number.is_negative) {
            (None, Sign::NegativeIsSpent, false) | (None, Sign::NegativeIsReversal, true) => Received,
            (None, _, _) => Spent,
            (Some(Moved), Sign::NegativeIsSpent, false) => MovedIn,
            (Some(Moved), _, _) => MovedOut,
            (Some(Received), _, true) | (Some(Spent), Sign::NegativeIsSpent, true) => Spent,
            (Some(Spent), Sign::NegativeIsReversal, true) => Received,
            (Some(said), _, _) => said,
        }
    }

    /// Where no column is the note's, a description too long for a payee is cut there and stands in full in the note.
    fn payee_and_note(&self, row: &Row) -> Result<(String, String), RowError> {
        let cell = self.cell(row, Field::Payee);
        let line = one_line(cell);
        if self.place(Field::Note).is_none() && line.len() > PAYEE_BYTES_MAX {
            let payee = one_text(beginning(&line, PAYEE_BYTES_MAX), Field::Payee, PAYEE_BYTES_MAX)?;
            return Ok((payee, note(cell)?));
        }
        Ok((one_text(&line, Field::Payee, PAYEE_BYTES_MAX)?, note(self.cell(row, Field::Note))?))
    }

    fn accounts(&self, row: &Row, direction: Direction) -> Result<(Option<String>, Option<String>), RowError> {
        let account = self.name(row, Field::Account)?.or_else(|| self.account.clone());
        let other = match direction {
            Direction::Spent | Direction::Received => None,
            _ => self.name(row, Field::ToAccount)?,
        };
        // The file's account is then the one the money came to.
        Ok(if direction == Direction::MovedIn { (other, account) } else { (account, other) })
    }

    fn categories(&self, row: &Row) -> Result<(Option<String>, Option<String>), RowError> {
        let (category, subcategory) = (self.name(row, Field::Category)?, self.name(row, Field::Subcategory)?);
        Ok(if category.is_none() { (subcategory, None) } else { (category, subcategory) })
    }

    fn tags(&self, row: &Row) -> Result<Vec<String>, RowError> {
        let cell = self.cell(row, Field::Tags);
        let is_separator = |c: char| matches!(c, ',' | ';' | '|' | '\n' | '\r');
        let is_spaced = cell.starts_with('#') && !cell.contains(is_separator);
        let mut tags: Vec<String> = Vec::new();
        for piece in cell.split(|c: char| is_separator(c) || is_spaced && c == ' ') {
            let tag = one_text(&one_line(piece.trim().trim_start_matches('#')), Field::Tags, TAG_BYTES_MAX)?;
            if !tag.is_empty() && !tags.contains(&tag) {
                tags.push(tag);
            }
            if tags.len() > TAGS_MAX {
                return Err(RowError::TooManyTags { count_max: TAGS_MAX });
            }
        }
        Ok(tags)
    }

    fn name(&self, row: &Row, field: Field) -> Result<Option<String>, RowError> {
        match self.cell(row, field) {
            "" => Ok(None),
            cell => Ok(Some(one_text(&one_line(cell), field, NAME_BYTES_MAX)?).filter(|name| !name.is_empty())),
        }
    }
}

fn places(profile: &Profile, header: Option<&[String]>) -> Result<[Option<usize>; Field::COUNT], CsvError> {
    let width = header.map(<[String]>::len).or(profile.dialect.cells).unwrap_or(CELLS_MAX);
    let mut places = [None; Field::COUNT];
    for (field, column) in &profile.columns {
        let missing = |column: &Column| CsvError::NoSuchColumn { field: *field, column: column.clone() };
        let place = header::place(column, header, width).ok_or_else(|| missing(column))?;
        places[*field as usize] = Some(place);
    }
    Ok(places)
}

fn kind(direction: Direction) -> DraftKind {
    match direction {
        Direction::Spent => DraftKind::Expense,
        Direction::Received => DraftKind::Income,
        Direction::Moved | Direction::MovedOut | Direction::MovedIn => DraftKind::Transfer,
    }
}

fn currency(cell: &str) -> Result<Currency, CurrencyError> {
    let mut letters = cell.chars();
    match (letters.next().and_then(header::symbol_currency), letters.next()) {
        (Some(currency), None) => Ok(currency),
        _ => Currency::parse(cell),
    }
}

fn note(cell: &str) -> Result<String, RowError> {
    text::normalize_multiline(cell, NOTE_BYTES_MAX).map_err(|error| RowError::Text { field: Field::Note, error })
}

fn one_text(line: &str, field: Field, bytes_max: usize) -> Result<String, RowError> {
    text::normalize(line, bytes_max).map_err(|error: TextError| RowError::Text { field, error })
}

/// Line breaks and tabs become spaces, and runs of white space one space, as in a payee printed over two lines.
fn one_line(cell: &str) -> std::borrow::Cow<'_, str> {
    let is_plain = !cell.contains(['\n', '\r', '\t']) && !cell.contains("  ");
    if is_plain {
        return cell.into();
    }
    let mut line = String::with_capacity(cell.len());
    for word in cell.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.into()
}

/// As much of a text as fits, to the end of a word if one is near.
fn beginning(line: &str, bytes_max: usize) -> &str {
    let cut = &line[..line.floor_char_boundary(bytes_max)];
    match cut.rfind(' ') {
        Some(at) if at > bytes_max / 2 => &cut[..at],
        _ => cut,
    }
}
