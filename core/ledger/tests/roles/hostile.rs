//! Histories that somebody made to get what is not his, and those that collide.

use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::roles::{MemberRecord, VoidReason, roles};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId};

use crate::story::*;

#[test]
fn nobody_admits_himself() {
    let mut story = Story::new();
    let tries = [
        add(DAN, STRANGER, Role::Owner),
        add_device(ANA, STRANGER),
        replace_device(ANA, ANAS, STRANGER, &[]),
        MemberOperation::Server { key: STRANGER, up_to: Role::Owner, on_behalf: true },
        MemberOperation::Confirm { device: STRANGER },
        invite(&DeviceSecret::from_bytes([9; 32]), Role::Owner, None),
    ];
    for operation in tries {
        let commit = story.does(STRANGER, operation);
        assert_eq!(story.void(commit), Some(VoidReason::NotAMember));
    }
    let own_invite = story.does(STRANGER, join(STRANGER, &DeviceSecret::from_bytes([9; 32])));
    assert_eq!(story.void(own_invite), Some(VoidReason::NoInvite));
    assert_eq!(story.role_of(STRANGER), None);
}

#[test]
fn a_second_genesis_makes_nobody_owner() {
    let forged = MemberOperation::Genesis { member: DAN, device: STRANGER, fact_key: None };
    let mut story = Story::new();
    let on_top = story.does(STRANGER, forged.clone());
    let beside = story.does_on(&[], STRANGER, forged.clone());
    let by_owner = story.does(ANAS, MemberOperation::Genesis { member: BEN, device: ANAS, fact_key: None });
    story.commits[0].operations.push(MemberRecord::Member(forged));
    assert_eq!(story.void(on_top), Some(VoidReason::Genesis));
    assert_eq!(story.void(beside), Some(VoidReason::Rootless));
    assert_eq!(story.void(by_owner), Some(VoidReason::Genesis));
    assert_eq!(story.roles().void().iter().find(|void| void.commit == GENESIS).map(|void| void.index), Some(1));
    assert_eq!(story.roles().members().len(), 1);
}

#[test]
fn a_genesis_names_the_device_that_signs_it_and_has_nothing_before_it() {
    let mut other_device = Story::new();
    other_device.commits[0].device = STRANGER;
    let mut with_chain = Story::new();
    with_chain.commits[0].previous.push(id(1));
    let mut with_heads = Story::new();
    with_heads.commits[0].member_heads.push(id(1));
    for story in [other_device, with_chain, with_heads] {
        assert!(story.roles().members().is_empty() && story.roles().owners().is_empty());
    }
    assert!(roles(LedgerId([1; 16]), &Story::new().commits).members().is_empty(), "the genesis of another ledger");
}

#[test]
fn what_does_not_build_on_the_genesis_is_void() {
    let mut story = Story::new();
    let rootless = story.does_on(&[], ANAS, add(BEN, BENS, Role::Owner));
    let above = story.does_on(&[rootless], ANAS, add(CAT, CATS, Role::Owner));
    assert_eq!((story.void(rootless), story.void(above)), (Some(VoidReason::Rootless), Some(VoidReason::Rootless)));
    let joined = story.does_on(&[above, GENESIS], ANAS, add(DAN, DANS, Role::Viewer));
    assert_eq!(story.void(joined), None);
}

#[test]
fn what_a_removed_owner_does_later_is_void() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    let seen = story.roles().heads().to_vec();
    story.does(ANAS, remove(BEN, &[]));
    let knowing = story.does(BENS, add(DAN, DANS, Role::Owner));
    let unknowing = story.does_on(&seen, BENS, remove(ANA, &[]));
    assert_eq!(story.void(knowing), Some(VoidReason::NotAMember));
    assert_eq!(story.void(unknowing), Some(VoidReason::NotAMember));
    assert_eq!(story.role_of(ANAS), Some(Role::Owner));
}

