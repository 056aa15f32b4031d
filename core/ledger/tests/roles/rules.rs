//! Each rule as a story.

use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::roles::{Device, MemberRecord, VoidReason};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{DeviceKey, DocumentId, LedgerId, MemberId};

use crate::story::*;

#[test]
fn the_genesis_makes_the_first_owner() {
    let story = Story::new();
    let roles = story.roles();
    assert_eq!(roles.role_of(&ANAS), Some((ANA, Role::Owner)));
    assert_eq!(roles.fact_key(), Some(&[5; 32]));
    assert_eq!((roles.heads(), roles.void().len(), roles.waiting().len()), ([GENESIS].as_slice(), 0, 0));
    assert_eq!(roles.ledger(), LEDGER);
    assert!(roles.is_confirmed(&ANAS));
}

#[test]
fn only_owners_add_members_and_give_roles() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    for device in [BENS, CATS] {
        let added = story.does(device, add(DAN, DANS, Role::Viewer));
        let raised = story.does(device, role(BEN, Role::Owner, &[]));
        let invited = story.does(device, invite(&DeviceSecret::from_bytes([9; 32]), Role::Viewer, None));
        let pinned = story.does(device, pin(Role::Editor, true));
        let accepted = story.does(device, accept(&[id(1)]));
        for commit in [added, raised, invited, pinned, accepted] {
            assert_eq!(story.void(commit), Some(VoidReason::NotAllowed));
        }
    }
    let stranger = story.does(STRANGER, add(DAN, STRANGER, Role::Owner));
    assert_eq!(story.void(stranger), Some(VoidReason::NotAMember));

    story.does(ANAS, role(BEN, Role::Owner, &[]));
    story.does(BENS, add(DAN, DANS, Role::Editor));
    assert_eq!(story.role_of(DANS), Some(Role::Editor));
    assert_eq!(story.roles().owners().iter().collect::<Vec<_>>(), [&ANA, &BEN]);
    assert!(!story.roles().accepted(&id(1)));
}

#[test]
fn a_member_looks_after_his_own_devices_and_no_others() {
    let mut story = Story::with(Role::Viewer, Role::Editor);
    story.does(BENS, add_device(BEN, BENS_TABLET));
    assert_eq!(story.roles().role_of(&BENS_TABLET), Some((BEN, Role::Viewer)));
    let meddled = [
        story.does(CATS, add_device(BEN, DANS)),
        story.does(CATS, remove_device(BEN, BENS, &[])),
        story.does(CATS, replace_device(BEN, BENS, DANS, &[])),
        story.does(CATS, remove(BEN, &[])),
    ];
    for commit in meddled {
        assert_eq!(story.void(commit), Some(VoidReason::NotAllowed));
    }
    story.does(BENS_TABLET, remove_device(BEN, BENS, &[]));
    assert_eq!(story.role_of(BENS), None);
    assert_eq!(story.roles().devices(&BEN).map(|(key, _)| key).collect::<Vec<_>>(), [BENS_TABLET]);
    story.does(ANAS, role(BEN, Role::Editor, &[]));
    assert_eq!(story.role_of(BENS_TABLET), Some(Role::Editor), "devices have their member's role");
}

#[test]
fn a_lost_key_is_replaced_by_an_owner_or_another_device_of_the_member() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(ANAS, replace_device(BEN, BENS, BENS_TABLET, &[]));
    assert_eq!((story.role_of(BENS), story.role_of(BENS_TABLET)), (None, Some(Role::Editor)));
    story.does(CATS, add_device(CAT, CATS_TABLET));
    story.does(CATS_TABLET, replace_device(CAT, CATS, DANS, &[]));
    assert_eq!((story.role_of(CATS), story.role_of(DANS)), (None, Some(Role::Editor)));
    let gone = story.does(ANAS, replace_device(BEN, BENS, STRANGER, &[]));
    assert_eq!(story.void(gone), Some(VoidReason::NoSuchDevice));
    // The only device of the only owner may be replaced: an owner stays.
    story.does(ANAS, replace_device(ANA, ANAS, ANAS_TABLET, &[]));
    assert_eq!(story.role_of(ANAS_TABLET), Some(Role::Owner));
}

