//! `outlay add`, `edit`, `rm` and `restore`: each answers with the entry as it is then.

use outlay_core::{Edit, Engine, Expense, NewExpense};

use crate::args;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::ExpenseObject;
use crate::output::{Output, text};
use crate::{input, lookup};

pub(crate) fn add(args: &args::Add, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let own_currency = input::own_currency(&args.amount);
    let engine = home.open_or_create(own_currency)?;
    let ledger = lookup::ledger(&engine, args.ledger.ledger.as_deref())?;
    let settled = ledger.as_ref().and_then(|ledger| ledger.currency);
    let amount = input::amount(&args.amount, settled.map_or_else(|| home.currency(own_currency), Ok)?)?;
    let new = NewExpense {
        kind: input::kind(args.kind),
        category: args.category.as_deref().map(input::category).transpose()?,
        account: args.account.as_deref().map(input::account).transpose()?,
        to_account: args.to_account.as_deref().map(input::account).transpose()?,
        date: args.date.as_deref().map(input::date).transpose()?,
        time: args.time.as_deref().map(input::time).transpose()?,
        note: args.note.clone().unwrap_or_default(),
        tags: args.tag.clone(),
        ..NewExpense::new(amount, args.payee.as_str())
    };
    let ledger = ledger.map_or_else(|| engine.ensure_default_ledger(), Ok)?;
    let added = engine.add_expense(ledger.id, new)?;
    answer("Added", &added, out)
}

pub(crate) fn edit(args: &args::Edit, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    let edit = change(&args.change, &expense, &engine, home)?;
    let edited = engine.edit_expense(expense.ledger, expense.id, edit)?;
    answer("Changed", &edited, out)
}

pub(crate) fn remove(args: &args::Id, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    answer("In the trash:", &engine.delete_expense(expense.ledger, expense.id)?, out)
}

pub(crate) fn restore(args: &args::Id, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    answer("Restored", &engine.restore_expense(expense.ledger, expense.id)?, out)
}

fn change(args: &args::Change, expense: &Expense, engine: &Engine, home: &Home) -> Result<Edit, Failure> {
    let amount = match &args.amount {
        Some(text) => Some(input::amount(text, currency_of(expense, engine, home)?)?),
        None => None,
    };
    Ok(Edit {
        kind: args.kind.map(input::kind),
        amount,
        payee: args.payee.clone(),
        category: cleared_or(args.category.as_deref(), input::category)?,
        account: cleared_or(args.account.as_deref(), input::account)?,
        to_account: cleared_or(args.to_account.as_deref(), input::account)?,
        date: args.date.as_deref().map(input::date).transpose()?,
        time: cleared_or(args.time.as_deref(), input::time)?,
        note: args.note.clone(),
        tags: tags(&args.tag),
        refund_of: None,
    })
}

/// The currency that an amount without one is in: that of the entry, else of its ledger.
fn currency_of(expense: &Expense, engine: &Engine, home: &Home) -> Result<outlay_core::Currency, Failure> {
    if let Some(amount) = expense.amount {
        return Ok(amount.currency());
    }
    let of_ledger = engine.ledgers()?.into_iter().find(|ledger| ledger.id == expense.ledger);
    of_ledger.and_then(|ledger| ledger.currency).map_or_else(|| home.currency(None), Ok)
}

/// An empty text clears; what is not given stays.
fn cleared_or<T>(text: Option<&str>, parse: fn(&str) -> Result<T, Failure>) -> Result<Option<Option<T>>, Failure> {
    match text {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => Ok(Some(Some(parse(text)?))),
    }
}

/// The tags that are to replace the others; an empty one alone takes all off.
fn tags(given: &[String]) -> Option<Vec<String>> {
    let named = given.iter().filter(|tag| !tag.is_empty()).cloned().collect();
    (!given.is_empty()).then_some(named)
}

fn answer(verb: &str, expense: &Expense, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        return out.object(&ExpenseObject::from(expense));
    }
    let id = expense.id.to_string();
    out.line(format!("{verb} {}  [{}]", text::summary(expense), text::short_id(&id)))
}
