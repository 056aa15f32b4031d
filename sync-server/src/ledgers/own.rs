//! Commits that this server writes itself. Those for members are in a feed of its own in each ledger, for as long as the
//! process runs and nothing is rolled back. All go the way of a device's push and are judged like one.

use outlay_ledger::commit::{Commit, FORMAT_VERSION, Header, Record, cut, feed};
use outlay_ledger::limits::PREVIOUS_MAX;
use outlay_ledger::member::Role;
use outlay_ledger::roles::Roles;
use outlay_ledger::{ActionId, CommitId, DeviceKey, FeedId, LedgerId, MemberId};
use outlay_protocol::Code;
use outlay_protocol::session::Outcome;
use rusqlite::Connection;

use super::append::{Appending, Signed};
use super::{LedgerLimits, LedgerRow};
use crate::store::{Result, Write};

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
    /// Whether it brings rows from outside, of which these are all.
    pub(crate) is_import: bool,
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
    let cuts = cut(&records, false);
    let action = (cuts.len() > 1).then(|| ActionId(write.random()));
    let (mut records, mut left) = (records.into_iter(), cuts.len());
    for count in cuts {
        let mut own = OwnFeed::of(write, lid);
        let mut header = Header {
            action,
            on_behalf: Some(by.member),
            ..header(write, &appending, now_ms, own.nonce, own.next, count as u64)?
        };
        left -= 1;
        if by.is_import && left == 0 {
            header.end_import();
        }
        let records = records.by_ref().take(count).collect();
        match append(write, &mut appending, by.aid, header, records)? {
            None => return Ok(Err(Code::Internal)),
            Some(Outcome::Refused(code, _)) => return Ok(Err(code)),
            Some(_) => {}
        }
        own.next += count as u64;
        write.memory.own_feeds.insert(lid, own);
    }
    appending.finish(write)?;
    Ok(Ok(()))
}

/// The header of a commit of this server, on top of what it has written and of what the members are now.
pub(super) fn header(
    write: &Write<'_>,
    appending: &Appending<'_>,
    now_ms: i64,
    nonce: [u8; 16],
    first: u64,
    count: u64,
) -> Result<Header> {
    let server = write.keys.identity.public();
    Ok(Header {
        version: FORMAT_VERSION,
        ledger: Some(appending.ledger),
        device: server,
        nonce,
        first,
        count,
        previous: heads_of(write.tx, &appending.row, &server)?,
        member_heads: appending.history.roles().heads().to_vec(),
        generation: 0,
        time_ms: now_ms,
        action: None,
        on_behalf: None,
        unknown: Vec::new(),
    })
}

/// Signs a commit of this server and appends it; `None` if it is none that could be signed.
pub(super) fn append(
    write: &mut Write<'_>,
    appending: &mut Appending<'_>,
    aid: i64,
    header: Header,
    records: Vec<Record>,
) -> Result<Option<Outcome>> {
    let Ok((commit, id)) = Commit::sign(header, records, write.random(), &write.keys.identity) else {
        return Ok(None);
    };
    let signed = Signed { body: commit.encode(), commit, id, is_good: true };
    appending.push(write, aid, &signed).map(Some)
}

/// The ends of the chain of a device.
fn heads_of(connection: &Connection, ledger: &LedgerRow, device: &DeviceKey) -> Result<Vec<CommitId>> {
    let select = "SELECT log.id FROM head JOIN author USING (did) JOIN log USING (seq) \
                  WHERE head.lid = ?1 AND author.key = ?2 ORDER BY log.id LIMIT ?3";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map((ledger.lid, device.0, PREVIOUS_MAX), |row| row.get(0).map(CommitId))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
