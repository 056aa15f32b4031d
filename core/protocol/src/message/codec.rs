//! Messages as bytes: the keys of every message, and its limits.
//!
//! Lists in lists have no keys: they are fixed, and a newer version adds a key of the message instead.

use minicbor::{Decoder, Encoder};
use outlay_ledger::member::Role;
use outlay_ledger::{CommitId, DeviceKey, LedgerId};

use super::cbor::{Fields, Writer};
use super::{
    Ack, Auth, CaughtUp, Commits, DETAIL_BYTES_MAX, Error, FETCH_IDS_MAX, FRAME_BYTES_MAX, Fetch, Hello, Inline,
    LEDGERS_MAX, Ledgers, MISSING_IDS_MAX, Message, Mode, Older, Open, Opened, PUSH_FRAME_BYTES_MAX,
    PUSH_INLINE_BYTES_MAX, PUSHES_IN_FLIGHT_MAX, Push, RUNS_MAX, Run, Scope, TOKEN_BYTES_MAX, Welcome,
};
use crate::code::Code;
use crate::cursor::{Cursor, Mark, Place};
use crate::heads::{LADDER_IDS_MAX, LADDERS_MAX, Ladder};

/// Types from here on may be passed over by who does not know them.
pub const TYPE_SKIPPED_FROM: u8 = 0x40;

const HELLO: u8 = 0x01;
const WELCOME: u8 = 0x02;
const AUTH: u8 = 0x03;
const OPEN: u8 = 0x04;
const OPENED: u8 = 0x05;
const PUSH: u8 = 0x06;
const ACK: u8 = 0x07;
const COMMITS: u8 = 0x08;
const CAUGHT_UP: u8 = 0x09;
const FETCH: u8 = 0x0a;
const ERROR: u8 = 0x0b;
const LEDGERS: u8 = 0x0c;

const MODE_SAME: u64 = 0;
const MODE_DELTA: u64 = 1;
const MODE_HEADS: u64 = 2;
const MODE_REFUSED: u64 = 3;

const RUN_STORED: u8 = 0;
const RUN_HELD: u8 = 1;
const RUN_REFUSED: u8 = 2;

/// Why bytes are not a message. Nothing of such a frame is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The frame is over its limit.
    #[error("the frame has {bytes} bytes, and at most {max} are taken")]
    FrameTooBig {
        /// Its bytes.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A list, a text or a byte string in it is over its limit.
    #[error("field {key} of message type {kind:#04x} is over its limit")]
    TooBig {
        /// The type of the message.
        kind: u8,
        /// The key.
        key: u8,
    },
    /// No bytes at all.
    #[error("the frame is empty")]
    Empty,
    /// A type that must be known and is not.
    #[error("message type {0:#04x} is not known")]
    Type(u8),
    /// Not a map with ascending integer keys in definite lengths, truncated, or with bytes after it.
    #[error("message type {kind:#04x} is not the CBOR that the protocol has")]
    Cbor {
        /// The type of the message.
        kind: u8,
    },
    /// A field is missing, or is not what it must be.
    #[error("field {key} of message type {kind:#04x} is missing or is not what it must be")]
    Field {
        /// The type of the message.
        kind: u8,
        /// The key.
        key: u8,
    },
}

impl MessageError {
    /// The code by which it is told.
    pub const fn code(self) -> Code {
        match self {
            Self::FrameTooBig { .. } | Self::TooBig { .. } => Code::TooBig,
            Self::Empty | Self::Type(_) | Self::Cbor { .. } | Self::Field { .. } => Code::Malformed,
        }
    }
}

