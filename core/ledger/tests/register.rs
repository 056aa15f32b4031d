//! Properties of the money register: one encoding, parts that sum, and a reason for each refusal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use outlay_ledger::limits::MINOR_MAX;
use outlay_ledger::{
    Currency, DocumentId, Entered, Entry, EntryKind, MemberId, Method, Money, Part, Rate, Register, RegisterError,
};
use support::Rng;

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::parse(code).unwrap()).unwrap()
}

fn part(number: u8, minor: i64) -> Part {
    Part { member: MemberId([number; 16]), minor }
}

/// Parts of random members that sum to the amount.
fn random_parts(amount: i64, rng: &mut Rng) -> Vec<Part> {
    let mut members: Vec<[u8; 16]> = (0..rng.below(6)).map(|_| rng.bytes()).collect();
    members.sort_unstable();
    let mut left = amount;
    let mut parts: Vec<Part> = Vec::new();
    let count = members.len();
    for (at, member) in members.into_iter().enumerate() {
        let minor = if at + 1 == count { left } else { random_amount(rng) / 100_000 };
        left -= minor;
        parts.push(Part { member: MemberId(member), minor });
    }
    parts
}

fn random_amount(rng: &mut Rng) -> i64 {
    let bits = 1 + rng.below(50);
    let minor = i64::try_from(rng.next() & ((1 << bits) - 1)).expect("50 bits").min(MINOR_MAX - 100);
    if rng.chance(30) { -minor } else { minor }
}

fn random_money(rng: &mut Rng) -> Money {
    let code = ["EUR", "JPY", "KWD", "INR"][rng.below(4)];
    money(random_amount(rng) / 2, code)
}

fn random_entry(rng: &mut Rng) -> Entry {
    let amount = random_money(rng);
    let kind = *rng.pick(&[EntryKind::Expense, EntryKind::Income, EntryKind::Transfer]);
    let mut entry = Entry::new(kind, amount);
    entry.payers = random_parts(amount.minor(), rng);
    entry.shares = random_parts(amount.minor(), rng);
    if rng.chance(50) {
        let numbers = entry.shares.iter().map(|_| rng.next() >> rng.below(64)).collect();
        let method = *rng.pick(&[Method::Equally, Method::Amounts, Method::Percent, Method::Weights]);
        entry.entered = Some(Entered { method, numbers });
    }
    if rng.chance(50) {
        let decimals = rng.below(19).to_le_bytes()[0];
        entry.rate = Some(Rate { mantissa: rng.next(), decimals, converted: random_money(rng) });
    }
    if kind == EntryKind::Transfer {
        entry.from = rng.chance(70).then(|| DocumentId(rng.bytes()));
        entry.to = rng.chance(70).then(|| DocumentId(rng.bytes()));
        entry.received = rng.chance(50).then(|| random_money(rng));
    }
    entry
}

fn sum(parts: &[Part]) -> i128 {
    parts.iter().map(|part| i128::from(part.minor)).sum()
}

fn assert_sums(entry: &Entry, context: &str) {
    for parts in [&entry.payers, &entry.shares] {
        assert!(parts.is_empty() || sum(parts) == i128::from(entry.amount.minor()), "{context}: parts do not sum");
    }
}

#[test]
fn a_money_register_has_one_encoding_and_its_parts_sum() {
    for seed in 0..20_000 {
        let rng = &mut Rng::new(seed);
        let entry = random_entry(rng);
        assert_eq!(entry.check(), Ok(()), "seed {seed}");
        assert_sums(&entry, &format!("seed {seed}"));
        assert_eq!(Register::decode(&entry.encode()), Ok(Register::Entry(entry)), "seed {seed}");
    }
}

#[test]
fn a_damaged_money_register_is_refused_or_is_another_one_whose_parts_sum() {
    let (mut accepted, mut with_parts, mut reasons) = (0, 0, std::collections::BTreeSet::new());
    for seed in 0..200_000 {
        let rng = &mut Rng::new(seed);
        let mut bytes = random_entry(rng).encode();
        for _ in 0..=rng.below(2) {
            let at = rng.below(bytes.len());
            match rng.below(4) {
                0 => bytes[at] ^= 1 << rng.below(8),
                1 => bytes.insert(at, rng.next().to_le_bytes()[0]),
                2 if bytes.len() > 1 => drop(bytes.splice(at..=at, [])),
                _ => bytes[at] = rng.next().to_le_bytes()[0],
            }
        }
        match Register::decode(&bytes) {
            Ok(Register::Entry(entry)) => {
                accepted += 1;
                with_parts += usize::from(!entry.payers.is_empty() || !entry.shares.is_empty());
                assert_eq!(entry.encode(), bytes, "seed {seed}");
                assert_sums(&entry, &format!("seed {seed}"));
                assert!(entry.amount.minor().abs() <= MINOR_MAX, "seed {seed}");
            }
            Ok(Register::Newer(version)) => assert!(version > 1 && bytes[0] == version, "seed {seed}"),
            Err(error) => drop(reasons.insert(format!("{error:?}"))),
        }
    }
    println!("{accepted} accepted, {with_parts} of them with parts; refused for {reasons:?}");
    assert!(accepted > 10_000 && with_parts > 5_000, "{accepted}, {with_parts}");
    assert_eq!(reasons.len(), 5, "every reason was seen: {reasons:?}");
}

