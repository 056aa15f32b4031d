//! A device that was without a network for years: 100,000 expenses made one by one, then one sync, which is cut in the
//! middle. It has arrived when another device, which had nothing, has all of it.

use std::path::Path;
use std::sync::Arc;

use outlay_core::sync::SignInOptions;
use outlay_core::{Currency, Engine, FileKeyStore, LedgerId, Options};

use super::fresh::fetch;
use super::{PATIENCE, complete, credentials};
use crate::figure::{At, Figure, SYNCED};
use crate::generate::Rows;
use crate::ground::Outcome;
use crate::meter::Meter;
use crate::relay::{Relay, Traffic, Way};
use crate::report::{Measured, Report};
use crate::server::{Server, url};

/// Bytes after which the connection is cut: about half of what goes up.
const CUT_AFTER_BYTES: u64 = 5_000_000;
/// The type of PUSH; see [`outlay_protocol::message`].
const PUSH: u8 = 0x06;
/// Frames that it must at least take.
const CHUNKS_MIN: usize = 10;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let (engine, ledger) = author(&folder.join("offline.db"))?;
    let raw: u64 = engine.commits(ledger, &[])?.iter().map(|commit| commit.encode().len() as u64).sum();
    let server = Server::start(&folder.join("backlog"))?;
    let relay = Relay::to(server.address)?;
    engine.sign_up(&url(relay.address)?, &credentials(0), &SignInOptions::default())?;
    server.forget_peak()?;
    relay.cut_after(CUT_AFTER_BYTES);
    let meter = Meter::process();
    complete(&engine.sync_once(PATIENCE)?)?;
    let pushed_ns = meter.stop().wall_ns;
    let bytes = in_chunks(&relay.take(), relay.is_cut())?;
    let fetched = fetch(&server, &folder.join("arrived.db"), &engine, ledger)?;
    let at = At::OneByOne(SYNCED);
    let mut put = |figure, value| report.put(figure, at, Measured { value, ..Measured::default() });
    put(Figure::Backlog, pushed_ns + fetched.all.wall_ns);
    put(Figure::BacklogRaw, raw);
    put(Figure::BacklogBytes, bytes.div_ceil(SYNCED));
    put(Figure::ServerSyncing, server.peak_bytes()?);
    fetched.put(at, report);
    server.stop()
}

/// Bytes that went up, if that was in chunks and in spite of a cut.
fn in_chunks(traffic: &Traffic, is_cut: bool) -> Outcome<u64> {
    match traffic.count(PUSH) {
        _ if !is_cut => Err("the connection was not cut, so nothing was resumed".into()),
        chunks @ 0..CHUNKS_MIN => Err(format!("it went up in {chunks} frames").into()),
        _ => Ok(traffic.bytes(Way::Up)),
    }
}

/// Makes the expenses in memory, where no disk is waited for, and goes on with a copy of the database and the same key.
fn author(path: &Path) -> Outcome<(Engine, LedgerId)> {
    let options = || Options { key_store: Some(Arc::new(FileKeyStore::beside(path))), ..Options::default() };
    let engine = Engine::open_in_memory_with(options())?;
    let ledger = engine.create_ledger("Home", Currency::EUR)?.id;
    for row in Rows::new(6).file(usize::try_from(SYNCED)?) {
        engine.add_expense(ledger, row.expense()?)?;
    }
    engine.backup(path)?;
    drop(engine);
    Ok((Engine::open(path, options())?, ledger))
}
