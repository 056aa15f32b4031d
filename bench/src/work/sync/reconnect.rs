//! Connecting again when nothing is new on either side: round trips and bytes, with one ledger and with many.

use std::path::Path;

use outlay_core::sync::SignInOptions;
use outlay_core::{Currency, Engine, Options};

use super::{PATIENCE, complete, credentials};
use crate::figure::{At, Figure, LEDGERS};
use crate::generate::Rows;
use crate::ground::Outcome;
use crate::load::block_on;
use crate::load::person::converse;
use crate::relay::{Relay, Traffic, Way};
use crate::report::{Measured, Report};
use crate::server::{Server, email, secret_beside, sign_in, url};

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let server = Server::start(&folder.join("reconnect"))?;
    let relay = Relay::to(server.address)?;
    let path = folder.join("reconnect.db");
    let engine = Engine::open(&path, Options::default())?;
    add_ledger(&engine)?;
    engine.sign_up(&url(relay.address)?, &credentials(0), &SignInOptions::default())?;
    let one = reconnect(&engine, &relay)?;
    for _ in 1..LEDGERS {
        add_ledger(&engine)?;
    }
    let many = reconnect(&engine, &relay)?;
    let trips = round_trips(&server, &engine, &path)?;
    let both_ways = |traffic: &Traffic| traffic.bytes(Way::Up) + traffic.bytes(Way::Down);
    let each = both_ways(&many).saturating_sub(both_ways(&one)).div_ceil(LEDGERS - 1);
    let mut put = |figure, at, value| report.put(figure, at, Measured { value, ..Measured::default() });
    put(Figure::ReconnectTrips, At::Ledgers(LEDGERS), trips);
    put(Figure::ReconnectBytes, At::Ledgers(1), both_ways(&one));
    put(Figure::ReconnectUpgrade, At::Ledgers(1), one.upgrade_bytes);
    put(Figure::ReconnectEach, At::Ledgers(LEDGERS), each);
    server.stop()
}

fn add_ledger(engine: &Engine) -> Outcome<()> {
    let ledger = engine.create_ledger("Home", Currency::EUR)?.id;
    for row in Rows::new(2).take(10) {
        engine.add_expense(ledger, row.expense()?)?;
    }
    Ok(())
}

/// What passes when everything is alike already.
fn reconnect(engine: &Engine, relay: &Relay) -> Outcome<Traffic> {
    complete(&engine.sync_once(PATIENCE)?)?;
    relay.take();
    complete(&engine.sync_once(PATIENCE)?)?;
    Ok(relay.take())
}

/// How often the device has to speak, and wait for an answer, until it knows that nothing is new.
fn round_trips(server: &Server, engine: &Engine, path: &Path) -> Outcome<u64> {
    block_on(async {
        let entered = sign_in(server.address, &email(0), &secret_beside(path)?).await?;
        Ok(converse(engine, &entered, server.address, |_| Ok(())).await?.flights)
    })
}
