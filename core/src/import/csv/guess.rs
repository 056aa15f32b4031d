//! What a file's columns mean, by their names and, where names do not decide, by what is in them.
//!
//! A name is believed only if the column holds what it promises: a `Type` column is a kind only if its words are kinds,
//! a Dutch or Danish `Valuta` is a date or a currency as its cells are.

use std::collections::BTreeMap;

use outlay_ledger::Currency;

use super::columns::{Contents, contents};
use super::header::{self, Title};
use super::sniff::{self, Line};
use super::{
    CELLS_MAX, Column, CsvError, DateOrder, Decimal, Field, Profile, SAMPLE_BYTES_MAX, Sign, amount, calendar,
    direction, names, rows,
};

/// Of this many amounts of a list of expenses, less than one came back; of this many of a bank, more are paid.
const MONEY_BACK_ONE_IN: usize = 10;

impl Profile {
    /// Guesses all of a profile from the beginning of a file.
    ///
    /// # Errors
    ///
    /// Those of [`Profile::complete`].
    ///
    /// ```
    /// use outlay_core::import::csv::{Column, DateOrder, Decimal, Field, Profile};
    /// let file = "Buchungstag;Betrag (EUR);Verwendungszweck\n31.12.2025;-1.234,56;Miete\n";
    /// let profile = Profile::guess(file.as_bytes())?;
    /// assert_eq!(profile.dialect.delimiter, Some(';'));
    /// assert_eq!((profile.date_order, profile.decimal), (Some(DateOrder::DayFirst), Some(Decimal::Comma)));
    /// assert_eq!(profile.columns[&Field::Payee], Column::Name("Verwendungszweck".into()));
    /// assert_eq!(profile.currency.map(|currency| currency.to_string()).as_deref(), Some("EUR"));
    /// # Ok::<(), outlay_core::import::csv::CsvError>(())
    /// ```
    pub fn guess(sample: &[u8]) -> Result<Self, CsvError> {
        Self::default().complete(sample)
    }

    /// Fills what a profile leaves open from the beginning of a file. What it says is kept.
    ///
    /// `sample` is the file, or at least its first [`SAMPLE_BYTES_MAX`] bytes; more are not looked at. A date
    /// order that no value decides is day first. Where no column is a payee's, the description is the payee; where there is none
    /// either, the note is, and the note stays empty.
    ///
    /// # Errors
    ///
    /// * [`CsvError::Empty`], [`CsvError::NotText`], [`CsvError::NoColumns`] or [`CsvError::NoRows`] if there is
    ///   nothing to read.
    /// * [`CsvError::Unrecognised`] if no column is the date's or the amount's.
    /// * [`CsvError::NoSuchColumn`], [`CsvError::UnknownEncoding`] or [`CsvError::Delimiter`] if the profile asks for
    ///   what there is not.
    pub fn complete(mut self, sample: &[u8]) -> Result<Self, CsvError> {
        let sample = &sample[..sample.len().min(SAMPLE_BYTES_MAX)];
        let encoding = match &self.dialect.encoding {
            Some(_) => rows::encoding(&self)?,
            None => sniff::encoding(sample)?,
        };
        let text = sniff::decode(sample, encoding)?;
        if self.dialect.delimiter.is_some() {
            rows::delimiter(&self)?;
        }
        let wanted = header::Wanted::new(&self);
        let is_header = |cells: &_| !wanted.is_empty() && wanted.are_in(cells);
        self.dialect = sniff::dialect(std::mem::take(&mut self.dialect), &text, is_header)?;
        self.dialect.encoding = Some(encoding.name().to_owned());
        let table = Table::new(&self, &text)?;
        if self.columns.is_empty() {
            self.columns = table.columns();
            self.currency = self.currency.or_else(|| table.header_currency(&self.columns));
        }
        table.decide(&mut self)?;
        Ok(self)
    }
}

/// The sample as a table.
struct Table {
    header: Option<Vec<String>>,
    titles: Vec<Title>,
    rows: Vec<Line>,
    contents: Vec<Contents>,
}