#[test]
fn members_leave_but_the_last_owner_stays() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    story.does(CATS, remove(CAT, &[]));
    assert_eq!(story.role_of(CATS), None);
    let stuck = [
        story.does(ANAS, remove(ANA, &[])),
        story.does(ANAS, role(ANA, Role::Editor, &[])),
        story.does(ANAS, remove_device(ANA, ANAS, &[])),
    ];
    for commit in stuck {
        assert_eq!(story.void(commit), Some(VoidReason::LastOwner));
    }
    story.does(ANAS, role(BEN, Role::Owner, &[]));
    story.does(ANAS, remove(ANA, &[]));
    assert_eq!((story.role_of(ANAS), story.role_of(BENS)), (None, Some(Role::Owner)));
}

#[test]
fn a_device_that_only_a_server_vouched_for_is_no_owner_left() {
    let mut story = Story::new();
    story.does(ANAS, pin(Role::Owner, false));
    story.does(SERVER, add_device(ANA, ANAS_TABLET));
    let stuck = story.does(ANAS, remove_device(ANA, ANAS, &[]));
    assert_eq!(story.void(stuck), Some(VoidReason::LastOwner));
    story.does(ANAS, MemberOperation::Confirm { device: ANAS_TABLET });
    story.does(ANAS, remove_device(ANA, ANAS, &[]));
    assert_eq!((story.role_of(ANAS), story.role_of(ANAS_TABLET)), (None, Some(Role::Owner)));
}

#[test]
fn an_owner_adds_a_removed_member_again() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(BENS, add_device(BEN, BENS_TABLET));
    story.does(ANAS, remove(BEN, &[]));
    let void = story.does(BENS_TABLET, add_device(BEN, DANS));
    assert_eq!(story.void(void), Some(VoidReason::NotAMember), "all his devices went with him");
    story.does(ANAS, add(BEN, BENS, Role::Viewer));
    assert_eq!((story.role_of(BENS), story.role_of(BENS_TABLET)), (Some(Role::Viewer), None));
    assert_eq!(story.roles().cuts().len(), 1);
}

#[test]
fn what_changes_nothing_or_names_nobody_is_void() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let weak = DeviceKey([0; 32]);
    let cases = [
        (add(BEN, DANS, Role::Editor), VoidReason::MemberExists),
        (add(DAN, BENS, Role::Editor), VoidReason::KeyInUse),
        (add(DAN, weak, Role::Editor), VoidReason::WeakKey),
        (remove(DAN, &[]), VoidReason::NoSuchMember),
        (role(DAN, Role::Editor, &[]), VoidReason::NoSuchMember),
        (role(BEN, Role::Editor, &[]), VoidReason::NoChange),
        (add_device(DAN, DANS), VoidReason::NoSuchMember),
        (add_device(ANA, BENS), VoidReason::KeyInUse),
        (remove_device(ANA, BENS, &[]), VoidReason::NoSuchDevice),
        (MemberOperation::RevokeServer { key: SERVER, cut: vec![] }, VoidReason::NoSuchServer),
        (MemberOperation::Server { key: BENS, up_to: Role::Editor, on_behalf: false }, VoidReason::KeyInUse),
        (MemberOperation::Confirm { device: DANS }, VoidReason::NoSuchDevice),
        (MemberOperation::Confirm { device: BENS }, VoidReason::NoChange),
        (MemberOperation::Unknown { number: 99, bytes: vec![] }, VoidReason::Unknown),
    ];
    let before = story.roles();
    for (operation, reason) in cases {
        let commit = story.does(ANAS, operation);
        assert_eq!(story.void(commit), Some(reason));
    }
    let after = story.roles();
    assert_eq!((after.members(), after.servers(), after.cuts()), (before.members(), before.servers(), before.cuts()));
}

