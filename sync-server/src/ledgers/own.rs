//! Commits that this server writes for members: in a feed of its own in each ledger, for as long as the process runs and
//! nothing is rolled back. They go the way of a device's push and are judged like one.

use outlay_ledger::commit::{Commit, FORMAT_VERSION, Header, Record, feed};
use outlay_ledger::limits::{COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX};
use outlay_ledger::member::Role;
use outlay_ledger::roles::Roles;
use outlay_ledger::{ActionId, DeviceKey, FeedId, LedgerId, MemberId};
use outlay_protocol::Code;
use outlay_protocol::session::Outcome;

use super::LedgerLimits;
use super::append::{Appending, Signed};
use super::members::heads_of;
use crate::store::{Result, Write};

/// Room in a commit for header, signature and the framing of records.
const COMMIT_OVERHEAD_BYTES: usize = 4 * 1024;
/// Bytes a record takes beside its payload.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// This process's feed in a ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnFeed {
    nonce: [u8; 16],
    /// The number of the next record.
    pub(crate) next: u64,
}

impl OwnFeed {
    /// The feed in a ledger: begun anew after anything was rolled back, so that no number is used twice.
    pub(crate) fn of(write: &mut Write<'_>, lid: i64) -> Self {
        if let Some(own) = write.memory.own_feeds.get(&lid) {
            return *own;
        }
        let own = Self { nonce: write.random(), next: 1 };
        write.memory.own_feeds.insert(lid, own);
        own
    }

    /// The feed.
    pub(crate) fn id(&self, server: &DeviceKey) -> FeedId {
        feed(server, &self.nonce)
    }
}

/// Whom this server writes for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnBehalf {
    /// The ledger.
    pub(crate) ledger: LedgerId,
    /// The account.
    pub(crate) aid: i64,
    /// Its member of the ledger.
    pub(crate) member: MemberId,
}

/// Whether a ledger lets this server write what its members ask it to.
pub(crate) fn may_write(roles: &Roles, server: &DeviceKey) -> bool {
    roles.servers().get(server).is_some_and(|pin| pin.on_behalf && pin.up_to >= Role::Editor)
}

/// Appends records for a member, numbered as [`OwnFeed::of`] says. They are one action, in as few commits as they fit.
///
/// After an inner error the caller undoes what was done.
pub(crate) fn append_own(
    write: &mut Write<'_>,
    now_ms: i64,
    limits: &LedgerLimits,
    by: OnBehalf,
    records: Vec<Record>,
) -> Result<std::result::Result<(), Code>> {
    let Some(mut appending) = Appending::begin(write, by.ledger, limits)? else { return Ok(Err(Code::NoSuchLedger)) };
    let lid = appending.row.lid;
    let cuts = cut(&records);
    let action = (cuts.len() > 1).then(|| ActionId(write.random()));
    let mut records = records.into_iter();
    for count in cuts {
        let mut own = OwnFeed::of(write, lid);
        let server = write.keys.identity.public();
        let header = Header {
            version: FORMAT_VERSION,
            ledger: Some(by.ledger),
            device: server,
            nonce: own.nonce,
            first: own.next,
            count: count as u64,
            previous: heads_of(write.tx, &appending.row, &server)?,
            member_heads: appending.history.roles().heads().to_vec(),
            generation: 0,
            time_ms: now_ms,
            action,
            on_behalf: Some(by.member),
            unknown: Vec::new(),
        };
        let records = records.by_ref().take(count).collect();
        let Ok((commit, id)) = Commit::sign(header, records, write.random(), &write.keys.identity) else {
            return Ok(Err(Code::Internal));
        };
        let signed = Signed { body: commit.encode(), commit, id, is_good: true };
        if let Outcome::Refused(code, _) = appending.push(write, by.aid, &signed)? {
            return Ok(Err(code));
        }
        own.next += count as u64;
        write.memory.own_feeds.insert(lid, own);
    }
    appending.finish(write)?;
    Ok(Ok(()))
}

/// How many records go into each commit.
fn cut(records: &[Record]) -> Vec<usize> {
    let mut cuts: Vec<usize> = Vec::new();
    let mut bytes = 0;
    for record in records {
        let length = record.payload().map_or(0, <[u8]>::len) + RECORD_OVERHEAD_BYTES;
        let is_full =
            |count: usize| count >= COMMIT_RECORDS_MAX || bytes + length > COMMIT_BYTES_MAX - COMMIT_OVERHEAD_BYTES;
        match cuts.last_mut() {
            Some(count) if !is_full(*count) => {
                *count += 1;
                bytes += length;
            }
            _ => {
                cuts.push(1);
                bytes = length;
            }
        }
    }
    cuts
}
