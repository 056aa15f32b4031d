//! The bytes of every member operation, which signatures freeze.

use outlay_ledger::member::{
    ACCEPT_COMMITS_MAX, CUT_HEADS_MAX, MemberError, MemberOperation, Purge, Role, join_digest,
};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{CommitId, DeviceKey, DocumentId, LedgerId, MemberId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const MEMBER: MemberId = MemberId([0x11; 16]);
const DEVICE: DeviceKey = DeviceKey([0x22; 32]);
const OTHER: DeviceKey = DeviceKey([0x33; 32]);
const HEAD: CommitId = CommitId([0x44; 32]);
const GREATER_HEAD: CommitId = CommitId([0x55; 32]);

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]).to_le_bytes()[0]).collect()
}

fn vectors() -> Vec<(MemberOperation, &'static str)> {
    let cut = vec![HEAD, GREATER_HEAD];
    vec![
        (
            MemberOperation::Genesis { member: MEMBER, device: DEVICE, fact_key: Some([0x66; 32]) },
            "a4 00 00 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222
             03 5820 6666666666666666666666666666666666666666666666666666666666666666",
        ),
        (
            MemberOperation::Genesis { member: MEMBER, device: DEVICE, fact_key: None },
            "a3 00 00 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222",
        ),
        (
            MemberOperation::Add { member: MEMBER, device: DEVICE, role: Role::Owner },
            "a4 00 01 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222 03 01",
        ),
        (
            MemberOperation::Remove { member: MEMBER, cut: cut.clone() },
            "a3 00 02 01 50 11111111111111111111111111111111
             02 82 5820 4444444444444444444444444444444444444444444444444444444444444444
                   5820 5555555555555555555555555555555555555555555555555555555555555555",
        ),
        (MemberOperation::Remove { member: MEMBER, cut: vec![] }, "a2 00 02 01 50 11111111111111111111111111111111"),
        (
            MemberOperation::Role { member: MEMBER, role: Role::Viewer, cut: vec![HEAD] },
            "a4 00 03 01 50 11111111111111111111111111111111 02 03
             03 81 5820 4444444444444444444444444444444444444444444444444444444444444444",
        ),
        (
            MemberOperation::Role { member: MEMBER, role: Role::Editor, cut: vec![] },
            "a3 00 03 01 50 11111111111111111111111111111111 02 02",
        ),
        (
            MemberOperation::AddDevice { member: MEMBER, device: DEVICE },
            "a3 00 04 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222",
        ),
        (
            MemberOperation::ReplaceDevice { member: MEMBER, old: DEVICE, new: OTHER, cut: vec![HEAD] },
            "a5 00 05 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222
             03 5820 3333333333333333333333333333333333333333333333333333333333333333
             04 81 5820 4444444444444444444444444444444444444444444444444444444444444444",
        ),
        (
            MemberOperation::Invite { invite_key: OTHER, role: Role::Editor, member: Some(MEMBER), expires_s: None },
            "a4 00 06 01 5820 3333333333333333333333333333333333333333333333333333333333333333
             02 02 03 50 11111111111111111111111111111111",
        ),
        (
            MemberOperation::Invite { invite_key: OTHER, role: Role::Editor, member: None, expires_s: None },
            "a3 00 06 01 5820 3333333333333333333333333333333333333333333333333333333333333333 02 02",
        ),
        (
            MemberOperation::Invite {
                invite_key: OTHER,
                role: Role::Viewer,
                member: None,
                expires_s: Some(1_795_305_600),
            },
            "a4 00 06 01 5820 3333333333333333333333333333333333333333333333333333333333333333 02 03
             04 1a 6b023080",
        ),
        (
            MemberOperation::Accept { commits: vec![HEAD] },
            "a2 00 07 01 81 5820 4444444444444444444444444444444444444444444444444444444444444444",
        ),
        (
            MemberOperation::Server { key: OTHER, up_to: Role::Editor, on_behalf: true },
            "a4 00 08 01 5820 3333333333333333333333333333333333333333333333333333333333333333 02 02 03 01",
        ),
        (
            MemberOperation::RevokeServer { key: OTHER, cut: vec![HEAD] },
            "a3 00 09 01 5820 3333333333333333333333333333333333333333333333333333333333333333
             02 81 5820 4444444444444444444444444444444444444444444444444444444444444444",
        ),
        (
            MemberOperation::Confirm { device: DEVICE },
            "a2 00 0a 01 5820 2222222222222222222222222222222222222222222222222222222222222222",
        ),
        (
            MemberOperation::Join { member: MEMBER, device: DEVICE, invite_key: OTHER, signature: [0x77; 64] },
            "a5 00 0b 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222
             03 5820 3333333333333333333333333333333333333333333333333333333333333333
             04 5840 7777777777777777777777777777777777777777777777777777777777777777
                     7777777777777777777777777777777777777777777777777777777777777777",
        ),
        (
            MemberOperation::RemoveDevice { member: MEMBER, device: DEVICE, cut: vec![HEAD] },
            "a4 00 0c 01 50 11111111111111111111111111111111
             02 5820 2222222222222222222222222222222222222222222222222222222222222222
             03 81 5820 4444444444444444444444444444444444444444444444444444444444444444",
        ),
        (
            MemberOperation::Unknown { number: 300, bytes: hex("a3 00 19012c 01 82 20 f5 18 40 a1 05 61 61") },
            "a3 00 19012c 01 82 20 f5 18 40 a1 05 61 61",
        ),
    ]
}