impl Message {
    /// The message as a frame.
    pub fn encode(&self) -> Vec<u8> {
        let map = Writer::new();
        match self {
            Self::Hello(hello) => hello.write(map).finish(HELLO),
            Self::Welcome(welcome) => welcome.write(map).finish(WELCOME),
            Self::Auth(auth) => auth.write(map).finish(AUTH),
            Self::Open(open) => open.write(map).finish(OPEN),
            Self::Opened(opened) => opened.write(map).finish(OPENED),
            Self::Push(push) => push.write(map).finish(PUSH),
            Self::Ack(ack) => ack.write(map).finish(ACK),
            Self::Commits(commits) => commits.write(map).finish(COMMITS),
            Self::CaughtUp(caught_up) => caught_up.write(map).finish(CAUGHT_UP),
            Self::Fetch(fetch) => fetch.write(map).finish(FETCH),
            Self::Error(error) => error.write(map).finish(ERROR),
            Self::Ledgers(ledgers) => ledgers.write(map).finish(LEDGERS),
            Self::Skipped(kind) => map.finish(*kind),
        }
    }

    /// Reads a frame of at most `bytes_max` bytes from outside.
    ///
    /// # Errors
    ///
    /// A [`MessageError`] that says what the bytes are not.
    ///
    /// ```
    /// use outlay_protocol::message::{CaughtUp, FRAME_BYTES_MAX, Message, MessageError};
    /// use outlay_protocol::{Cursor, Place};
    /// let at = Place { pos: 7, chain: [1; 8] };
    /// let message = Message::CaughtUp(CaughtUp { handle: 1, cursor: Cursor { epoch: [2; 8], at, complete_from: 0 } });
    /// assert_eq!(Message::decode(&message.encode(), FRAME_BYTES_MAX), Ok(message));
    /// assert_eq!(Message::decode(&[0x3f, 0xa0], FRAME_BYTES_MAX), Err(MessageError::Type(0x3f)));
    /// assert_eq!(Message::decode(&[0x40, 0xa0], FRAME_BYTES_MAX), Ok(Message::Skipped(0x40)));
    /// ```
    pub fn decode(frame: &[u8], bytes_max: usize) -> Result<Self, MessageError> {
        if frame.len() > bytes_max {
            return Err(MessageError::FrameTooBig { bytes: frame.len(), max: bytes_max });
        }
        let (kind, body) = frame.split_first().ok_or(MessageError::Empty)?;
        match *kind {
            HELLO..=LEDGERS => Self::decode_known(*kind, body),
            TYPE_SKIPPED_FROM.. => Ok(Self::Skipped(*kind)),
            kind => Err(MessageError::Type(kind)),
        }
    }

    fn decode_known(kind: u8, body: &[u8]) -> Result<Self, MessageError> {
        let map = Map { kind, fields: Fields::read(body).ok_or(MessageError::Cbor { kind })? };
        Ok(match kind {
            HELLO => Self::Hello(Hello::read(&map)?),
            WELCOME => Self::Welcome(Welcome::read(&map)?),
            AUTH => Self::Auth(Auth::read(&map)?),
            OPEN => Self::Open(Open::read(&map)?),
            OPENED => Self::Opened(Opened::read(&map)?),
            PUSH => Self::Push(Push::read(&map)?),
            ACK => Self::Ack(Ack::read(&map)?),
            COMMITS => Self::Commits(Commits::read(&map)?),
            CAUGHT_UP => Self::CaughtUp(CaughtUp::read(&map)?),
            FETCH => Self::Fetch(Fetch::read(&map)?),
            ERROR => Self::Error(Error::read(&map)?),
            _ => Self::Ledgers(Ledgers::read(&map)?),
        })
    }
}

impl Hello {
    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.version_min)
            .uint_unless(u64::from(self.version_min), 2, self.version_max)
            .uint_unless(0, 3, self.features)
            .bytes(4, self.device.as_bytes())
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let version_min = map.uint(1, None)?;
        Ok(Self {
            version_min,
            version_max: map.uint(2, Some(version_min))?,
            features: map.uint(3, Some(0))?,
            device: DeviceKey(map.fixed(4)?),
        })
    }
}

