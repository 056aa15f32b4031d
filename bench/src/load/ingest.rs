//! How many records a second the server takes in durably: four devices push to ledgers of their own, each as many frames at
//! once as it may.

use std::net::Ipv4Addr;
use std::path::Path;

use futures_util::future::try_join_all;
use outlay_core::{ImportRow, LedgerId};
use outlay_ledger::commit::Commit;
use outlay_protocol::batch;
use outlay_protocol::message::{Inline, Message, Open, PUSH_FRAME_BYTES_MAX, PUSHES_IN_FLIGHT_MAX, Push, Run};

use super::block_on;
use super::person::{Device, Person, open};
use crate::figure::{At, Figure, INGESTED};
use crate::generate::{Row, Rows};
use crate::ground::Outcome;
use crate::meter::Meter;
use crate::report::{Measured, Report};
use crate::server::Server;
use crate::socket::Socket;

/// Devices that push at once.
const DEVICES: usize = 4;
/// Room in a frame for what is beside the batch.
const ENVELOPE_BYTES_MAX: usize = 64;

/// A device with what it will push: the commit that makes its ledger, then everything else.
struct Writer {
    device: Device,
    ledger: LedgerId,
    genesis: Vec<u8>,
    frames: Vec<Vec<u8>>,
}

/// A device that has opened its ledger, and what it will push.
struct Pusher {
    socket: Socket,
    frames: Vec<Vec<u8>>,
}

/// Measures records of imports, then records that were signed one by one, each on a server of its own.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    for (place, at) in (0..).zip(INGESTED) {
        let (is_import, records) = match at {
            At::Imported(records) => (true, records),
            At::OneByOne(records) => (false, records),
            _ => return Err("records are imported or written one by one".into()),
        };
        let server = Server::start(&folder.join(format!("ingest-{place}")))?;
        let measured = block_on(take_in(&server, is_import, usize::try_from(records)? / DEVICES))?;
        report.put(Figure::Ingest, at, measured);
        server.stop()?;
    }
    Ok(())
}

async fn take_in(server: &Server, is_import: bool, each: usize) -> Outcome<Measured> {
    let mut writers = Vec::new();
    for number in 0..DEVICES {
        writers.push(Writer::prepare(server, number, is_import, each).await?);
    }
    // A socket that nobody reads is closed, so these come last.
    let pushers = try_join_all(writers.into_iter().map(|writer| writer.open(server))).await?;
    let (meter, cpu_ns) = (Meter::process(), server.cpu_ns()?);
    try_join_all(pushers.into_iter().map(Pusher::push)).await?;
    let wall_ns = meter.stop().wall_ns;
    let value = (each * DEVICES) as u64 * 1_000_000_000 / wall_ns.max(1);
    let cpu_ns = Some(server.cpu_ns()?.saturating_sub(cpu_ns));
    Ok(Measured { value, cpu_ns, wall_ns: Some(wall_ns), plain: None })
}

impl Writer {
    async fn prepare(server: &Server, number: usize, is_import: bool, each: usize) -> Outcome<Self> {
        let person = Person::sign_up(server.address, number).await?;
        let genesis = batch::encode(&person.engine.commits(person.ledger, &[])?)?;
        let before = person.engine.heads(person.ledger)?;
        write(&person, number, is_import, each)?;
        let commits = person.engine.commits(person.ledger, &before)?;
        Ok(Self { device: person.device, ledger: person.ledger, genesis, frames: pushes(commits, 2)? })
    }

    async fn open(self, server: &Server) -> Outcome<Pusher> {
        let mut socket = Socket::connect(server.address, Ipv4Addr::LOCALHOST).await?;
        let push = Some(Inline { number: 1, batch: self.genesis });
        let opening = Open { push, ..open(self.ledger) };
        socket.open(&self.device.secret, &self.device.entered, opening).await?;
        Ok(Pusher { socket, frames: self.frames })
    }
}

impl Pusher {
    /// Pushes everything, and returns when all of it is stored.
    async fn push(mut self) -> Outcome<()> {
        push(&mut self.socket, self.frames).await
    }
}

/// Pushes, as many frames at once as may be, and returns when all of it is stored.
pub(super) async fn push(socket: &mut Socket, frames: Vec<Vec<u8>>) -> Outcome<()> {
    let mut in_flight = 0;
    let mut frames = frames.into_iter();
    loop {
        while in_flight < PUSHES_IN_FLIGHT_MAX
            && let Some(frame) = frames.next()
        {
            socket.send(frame).await?;
            in_flight += 1;
        }
        if in_flight == 0 {
            return Ok(());
        }
        if let Message::Ack(ack) = socket.message().await? {
            if let Some(other) = ack.runs.iter().find(|run| !matches!(run, Run::Stored { .. })) {
                return Err(format!("the server did not store everything: {other:?}").into());
            }
            in_flight -= 1;
        }
    }
}

/// Commits as frames that push them, numbered from `first`, as many in each as fit.
pub(super) fn pushes(commits: Vec<Commit>, first: u32) -> Outcome<Vec<Vec<u8>>> {
    let batches = batch::batches(commits, PUSH_FRAME_BYTES_MAX - ENVELOPE_BYTES_MAX).zip(first..);
    batches.map(|(batch, number)| Ok(Message::Push(Push { handle: 1, number, batch: batch? }).encode())).collect()
}

fn write(person: &Person, number: usize, is_import: bool, count: usize) -> Outcome<()> {
    let rows = Rows::new(number as u64).file(count);
    if is_import {
        let rows = rows.iter().map(Row::import).collect::<outlay_core::Result<Vec<ImportRow>>>()?;
        person.engine.import_rows(person.ledger, rows)?;
        return Ok(());
    }
    for row in &rows {
        person.engine.add_expense(person.ledger, row.expense()?)?;
    }
    Ok(())
}
