//! Bytes of a batch of a thousand expenses as it travels, signatures included, by how they were made.

use std::path::Path;

use outlay_core::{CommitId, Currency, Engine, LedgerId, Options};
use outlay_protocol::batch;

use crate::figure::{At, BATCH, Figure};
use crate::generate::{Row, Rows};
use crate::ground::Outcome;
use crate::report::{Measured, Report};

/// Expenses before, so that payees, categories and accounts are held at both ends, as in a ledger in use.
const BEFORE: usize = 2_000;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    together(report)?;
    one_by_one(report)?;
    by_a_process_each(&folder.join("processes.db"), report)
}

fn together(report: &mut Report) -> Outcome<()> {
    let (engine, ledger, mut rows) = used()?;
    let heads = engine.heads(ledger)?;
    let file = rows.file(usize::try_from(BATCH)?);
    engine.import_rows(ledger, file.iter().map(Row::import).collect::<outlay_core::Result<Vec<_>>>()?)?;
    put(report, Figure::WireTogether, bytes(&engine, ledger, &heads)?);
    Ok(())
}

fn one_by_one(report: &mut Report) -> Outcome<()> {
    let (engine, ledger, mut rows) = used()?;
    let heads = engine.heads(ledger)?;
    add(&engine, ledger, &mut rows, usize::try_from(BATCH)?)?;
    put(report, Figure::WireOneByOne, bytes(&engine, ledger, &heads)?);
    Ok(())
}

fn by_a_process_each(path: &Path, report: &mut Report) -> Outcome<()> {
    let (ledger, heads, mut rows) = {
        let engine = Engine::open(path, Options::default())?;
        let (ledger, rows) = make_used(&engine, 100)?;
        (ledger, engine.heads(ledger)?, rows)
    };
    // An engine that is opened anew writes a feed of its own, as a process does.
    for _ in 0..BATCH {
        add(&Engine::open(path, Options::default())?, ledger, &mut rows, 1)?;
    }
    let bytes = bytes(&Engine::open(path, Options::default())?, ledger, &heads)?;
    put(report, Figure::WireProcessEach, bytes);
    Ok(())
}

fn used() -> Outcome<(Engine, LedgerId, Rows)> {
    let engine = Engine::open_in_memory()?;
    let (ledger, rows) = make_used(&engine, BEFORE)?;
    Ok((engine, ledger, rows))
}

fn make_used(engine: &Engine, count: usize) -> Outcome<(LedgerId, Rows)> {
    let (ledger, mut rows) = (engine.create_ledger("Home", Currency::EUR)?.id, Rows::new(7));
    add(engine, ledger, &mut rows, count)?;
    Ok((ledger, rows))
}

fn add(engine: &Engine, ledger: LedgerId, rows: &mut Rows, count: usize) -> Outcome<()> {
    let rows: Vec<Row> = rows.by_ref().take(count).collect();
    for row in rows {
        engine.add_expense(ledger, row.expense()?)?;
    }
    Ok(())
}

/// Of what a replica with these heads lacks.
fn bytes(engine: &Engine, ledger: LedgerId, heads: &[CommitId]) -> Outcome<u64> {
    let commits = engine.commits(ledger, heads)?;
    let encoded = batch::encode(&commits)?;
    if batch::decode(&encoded, &batch::Limits::default())? != commits {
        return Err("a batch came out other than it went in".into());
    }
    Ok(encoded.len() as u64)
}

fn put(report: &mut Report, figure: Figure, bytes: u64) {
    report.put(figure, At::Batch(BATCH), Measured { value: bytes.div_ceil(BATCH), ..Measured::default() });
}
