//! Every message, frozen as bytes; and whatever bytes come, a message or a typed error.
//!
//! `OUTLAY_WRITE_VECTORS=1 cargo test -p outlay-protocol --test messages` writes the vectors anew: only for new messages, for
//! what stands there is what other versions speak.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

use outlay_ledger::member::Role;
use outlay_ledger::{CommitId, DeviceKey, LedgerId};
use outlay_protocol::message::{
    Ack, Auth, CaughtUp, Commits, Error, FRAME_BYTES_MAX, Fetch, Hello, Inline, Ledgers, Message, MessageError, Mode,
    Older, Open, Opened, Push, Run, Scope, Welcome,
};
use outlay_protocol::{Code, Cursor, Ladder, Place};

const VECTORS: &str = include_str!("vectors/messages.txt");

const AT: Place = Place { pos: 1_234, chain: [0xc1; 8] };
const CURSOR: Cursor = Cursor { epoch: [0xe0; 8], at: AT, complete_from: 0 };

fn ladder(from: u8) -> Ladder {
    Ladder { ids: (from..from + 3).map(|byte| CommitId([byte; 32])).collect() }
}

fn open() -> Open {
    Open {
        handle: 1,
        ledger: LedgerId([0x1e; 16]),
        from: Some(CURSOR),
        highest: None,
        heads: None,
        months: 0,
        live: true,
        push: None,
    }
}

fn opened(mode: Mode) -> Message {
    Message::Opened(Opened { handles: vec![7], role: Some(Role::Editor), mode })
}

fn error(code: Code, scope: Scope, retry_after_ms: u32, detail: &str) -> Message {
    Message::Error(Error { code, scope, retry_after_ms, detail: detail.to_owned() })
}

/// Each message, and each form of it.
fn messages() -> Vec<(&'static str, Message)> {
    let device = DeviceKey([0xde; 32]);
    let runs = vec![
        Run::Stored { first: 70_000, count: 3, chain: [1; 8] },
        Run::Held { count: 2 },
        Run::Refused { count: 1, code: Code::PredecessorsMissing, missing: vec![CommitId([9; 32])] },
        Run::Refused { count: 1, code: Code::Other(499), missing: Vec::new() },
    ];
    let welcome = Welcome {
        version: 1,
        features: 0,
        seconds_left: 600,
        frame_bytes_max: 256 * 1024,
        pushes_in_flight_max: 4,
        ledgers_max: 4_096,
    };
    let narrow = Welcome { features: 5, frame_bytes_max: 65_536, pushes_in_flight_max: 2, ledgers_max: 10, ..welcome };
    let push = Some(Inline { number: 1, batch: vec![2, 0, 0] });
    let partial = Cursor { complete_from: 24_300, ..CURSOR };
    let highest = Some(Place { pos: 1_300, chain: [0xc2; 8] });
    let heads = vec![ladder(1), ladder(40)];
    let epoch = [0xe0; 8];
    vec![
        ("hello", Message::Hello(Hello { version_min: 1, version_max: 1, features: 0, device })),
        ("hello.range", Message::Hello(Hello { version_min: 1, version_max: 3, features: 6, device })),
        ("welcome", Message::Welcome(welcome)),
        ("welcome.narrow", Message::Welcome(narrow)),
        ("auth", Message::Auth(Auth { token: "a.b.c".into(), proof: [0x99; 64], ledgers: [3; 8] })),
        ("open", Message::Open(open())),
        ("open.new", Message::Open(Open { from: None, months: 3, ..open() })),
        ("open.push", Message::Open(Open { from: Some(partial), highest, push, live: false, ..open() })),
        ("open.heads", Message::Open(Open { from: None, heads: Some(heads.clone()), ..open() })),
        ("opened.same", Message::Opened(Opened { handles: vec![1, 2, 300], role: None, mode: Mode::Same })),
        ("opened.delta", opened(Mode::Delta { epoch, head: AT })),
        ("opened.heads", opened(Mode::Heads { epoch, head: AT, heads })),
        ("opened.refused", opened(Mode::Refused(Code::NoSuchLedger))),
        ("push", Message::Push(Push { handle: 1, number: 17, batch: vec![2, 0, 0] })),
        ("ack", Message::Ack(Ack { handle: 1, number: 17, runs })),
        ("commits", Message::Commits(Commits { handle: 1, to: Some((1_230, AT)), batch: vec![2, 0, 0] })),
        ("commits.aside", Message::Commits(Commits { handle: 1, to: None, batch: vec![2, 0, 0] })),
        ("caught_up", Message::CaughtUp(CaughtUp { handle: 1, cursor: partial })),
        (
            "fetch.older",
            Message::Fetch(Fetch { handle: 1, older: Some(Older { before: 24_300, months: 12 }), ids: vec![] }),
        ),
        ("fetch.ids", Message::Fetch(Fetch { handle: 1, older: None, ids: ladder(1).ids })),
        ("error", error(Code::TokenExpired, Scope::Connection, 0, "")),
        ("error.ledger", error(Code::Removed, Scope::Ledger(4), 1_000, "")),
        ("error.push", error(Code::Busy, Scope::Push(4, 17), 250, "a queue is full")),
        ("ledgers", Message::Ledgers(Ledgers { ids: vec![LedgerId([1; 16]), LedgerId([2; 16])] })),
        ("skipped", Message::Skipped(0x40)),
    ]
}

