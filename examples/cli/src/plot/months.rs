//! What months cost, what a month usually costs, and where this one will end.

use outlay_core::insight::forecast::{Bounds, Expectation, Forecast};
use outlay_core::insight::insights::CurrencyInsights;
use outlay_core::insight::months::Target;
use outlay_core::insight::wording::{Names, patterns};
use outlay_core::{Currency, Month};

use super::canvas::{Anchor, Canvas, FAINT, GRID, INK, LEFT, RIGHT};
use super::scale::{Even, money};

const HEIGHT: i64 = 300;
/// Months that are drawn: more are too thin to tell apart.
const MONTHS_MAX: usize = 60;
/// A usual month is the median of so many, so its band lies over them.
const BAND_MONTHS: usize = 6;
const PAST: &str = "#9db7d8";
const NOW: &str = "#1f5fbf";
const BAND: &str = "#fbe3b3";
const USUAL: &str = "#b9770e";
const END: &str = "#c2331f";
const MONTH_NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Bars beside each other, one for each month.
pub(super) struct Bars {
    pub(super) months: Vec<(Month, i64)>,
    pub(super) currency: Currency,
    scale: Even,
    top: i64,
    bottom: i64,
}

pub(super) fn draw(ledger: &str, of: &CurrencyInsights, names: &Names) -> String {
    let total = of.forecasts.iter().find(|forecast| forecast.target == Target::Total);
    let mut canvas = Canvas::new(&format!("{ledger}: spending by month, {}", of.currency));
    if let Some(total) = total {
        patterns::forecast(total, names).iter().for_each(|sentence| canvas.sentence(sentence));
        canvas.keys(&[
            (PAST, "a whole month"),
            (NOW, "this month so far"),
            (BAND, "where four of five months are"),
            (USUAL, "usual"),
            (END, "where this month will end"),
        ]);
    }
    let mut months = latest(of);
    let extra = total.filter(|total| months.last().is_none_or(|(last, _)| *last < total.month));
    months.extend(extra.map(|total| (total.month, total.spent.minor())));
    let ranges = total.into_iter().flat_map(|total| [range(total.usual), range(total.month_end)]).flatten();
    let highest = ranges.map(|range| range.high.minor()).max().unwrap_or(0);
    let bars = Bars::new(months, of.currency, highest, &mut canvas);
    bars.axes(&mut canvas);
    if let Some(total) = extra {
        bars.band(total, &mut canvas);
    }
    bars.draw(&mut canvas, |month| if extra.is_some_and(|total| total.month == month) { NOW } else { PAST });
    if let Some(total) = extra {
        bars.usual(total, &mut canvas);
        bars.end(total, &mut canvas);
    }
    canvas.finish(bars.bottom + 56)
}

/// The latest whole months and what was spent in them.
pub(super) fn latest(of: &CurrencyInsights) -> Vec<(Month, i64)> {
    let skipped = of.months.totals.len().saturating_sub(MONTHS_MAX);
    of.months.each().skip(skipped).map(|(month, minor, _)| (month, minor)).collect()
}

fn range(expectation: Expectation) -> Option<Bounds> {
    match expectation {
        Expectation::Point { range, .. } | Expectation::Range(range) => Some(range),
        Expectation::NotEnough { .. } | Expectation::NotLately { .. } => None,
    }
}

impl Bars {
    /// Bars that reach to at least `highest`, below the head of a picture.
    pub(super) fn new(months: Vec<(Month, i64)>, currency: Currency, highest: i64, canvas: &mut Canvas) -> Self {
        let (top, bottom) = canvas.frame(HEIGHT);
        let greatest = months.iter().map(|(_, minor)| *minor).max().unwrap_or(0).max(highest);
        Self { months, currency, scale: Even::up_to(greatest), top, bottom }
    }

    pub(super) const fn bottom(&self) -> i64 {
        self.bottom
    }

