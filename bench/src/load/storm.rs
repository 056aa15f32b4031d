//! The server is killed while a hundred devices write, is started again, and all thousand sockets come back at once.

use std::path::Path;
use std::time::Duration;

use futures_util::future::{join, join_all, try_join_all};
use outlay_protocol::message::{Message, Open, Run};
use outlay_protocol::{Cursor, Place};
use tokio::time::{Instant, sleep_until};

use super::crowd::{Crowd, Household};
use super::fan_out::{PREPARATION, Schedule};
use super::person::{Device, open, source};
use crate::figure::{At, Figure, LIVE_SOCKETS};
use crate::ground::Outcome;
use crate::report::{Measured, Report};
use crate::server::Server;
use crate::socket::Socket;

/// Seconds for which is written, and killed in the middle.
pub(crate) const SECONDS: u64 = 4;

/// Returns the crowd, with its sockets on the server that was started again.
pub(crate) async fn run(folder: &Path, crowd: Crowd, report: &mut Report) -> Outcome<Crowd> {
    let Crowd { mut server, mut households } = crowd;
    let begin = Instant::now() + PREPARATION;
    let each = households.iter_mut().enumerate();
    let writing = join_all(each.map(|(household, members)| write(members, Schedule { begin, household })));
    let killing = async {
        sleep_until(begin + Duration::from_secs(SECONDS) / 2).await;
        server.kill()
    };
    let (acknowledged, killed) = join(writing, killing).await;
    killed?;
    let acknowledged: Vec<Place> = acknowledged.into_iter().collect::<Option<_>>().ok_or("nothing was acknowledged")?;
    let server = Server::start_for_many(folder)?;
    let begin = Instant::now();
    let coming = households.iter().zip(&acknowledged).enumerate();
    let coming = coming.map(|(number, (household, last))| come_back(&server, number, household, *last));
    let back = try_join_all(coming).await?;
    let wall_ns = u64::try_from(begin.elapsed().as_nanos())?;
    let mut lost = 0;
    for ((household, last), (sockets, cursor)) in households.iter_mut().zip(acknowledged).zip(back) {
        lost += last.pos.saturating_sub(cursor.at.pos);
        (household.sockets, household.cursor) = (sockets, cursor);
    }
    let at = At::Sockets(LIVE_SOCKETS);
    let mut put = |figure, value| report.put(figure, at, Measured { value, ..Measured::default() });
    put(Figure::StormTime, wall_ns);
    put(Figure::StormLost, lost);
    put(Figure::StormHashes, server.hashes().await?);
    Ok(Crowd { server, households })
}

/// Writes until the connection ends, and says where in the log the last acknowledged write is.
async fn write(members: &mut Household, schedule: Schedule) -> Option<Place> {
    let (frames, mut last) = (std::mem::take(&mut members.late), None);
    let writer = members.sockets.first_mut()?;
    for (number, frame) in (0..).zip(frames) {
        sleep_until(schedule.due(number)).await;
        let Ok(()) = writer.send(frame).await else { return last };
        loop {
            match writer.message().await {
                Ok(Message::Ack(ack)) => {
                    let Some(Run::Stored { first, count: 1, chain }) = ack.runs.first() else { return None };
                    last = Some(Place { pos: *first, chain: *chain });
                    break;
                }
                Ok(_) => {}
                Err(_) => return last,
            }
        }
    }
    last
}

/// All devices of a household open its ledger from the last write that was acknowledged.
async fn come_back(
    server: &Server,
    number: usize,
    household: &Household,
    last: Place,
) -> Outcome<(Vec<Socket>, Cursor)> {
    let from = Cursor { at: last, ..household.cursor };
    let coming = household.devices.iter().enumerate().map(|(place, device)| async move {
        let Device { secret, entered } = device;
        let mut socket = Socket::connect(server.address, source(number * household.devices.len() + place)).await?;
        let cursor = socket.open(secret, entered, Open { from: Some(from), ..open(household.ledger) }).await?;
        Outcome::Ok((socket, cursor))
    });
    let (sockets, cursors): (Vec<_>, Vec<_>) = try_join_all(coming).await?.into_iter().unzip();
    Ok((sockets, cursors.into_iter().next().ok_or("a household has no devices")?))
}