#[test]
fn an_invite_admits_one_device_and_the_first_in_the_order_wins() {
    let secret = DeviceSecret::from_bytes([9; 32]);
    let mut story = Story::new();
    let invited = story.does(ANAS, invite(&secret, Role::Editor, None));
    let (late, early) = (id(0xee), id(0x11));
    story.write(late, CATS, &[invited], vec![MemberRecord::Member(join(CATS, &secret))]);
    assert_eq!(story.role_of(CATS), Some(Role::Editor));
    story.write(early, BENS, &[invited], vec![MemberRecord::Member(join(BENS, &secret))]);
    assert_eq!((story.role_of(BENS), story.role_of(CATS)), (Some(Role::Editor), None));
    assert_eq!(story.void(late), Some(VoidReason::InviteUsed));
    assert_eq!(story.roles().role_of(&BENS), Some((MemberId::of_first_device(&BENS), Role::Editor)));
}

#[test]
fn an_invite_for_somebody_admits_him_or_a_further_device_of_his() {
    let (one, two) = (DeviceSecret::from_bytes([9; 32]), DeviceSecret::from_bytes([8; 32]));
    let mut story = Story::with(Role::Viewer, Role::Viewer);
    story.does(ANAS, invite(&one, Role::Editor, Some(BEN)));
    let wrong = story.does(BENS_TABLET, MemberOperation::join(&LEDGER, CAT, BENS_TABLET, &one));
    assert_eq!(story.void(wrong), Some(VoidReason::InviteMismatch));
    story.does(BENS_TABLET, MemberOperation::join(&LEDGER, BEN, BENS_TABLET, &one));
    assert_eq!(story.roles().role_of(&BENS_TABLET), Some((BEN, Role::Viewer)), "the role of who is there stays");

    story.does(ANAS, invite(&two, Role::Editor, Some(DAN)));
    story.does(DANS, MemberOperation::join(&LEDGER, DAN, DANS, &two));
    assert_eq!(story.roles().role_of(&DANS), Some((DAN, Role::Editor)));
}

#[test]
fn a_join_is_signed_by_its_invite_for_this_ledger_member_and_device() {
    let (secret, other) = (DeviceSecret::from_bytes([9; 32]), DeviceSecret::from_bytes([8; 32]));
    let member = MemberId::of_first_device(&DANS);
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(ANAS, invite(&secret, Role::Owner, None));
    let by_invite = |signature| MemberOperation::Join { member, device: DANS, invite_key: secret.public(), signature };
    let signature_of = |operation| match operation {
        MemberOperation::Join { signature, .. } => signature,
        _ => unreachable!(),
    };
    let elsewhere = signature_of(MemberOperation::join(&LedgerId([1; 16]), member, DANS, &secret));
    let by_other = signature_of(join(DANS, &other));
    let of_other = signature_of(join(STRANGER, &secret));
    for signature in [elsewhere, by_other, of_other, [0; 64]] {
        let commit = story.does(DANS, by_invite(signature));
        assert_eq!(story.void(commit), Some(VoidReason::Signature));
    }
    let cases = [
        (DANS, join(DANS, &other), VoidReason::NoInvite),
        (STRANGER, join(DANS, &secret), VoidReason::InviteMismatch),
        (DANS, MemberOperation::join(&LEDGER, ANA, DANS, &secret), VoidReason::InviteMismatch),
        (DANS, MemberOperation::join(&LEDGER, DAN, DANS, &secret), VoidReason::InviteMismatch),
        (BENS, join(BENS, &secret), VoidReason::KeyInUse),
    ];
    for (device, operation, reason) in cases {
        let commit = story.does(device, operation);
        assert_eq!(story.void(commit), Some(reason));
    }
    story.does(DANS, join(DANS, &secret));
    assert_eq!(story.role_of(DANS), Some(Role::Owner));
}

#[test]
fn an_invite_dies_with_the_trust_in_its_maker_or_in_whom_it_names() {
    let (by_ben, for_cat) = (DeviceSecret::from_bytes([9; 32]), DeviceSecret::from_bytes([8; 32]));
    let mut story = Story::with(Role::Owner, Role::Editor);
    story.does(BENS, invite(&by_ben, Role::Owner, None));
    story.does(ANAS, invite(&for_cat, Role::Owner, Some(CAT)));
    story.does(ANAS, role(BEN, Role::Viewer, &[]));
    story.does(ANAS, remove(CAT, &[]));
    story.does(ANAS, role(BEN, Role::Owner, &[]));
    let late = [
        story.does(DANS, join(DANS, &by_ben)),
        story.does(CATS_TABLET, MemberOperation::join(&LEDGER, CAT, CATS_TABLET, &for_cat)),
    ];
    for commit in late {
        assert_eq!(story.void(commit), Some(VoidReason::NoInvite));
    }
}

