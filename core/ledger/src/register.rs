//! The money register: everything of an expense that must stay consistent, replaced whole.
//!
//! Kind, amount, currency, who paid what, who owes what, how that was entered, the rate, and for a transfer both
//! accounts and both amounts are one value. Merged apart, two devices make parts that do not sum, and of 100 USD and
//! 9000 INR they make 100 INR.
//!
//! # Bytes
//!
//! One version byte, then a deterministic CBOR map:
//!
//! | key | | |
//! |---|---|---|
//! | 1 | kind | 0 expense (absent), 1 income, 2 transfer |
//! | 2 | amount | signed minor units |
//! | 3 | currency | text of three capital letters |
//! | 4 | payers | list of maps {1 member, 2 signed minor units}, members ascending; they sum to the amount |
//! | 5 | shares | likewise: who owes what |
//! | 6 | entered | map {1 method: 0 equally, 1 amounts, 2 hundredths of a percent, 3 weights; 2 one number for each share} |
//! | 7 | rate | map {1 mantissa, 2 decimals ≤ 18, 3 currency, 4 converted minor units} |
//! | 8 | from | the account of a transfer that gives |
//! | 9 | to | the account of a transfer that gets |
//! | 10 | received | map {1 minor units, 2 currency}: what arrives, when it is not the amount |
//!
//! A register of an unknown version is kept, shown as made by a newer app, and left out of totals.

use minicbor::Encoder;

use crate::cbor::{self, CborError, MapReader, MapWriter};
use crate::currency::Currency;
use crate::field;
use crate::id::{DocumentId, MemberId};
use crate::limits::PARTIES_MAX;
use crate::money::Money;

const VERSION: u8 = 1;
const FIELDS_MAX: u64 = 10;
/// Decimals of a rate: as many as fit a 64-bit mantissa.
const RATE_DECIMALS_MAX: u8 = 18;

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// Money spent. A negative amount is money back.
    Expense,
    /// Money earned.
    Income,
    /// Money moved between one's own accounts; either may be unknown.
    Transfer,
}

/// What one member paid or owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// Whose part it is.
    pub member: MemberId,
    /// Minor units of the entry's currency.
    pub minor: i64,
}

/// How the shares were entered, so that they can be shown and edited as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Equally.
    Equally,
    /// By amounts.
    Amounts,
    /// By hundredths of a percent.
    Percent,
    /// By weights.
    Weights,
}

/// How shares were entered, with one number for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// In which way.
    pub method: Method,
    /// One number for each share, in their order.
    pub numbers: Vec<u64>,
}

/// The rate at which a foreign amount counts: that of the day, never computed again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The rate times ten to the power of `decimals`.
    pub mantissa: u64,
    /// Where its decimal point is.
    pub decimals: u8,
    /// The amount in the currency it was converted to.
    pub converted: Money,
}

/// The value of the money register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the entry does.
    pub kind: EntryKind,
    /// How much.
    pub amount: Money,
    /// Who paid what; empty when nobody is named.
    pub payers: Vec<Part>,
    /// Who owes what; empty when it is not shared.
    pub shares: Vec<Part>,
    /// How the shares were entered.
    pub entered: Option<Entered>,
    /// What a foreign amount counts as.
    pub rate: Option<Rate>,
    /// The account of a transfer that gives.
    pub from: Option<DocumentId>,
    /// The account of a transfer that gets.
    pub to: Option<DocumentId>,
    /// What arrives of a transfer, when it is not the amount.
    pub received: Option<Money>,
}

/// A money register of any version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Register {
    /// One that this version understands.
    Entry(Entry),
    /// One of a newer version.
    Newer(u8),
}

/// Why bytes are not a money register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Not the CBOR of a register, or not in its one encoding.
    #[error("the bytes are not a money register")]
    Malformed,
    /// An amount beyond what is allowed.
    #[error("an amount is out of range")]
    Range,
    /// Payers or shares do not sum to the amount.
    #[error("the parts do not sum to the amount")]
    Sum,
    /// More payers or shares than allowed, or not ascending by member.
    #[error("the parts are too many or out of order")]
    Parts,
    /// Accounts or a received amount outside a transfer, or one account on both sides.
    #[error("only a transfer has two accounts, and they differ")]
    Transfer,
}

impl From<CborError> for RegisterError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

