//! Somebody with an account, a device, and an engine that signs what the device pushes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use outlay_core::sync::{ClientOutput, SyncSession};
use outlay_core::{Currency, Engine, KeyStore, LedgerId, Options};
use outlay_ledger::signature::DeviceSecret;
use outlay_protocol::message::Open;

use crate::generate::Chance;
use crate::ground::Outcome;
use crate::meter::{Meter, Spent};
use crate::server::{Entered, email, sign_in, sign_up};
use crate::socket::Socket;

/// A device that is signed in.
pub(crate) struct Device {
    pub(crate) secret: DeviceSecret,
    pub(crate) entered: Entered,
}

/// A device with an engine that has one ledger.
pub(crate) struct Person {
    pub(crate) device: Device,
    pub(crate) engine: Engine,
    pub(crate) ledger: LedgerId,
}

impl Person {
    /// The `number`th person signs up with a ledger that is on this device only.
    pub(crate) async fn sign_up(server: SocketAddr, number: usize) -> Outcome<Self> {
        let bytes = secret_bytes(number, 0);
        let options = Options { key_store: Some(Arc::new(Known(bytes))), ..Options::default() };
        let engine = Engine::open_in_memory_with(options)?;
        let ledger = engine.create_ledger("Home", Currency::EUR)?.id;
        let secret = DeviceSecret::from_bytes(bytes);
        let entered = sign_up(server, &email(number), &secret).await?;
        Ok(Self { device: Device { secret, entered }, engine, ledger })
    }

    /// Everything that this person's engine has goes up, and what is new comes down.
    pub(crate) async fn sync(&self, server: SocketAddr) -> Outcome<()> {
        converse(&self.engine, &self.device.entered, server, |_| Ok(())).await.map(drop)
    }
}

impl Device {
    /// A further device, the `place`th, of the `number`th person signs in.
    pub(crate) async fn sign_in(server: SocketAddr, number: usize, place: usize) -> Outcome<Self> {
        let secret = DeviceSecret::from_bytes(secret_bytes(number, place));
        let entered = sign_in(server, &email(number), &secret).await?;
        Ok(Self { secret, entered })
    }
}

/// The address that the `number`th socket comes from: one address of this machine has some 28,000 ports.
pub(crate) fn source(number: usize) -> Ipv4Addr {
    let host = u8::try_from(2 + number / 4_096).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, 0, 0, host)
}

/// A ledger opened from its beginning, to stay.
pub(crate) fn open(ledger: LedgerId) -> Open {
    Open { handle: 1, ledger, from: None, highest: None, heads: None, months: 0, live: true, push: None }
}

/// What a conversation took until everything was alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// Of this process, and from the beginning of the connection.
    pub(crate) spent: Spent,
    /// How often the device spoke: once, and once for each time that an answer made it speak again.
    pub(crate) flights: u64,
}

/// Lets an engine converse with a server until everything is alike. `caught_up` is told when a ledger has caught up, and
/// what that took since the connection was begun, in nanoseconds of the wall: what was received is durable then.
pub(crate) async fn converse(
    engine: &Engine,
    entered: &Entered,
    server: SocketAddr,
    mut caught_up: impl FnMut(u64) -> Outcome<()>,
) -> Outcome<Conversation> {
    let meter = Meter::process();
    let mut socket = Socket::connect(server, Ipv4Addr::LOCALHOST).await?;
    let mut session = SyncSession::with_server(engine, &entered.server, &entered.account, true)?;
    let now_ms = || i64::try_from(meter.stop().wall_ns / 1_000_000).unwrap_or(i64::MAX);
    let mut outputs = session.connected(now_ms(), socket.nonce, &entered.token)?;
    let mut flights = 0;
    loop {
        flights += u64::from(outputs.iter().any(|output| matches!(output, ClientOutput::Send(_))));
        for output in outputs {
            match output {
                ClientOutput::Send(frame) => socket.send(frame).await?,
                ClientOutput::CaughtUp(_) => caught_up(meter.stop().wall_ns)?,
                ClientOutput::Idle => return Ok(Conversation { spent: meter.stop(), flights }),
                ClientOutput::Close(code) => return Err(format!("the conversation ended: {code}").into()),
                ClientOutput::Wait { code, .. } => return Err(format!("the server asks to wait: {code}").into()),
                ClientOutput::NeedsToken => return Err("the token has run out".into()),
            }
        }
        // What came together is stored together.
        let frame = match socket.frame_now() {
            Some(frame) => frame?,
            None => {
                session.settle()?;
                socket.frame().await?
            }
        };
        outputs = session.receive(now_ms(), &frame)?;
    }
}

/// A secret that is the same in every run.
fn secret_bytes(number: usize, place: usize) -> [u8; 32] {
    let mut chance = Chance((number as u64) << 32 | place as u64);
    std::array::from_fn(|_| u8::try_from(chance.below(256)).unwrap_or(0))
}

/// A key that is known before.
struct Known([u8; 32]);

impl KeyStore for Known {
    fn load(&self) -> std::io::Result<Option<[u8; 32]>> {
        Ok(Some(self.0))
    }

    fn save(&self, _: &[u8; 32]) -> std::io::Result<()> {
        Ok(())
    }

    fn replace(&self, _: &[u8; 32]) -> std::io::Result<()> {
        Err(std::io::Error::other("this key is for good"))
    }
}