/// What a server goes by when somebody comes with an invite.
#[test]
fn an_invite_is_known_until_it_dies_and_once_it_was_used() {
    let (by_ana, by_ben) = (DeviceSecret::from_bytes([9; 32]), DeviceSecret::from_bytes([8; 32]));
    let mut story = Story::with(Role::Owner, Role::Editor);
    story.does(ANAS, invite(&by_ana, Role::Viewer, None));
    story.does(BENS, invite(&by_ben, Role::Owner, None));
    let is_used = |story: &Story, secret: &DeviceSecret| {
        story.roles().invites().get(&secret.public()).map(|invite| (invite.role, invite.is_used))
    };
    assert_eq!(is_used(&story, &by_ana), Some((Role::Viewer, false)));
    assert_eq!(is_used(&story, &by_ben), Some((Role::Owner, false)));
    story.does(DANS, join(DANS, &by_ana));
    story.does(ANAS, role(BEN, Role::Editor, &[]));
    assert_eq!(is_used(&story, &by_ana), Some((Role::Viewer, true)));
    assert_eq!(is_used(&story, &by_ben), None);
}

#[test]
fn a_removed_device_does_not_come_back_by_an_invite_or_a_server() {
    let secret = DeviceSecret::from_bytes([9; 32]);
    let mut story = Story::with(Role::Editor, Role::Editor);
    story.does(ANAS, invite(&secret, Role::Editor, Some(BEN)));
    story.does(ANAS, pin(Role::Editor, true));
    story.does(BENS, add_device(BEN, BENS_TABLET));
    story.does(BENS, remove_device(BEN, BENS_TABLET, &[]));
    let back = [
        story.does(BENS_TABLET, MemberOperation::join(&LEDGER, BEN, BENS_TABLET, &secret)),
        story.does(SERVER, add_device(BEN, BENS_TABLET)),
    ];
    for commit in back {
        assert_eq!(story.void(commit), Some(VoidReason::KeyRetired));
    }
    story.does(BENS, add_device(BEN, BENS_TABLET));
    assert_eq!(story.role_of(BENS_TABLET), Some(Role::Editor));
}

#[test]
fn a_pinned_server_vouches_and_an_owner_confirms() {
    let mut story = Story::with(Role::Owner, Role::Viewer);
    story.does(ANAS, pin(Role::Editor, true));
    story.does(SERVER, add_device(BEN, BENS_TABLET));
    story.does(SERVER, add_device(CAT, CATS_TABLET));
    let roles = story.roles();
    assert_eq!(roles.role_of(&BENS_TABLET), Some((BEN, Role::Editor)), "no more than the server's role");
    assert_eq!(roles.role_of(&CATS_TABLET), Some((CAT, Role::Viewer)), "no more than the member's role");
    assert!(!roles.is_confirmed(&BENS_TABLET));

    let confirm = MemberOperation::Confirm { device: BENS_TABLET };
    let itself = story.does(BENS_TABLET, confirm.clone());
    assert_eq!(story.void(itself), Some(VoidReason::Unconfirmed));
    let by_viewer = story.does(CATS, confirm.clone());
    assert_eq!(story.void(by_viewer), Some(VoidReason::NotAllowed));
    let by_server = story.does(SERVER, confirm.clone());
    assert_eq!(story.void(by_server), Some(VoidReason::ServerNotAllowed));
    for record in [purge(1, None), MemberRecord::Other, MemberRecord::Member(add_device(BEN, DANS))] {
        let early = story.record(BENS_TABLET, record);
        assert_eq!(story.void(early), Some(VoidReason::Unconfirmed));
    }
    story.does(BENS, confirm);
    let roles = story.roles();
    assert_eq!(roles.role_of(&BENS_TABLET), Some((BEN, Role::Owner)));
    assert_eq!(roles.devices(&BEN).nth(1), Some((BENS_TABLET, Device { member: BEN, vouched_up_to: None })));
}

