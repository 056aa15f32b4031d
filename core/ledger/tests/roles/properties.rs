//! Random histories, most of them hostile: the answer depends on the set of commits and on nothing else.

use std::collections::BTreeSet;

use outlay_ledger::member::{MemberOperation, Purge, Role};
use outlay_ledger::roles::{CommitFacts, History, MemberCommit, MemberRecord, Standing, Writes, roles};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, DocumentId, MemberId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::story::{ANA, ANAS, Chains, GENESIS, LEDGER, Story};

const SEEDS: u64 = 200;
const PEOPLE: u8 = 6;

/// What is drawn from one seed.
struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn of<T: Clone>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())].clone()
    }

    fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }

    fn role(&mut self) -> Role {
        self.of(&[Role::Owner, Role::Owner, Role::Editor, Role::Viewer])
    }

    fn member(&mut self) -> MemberId {
        if self.one_in(4) { ANA } else { MemberId([self.person(); 16]) }
    }

    fn device(&mut self) -> DeviceKey {
        if self.one_in(3) { ANAS } else { DeviceKey([self.person(); 32]) }
    }

    fn person(&mut self) -> u8 {
        self.below(PEOPLE.into()).to_le_bytes()[0] + 1
    }

    fn cut(&mut self, commits: &[CommitId]) -> Vec<CommitId> {
        (0..self.below(3)).map(|_| self.of(commits)).collect()
    }
}

fn operation(dice: &mut Dice, device: DeviceKey, commits: &[CommitId]) -> MemberOperation {
    let secret = DeviceSecret::from_bytes([dice.person() + 100; 32]);
    let (member, other, role) = (dice.member(), dice.device(), dice.role());
    let cut = dice.cut(commits);
    match dice.below(16) {
        0..3 => MemberOperation::Add { member, device: other, role },
        3 => MemberOperation::Remove { member, cut },
        4 => MemberOperation::Role { member, role, cut },
        5 => MemberOperation::AddDevice { member, device: other },
        6 => MemberOperation::ReplaceDevice { member, old: dice.device(), new: other, cut },
        7 => MemberOperation::RemoveDevice { member, device: other, cut },
        8 | 9 => MemberOperation::Invite {
            invite_key: secret.public(),
            role,
            member: dice.one_in(2).then_some(member),
            expires_s: None,
        },
        10 | 11 => {
            let member = if dice.one_in(2) { MemberId::of_first_device(&device) } else { member };
            MemberOperation::join(&LEDGER, member, device, &secret)
        }
        12 => MemberOperation::Server { key: other, up_to: role, on_behalf: dice.one_in(2) },
        13 => MemberOperation::RevokeServer { key: other, cut },
        14 => MemberOperation::Confirm { device: other },
        _ => MemberOperation::Accept { commits: cut },
    }
}

/// A history whose commits build on a few of the ones before, old ones too, and now and then on one that nobody has.
fn history(dice: &mut Dice, commits: usize) -> Vec<MemberCommit> {
    let mut story = Story::new();
    let mut ids = vec![GENESIS];
    for _ in 0..commits {
        let device = dice.device();
        let mut heads = if dice.one_in(3) {
            (0..1 + dice.below(3)).map(|_| dice.of(&ids)).collect()
        } else {
            roles(LEDGER, &story.commits).heads().to_vec()
        };
        if dice.one_in(60) {
            heads.push(CommitId([0xee; 32]));
        }
        let records = (0..1 + dice.below(2)).map(|_| match dice.below(10) {
            0 => MemberRecord::Other,
            1 => MemberRecord::Purge {
                purge: Purge { document: DocumentId([dice.person(); 16]) },
                origin: dice.one_in(2).then_some(device),
            },
            _ => MemberRecord::Member(operation(dice, device, &ids)),
        });
        let records: Vec<_> = records.collect();
        let mut id = [0; 32];
        dice.0.fill_bytes(&mut id);
        ids.push(story.write(CommitId(id), device, &heads, records));
    }
    story.commits
}

fn for_each_seed(check: impl Fn(&mut Dice, u64)) {
    for seed in 0..SEEDS {
        check(&mut Dice(ChaCha8Rng::seed_from_u64(seed)), seed);
    }
}

/// Commits with changes by everybody on top of many heads, and what each counts for.
fn standings(history: &mut History, commits: &[MemberCommit]) -> Vec<(DeviceKey, CommitId, Standing)> {
    let chains = Chains::of(&[]);
    let mut all = Vec::new();
    for (commit, person) in commits.iter().zip((0..=PEOPLE).cycle()) {
        let device = if person == 0 { ANAS } else { DeviceKey([person; 32]) };
        for (id, heads) in [(CommitId([person; 32]), vec![commit.id]), (commit.id, commit.member_heads.clone())] {
            for writes in [Writes::Expenses, Writes::Keys] {
                let on_behalf = (person % 3 == 0).then_some(MemberId([2; 16]));
                let facts = CommitFacts { id, device, member_heads: &heads, on_behalf, writes };
                all.push((device, id, history.standing(&facts, &chains)));
            }
        }
        let facts = CommitFacts {
            id: commit.id,
            device: commit.device,
            member_heads: &commit.member_heads,
            on_behalf: None,
            writes: Writes::Members,
        };
        all.push((commit.device, commit.id, history.standing(&facts, &chains)));
    }
    all
}

