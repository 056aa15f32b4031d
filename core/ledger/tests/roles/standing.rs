//! Which commits count, which are set aside, and which wait.

use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::roles::{AsideReason, CommitFacts, MemberRecord, Standing, WaitingReason, Writes};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, MemberId};

use crate::story::*;

const COUNTS: Standing = Standing::Counts;
const NOT_A_MEMBER: Standing = Standing::Aside(AsideReason::NotAMember);

fn not_allowed(role: Role) -> Standing {
    Standing::Aside(AsideReason::NotAllowed { role })
}

#[test]
fn what_an_editor_or_owner_writes_counts_and_what_a_viewer_writes_is_set_aside() {
    let story = Story::with(Role::Editor, Role::Viewer);
    let (now, chains) = (story.roles().heads().to_vec(), Chains::default());
    assert_eq!(story.standing(id(1), ANAS, &now, &chains), COUNTS);
    assert_eq!(story.standing(id(1), BENS, &now, &chains), COUNTS);
    assert_eq!(story.standing(id(1), CATS, &now, &chains), not_allowed(Role::Viewer));
    assert_eq!(story.standing(id(1), STRANGER, &now, &chains), NOT_A_MEMBER);
    assert_eq!(story.standing(id(1), BENS, &[GENESIS], &chains), NOT_A_MEMBER, "he was none yet at these heads");
    assert_eq!(story.standing(id(1), ANAS, &[], &chains), NOT_A_MEMBER, "nobody is anything without the genesis");
    assert_eq!(story.standing(id(1), ANAS, &[id(9)], &chains), Standing::Waiting(WaitingReason::MemberHeads));
}

#[test]
fn a_role_is_that_of_the_heads_a_commit_names_and_not_of_today() {
    let mut story = Story::with(Role::Viewer, Role::Viewer);
    let as_viewer = story.roles().heads().to_vec();
    let as_editor = story.does(ANAS, role(BEN, Role::Editor, &[]));
    let chains = Chains::default();
    assert_eq!(story.standing(id(1), BENS, &as_viewer, &chains), not_allowed(Role::Viewer));
    assert_eq!(story.standing(id(1), BENS, &[as_editor], &chains), COUNTS);
    let mut history = story.history();
    assert_eq!(history.role_at(&as_viewer, &BENS), Some((BEN, Role::Viewer)));
    assert_eq!(history.role_at(&[as_editor], &BENS), Some((BEN, Role::Editor)));
    assert_eq!(history.role_at(&[id(9)], &BENS), None);
}

#[test]
fn after_a_removal_only_what_is_within_its_cut_counts() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let old = story.roles().heads().to_vec();
    let (first, second, third) = (id(1), id(2), id(3));
    let chains = Chains::of(&[(first, &[]), (second, &[first]), (third, &[second])]);
    let removal = story.does(ANAS, remove(BEN, &[second]));
    assert_eq!(story.standing(first, BENS, &old, &chains), COUNTS);
    assert_eq!(story.standing(second, BENS, &old, &chains), COUNTS);
    assert_eq!(story.standing(third, BENS, &old, &chains), cut_by(removal));
    assert_eq!(story.standing(third, BENS, &[removal], &chains), NOT_A_MEMBER, "who knows of it is judged by (a)");
    assert_eq!(story.standing(third, CATS, &old, &chains), not_allowed(Role::Viewer), "others are not concerned");
}

#[test]
fn a_cut_that_names_commits_not_held_makes_wait_and_an_empty_one_does_not() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    let old = story.roles().heads().to_vec();
    story.does(ANAS, remove(BEN, &[id(8)]));
    let gone = story.does(ANAS, remove(CAT, &[]));
    let chains = Chains::of(&[(id(1), &[])]);
    assert_eq!(story.standing(id(1), BENS, &old, &chains), Standing::Waiting(WaitingReason::Cut));
    assert_eq!(story.standing(id(8), BENS, &old, &chains), COUNTS, "a head of the cut needs no chain");
    assert_eq!(story.standing(id(1), CATS, &old, &Chains::default()), cut_by(gone));
    let whole = Chains::of(&[(id(8), &[id(1)]), (id(1), &[])]);
    assert_eq!(story.standing(id(1), BENS, &old, &whole), COUNTS);
}

