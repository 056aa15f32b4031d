//! `outlay list` and `search`: entries of one ledger, page by page.

use outlay_core::{DocumentId, Engine, Expense, Filter, Ledger, Sort};

use crate::args;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::ExpenseObject;
use crate::output::table::Table;
use crate::output::{Output, text};
use crate::{input, lookup};

/// Rows of a table when no limit is given: a screen or two.
const TABLE_ROWS: u64 = 50;

pub(crate) fn list(args: &args::Filter, home: &Home, out: &mut Output) -> Result<(), Failure> {
    show(args, None, home, out)
}

pub(crate) fn search(args: &args::Search, home: &Home, out: &mut Output) -> Result<(), Failure> {
    if args.text.trim().is_empty() {
        return Err(Failure::invalid("a search needs a word"));
    }
    show(&args.filter, Some(&args.text), home, out)
}

fn show(args: &args::Filter, words: Option<&str>, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let Some(ledger) = lookup::ledger(&engine, args.ledger.ledger.as_deref())? else {
        out.remark("There is no ledger yet: nothing to list.");
        return Ok(());
    };
    let selection = Selection {
        filter: filter(args, words, &engine, &ledger)?,
        sort: sort(args.sort),
        after: after(args.after.as_deref(), &engine, out.is_json())?,
        limit: args.limit,
        ledger,
    };
    if out.is_json() { selection.objects(&engine, out) } else { selection.table(&engine, out) }
}

/// Which entries to show.
struct Selection {
    ledger: Ledger,
    filter: Filter,
    sort: Sort,
    after: Option<DocumentId>,
    limit: Option<u64>,
}

impl Selection {
    fn objects(&self, engine: &Engine, out: &mut Output) -> Result<(), Failure> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        self.each(engine, |expense| {
            out.object(&ExpenseObject::from(&expense))?;
            left -= 1;
            Ok(left > 0)
        })
    }

    fn table(&self, engine: &Engine, out: &mut Output) -> Result<(), Failure> {
        let limit = self.limit.unwrap_or(TABLE_ROWS);
        let mut expenses = Vec::new();
        let mut has_more = false;
        self.each(engine, |expense| {
            has_more = u64::try_from(expenses.len()).is_ok_and(|count| count == limit);
            if !has_more {
                expenses.push(expense);
            }
            Ok(!has_more)
        })?;
        out.table(&table(&expenses))?;
        match expenses.last() {
            Some(last) if has_more => out.remark(format!("There is more: go on with --after {}", last.id)),
            Some(_) => {}
            None => out.remark("Nothing found."),
        }
        Ok(())
    }

    fn each(&self, engine: &Engine, visit: impl FnMut(Expense) -> Result<bool, Failure>) -> Result<(), Failure> {
        lookup::each_expense(engine, self.ledger.id, &self.filter, self.sort, self.after, visit)
    }
}

fn filter(args: &args::Filter, words: Option<&str>, engine: &Engine, ledger: &Ledger) -> Result<Filter, Failure> {
    let category = args.category.as_deref().map(|path| lookup::category(engine, ledger.id, path)).transpose()?;
    let account = args.account.as_deref().map(|name| lookup::account(engine, ledger.id, name)).transpose()?;
    let amount = |text: &Option<String>| match (text, ledger.currency) {
        (None, _) => Ok(None),
        (Some(text), Some(currency)) => Ok(Some(input::amount(text, currency)?)),
        (Some(text), None) => Ok(Some(input::amount_with_currency(text)?)),
    };
    let amounts: Result<_, Failure> = amount(&args.min).and_then(|min| Ok((min, amount(&args.max)?)));
    let (amount_min, amount_max) = amounts?;
    Ok(Filter {
        from: args.from.as_deref().map(input::date).transpose()?,
        to: args.to.as_deref().map(input::date).transpose()?,
        month: args.month.as_deref().map(input::month).transpose()?,
        category: category.map(|named| named.id),
        account: account.map(|named| named.id),
        payee: args.payee.clone(),
        tag: args.tag.clone(),
        kind: args.kind.map(input::kind),
        amount_min,
        amount_max,
        text: words.map(str::to_owned),
        deleted: args.deleted,
    })
}

fn sort(sort: args::Sort) -> Sort {
    match sort {
        args::Sort::Newest => Sort::Newest,
        args::Sort::Oldest => Sort::Oldest,
        args::Sort::Largest => Sort::Largest,
        args::Sort::Smallest => Sort::Smallest,
    }
}

fn after(id: Option<&str>, engine: &Engine, is_json: bool) -> Result<Option<DocumentId>, Failure> {
    id.map(|id| Ok(lookup::expense(engine, id, is_json)?.id)).transpose()
}

fn table(expenses: &[Expense]) -> Table {
    let ids: Vec<String> = expenses.iter().map(|expense| expense.id.to_string()).collect();
    let mut table =
        Table::new(["ID", "DATE", ">AMOUNT", "KIND", "PAYEE", "CATEGORY", "ACCOUNT", "TAGS", "NOTE", "CONFLICT"]);
    for (expense, id) in expenses.iter().zip(text::short_ids(&ids)) {
        let kind = text::kind(expense.kind);
        table.push([
            id.to_owned(),
            expense.date.to_string(),
            text::amount(expense.amount),
            (if kind == "expense" { "" } else { kind }).to_owned(),
            expense.payee.clone(),
            text::name(expense.category.as_ref()).to_owned(),
            text::accounts(expense),
            expense.tags.join(" "),
            expense.note.clone(),
            (if expense.conflicted { "!" } else { "" }).to_owned(),
        ]);
    }
    table.without_empty_columns()
}
