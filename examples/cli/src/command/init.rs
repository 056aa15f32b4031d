//! `outlay init`: the home folder, an empty database and a device key. It makes no ledger.

use crate::args::Init;
use crate::failure::Failure;
use crate::home::Home;
use crate::input;
use crate::output::Output;
use crate::output::json::HomeObject;

/// Repeating it changes nothing but the currency, if one is given.
pub(crate) fn run(args: &Init, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let currency = args.currency.as_deref().map(input::currency).transpose()?;
    let created = !home.has_database();
    let engine = home.open_or_create(currency)?;
    if let Some(currency) = currency {
        home.save_currency(currency)?;
    }
    if out.is_json() {
        return out.object(&HomeObject {
            home: home.folder().display().to_string(),
            database: home.database().display().to_string(),
            device: engine.device_key().to_string(),
            currency: currency.map(|currency| currency.to_string()),
            created,
        });
    }
    let verb = if created { "Made" } else { "There is already" };
    out.line(format!("{verb} {}", home.database().display()))?;
    out.line("Add the first expense: outlay add 12.50 \"Corner Café\" -c Food")
}