#[test]
fn the_cut_of_a_device_concerns_that_device_and_those_of_a_member_all_of_his() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(BENS, add_device(BEN, BENS_TABLET));
    let old = story.roles().heads().to_vec();
    let lost = story.does(BENS, remove_device(BEN, BENS_TABLET, &[]));
    let chains = Chains::default();
    assert_eq!(story.standing(id(1), BENS_TABLET, &old, &chains), cut_by(lost));
    assert_eq!(story.standing(id(1), BENS, &old, &chains), COUNTS);
    let replaced = story.does(ANAS, replace_device(CAT, CATS, CATS_TABLET, &[]));
    assert_eq!(story.standing(id(1), CATS, &old, &chains), cut_by(replaced));
    assert_eq!(story.standing(id(1), CATS_TABLET, &[replaced], &chains), COUNTS);
}

#[test]
fn a_demotion_sets_aside_what_the_new_role_does_not_allow() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    let old = story.roles().heads().to_vec();
    let chains = Chains::of(&[(id(1), &[]), (id(2), &[id(1)])]);
    story.does(ANAS, role(BEN, Role::Editor, &[]));
    assert_eq!(story.standing(id(1), BENS, &old, &chains), COUNTS, "an editor might have written it");
    let demotion = story.does(ANAS, role(BEN, Role::Viewer, &[id(1)]));
    assert_eq!(story.standing(id(1), BENS, &old, &chains), COUNTS);
    assert_eq!(story.standing(id(2), BENS, &old, &chains), cut_by(demotion));
    let back = story.does(ANAS, role(BEN, Role::Editor, &[]));
    assert_eq!(story.standing(id(2), BENS, &old, &chains), cut_by(demotion), "a later promotion takes nothing back");
    assert_eq!(story.standing(id(2), BENS, &[back], &chains), COUNTS);
}

#[test]
fn what_an_owner_accepts_counts() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let old = story.roles().heads().to_vec();
    let removal = story.does(ANAS, remove(BEN, &[]));
    let chains = Chains::default();
    assert_eq!(story.standing(id(1), BENS, &old, &chains), cut_by(removal));
    story.does(CATS, accept(&[id(1)]));
    assert_eq!(story.standing(id(1), BENS, &old, &chains), cut_by(removal), "not what a viewer accepts");
    story.does(ANAS, accept(&[id(1)]));
    assert_eq!(story.standing(id(1), BENS, &old, &chains), COUNTS);
    assert_eq!(story.standing(id(2), BENS, &old, &chains), cut_by(removal));
}

/// Ben, removed, writes an admission of a device of his on top of old heads. At these heads it looks good; in the whole
/// it is void, so nothing of that device counts.
#[test]
fn an_admission_that_came_to_nothing_gives_no_standing_anywhere() {
    let mut story = Story::with(Role::Owner, Role::Viewer);
    let old = story.roles().heads().to_vec();
    story.does(ANAS, remove(BEN, &[]));
    let friend = story.does_on(&old, BENS, add(DAN, DANS, Role::Owner));
    let raised = story.does_on(&old, BENS, role(CAT, Role::Editor, &[]));
    let chains = Chains::default();
    assert_eq!(story.standing(id(1), DANS, &[friend], &chains), NOT_A_MEMBER);
    assert_eq!(story.standing(id(1), CATS, &[raised], &chains), not_allowed(Role::Viewer));
}

/// Cat's removal of Ben is void by itself at Ben's heads, where Dan had removed Cat before; in the whole Dan's is void,
/// so that it is in effect. It is among the ancestors of Ben's commit, so (a) must see it.
#[test]
fn a_removal_in_effect_is_seen_at_heads_where_it_looks_void() {
    let mut story = Story::with(Role::Editor, Role::Owner);
    story.does(ANAS, add(DAN, DANS, Role::Owner));
    let old = story.roles().heads().to_vec();
    let dans = story.write(id(1), DANS, &old, vec![MemberRecord::Member(remove(CAT, &[]))]);
    let cats = story.write(id(2), CATS, &old, vec![MemberRecord::Member(remove(BEN, &[]))]);
    let chains = Chains::default();
    assert_eq!(story.standing(id(9), BENS, &[dans, cats], &chains), COUNTS);
    story.write(id(3), ANAS, &old, vec![MemberRecord::Member(remove(DAN, &[]))]);
    assert_eq!((story.void(dans).is_some(), story.void(cats)), (true, None));
    assert_eq!(story.standing(id(9), BENS, &[dans, cats], &chains), NOT_A_MEMBER);
}