/// Ben, removed, writes on top of what was there before Dan joined. Ana's removal of him builds on Dan's join, so if
/// commits were taken as they become ready, Ben's would be first and put Ana out.
#[test]
fn a_removed_owner_does_not_overtake_his_removal_by_building_on_old_heads() {
    let secret = DeviceSecret::from_bytes([9; 32]);
    let mut story = Story::with(Role::Owner, Role::Editor);
    let old = story.does(ANAS, invite(&secret, Role::Viewer, None));
    story.does(DANS, join(DANS, &secret));
    story.does(DANS, add_device(MemberId::of_first_device(&DANS), STRANGER));
    story.does(ANAS, remove(BEN, &[]));
    story.write(id(0), BENS, &[old], vec![MemberRecord::Member(remove(ANA, &[]))]);
    story.write(id(1), BENS, &[old], vec![MemberRecord::Member(add(MemberId([1; 16]), CATS_TABLET, Role::Owner))]);
    assert_eq!(story.void(id(0)), Some(VoidReason::NotAMember));
    assert_eq!(story.void(id(1)), Some(VoidReason::NotAMember));
    assert_eq!(story.roles().owners().iter().collect::<Vec<_>>(), [&ANA]);
}

#[test]
fn a_commit_that_brings_two_branches_together_does_not_turn_their_order() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    let heads = story.roles().heads().to_vec();
    let (bens, anas) = (id(0), id(0xff));
    story.write(bens, BENS, &heads, vec![MemberRecord::Member(remove(ANA, &[]))]);
    story.write(anas, ANAS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
    for (merge, device) in [(id(1), ANAS), (id(2), CATS), (id(3), BENS), (id(4), STRANGER)] {
        story.write(merge, device, &[bens, anas], vec![MemberRecord::Other]);
        assert_eq!((story.void(bens), story.void(anas)), (Some(VoidReason::NotAMember), None));
    }
}

