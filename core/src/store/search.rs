//! Full-text search over payees, notes and tags.
//!
//! The index is filled after the commit, in batches: in it, it would be half the cost of adding an entry. What it lacks are
//! the entries with a record that came since, and those listed in `search_dirty`. A search reads the index without these
//! and then these by themselves, in an index in memory with the same tokenizer, so it never misses what was added just now.

use outlay_ledger::change::Change;
use outlay_ledger::field;
use rusqlite::Connection;

use super::projection::TAG_SEPARATOR;
use super::records::UNSEARCHED;
use super::runs::places;
use super::{Write, log, records};
use crate::error::Result;

/// The records from this number on came since the index was filled.
const SEARCHABLE_TO: &str = "searchable_to";
/// Records brought into the index in one transaction, so that no other writer waits longer than some 50 ms. Fewer would
/// make more segments, which are merged, and more fsyncs.
const BATCH_MAX: i64 = 10_000;
/// Pages merged in one transaction: a tenth of a second.
const MERGE_PAGES: i64 = 500;
/// Records outside the index from which on filling it is worth a transaction.
pub(crate) const LACKING_MIN: i64 = 256;
/// The registers of an entry that no search looks at. That the date is a date makes the entry one.
const UNSEARCHED_FIELDS: [&str; 7] =
    [field::MONEY, field::STATE, field::CATEGORY, field::ACCOUNT, field::TIME, field::REFUND_OF, field::COMMITMENT];
/// Words of one search.
const WORDS_MAX: usize = 16;
/// Characters of one search in which words beyond ASCII are looked for: sixteen long ones.
const TEXT_CHARS_MAX: usize = 1_024;

/// How a text is found.
pub(super) struct Found {
    /// The expression for the index.
    pub(super) expression: String,
    /// The entries that the index lacks, as a JSON list.
    pub(super) lacking: String,
    /// Those of them that match, as a JSON list.
    pub(super) beside: String,
}

/// How a text is found; `None` when it has no word.
pub(super) fn find(connection: &Connection, text: &str) -> Result<Option<Found>> {
    let words: Vec<String> = words(text)?.into_iter().map(|word| format!("\"{word}\"*")).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let expression = words.join(" ");
    let texts = texts(connection, log::meta(connection, SEARCHABLE_TO)?, records::next_seq(connection)?)?;
    let beside = json_list(matching_beside(&expression, &texts)?);
    let lacking = json_list(texts.into_iter().map(|(rid, _)| rid));
    Ok(Some(Found { expression, lacking, beside }))
}

/// The words of a text. What one is beyond ASCII is the tokenizer's to say: a word that it takes apart would be a phrase,
/// and an index without positions refuses those.
fn words(text: &str) -> Result<Vec<String>> {
    if text.is_ascii() {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        return Ok(words.take(WORDS_MAX).map(str::to_owned).collect());
    }
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let beside = index_beside(&[(1, Some(text))])?;
    beside.execute_batch("CREATE VIRTUAL TABLE word USING fts5vocab (search, 'row')")?;
    let mut statement = beside.prepare(&format!("SELECT term FROM word LIMIT {WORDS_MAX}"))?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn json_list(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// How many records came since the index was filled, and entries that changed otherwise.
pub(crate) fn lacking(connection: &Connection) -> Result<i64> {
    let select = "SELECT count(*) FROM search_dirty";
    let listed: i64 = connection.prepare_cached(select)?.query_row([], |row| row.get(0))?;
    Ok(records::next_seq(connection)? - log::meta(connection, SEARCHABLE_TO)?.max(1) + listed)
}

/// Whether a change of an entry leaves what is searched as it is, and that it is an entry.
pub(super) fn is_unsearched(change: &Change) -> bool {
    change.ops.iter().all(|op| UNSEARCHED_FIELDS.contains(&op.key.as_str()))
}

/// Notes an entry that changed without a new record of its own.
pub(super) fn note_changed(tx: &Connection, rid: i64) -> Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO search_dirty (rid) VALUES (?1)")?.execute([rid])?;
    Ok(())
}

/// Says that the index is empty, so that everything is brought into it again.
pub(super) fn begin_anew(tx: &Connection) -> Result<()> {
    log::set_meta(tx, SEARCHABLE_TO, 0)
}

/// Brings some of the entries that the index lacks into it. Says whether there are more.
pub(crate) fn fill(write: &mut Write<'_>) -> Result<bool> {
    let (from, end) = (log::meta(&write.tx, SEARCHABLE_TO)?, records::next_seq(&write.tx)?);
    let to = end.min(from.max(1) + BATCH_MAX);
    let batch = texts(&write.tx, from, to)?;
    let mut delete = write.tx.prepare_cached("DELETE FROM search WHERE rowid = ?1")?;
    let mut insert = write.tx.prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")?;
    // What has all its records in this batch was never in the index, and deleting it would cost as much as inserting it.
    let mut is_older = write.tx.prepare_cached(concat!("SELECT 1 FROM (", places!("?1"), ") WHERE seq < ?2"))?;
    for (rid, text) in &batch {
        if is_older.exists((rid, from))? {
            delete.execute([rid])?;
        }
        if let Some(text) = text {
            insert.execute((rid, text))?;
        }
    }
    write.tx.execute("DELETE FROM search_dirty", [])?;
    log::set_meta(&write.tx, SEARCHABLE_TO, to)?;
    Ok(to < end)
}

/// Goes on merging what batches have left of the index, as far as it is worth it. Says whether there is more.
pub(crate) fn merge(write: &mut Write<'_>) -> Result<bool> {
    let before = write.tx.total_changes();
    let merge = "INSERT INTO search (search, rank) VALUES ('merge', ?1)";
    write.tx.prepare_cached(merge)?.execute([MERGE_PAGES])?;
    // This row itself is a change; FTS5 says so that nothing more was done.
    Ok(write.tx.total_changes() - before >= 2)
}

fn matching_beside(expression: &str, texts: &[(i64, Option<String>)]) -> Result<Vec<i64>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let beside = index_beside(texts)?;
    let mut statement = beside.prepare("SELECT rowid FROM search WHERE search MATCH ?1")?;
    Ok(statement.query_map([expression], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// An index in memory, of these texts.
fn index_beside(texts: &[(i64, Option<String>)]) -> Result<Connection> {
    let beside = Connection::open_in_memory()?;
    beside.execute_batch(
        "CREATE VIRTUAL TABLE search USING fts5 (text, content = '', detail = none,
            tokenize = \"unicode61 remove_diacritics 2\")",
    )?;
    for (rid, text) in texts {
        beside.prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")?.execute((rid, text))?;
    }
    Ok(beside)
}

/// What there is to find of the documents with records in a range, and of those that are listed; nothing of what is no
/// entry.
fn texts(connection: &Connection, from: i64, to: i64) -> Result<Vec<(i64, Option<String>)>> {
    let select = format!(
        "SELECT d.rid, e.rid IS NOT NULL, p.name, e.note, e.tags FROM
        (SELECT rid FROM record WHERE seq >= ?1 AND seq < ?2 AND rid IS NOT NULL AND meta & {UNSEARCHED} = 0
            UNION SELECT rid FROM search_dirty) d
        LEFT JOIN expense e ON e.rid = d.rid LEFT JOIN payee p ON p.pid = e.payee"
    );
    let mut statement = connection.prepare_cached(&select)?;
    let rows = statement.query_map((from, to), |row| {
        let parts: [Option<String>; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ").replace(TAG_SEPARATOR, " ");
        Ok((row.get(0)?, row.get::<_, bool>(1)?.then_some(text)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
