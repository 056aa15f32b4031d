//! Our own CSV: one row for each entry, RFC 4180, UTF-8, known again by its header.
//!
//! It is lossless: a text goes out as it is, also one that begins with `=`, `+`, `-` or `@`, which a spreadsheet may take
//! for a formula when it opens the file. Import such a file there as text. A category is its path, joined by colons, and
//! tags are joined by commas; see [`super::escape`].
//!
//! The fact of a row is its `id`, as that of a JSON object of the same entry. A row that was added by hand has none, and
//! is a row like a bank's.

use super::csv::{Column, CsvError, Dialect, Field, Profile, Row, Rows};
use super::escape::{self, TAGS};
use super::object::{self, EntryError, EntryObject, MoneyObject, own_id};
use super::source::{CSV, ENTRY, Incoming, Source, occurring};
use crate::error::Result;
use crate::model::Rejected;
use outlay_ledger::{Currency, Money};

/// The columns, in order.
const COLUMNS: [&str; 13] = [
    "date",
    "time",
    "kind",
    "amount",
    "currency",
    "payee",
    "category",
    "account",
    "to_account",
    "note",
    "tags",
    "refund_of",
    "id",
];
/// What rows end in.
const LINE_END: &str = "\r\n";

/// The first row.
pub(crate) fn header() -> String {
    COLUMNS.join(",") + LINE_END
}

/// The row of an entry.
pub(crate) fn row(entry: &EntryObject, amount: Option<Money>) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let tags = escape::join(entry.tags.iter().flatten().map(String::as_str), TAGS);
    let cells = [
        text(&entry.date),
        text(&entry.time),
        text(&entry.kind),
        amount.map_or_else(String::new, |amount| amount.amount_text()),
        amount.map_or_else(String::new, |amount| amount.currency().code().to_owned()),
        text(&entry.payee),
        text(&entry.category),
        text(&entry.account),
        text(&entry.to_account),
        text(&entry.note),
        tags,
        text(&entry.refund_of),
        text(&entry.id),
    ];
    cells.map(quoted).join(",") + LINE_END
}

fn quoted(cell: String) -> String {
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// Whether a file is one that was exported here.
pub(crate) fn is_own(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.strip_prefix(COLUMNS.join(",").as_bytes())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r"))
}

/// The rows of such a file.
pub(crate) struct SheetRows<'a>(Rows<&'a [u8]>);

impl<'a> SheetRows<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> std::result::Result<Self, CsvError> {
        let columns =
            [(Field::Date, Column::Name("date".to_owned())), (Field::Amount, Column::Name("amount".to_owned()))];
        let dialect = Dialect { delimiter: Some(','), has_header: Some(true), ..Dialect::default() };
        let profile = Profile { dialect, columns: columns.into(), ..Profile::default() };
        Rows::new(bytes, &profile).map(Self)
    }
}

impl Source for SheetRows<'_> {
    fn next(&mut self) -> Result<Option<std::result::Result<Incoming, Rejected>>> {
        let Some(row) = self.0.next().transpose()? else { return Ok(None) };
        Ok(Some(incoming(&row)))
    }

    fn bytes_done(&self) -> u64 {
        self.0.bytes_read()
    }
}

fn incoming(row: &Row) -> std::result::Result<Incoming, Rejected> {
    let rejected = |reason: String| Rejected { line: row.line(), reason };
    if let Some(fault) = row.fault() {
        return Err(rejected(fault.to_string()));
    }
    let read = object(row).and_then(EntryObject::read).map_err(|error| rejected(error.to_string()))?;
    let (domain, fact) = match &read.id {
        Some(id) => (ENTRY, id.clone()),
        None => (CSV, occurring(row.fact(), row.occurrence())),
    };
    let origin = read.id.as_deref().and_then(own_id);
    Ok(Incoming { line: row.line(), domain, fact, new: read.new, is_deleted: false, origin, refund: read.refund })
}

fn object(row: &Row) -> std::result::Result<EntryObject, EntryError> {
    let cell = |name: &str| {
        let place = COLUMNS.iter().position(|column| *column == name);
        place.and_then(|place| row.cell(place)).filter(|cell| !cell.is_empty()).map(str::to_owned)
    };
    let amount = match (cell("amount"), cell("currency")) {
        (Some(amount), Some(currency)) => {
            let currency = Currency::parse(&currency)?;
            Some(MoneyObject { minor: Money::parse(&amount, currency)?.minor(), currency: currency.code().to_owned() })
        }
        (Some(_), None) => return Err(EntryError::Missing("currency")),
        (None, _) => None,
    };
    Ok(EntryObject {
        id: cell("id"),
        kind: cell("kind").or_else(|| amount.as_ref().and_then(|_| object::expense())),
        amount,
        payee: cell("payee"),
        category: cell("category"),
        account: cell("account"),
        to_account: cell("to_account"),
        date: cell("date"),
        time: cell("time"),
        note: cell("note"),
        tags: cell("tags").map(|tags| escape::split(&tags, TAGS)),
        refund_of: cell("refund_of"),
        ..EntryObject::default()
    })
}
