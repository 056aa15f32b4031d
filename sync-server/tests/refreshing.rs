//! Sessions that are renewed: never lost to races, never shared with a thief for long.
//!
//! Each schedule is that of a seed: two processes of one device (or one program started twice) renew from one kept token,
//! requests and answers are late or lost, a request comes twice, a hundred come at once; in the second test somebody has
//! copied the token.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what tests share is outside of test functions

use outlay_protocol::Code;
use outlay_server::accounts::records::{self, Admission};
use outlay_server::accounts::sessions::{self, RefreshTimes};
use outlay_server::auth::RefreshToken;
use outlay_server::store::{Store, StoreOptions, Write};

const SCHEDULES: u64 = 10_000;
/// Schedules of one transaction, so that few wait for the disk.
const TOGETHER: usize = 500;
const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// After so long a client gives a request up, and the server has it or never will.
const PATIENCE_MS: i64 = MINUTE_MS;
/// Answers lost one after the other: with the patience above, less than the ten minutes for which they are given again.
const LOST_MAX: u32 = 5;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn ms(&mut self, from_ms: i64, to_ms: i64) -> i64 {
        from_ms + i64::try_from(self.below(u64::try_from(to_ms - from_ms).unwrap())).unwrap()
    }
}

/// A store of the server with an account.
fn with_account(folder: &tempfile::TempDir) -> (Store, i64) {
    let mut store = Store::open(&folder.path().join("server.db"), StoreOptions::default()).unwrap();
    let sign_up = |write: &mut Write<'_>| records::sign_up(write, 0, "ana@example.org", "Ana", "", Admission::Open);
    let aid = store.write(sign_up).unwrap().unwrap();
    (store, aid)
}

