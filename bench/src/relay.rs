//! A relay between a device and a server, which counts what passes and may cut the connection.
//!
//! It counts what TCP carries: the upgrade, and then each WebSocket message with its own header. It stands in the way of
//! connections whose bytes are counted or which are to break, never of those that are timed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ground::Outcome;

/// Bytes passed at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes of the head of an upgrade or its answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The opcode of a WebSocket message of bytes.
const BINARY: u8 = 2;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the server.
    Up,
    /// To the device.
    Down,
}

/// A message that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) way: Way,
    /// What the message is; see [`outlay_protocol::message`].
    pub(crate) kind: u8,
    /// With the header that the WebSocket puts before it.
    pub(crate) bytes: u64,
}

/// What passed on WebSockets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic {
    /// Bytes of upgrades and their answers.
    pub(crate) upgrade_bytes: u64,
    /// Messages of bytes, in the order in which they came.
    pub(crate) messages: Vec<Passed>,
}

impl Traffic {
    pub(crate) fn bytes(&self, way: Way) -> u64 {
        self.messages.iter().filter(|passed| passed.way == way).map(|passed| passed.bytes).sum()
    }

    pub(crate) fn count(&self, kind: u8) -> usize {
        self.messages.iter().filter(|passed| passed.kind == kind).count()
    }
}

/// A relay that runs as long as the process.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    traffic: Mutex<Traffic>,
    /// Bytes that may still go up before the connection is cut.
    until_cut: AtomicU64,
}

impl Relay {
    /// A relay to a server, on a port of its own.
    pub(crate) fn to(server: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { traffic: Mutex::default(), until_cut: AtomicU64::new(u64::MAX) });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for device in listener.incoming().flatten() {
                // A device that cannot be joined finds its connection closed.
                let _ = join(device, server, &accepting);
            }
        });
        Ok(Self { address, shared })
    }

    /// Cuts the connection, both ways and once, after so many bytes more have gone up.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.shared.until_cut.store(bytes, Ordering::Release);
    }

    /// Whether the connection was cut, or none was to be.
    pub(crate) fn is_cut(&self) -> bool {
        self.shared.until_cut.load(Ordering::Acquire) == u64::MAX
    }

    /// What passed since this was asked last.
    pub(crate) fn take(&self) -> Traffic {
        std::mem::take(&mut self.shared.lock())
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the connection is to be cut now.
    fn spend(&self, bytes: u64) -> bool {
        let left = self.until_cut.load(Ordering::Acquire);
        let is_over = left != u64::MAX && left <= bytes;
        if left != u64::MAX {
            self.until_cut.store(if is_over { u64::MAX } else { left - bytes }, Ordering::Release);
        }
        is_over
    }
}

