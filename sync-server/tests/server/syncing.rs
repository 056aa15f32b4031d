//! Ledgers: what one device has pushed another one gets, and nobody else.

use outlay_ledger::Month;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_protocol::message::{Fetch, Mode, Older};
use outlay_protocol::{Code, Cursor, Message};

use crate::support::{Device, Ledger, Server, Socket, counts, decode, greeting, opening, pin, refused, request};

#[test]
fn what_one_device_pushes_the_other_gets_in_order_and_live() {
    let (server, mut phone, tablet) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 3);
    let mut from_phone = Socket::of(&server, &phone, &account);
    let opened = from_phone.open(ledger.id, None, &ledger.commits);
    assert_eq!(opened.role, None, "the ledger is yet to be made");
    assert_eq!(counts(&from_phone.acknowledged(1)), (4, 0, 0, None));
    let pinned = phone.operation(ledger.id, &ledger.heads, &pin(from_phone.server));
    assert_eq!(counts(&from_phone.push(2, std::slice::from_ref(&pinned.0))), (1, 0, 0, None));
    assert_eq!(counts(&from_phone.push(3, &[pinned.0])), (0, 1, 0, None), "a repeat is held");

    let other = server.log_in("ana@example.org", &tablet);
    let mut on_tablet = Socket::connect(&server);
    on_tablet.greet(&tablet, &other.access);
    let ledgers: Vec<_> = [on_tablet.receive(), on_tablet.receive()]
        .into_iter()
        .filter_map(|message| if let Message::Ledgers(ledgers) = message { Some(ledgers.ids) } else { None })
        .collect();
    assert_eq!(ledgers, [vec![ledger.id]], "a device that logs in is told of the account's ledgers");
    let opened = on_tablet.open(ledger.id, None, &[]);
    assert_eq!(opened.role, Some(Role::Editor), "by the server's word");
    let (commits, cursor) = on_tablet.caught_up();
    assert_eq!(commits[..4], ledger.commits[..]);
    assert_eq!(commits.len(), 6, "with the pin and the admission");
    assert_eq!(cursor.at.pos, 6);

    let lunch = phone.expense(ledger.id, &[pinned.1], 2).0;
    assert_eq!(counts(&from_phone.push(4, std::slice::from_ref(&lunch))), (1, 0, 0, None));
    assert_eq!(on_tablet.commits(), [lunch]);
}

#[test]
fn a_device_that_comes_back_with_nothing_new_hears_that_it_is_all_the_same() {
    let (server, mut phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 2);
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    socket.acknowledged(1);
    let mut again = Socket::of(&server, &phone, &account);
    again.open(ledger.id, None, &[]);
    let (commits, cursor) = again.caught_up();
    assert_eq!(commits, ledger.commits);
    let mut third = Socket::of(&server, &phone, &account);
    let opened = third.open(ledger.id, Some(cursor), &[]);
    assert_eq!((opened.mode, opened.role), (Mode::Same, Some(Role::Owner)));
    let elsewhere = Cursor { epoch: [7; 8], ..cursor };
    let mut fourth = Socket::of(&server, &phone, &account);
    assert!(matches!(fourth.open(ledger.id, Some(elsewhere), &[]).mode, Mode::Heads { .. }), "of another epoch");
}

#[test]
fn two_accounts_see_nothing_of_each_other() {
    let (server, mut phone, stranger) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &phone);
    let other = server.sign_up("ben@example.org", &stranger);
    let ledger = Ledger::of(&mut phone, 1);
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    socket.acknowledged(1);

    let nowhere = Ledger::of(&mut Device::new(3), 1);
    let cursor = Cursor { epoch: [7; 8], at: outlay_protocol::Place { pos: 1, chain: [8; 8] }, complete_from: 0 };
    for from in [None, Some(cursor)] {
        let answers: Vec<_> = [ledger.id, nowhere.id]
            .map(|id| Socket::of(&server, &stranger, &other).open(id, from, &[]))
            .into_iter()
            .map(|opened| format!("{opened:?}"))
            .collect();
        assert_eq!(answers[0], answers[1]);
    }
    let mut thief = Socket::of(&server, &stranger, &other);
    assert_eq!(refused(&thief.open(ledger.id, None, &[])), Some(Code::NoSuchLedger));
    // With a copy of commits too.
    let told = [&ledger, &nowhere].map(|wanted| {
        let mut thief = Socket::of(&server, &stranger, &other);
        thief.send(&Message::Open(opening(wanted.id, None, &wanted.commits[1..])));
        let mut told = Vec::new();
        while !told.last().is_some_and(|last: &String| last.contains("NoSuchLedger")) {
            told.push(format!("{:?}", thief.receive()));
        }
        told
    });
    assert_eq!(told[0], told[1]);
    assert!(!told[0].iter().any(|told| told.starts_with("Commits")), "{told:?}");
}

