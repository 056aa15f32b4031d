//! The smallest client that speaks the protocol.

use std::net::TcpStream;

use outlay_ledger::commit::Commit;
use outlay_ledger::{LedgerId, hex};
use outlay_protocol::message::{Ack, Auth, Hello, Inline, Mode, Open, Opened, Push, Run};
use outlay_protocol::{Code, Cursor, Message, batch, proof};
use tokio_tungstenite::tungstenite::protocol::WebSocket;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use super::{Account, Device, PATIENCE, Server};

/// A connection of a device.
pub(crate) struct Socket {
    socket: WebSocket<TcpStream>,
    pub(crate) server: [u8; 32],
    pub(crate) nonce: [u8; 16],
}

impl Socket {
    pub(crate) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, answer) = tungstenite::client(format!("ws://{}/v1/sync", server.address), stream).unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let server = hex::fixed(&header("outlay-server")).unwrap();
        Self { socket, server, nonce: hex::fixed(&header("outlay-nonce")).unwrap() }
    }

    /// Connected and signed in.
    pub(crate) fn of(server: &Server, device: &Device, account: &Account) -> Self {
        let mut socket = Self::connect(server);
        socket.greet(device, &account.access);
        loop {
            match socket.receive() {
                Message::Welcome(welcome) => break assert!(welcome.seconds_left > 0),
                Message::Ledgers(_) => {}
                other => panic!("{other:?}"),
            }
        }
        socket
    }

    pub(crate) fn greet(&mut self, device: &Device, token: &str) {
        greeting(device, token, &self.server, &self.nonce).iter().for_each(|message| self.send(message));
    }

    pub(crate) fn send(&mut self, message: &Message) {
        self.send_bytes(message.encode());
    }

    pub(crate) fn send_bytes(&mut self, frame: Vec<u8>) {
        // A server that has closed says why to whoever reads.
        _ = self.socket.send(Frame::Binary(frame.into()));
    }

    /// The next message, or the code with which the server has closed.
    pub(crate) fn next(&mut self) -> Result<Message, u16> {
        loop {
            match self.socket.read() {
                Ok(Frame::Binary(frame)) => return Ok(Message::decode(&frame, 1 << 20).unwrap()),
                Ok(Frame::Close(close)) => return Err(close.map_or(0, |close| close.code.into())),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn receive(&mut self) -> Message {
        self.next().unwrap_or_else(|close| panic!("closed with {close}"))
    }

    /// The code of the close, past what comes before it.
    pub(crate) fn closed(&mut self) -> Option<Code> {
        loop {
            if let Err(close) = self.next() {
                return Code::from_close(close);
            }
        }
    }

    /// Opens a ledger by handle 1 and returns what became of it and of the push in it.
    pub(crate) fn open(&mut self, ledger: LedgerId, from: Option<Cursor>, push: &[Commit]) -> Opened {
        self.send(&Message::Open(opening(ledger, from, push)));
        loop {
            match self.receive() {
                Message::Opened(opened) => return opened,
                Message::Ledgers(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn push(&mut self, number: u32, commits: &[Commit]) -> Vec<Run> {
        let batch = batch::encode(commits).unwrap();
        self.send(&Message::Push(Push { handle: 1, number, batch }));
        self.acknowledged(number)
    }

    /// What became of a push, past what comes before that.
    pub(crate) fn acknowledged(&mut self, wanted: u32) -> Vec<Run> {
        loop {
            match self.receive() {
                Message::Ack(Ack { number, runs, .. }) if number == wanted => return runs,
                Message::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    /// The commits up to CAUGHT_UP, and its cursor.
    pub(crate) fn caught_up(&mut self) -> (Vec<Commit>, Cursor) {
        let mut commits = Vec::new();
        loop {
            match self.receive() {
                Message::Commits(page) => commits.extend(decode(&page.batch)),
                Message::CaughtUp(caught_up) => return (commits, caught_up.cursor),
                Message::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    /// The next commits.
    pub(crate) fn commits(&mut self) -> Vec<Commit> {
        loop {
            if let Message::Commits(page) = self.receive() {
                return decode(&page.batch);
            }
        }
    }
}

pub(crate) fn greeting(device: &Device, token: &str, server: &[u8; 32], nonce: &[u8; 16]) -> [Message; 2] {
    let proof = device.secret.sign_digest(&proof::digest(server, nonce, token));
    let hello = Hello { version_min: 1, version_max: 1, features: 0, device: device.public() };
    let ledgers = outlay_protocol::message::ledgers_mark(&[]);
    [Message::Hello(hello), Message::Auth(Auth { token: token.to_owned(), proof, ledgers })]
}

pub(crate) fn opening(ledger: LedgerId, from: Option<Cursor>, push: &[Commit]) -> Open {
    let batch = (!push.is_empty()).then(|| batch::encode(push).unwrap());
    let push = batch.map(|batch| Inline { number: 1, batch });
    Open { handle: 1, ledger, from, highest: None, heads: None, months: 0, live: true, push }
}

pub(crate) fn decode(bytes: &[u8]) -> Vec<Commit> {
    batch::decode(bytes, &batch::Limits::default()).unwrap()
}

/// Commits stored, held and refused, and the first refusal.
pub(crate) fn counts(runs: &[Run]) -> (u32, u32, u32, Option<Code>) {
    runs.iter().fold((0, 0, 0, None), |(stored, held, refused, code), run| match run {
        Run::Stored { count, .. } => (stored + count, held, refused, code),
        Run::Held { count } => (stored, held + count, refused, code),
        Run::Refused { count, code: new, .. } => (stored, held, refused + count, code.or(Some(*new))),
    })
}

pub(crate) fn refused(opened: &Opened) -> Option<Code> {
    match opened.mode {
        Mode::Refused(code) => Some(code),
        _ => None,
    }
}