#[test]
fn a_commit_does_not_count_by_an_admission_of_its_own() {
    let secret = DeviceSecret::from_bytes([9; 32]);
    let mut story = Story::new();
    let invited = story.does(ANAS, invite(&secret, Role::Editor, None));
    let joined = story.does(DANS, join(DANS, &secret));
    let chains = Chains::default();
    assert_eq!(story.standing(joined, DANS, &[invited], &chains), NOT_A_MEMBER);
    assert_eq!(story.standing(id(1), DANS, &[joined], &chains), COUNTS);
    assert_eq!(story.standing(GENESIS, ANAS, &[], &chains), COUNTS, "the genesis makes the settings too");
}

#[test]
fn commits_of_member_operations_count_when_one_of_them_does() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let leaves = story.does(CATS, remove(CAT, &[]));
    let void = story.does(BENS, remove(ANA, &[]));
    let waits = story.does_on(&[id(9)], ANAS, remove(BEN, &[]));
    let mut history = story.history();
    let mut standing = |id| {
        let facts = CommitFacts { id, device: CATS, member_heads: &[], on_behalf: None, writes: Writes::Members };
        history.standing(&facts, &Chains::default())
    };
    assert_eq!(standing(leaves), COUNTS, "a viewer may leave");
    assert_eq!(standing(void), Standing::Aside(AsideReason::Void));
    assert_eq!(standing(waits), Standing::Waiting(WaitingReason::MemberHeads));
}

#[test]
fn a_server_writes_up_to_its_pin() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let before = story.roles().heads().to_vec();
    let reads = story.does(ANAS, pin(Role::Viewer, true));
    let writes = story.does(ANAS, pin(Role::Editor, false));
    let for_others = story.does(ANAS, pin(Role::Editor, true));
    let mut history = story.history();
    let mut standing = |heads: &[CommitId], device, on_behalf, writes| {
        let facts = CommitFacts { id: id(1), device, member_heads: heads, on_behalf, writes };
        history.standing(&facts, &Chains::default())
    };
    let expenses = Writes::Expenses;
    let on_behalf = Standing::Aside(AsideReason::OnBehalf);
    assert_eq!(standing(&before, SERVER, None, expenses), NOT_A_MEMBER);
    assert_eq!(standing(&[reads], SERVER, None, expenses), not_allowed(Role::Viewer));
    assert_eq!(standing(&[reads], SERVER, Some(BEN), expenses), not_allowed(Role::Viewer));
    assert_eq!(standing(&[writes], SERVER, None, expenses), COUNTS);
    assert_eq!(standing(&[writes], SERVER, Some(BEN), expenses), on_behalf);
    assert_eq!(standing(&[for_others], SERVER, Some(BEN), expenses), COUNTS);
    assert_eq!(standing(&[for_others], SERVER, Some(CAT), expenses), not_allowed(Role::Viewer));
    assert_eq!(standing(&[for_others], SERVER, Some(DAN), expenses), on_behalf);
    assert_eq!(standing(&[for_others], SERVER, None, Writes::Keys), not_allowed(Role::Editor));
    assert_eq!(standing(&[for_others], BENS, Some(ANA), expenses), on_behalf, "a device writes for nobody else");
}