/// Signed in at 0, with the times of a server that was told no others.
fn signed_in(run: impl FnOnce(&mut Write<'_>, RefreshToken)) {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, aid) = with_account(&folder);
    let written = store.write(|write| {
        let login = sessions::sign_in(write, 0, RefreshTimes::default(), aid, None, "program")?.unwrap();
        run(write, login.refresh);
        Ok(())
    });
    written.unwrap();
}

/// Runs each seed on a store of the server, signed in anew.
fn each_schedule(run: impl Fn(&mut Write<'_>, RefreshToken, Chance) -> Result<(), String>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, aid) = with_account(&folder);
    let seeds: Vec<u64> = (1..=SCHEDULES).collect();
    for seeds in seeds.chunks(TOGETHER) {
        let together = |write: &mut Write<'_>| {
            for &seed in seeds {
                let login = sessions::sign_in(write, 0, RefreshTimes::default(), aid, None, "program")?.unwrap();
                let run = run(write, login.refresh, Chance(seed));
                assert_eq!(run, Ok(()), "seed {seed}");
                sessions::end(write, 0, &login.session)?;
            }
            Ok(())
        };
        store.write(together).unwrap();
    }
}

fn refresh(write: &mut Write<'_>, now_ms: i64, token: &RefreshToken) -> Result<RefreshToken, Code> {
    sessions::refresh(write, now_ms, RefreshTimes::default(), token).unwrap().map(|login| login.refresh)
}

/// A process that renews, and when it does next.
struct Process {
    due_ms: i64,
    asked: Option<Asked>,
}

/// A request under way: when the server has it, and when its answer is back, if it ever is.
struct Asked {
    token: RefreshToken,
    begun_ms: i64,
    arrives_ms: Option<i64>,
    answer: Option<(i64, RefreshToken)>,
}

#[test]
fn whatever_is_late_lost_or_repeated_nobody_is_signed_out() {
    each_schedule(|write, first, mut chance| {
        let (mut kept, mut lost, mut renewed) = (first, 0, 0);
        let mut processes = [0, 1].map(|_| Process { due_ms: chance.ms(0, 10 * MINUTE_MS), asked: None });
        let mut now_ms = 0;
        while renewed < 12 {
            now_ms += chance.ms(0, 10 * SECOND_MS);
            for process in &mut processes {
                let Some(asked) = &mut process.asked else {
                    if now_ms >= process.due_ms {
                        let arrives_ms = Some(now_ms + chance.ms(0, PATIENCE_MS / 2));
                        process.asked = Some(Asked { token: kept, begun_ms: now_ms, arrives_ms, answer: None });
                    }
                    continue;
                };
                if asked.arrives_ms.is_some_and(|at_ms| at_ms <= now_ms) {
                    let times = [1, 1, 1, 1, 2, 100][usize::try_from(chance.below(6)).unwrap()];
                    let answers: Result<Vec<_>, _> = (0..times).map(|_| refresh(write, now_ms, &asked.token)).collect();
                    let answers = answers.map_err(|code| format!("signed out at {now_ms} ms: {code}"))?;
                    if answers.iter().any(|answer| answer != &answers[0]) {
                        return Err("one token has two successors".to_owned());
                    }
                    asked.arrives_ms = None;
                    asked.answer = Some((now_ms + chance.ms(0, PATIENCE_MS / 2), answers[0]));
                    if lost < LOST_MAX && chance.below(3) == 0 {
                        (asked.answer, lost) = (None, lost + 1);
                    }
                }
                match asked.answer {
                    Some((at_ms, token)) if at_ms <= now_ms => {
                        kept = if token.counter > kept.counter { token } else { kept };
                        (lost, renewed) = (0, renewed + 1);
                        *process = Process { due_ms: now_ms + chance.ms(5 * MINUTE_MS, 10 * MINUTE_MS), asked: None };
                    }
                    _ if now_ms - asked.begun_ms > PATIENCE_MS => process.asked = None,
                    _ => {}
                }
            }
        }
        Ok(())
    });
}

#[test]
fn whoever_copied_a_token_is_found_out_and_the_session_ends() {
    each_schedule(|write, first, mut chance| {
        // The owner renews when an access token ends; the thief when he likes, first at once or much later.
        let mut tokens = [first, first];
        let mut due_ms = [chance.ms(0, 10 * MINUTE_MS), chance.ms(0, 24 * 60 * MINUTE_MS)];
        for _ in 0..1_000 {
            let who = usize::from(due_ms[1] < due_ms[0]);
            match refresh(write, due_ms[who], &tokens[who]) {
                Ok(token) => tokens[who] = token,
                Err(code) => {
                    let other = refresh(write, due_ms[who], &tokens[1 - who]);
                    return match (code, other) {
                        (Code::Revoked, Err(Code::Revoked)) => Ok(()),
                        (code, other) => Err(format!("one hears {code}, the other {other:?}")),
                    };
                }
            }
            due_ms[who] += if who == 0 { chance.ms(8, 10) * MINUTE_MS } else { chance.ms(1, 40) * MINUTE_MS };
        }
        Err("both go on".to_owned())
    });
}

#[test]
fn a_session_that_is_not_used_for_thirty_days_is_over_and_each_use_begins_them_anew() {
    signed_in(|write, first| {
        let second = refresh(write, 30 * DAY_MS - 1, &first).unwrap();
        let third = refresh(write, 60 * DAY_MS - 2, &second).unwrap();
        assert_eq!(refresh(write, 90 * DAY_MS, &third), Err(Code::Revoked));
    });
}

#[test]
fn a_session_is_over_after_half_a_year_however_often_it_is_used() {
    signed_in(|write, first| {
        let day = |write: &mut Write<'_>, token, day| refresh(write, day * DAY_MS, &token).unwrap();
        let last = (1..180).fold(first, |token, number| day(write, token, number));
        let last = refresh(write, 180 * DAY_MS - 1, &last).unwrap();
        assert_eq!(refresh(write, 180 * DAY_MS, &last), Err(Code::Revoked));
    });
}

#[test]
fn a_lost_answer_is_given_again_for_ten_minutes_and_after_that_it_is_a_copy() {
    signed_in(|write, first| {
        let second = refresh(write, 0, &first).unwrap();
        assert_eq!(refresh(write, 10 * MINUTE_MS, &first), Ok(second));
        assert_eq!(refresh(write, 10 * MINUTE_MS + 1, &first), Err(Code::Revoked));
        assert_eq!(refresh(write, 10 * MINUTE_MS + 2, &second), Err(Code::Revoked), "it ends the session");
    });
}

#[test]
fn a_lost_answer_is_not_given_again_once_its_token_was_used() {
    signed_in(|write, first| {
        let second = refresh(write, 0, &first).unwrap();
        assert!(refresh(write, 1, &second).is_ok());
        assert_eq!(refresh(write, 2, &first), Err(Code::Revoked));
    });
}
