//! Ten thousand sockets that are signed in, have a ledger open, and are still: what the server has of memory then.

use std::net::SocketAddr;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use outlay_protocol::message::Open;

use super::crowd::{Crowd, Household};
use super::person::{open, source};
use crate::figure::{At, Figure, IDLE_SOCKETS};
use crate::ground::Outcome;
use crate::report::{Measured, Report};
use crate::server::Server;
use crate::socket::Socket;

/// Sockets being opened at once.
const AT_ONCE: usize = 64;

/// Starts the server anew, so that nothing is measured that others left, and opens the sockets of the same devices.
pub(crate) async fn run(folder: &Path, crowd: Crowd, report: &mut Report) -> Outcome<()> {
    let Crowd { server, mut households } = crowd;
    households.iter_mut().for_each(|household| household.sockets.clear());
    server.stop()?;
    let server = Server::start_for_many(folder)?;
    let before = server.memory_bytes()?;
    let count = usize::try_from(IDLE_SOCKETS)?;
    let opening = (0..count).map(|number| stand_by(server.address, &households[number % households.len()], number));
    let sockets: Vec<Socket> = stream::iter(opening).buffer_unordered(AT_ONCE).try_collect().await?;
    let (value, at) = (server.memory_bytes()?, At::Sockets(IDLE_SOCKETS));
    drop(sockets);
    report.put(Figure::IdleSockets, at, Measured { value, ..Measured::default() });
    let each = value.saturating_sub(before) / IDLE_SOCKETS;
    report.put(Figure::IdleEach, at, Measured { value: each, ..Measured::default() });
    Ok(())
}

async fn stand_by(server: SocketAddr, household: &Household, number: usize) -> Outcome<Socket> {
    let device = &household.devices[number / 101 % household.devices.len()];
    let mut socket = Socket::connect(server, source(number)).await?;
    let opening = Open { from: Some(household.cursor), ..open(household.ledger) };
    socket.open(&device.secret, &device.entered, opening).await?;
    Ok(socket)
}