impl Entry {
    /// An entry with an amount and nothing else.
    ///
    /// ```
    /// use outlay_ledger::{Entry, EntryKind, Money, Register};
    /// let entry = Entry::new(EntryKind::Expense, Money::parse_with_currency("12.50 EUR")?);
    /// assert_eq!(Register::decode(&entry.encode())?, Register::Entry(entry));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(kind: EntryKind, amount: Money) -> Self {
        let (payers, shares) = (Vec::new(), Vec::new());
        Self { kind, amount, payers, shares, entered: None, rate: None, from: None, to: None, received: None }
    }

    /// The bytes of the register.
    pub fn encode(&self) -> Vec<u8> {
        let map = MapWriter::default()
            .uint_unless(0, 1, kind_number(self.kind))
            .int(2, self.amount.minor())
            .text(3, self.amount.currency().code())
            .list(4, &self.payers.iter().map(encode_part).collect::<Vec<_>>())
            .list(5, &self.shares.iter().map(encode_part).collect::<Vec<_>>())
            .bytes_if(8, self.from.as_ref().map(|id| id.as_bytes().as_slice()))
            .bytes_if(9, self.to.as_ref().map(|id| id.as_bytes().as_slice()));
        let map = self.entered.iter().fold(map, |map, entered| map.raw(6, &encode_entered(entered)));
        let map = self.rate.iter().fold(map, |map, rate| map.raw(7, &encode_rate(rate)));
        let map = self.received.iter().fold(map, |map, money| map.raw(10, &encode_money(*money)));
        let mut bytes = vec![VERSION];
        bytes.extend(map.finish());
        bytes
    }

    /// Whether the entry is one: parts sum, accounts only in a transfer.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Sum`], [`RegisterError::Parts`] or [`RegisterError::Transfer`].
    pub fn check(&self) -> Result<(), RegisterError> {
        for parts in [&self.payers, &self.shares] {
            check_parts(parts, self.amount)?;
        }
        if self.entered.as_ref().is_some_and(|entered| entered.numbers.len() != self.shares.len()) {
            return Err(RegisterError::Parts);
        }
        let is_transfer = self.kind == EntryKind::Transfer;
        let has_sides = self.from.is_some() || self.to.is_some() || self.received.is_some();
        let is_circular = self.from.is_some() && self.from == self.to;
        if (has_sides && !is_transfer) || is_circular { Err(RegisterError::Transfer) } else { Ok(()) }
    }

    fn decode(bytes: &[u8]) -> Result<Self, RegisterError> {
        let mut map = MapReader::new(bytes, FIELDS_MAX)?;
        let entry = Self {
            kind: kind_of_number(map.uint(1)?.unwrap_or(0))?,
            amount: money(map.int(2)?, map.text(3)?)?,
            payers: map.list(4, PARTIES_MAX)?.into_iter().map(decode_part).collect::<Result<_, _>>()?,
            shares: map.list(5, PARTIES_MAX)?.into_iter().map(decode_part).collect::<Result<_, _>>()?,
            entered: map.take(6).map(decode_entered).transpose()?,
            rate: map.take(7).map(decode_rate).transpose()?,
            from: map.fixed(8)?.map(DocumentId),
            to: map.fixed(9)?.map(DocumentId),
            received: map.take(10).map(decode_money).transpose()?,
        };
        map.end()?;
        entry.check()?;
        Ok(entry)
    }
}

impl Register {
    /// Reads a register.
    ///
    /// # Errors
    ///
    /// A [`RegisterError`], also for another encoding of the same value. A version beyond this one is no error.
    pub fn decode(bytes: &[u8]) -> Result<Self, RegisterError> {
        let (version, rest) = bytes.split_first().ok_or(RegisterError::Malformed)?;
        match *version {
            0 => Err(RegisterError::Malformed),
            VERSION => {
                let entry = Entry::decode(rest)?;
                if entry.encode() == bytes { Ok(Self::Entry(entry)) } else { Err(RegisterError::Malformed) }
            }
            newer => Ok(Self::Newer(newer)),
        }
    }
}