#[test]
fn owners_who_remove_each_other_are_decided_by_who_admitted_whom() {
    for (ben, ana) in [(0, 0xff), (0xff, 0)] {
        let mut story = Story::with(Role::Owner, Role::Editor);
        let heads = story.roles().heads().to_vec();
        story.write(id(ben), BENS, &heads, vec![MemberRecord::Member(remove(ANA, &[]))]);
        story.write(id(ana), ANAS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
        assert_eq!((story.role_of(ANAS), story.role_of(BENS)), (Some(Role::Owner), None));
    }
}

#[test]
fn owners_of_equal_depth_who_remove_each_other_are_decided_by_the_smaller_id() {
    for (ben, cat, stays) in [(1, 2, BENS), (2, 1, CATS)] {
        let mut story = Story::with(Role::Owner, Role::Owner);
        let heads = story.roles().heads().to_vec();
        story.write(id(ben), BENS, &heads, vec![MemberRecord::Member(remove(CAT, &[]))]);
        story.write(id(cat), CATS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
        let left = [BENS, CATS].into_iter().filter(|device| story.role_of(*device).is_some()).collect::<Vec<_>>();
        assert_eq!(left, [stays]);
    }
}

#[test]
fn the_first_owner_is_first_on_a_new_phone_too() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    story.does(ANAS, add_device(ANA, ANAS_TABLET));
    story.does(ANAS_TABLET, remove_device(ANA, ANAS, &[]));
    let heads = story.roles().heads().to_vec();
    story.write(id(0), BENS, &heads, vec![MemberRecord::Member(remove(ANA, &[]))]);
    story.write(id(0xff), ANAS_TABLET, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
    assert_eq!(story.role_of(ANAS_TABLET), Some(Role::Owner));
}

/// Adding somebody again must not turn decisions that were taken before, so a commit's depth is what lay below it.
#[test]
fn adding_somebody_again_higher_up_does_not_turn_what_was_decided() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    story.does(BENS, add(DAN, DANS, Role::Owner));
    let heads = story.roles().heads().to_vec();
    story.write(id(0), DANS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
    story.write(id(0xff), BENS, &heads, vec![MemberRecord::Member(remove(DAN, &[]))]);
    assert_eq!(story.void(id(0)), Some(VoidReason::NotAMember));
    story.does(ANAS, add(DAN, DANS, Role::Owner));
    assert_eq!(story.void(id(0)), Some(VoidReason::NotAMember));
    assert_eq!((story.role_of(BENS), story.role_of(DANS)), (Some(Role::Owner), Some(Role::Owner)));
}

#[test]
fn a_forged_join_lends_nobody_the_rank_of_the_inviter() {
    let secret = DeviceSecret::from_bytes([9; 32]);
    let mut story = Story::with(Role::Owner, Role::Editor);
    story.does(ANAS, invite(&secret, Role::Viewer, None));
    story.does(BENS, add(DAN, DANS, Role::Owner));
    let heads = story.roles().heads().to_vec();
    story.write(id(0x80), BENS, &heads, vec![MemberRecord::Member(remove(DAN, &[]))]);
    let forged = MemberOperation::Join {
        member: MemberId::of_first_device(&STRANGER),
        device: STRANGER,
        invite_key: secret.public(),
        signature: [0; 64],
    };
    // Dan's operation is deeper than Ben's; a commit of Ana's rank on top of it would pull it forward.
    story.write(id(0x70), DANS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
    story.write(id(0), STRANGER, &[id(0x70)], vec![MemberRecord::Member(forged)]);
    assert_eq!(story.void(id(0x70)), Some(VoidReason::NotAMember));
}

#[test]
fn commits_wait_until_all_they_build_on_is_held() {
    let mut story = Story::new();
    let one = story.does(ANAS, add(BEN, BENS, Role::Owner));
    let two = story.does(BENS, add(CAT, CATS, Role::Editor));
    let three = story.does_on(&[two, id(9)], CATS, add_device(CAT, CATS_TABLET));
    let mut waits = vec![two, three];
    waits.sort();
    let without_one: Vec<_> = story.commits.iter().filter(|commit| commit.id != one).cloned().collect();
    assert_eq!(roles(LEDGER, &without_one).waiting(), waits);
    assert_eq!(story.roles().waiting(), [three]);
    let without_genesis = &story.commits[1..];
    assert_eq!(roles(LEDGER, without_genesis).waiting().len(), 3);
    assert!(roles(LEDGER, without_genesis).void().is_empty());
}

#[test]
fn heads_that_name_the_commit_itself_or_go_round_wait() {
    let mut story = Story::new();
    story.write(id(1), ANAS, &[id(1)], vec![MemberRecord::Member(remove(ANA, &[]))]);
    story.write(id(2), ANAS, &[id(3)], vec![MemberRecord::Other]);
    story.write(id(3), ANAS, &[id(2), GENESIS], vec![MemberRecord::Other]);
    assert_eq!(story.roles().waiting(), [id(1), id(2), id(3)]);
}

/// A chain, a comb and a fan of 3,000 commits each: deep recursion or copying all that is known at each commit would
/// show here as an overflow or as minutes.
#[test]
fn thousands_of_operations_in_any_shape_are_evaluated() {
    let key = |n: u32| {
        let mut bytes = [0x33; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        bytes
    };
    for shape in 0..3 {
        let mut story = Story::new();
        let mut last = GENESIS;
        for n in 0..3_000u32 {
            let mut member = [0; 16];
            member[..4].copy_from_slice(&n.to_be_bytes());
            let heads: &[CommitId] = match shape {
                0 => &[last],
                1 if n % 2 == 0 => &[last],
                _ => &[GENESIS],
            };
            let commit = CommitId(key(n));
            let operation = add(MemberId(member), DeviceKey(key(n)), Role::Viewer);
            story.write(commit, ANAS, heads, vec![MemberRecord::Member(operation)]);
            last = commit;
        }
        assert_eq!(story.roles().members().len(), 3_001);
        assert!(story.roles().void().is_empty());
    }
}