fn join(device: TcpStream, server: SocketAddr, shared: &Arc<Shared>) -> Outcome<()> {
    let server = TcpStream::connect(server)?;
    device.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (up, down) = ((device.try_clone()?, server.try_clone()?), (server, device));
    for (way, (from, to)) in [(Way::Up, up), (Way::Down, down)] {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            pass(way, &from, &to, &shared);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

/// Passes bytes one way until either side ends.
fn pass(way: Way, mut from: &TcpStream, mut to: &TcpStream, shared: &Shared) {
    let (mut scan, mut chunk) = (Scan::new(way), vec![0; CHUNK_BYTES]);
    loop {
        let Ok(count @ 1..) = from.read(&mut chunk) else { return };
        let bytes = &chunk[..count];
        {
            let mut traffic = shared.lock();
            scan.feed(bytes, &mut traffic);
        }
        if (way == Way::Up && shared.spend(count as u64)) || to.write_all(bytes).is_err() {
            return;
        }
    }
}

/// Where one direction of a connection is.
struct Scan {
    way: Way,
    stage: Stage,
    /// What was read of a head.
    head: Vec<u8>,
}

enum Stage {
    /// In the request or its answer.
    Http,
    /// At the head of a WebSocket message.
    Head,
    /// In its body, of which so many bytes are to come.
    Body(u64),
    /// Not a WebSocket.
    Other,
}

impl Scan {
    fn new(way: Way) -> Self {
        Self { way, stage: Stage::Http, head: Vec::new() }
    }

    fn feed(&mut self, mut bytes: &[u8], traffic: &mut Traffic) {
        while !bytes.is_empty() {
            match self.stage {
                Stage::Other => return,
                Stage::Body(left) => {
                    let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[skipped..];
                    let left = left - skipped as u64;
                    self.stage = if left == 0 { Stage::Head } else { Stage::Body(left) };
                }
                Stage::Http | Stage::Head => {
                    self.head.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.look(traffic);
                }
            }
        }
    }

    /// Goes on if the head is whole.
    fn look(&mut self, traffic: &mut Traffic) {
        if matches!(self.stage, Stage::Http) {
            if self.head.ends_with(b"\r\n\r\n") {
                let begin: &[u8] = if self.way == Way::Up { b"GET /v1/sync " } else { b"HTTP/1.1 101" };
                let is_socket = self.head.starts_with(begin);
                traffic.upgrade_bytes += if is_socket { self.head.len() as u64 } else { 0 };
                self.stage = if is_socket { Stage::Head } else { Stage::Other };
                self.head.clear();
            } else if self.head.len() > HEAD_BYTES_MAX {
                self.stage = Stage::Other;
            }
            return;
        }
        let Some(message) = message(&self.head) else { return };
        let bytes = message.head_bytes + message.body_bytes;
        if message.opcode == BINARY {
            traffic.messages.push(Passed { way: self.way, kind: message.kind, bytes });
        }
        let left = bytes - self.head.len() as u64;
        self.stage = if left == 0 { Stage::Head } else { Stage::Body(left) };
        self.head.clear();
    }
}

/// A WebSocket message, by its head.
struct Head {
    opcode: u8,
    head_bytes: u64,
    body_bytes: u64,
    /// The first byte of the body, unmasked; 0 if there is none.
    kind: u8,
}

/// The head of a message (RFC 6455, 5.2) with the first byte after it, if all of that is there.
fn message(bytes: &[u8]) -> Option<Head> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (body_bytes, wide) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let is_masked = second & 0x80 != 0;
    let head = wide + if is_masked { 4 } else { 0 };
    let mask = if is_masked { *bytes.get(wide)? } else { 0 };
    let kind = if body_bytes == 0 { bytes.get(head - 1).map(|_| 0)? } else { bytes.get(head)? ^ mask };
    Some(Head { opcode: first & 0x0f, head_bytes: head as u64, body_bytes, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(way: Way, http: &[u8], frames: &[&[u8]], at_once: usize) -> Traffic {
        let (mut scan, mut traffic) = (Scan::new(way), Traffic::default());
        let all: Vec<u8> = http.iter().chain(frames.iter().copied().flatten()).copied().collect();
        all.chunks(at_once).for_each(|chunk| scan.feed(chunk, &mut traffic));
        traffic
    }

    #[test]
    fn messages_are_counted_however_the_bytes_are_cut() {
        let long = [&[0x82, 126, 1, 0, 0x08][..], &[7; 255]].concat();
        let masked = [0x82, 0x83, 9, 9, 9, 9, 0x06 ^ 9, 1, 2];
        for at_once in [1, 2, 3, 7, 1_000] {
            let down = scanned(Way::Down, b"HTTP/1.1 101 Yes\r\n\r\n", &[&long, &[0x88, 0], &[0x82, 1, 9]], at_once);
            let expected = [(8, 260), (9, 3)].map(|(kind, bytes)| Passed { way: Way::Down, kind, bytes });
            assert_eq!((down.messages.as_slice(), down.upgrade_bytes), (&expected[..], 20));
            let up = scanned(Way::Up, b"GET /v1/sync HTTP/1.1\r\n\r\n", &[&masked], at_once);
            assert_eq!(up.messages, [Passed { way: Way::Up, kind: 6, bytes: 9 }]);
        }
    }

    #[test]
    fn what_is_no_websocket_is_not_counted() {
        let other = scanned(Way::Up, b"POST /v1/auth/login HTTP/1.1\r\n\r\n", &[&[0x82, 1, 9]], 5);
        assert_eq!((other.messages.len(), other.upgrade_bytes), (0, 0));
    }
}