#[test]
fn a_server_vouches_for_new_devices_of_members_and_does_nothing_else() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    let before = story.does(SERVER, add_device(BEN, BENS_TABLET));
    assert_eq!(story.void(before), Some(VoidReason::NotAMember));
    let pinned = story.does(ANAS, pin(Role::Owner, true));
    let again = story.does(ANAS, pin(Role::Owner, true));
    assert_eq!(story.void(again), Some(VoidReason::NoChange));
    let cases = [
        (add(DAN, DANS, Role::Viewer), VoidReason::ServerNotAllowed),
        (remove(BEN, &[]), VoidReason::ServerNotAllowed),
        (MemberOperation::Server { key: STRANGER, up_to: Role::Owner, on_behalf: true }, VoidReason::ServerNotAllowed),
        (add_device(DAN, DANS), VoidReason::NoSuchMember),
        (add_device(BEN, SERVER), VoidReason::KeyInUse),
        (add_device(BEN, CATS), VoidReason::KeyInUse),
    ];
    for (operation, reason) in cases {
        let commit = story.does(SERVER, operation);
        assert_eq!(story.void(commit), Some(reason));
    }
    let purged = story.record(SERVER, purge(1, Some(BENS)));
    assert_eq!(story.void(purged), Some(VoidReason::ServerNotAllowed));
    story.does(ANAS, pin(Role::Viewer, false));
    assert_eq!(story.roles().servers()[&SERVER].up_to, Role::Viewer);
    story.does(ANAS, MemberOperation::RevokeServer { key: SERVER, cut: vec![pinned] });
    let after = story.does(SERVER, add_device(BEN, BENS_TABLET));
    assert_eq!(story.void(after), Some(VoidReason::NotAMember));
    assert!(story.roles().servers().is_empty());
}

#[test]
fn nobody_writes_member_operations_on_behalf_of_another() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    story.does(ANAS, pin(Role::Editor, true));
    let heads = story.roles().heads().to_vec();
    story.write(id(1), ANAS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
    story.write(id(2), SERVER, &heads, vec![MemberRecord::Member(add_device(BEN, BENS_TABLET))]);
    story.write(id(3), SERVER, &heads, vec![MemberRecord::Member(add_device(CAT, CATS_TABLET))]);
    story.commits.iter_mut().rev().take(3).for_each(|commit| commit.on_behalf = Some(CAT));
    assert_eq!(story.void(id(1)), Some(VoidReason::OnBehalf));
    assert_eq!(story.void(id(2)), Some(VoidReason::OnBehalf));
    assert_eq!(story.void(id(3)), None, "a server may say for whom it vouches");
}

#[test]
fn owners_purge_everything_and_editors_what_their_own_devices_made() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    story.does(BENS, add_device(BEN, BENS_TABLET));
    story.does(BENS, remove_device(BEN, BENS_TABLET, &[]));
    story.record(ANAS, purge(1, Some(CATS)));
    story.record(ANAS, purge(2, None));
    let own = story.record(BENS, purge(3, Some(BENS)));
    story.record(BENS, purge(4, Some(BENS_TABLET)));
    story.record(ANAS, purge(3, None));
    let void = [
        (story.record(BENS, purge(5, Some(ANAS))), VoidReason::NotOwnDocument),
        (story.record(BENS, purge(6, None)), VoidReason::NotOwnDocument),
        (story.record(CATS, purge(7, Some(CATS))), VoidReason::NotAllowed),
        (story.record(STRANGER, purge(8, Some(STRANGER))), VoidReason::NotAMember),
    ];
    for (commit, reason) in void {
        assert_eq!(story.void(commit), Some(reason));
    }
    let roles = story.roles();
    let purged: Vec<DocumentId> = roles.purges().keys().copied().collect();
    assert_eq!(purged, [1, 2, 3, 4].map(|document| DocumentId([document; 16])));
    assert_eq!(roles.purges()[&DocumentId([3; 16])], own);
}

