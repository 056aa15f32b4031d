//! A thousand sockets of which every tenth is never read, and more written to their ledgers than any buffer holds: what the
//! server has of memory at most.

use futures_util::future::{join, try_join_all};
use outlay_protocol::message::{Message, Open};

use super::crowd::{Crowd, Household};
use super::ingest::push;
use super::person::{open, source};
use crate::figure::{At, DEAF_SOCKETS, Figure, LIVE_SOCKETS};
use crate::ground::Outcome;
use crate::report::{Measured, Report};
use crate::socket::Socket;

/// Ledgers in which it is written, with ten deaf sockets each.
pub(crate) const FLOODED: usize = 10;
/// What is written in each, in records of a long note: some 6 MiB, where a socket that nobody reads takes some 3.
pub(crate) const RECORDS: usize = 1_500;

/// Floods, and returns when all who read have read it.
pub(crate) async fn run(crowd: &mut Crowd, report: &mut Report) -> Outcome<()> {
    let Crowd { server, households } = crowd;
    let flooded = households.get_mut(..FLOODED).ok_or("there are fewer ledgers")?;
    let mut deaf = Vec::new();
    for place in 0..usize::try_from(DEAF_SOCKETS)? {
        let household = flooded.get(place % FLOODED).ok_or("there are fewer ledgers")?;
        let device = &household.devices[place / FLOODED % household.devices.len()];
        let mut socket = Socket::connect(server.address, source(place)).await?;
        let opening = Open { from: Some(household.cursor), ..open(household.ledger) };
        socket.open(&device.secret, &device.entered, opening).await?;
        deaf.push(socket);
    }
    server.forget_peak()?;
    try_join_all(flooded.iter_mut().map(flood)).await?;
    let value = server.peak_bytes()?;
    drop(deaf);
    report.put(Figure::Deaf, At::Sockets(LIVE_SOCKETS), Measured { value, ..Measured::default() });
    Ok(())
}

async fn flood(household: &mut Household) -> Outcome<()> {
    let frames = std::mem::take(&mut household.flood);
    let (writer, readers) = household.sockets.split_first_mut().ok_or("a household has no devices")?;
    let end = household.cursor.at.pos + household.flooded;
    let reading = try_join_all(readers.iter_mut().map(|socket| async move {
        loop {
            let Message::Commits(commits) = socket.message().await? else { continue };
            if let Some((_, to)) = commits.to.filter(|(_, to)| to.pos >= end) {
                return Outcome::Ok(to);
            }
        }
    }));
    let (pushed, read) = join(push(writer, frames), reading).await;
    pushed?;
    household.cursor.at = read?.into_iter().next().ok_or("a household has nobody who reads")?;
    Ok(())
}