impl Welcome {
    /// What is left out when it is just this.
    const FRAME_BYTES: u32 = 256 * 1024;
    const PUSHES: u16 = 4;
    const LEDGERS: u16 = 4_096;

    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.version)
            .uint_unless(0, 2, self.features)
            .uint(3, self.seconds_left)
            .uint_unless(u64::from(Self::FRAME_BYTES), 4, self.frame_bytes_max)
            .uint_unless(u64::from(Self::PUSHES), 5, self.pushes_in_flight_max)
            .uint_unless(u64::from(Self::LEDGERS), 6, self.ledgers_max)
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            version: map.uint(1, None)?,
            features: map.uint(2, Some(0))?,
            seconds_left: map.uint(3, None)?,
            frame_bytes_max: map.uint(4, Some(Self::FRAME_BYTES))?,
            pushes_in_flight_max: map.uint(5, Some(Self::PUSHES))?,
            ledgers_max: map.uint(6, Some(Self::LEDGERS))?,
        })
    }
}

const _: () = assert!(
    Welcome::FRAME_BYTES as usize == PUSH_FRAME_BYTES_MAX
        && Welcome::PUSHES as usize == PUSHES_IN_FLIGHT_MAX
        && Welcome::LEDGERS as usize == LEDGERS_MAX
);

impl Auth {
    fn write(&self, map: Writer) -> Writer {
        map.text(1, &self.token).bytes(2, &self.proof).bytes(3, &self.ledgers)
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        Ok(Self { token: map.text(1, TOKEN_BYTES_MAX)?, proof: map.fixed(2)?, ledgers: map.fixed(3)? })
    }
}

impl Open {
    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.handle)
            .bytes(2, self.ledger.as_bytes())
            .option(self.from, |map, from| map.field(3, |e| put_cursor(e, &from)))
            .option(self.highest, |map, highest| map.field(4, |e| put_place(e, &highest)))
            .option(self.heads.as_ref(), |map, heads| map.field(5, |e| put_ladders(e, heads)))
            .uint_unless(0, 6, self.months)
            .uint_unless(1, 7, u8::from(self.live))
            .option(self.push.as_ref(), |map, push| {
                map.field(8, |e| e.array(2)?.u32(push.number)?.bytes(&push.batch)?.ok())
            })
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            handle: map.uint(1, None)?,
            ledger: LedgerId(map.fixed(2)?),
            from: map.optional(3, cursor)?,
            highest: map.optional(4, place)?,
            heads: map.optional(5, ladders)?,
            months: map.uint(6, Some(0))?,
            live: map.uint(7, Some(1_u8))? != 0,
            push: map.optional(8, inline)?,
        })
    }
}

impl Opened {
    fn write(&self, map: Writer) -> Writer {
        let map = map
            .field(1, |e| put_list(e, &self.handles, |e, handle| e.u32(*handle)?.ok()))
            .option(self.role, |map, role| map.uint(2, role.number()));
        let log = |map: Writer, mode: u64, epoch: &Mark, head: &Place| {
            map.uint(3, mode).bytes(4, epoch).field(5, |e| put_place(e, head))
        };
        match &self.mode {
            Mode::Same => map,
            Mode::Delta { epoch, head } => log(map, MODE_DELTA, epoch, head),
            Mode::Heads { epoch, head, heads } => log(map, MODE_HEADS, epoch, head).field(6, |e| put_ladders(e, heads)),
            Mode::Refused(code) => map.uint(3, MODE_REFUSED).uint(7, code.number()),
        }
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let handles = map.required(1, |d| list(d, LEDGERS_MAX, |d| d.u32().ok()))?;
        let role = map.optional(2, |d| Role::from_number(d.u64().ok()?).map(Ok))?;
        let mode = match map.uint(3, Some(MODE_SAME))? {
            MODE_SAME => Mode::Same,
            MODE_DELTA => Mode::Delta { epoch: map.fixed(4)?, head: map.required(5, place)? },
            MODE_HEADS => {
                let heads = map.required(6, ladders)?;
                Mode::Heads { epoch: map.fixed(4)?, head: map.required(5, place)?, heads }
            }
            MODE_REFUSED => Mode::Refused(map.code(7)?),
            _ => return Err(map.fault(3, Fault::Shape)),
        };
        if handles.is_empty() || (handles.len() > 1 && mode != Mode::Same) {
            return Err(map.fault(1, Fault::Shape));
        }
        Ok(Self { handles, role, mode })
    }
}

