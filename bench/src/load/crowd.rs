//! A hundred people with ten devices each: who is there when writes are fanned out.

use std::net::SocketAddr;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use outlay_core::LedgerId;
use outlay_protocol::Cursor;
use outlay_protocol::batch;
use outlay_protocol::message::{Message, Push};

use super::person::{Device, Person, open, source};
use crate::figure::LIVE_SOCKETS;
use crate::generate::Rows;
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
        let before = person.engine.heads(person.ledger)?;
        for row in Rows::new(number as u64).take(writes) {
            person.engine.add_expense(person.ledger, row.expense()?)?;
        }
        let commits = person.engine.commits(person.ledger, &before)?;
        let mut frames = Vec::with_capacity(commits.len());
        for (commit, number) in commits.into_iter().zip(1..) {
            frames.push(Message::Push(Push { handle: 1, number, batch: batch::encode(&[commit])? }).encode());
        }
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
        Ok(Self { ledger, cursor, devices, writes: frames, sockets })
    }
}
