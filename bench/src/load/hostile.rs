//! Frames that are made to cost: what the worst of them takes of the processor, and what the server has of memory at most
//! after a million tiny ones.

use std::net::Ipv4Addr;
use std::path::Path;

use outlay_protocol::batch;
use outlay_protocol::message::{Message, PUSH_FRAME_BYTES_MAX, Push};

use super::block_on;
use super::person::{Person, open};
use crate::figure::{At, Figure, TINY_FRAMES};
use crate::generate::Chance;
use crate::ground::Outcome;
use crate::report::{Measured, Report};
use crate::server::Server;
use crate::socket::Socket;

/// Frames of one kind: the processor's time of a process is known to a hundredth of a second.
const TIMES: u64 = 200;
/// A frame of a type that is passed over, with an empty map.
const TINY: [u8; 2] = [0x40, 0xa0];
/// Lists in lists as CBOR.
const LIST_OF_ONE: u8 = 0x81;

/// Sends every kind on connections of its own; some end the connection, which is begun again then.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let server = Server::start_for_many(folder)?;
    let (worst, peak) = block_on(async {
        let person = Person::sign_up(server.address, 0).await?;
        person.sync(server.address).await?;
        let before = server.memory_bytes()?;
        server.forget_peak()?;
        let mut worst = 0;
        for frame in frames(&person)? {
            let (cpu_ns, mut sent) = (server.cpu_ns()?, 0);
            while sent < TIMES {
                sent += send(&server, &person, &frame, TIMES - sent).await?;
            }
            worst = worst.max((server.cpu_ns()? - cpu_ns) / TIMES);
        }
        let mut tiny = 0;
        while tiny < TINY_FRAMES {
            tiny += send(&server, &person, &TINY, TINY_FRAMES - tiny).await?;
        }
        Outcome::Ok((worst, server.peak_bytes()?.saturating_sub(before)))
    })?;
    report.put(Figure::HostileFrame, At::Connected, Measured { value: worst, ..Measured::default() });
    report.put(Figure::HostileMemory, At::Frames(TINY_FRAMES), Measured { value: peak, ..Measured::default() });
    server.stop()
}

/// Sends a frame so often on one connection, and says how often it was sent before the server ended that, at least once.
async fn send(server: &Server, person: &Person, frame: &[u8], times: u64) -> Outcome<u64> {
    let mut socket = Socket::connect(server.address, Ipv4Addr::LOCALHOST).await?;
    socket.open(&person.device.secret, &person.device.entered, open(person.ledger)).await?;
    for sent in 1..=times {
        if socket.send(frame.to_vec()).await.is_err() {
            return Ok(sent);
        }
        // What is answered is read, so that it is not this side that holds the server up.
        while let Some(answer) = socket.frame_now() {
            if answer.is_err() {
                return Ok(sent);
            }
        }
    }
    socket.finish().await;
    Ok(times)
}

/// One of each kind that is as big as a frame may be.
fn frames(person: &Person) -> Outcome<Vec<Vec<u8>>> {
    let size = PUSH_FRAME_BYTES_MAX - 64;
    let mut chance = Chance(1);
    let noise: Vec<u8> = (0..size).map(|_| u8::try_from(chance.below(256)).unwrap_or(0)).collect();
    let push = |batch: Vec<u8>| Message::Push(Push { handle: 1, number: 1, batch }).encode();
    let nested = |kind: u8| [&[kind, 0xa1, 0x18, 0x63][..], &vec![LIST_OF_ONE; size], &[0]].concat();
    let known = batch::encode(&person.engine.commits(person.ledger, &[])?)?;
    // A batch that says it is unpacked to as much as may be, of noise and of one byte again and again.
    let claims = [&[2, 1][..], &[0xff, 0xff, 0xff, 0x03], &noise[..size - 64]].concat();
    let with_more = [known, vec![0; size / 2]].concat();
    Ok(vec![push(noise), push(claims), push(with_more), nested(0x40), nested(0x04), nested(0x0a)])
}