#[test]
fn a_purge_ceases_to_count_when_its_author_turns_out_removed() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let heads = story.roles().heads().to_vec();
    story.write(id(1), BENS, &heads, vec![purge(3, Some(BENS))]);
    assert_eq!(story.roles().purges().len(), 1);
    story.write(id(2), ANAS, &heads, vec![MemberRecord::Member(remove(BEN, &[]))]);
    assert!(story.roles().purges().is_empty());
}

#[test]
fn keys_are_written_by_full_devices_of_any_member() {
    let mut story = Story::with(Role::Editor, Role::Viewer);
    let viewer = story.record(CATS, MemberRecord::Other);
    assert_eq!(story.void(viewer), None);
    assert_eq!(story.roles().heads(), [viewer]);
    let stranger = story.record(STRANGER, MemberRecord::Other);
    assert_eq!(story.void(stranger), Some(VoidReason::NotAMember));
}

#[test]
fn one_commit_may_hold_several_operations_and_each_is_judged_by_itself() {
    let mut story = Story::new();
    let operations = [add(BEN, BENS, Role::Editor), add(BEN, DANS, Role::Editor), role(BEN, Role::Viewer, &[])];
    story.write(id(1), ANAS, &[GENESIS], operations.into_iter().map(MemberRecord::Member).collect());
    let roles = story.roles();
    assert_eq!(roles.role_of(&BENS), Some((BEN, Role::Viewer)));
    assert_eq!(
        roles.void().iter().map(|void| (void.index, void.reason)).collect::<Vec<_>>(),
        [(1, VoidReason::MemberExists)]
    );
    assert!(roles.is_effective(&id(1)));
}

#[test]
fn heads_are_the_ends_of_what_members_wrote() {
    let mut story = Story::with(Role::Viewer, Role::Viewer);
    let one = story.does(ANAS, add_device(ANA, ANAS_TABLET));
    assert_eq!(story.roles().heads(), [one]);
    let void = story.does(BENS, add(DAN, DANS, Role::Viewer));
    let strange = story.does(STRANGER, add(DAN, DANS, Role::Viewer));
    assert_eq!(story.roles().heads(), [void], "what members wrote in vain too, what strangers wrote not");
    let above = story.does_on(&[strange], ANAS, add(DAN, DANS, Role::Viewer));
    assert_eq!(story.roles().heads(), [above]);
}

#[test]
fn more_heads_than_a_header_has_are_those_in_effect_with_the_smallest_ids() {
    let mut story = Story::with(Role::Viewer, Role::Viewer);
    let mut branches: Vec<_> = (1..=20)
        .map(|n| story.does_on(&[GENESIS], ANAS, add(MemberId([n; 16]), DeviceKey([n; 32]), Role::Viewer)))
        .collect();
    let base = story.roles().heads().to_vec();
    assert_eq!(base.len(), 21);
    for _ in 1..=20 {
        story.does_on(&[GENESIS], BENS, remove(ANA, &[]));
    }
    assert_eq!(story.roles().heads(), base, "what is void crowds out nothing");
    branches.extend(
        (21..=40).map(|n| story.does_on(&[GENESIS], ANAS, add(MemberId([n; 16]), DeviceKey([n; 32]), Role::Viewer))),
    );
    branches.push(*base.iter().find(|head| !branches.contains(head)).unwrap());
    branches.sort();
    assert_eq!(story.roles().heads(), &branches[..32]);
}

#[test]
fn what_was_void_does_not_come_to_life_when_its_author_gets_the_right() {
    let mut story = Story::with(Role::Editor, Role::Owner);
    let heads = story.roles().heads().to_vec();
    let early = story.does_on(&heads, BENS, add(DAN, DANS, Role::Owner));
    let removal = story.does_on(&heads, ANAS, remove(CAT, &[]));
    let late = story.does_on(&heads, CATS, add(DAN, DANS, Role::Owner));
    story.does_on(&[removal], ANAS, role(BEN, Role::Owner, &[]));
    story.does_on(&[removal], ANAS, add(CAT, CATS, Role::Owner));
    assert_eq!(story.void(early), Some(VoidReason::NotAllowed), "he was no owner when he wrote it");
    assert_eq!(story.void(late), Some(VoidReason::NotAMember), "he was removed before it");
    assert_eq!((story.role_of(BENS), story.role_of(CATS)), (Some(Role::Owner), Some(Role::Owner)));
}

