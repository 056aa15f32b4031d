//! Plots of insights as SVG files: what months cost and where this one will end, phases, and the rhythm map.
//!
//! They are drawn with whole numbers only, so the same ledger gives the same bytes on every machine. The background is
//! white, and what is told by a colour is told by a word too.

mod canvas;
mod months;
mod phases;
mod rhythm;
mod scale;

use std::fs;
use std::path::Path;

use outlay_core::insight::insights::{CurrencyInsights, Insights};
use outlay_core::insight::wording::Names;

use crate::failure::Failure;

/// Draws the plots of each currency into a folder, made now if there is none; answers the files.
pub(crate) fn draw(folder: &Path, ledger: &str, insights: &Insights, names: &Names) -> Result<Vec<String>, Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let mut files = Vec::new();
    for currency in &insights.currencies {
        for (name, svg) in plots(ledger, currency, names) {
            let path = folder.join(format!("{name}-{}.svg", currency.currency));
            fs::write(&path, svg).map_err(|error| Failure::file(&path, &error))?;
            files.push(path.display().to_string());
        }
    }
    Ok(files)
}

fn plots(ledger: &str, currency: &CurrencyInsights, names: &Names) -> [(&'static str, String); 3] {
    [
        ("months", months::draw(ledger, currency, names)),
        ("phases", phases::draw(ledger, currency, names)),
        ("rhythm", rhythm::draw(ledger, currency, names)),
    ]
}