#[test]
fn a_register_that_is_not_one_is_refused_with_its_reason() {
    let expense = Entry::new(EntryKind::Expense, money(100, "EUR"));
    let transfer = Entry::new(EntryKind::Transfer, money(100, "EUR"));
    let account = Some(DocumentId([1; 16]));
    let numbers = |count| Some(Entered { method: Method::Percent, numbers: vec![1; count] });
    let many = |count: u16| {
        let member = |n: u16| MemberId(std::array::from_fn(|at| n.to_be_bytes()[at % 2]));
        let mut parts: Vec<_> = (0..count).map(|n| Part { member: member(n), minor: 0 }).collect();
        parts[0].minor = 100;
        parts
    };
    let refused = [
        (Entry { payers: vec![part(1, 99)], ..expense.clone() }, RegisterError::Sum),
        (Entry { shares: vec![part(1, 60), part(2, 41)], ..expense.clone() }, RegisterError::Sum),
        (Entry { payers: vec![part(1, i64::MAX), part(2, 101 - i64::MAX)], ..expense.clone() }, RegisterError::Sum),
        (Entry { payers: vec![part(2, 50), part(1, 50)], ..expense.clone() }, RegisterError::Parts),
        (Entry { payers: vec![part(1, 50), part(1, 50)], ..expense.clone() }, RegisterError::Parts),
        (Entry { shares: many(257), ..expense.clone() }, RegisterError::Parts),
        (Entry { entered: numbers(1), ..expense.clone() }, RegisterError::Parts),
        (Entry { shares: vec![part(1, 100)], entered: numbers(2), ..expense.clone() }, RegisterError::Parts),
        (Entry { from: account, ..expense.clone() }, RegisterError::Transfer),
        (Entry { received: Some(money(1, "USD")), ..expense.clone() }, RegisterError::Transfer),
        (Entry { to: account, ..Entry::new(EntryKind::Income, money(1, "EUR")) }, RegisterError::Transfer),
        (Entry { from: account, to: account, ..transfer.clone() }, RegisterError::Transfer),
    ];
    for (entry, error) in refused {
        assert_eq!(entry.check(), Err(error), "{entry:?}");
        let decoded = Register::decode(&entry.encode());
        assert!(decoded.is_err(), "{entry:?}");
    }
    let whole = Entry { shares: many(256), ..expense.clone() };
    assert_eq!(Register::decode(&whole.encode()), Ok(Register::Entry(whole)), "the limit itself");
    let over = Entry { payers: vec![part(1, MINOR_MAX + 1), part(2, 99 - MINOR_MAX)], ..expense };
    assert_eq!(Register::decode(&over.encode()), Err(RegisterError::Range));

    for bytes in [&[][..], &[0], &[1], &[0, 0xa0], &[1, 0xa0], &[1, 0xa1, 2, 1]] {
        assert_eq!(Register::decode(bytes), Err(RegisterError::Malformed), "{bytes:?}");
    }
    assert_eq!(Register::decode(&[2]), Ok(Register::Newer(2)));
    assert_eq!(Register::decode(&[0xff, 1, 2, 3]), Ok(Register::Newer(0xff)), "whatever it holds");
}

/// The grammar by hand: what the table in docs/FORMAT.md says, byte by byte.
#[test]
fn the_smallest_register_is_a_version_an_amount_and_a_currency() {
    let bytes = [0x01, 0xa2, 0x02, 0x19, 0x04, 0xe2, 0x03, 0x63, b'E', b'U', b'R'];
    let entry = Entry::new(EntryKind::Expense, money(1_250, "EUR"));
    assert_eq!(entry.encode(), bytes);
    let spelled_out = [0x01, 0xa3, 0x01, 0x00, 0x02, 0x19, 0x04, 0xe2, 0x03, 0x63, b'E', b'U', b'R'];
    assert_eq!(Register::decode(&spelled_out), Err(RegisterError::Malformed), "an expense does not say that it is one");
}