#[test]
fn a_revoked_server_and_a_removed_member_cut_what_servers_wrote() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    let old = [story.does(ANAS, pin(Role::Editor, true))];
    let removal = story.does(ANAS, remove(BEN, &[id(1)]));
    let chains = Chains::of(&[(id(1), &[]), (id(2), &[id(1)])]);
    let standing = |story: &Story, id, on_behalf| {
        let facts = CommitFacts { id, device: SERVER, member_heads: &old, on_behalf, writes: Writes::Expenses };
        story.history().standing(&facts, &chains)
    };
    assert_eq!(standing(&story, id(1), Some(BEN)), COUNTS);
    assert_eq!(standing(&story, id(2), Some(BEN)), cut_by(removal));
    assert_eq!(standing(&story, id(2), Some(CAT)), COUNTS);
    let revoked = story.does(ANAS, MemberOperation::RevokeServer { key: SERVER, cut: vec![id(1)] });
    assert_eq!(standing(&story, id(1), Some(CAT)), COUNTS);
    assert_eq!(standing(&story, id(2), Some(CAT)), cut_by(revoked));
}

#[test]
fn a_vouched_device_writes_expenses_up_to_the_server_and_no_keys() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(ANAS, pin(Role::Viewer, true));
    story.does(SERVER, add_device(CAT, CATS_TABLET));
    story.does(ANAS, pin(Role::Editor, true));
    let vouched = story.does(SERVER, add_device(BEN, BENS_TABLET));
    let confirmed = story.does(ANAS, MemberOperation::Confirm { device: CATS_TABLET });
    let mut history = story.history();
    let mut standing = |heads: &[CommitId], device, writes| {
        let facts = CommitFacts { id: id(1), device, member_heads: heads, on_behalf: None, writes };
        history.standing(&facts, &Chains::default())
    };
    assert_eq!(standing(&[vouched], BENS_TABLET, Writes::Expenses), COUNTS);
    assert_eq!(standing(&[vouched], BENS_TABLET, Writes::Keys), Standing::Aside(AsideReason::Unconfirmed));
    assert_eq!(standing(&[vouched], CATS_TABLET, Writes::Expenses), not_allowed(Role::Viewer));
    assert_eq!(standing(&[confirmed], CATS_TABLET, Writes::Expenses), COUNTS);
    assert_eq!(standing(&[confirmed], CATS_TABLET, Writes::Keys), COUNTS);
}

#[test]
fn only_devices_that_an_operation_concerns_are_judged_again() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(BENS, add_device(BEN, BENS_TABLET));
    let mut history = story.history();
    let mut after = |story: &Story| history.extend(story.commits.last().cloned());
    let set = |devices: &[DeviceKey]| devices.iter().copied().collect();

    let added = story.does(ANAS, add(DAN, DANS, Role::Viewer));
    let affected = after(&story);
    assert_eq!((affected.devices, affected.applied.contains(&added)), (set(&[DANS]), true));
    story.does(ANAS, remove(BEN, &[id(1)]));
    assert_eq!(after(&story).devices, set(&[BENS, BENS_TABLET]));
    story.does(ANAS, remove_device(CAT, CATS, &[]));
    assert_eq!(after(&story).devices, set(&[CATS]));
    story.does(ANAS, accept(&[id(7)]));
    let affected = after(&story);
    assert_eq!((affected.devices.len(), affected.commits.contains(&id(7))), (0, true));
    story.does(ANAS, pin(Role::Editor, true));
    assert_eq!(after(&story).devices, set(&[SERVER]));
    assert_eq!(after(&story), Default::default(), "the same commit again changes nothing");
    story.does(ANAS, role(DAN, Role::Editor, &[]));
    assert_eq!(after(&story).devices, set(&[DANS, SERVER]), "a server may have written for him");
}

#[test]
fn more_head_sets_than_are_remembered_are_answered_alike() {
    let mut story = Story::new();
    let heads: Vec<CommitId> =
        (1..=100).map(|n| story.does(ANAS, add(MemberId([n; 16]), DeviceKey([n; 32]), Role::Editor))).collect();
    let mut history = story.history();
    for round in 0..2 {
        for (at, head) in heads.iter().enumerate() {
            for other in [0, at / 2, at] {
                let pair = [*head, heads[other]];
                let newest = DeviceKey([u8::try_from(at).unwrap() + 1; 32]);
                assert!(history.role_at(&pair, &newest).is_some(), "round {round}");
                assert_eq!(history.role_at(&[heads[other]], &newest).is_some(), other == at);
            }
        }
    }
}