#[test]
fn every_operation_has_the_bytes_written_here() {
    for (operation, text) in vectors() {
        assert_eq!(operation.encode(), Ok(hex(text)), "{operation:?}");
        assert_eq!(MemberOperation::decode(&hex(text)), Ok(operation));
    }
    let numbers: std::collections::BTreeSet<u64> = vectors().iter().map(|(operation, _)| operation.number()).collect();
    assert_eq!(numbers.into_iter().take(13).collect::<Vec<_>>(), (0..13).collect::<Vec<_>>(), "all are here");
}

#[test]
fn a_purge_has_the_bytes_written_here() {
    let purge = Purge { document: DocumentId([0x88; 16]) };
    let bytes = hex("a1 01 50 88888888888888888888888888888888");
    assert_eq!((purge.encode(), Purge::decode(&bytes)), (bytes, Ok(purge)));
    for (text, error) in [
        ("a1 1801 50 88888888888888888888888888888888", MemberError::NotCanonical),
        ("a2 01 50 88888888888888888888888888888888 02 00", MemberError::Malformed),
        ("a1 01 41 88", MemberError::Malformed),
        ("", MemberError::Malformed),
    ] {
        assert_eq!(Purge::decode(&hex(text)), Err(error), "{text}");
    }
}

#[test]
fn ids_and_signatures_are_the_ones_written_here() {
    let device = DeviceKey([0x22; 32]);
    assert_eq!(MemberId::of_first_device(&device).to_string(), "74fd7e0efcfa9fb134a2dc3e08a7dae1");
    let digest = join_digest(&LedgerId([0x99; 16]), &MEMBER, &device);
    assert_eq!(CommitId(digest).to_string(), "891b6d2daf76a77b1223c28679644c29d170696e01d745d6328c6a0663a76502");
    let invite = DeviceSecret::from_bytes([0x07; 32]);
    assert_eq!(invite.public().to_string(), "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
    let MemberOperation::Join { signature, .. } = MemberOperation::join(&LedgerId([0x99; 16]), MEMBER, device, &invite)
    else {
        unreachable!()
    };
    assert_eq!(
        CommitId(signature[..32].try_into().unwrap()).to_string(),
        "8a4471fc11798737f5bcfb1e7fc3bc6fc95521768de8e97fda740e7ddaf09f5f"
    );
    assert_eq!(
        CommitId(signature[32..].try_into().unwrap()).to_string(),
        "62ebc737a9e6aa1632840c37349f2a30da97fc7dec0bedf2fc5e7c1c5437c900"
    );
}

#[test]
fn lists_of_commits_are_sets() {
    let twisted = MemberOperation::Accept { commits: vec![GREATER_HEAD, HEAD, GREATER_HEAD] };
    let straight = MemberOperation::Accept { commits: vec![HEAD, GREATER_HEAD] };
    assert_eq!(twisted.encode(), straight.encode());
}

#[test]
fn lists_of_commits_are_limited() {
    let many =
        |count: usize| (0..count).map(|n| CommitId(*blake3::hash(&n.to_be_bytes()).as_bytes())).collect::<Vec<_>>();
    let remove = |count| MemberOperation::Remove { member: MEMBER, cut: many(count) };
    let accept = |count| MemberOperation::Accept { commits: many(count) };
    assert!(remove(CUT_HEADS_MAX).encode().is_ok_and(|bytes| MemberOperation::decode(&bytes).is_ok()));
    assert!(accept(ACCEPT_COMMITS_MAX).encode().is_ok_and(|bytes| MemberOperation::decode(&bytes).is_ok()));
    assert_eq!(remove(CUT_HEADS_MAX + 1).encode(), Err(MemberError::TooManyCommits { commits: CUT_HEADS_MAX + 1 }));
    assert!(accept(ACCEPT_COMMITS_MAX + 1).encode().is_err());

    let mut bytes = hex("a3 00 02 01 50 11111111111111111111111111111111 02 98 41");
    let mut cut = many(CUT_HEADS_MAX + 1);
    cut.sort();
    cut.iter().for_each(|head| bytes.extend([&[0x58, 0x20], head.as_bytes().as_slice()].concat()));
    assert_eq!(MemberOperation::decode(&bytes), Err(MemberError::TooManyCommits { commits: CUT_HEADS_MAX + 1 }));
}

#[test]
fn other_encodings_and_other_shapes_are_refused() {
    let member = "50 11111111111111111111111111111111";
    let cases = [
        (format!("a2 1800 02 01 {member}"), MemberError::NotCanonical),
        (format!("a2 00 1802 01 {member}"), MemberError::NotCanonical),
        (format!("a2 01 {member} 00 02"), MemberError::Malformed),
        (format!("bf 00 02 01 {member} ff"), MemberError::Malformed),
        (format!("a3 00 02 01 {member} 02 80"), MemberError::Malformed),
        (format!("a3 00 02 01 {member} 03 00"), MemberError::Malformed),
        (format!("a2 00 02 01 {member} 00"), MemberError::Malformed),
        (format!("a2 00 02 01 58 10 {}", &member[3..]), MemberError::NotCanonical),
        (format!("a3 00 03 01 {member} 02 04"), MemberError::UnknownRole { number: 4 }),
        (format!("a3 00 03 01 {member} 02 00"), MemberError::UnknownRole { number: 0 }),
        (format!("a3 00 03 01 {member} 02 20"), MemberError::Malformed),
        ("a1 00 02".into(), MemberError::Malformed),
        ("a2 00 02 01 41 11".into(), MemberError::Malformed),
        (format!("a1 01 {member}"), MemberError::Malformed),
        ("80".into(), MemberError::Malformed),
        ("".into(), MemberError::Malformed),
        // Operations of newer versions: in one encoding too, and of the items that the format uses.
        ("a2 00 18 40 01 1800".into(), MemberError::NotCanonical),
        ("a2 00 18 40 01 9f ff".into(), MemberError::Malformed),
        ("a2 00 18 40 01 f97c00".into(), MemberError::NotCanonical),
        ("a2 00 18 40 01 a2 02 00 01 00".into(), MemberError::NotCanonical),
        ("a2 00 18 40 01 81 81 81 81 81 81 81 81 81 00".into(), MemberError::Malformed),
        ("a2 00 18 40 01 9b ffffffffffffffff 00".into(), MemberError::Malformed),
    ];
    for (text, error) in cases {
        let refused = MemberOperation::decode(&hex(&text));
        assert!(refused.is_err(), "{text}");
        if !text.contains("9f ff") {
            assert_eq!(refused, Err(error), "{text}");
        }
    }
    let long = [hex("a2 00 18 40 01 59 ffff"), vec![0; 0xffff]].concat();
    assert_eq!(MemberOperation::decode(&long), Err(MemberError::TooLong { bytes: long.len() }));
}

#[test]
fn an_unknown_operation_is_written_as_it_came_or_not_at_all() {
    let forged = MemberOperation::Unknown { number: 2, bytes: hex("a2 00 18 40 01 00") };
    assert_eq!(forged.encode(), Err(MemberError::Malformed));
    let known =
        MemberOperation::Unknown { number: 10, bytes: MemberOperation::Confirm { device: DEVICE }.encode().unwrap() };
    assert_eq!(known.encode(), Err(MemberError::Malformed));
}

/// Whatever the bytes: no panic, and what is taken is written back byte for byte.
#[test]
fn damaged_bytes_are_refused_or_are_another_operation() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (_, text) in vectors() {
        let bytes = hex(text);
        for length in 0..bytes.len() {
            assert!(MemberOperation::decode(&bytes[..length]).is_err());
        }
        for _ in 0..2_000 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + rng.next_u32() % 3 {
                let at = usize::try_from(rng.next_u32()).unwrap() % damaged.len();
                damaged[at] = rng.next_u32().to_le_bytes()[0];
            }
            if let Ok(operation) = MemberOperation::decode(&damaged) {
                assert_eq!(operation.encode(), Ok(damaged));
            }
        }
    }
}
