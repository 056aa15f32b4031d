//! One expense from a device to another, both connected: from the call that adds it to the call that tells the other app.

use std::path::Path;
use std::time::Instant;

use super::{Newest, Pair, newest};
use crate::figure::{At, Figure};
use crate::ground::Outcome;
use crate::meter::{median, percentile};
use crate::plain::Plain;
use crate::relay::{Relay, Way};
use crate::report::{Measured, Report};
use crate::server::Server;

/// Expenses that are timed.
const TIMED: usize = 300;
/// Those before, which are not.
const FIRST: usize = 20;
/// Expenses whose bytes are counted.
const COUNTED: usize = 50;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let server = Server::start(&folder.join("live"))?;
    let mut direct = Pair::make(folder, 1, [server.address; 2])?;
    let mut taken = Vec::with_capacity(TIMED);
    send(&mut direct, FIRST + TIMED, |_, wall_ns| taken.push(wall_ns))?;
    let plain = Some(durable_ns(&folder.join("live-plain.db"))?);
    let mut put =
        |figure, value, plain| report.put(figure, At::Connected, Measured { value, plain, ..Measured::default() });
    put(Figure::Live, median(&mut taken[FIRST..]), plain);
    put(Figure::LiveTail, percentile(&mut taken[FIRST..], 99), None);
    let (up, down) = bytes(folder, &server)?;
    put(Figure::LiveUp, up, None);
    put(Figure::LiveDown, down, None);
    server.stop()
}

/// What both devices send and receive for one expense, the acknowledgement included.
fn bytes(folder: &Path, server: &Server) -> Outcome<(u64, u64)> {
    let relays = [Relay::to(server.address)?, Relay::to(server.address)?];
    let mut pair = Pair::make(folder, 2, [relays[0].address, relays[1].address])?;
    send(&mut pair, FIRST + COUNTED, |place, _| {
        if place + 1 == FIRST {
            relays.iter().for_each(|relay| _ = relay.take());
        }
    })?;
    let traffic = relays.map(|relay| relay.take());
    let each = |way| traffic.iter().map(|one| one.bytes(way)).sum::<u64>().div_ceil(COUNTED as u64);
    Ok((each(Way::Up), each(Way::Down)))
}

/// Adds expenses one after the other, each when the one before has come, and says what each took.
fn send(pair: &mut Pair, count: usize, mut came: impl FnMut(usize, u64)) -> Outcome<()> {
    let rows = pair.more(count);
    let _syncing = [pair.ana.start_sync()?, pair.ben.start_sync()?];
    let shown = Newest::of(&pair.ben, pair.ledger)?;
    for (place, row) in (0..).zip(&rows) {
        let new = newest(row, place)?;
        let note = new.note.clone();
        let begin = Instant::now();
        pair.ana.add_expense(pair.ledger, new)?;
        shown.wait_for(&note)?;
        came(usize::try_from(place)?, u64::try_from(begin.elapsed().as_nanos())?);
    }
    Ok(())
}

/// What one durable row of plain SQLite takes of the wall: the disk's part, which is in the way of an expense three times.
fn durable_ns(path: &Path) -> Outcome<u64> {
    let plain = Plain::open(path)?;
    let mut taken = Vec::with_capacity(TIMED);
    for row in crate::generate::Rows::new(1).take(TIMED) {
        let begin = Instant::now();
        plain.add(&row)?;
        taken.push(u64::try_from(begin.elapsed().as_nanos())?);
    }
    Ok(median(&mut taken))
}