impl Table {
    fn new(profile: &Profile, text: &str) -> Result<Self, CsvError> {
        let top = profile.dialect.preamble_lines.unwrap_or(0);
        let mut rows = sniff::lines(text, profile.dialect.delimiter.unwrap_or(','), usize::MAX);
        rows.retain(|row| row.number > top);
        let header = match profile.dialect.has_header {
            Some(true) if !rows.is_empty() => Some(rows.remove(0).cells.iter().map(str::to_owned).collect::<Vec<_>>()),
            _ => None,
        };
        if rows.is_empty() {
            return Err(CsvError::NoRows);
        }
        let width = header.as_ref().map(Vec::len).or(profile.dialect.cells).unwrap_or(0).min(CELLS_MAX);
        let titles = header.iter().flatten().map(|cell| Title::new(cell)).collect();
        let contents = contents(&rows, width);
        Ok(Self { header, titles, rows, contents })
    }

    /// Gives each field the column that is it most surely.
    fn columns(&self) -> BTreeMap<Field, Column> {
        let mut taken = BTreeMap::new();
        for field in names::FIELDS {
            let rank = |index: &usize| names::rank(field, &self.titles[*index].words);
            let free = (0..self.titles.len().min(self.contents.len())).filter(|index| !is_taken(&taken, *index));
            let fits = free.filter(|index| rank(index).is_some() && holds(&self.contents[*index], field));
            if let Some(index) = fits.min_by_key(|index| (rank(index), *index)) {
                taken.insert(field, index);
            }
        }
        self.settle_amounts(&mut taken);
        self.fill_by_content(&mut taken);
        self.settle_texts(&mut taken);
        taken.into_iter().map(|(field, index)| (field, self.column(index))).collect()
    }

    /// By name where the header has it once, else by place.
    fn column(&self, index: usize) -> Column {
        let header = self.header.as_deref();
        let named = header.and_then(|header| header.get(index)).map(|name| Column::Name(name.clone()));
        let is_found = |column: &Column| header::place(column, header, self.contents.len()) == Some(index);
        named.filter(is_found).unwrap_or(Column::Position(index + 1))
    }

    /// A file has an amount, or a debit and a credit.
    fn settle_amounts(&self, taken: &mut BTreeMap<Field, usize>) {
        let amount = taken.get(&Field::Amount).map(|index| &self.contents[*index]);
        let is_full = amount.is_some_and(|amount| amount.filled * 5 >= self.rows.len().min(1_000) * 4);
        let has_both = taken.contains_key(&Field::Debit) && taken.contains_key(&Field::Credit);
        if is_full || amount.is_some() && !has_both {
            taken.remove(&Field::Debit);
            taken.remove(&Field::Credit);
        } else if has_both {
            taken.remove(&Field::Amount);
        }
    }

    /// Finds by their contents the columns that names did not give.
    fn fill_by_content(&self, taken: &mut BTreeMap<Field, usize>) {
        if !taken.contains_key(&Field::Date) {
            self.take_first(taken, Field::Date, |contents| contents.mostly(contents.dates));
        }
        if ![Field::Amount, Field::Debit, Field::Credit].iter().any(|field| taken.contains_key(field)) {
            self.take_amount(taken);
        }
        self.fill_by_name(taken);
        if self.header.is_some() {
            // Whatever the column is called: amounts of several currencies must never be taken for one.
            self.take_first(taken, Field::Currency, |contents| {
                contents.filled > 0 && contents.currencies == contents.filled
            });
        } else {
            self.take_first(taken, Field::Currency, |contents| contents.mostly(contents.currencies));
            self.take_first(taken, Field::Kind, |contents| contents.mostly(contents.kinds));
        }
    }

    /// A column that is called what every row needs is it, even if nothing in it can be read: the rows then say why.
    fn fill_by_name(&self, taken: &mut BTreeMap<Field, usize>) {
        let has_amount = [Field::Amount, Field::Debit, Field::Credit].iter().any(|field| taken.contains_key(field));
        for (field, is_found) in [(Field::Date, taken.contains_key(&Field::Date)), (Field::Amount, has_amount)] {
            let rank = |index: &usize| self.titles.get(*index).and_then(|title| names::rank(field, &title.words));
            let named = (0..self.contents.len()).filter(|index| !is_taken(taken, *index) && rank(index).is_some());
            if let Some(index) = named.min_by_key(|index| (rank(index), *index)).filter(|_| !is_found) {
                taken.insert(field, index);
            }
        }
    }

