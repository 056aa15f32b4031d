//! A hundred people with ten devices each: who is there when writes are fanned out.

use std::net::SocketAddr;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use outlay_core::LedgerId;
use outlay_ledger::commit::Commit;
use outlay_ledger::limits::NOTE_BYTES_MAX;
use outlay_protocol::Cursor;
use outlay_protocol::batch;
use outlay_protocol::message::{Message, Push};

use super::ingest::pushes;
use super::person::{Device, Person, open, source};
use super::{deaf, storm};
use crate::figure::LIVE_SOCKETS;
use crate::generate::{Chance, Row, Rows};
use crate::ground::Outcome;
use crate::server::Server;
use crate::socket::Socket;

/// Ledgers, each with the writes of one of its devices.
pub(crate) const LEDGERS: usize = 100;
/// Writes a second, over all ledgers.
pub(crate) const WRITES_PER_SECOND: usize = 200;
/// Devices of a ledger, each with one socket.
const DEVICES: usize = 10;
const _: () = assert!((LEDGERS * DEVICES) as u64 == LIVE_SOCKETS);
/// Sign-ins, and then openings, under way at once.
const AT_ONCE: usize = 16;

/// Everybody, and the server.
pub(crate) struct Crowd {
    pub(crate) server: Server,
    pub(crate) households: Vec<Household>,
}

/// Who shares a ledger.
pub(crate) struct Household {
    pub(crate) ledger: LedgerId,
    pub(crate) cursor: Cursor,
    pub(crate) devices: Vec<Device>,
    /// What the first device will push, one commit each.
    pub(crate) writes: Vec<Vec<u8>>,
    /// Then, as many commits at once as fit a frame, so many.
    pub(crate) flood: Vec<Vec<u8>>,
    pub(crate) flooded: u64,
    /// Then again one commit each.
    pub(crate) late: Vec<Vec<u8>>,
    /// One of each device, in their order.
    pub(crate) sockets: Vec<Socket>,
}

impl Crowd {
    /// Everybody signs in and opens a socket; the writes of so many seconds are signed and encoded.
    pub(crate) async fn gather(folder: &Path, seconds: u64) -> Outcome<Self> {
        let server = Server::start_for_many(folder)?;
        let writes = usize::try_from(seconds)? * WRITES_PER_SECOND / LEDGERS;
        let address = server.address;
        let gathering = stream::iter((0..LEDGERS).map(|number| Household::gather(address, number, writes)));
        let households = gathering.buffered(AT_ONCE).try_collect().await?;
        Ok(Self { server, households })
    }
}

impl Household {
    async fn gather(server: SocketAddr, number: usize, writes: usize) -> Outcome<Self> {
        let person = Person::sign_up(server, number).await?;
        // The ledger, and that this server may admit further devices of this person.
        person.sync(server).await?;
        let mut rows = Rows::new(number as u64);
        let early = added(&person, rows.by_ref().take(writes))?;
        let count = if number < deaf::FLOODED { deaf::RECORDS } else { 0 };
        let mut chance = Chance(number as u64);
        let flood = added(&person, rows.by_ref().take(count).map(|row| Row { note: long_note(&mut chance), ..row }))?;
        let late = added(&person, rows.take(usize::try_from(storm::SECONDS)? * WRITES_PER_SECOND / LEDGERS))?;
        let flooded = flood.len() as u64;
        let writes = one_by_one(early, 1)?;
        let flood = pushes(flood, u32::try_from(writes.len() + 1)?)?;
        let late = one_by_one(late, u32::try_from(writes.len() + flood.len() + 1)?)?;
        let (ledger, mut devices) = (person.ledger, vec![person.device]);
        for place in 1..DEVICES {
            devices.push(Device::sign_in(server, number, place).await?);
        }
        let (mut sockets, mut cursor) = (Vec::with_capacity(DEVICES), None);
        for (place, device) in devices.iter().enumerate() {
            let mut socket = Socket::connect(server, source(number * DEVICES + place)).await?;
            cursor = Some(socket.open(&device.secret, &device.entered, open(ledger)).await?);
            sockets.push(socket);
        }
        let cursor = cursor.ok_or("a household has no devices")?;
        Ok(Self { ledger, cursor, devices, writes, flood, flooded, late, sockets })
    }
}

/// The commits of expenses that are added one by one.
fn added(person: &Person, rows: impl Iterator<Item = Row>) -> Outcome<Vec<Commit>> {
    let before = person.engine.heads(person.ledger)?;
    for row in rows {
        person.engine.add_expense(person.ledger, row.expense()?)?;
    }
    Ok(person.engine.commits(person.ledger, &before)?)
}

/// Frames that push one commit each, numbered from `first`.
fn one_by_one(commits: Vec<Commit>, first: u32) -> Outcome<Vec<Vec<u8>>> {
    let numbered = commits.into_iter().zip(first..);
    let frame = |(commit, number)| Ok(Push { handle: 1, number, batch: batch::encode(&[commit])? });
    numbered.map(|one| frame(one).map(|push| Message::Push(push).encode())).collect()
}

/// A note of which nothing can be compressed but its letters.
fn long_note(chance: &mut Chance) -> String {
    (0..NOTE_BYTES_MAX).map(|_| char::from(b'!' + u8::try_from(chance.below(94)).unwrap_or(0))).collect()
}
