//! `outlay status`: what is stored on the server, what is only here and why, and what is waited for.

use outlay_core::Engine;
use outlay_core::sync::{Connection, LedgerStatus, SyncStatus};

use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::StatusObject;
use crate::output::table::Table;
use crate::output::{Output, text};

pub(crate) fn run(home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let status = engine.sync_status()?;
    let names = names(&engine, &status)?;
    if out.is_json() {
        return out.object(&StatusObject::new(&status, &names));
    }
    who(&status, out)?;
    out.table(&table(&status, &names))?;
    for (ledger, name) in status.ledgers.iter().zip(&names) {
        reasons(ledger, name, out)?;
    }
    out.line(summary(&status))
}

/// The name of each ledger of the status; empty for one that has not come yet.
pub(crate) fn names(engine: &Engine, status: &SyncStatus) -> Result<Vec<String>, Failure> {
    let here = engine.ledgers()?;
    let name = |ledger: &LedgerStatus| here.iter().find(|one| one.id == ledger.ledger).map(|one| one.name.clone());
    Ok(status.ledgers.iter().map(|ledger| name(ledger).unwrap_or_default()).collect())
}

fn who(status: &SyncStatus, out: &mut Output) -> Result<(), Failure> {
    let Some(account) = &status.account else { return Ok(()) };
    out.line(format!("Signed in as {} on {}", account.email, account.server))?;
    if status.is_copied {
        out.line("This database was copied or restored with its key; the next syncs give it one of its own.")?;
    }
    match status.caught_up_ms {
        Some(time_ms) => out.line(format!("All was alike here and there at {}", text::instant_short(time_ms))),
        None => out.line("This device and the server were not alike yet."),
    }
}

fn table(status: &SyncStatus, names: &[String]) -> Table {
    let mut table = Table::new(["LEDGER", ">ON THE SERVER", ">ONLY HERE", ">REFUSED", "STILL TO COME"]);
    for (ledger, name) in status.ledgers.iter().zip(names) {
        table.push([
            if name.is_empty() { ledger.ledger.to_string() } else { name.clone() },
            ledger.stored.to_string(),
            ledger.local.to_string(),
            if ledger.refused == 0 { String::new() } else { ledger.refused.to_string() },
            ledger.complete_from.map(|month| format!("months before {month}")).unwrap_or_default(),
        ]);
    }
    table.without_empty_columns()
}

fn reasons(ledger: &LedgerStatus, name: &str, out: &mut Output) -> Result<(), Failure> {
    for refusals in &ledger.refusals {
        let since = text::instant_short(refusals.since_ms);
        let refused = text::counted(refusals.commits, "change");
        out.line(format!("Refused in {name:?}: {refused} since {since}, because {}", refusals.text))?;
    }
    if ledger.left_out > 0 {
        let changes = text::counted(ledger.left_out, "change");
        out.line(format!("Left out of {name:?}: {changes} from the server, damaged there or forged"))?;
    }
    match ledger.not_opened {
        Some(code) => {
            let code = code.name().replace('_', " ");
            out.line(format!("The server does not open {name:?}: {code}. What is here is kept, and it is asked again"))
        }
        None => Ok(()),
    }
}

/// One line that says where things stand and what to do, if anything.
pub(crate) fn summary(status: &SyncStatus) -> String {
    let here: u64 = status.ledgers.iter().map(|ledger| ledger.local).sum();
    let refused: u64 = status.ledgers.iter().map(|ledger| ledger.refused).sum();
    let changes = match (here, refused) {
        (0, 0) => "everything here is stored on the server".to_owned(),
        (0, _) => format!("{} refused, the rest is stored on the server", counted_are(refused)),
        (_, 0) => format!("{} on this device only", counted_are(here)),
        _ => format!("{} on this device only, and {refused} refused", counted_are(here)),
    };
    if status.account.is_none() {
        let changes = if here == 0 { "there is nothing to send".to_owned() } else { changes };
        return format!("Signed in nowhere; {changes}. To sync: `outlay signup` or `outlay login`");
    }
    format!("{}; {changes}", connection(status))
}

/// `1 change is`, `2 changes are`.
fn counted_are(count: u64) -> String {
    format!("{} {}", text::counted(count, "change"), if count == 1 { "is" } else { "are" })
}

fn connection(status: &SyncStatus) -> String {
    let waiting = status.waiting.as_ref().map(|waiting| waiting.text.as_str());
    let because = |text: &str| waiting.map_or_else(|| text.to_owned(), |why| format!("{text}: {why}"));
    match status.connection {
        Connection::Off => because("Not connected (`outlay sync` syncs once, `outlay sync --watch` stays)"),
        Connection::Connecting => "Connecting".to_owned(),
        Connection::Live => because("Live"),
        Connection::Retrying => because("Not connected, tried again by itself"),
        Connection::Elsewhere => "Another process syncs this database".to_owned(),
        Connection::SignedOut => because("Signed out"),
    }
}
