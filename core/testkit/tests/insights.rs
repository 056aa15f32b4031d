//! One household, one text: what its insights are on a device, in whatever order its entries came, and on a server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outlay_core::sync::{Credentials, ServerAddress, SignInOptions};
use outlay_core::{Currency, Date, Engine, InsightOptions, LedgerId};
use outlay_server::expenses::projection;
use outlay_server::expenses::spending::spending;
use outlay_server::insights::insights_of;
use outlay_server::store::{Store, StoreOptions};
use outlay_server::{ledgers, serve};
use outlay_testkit::household::{GOLDEN, Paid, TODAY, entries, told};
use outlay_testkit::random::Random;

/// An engine that was given these entries one by one.
fn household(entries: &[Paid]) -> (Engine, LedgerId) {
    let engine = Engine::open_in_memory().unwrap();
    let ledger = engine.create_ledger("Home", Currency::EUR).unwrap().id;
    for paid in entries {
        engine.add_expense(ledger, paid.expense()).unwrap();
    }
    (engine, ledger)
}

/// What it says.
fn said(entries: &[Paid]) -> String {
    let (engine, ledger) = household(entries);
    let names = engine.categories(ledger).unwrap().into_iter().map(|category| (category.id, category.name)).collect();
    let dates: BTreeMap<_, _> = engine.spending(ledger).unwrap().iter().map(|row| (row.id, row.date)).collect();
    let options = InsightOptions { today: Some(Date::parse(TODAY).unwrap()), ..InsightOptions::default() };
    let insights = engine.insights(ledger, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    told(&insights, &names, &dates)
}

fn shuffle(entries: &mut [Paid], random: &mut Random) {
    for last in (1..entries.len()).rev() {
        entries.swap(last, random.below(last + 1));
    }
}

#[test]
fn the_household_is_told_as_it_is_written_down_in_whatever_order_it_came() {
    let mut entries = entries();
    let oldest_first = said(&entries);
    assert!(oldest_first == GOLDEN, "core/testkit/golden/insights.txt is not:\n{oldest_first}");
    for seed in 1..=2 {
        shuffle(&mut entries, &mut Random::new(seed));
        assert!(said(&entries) == GOLDEN, "in another order, seed {seed}:\n{}", said(&entries));
    }
}

/// The household as it is exported but for its ids, which are others each time: the packages for other languages import it and
/// say the same.
const EXPORTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bindings/vectors/insights.csv");

fn exported() -> String {
    let (engine, ledger) = household(&entries());
    let mut csv = Vec::new();
    engine.export_csv(ledger, &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let (header, rows) = csv.split_once("\r\n").unwrap();
    let without_id = rows.lines().map(|row| format!("{},\n", row.rsplit_once(',').unwrap().0));
    format!("{header}\n") + &without_id.collect::<String>()
}

#[test]
fn the_file_that_other_languages_import_is_the_household() {
    let file = std::fs::read_to_string(EXPORTED).unwrap();
    assert!(
        file == exported(),
        "bindings/vectors/insights.csv is another household; it is written anew with -- --ignored"
    );
}

#[test]
#[ignore = "writes the file anew"]
fn write_the_file_that_other_languages_import() {
    std::fs::write(EXPORTED, exported()).unwrap();
}

#[test]
fn a_day_of_the_household_has_one_entry_at_most() {
    let entries = entries();
    assert!(entries.is_sorted_by(|one, next| one.date < next.date));
}

/// A server, killed when the test ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a server that this device syncs with says of its ledger, read from its database.
fn said_by_a_server(engine: &Engine, ledger: LedgerId) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(outlay_testkit::program::server().unwrap());
    serve.args(["serve", "--dev", "--log", "error", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
    let mut serving = Serving(serve.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = ServerAddress::parse(line.trim().strip_prefix("listening on ").unwrap()).unwrap();
    let ana = Credentials { email: "ana@example.org".into(), password: "correct horse battery".into() };
    engine.sign_up(&address, &ana, &SignInOptions::default()).unwrap();
    let synced = engine.sync_once(Duration::from_secs(60)).unwrap();
    assert!(synced.is_complete);
    drop(serving);

    let mut store = Store::open(&serve::database(folder.path()), StoreOptions::beside()).unwrap();
    while !store.write(|write| projection::step(write, &ledger)).unwrap() {}
    let lid = ledgers::find(store.connection(), &ledger).unwrap().unwrap().lid;
    let spending = spending(store.connection(), lid, 10_000).unwrap().unwrap();
    let names = spending.names.clone();
    let dates = spending.rows.iter().map(|row| (row.id, row.date)).collect();
    let found = insights_of(spending, Date::parse(TODAY).unwrap(), &mut |_| ControlFlow::Continue(()));
    let ControlFlow::Continue(insights) = found else { panic!("nobody broke it off") };
    told(&insights, &names, &dates)
}

#[test]
fn a_server_tells_the_household_as_it_is_written_down() {
    let (engine, ledger) = household(&entries());
    let told = said_by_a_server(&engine, ledger);
    assert!(told == GOLDEN, "a server says:\n{told}");
}