#[test]
fn a_removed_member_gets_nothing_more_and_is_told_so() {
    let (server, mut owner, mut friend) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &owner);
    let other = server.sign_up("ben@example.org", &friend);
    let ledger = Ledger::of(&mut owner, 1);
    let add = MemberOperation::Add { member: friend.member(), device: friend.public(), role: Role::Editor };
    let added = owner.operation(ledger.id, &ledger.heads, &add);
    let mut on_owner = Socket::of(&server, &owner, &account);
    let mut on_friend = Socket::of(&server, &friend, &other);
    on_owner.open(ledger.id, None, &ledger.commits);
    on_owner.acknowledged(1);
    on_owner.push(2, &[added.0]);
    match on_friend.receive() {
        Message::Ledgers(ledgers) => assert_eq!(ledgers.ids, [ledger.id], "told live of the ledger"),
        other => panic!("{other:?}"),
    }
    on_friend.open(ledger.id, None, &[]);
    assert_eq!(on_friend.caught_up().0.len(), 3);
    let dinner = friend.expense(ledger.id, &[added.1], 1);
    assert_eq!(counts(&on_friend.push(2, &[dinner.0])), (1, 0, 0, None));

    let remove = MemberOperation::Remove { member: friend.member(), cut: vec![dinner.1] };
    let removed = owner.operation(ledger.id, &[added.1], &remove);
    assert_eq!(counts(&on_owner.push(3, &[removed.0])), (1, 0, 0, None));
    match on_friend.receive() {
        Message::Error(error) => assert_eq!(error.code, Code::Removed),
        other => panic!("{other:?}"),
    }
    let mut again = Socket::of(&server, &friend, &other);
    assert_eq!(refused(&again.open(ledger.id, None, &[])), Some(Code::Removed));
    let late = owner.expense(ledger.id, &[removed.1], 1);
    assert_eq!(counts(&on_owner.push(4, &[late.0])), (1, 0, 0, None));
}

#[test]
fn the_newest_months_come_first_and_older_ones_when_they_are_asked_for() {
    let (server, mut phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let mut ledger = Ledger::of(&mut phone, 0);
    for month in [3, 1, 2, 3, 1] {
        ledger.commits.push(phone.expense(ledger.id, &ledger.heads, month).0);
    }
    let mut socket = Socket::of(&server, &phone, &account);
    socket.open(ledger.id, None, &ledger.commits);
    socket.acknowledged(1);

    let months = |commits: &[outlay_ledger::commit::Commit]| -> Vec<u16> {
        let month = |month: Option<Month>| month.map_or(0, |month| month.number() - 2026 * 12 + 1);
        commits.iter().map(|commit| month(commit.records[0].period)).collect()
    };
    let mut fresh = Socket::of(&server, &phone, &account);
    let mut open = opening(ledger.id, None, &[]);
    open.months = 1;
    fresh.send(&Message::Open(open));
    let (commits, cursor) = fresh.caught_up();
    assert_eq!(months(&commits), [0, 3, 3], "what has no month, then the newest");
    assert_eq!((cursor.at.pos, cursor.complete_from), (6, 2026 * 12 + 2));
    let older = Some(Older { before: cursor.complete_from, months: 0 });
    fresh.send(&Message::Fetch(Fetch { handle: 1, older, ids: Vec::new() }));
    let (commits, cursor) = fresh.caught_up();
    assert_eq!((months(&commits), cursor.complete_from), (vec![2, 1, 1], 0));
}

#[test]
fn one_request_does_what_a_socket_does() {
    let (server, mut phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let ledger = Ledger::of(&mut phone, 2);
    let (id, nonce) = server.identity();
    let exchange = |nonce: [u8; 16], token: &str, open| {
        let [hello, auth] = greeting(&phone, token, &id, &nonce);
        let frames = [hello, auth, Message::Open(open)].map(|message| message.encode());
        let body: Vec<u8> = frames
            .iter()
            .flat_map(|frame| {
                u32::try_from(frame.len()).unwrap().to_be_bytes().into_iter().chain(frame.iter().copied())
            })
            .collect();
        let nonce = outlay_ledger::hex::encode(&nonce);
        request(&server.address, "POST", "/v1/sync", &[("outlay-nonce", &nonce)], &body)
    };
    let pushed = exchange(nonce, &account.access, opening(ledger.id, None, &ledger.commits));
    assert_eq!(pushed.status, 200);
    assert!(messages(&pushed.body).iter().any(|message| matches!(message, Message::Ack(_))), "{pushed:?}");
    let next = outlay_ledger::hex::fixed(&pushed.header("outlay-nonce").unwrap()).unwrap();
    let pulled = exchange(next, &account.access, opening(ledger.id, None, &[]));
    let commits: Vec<_> = messages(&pulled.body)
        .into_iter()
        .filter_map(|message| if let Message::Commits(page) = message { Some(decode(&page.batch)) } else { None })
        .flatten()
        .collect();
    assert_eq!(commits, ledger.commits);
    let replayed = exchange(next, &account.access, opening(ledger.id, None, &[]));
    assert_eq!(replayed.refusal(), (401, Code::Proof), "a nonce is good once");
    let fresh = outlay_ledger::hex::fixed(&replayed.header("outlay-nonce").unwrap()).unwrap();
    assert_eq!(exchange(fresh, "nonsense", opening(ledger.id, None, &[])).refusal(), (401, Code::SignInNeeded));
    let after = exchange(fresh, &account.access, opening(ledger.id, None, &[]));
    assert_eq!(after.status, 200, "whoever proves nothing uses no nonce up");
}

fn messages(mut body: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk() {
        let (frame, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
        messages.push(Message::decode(frame, 1 << 20).unwrap());
        body = rest;
    }
    messages
}