    /// The first column of money, one with negative amounts before all others.
    fn take_amount(&self, taken: &mut BTreeMap<Field, usize>) {
        let is_amount = |contents: &Contents| contents.mostly(contents.amounts) && !contents.mostly(contents.dates);
        self.take_first(taken, Field::Amount, |contents| is_amount(contents) && contents.negative > 0);
        self.take_first(taken, Field::Amount, |contents| is_amount(contents) && contents.money > 0);
        self.take_first(taken, Field::Amount, is_amount);
    }

    fn take_first(&self, taken: &mut BTreeMap<Field, usize>, field: Field, is_it: impl Fn(&Contents) -> bool) {
        if taken.contains_key(&field) {
            return;
        }
        let mut free = self.free(taken);
        if let Some(index) = free.find(|index| is_it(&self.contents[*index])) {
            drop(free);
            taken.insert(field, index);
        }
    }

    /// Columns that no field has and whose names do not forbid a look at their contents.
    fn free<'a>(&'a self, taken: &'a BTreeMap<Field, usize>) -> impl Iterator<Item = usize> + 'a {
        let is_excluded = |index: usize| self.titles.get(index).is_some_and(|title| names::is_excluded(&title.words));
        (0..self.contents.len()).filter(move |index| !is_taken(taken, *index) && !is_excluded(*index))
    }

    /// A payee is what the file calls so, else its description, else its note, else its first text.
    fn settle_texts(&self, taken: &mut BTreeMap<Field, usize>) {
        let rank = |index: &usize| self.titles.get(*index).and_then(|title| names::description_rank(&title.words));
        let described: Vec<usize> = self.free(taken).filter(|index| rank(index).is_some()).collect();
        let mut described: Vec<usize> =
            described.into_iter().filter(|index| self.contents[*index].filled > 0).collect();
        described.sort_by_key(|index| (rank(index), *index));
        let mut described = described.into_iter();
        for field in [Field::Payee, Field::Note] {
            if !taken.contains_key(&field)
                && let Some(index) = described.next()
            {
                taken.insert(field, index);
            }
        }
        if self.header.is_none() || !taken.contains_key(&Field::Payee) && !taken.contains_key(&Field::Note) {
            self.take_first(taken, Field::Payee, |contents| contents.mostly(contents.texts));
        }
        if self.header.is_none() {
            self.take_first(taken, Field::Note, |contents| contents.mostly(contents.texts));
        }
        if !taken.contains_key(&Field::Payee)
            && let Some(index) = taken.remove(&Field::Note)
        {
            taken.insert(Field::Payee, index);
        }
    }

    /// The currency that the name of the amount's column says, as in `Betrag (EUR)`.
    fn header_currency(&self, columns: &BTreeMap<Field, Column>) -> Option<Currency> {
        [Field::Amount, Field::Debit, Field::Credit].iter().find_map(|field| {
            let index = self.place(columns.get(field)?)?;
            self.titles.get(index)?.currency
        })
    }

    fn place(&self, column: &Column) -> Option<usize> {
        header::place(column, self.header.as_deref(), self.contents.len())
    }

    /// Settles the notation of dates and amounts in the columns that were given or found.
    fn decide(&self, profile: &mut Profile) -> Result<(), CsvError> {
        let mut places = BTreeMap::new();
        for (field, column) in &profile.columns {
            let missing = || CsvError::NoSuchColumn { field: *field, column: column.clone() };
            places.insert(*field, self.place(column).ok_or_else(missing)?);
        }
        let date = places.get(&Field::Date).ok_or(CsvError::Unrecognised { field: Field::Date })?;
        let amounts: Vec<usize> = [Field::Amount, Field::Debit, Field::Credit]
            .iter()
            .filter_map(|field| places.get(field).copied())
            .collect();
        if amounts.is_empty() {
            return Err(CsvError::Unrecognised { field: Field::Amount });
        }
        profile.date_order = profile.date_order.or_else(|| Some(self.date_order(*date)));
        let decimal = profile.decimal.unwrap_or_else(|| self.decimal(&amounts));
        profile.decimal = Some(decimal);
        profile.sign = profile.sign.or_else(|| Some(self.sign(&places, decimal)));
        Ok(())
    }

