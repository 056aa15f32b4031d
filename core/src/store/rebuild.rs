//! Dropping every projection and making it anew from the commits: what doctor compares with what there was.

use outlay_ledger::DeviceKey;
use outlay_ledger::signature::verify_batch;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::log::{self, Stands};
use super::{Write, document, insights, keys, migration, search, standing};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Diagnosis;

/// What is dropped and compared, with what tells rows apart.
const PROJECTIONS: [(&str, &str); 12] = [
    ("verdict", "seq"),
    ("fold", "rid"),
    ("expense", "rid"),
    ("expense_tag", "lid, tag, rid"),
    ("attachment", "rid, hash"),
    ("decision", "rid"),
    ("account", "rid"),
    ("category", "rid"),
    ("member", "rid"),
    ("rollup", "lid, month, currency, kind, category"),
    ("conflict", "lid, rid, key"),
    ("ledger", "lid"),
];
/// Commits whose signatures are checked together.
const VERIFY_BATCH: usize = 512;

/// Checks the file and every commit in it, then makes all projections anew and compares.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if commits are damaged, which are named in `diagnosis` by then: projections made of what is
/// left would show less than there is now.
pub(crate) fn diagnose(write: &mut Write<'_>, own: &DeviceKey, diagnosis: &mut Diagnosis) -> Result<()> {
    check_file(&write.tx, diagnosis)?;
    if !check_commits(write, diagnosis)? {
        return Err(Error::new(ErrorKind::Corrupt, "not every commit can be read, so what is shown was left as it is"));
    }
    log::index_commits(write, 0)?;
    write.flush_rollups()?;
    let before = digests(&write.tx)?;
    rebuild(write, own)?;
    write.flush_rollups()?;
    for (((name, _), (count, digest)), (_, old)) in PROJECTIONS.iter().zip(digests(&write.tx)?).zip(before) {
        diagnosis.checked.push((format!("rows of {name}"), count));
        if digest != old {
            diagnosis.problems.push(format!("{name} was not what the records say; it was rebuilt"));
        }
    }
    count_not_applied(&write.tx, diagnosis)
}

