//! `outlay commitments`: payments that come back, and what a person says of them.

use std::ops::ControlFlow;

use outlay_core::insight::objects::CommitmentObject;
use outlay_core::insight::recurring::{Commitment, Standing};
use outlay_core::insight::wording::{Names, patterns};
use outlay_core::{Decision, DocumentId, Engine, InsightOptions, LedgerId};

use crate::args;
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::table::{Table, printable};
use crate::output::{Output, insight, text};

pub(crate) fn run(args: &args::Commitments, home: &Home, out: &mut Output) -> Result<(), Failure> {
    match args {
        args::Commitments::List { all, ledger } => list(*all, ledger, home, out),
        args::Commitments::Confirm(meant) => decide(meant, Some(Decision::Confirmed), home, out),
        args::Commitments::Dismiss(meant) => decide(meant, Some(Decision::Dismissed), home, out),
        args::Commitments::Undecide(meant) => decide(meant, None, home, out),
    }
}

fn list(all: bool, ledger: &args::InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let Some(ledger) = lookup::ledger(&engine, ledger.ledger.as_deref())? else {
        out.remark("There is no ledger yet: nothing comes back.");
        return Ok(());
    };
    let names = lookup::category_names(&engine, ledger.id)?;
    let mut found = found(&engine, ledger.id)?;
    found.retain(|commitment| all || commitment.standing != Standing::Dismissed);
    if out.is_json() {
        return found.iter().try_for_each(|commitment| out.object(&CommitmentObject::new(commitment, &names)));
    }
    if found.is_empty() {
        out.remark("No payment was found that comes back.");
        return Ok(());
    }
    out.table(&table(&found, &names))
}

fn decide(meant: &args::Commitment, decision: Option<Decision>, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, meant.ledger.ledger.as_deref())?.id;
    let names = lookup::category_names(&engine, ledger)?;
    let commitment = commitment(&found(&engine, ledger)?, &meant.commitment, &names)?.clone();
    let payments: Vec<DocumentId> = commitment.payments.iter().map(|payment| payment.entry).collect();
    engine.decide_commitment(ledger, &payments, decision)?;
    let now = found(&engine, ledger)?;
    let now = now.iter().find(|one| one.id == commitment.id).unwrap_or(&commitment);
    if out.is_json() {
        return out.object(&CommitmentObject::new(now, &names));
    }
    let verb = match now.standing {
        Standing::Confirmed => "Confirmed",
        Standing::Dismissed => "Dismissed",
        Standing::Found => "Undecided",
    };
    out.line(format!("{verb}: {}", printable(&patterns::commitment(now, &names).join(" "))))
}

fn found(engine: &Engine, ledger: LedgerId) -> Result<Vec<Commitment>, Failure> {
    let insights = engine.insights(ledger, &InsightOptions::default(), &mut |_| ControlFlow::Continue(()))?;
    Ok(insights.commitments)
}

/// The commitment that is called so, or has a payment with such an id.
fn commitment<'a>(found: &'a [Commitment], named: &str, names: &Names) -> Result<&'a Commitment, Failure> {
    let called = named.trim().to_lowercase();
    let is_called = |one: &&Commitment| patterns::commitment_name(one, names).to_lowercase() == called;
    let has_payment =
        |one: &&Commitment| one.payments.iter().any(|payment| lookup::is_named(&payment.entry, named.trim()));
    let meant = found.iter().filter(|one| is_called(one) || has_payment(one));
    let several = || format!("several commitments are called {named:?}; give the id of one");
    lookup::the_one(meant, several, || format!("no payment that comes back is called {named:?}"))
}

fn table(found: &[Commitment], names: &Names) -> Table {
    let ids: Vec<String> = found.iter().map(|one| one.id.0.to_string()).collect();
    let mut table =
        Table::new(["ID", "NAME", "KIND", ">AMOUNT", "HOW OFTEN", "NEXT", ">PAYMENTS", "MISSED", "DECIDED"]);
    for (one, id) in found.iter().zip(text::short_ids(&ids)) {
        let kind = text::kind(Some(one.kind));
        table.push([
            id.to_owned(),
            patterns::commitment_name(one, names).to_owned(),
            (if kind == "expense" { "" } else { kind }).to_owned(),
            patterns::amount(one.amount, one.currency),
            patterns::cadence(one.cadence).to_owned(),
            one.next.map_or_else(|| "(stopped)".to_owned(), |date| date.to_string()),
            one.payments.len().to_string(),
            one.missed.last().map_or_else(String::new, ToString::to_string),
            insight::standing(one.standing).to_owned(),
        ]);
    }
    table.without_empty_columns()
}
