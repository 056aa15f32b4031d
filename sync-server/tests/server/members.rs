//! Ledgers that people share: who gets in by an invitation, who sees whom, and how fast somebody is out.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use outlay_ledger::commit::Commit;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, LedgerId, hex};
use outlay_protocol::message::Push;
use outlay_protocol::{Code, Message, batch};
use serde_json::{Value, json};

use crate::support::{Account, Device, Ledger, PATIENCE, Reply, Server, Socket, counts, refused};

/// Far enough that no test meets it, near enough that no other end comes before.
const IN_A_CENTURY_S: u64 = 4_945_363_200;

/// Ana with a ledger on the server, and the key of an invite in it.
struct Shared {
    server: Server,
    ana: Device,
    account: Account,
    socket: Socket,
    ledger: Ledger,
    invite: DeviceSecret,
}

impl Shared {
    fn start(expires_s: Option<u64>) -> Self {
        let (server, mut ana) = (Server::start(&[]), Device::new(1));
        let account = server.sign_up("ana@example.org", &ana);
        let mut ledger = Ledger::of(&mut ana, 1);
        let mut socket = Socket::of(&server, &ana, &account);
        socket.open(ledger.id, None, &ledger.commits);
        socket.acknowledged(1);
        let invite = DeviceSecret::from_bytes([9; 32]);
        let operation =
            MemberOperation::Invite { invite_key: invite.public(), role: Role::Editor, member: None, expires_s };
        let invited = ana.operation(ledger.id, &ledger.heads, &operation);
        assert_eq!(counts(&socket.push(2, &[invited.0])), (1, 0, 0, None));
        ledger.heads = vec![invited.1];
        Self { server, ana, account, socket, ledger, invite }
    }

    fn knock(&self, by: &Device, account: &Account, ledger: LedgerId, secret: &DeviceSecret) -> Reply {
        self.join(account, ledger, &asking(by, ledger, secret))
    }

    fn join(&self, account: &Account, ledger: LedgerId, body: &Value) -> Reply {
        let path = format!("/v1/ledgers/{ledger}/join");
        self.server.ask("POST", &path, account, body)
    }

