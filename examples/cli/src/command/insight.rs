//! `outlay insights` and `suggest`: what the entries of a ledger show.

use std::ops::ControlFlow;

use outlay_core::insight::objects::{InsightsObject, SuggestionObject};
use outlay_core::insight::wording;
use outlay_core::{InsightOptions, Money, NewExpense};

use crate::args;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::PlottedObject;
use crate::output::table::printable;
use crate::output::{Output, insight};
use crate::{input, lookup, plot};

pub(crate) fn run(args: &args::Insights, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let Some(ledger) = lookup::ledger(&engine, args.ledger.ledger.as_deref())? else {
        out.remark("There is no ledger yet: nothing to say.");
        return Ok(());
    };
    let left_out = args.leave_out.iter().map(|path| Ok(lookup::category(&engine, ledger.id, path)?.id));
    let options = InsightOptions {
        today: args.on.as_deref().map(input::date).transpose()?,
        left_out: left_out.collect::<Result<_, Failure>>()?,
        ..InsightOptions::default()
    };
    let insights = engine.insights(ledger.id, &options, &mut |_| ControlFlow::Continue(()))?;
    let names = lookup::category_names(&engine, ledger.id)?;
    let plots = args.plots.as_deref().map(|folder| plot::draw(folder, &ledger.name, &insights, &names)).transpose()?;
    if out.is_json() {
        let insights = InsightsObject::new(ledger.id, &insights, &names);
        return out.object(&PlottedObject { insights, plots });
    }
    insight::tell(&ledger, &insights, &names, out)?;
    for file in plots.into_iter().flatten() {
        out.remark(format!("Drawn: {file}"));
    }
    Ok(())
}

pub(crate) fn suggest(args: &args::Suggest, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, args.ledger.ledger.as_deref())?;
    let currency = ledger.currency.map_or_else(|| home.currency(None), Ok)?;
    let amount = match &args.amount {
        Some(text) => input::amount(text, currency)?,
        None => Money::nearest(0, currency),
    };
    let new = NewExpense {
        account: args.account.as_deref().map(input::account).transpose()?,
        note: args.note.clone().unwrap_or_default(),
        ..NewExpense::new(amount, args.payee.as_str())
    };
    let suggestion = engine.suggest(ledger.id, &new)?;
    let names = lookup::category_names(&engine, ledger.id)?;
    if out.is_json() {
        return out.object(&SuggestionObject::new(suggestion.as_ref(), &names));
    }
    match suggestion {
        Some(suggestion) => out.line(printable(&wording::suggestion(&suggestion, &names))),
        None => {
            out.remark("Nothing is certain enough.");
            Ok(())
        }
    }
}