#[test]
fn an_operation_counts_by_the_least_role_from_its_heads_to_its_place() {
    let mut story = Story::with(Role::Owner, Role::Editor);
    let heads = story.roles().heads().to_vec();
    let demoted = story.does_on(&heads, ANAS, role(BEN, Role::Editor, &[]));
    story.does_on(&[demoted], ANAS, role(BEN, Role::Owner, &[]));
    let as_owner = story.does_on(&heads, BENS, add(DAN, DANS, Role::Viewer));
    let as_editor = story.does_on(&heads, BENS, add_device(BEN, BENS_TABLET));
    assert_eq!(story.void(as_owner), Some(VoidReason::NotAllowed));
    assert_eq!(story.void(as_editor), None, "an editor may, too");
}

#[test]
fn what_a_server_vouched_for_before_its_pin_was_taken_away_needs_the_pin_all_the_time() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    let pinned = story.does(ANAS, pin(Role::Editor, true));
    let revoked = story.does(ANAS, MemberOperation::RevokeServer { key: SERVER, cut: vec![] });
    let again = story.does(ANAS, pin(Role::Viewer, true));
    let old = story.does_on(&[pinned], SERVER, add_device(BEN, BENS_TABLET));
    let new = story.does_on(&[again], SERVER, add_device(CAT, CATS_TABLET));
    assert_eq!((story.void(old), story.void(new)), (Some(VoidReason::NotAMember), None));
    let unaware = story.does_on(&[revoked], SERVER, add_device(BEN, DANS));
    assert_eq!(story.void(unaware), Some(VoidReason::NotAMember));
}

#[test]
fn an_invite_for_nobody_in_particular_makes_nobody_who_is_or_was_there() {
    let (one, two) = (DeviceSecret::from_bytes([9; 32]), DeviceSecret::from_bytes([8; 32]));
    let dan = MemberId::of_first_device(&DANS);
    let mut story = Story::with(Role::Viewer, Role::Viewer);
    story.does(ANAS, add(dan, CATS_TABLET, Role::Owner));
    story.does(ANAS, invite(&one, Role::Viewer, None));
    let present = story.does(DANS, join(DANS, &one));
    assert_eq!(story.void(present), Some(VoidReason::InviteMismatch));
    story.does(ANAS, remove(dan, &[]));
    story.does(ANAS, invite(&two, Role::Viewer, None));
    let past = story.does(DANS, join(DANS, &two));
    assert_eq!(story.void(past), Some(VoidReason::InviteMismatch));
}

#[test]
fn a_server_vouches_by_the_least_of_its_pins_since_it_knew_one() {
    let mut story = Story::with(Role::Editor, Role::Editor);
    let high = story.does(ANAS, pin(Role::Editor, true));
    story.does(ANAS, pin(Role::Viewer, true));
    story.does(ANAS, pin(Role::Owner, true));
    story.does_on(&[high], SERVER, add_device(BEN, BENS_TABLET));
    assert_eq!(story.role_of(BENS_TABLET), Some(Role::Viewer));
}

/// A device may be given to another member; what it wrote as the former one's is not the new one's.
#[test]
fn a_device_that_changed_hands_does_not_speak_for_whom_it_belonged_to() {
    let mut story = Story::with(Role::Editor, Role::Owner);
    story.does(CATS, add_device(CAT, CATS_TABLET));
    let as_cats = story.roles().heads().to_vec();
    story.does_on(&as_cats, ANAS, remove_device(CAT, CATS_TABLET, &[]));
    story.does(ANAS, add_device(BEN, CATS_TABLET));
    let late = story.does_on(&as_cats, CATS_TABLET, add(DAN, DANS, Role::Owner));
    assert_eq!(story.void(late), Some(VoidReason::NotAMember));
    assert_eq!(story.roles().role_of(&CATS_TABLET), Some((BEN, Role::Editor)));
}
