//! A device that has nothing yet and signs in to a ledger of 100,000 expenses.
//!
//! It is timed from the beginning of the connection until the newest months are there, complete and durable, and until
//! everything is. Signing in, which is hashing a password, is before that.

use std::path::Path;

use outlay_core::{Engine, LedgerId, Month, Options};

use super::{PATIENCE, complete, count, credentials};
use crate::figure::{At, Figure, SYNCED};
use crate::generate::Rows;
use crate::ground::{Ground, Outcome};
use crate::load::block_on;
use crate::load::person::converse;
use crate::meter::Spent;
use crate::report::{Measured, Report};
use crate::server::{Server, email, secret_beside, sign_in};

/// When what was there.
pub(crate) struct Fetched {
    pub(crate) usable_ns: u64,
    /// Everything: the wall, and the processor's time of the device alone.
    pub(crate) all: Spent,
}

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let server = Server::start(&folder.join("fresh"))?;
    let folder = &folder.join("imported");
    std::fs::create_dir_all(folder)?;
    let (ground, _) = Ground::build(folder, SYNCED)?;
    let engine = ground.engine()?;
    engine.sign_up(&server.url()?, &credentials(0), &outlay_core::sync::SignInOptions::default())?;
    complete(&engine.sync_once(PATIENCE)?)?;
    let fetched = fetch(&server, &folder.join("fresh.db"), &engine, ground.ledger)?;
    fetched.put(At::Imported(SYNCED), report);
    server.stop()
}

impl Fetched {
    pub(crate) fn put(&self, at: At, report: &mut Report) {
        report.put(Figure::FreshUsable, at, Measured { value: self.usable_ns, ..Measured::default() });
        let Spent { cpu_ns, wall_ns } = self.all;
        report.put(Figure::FreshAll, at, Measured { value: wall_ns, cpu_ns: Some(cpu_ns), ..Measured::default() });
    }
}

/// Brings the ledger of another device of the same person to a fresh one.
pub(crate) fn fetch(server: &Server, path: &Path, other: &Engine, ledger: LedgerId) -> Outcome<Fetched> {
    let engine = Engine::open(path, Options::default())?;
    let newest = newest_month()?;
    let is_alike = |first, last| -> Outcome<bool> {
        Ok(engine.totals(ledger, first, last)? == other.totals(ledger, first, last)?)
    };
    let mut usable = None;
    let fetched = block_on(async {
        let entered = sign_in(server.address, &email(0), &secret_beside(path)?).await?;
        let caught_up = |wall_ns| {
            if usable.is_none() && is_alike(newest, newest)? {
                usable = Some(wall_ns);
            }
            Ok(())
        };
        converse(&engine, &entered, server.address, caught_up).await
    })?;
    if count(&engine, ledger)? != count(other, ledger)? {
        return Err("a fresh device did not get everything".into());
    }
    let usable_ns = usable.ok_or("the newest months were not there when they were said to be")?;
    Ok(Fetched { usable_ns, all: fetched.spent })
}

/// The last month that rows have.
fn newest_month() -> Outcome<Month> {
    let date = Rows::new(1).take(10_000).map(|row| row.date).max().ok_or("there are no rows")?;
    Ok(Month::from_date(date))
}