    /// Where a bar begins, or the one before it ends.
    fn x(&self, place: usize) -> i64 {
        let many = i64::try_from(self.months.len().max(1)).unwrap_or(i64::MAX);
        LEFT + (RIGHT - LEFT) * i64::try_from(place).unwrap_or(many).min(many) / many
    }

    fn y(&self, minor: i64) -> i64 {
        self.scale.place(minor, self.bottom, self.top)
    }

    /// Amounts at the left, months and years below.
    pub(super) fn axes(&self, canvas: &mut Canvas) {
        for mark in self.scale.marks() {
            let y = self.y(mark);
            canvas.line((LEFT, y), (RIGHT, y), GRID, 1, false);
            canvas.text(LEFT - 8, y + 4, Anchor::End, FAINT, &money(mark, self.currency));
        }
        canvas.upright(22, (self.top + self.bottom) / 2, &format!("{} a month", self.currency));
        let every = match self.months.len() {
            ..=18 => 1,
            19..=36 => 3,
            _ => 6,
        };
        let mut year_from = LEFT - 100;
        for (place, (month, _)) in self.months.iter().enumerate() {
            let middle = (self.x(place) + self.x(place + 1)) / 2;
            if (month.month() - 1) % every == 0 {
                let name = MONTH_NAMES.get(usize::from(month.month() - 1)).copied().unwrap_or_default();
                canvas.text(middle, self.bottom + 18, Anchor::Middle, INK, name);
            }
            // A history that begins late in a year leaves the place to the next year's number.
            let is_first = place == 0 && month.month() < 11;
            if (month.month() == 1 || is_first) && middle - year_from > 40 {
                canvas.text(middle, self.bottom + 36, Anchor::Middle, FAINT, &month.year().to_string());
                year_from = middle;
            }
        }
    }

    /// The bars, each in its colour.
    pub(super) fn draw(&self, canvas: &mut Canvas, colour: impl Fn(Month) -> &'static str) {
        for (place, (month, minor)) in self.months.iter().enumerate() {
            let (left, right, y) = (self.x(place), self.x(place + 1), self.y(*minor));
            let gap = if right - left > 8 { 2 } else { 1 };
            canvas.rect(left + gap, y, (right - left - 2 * gap).max(1), self.bottom - y, colour(*month));
        }
        canvas.line((LEFT, self.bottom), (RIGHT, self.bottom), FAINT, 1, false);
    }

    /// A dashed line before a month.
    pub(super) fn mark_before(&self, month: Month, canvas: &mut Canvas) {
        if let Some(place) = self.months.iter().position(|(own, _)| *own == month) {
            let x = self.x(place);
            canvas.line((x, self.top), (x, self.bottom), INK, 1, true);
        }
    }

    fn band_from(&self) -> i64 {
        self.x(self.months.len().saturating_sub(BAND_MONTHS + 1))
    }

    fn band(&self, total: &Forecast, canvas: &mut Canvas) {
        if let Some(range) = range(total.usual) {
            let (low, high) = (self.y(range.low.minor()), self.y(range.high.minor()));
            canvas.rect(self.band_from(), high, RIGHT - self.band_from(), (low - high).max(2), BAND);
        }
    }

    fn usual(&self, total: &Forecast, canvas: &mut Canvas) {
        if let Expectation::Point { usual, .. } = total.usual {
            let y = self.y(usual.minor());
            canvas.line((self.band_from(), y), (RIGHT, y), USUAL, 2, true);
        }
    }

    fn end(&self, total: &Forecast, canvas: &mut Canvas) {
        let last = self.months.len().saturating_sub(1);
        let x = (self.x(last) + self.x(last + 1)) / 2;
        if let Some(range) = range(total.month_end) {
            let (low, high) = (self.y(range.low.minor()), self.y(range.high.minor()));
            canvas.line((x, low), (x, high), END, 2, false);
            for y in [low, high] {
                canvas.line((x - 5, y), (x + 5, y), END, 2, false);
            }
        }
        if let Expectation::Point { usual, .. } = total.month_end {
            canvas.circle(x, self.y(usual.minor()), 5, END);
        }
    }
}