impl Push {
    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.handle).uint(2, self.number).bytes(3, &self.batch)
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        Ok(Self { handle: map.uint(1, None)?, number: map.uint(2, None)?, batch: map.bytes(3, PUSH_FRAME_BYTES_MAX)? })
    }
}

impl Ack {
    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.handle).uint(2, self.number).field(3, |e| put_list(e, &self.runs, put_run))
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let runs = map.required(3, |d| list_of(d, RUNS_MAX, run))?;
        Ok(Self { handle: map.uint(1, None)?, number: map.uint(2, None)?, runs })
    }
}

impl Commits {
    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.handle)
            .option(self.to, |map, (from, to)| map.uint(2, from).field(3, |e| put_place(e, &to)))
            .bytes(4, &self.batch)
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let from = map.optional(2, |d| d.u64().ok().map(Ok))?;
        let to = match (from, map.optional(3, place)?) {
            (None, None) => None,
            (Some(from), Some(to)) if from <= to.pos => Some((from, to)),
            _ => return Err(map.fault(3, Fault::Shape)),
        };
        Ok(Self { handle: map.uint(1, None)?, to, batch: map.bytes(4, FRAME_BYTES_MAX)? })
    }
}

impl CaughtUp {
    fn write(&self, map: Writer) -> Writer {
        map.uint(1, self.handle).field(2, |e| put_cursor(e, &self.cursor))
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        Ok(Self { handle: map.uint(1, None)?, cursor: map.required(2, cursor)? })
    }
}

impl Fetch {
    fn write(&self, map: Writer) -> Writer {
        let map = map
            .uint(1, self.handle)
            .option(self.older, |map, older| map.field(2, |e| e.array(2)?.u16(older.before)?.u16(older.months)?.ok()));
        if self.ids.is_empty() { map } else { map.field(3, |e| put_ids(e, &self.ids)) }
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let older = map.optional(2, |d| {
            array(d, 2)?;
            Some(Ok(Older { before: d.u16().ok()?, months: d.u16().ok()? }))
        })?;
        let ids = map.optional(3, |d| ids(d, FETCH_IDS_MAX))?.unwrap_or_default();
        Ok(Self { handle: map.uint(1, None)?, older, ids })
    }
}

impl Error {
    fn write(&self, map: Writer) -> Writer {
        let map = map.uint(1, self.code.number());
        let map = match self.scope {
            Scope::Connection => map,
            Scope::Ledger(handle) => map.uint(2, handle),
            Scope::Push(handle, number) => map.uint(2, handle).uint(3, number),
        };
        let map = map.uint_unless(0, 4, self.retry_after_ms);
        if self.detail.is_empty() { map } else { map.text(5, &self.detail) }
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let number = |key| map.optional(key, |d| d.u32().ok().map(Ok));
        let scope = match (number(2)?, number(3)?) {
            (None, None) => Scope::Connection,
            (Some(handle), None) => Scope::Ledger(handle),
            (Some(handle), Some(number)) => Scope::Push(handle, number),
            (None, Some(_)) => return Err(map.fault(2, Fault::Shape)),
        };
        let detail = if map.fields.get(5).is_some() { map.text(5, DETAIL_BYTES_MAX)? } else { String::new() };
        Ok(Self { code: map.code(1)?, scope, retry_after_ms: map.uint(4, Some(0))?, detail })
    }
}

impl Ledgers {
    fn write(&self, map: Writer) -> Writer {
        map.field(1, |e| put_list(e, &self.ids, |e, id| e.bytes(id.as_bytes())?.ok()))
    }

