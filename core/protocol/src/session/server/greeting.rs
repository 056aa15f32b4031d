//! Who is there: HELLO, AUTH, and the life of the token.

use outlay_ledger::signature::verify;
use outlay_ledger::{DeviceKey, LedgerId};

use super::{Asked, Question, ServerSession};
use crate::code::Code;
use crate::message::{Auth, Hello, LEDGERS_MAX, Ledgers, Message, Scope, Welcome, ledgers_mark};
use crate::{proof, version};

/// How far the two have come.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing of AUTH yet: since when, how many bytes came, and what HELLO said.
    Greeting { since_ms: Option<i64>, bytes: usize, hello: Option<(DeviceKey, u16)> },
    /// The token is being looked at.
    Authenticating(DeviceKey),
    /// It is good.
    Open(DeviceKey),
    /// Over.
    Closed,
}

impl Phase {
    pub(super) const fn new() -> Self {
        Self::Greeting { since_ms: None, bytes: 0, hello: None }
    }

    /// Whether AUTH should have come. The time counts from the first input.
    pub(super) fn is_late(&mut self, now_ms: i64, ms_max: i64) -> bool {
        match self {
            Self::Greeting { since_ms, .. } => now_ms - *since_ms.get_or_insert(now_ms) > ms_max,
            _ => false,
        }
    }
}

impl ServerSession {
    /// Takes a frame before the device has said who it is.
    pub(super) fn greet(&mut self, frame: &[u8]) {
        let auth_bytes_max = self.limits.auth_bytes_max;
        let Phase::Greeting { since_ms, bytes, hello } = &mut self.phase else { return };
        since_ms.get_or_insert(self.now_ms);
        *bytes += frame.len();
        if *bytes > auth_bytes_max {
            return self.end(Code::TooBig, 0, "too many bytes before AUTH");
        }
        let hello = *hello;
        match (Message::decode(frame, auth_bytes_max), hello) {
            (Ok(Message::Hello(said)), None) => self.hello(&said),
            (Ok(Message::Auth(auth)), Some((device, version))) => self.auth(auth, device, version, false),
            (Ok(Message::Skipped(_)), _) => {}
            (Ok(_), _) => self.end(Code::OutOfOrder, 0, "HELLO and AUTH come first"),
            (Err(error), _) => self.end(error.code(), 0, &error.to_string()),
        }
    }

    fn hello(&mut self, said: &Hello) {
        let Some(agreed) = version::agree(said.version_min, said.version_max) else {
            return self.end(Code::Version, 0, "no version in common");
        };
        if let Phase::Greeting { hello, .. } = &mut self.phase {
            *hello = Some((said.device, agreed));
        }
    }

    /// Asks whether a token is good, if the device has signed for it.
    pub(super) fn auth(&mut self, auth: Auth, device: DeviceKey, version: u16, is_renewal: bool) {
        let digest = proof::digest(&self.identity.server, &self.identity.nonce, &auth.token);
        if !verify(&device, &digest, &auth.proof) {
            return self.end(Code::Proof, 0, "the token is not signed for by this device");
        }
        self.known = auth.ledgers;
        if !is_renewal {
            self.phase = Phase::Authenticating(device);
        }
        let question = Question::Authenticate { token: auth.token, proof: auth.proof, device };
        self.ask(Asked::Authenticate { version }, question);
    }

    /// The token is good.
    pub(super) fn welcome(&mut self, version: u16, seconds_left: u32, ledgers: Vec<LedgerId>) {
        let (Phase::Authenticating(device) | Phase::Open(device)) = self.phase else { return };
        self.phase = Phase::Open(device);
        self.expires_ms = self.now_ms.saturating_add(i64::from(seconds_left) * 1_000);
        self.is_expired = false;
        // Before WELCOME, so that a device that is welcome knows all that it has to open.
        self.tell_ledgers(ledgers);
        self.send(&Message::Welcome(Welcome {
            version,
            features: 0,
            seconds_left,
            frame_bytes_max: u32::try_from(self.limits.frame_bytes_max).unwrap_or(u32::MAX),
            pushes_in_flight_max: u16::try_from(self.limits.pushes_in_flight_max).unwrap_or(u16::MAX),
            ledgers_max: u16::try_from(self.limits.ledgers_max).unwrap_or(u16::MAX),
        }));
    }

    /// Says which ledgers the account may open, unless the device knows.
    pub(super) fn tell_ledgers(&mut self, mut ids: Vec<LedgerId>) {
        ids.truncate(LEDGERS_MAX);
        let mark = ledgers_mark(&ids);
        if mark != self.known && matches!(self.phase, Phase::Open(_)) {
            self.known = mark;
            self.send(&Message::Ledgers(Ledgers { ids }));
        }
    }

    /// Says that the token has ended, and ends the connection if it is not renewed.
    pub(super) fn expire(&mut self) {
        if !matches!(self.phase, Phase::Open(_)) || self.now_ms < self.expires_ms {
            return;
        }
        if self.now_ms - self.expires_ms > self.limits.renewal_ms_max {
            return self.end(Code::TokenExpired, 0, "the token was not renewed");
        }
        if !self.is_expired {
            self.is_expired = true;
            self.send_error(Code::TokenExpired, Scope::Connection, 0, "");
        }
    }
}