/// Drops every projection and makes it anew.
fn rebuild(write: &mut Write<'_>, own: &DeviceKey) -> Result<()> {
    empty(write)?;
    for lid in keys::ledgers(&write.tx)? {
        standing::judge_all(write, own, lid)?;
        for rid in column(
            &write.tx,
            &format!("SELECT DISTINCT rid FROM record JOIN commit_log ON cid = (SELECT max(c.cid) FROM commit_log c WHERE c.cid <= seq)
                JOIN feed USING (fid) WHERE rid IS NOT NULL AND lid = {lid} AND meta & 255 = 0"),
        )? {
            document::refold(write, lid, rid)?;
        }
    }
    while search::fill(write)? {}
    Ok(())
}

/// A search index whose head is damaged cannot even be checked or dropped, and SQLite calls that an error of the statement.
fn beyond_mending(error: rusqlite::Error) -> Error {
    let error = Error::from(error);
    if error.kind() != ErrorKind::Internal {
        return error;
    }
    Error::new(ErrorKind::Corrupt, "a table that is made from the commits is damaged beyond mending").with_source(error)
}

/// Drops every projection and everything remembered of one.
pub(super) fn empty(write: &mut Write<'_>) -> Result<()> {
    let names = PROJECTIONS.iter().map(|(name, _)| *name).filter(|name| *name != "ledger");
    for name in names.chain(["search_dirty", "search"]) {
        write.tx.execute_batch(&format!("DROP TABLE {name}")).map_err(beyond_mending)?;
    }
    migration::make(&write.tx, migration::PROJECTION)?;
    search::begin_anew(&write.tx)?;
    insights::note_changed(&write.tx)?;
    write
        .tx
        .execute_batch("UPDATE ledger SET name = '', currency = '', role = 0, member = NULL, member_heads = x''")?;
    *write.state = super::WriterState::default();
    Ok(())
}

fn integrity(tx: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = tx.prepare("PRAGMA integrity_check(20)")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn check_file(tx: &Connection, diagnosis: &mut Diagnosis) -> Result<()> {
    let lines = integrity(tx).map_err(beyond_mending)?;
    diagnosis.problems.extend(lines.into_iter().filter(|line| line != "ok").map(|line| format!("the file: {line}")));
    let pages: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    diagnosis.checked.push(("pages of the file".to_owned(), pages.unsigned_abs()));
    Ok(())
}

/// Whether every stored commit gives back its id, and its signature is good.
fn check_commits(write: &mut Write<'_>, diagnosis: &mut Diagnosis) -> Result<bool> {
    let cids: Vec<i64> = column(&write.tx, "SELECT cid FROM commit_log ORDER BY cid")?;
    let (mut records, found_before) = (0, diagnosis.problems.len());
    for cids in cids.chunks(VERIFY_BATCH) {
        let mut signed = Vec::with_capacity(cids.len());
        for cid in cids {
            let id = log::id(&write.tx, *cid)?;
            match log::load(&write.tx, &mut write.state.keys, &mut write.state.codec, *cid) {
                Ok(commit) if commit.id() == id => {
                    records += commit.records.len() as u64;
                    signed.push((commit.header.device, id, commit.signature));
                }
                Ok(_) | Err(_) => diagnosis.problems.push(format!("commit {id} is damaged")),
            }
        }
        let good = verify_batch(&signed);
        let bad = signed.iter().zip(good).filter(|(_, is_good)| !is_good);
        diagnosis.problems.extend(bad.map(|((_, id, _), _)| format!("the signature of commit {id} is damaged")));
    }
    diagnosis.checked.push(("commits and their signatures".to_owned(), cids.len() as u64));
    diagnosis.checked.push(("records".to_owned(), records));
    Ok(diagnosis.problems.len() == found_before)
}

/// The number of rows and a hash over them, for each projection.
fn digests(tx: &Connection) -> Result<Vec<(u64, blake3::Hash)>> {
    PROJECTIONS.iter().map(|(name, key)| digest(tx, &format!("SELECT * FROM {name} ORDER BY {key}"))).collect()
}

fn digest(tx: &Connection, select: &str) -> Result<(u64, blake3::Hash)> {
    let mut statement = tx.prepare(select)?;
    let width = statement.column_count();
    let mut rows = statement.query([])?;
    let (mut count, mut hasher) = (0, blake3::Hasher::new());
    while let Some(row) = rows.next()? {
        for index in 0..width {
            hash_value(row.get_ref(index)?, &mut hasher);
        }
        count += 1;
    }
    Ok((count, hasher.finalize()))
}

fn hash_value(value: ValueRef<'_>, hasher: &mut blake3::Hasher) {
    match value {
        ValueRef::Null => hasher.update(&[0]),
        ValueRef::Integer(value) => hasher.update(&[1]).update(&value.to_be_bytes()),
        ValueRef::Real(value) => hasher.update(&[2]).update(&value.to_be_bytes()),
        ValueRef::Text(value) => hasher.update(&[3]).update(&(value.len() as u64).to_be_bytes()).update(value),
        ValueRef::Blob(value) => hasher.update(&[4]).update(&(value.len() as u64).to_be_bytes()).update(value),
    };
}

fn count_not_applied(tx: &Connection, diagnosis: &mut Diagnosis) -> Result<()> {
    let mut statement = tx.prepare("SELECT code, count(*) FROM verdict GROUP BY code ORDER BY code")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    for row in rows {
        let (code, count) = row?;
        diagnosis.not_applied.push((document::reason(code), count.unsigned_abs()));
    }
    for (stands, words) in [
        (Stands::Aside, "in a commit that was set aside, because its author might not write it"),
        (Stands::Waiting, "in a commit that waits for others"),
        (Stands::Newer, "in a commit of a newer version"),
    ] {
        let select = "SELECT sum(count) FROM commit_log WHERE standing <> 0 AND standing = ?1";
        let count: Option<i64> = tx.query_row(select, [stands.number()], |row| row.get(0))?;
        diagnosis.not_applied.extend(count.map(|count| (words.to_owned(), count.unsigned_abs())));
    }
    Ok(())
}

fn column<T: rusqlite::types::FromSql>(tx: &Connection, select: &str) -> Result<Vec<T>> {
    let mut statement = tx.prepare(select)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}