#[test]
fn any_order_and_repetition_gives_equal_roles_and_standings() {
    for_each_seed(|dice, seed| {
        let commits = history(dice, 40);
        let expected = roles(LEDGER, &commits);
        let expected_standings = standings(&mut History::new(LEDGER, commits.clone()), &commits);
        for _ in 0..3 {
            let mut arrived = commits.clone();
            (0..dice.below(10)).for_each(|_| arrived.push(dice.of(&commits)));
            dice.shuffle(&mut arrived);
            assert_eq!(roles(LEDGER, &arrived), expected, "seed {seed}");
            assert_eq!(standings(&mut History::new(LEDGER, arrived), &commits), expected_standings, "seed {seed}");
        }
    });
}

#[test]
fn commits_taken_in_one_by_one_give_what_they_give_at_once() {
    for_each_seed(|dice, seed| {
        let commits = history(dice, 20);
        let mut arrived = commits.clone();
        dice.shuffle(&mut arrived);
        let mut grown = History::new(LEDGER, []);
        for commit in arrived {
            grown.extend([commit]);
            // Judging on the way fills what is remembered, which must not change later answers.
            standings(&mut grown, &commits);
        }
        let mut whole = History::new(LEDGER, commits.clone());
        assert_eq!(grown.roles(), whole.roles(), "seed {seed}");
        assert_eq!(standings(&mut grown, &commits), standings(&mut whole, &commits), "seed {seed}");
    });
}

#[test]
fn there_is_always_an_owner_with_a_full_device() {
    for_each_seed(|dice, seed| {
        let commits = history(dice, 60);
        for held in 1..=commits.len() {
            let roles = roles(LEDGER, &commits[..held]);
            let mut owned = roles.owners().iter().flat_map(|owner| roles.devices(owner));
            assert!(owned.any(|(device, _)| roles.is_confirmed(&device)), "seed {seed}, {held} commits");
        }
    });
}

#[test]
fn what_is_known_of_members_and_of_their_devices_agrees() {
    for_each_seed(|dice, seed| {
        let roles = roles(LEDGER, &history(dice, 60));
        for (id, member) in roles.members() {
            assert_eq!(member.devices.len(), roles.devices(id).count(), "seed {seed}");
            assert_eq!(member.role == Role::Owner, roles.owners().contains(id), "seed {seed}");
            for (key, device) in roles.devices(id) {
                assert_eq!(device.member, *id, "seed {seed}");
                assert!(roles.role_of(&key).is_some_and(|(whose, role)| whose == *id && role <= member.role));
                assert!(!roles.servers().contains_key(&key), "seed {seed}");
            }
        }
    });
}

/// Today's roles are the roles at today's heads, as long as these are few enough to be named all.
#[test]
fn the_roles_at_the_heads_are_the_roles_now() {
    for_each_seed(|dice, seed| {
        let mut history = History::new(LEDGER, history(dice, 40));
        let heads = history.roles().heads().to_vec();
        for person in 0..=PEOPLE {
            let device = if person == 0 { ANAS } else { DeviceKey([person; 32]) };
            let now = history.roles().role_of(&device);
            assert_eq!(history.role_at(&heads, &device), now, "seed {seed}");
        }
    });
}

#[test]
fn what_is_not_named_as_affected_stands_as_it_did() {
    for_each_seed(|dice, seed| {
        let commits = history(dice, 20);
        let mut arrived = commits.clone();
        dice.shuffle(&mut arrived);
        let mut history = History::new(LEDGER, []);
        let mut changed = 0;
        for commit in arrived {
            let before = standings(&mut history, &commits);
            let affected = history.extend([commit]);
            for (old, new) in before.into_iter().zip(standings(&mut history, &commits)) {
                let (device, id, standing) = old;
                let is_named = affected.devices.contains(&device) || affected.commits.contains(&id);
                let may_wait_no_more = matches!(standing, Standing::Waiting(_)) && !affected.applied.is_empty();
                changed += usize::from(standing != new.2);
                assert!(standing == new.2 || is_named || may_wait_no_more, "seed {seed}: {old:?} became {new:?}");
            }
        }
        assert!(changed > 0, "seed {seed} moved nothing");
    });
}

/// The histories must reach the rules, or the properties above say nothing.
#[test]
fn the_random_histories_reach_every_reason() {
    let mut reasons = BTreeSet::new();
    let mut standings_seen = BTreeSet::new();
    let mut effective = 0;
    for seed in 0..SEEDS {
        let commits = history(&mut Dice(ChaCha8Rng::seed_from_u64(seed)), 60);
        let found = roles(LEDGER, &commits);
        reasons.extend(found.void().iter().map(|void| void.reason));
        effective += commits.iter().filter(|commit| found.is_effective(&commit.id)).count();
        let all = standings(&mut History::new(LEDGER, commits.clone()), &commits);
        standings_seen
            .extend(all.iter().map(|(_, _, standing)| std::mem::discriminant(standing)).map(|d| format!("{d:?}")));
    }
    assert!(reasons.len() >= 15, "only {reasons:?}");
    assert_eq!(standings_seen.len(), 3);
    assert!(effective > usize::try_from(SEEDS).unwrap() * 10, "only {effective} commits in effect");
}
