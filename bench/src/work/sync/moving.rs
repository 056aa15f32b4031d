//! A thousand expenses that were made without a network, to a device that is connected: from the call that syncs to the call
//! that tells the other app of the last.

use std::path::Path;
use std::time::Instant;

use outlay_core::ImportRow;

use super::{Newest, PATIENCE, Pair, complete, count, newest};
use crate::figure::{At, BATCH, Figure};
use crate::generate::Row;
use crate::ground::Outcome;
use crate::meter::median;
use crate::relay::{Relay, Way};
use crate::report::{Measured, Report};
use crate::server::Server;

/// How often; the time in the middle counts.
const TIMES: i32 = 5;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let server = Server::start(&folder.join("moving"))?;
    for (number, at) in [(1, At::Imported(BATCH)), (3, At::OneByOne(BATCH))] {
        let direct = Pair::make(folder, 10 + number, [server.address; 2])?;
        let wall_ns = median(&mut repeat(direct, at, TIMES)?);
        report.put(Figure::Move, at, Measured { value: wall_ns, ..Measured::default() });
        let relays = [Relay::to(server.address)?, Relay::to(server.address)?];
        let relayed = Pair::make(folder, 11 + number, [relays[0].address, relays[1].address])?;
        relays.iter().for_each(|relay| _ = relay.take());
        repeat(relayed, at, 1)?;
        let [ana, ben] = relays.map(|relay| relay.take());
        let bytes = ana.bytes(Way::Up).max(ben.bytes(Way::Down)).div_ceil(BATCH);
        report.put(Figure::MoveBytes, at, Measured { value: bytes, ..Measured::default() });
    }
    server.stop()
}

fn repeat(mut pair: Pair, at: At, times: i32) -> Outcome<Vec<u64>> {
    let _syncing = pair.ben.start_sync()?;
    let shown = Newest::of(&pair.ben, pair.ledger)?;
    let mut taken = Vec::new();
    for time in 0..times {
        let mut rows = pair.more(usize::try_from(BATCH)?);
        rows.sort_by_key(|row| row.date);
        let before = count(&pair.ben, pair.ledger)?;
        let note = make(&pair, at, &rows, time)?;
        let begin = Instant::now();
        complete(&pair.ana.sync_once(PATIENCE)?)?;
        shown.wait_for(&note)?;
        taken.push(u64::try_from(begin.elapsed().as_nanos())?);
        if count(&pair.ben, pair.ledger)? != before + BATCH {
            return Err("the last of a thousand came before the others".into());
        }
    }
    Ok(taken)
}

/// Makes them offline, the last of them newer than all there are, and returns the note by which it is known.
fn make(pair: &Pair, at: At, rows: &[Row], time: i32) -> Outcome<String> {
    let (last, rows) = rows.split_last().ok_or("there are no rows")?;
    let new = newest(last, time)?;
    let note = new.note.clone();
    if matches!(at, At::Imported(_)) {
        let mut rows = rows.iter().map(Row::import).collect::<outlay_core::Result<Vec<_>>>()?;
        rows.push(ImportRow { fact: note.clone(), new });
        pair.ana.import_rows(pair.ledger, rows)?;
    } else {
        for row in rows {
            pair.ana.add_expense(pair.ledger, row.expense()?)?;
        }
        pair.ana.add_expense(pair.ledger, new)?;
    }
    Ok(note)
}
