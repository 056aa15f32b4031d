//! What is held of a ledger, said in few ids: so another side finds out what is lacking here, and this side what is named
//! and nowhere to be found.

use std::collections::HashSet;

use outlay_ledger::CommitId;
use outlay_protocol::Ladder;
use outlay_protocol::heads::LADDER_IDS_MAX;
use rusqlite::Connection;

use crate::error::Result;
use crate::store::log::{self, to_i64};

/// For each complete head of each device of a ledger: its id, and those of its ancestors at distance 1, 2, 4, …
pub(crate) fn ladders(connection: &Connection, lid: i64) -> Result<Vec<Ladder>> {
    let gap = "SELECT EXISTS (SELECT 1 FROM missing JOIN commit_log USING (cid) JOIN feed USING (fid)
        WHERE role < 2 AND feed.lid = ?1)";
    let has_gap: bool = connection.prepare_cached(gap)?.query_row([lid], |row| row.get(0))?;
    let mut heads = Vec::new();
    if has_gap {
        heads = complete_heads(connection, lid)?;
    } else {
        for did in log::devices(connection, lid)? {
            heads.extend(log::chain_heads(connection, lid, did)?);
        }
    }
    heads.into_iter().map(|head| ladder(connection, head)).collect()
}

/// What a commit is made on top of, as far as it is not known yet to be complete.
struct Above {
    cid: i64,
    previous: Vec<i64>,
    member_heads: Vec<i64>,
}

/// The newest commits of each device all of whose ancestors are held, also those by way of member heads: the other side
/// takes it that everything below is here.
fn complete_heads(connection: &Connection, lid: i64) -> Result<Vec<i64>> {
    let mut links = Vec::new();
    for cid in log::commits_of_ledger(connection, lid)? {
        let (previous, is_whole) = log::previous_of(connection, cid)?;
        if let (true, Some(member_heads)) = (is_whole, log::member_heads_of(connection, cid)?) {
            links.push(Above { cid, previous, member_heads });
        }
    }
    let (mut complete, mut covered) = (HashSet::new(), HashSet::new());
    // What came before its predecessors is found in a later round; the rounds end when one finds nothing.
    loop {
        let before = complete.len();
        links.retain(|Above { cid, previous, member_heads }| {
            let is_complete = previous.iter().chain(member_heads).all(|cid| complete.contains(cid));
            if is_complete {
                complete.insert(*cid);
                covered.extend(previous.iter().copied());
            }
            !is_complete
        });
        if complete.len() == before {
            let mut heads: Vec<i64> = complete.difference(&covered).copied().collect();
            heads.sort_unstable();
            return Ok(heads);
        }
    }
}

fn ladder(connection: &Connection, head: i64) -> Result<Ladder> {
    let mut ids = vec![log::id(connection, head)?];
    let (mut cid, mut distance, mut next) = (head, 0_u64, 1_u64);
    while ids.len() < LADDER_IDS_MAX {
        let Some(previous) = log::previous_of(connection, cid)?.0.into_iter().min() else { break };
        (cid, distance) = (previous, distance + 1);
        if distance == next {
            ids.push(log::id(connection, cid)?);
            next *= 2;
        }
    }
    Ok(Ladder { ids })
}

/// Commits that those of a ledger name and that are not held.
pub(crate) fn missing(connection: &Connection, lid: i64, max: usize) -> Result<Vec<CommitId>> {
    let select = "SELECT DISTINCT missing.id FROM missing JOIN commit_log USING (cid) JOIN feed USING (fid)
        WHERE feed.lid = ?1 LIMIT ?2";
    let mut statement = connection.prepare_cached(select)?;
    let ids = statement.query_map((lid, to_i64(max as u64)), |row| Ok(CommitId(row.get(0)?)))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