    fn read(map: &Map<'_>) -> Result<Self, MessageError> {
        let ids = map.required(1, |d| list(d, LEDGERS_MAX, |d| fixed(d).map(LedgerId)))?;
        Ok(Self { ids })
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Shape,
    Size,
}

/// What reading an item gives: `None` if it is not of the shape, or what is wrong with it otherwise.
type Item<T> = Option<Result<T, Fault>>;

/// A message being read.
struct Map<'a> {
    kind: u8,
    fields: Fields<'a>,
}

impl<'a> Map<'a> {
    const fn fault(&self, key: u8, fault: Fault) -> MessageError {
        match fault {
            Fault::Shape => MessageError::Field { kind: self.kind, key },
            Fault::Size => MessageError::TooBig { kind: self.kind, key },
        }
    }

    /// A field that may be absent, read whole.
    fn optional<T>(&self, key: u8, read: impl FnOnce(&mut Decoder<'a>) -> Item<T>) -> Result<Option<T>, MessageError> {
        let Some(mut item) = self.fields.get(u64::from(key)) else { return Ok(None) };
        let value = read(&mut item).unwrap_or(Err(Fault::Shape)).map_err(|fault| self.fault(key, fault))?;
        if item.position() == item.input().len() { Ok(Some(value)) } else { Err(self.fault(key, Fault::Shape)) }
    }

    fn required<T>(&self, key: u8, read: impl FnOnce(&mut Decoder<'a>) -> Item<T>) -> Result<T, MessageError> {
        self.optional(key, read)?.ok_or_else(|| self.fault(key, Fault::Shape))
    }

    /// A number of any width, or its default.
    fn uint<T: TryFrom<u64>>(&self, key: u8, default: Option<T>) -> Result<T, MessageError> {
        let value = self.optional(key, |d| T::try_from(d.u64().ok()?).ok().map(Ok))?;
        value.or(default).ok_or_else(|| self.fault(key, Fault::Shape))
    }

    fn fixed<const N: usize>(&self, key: u8) -> Result<[u8; N], MessageError> {
        self.required(key, |d| fixed(d).map(Ok))
    }

    fn code(&self, key: u8) -> Result<Code, MessageError> {
        self.uint(key, None).map(Code::from_number)
    }

    fn bytes(&self, key: u8, max: usize) -> Result<Vec<u8>, MessageError> {
        self.required(key, |d| {
            let bytes = d.bytes().ok()?;
            Some(if bytes.len() > max { Err(Fault::Size) } else { Ok(bytes.to_vec()) })
        })
    }

    fn text(&self, key: u8, max: usize) -> Result<String, MessageError> {
        self.required(key, |d| {
            let text = d.str().ok()?;
            Some(if text.len() > max { Err(Fault::Size) } else { Ok(text.to_owned()) })
        })
    }
}

type Sink = Encoder<Vec<u8>>;
type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn put_list<T>(e: &mut Sink, items: &[T], put: impl Fn(&mut Sink, &T) -> Written) -> Written {
    e.array(items.len() as u64)?;
    items.iter().try_for_each(|item| put(e, item))
}

fn put_ids(e: &mut Sink, ids: &[CommitId]) -> Written {
    put_list(e, ids, |e, id| e.bytes(id.as_bytes())?.ok())
}

fn put_ladders(e: &mut Sink, ladders: &[Ladder]) -> Written {
    put_list(e, ladders, |e, ladder| put_ids(e, &ladder.ids))
}

fn put_place(e: &mut Sink, place: &Place) -> Written {
    e.array(2)?.u64(place.pos)?.bytes(&place.chain)?.ok()
}

fn put_cursor(e: &mut Sink, cursor: &Cursor) -> Written {
    let is_complete = cursor.complete_from == 0;
    e.array(if is_complete { 3 } else { 4 })?.bytes(&cursor.epoch)?.u64(cursor.at.pos)?.bytes(&cursor.at.chain)?;
    if is_complete { Ok(()) } else { e.u16(cursor.complete_from)?.ok() }
}

fn put_run(e: &mut Sink, run: &Run) -> Written {
    match run {
        Run::Stored { first, count, chain } => e.array(4)?.u8(RUN_STORED)?.u64(*first)?.u32(*count)?.bytes(chain)?.ok(),
        Run::Held { count } => e.array(2)?.u8(RUN_HELD)?.u32(*count)?.ok(),
        Run::Refused { count, code, missing } => {
            e.array(4)?.u8(RUN_REFUSED)?.u32(*count)?.u16(code.number())?;
            put_ids(e, missing)
        }
    }
}

/// An array of just this length.
fn array(d: &mut Decoder<'_>, length: u64) -> Option<()> {
    (d.array().ok()?? == length).then_some(())
}

fn fixed<const N: usize>(d: &mut Decoder<'_>) -> Option<[u8; N]> {
    d.bytes().ok()?.try_into().ok()
}

/// At most `max` items. The length is judged before anything is made, and room is made as they are read.
fn list_of<T>(d: &mut Decoder<'_>, max: usize, read: impl Fn(&mut Decoder<'_>) -> Item<T>) -> Item<Vec<T>> {
    let count = d.array().ok()??;
    if count > max as u64 {
        return Some(Err(Fault::Size));
    }
    let mut items = Vec::new();
    for _ in 0..count {
        match read(d)? {
            Ok(item) => items.push(item),
            Err(fault) => return Some(Err(fault)),
        }
    }
    Some(Ok(items))
}

fn list<T>(d: &mut Decoder<'_>, max: usize, read: impl Fn(&mut Decoder<'_>) -> Option<T>) -> Item<Vec<T>> {
    list_of(d, max, |d| read(d).map(Ok))
}

