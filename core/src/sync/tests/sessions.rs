//! Whole conversations: production sessions on both sides, and a log in memory behind the server's.

use std::collections::{BTreeMap, VecDeque};

use outlay_ledger::member::Role;
use outlay_ledger::{Currency, LedgerId};
use outlay_protocol::Place;
use outlay_protocol::session::{
    Answer, ClientOutput, Identity, Limits, OpenMode, Question, ServerInput, ServerOutput, ServerSession,
};

use super::{Log, SERVER, add, shown};
use crate::Engine;
use crate::sync::SyncSession;

/// A server of one account.
#[derive(Default)]
struct Server {
    logs: BTreeMap<LedgerId, Log>,
}

impl Server {
    fn answer(&mut self, question: Question) -> Answer {
        match question {
            Question::Authenticate { .. } => {
                Answer::Authenticated { seconds_left: 600, ledgers: self.logs.keys().copied().collect() }
            }
            Question::Open { ledger, from, highest, heads, .. } => {
                let log = self.logs.entry(ledger).or_insert_with(Log::new);
                let end = log.commits.len();
                let fits = |place: Place| {
                    usize::try_from(place.pos).is_ok_and(|pos| pos <= end && log.place(pos).chain == place.chain)
                };
                let is_in = from.is_none_or(|from| from.epoch == log.epoch.mark() && fits(from.at));
                let mode = if heads.is_some() || !is_in || !highest.is_none_or(fits) {
                    OpenMode::Heads(log.ladders())
                } else if from.is_some_and(|from| from.at.pos == end as u64) {
                    OpenMode::Same
                } else {
                    OpenMode::Delta
                };
                Answer::Opened { role: Some(Role::Owner), epoch: log.epoch, head: log.place(end), mode }
            }
            Question::Append { ledger, commits } => {
                let log = self.logs.entry(ledger).or_insert_with(Log::new);
                Answer::Appended(commits.into_iter().map(|(commit, id)| log.append(commit, id)).collect())
            }
            Question::Page { ledger, from, to, .. } => {
                let log = &self.logs[&ledger];
                let (from, to) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
                let end = to.min(from + 5);
                let commits = log.commits[from..end].to_vec();
                Answer::Page { commits, to: log.place(end), is_last: end == to }
            }
            Question::Older { ledger, at, .. } => {
                let all = self.logs[&ledger].commits[..usize::try_from(at).unwrap()].iter();
                let commits = all.cloned().collect();
                Answer::Older { commits, next_after: None, complete_from: 0 }
            }
            Question::ById { ledger, ids } => {
                let log = &self.logs[&ledger];
                let found = log.commits.iter().filter(|(_, id)| ids.contains(id));
                let commits = found.cloned().collect();
                Answer::Page { commits, to: log.place(log.commits.len()), is_last: true }
            }
            Question::Lacking { ledger, heads, to, .. } => {
                let log = &self.logs[&ledger];
                let held = log.at_and_below(heads.iter().flat_map(|ladder| ladder.ids.iter().copied()).collect());
                let lacking = log.commits[..usize::try_from(to).unwrap()].iter().filter(|(_, id)| !held.contains(id));
                let commits = lacking.cloned().collect();
                Answer::Page { commits, to: log.place(usize::try_from(to).unwrap()), is_last: true }
            }
        }
    }
}

/// Talks until nothing more is said. Returns whether the device said that all is alike, and how many frames went.
fn talk(engine: &Engine, server: &mut Server, frames_max: usize) -> (bool, usize) {
    let nonce = [5; 16];
    let mut device = SyncSession::with_server(engine, &SERVER, "a", false).unwrap();
    let mut other = ServerSession::new(Limits::default(), Identity { server: SERVER, nonce });
    let (mut up, mut is_idle, mut frames) = (VecDeque::new(), false, 0);
    let mut outputs = device.connected(0, nonce, "token").unwrap();
    loop {
        for output in outputs.drain(..) {
            match output {
                ClientOutput::Send(frame) => up.push_back(frame),
                ClientOutput::Idle => is_idle = true,
                ClientOutput::Close(code) | ClientOutput::Wait { code, .. } => panic!("{code}"),
                _ => {}
            }
        }
        let Some(frame) = up.pop_front() else { break };
        frames += 1;
        if frames > frames_max {
            return (false, frames);
        }
        let mut todo = VecDeque::from(other.step(1, ServerInput::Frame(&frame)));
        while let Some(output) = todo.pop_front() {
            match output {
                ServerOutput::Send(frame) => {
                    outputs.extend(device.receive(1, &frame).unwrap());
                    todo.extend(other.step(1, ServerInput::Drained));
                }
                ServerOutput::Ask(ticket, question) => {
                    let answer = server.answer(question);
                    todo.extend(other.step(1, ServerInput::Answer(ticket, answer)));
                }
                ServerOutput::Close(code) => panic!("the server closed with {code}"),
                ServerOutput::Subscribe(_) | ServerOutput::Unsubscribe(_) => {}
            }
        }
    }
    device.settle().unwrap();
    (is_idle, frames)
}

