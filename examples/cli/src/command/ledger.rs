//! `outlay ledger`: making ledgers, listing them, choosing the default one, admitting a further device.

use outlay_core::{DeviceKey, Ledger as LedgerRow};

use crate::args::{InLedger, Ledger};
use crate::command::{aside, member};
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::LedgerObject;
use crate::output::table::Table;
use crate::output::{Output, text};
use crate::{input, lookup};

pub(crate) fn run(args: &Ledger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    match args {
        Ledger::Create { name, currency } => create(name, currency.as_deref(), home, out),
        Ledger::List => list(home, out),
        Ledger::Admit { device, ledger } => admit(device, ledger, home, out),
        Ledger::Use { ledger } => choose(ledger, home, out),
        Ledger::Invite { role, days, ledger } => member::invite(*role, *days, ledger, home, out),
        Ledger::Invitations { take_back: None, ledger } => member::invitations(ledger, home, out),
        Ledger::Invitations { take_back: Some(key), ledger } => member::take_back(key, ledger, home, out),
        Ledger::Join { code } => member::join(code, home, out),
        Ledger::Add { device, role, ledger } => member::add(device, *role, ledger, home, out),
        Ledger::Members { ledger } => member::members(ledger, home, out),
        Ledger::Name { name, ledger } => member::name(name, ledger, home, out),
        Ledger::Role { member, role, ledger } => member::role(member, *role, ledger, home, out),
        Ledger::Transfer { member, ledger } => member::transfer(member, ledger, home, out),
        Ledger::Remove { member, ledger } => member::remove(member, ledger, home, out),
        Ledger::Leave { ledger } => member::leave(ledger, home, out),
        Ledger::Aside { ledger } => aside::list(ledger, home, out),
        Ledger::Accept { commits, ledger } => aside::accept(commits, ledger, home, out),
        Ledger::Confirm { device, ledger } => member::confirm(device, ledger, home, out),
    }
}

fn create(name: &str, currency: Option<&str>, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let currency = currency.map(input::currency).transpose()?;
    if name.trim().is_empty() {
        return Err(Failure::invalid("a ledger has a name"));
    }
    let engine = home.open_or_create(currency)?;
    let currency = currency.map_or_else(|| home.currency(None), Ok)?;
    let ledger = engine.create_ledger(name, currency)?;
    answer("Made", &ledger, out)
}

fn list(home: &Home, out: &mut Output) -> Result<(), Failure> {
    let ledgers = home.open()?.ledgers()?;
    if out.is_json() {
        return ledgers.iter().try_for_each(|ledger| out.object(&LedgerObject::from(ledger)));
    }
    if ledgers.is_empty() {
        out.remark("There is no ledger yet. The first expense makes one, and `outlay ledger create NAME` too.");
    }
    let mut table = Table::new(["ID", "NAME", "CURRENCY", "ROLE", "DEFAULT"]);
    for ledger in &ledgers {
        table.push([
            ledger.id.to_string(),
            ledger.name.clone(),
            ledger.currency.map(|currency| currency.to_string()).unwrap_or_default(),
            ledger.role.map_or("none: read only", text::role).to_owned(),
            (if ledger.is_default { "default" } else { "" }).to_owned(),
        ]);
    }
    out.table(&table.without_empty_columns())
}

fn admit(device: &str, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let device = device_key(device)?;
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, ledger.ledger.as_deref())?;
    engine.admit_device(ledger.id, device)?;
    if out.is_json() {
        return out.object(&serde_json::json!({"ledger": ledger.id.to_string(), "device": device.to_string()}));
    }
    out.line(format!("Admitted {} to {}", text::short_id(&device.to_string()), described(&ledger)))?;
    out.line("It can write as soon as it has taken in an export of this ledger made from now on.")
}

/// A key as `outlay device` prints it.
pub(super) fn device_key(text: &str) -> Result<DeviceKey, Failure> {
    text.parse().map_err(|_| Failure::invalid(format!("{text:?} is no device key: it has 64 hexadecimal digits")))
}

fn choose(named: &str, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, Some(named))?;
    engine.set_default_ledger(ledger.id)?;
    answer("Now the default:", &LedgerRow { is_default: true, ..ledger }, out)
}

fn answer(verb: &str, ledger: &LedgerRow, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        return out.object(&LedgerObject::from(ledger));
    }
    out.line(format!("{verb} {}", described(ledger)))
}

fn described(ledger: &LedgerRow) -> String {
    let currency = ledger.currency.map(|currency| format!(" in {currency}")).unwrap_or_default();
    format!("ledger {:?}{currency}  {}", ledger.name, ledger.id)
}