fn ids(d: &mut Decoder<'_>, max: usize) -> Item<Vec<CommitId>> {
    list(d, max, |d| fixed(d).map(CommitId))
}

fn ladders(d: &mut Decoder<'_>) -> Item<Vec<Ladder>> {
    list_of(d, LADDERS_MAX, |d| Some(ids(d, LADDER_IDS_MAX)?.map(|ids| Ladder { ids })))
}

fn place(d: &mut Decoder<'_>) -> Item<Place> {
    array(d, 2)?;
    Some(Ok(Place { pos: d.u64().ok()?, chain: fixed(d)? }))
}

fn cursor(d: &mut Decoder<'_>) -> Item<Cursor> {
    let length = d.array().ok()??;
    let epoch = fixed(d)?;
    let at = Place { pos: d.u64().ok()?, chain: fixed(d)? };
    let complete_from = match length {
        3 => 0,
        4 => d.u16().ok()?,
        _ => return None,
    };
    Some(Ok(Cursor { epoch, at, complete_from }))
}

fn inline(d: &mut Decoder<'_>) -> Item<Inline> {
    array(d, 2)?;
    let number = d.u32().ok()?;
    let batch = d.bytes().ok()?;
    if batch.len() > PUSH_INLINE_BYTES_MAX {
        return Some(Err(Fault::Size));
    }
    Some(Ok(Inline { number, batch: batch.to_vec() }))
}

fn run(d: &mut Decoder<'_>) -> Item<Run> {
    let length = d.array().ok()??;
    match (d.u8().ok()?, length) {
        (RUN_STORED, 4) => {
            let (first, count) = (d.u64().ok()?, d.u32().ok()?);
            Some(Ok(Run::Stored { first, count, chain: fixed(d)? }))
        }
        (RUN_HELD, 2) => Some(Ok(Run::Held { count: d.u32().ok()? })),
        (RUN_REFUSED, 4) => {
            let (count, code) = (d.u32().ok()?, Code::from_number(d.u16().ok()?));
            Some(ids(d, MISSING_IDS_MAX)?.map(|missing| Run::Refused { count, code, missing }))
        }
        _ => None,
    }
}