fn decode(frame: &[u8]) -> Result<Message, MessageError> {
    Message::decode(frame, FRAME_BYTES_MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let lines: Vec<String> =
        messages().iter().map(|(name, message)| format!("{name} {}\n", hex(&message.encode()))).collect();
    if std::env::var_os("OUTLAY_WRITE_VECTORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/messages.txt");
        return std::fs::write(path, lines.concat()).expect("written");
    }
    assert_eq!(VECTORS, lines.concat());
}

#[test]
fn every_vector_is_read_and_written_back() {
    for (line, (name, message)) in VECTORS.lines().zip(messages()) {
        let (of, digits) = line.split_once(' ').expect("a name and bytes");
        let byte = |at: usize| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).expect("two digits");
        let frame: Vec<u8> = (0..digits.len() / 2).map(byte).collect();
        assert_eq!((of, decode(&frame)), (name, Ok(message.clone())));
        assert_eq!(decode(&frame).expect("a message").encode(), frame);
    }
}

#[test]
fn a_frame_that_ends_early_or_goes_on_is_refused() {
    for (name, message) in messages() {
        let frame = message.encode();
        if let Message::Skipped(_) = message {
            continue;
        }
        assert!((0..frame.len()).all(|end| decode(&frame[..end]).is_err()), "{name}");
        assert!(decode(&[frame.as_slice(), &[0]].concat()).is_err(), "{name}");
    }
}

#[test]
fn a_frame_with_any_byte_changed_is_a_message_or_an_error() {
    for (_, message) in messages() {
        let frame = message.encode();
        for at in 0..frame.len() {
            for flip in 1..=u8::MAX {
                let mut changed = frame.clone();
                changed[at] ^= flip;
                if let Ok(message) = decode(&changed) {
                    assert_eq!(decode(&message.encode()), Ok(message));
                }
            }
        }
    }
}

#[test]
fn types_and_keys_of_newer_versions_are_passed_over_and_others_refused() {
    assert_eq!(decode(&[]), Err(MessageError::Empty));
    for kind in (0x00..=0xff).filter(|kind| !(0x01..=0x0c).contains(kind)) {
        let expected = if kind < 0x40 { Err(MessageError::Type(kind)) } else { Ok(Message::Skipped(kind)) };
        assert_eq!(decode(&[kind, 0xa0]), expected);
    }
    // CAUGHT_UP with a key 60 that holds lists in lists.
    let mut frame = Message::CaughtUp(CaughtUp { handle: 1, cursor: CURSOR }).encode();
    frame[1] += 1;
    frame.extend([0x18, 60, 0x82, 0x81, 0xa1, 0x00, 0x41, 0x00, 0xf6]);
    assert_eq!(decode(&frame), Ok(Message::CaughtUp(CaughtUp { handle: 1, cursor: CURSOR })));
}

#[test]
fn lengths_that_are_only_claimed_cost_nothing() {
    let huge = [0x9b, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff];
    for kind in 0x01..=0x0c {
        for key in 1..=8 {
            assert!(decode(&[&[kind, 0xa1, key], huge.as_slice()].concat()).is_err());
            assert!(decode(&[&[kind, 0xa1, key, 0x5b], &huge[1..]].concat()).is_err());
        }
        let nested = [vec![kind, 0xa1, 1], vec![0x81; 200_000], vec![0]].concat();
        assert!(decode(&nested).is_err());
    }
}

#[test]
fn what_is_over_a_limit_is_named() {
    let ids = vec![CommitId([1; 32]); 65];
    let fetch = Message::Fetch(Fetch { handle: 1, older: None, ids }).encode();
    assert_eq!(decode(&fetch), Err(MessageError::TooBig { kind: 0x0a, key: 3 }));
    let long =
        Message::Open(Open { from: None, heads: Some(vec![Ladder { ids: vec![CommitId([1; 32]); 25] }]), ..open() });
    assert_eq!(decode(&long.encode()), Err(MessageError::TooBig { kind: 0x04, key: 5 }));
    let token = "t".repeat(2_049);
    let auth = Message::Auth(Auth { token, proof: [0; 64], ledgers: [0; 8] }).encode();
    assert_eq!(decode(&auth), Err(MessageError::TooBig { kind: 0x03, key: 1 }));
    assert_eq!(Message::decode(&auth, 100), Err(MessageError::FrameTooBig { bytes: auth.len(), max: 100 }));
    let inline = Some(Inline { number: 1, batch: vec![0; 64 * 1024 + 1] });
    let pushing = Message::Open(Open { push: inline, ..open() }).encode();
    assert_eq!(decode(&pushing), Err(MessageError::TooBig { kind: 0x04, key: 8 }));
}

#[test]
fn a_token_is_not_printed() {
    let auth = Message::Auth(Auth { token: "secret".into(), proof: [0; 64], ledgers: [0; 8] });
    assert!(!format!("{auth:?}").contains("secret"));
}