    /// Both steps.
    fn admit(&self, by: &mut Device, account: &Account) -> Reply {
        let knocked = self.knock(by, account, self.ledger.id, &self.invite);
        assert_eq!(knocked.status, 200, "{:?}", knocked.json());
        let heads: Vec<CommitId> = knocked.json()["member_heads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|head| CommitId(hex::fixed(head.as_str().unwrap()).unwrap()))
            .collect();
        let operation = MemberOperation::join(&self.ledger.id, by.member(), by.public(), &self.invite);
        let admission = by.operation(self.ledger.id, &heads, &operation).0;
        let mut body = asking(by, self.ledger.id, &self.invite);
        body["admission"] = hex::encode(&admission.encode()).into();
        self.join(account, self.ledger.id, &body)
    }

    fn get(&self, account: &Account, path: &str) -> Reply {
        self.server.ask("GET", path, account, &Value::Null)
    }

    fn members(&self, account: &Account, ledger: LedgerId) -> Reply {
        self.get(account, &format!("/v1/ledgers/{ledger}/members"))
    }
}

fn asking(by: &Device, ledger: LedgerId, secret: &DeviceSecret) -> Value {
    let MemberOperation::Join { invite_key, signature, .. } =
        MemberOperation::join(&ledger, by.member(), by.public(), secret)
    else {
        panic!("a join is one")
    };
    json!({ "invite_key": invite_key.to_string(), "signature": hex::encode(&signature) })
}

#[test]
fn an_invitation_admits_one_device_and_its_account_is_a_member() {
    let shared = Shared::start(Some(IN_A_CENTURY_S));
    let (mut ben, cat) = (Device::new(2), Device::new(3));
    let (bens, cats) = (shared.server.sign_up("ben@example.org", &ben), shared.server.sign_up("cat@example.org", &cat));
    let mut on_ben = Socket::of(&shared.server, &ben, &bens);
    let joined = shared.admit(&mut ben, &bens);
    assert_eq!((joined.status, joined.json()), (200, json!({ "member": ben.member().to_string(), "role": "editor" })));
    match on_ben.receive() {
        Message::Ledgers(ledgers) => assert_eq!(ledgers.ids, [shared.ledger.id], "an open socket is told"),
        other => panic!("{other:?}"),
    }
    on_ben.open(shared.ledger.id, None, &[]);
    assert_eq!(on_ben.caught_up().0.len(), 4, "genesis, expense, invite, admission");
    let again = shared.admit(&mut ben, &bens);
    assert_eq!((again.status, again.json()), (joined.status, joined.json()), "a lost answer is given again");
    let used = shared.knock(&cat, &cats, shared.ledger.id, &shared.invite);
    assert_eq!(used.refusal(), (410, Code::InvitationUsed));

    let named = json!({ "name": "Ana" });
    let named = shared.server.ask_with("PATCH", "/v1/me", &shared.account, &named, &[("if-match", "*")]);
    assert_eq!(named.status, 200);
    let listed = shared.get(&bens, "/v1/ledgers");
    let ledgers = listed.json()["ledgers"].clone();
    assert_eq!((listed.status, ledgers.as_array().unwrap().len()), (200, 1));
    assert_eq!(ledgers[0]["id"], json!(shared.ledger.id.to_string()));
    assert_eq!((&ledgers[0]["role"], &ledgers[0]["members"]), (&json!("editor"), &json!(2)));
    assert_eq!(shared.get(&cats, "/v1/ledgers").json(), json!({ "ledgers": [] }));
    let device = |device: &Device| json!([{ "key": device.key(), "confirmed": true }]);
    let mut expected = [
        json!({ "id": shared.ana.member().to_string(), "role": "owner", "name": "Ana", "this": false, "devices": device(&shared.ana) }),
        json!({ "id": ben.member().to_string(), "role": "editor", "name": null, "this": true, "devices": device(&ben) }),
    ];
    expected.sort_by_key(|member| member["id"].to_string());
    let members = shared.members(&bens, shared.ledger.id);
    assert_eq!((members.status, members.json()), (200, json!({ "members": expected })));
}

#[test]
fn without_the_key_a_ledger_looks_as_one_that_is_not_there() {
    let shared = Shared::start(None);
    let (ben, other) = (Device::new(2), DeviceSecret::from_bytes([8; 32]));
    let bens = shared.server.sign_up("ben@example.org", &ben);
    let nowhere = LedgerId([7; 16]);
    let told = |reply: Reply| (reply.status, reply.problem());
    let wrong = told(shared.knock(&ben, &bens, shared.ledger.id, &other));
    assert_eq!(wrong.0, 403);
    assert_eq!(wrong, told(shared.knock(&ben, &bens, nowhere, &other)));
    // The public key is no secret to members; its signature is.
    let mut forged = asking(&ben, shared.ledger.id, &other);
    forged["invite_key"] = shared.invite.public().to_string().into();
    assert_eq!(told(shared.join(&bens, shared.ledger.id, &forged)), wrong);
    let of_another_device = asking(&Device::new(3), shared.ledger.id, &shared.invite);
    assert_eq!(told(shared.join(&bens, shared.ledger.id, &of_another_device)), wrong);
    let of_another_ledger = asking(&ben, nowhere, &shared.invite);
    assert_eq!(told(shared.join(&bens, shared.ledger.id, &of_another_ledger)), wrong);

    assert_eq!(shared.members(&bens, shared.ledger.id).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(told(shared.members(&bens, shared.ledger.id)), told(shared.members(&bens, nowhere)));
    assert_eq!(told(shared.get(&bens, "/v1/ledgers/nonsense/members")), told(shared.members(&bens, nowhere)));
    assert_eq!(shared.members(&shared.account, shared.ledger.id).status, 200);
}

#[test]
fn a_join_that_is_not_in_order_is_refused_with_its_reason() {
    let shared = Shared::start(Some(1_700_000_000));
    let (ben, ledger) = (Device::new(2), shared.ledger.id);
    let bens = shared.server.sign_up("ben@example.org", &ben);
    assert_eq!(shared.knock(&ben, &bens, ledger, &shared.invite).refusal(), (410, Code::InvitationExpired));
    let asked = asking(&ben, ledger, &shared.invite);
    let mut with = asked.clone();
    for (key, value) in [("invite_key", "zz"), ("signature", "00"), ("admission", "zz"), ("admission", "a0")] {
        with[key] = value.into();
        assert_eq!(shared.join(&bens, ledger, &with).refusal(), (422, Code::Invalid), "{key}");
        with = asked.clone();
    }
    with["more"] = true.into();
    assert_eq!(shared.join(&bens, ledger, &with).refusal(), (422, Code::Invalid));
    let path = format!("/v1/ledgers/{ledger}/join");
    assert_eq!(shared.server.post(&path, &asked).refusal(), (401, Code::SignInNeeded));
    assert_eq!(shared.get(&bens, &path).refusal(), (405, Code::Method));
    assert_eq!(shared.server.get("/v1/ledgers").refusal(), (401, Code::SignInNeeded));
    let login = json!({ "email": "ben@example.org", "password": crate::support::PASSWORD, "name": "a program" });
    let program = Account::of(&shared.server.post("/v1/auth/login", &login));
    assert_eq!(shared.join(&program, ledger, &asked).refusal(), (401, Code::Proof), "a program is no device");
}

#[test]
fn a_member_whose_account_is_gone_has_no_name_any_more() {
    let shared = Shared::start(None);
    let mut ben = Device::new(2);
    let bens = shared.server.sign_up("ben@example.org", &ben);
    assert_eq!(shared.admit(&mut ben, &bens).status, 200);
    let named = json!({ "name": "Ben" });
    assert_eq!(shared.server.ask_with("PATCH", "/v1/me", &bens, &named, &[("if-match", "*")]).status, 200);
    let name = || {
        let members = shared.members(&shared.account, shared.ledger.id).json()["members"].clone();
        members.as_array().unwrap().iter().find(|member| member["this"] == false).unwrap()["name"].clone()
    };
    assert_eq!(name(), "Ben");
    let password = json!({ "password": crate::support::PASSWORD });
    assert_eq!(shared.server.ask("DELETE", "/v1/me", &bens, &password).status, 204);
    assert_eq!(name(), Value::Null);
}

#[test]
fn an_invitation_that_was_taken_back_lets_nobody_in() {
    let mut shared = Shared::start(Some(IN_A_CENTURY_S));
    let (ben, mut cat) = (Device::new(2), Device::new(3));
    let (bens, cats) = (shared.server.sign_up("ben@example.org", &ben), shared.server.sign_up("cat@example.org", &cat));
    let other = DeviceSecret::from_bytes([10; 32]);
    let operation =
        MemberOperation::Invite { invite_key: other.public(), role: Role::Viewer, member: None, expires_s: None };
    let over = DeviceSecret::from_bytes([11; 32]).public();
    let ended = MemberOperation::Invite { invite_key: over, role: Role::Viewer, member: None, expires_s: Some(1) };
    let invited = shared.ana.operation(shared.ledger.id, &shared.ledger.heads, &operation);
    let ended = shared.ana.operation(shared.ledger.id, &[invited.1], &ended);
    assert_eq!(counts(&shared.socket.push(3, &[invited.0, ended.0])), (2, 0, 0, None));

    let path = format!("/v1/ledgers/{}/invitations", shared.ledger.id);
    let page = |key: &DeviceKey| format!("{path}/{key}");
    let open =
        json!({ "key": shared.invite.public().to_string(), "role": "editor", "expires_ms": IN_A_CENTURY_S * 1_000 });
    let for_ever = json!({ "key": other.public().to_string(), "role": "viewer", "expires_ms": null });
    let mut both = [open, for_ever.clone()];
    both.sort_by_key(|invitation| invitation["key"].to_string());
    let listed = shared.get(&shared.account, &path);
    assert_eq!(
        (listed.status, listed.json()),
        (200, json!({ "invitations": both })),
        "one that is over is not among them"
    );

    let delete = |by: &Account, path: &str| shared.server.ask("DELETE", path, by, &Value::Null);
    let key = shared.invite.public();
    for _ in 0..2 {
        assert_eq!(delete(&shared.account, &page(&key)).status, 204, "twice is as once");
    }
    assert_eq!(shared.get(&shared.account, &path).json(), json!({ "invitations": [for_ever] }));
    assert_eq!(shared.knock(&ben, &bens, shared.ledger.id, &shared.invite).refusal(), (410, Code::InvitationExpired));
    assert_eq!(delete(&shared.account, &page(&DeviceKey([7; 32]))).refusal(), (404, Code::NoSuchPage));
    assert_eq!(delete(&shared.account, &format!("{path}/nonsense")).refusal(), (404, Code::NoSuchPage));
    assert_eq!(delete(&bens, &page(&key)).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(shared.get(&bens, &path).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(shared.server.get(&path).refusal(), (401, Code::SignInNeeded));

    let path = path.clone();
    shared.invite = other;
    assert_eq!(shared.admit(&mut cat, &cats).status, 200, "another one is as good as before");
    let key = shared.invite.public();
    let delete = |by: &Account| shared.server.ask("DELETE", &format!("{path}/{key}"), by, &Value::Null);
    assert_eq!(delete(&shared.account).refusal(), (410, Code::InvitationUsed));
    assert_eq!(delete(&cats).refusal(), (403, Code::ReadOnly));
    assert_eq!(shared.get(&cats, &path).refusal(), (403, Code::ReadOnly));
    assert_eq!(shared.get(&shared.account, &path).json(), json!({ "invitations": [] }));
}

#[test]
fn who_was_removed_does_not_come_back_by_an_invitation_with_the_same_device() {
    let mut shared = Shared::start(None);
    let mut ben = Device::new(2);
    let bens = shared.server.sign_up("ben@example.org", &ben);
    assert_eq!(shared.admit(&mut ben, &bens).status, 200);
    let heads = shared.knock(&ben, &bens, shared.ledger.id, &shared.invite).json()["member_heads"][0].clone();
    let heads = [CommitId(hex::fixed(heads.as_str().unwrap()).unwrap())];
    let remove = MemberOperation::Remove { member: ben.member(), cut: Vec::new() };
    let removed = shared.ana.operation(shared.ledger.id, &heads, &remove);
    let invite = DeviceSecret::from_bytes([10; 32]);
    let operation = MemberOperation::Invite {
        invite_key: invite.public(),
        role: Role::Editor,
        member: None,
        expires_s: Some(IN_A_CENTURY_S),
    };
    let invited = shared.ana.operation(shared.ledger.id, &[removed.1], &operation);
    assert_eq!(counts(&shared.socket.push(3, &[removed.0, invited.0])), (2, 0, 0, None));
    shared.invite = invite;
    assert_eq!(shared.members(&bens, shared.ledger.id).refusal(), (403, Code::Removed));
    assert_eq!(shared.admit(&mut ben, &bens).refusal(), (403, Code::Removed));

    let mut tablet = Device::new(4);
    let on_tablet = shared.server.log_in("ben@example.org", &tablet);
    assert_eq!(shared.admit(&mut tablet, &on_tablet).status, 200, "another device of his does, as a new member");
    assert_eq!(shared.members(&on_tablet, shared.ledger.id).status, 200);
}

#[test]
fn what_a_removed_device_had_written_is_kept_for_owners_only() {
    let mut shared = Shared::start(None);
    let (mut ben, cat) = (Device::new(2), Device::new(3));
    let (bens, cats) = (shared.server.sign_up("ben@example.org", &ben), shared.server.sign_up("cat@example.org", &cat));
    assert_eq!(shared.admit(&mut ben, &bens).status, 200);
    let (ledger, mut on_ben) = (shared.ledger.id, Socket::of(&shared.server, &ben, &bens));
    on_ben.open(ledger, None, &[]);
    let heads = [on_ben.caught_up().0.last().unwrap().id()];
    let path = format!("/v1/ledgers/{ledger}/aside");
    assert_eq!(shared.get(&bens, &path).refusal(), (403, Code::ReadOnly), "an editor accepts nothing");

    let remove = MemberOperation::Remove { member: ben.member(), cut: Vec::new() };
    let removed = shared.ana.operation(ledger, &heads, &remove);
    assert_eq!(counts(&shared.socket.push(3, &[removed.0])), (1, 0, 0, None));
    let before = ben.expense(ledger, &heads, 1).0;
    let forged = Device::new(4).expense(ledger, &heads, 1).0;
    let mut again = Socket::of(&shared.server, &ben, &bens);
    assert_eq!(refused(&again.open(ledger, None, &[before.clone(), forged])), Some(Code::Removed));
    // The answer to the push comes after it was kept.
    while !matches!(again.receive(), Message::Error(error) if error.code == Code::Removed) {}

    let kept = shared.get(&shared.account, &path);
    assert_eq!(kept.status, 200);
    let kept = kept.json()["commits"].clone();
    assert_eq!((kept.as_array().unwrap().len(), &kept[0]["commit"]), (1, &json!(hex::encode(&before.encode()))));
    assert_eq!(shared.get(&bens, &path).refusal(), (403, Code::Removed));
    let nowhere = format!("/v1/ledgers/{}/aside", LedgerId([7; 16]));
    assert_eq!(shared.get(&cats, &path).refusal(), (404, Code::NoSuchLedger));
    assert_eq!(shared.get(&cats, &path).problem(), shared.get(&cats, &nowhere).problem());

    let late = shared.ana.expense(ledger, &heads, 1).0;
    assert_eq!(counts(&shared.socket.push(4, &[late, before])), (2, 0, 0, None), "an owner passes it on");
    assert_eq!(shared.get(&shared.account, &path).json(), json!({ "commits": [] }), "and then it is in the log");
}

/// Pushes in flight of somebody who writes without a pause.
const IN_FLIGHT: usize = 4;
/// Writes that were acknowledged when the removal leaves: it meets the ones after them wherever they are then.
const REMOVED_AFTER: [usize; 4] = [1, 6, 25, 60];

/// What somebody wrote until he was told that he is out.
struct Written {
    /// All of it, in order.
    commits: Vec<Commit>,
    /// Of which he was told that it is stored.
    acknowledged: HashSet<CommitId>,
    told: Instant,
}

/// Writes without a pause, and says when so much was acknowledged.
fn write_until_removed(
    mut ben: Device,
    mut on_ben: Socket,
    at: (LedgerId, CommitId),
    said: (usize, &Sender<()>),
) -> Written {
    let mut written = Written { commits: Vec::new(), acknowledged: HashSet::new(), told: Instant::now() };
    let mut waiting = VecDeque::new();
    loop {
        while waiting.len() < IN_FLIGHT {
            let (commit, id) = ben.expense(at.0, &[at.1], 1);
            let number = u32::try_from(written.commits.len()).unwrap() + 10;
            let batch = batch::encode(std::slice::from_ref(&commit)).unwrap();
            on_ben.send(&Message::Push(Push { handle: 1, number, batch }));
            written.commits.push(commit);
            waiting.push_back((number, id));
        }
        match on_ben.next() {
            Ok(Message::Ack(ack)) => {
                let (number, id) = waiting.pop_front().unwrap();
                assert_eq!(ack.number, number, "answers come in the order of the pushes");
                match counts(&ack.runs) {
                    (1, 0, 0, None) => _ = written.acknowledged.insert(id),
                    runs => assert_eq!(runs, (0, 0, 1, Some(Code::Removed))),
                }
                if written.acknowledged.len() == said.0 {
                    said.1.send(()).unwrap();
                }
            }
            Ok(Message::Error(error)) if error.code == Code::Removed => {
                written.told = Instant::now();
                return written;
            }
            Ok(Message::Commits(page)) => panic!("nobody else has written for him: {page:?}"),
            Ok(_) => {}
            Err(close) => panic!("closed with {close}"),
        }
    }
}

/// T16: the removal comes in the middle of writes that do not stop. Nothing of them is stored after it, he is told nothing
/// more, and what he wrote and was not stored is kept for the owner.
#[test]
fn a_member_who_is_removed_while_he_writes_is_out_at_once_and_nothing_of_it_is_lost() {
    REMOVED_AFTER.into_iter().for_each(race);
}

fn race(removed_after: usize) {
    let mut shared = Shared::start(None);
    let mut ben = Device::new(2);
    let bens = shared.server.sign_up("ben@example.org", &ben);
    assert_eq!(shared.admit(&mut ben, &bens).status, 200);
    let ledger = shared.ledger.id;
    let mut on_ben = Socket::of(&shared.server, &ben, &bens);
    on_ben.open(ledger, None, &[]);
    let head = on_ben.caught_up().0.last().unwrap().id();
    let key = ben.public();
    let remove = MemberOperation::Remove { member: ben.member(), cut: Vec::new() };
    let removed = shared.ana.operation(ledger, &[head], &remove);
    let again = ben.elsewhere(2);

    let (said, is_writing) = channel();
    let (written, acknowledged) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| write_until_removed(ben, on_ben, (ledger, head), (removed_after, &said)));
        is_writing.recv_timeout(PATIENCE).unwrap();
        assert_eq!(counts(&shared.socket.push(3, std::slice::from_ref(&removed.0))), (1, 0, 0, None));
        let acknowledged = Instant::now();
        (writing.join().unwrap(), acknowledged)
    });
    let late = written.told.saturating_duration_since(acknowledged);
    assert!(late < Duration::from_secs(1), "after {removed_after}: told after {late:?}");

    let mut on_owner = Socket::of(&shared.server, &shared.ana, &shared.account);
    on_owner.open(ledger, None, &[]);
    let log = on_owner.caught_up().0;
    assert_eq!(log.last(), Some(&removed.0), "after {removed_after}: nothing is stored after the removal");
    let stored: HashSet<CommitId> = log.iter().filter(|commit| commit.header.device == key).map(Commit::id).collect();
    assert!(written.acknowledged.is_subset(&stored), "after {removed_after}: what was acknowledged is in the log");

    // His device offers again what it was not told of, as it does when it connects next.
    let owed: Vec<Commit> =
        written.commits.iter().filter(|commit| !written.acknowledged.contains(&commit.id())).cloned().collect();
    assert!(!owed.is_empty(), "after {removed_after}: it met something on its way");
    let mut socket = Socket::of(&shared.server, &again, &bens);
    assert_eq!(refused(&socket.open(ledger, None, &owed)), Some(Code::Removed));
    while !matches!(socket.receive(), Message::Error(error) if error.code == Code::Removed) {}
    let kept = shared.get(&shared.account, &format!("/v1/ledgers/{ledger}/aside")).json()["commits"].clone();
    let kept: HashSet<&str> = kept.as_array().unwrap().iter().map(|one| one["commit"].as_str().unwrap()).collect();
    for commit in written.commits {
        let is_kept = kept.contains(hex::encode(&commit.encode()).as_str());
        assert!(is_kept != stored.contains(&commit.id()), "after {removed_after}: stored, or kept for the owner");
    }
}
