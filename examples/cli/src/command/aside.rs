//! `outlay ledger aside` and `accept`: what removed members wrote before they knew.

use outlay_core::{AsideCommit, CommitId, Engine, ErrorKind, LedgerId};
use serde_json::json;

use crate::args::InLedger;
use crate::command::member::{answer, between_syncs};
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::json::AsideObject;
use crate::output::table::Table;
use crate::output::{Output, text};

pub(crate) fn list(ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, ledger.ledger.as_deref())?;
    fetch(&engine, ledger.id)?;
    let aside = engine.aside(ledger.id)?;
    if out.is_json() {
        return aside.iter().try_for_each(|commit| out.object(&AsideObject::from(commit)));
    }
    let mut table = Table::new(["COMMIT", "BY", "WRITTEN", "CHANGES"]);
    for commit in &aside {
        let device = commit.author.device.to_string();
        table.push([
            text::short_id(&commit.id.to_string()).to_owned(),
            commit.author.name.clone().unwrap_or_else(|| text::short_id(&device).to_owned()),
            text::instant_short(commit.time_ms),
            commit.changes.to_string(),
        ]);
    }
    out.table(&table)
}

/// Accepts those that were named, or all.
pub(crate) fn accept(named: &[String], ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, accepted) = between_syncs(&engine, ledger, |id| {
        fetch(&engine, id)?;
        let aside = engine.aside(id)?;
        let accepted: Vec<CommitId> = if named.is_empty() {
            aside.iter().map(|commit| commit.id).collect()
        } else {
            named.iter().map(|named| find(&aside, named)).collect::<Result<_, _>>()?
        };
        if accepted.is_empty() {
            return Err(Failure::not_found("nothing is set aside in this ledger"));
        }
        engine.accept(id, &accepted)?;
        Ok(accepted)
    })?;
    let ids: Vec<String> = accepted.iter().map(ToString::to_string).collect();
    let object = json!({"ledger": done.ledger.id.to_string(), "accepted": ids, "synced": done.is_synced});
    let line = format!("Accepted {} in {:?}", text::counted(accepted.len() as u64, "commit"), done.ledger.name);
    answer(&done, &object, &line, out)
}

/// Gets what the server keeps; without one, or for who may not, what is here is all there is.
fn fetch(engine: &Engine, ledger: LedgerId) -> Result<(), Failure> {
    use ErrorKind::{Forbidden, NotFound, Offline, RateLimited, SignedOut};
    match engine.fetch_aside(ledger) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), Forbidden | NotFound | Offline | RateLimited | SignedOut) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn find(aside: &[AsideCommit], named: &str) -> Result<CommitId, Failure> {
    let found = aside.iter().map(|commit| commit.id).filter(|id| lookup::is_named(id, named));
    let several = || format!("several commits begin with {named:?}; give more digits");
    lookup::the_one(found, several, || format!("nothing that is set aside is called {named:?}"))
}
