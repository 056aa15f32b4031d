//! Times in which a household spent differently: its months, each in the colour of its phase.

use outlay_core::Month;
use outlay_core::insight::insights::CurrencyInsights;
use outlay_core::insight::phases::{Phase, Phases};
use outlay_core::insight::wording::{Names, patterns};

use super::canvas::Canvas;
use super::months::{Bars, latest};

/// Of each phase one, and of months that have none. They differ in lightness too.
const COLOURS: [&str; 4] = ["#1f5fbf", "#e39a2d", "#17804d", "#8a4fa3"];
const NONE: &str = "#b8c0c8";

pub(super) fn draw(ledger: &str, of: &CurrencyInsights, names: &Names) -> String {
    let mut canvas = Canvas::new(&format!("{ledger}: times of different spending, {}", of.currency));
    patterns::phases(&of.phases, names).iter().for_each(|sentence| canvas.sentence(sentence));
    let phases: &[Phase] = match &of.phases {
        Phases::Found(found) => &found.phases,
        Phases::NoClearPattern | Phases::NotEnough { .. } => &[],
    };
    let keys: Vec<(&str, String)> = COLOURS.into_iter().zip(phases.iter().map(named)).collect();
    canvas.keys(&keys.iter().map(|(colour, name)| (*colour, name.as_str())).collect::<Vec<_>>());
    let bars = Bars::new(latest(of), of.currency, 0, &mut canvas);
    bars.axes(&mut canvas);
    bars.draw(&mut canvas, |month| colour(month, phases));
    if let Phases::Found(found) = &of.phases
        && let Some(boundary) = found.boundary
    {
        bars.mark_before(boundary.from, &mut canvas);
        bars.mark_before(boundary.to, &mut canvas);
    }
    canvas.finish(bars.bottom() + 56)
}

fn colour(month: Month, phases: &[Phase]) -> &'static str {
    let colours = COLOURS.into_iter().zip(phases);
    colours.filter(|(_, phase)| phase.months.contains(&month)).map(|(colour, _)| colour).next().unwrap_or(NONE)
}

/// A phase by its months.
fn named(phase: &Phase) -> String {
    match phase.months.as_slice() {
        [] => String::new(),
        [month] => month.to_string(),
        [first, .., last] => format!("{} months from {first} to {last}", phase.months.len()),
    }
}