fn sync(engine: &Engine, server: &mut Server) {
    assert!(talk(engine, server, usize::MAX).0, "all is alike in the end");
}

fn two_devices(server: &mut Server) -> (Engine, Engine, LedgerId) {
    let (ana, ben) = (Engine::open_in_memory().unwrap(), Engine::open_in_memory().unwrap());
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    ana.admit_device(home, ben.device_key()).unwrap();
    for number in 0..30 {
        add(&ana, home, &format!("Shop {number}"));
    }
    sync(&ana, server);
    sync(&ben, server);
    (ana, ben, home)
}

#[test]
fn a_new_device_gets_all_ledgers_and_both_show_the_same() {
    let mut server = Server::default();
    let (ana, ben, home) = two_devices(&mut server);
    assert_eq!(shown(&ana, home), shown(&ben, home));
    add(&ben, home, "Tea");
    sync(&ben, &mut server);
    sync(&ana, &mut server);
    assert_eq!((shown(&ana, home).len(), shown(&ana, home)), (31, shown(&ben, home)));
    let status = ana.sync_status().unwrap();
    assert_eq!(status.account, None, "a conversation of one's own signs nobody in");
}

#[test]
fn nothing_new_is_one_flight_each_way() {
    let mut server = Server::default();
    let (ana, _, _) = two_devices(&mut server);
    sync(&ana, &mut server);
    let (is_idle, frames) = talk(&ana, &mut server, usize::MAX);
    assert!(is_idle && frames <= 3, "HELLO, AUTH and OPEN");
}

#[test]
fn a_server_that_was_restored_gets_back_what_it_lost_whoever_comes_first() {
    for new_epoch in [false, true] {
        let mut server = Server::default();
        let (ana, ben, home) = two_devices(&mut server);
        add(&ben, home, "Tea");
        sync(&ben, &mut server);
        sync(&ana, &mut server);
        let whole = shown(&ana, home);
        let log = server.logs.get_mut(&home).unwrap();
        log.commits.truncate(12);
        if new_epoch {
            log.epoch = outlay_protocol::Epoch([7; 16]);
        }
        let late = add(&ana, home, "After the restore");
        sync(&ana, &mut server);
        sync(&ben, &mut server);
        assert_eq!(shown(&ben, home).len(), whole.len() + 1);
        assert!(shown(&ben, home).contains(&late));
        let carol = Engine::open_in_memory().unwrap();
        sync(&carol, &mut server);
        assert_eq!(shown(&carol, home), shown(&ana, home), "the union of what anybody held is back");
    }
}

#[test]
fn a_conversation_cut_anywhere_goes_on_where_it_was() {
    let mut server = Server::default();
    let (ana, ben, home) = two_devices(&mut server);
    for cut in 0..8 {
        add(&ana, home, &format!("Cut {cut}"));
        talk(&ana, &mut server, cut);
        talk(&ben, &mut server, cut);
    }
    sync(&ana, &mut server);
    sync(&ben, &mut server);
    assert_eq!((shown(&ben, home).len(), shown(&ben, home)), (38, shown(&ana, home)));
}

#[test]
fn what_is_more_than_one_flight_goes_up_whole() {
    let mut server = Server::default();
    let ana = Engine::open_in_memory().unwrap();
    let home = ana.create_ledger("Home", Currency::EUR).unwrap().id;
    for number in 0..500 {
        add(&ana, home, &format!("Shop {number}"));
    }
    sync(&ana, &mut server);
    assert_eq!(server.logs[&home].commits.len(), 502);
}