fn check_parts(parts: &[Part], amount: Money) -> Result<(), RegisterError> {
    if parts.len() > PARTIES_MAX || !parts.windows(2).all(|pair| pair[0].member < pair[1].member) {
        return Err(RegisterError::Parts);
    }
    let sum: i128 = parts.iter().map(|part| i128::from(part.minor)).sum();
    if parts.is_empty() || sum == i128::from(amount.minor()) { Ok(()) } else { Err(RegisterError::Sum) }
}

fn encode_part(part: &Part) -> Vec<u8> {
    MapWriter::default().bytes(1, part.member.as_bytes()).int(2, part.minor).finish()
}

fn decode_part(bytes: &[u8]) -> Result<Part, RegisterError> {
    let mut map = MapReader::new(bytes, 2)?;
    let member = MemberId(map.fixed(1)?.ok_or(CborError)?);
    let minor = map.int(2)?.ok_or(CborError)?;
    map.end()?;
    if minor.unsigned_abs() > crate::limits::MINOR_MAX.unsigned_abs() {
        return Err(RegisterError::Range);
    }
    Ok(Part { member, minor })
}

fn encode_entered(entered: &Entered) -> Vec<u8> {
    let numbers: Vec<_> =
        entered.numbers.iter().map(|number| cbor::item(|e: &mut Encoder<_>| e.u64(*number)?.ok())).collect();
    MapWriter::default().uint(1, method_number(entered.method)).list(2, &numbers).finish()
}

fn decode_entered(bytes: &[u8]) -> Result<Entered, RegisterError> {
    let mut map = MapReader::new(bytes, 2)?;
    let method = match map.uint(1)?.ok_or(CborError)? {
        0 => Method::Equally,
        1 => Method::Amounts,
        2 => Method::Percent,
        3 => Method::Weights,
        _ => return Err(RegisterError::Malformed),
    };
    let numbers = map.list(2, PARTIES_MAX)?;
    let number = |raw: &[u8]| minicbor::Decoder::new(raw).u64().map_err(|_| RegisterError::Malformed);
    let numbers = numbers.into_iter().map(number).collect::<Result<_, _>>()?;
    map.end()?;
    Ok(Entered { method, numbers })
}

const fn method_number(method: Method) -> u64 {
    match method {
        Method::Equally => 0,
        Method::Amounts => 1,
        Method::Percent => 2,
        Method::Weights => 3,
    }
}

fn encode_rate(rate: &Rate) -> Vec<u8> {
    MapWriter::default()
        .uint(1, rate.mantissa)
        .uint(2, u64::from(rate.decimals))
        .text(3, rate.converted.currency().code())
        .int(4, rate.converted.minor())
        .finish()
}

fn decode_rate(bytes: &[u8]) -> Result<Rate, RegisterError> {
    let mut map = MapReader::new(bytes, 4)?;
    let mantissa = map.uint(1)?.ok_or(CborError)?;
    let decimals = map.uint(2)?.and_then(|decimals| u8::try_from(decimals).ok());
    let decimals = decimals.filter(|decimals| *decimals <= RATE_DECIMALS_MAX).ok_or(RegisterError::Range)?;
    let code = map.text(3)?;
    let converted = money(map.int(4)?, code)?;
    map.end()?;
    Ok(Rate { mantissa, decimals, converted })
}

fn encode_money(money: Money) -> Vec<u8> {
    MapWriter::default().int(1, money.minor()).text(2, money.currency().code()).finish()
}

fn decode_money(bytes: &[u8]) -> Result<Money, RegisterError> {
    let mut map = MapReader::new(bytes, 2)?;
    let minor = map.int(1)?;
    let money = money(minor, map.text(2)?)?;
    map.end()?;
    Ok(money)
}

fn money(minor: Option<i64>, code: Option<&str>) -> Result<Money, RegisterError> {
    let currency: Currency = code.and_then(field::currency).ok_or(RegisterError::Malformed)?;
    Money::new(minor.ok_or(CborError)?, currency).map_err(|_| RegisterError::Range)
}

const fn kind_number(kind: EntryKind) -> u64 {
    match kind {
        EntryKind::Expense => 0,
        EntryKind::Income => 1,
        EntryKind::Transfer => 2,
    }
}

const fn kind_of_number(number: u64) -> Result<EntryKind, RegisterError> {
    match number {
        0 => Ok(EntryKind::Expense),
        1 => Ok(EntryKind::Income),
        2 => Ok(EntryKind::Transfer),
        _ => Err(RegisterError::Malformed),
    }
}