    fn cells(&self, index: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.cells.get(index))
    }

    /// What most values that tell an order tell; day first if none does.
    fn date_order(&self, index: usize) -> DateOrder {
        let said = |order| self.cells(index).filter(|cell| calendar::order(cell) == Some(order)).count();
        let (day, month, year) = (said(DateOrder::DayFirst), said(DateOrder::MonthFirst), said(DateOrder::YearFirst));
        match year {
            0 if month > day => DateOrder::MonthFirst,
            0 => DateOrder::DayFirst,
            _ => DateOrder::YearFirst,
        }
    }

    fn decimal(&self, amounts: &[usize]) -> Decimal {
        let said = |sign| {
            let cells = amounts.iter().flat_map(|index| self.cells(*index));
            cells.filter(|cell| amount::decimal_sign(cell) == Some(sign)).count()
        };
        if said(Decimal::Comma) > said(Decimal::Point) { Decimal::Comma } else { Decimal::Point }
    }

    /// Signs mean the direction where there are any and where, beside a kind, expenses have them.
    fn sign(&self, places: &BTreeMap<Field, usize>, decimal: Decimal) -> Sign {
        let spent = match (places.get(&Field::Amount), places.get(&Field::Debit), places.get(&Field::Kind)) {
            (Some(amount), _, None) => return self.unaided_sign(*amount, decimal),
            (Some(amount), _, Some(kind)) => self.spent(*amount, *kind, decimal),
            (None, Some(debit), _) => self.signs(self.cells(*debit), decimal),
            (None, None, _) => (0, 0),
        };
        if spent.0 * 2 > spent.1 { Sign::NegativeIsSpent } else { Sign::NegativeIsReversal }
    }

    /// Where no column says the kind: money in has a plus, or money out has a minus, as banks write them. A list of what was
    /// spent has a minus where some of it came back, which is rare.
    fn unaided_sign(&self, amount: usize, decimal: Decimal) -> Sign {
        let has_plus =
            |cell: &str| amount::read(cell, decimal).is_some_and(|number| number.is_signed && !number.is_negative);
        let (negative, all) = self.signs(self.cells(amount), decimal);
        let is_of_a_bank = negative * MONEY_BACK_ONE_IN > all || self.cells(amount).any(has_plus);
        if is_of_a_bank { Sign::NegativeIsSpent } else { Sign::NegativeIsReversal }
    }

    /// How many amounts of expenses are negative, and how many there are.
    fn spent(&self, amount: usize, kind: usize, decimal: Decimal) -> (usize, usize) {
        let is_spent = |row: &&Line| {
            let direction = row.cells.get(kind).and_then(direction::read);
            direction == Some(direction::Direction::Spent)
        };
        self.signs(self.rows.iter().filter(is_spent).filter_map(|row| row.cells.get(amount)), decimal)
    }

    fn signs<'a>(&self, cells: impl Iterator<Item = &'a str>, decimal: Decimal) -> (usize, usize) {
        let numbers: Vec<_> = cells.filter_map(|cell| amount::read(cell, decimal)).collect();
        (numbers.iter().filter(|number| number.is_negative).count(), numbers.len())
    }
}

fn is_taken(taken: &BTreeMap<Field, usize>, index: usize) -> bool {
    taken.values().any(|other| *other == index)
}

/// Whether a column holds what a field needs.
fn holds(contents: &Contents, field: Field) -> bool {
    match field {
        Field::Date => contents.filled > 0 && contents.half(contents.dates),
        Field::Time => contents.mostly(contents.times),
        Field::Amount => contents.filled > 0 && contents.half(contents.amounts) && contents.dates < contents.filled,
        Field::Debit | Field::Credit => contents.half(contents.amounts),
        Field::Kind => contents.mostly(contents.kinds),
        Field::Currency => contents.mostly(contents.currencies),
        Field::Payee | Field::Note => contents.filled > 0,
        Field::Account | Field::ToAccount | Field::Category | Field::Subcategory | Field::Tags | Field::ExternalId => {
            true
        }
    }
}
