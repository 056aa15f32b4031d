//! A ledger that is followed: every insight, kept up to date entry by entry.
//!
//! Whoever has the entries gives them to a [`Study`], and each one that changes later; a device and a server do so with the
//! same rows and get the same answers. What is found depends on the rows alone and not on when or in which order they came:
//! a study that followed a ledger says what one says that begins with it as it is.
//!
//! What is found of a payee, a category or a month is remembered until one of its rows changes. One more expense of these
//! days so costs a few milliseconds in a ledger of a hundred thousand.

mod learners;
mod pass;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use outlay_ledger::spend::Spend;
use outlay_ledger::{Currency, Date, DocumentId, EntryKind, Month};

use crate::forecast::Forecasts;
use crate::insights::{CURRENCIES_MAX, CurrencyInsights, Insights, ODD_MAX, OddCharge};
use crate::months::{DaySums, Parents, Target, lineage};
use crate::odd::{self, Judge, Odd};
use crate::phases::PhaseMemory;
use crate::recurring::{Commitment, Decided, Search, Standing};
use crate::sellers::Sellers;
use crate::suggest::{Suggestion, first_learnt};
use crate::trips::{Travel, Travelled, Trip};
use learners::Filer;
use pass::Pass;

/// What a person says of a ledger that its entries do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Categories that are no spending, with all below them: savings, for example. Forecasts and phases leave them out.
    pub left_out: Vec<DocumentId>,
    /// What counts as travelling.
    pub travel: Travel,
}

/// How far it is, in rows and what takes as long as some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done.
    pub done: u64,
    /// All steps.
    pub total: u64,
}

/// The rows of a ledger, and what was found in them so far.
#[derive(Debug, Clone)]
pub struct Study {
    options: Options,
    parents: Parents,
    rows: BTreeMap<DocumentId, Spend>,
    /// All rows, by date and then entry.
    order: Vec<(Date, DocumentId)>,
    /// How many of them, the first, are in what follows.
    seen: usize,
    /// The day as of which something was asked last.
    today: Date,
    search: Search,
    sums: DaySums,
    sellers: Sellers,
    forecasts: Forecasts,
    phases: PhaseMemory,
    travelled: Travelled,
    trips: Option<Vec<Trip>>,
    judge: Pass<Judge>,
    filer: Pass<Filer>,
}

/// Rows between two looks at whether to go on: some milliseconds.
const ROWS_PER_LOOK: u64 = 256;
/// What looking for the patterns of a currency takes, in rows: a tenth of a second.
const ROWS_PER_CURRENCY: u64 = 10_000;

impl Study {
    /// A study of no rows yet. `parents` says which category is below which.
    pub fn new(options: Options, parents: Parents) -> Self {
        let sums = DaySums::new(parents.clone(), options.left_out.clone());
        Self {
            options,
            parents,
            rows: BTreeMap::new(),
            order: Vec::new(),
            seen: 0,
            today: Date::MIN,
            search: Search::default(),
            sums,
            sellers: Sellers::default(),
            forecasts: Forecasts::default(),
            phases: PhaseMemory::default(),
            travelled: Travelled::default(),
            trips: None,
            judge: Pass::new(),
            filer: Pass::new(),
        }
    }

    /// A study of these rows, in whatever order they come.
    pub fn of(rows: Vec<Spend>, options: Options, parents: Parents) -> Self {
        let mut study = Self::new(options, parents);
        study.rows = rows.into_iter().map(|row| (row.id, row)).collect();
        study.order = study.rows.values().map(|row| (row.date, row.id)).collect();
        study.order.sort_unstable();
        study
    }

    /// A study of the same rows with other options or another tree of categories.
    pub fn with(self, options: Options, parents: Parents) -> Self {
        Self::of(self.rows.into_values().collect(), options, parents)
    }

    /// Takes in a row, in place of the one of the same entry.
    pub fn put(&mut self, row: Spend) {
        if self.rows.get(&row.id) == Some(&row) {
            return;
        }
        self.remove(row.id);
        let key = (row.date, row.id);
        let place = self.order.partition_point(|other| *other < key);
        self.order.insert(place, key);
        // What comes after all that was seen is taken in when it is next asked.
        if place < self.seen {
            self.seen += 1;
            self.touched(place);
            self.enter(&row);
        }
        self.rows.insert(row.id, row);
    }

    /// Takes out the row of an entry, if there is one.
    pub fn remove(&mut self, id: DocumentId) {
        let Some(row) = self.rows.remove(&id) else { return };
        let Ok(place) = self.order.binary_search(&(row.date, id)) else { return };
        self.order.remove(place);
        if place < self.seen {
            self.seen -= 1;
            self.touched(place);
            self.leave(&row);
        }
    }

    /// What there is to say as of `today`, of the rows up to then. `look` is called again and again, and may break off:
    /// then the study is as good as before.
    pub fn insights(
        &mut self,
        today: Date,
        decisions: &[Decided],
        look: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> ControlFlow<(), Insights> {
        let mut steps = Steps { look, done: 0, total: self.steps(today) };
        self.move_to(today, &mut steps)?;
        self.learn(&mut steps)?;
        let commitments = self.search.commitments(today, decisions);
        steps.take(0)?;
        let mut currencies = Vec::new();
        for currency in self.sellers.currencies().into_iter().take(CURRENCIES_MAX) {
            currencies.push(self.currency(currency, &commitments));
            steps.take(ROWS_PER_CURRENCY)?;
        }
        let (odd, trips) = (self.odd(&commitments), self.trips());
        let last_entry = self.last_seen().map(|(date, _)| date);
        ControlFlow::Continue(Insights { today, entries: self.seen, last_entry, commitments, odd, trips, currencies })
    }

    /// The category that a person would file a row under, from all rows up to `today`; `None` where that is not certain
    /// enough. The row need not be one of the study's. What is certain of the topmost category only is that.
    pub fn suggest(&mut self, row: &Spend, today: Date) -> Option<Suggestion> {
        let mut never = |_| ControlFlow::Continue(());
        let mut steps = Steps { look: &mut never, done: 0, total: 0 };
        if self.move_to(today, &mut steps).is_break() || self.learn(&mut steps).is_break() {
            return None;
        }
        let start = first_learnt(self.seen);
        while self.filer.step(start, self.seen, |place| self.rows.get(&self.order.get(place)?.1)) {}
        self.filer.learner().suggest(row).or_else(|| self.judge.learner().suggester().suggest(row))
    }

    /// The row of an entry.
    pub fn row(&self, id: DocumentId) -> Option<&Spend> {
        self.rows.get(&id)
    }

    fn steps(&self, today: Date) -> u64 {
        let seen = self.order.partition_point(|(date, _)| *date <= today);
        let learnt = self.judge.left(first_learnt(seen), seen);
        (seen.abs_diff(self.seen) + learnt) as u64 + ROWS_PER_CURRENCY
    }

    /// Has all that was found be as of a day: takes in the rows up to it and takes out those after it.
    fn move_to(&mut self, today: Date, steps: &mut Steps<'_>) -> ControlFlow<()> {
        if today != self.today {
            self.forecasts.forget();
        }
        while let Some((_, id)) = self.order.get(self.seen).copied().filter(|(date, _)| *date <= today) {
            self.seen += 1;
            self.with_row(id, Self::enter);
            steps.take(1)?;
        }
        while let Some((_, id)) = self.last_seen().filter(|(date, _)| *date > today) {
            self.seen -= 1;
            self.touched(self.seen);
            self.with_row(id, Self::leave);
            steps.take(1)?;
        }
        self.today = today;
        ControlFlow::Continue(())
    }

    fn last_seen(&self) -> Option<(Date, DocumentId)> {
        self.order.get(self.seen.checked_sub(1)?).copied()
    }

    fn with_row(&mut self, id: DocumentId, work: fn(&mut Self, &Spend)) {
        let rows = std::mem::take(&mut self.rows);
        rows.get(&id).into_iter().for_each(|row| work(self, row));
        self.rows = rows;
    }

    fn enter(&mut self, row: &Spend) {
        self.search.add(row);
        self.sum(row, DaySums::add);
        self.sellers.add(row);
        self.changed(row);
        if self.options.travel.has(row, &self.parents) {
            self.travelled.add(row);
            self.trips = None;
        }
    }

    fn leave(&mut self, row: &Spend) {
        self.search.remove(row.id);
        self.sum(row, DaySums::remove);
        self.sellers.remove(row);
        self.changed(row);
        if self.options.travel.has(row, &self.parents) {
            self.travelled.remove(row);
            self.trips = None;
        }
    }

    /// Counts a row or takes it back. Which months count depends on which have entries.
    fn sum(&mut self, row: &Spend, count: fn(&mut DaySums, &Spend)) {
        let month = Month::from_date(row.date);
        let before = self.sums.is_recorded(month);
        count(&mut self.sums, row);
        if self.sums.is_recorded(month) != before {
            self.forecasts.forget();
            self.phases.forget();
        }
    }

    /// Forgets what was expected where a row counts.
    fn changed(&mut self, row: &Spend) {
        for (currency, target) in self.sums.keys(row).into_iter().flatten() {
            self.forecasts.forget_one(currency, target);
            self.phases.changed(currency, row.date);
        }
    }

    fn touched(&mut self, place: usize) {
        self.judge.touched(place);
        self.filer.touched(place);
    }

    /// Goes over the rows that were not judged yet.
    fn learn(&mut self, steps: &mut Steps<'_>) -> ControlFlow<()> {
        let (start, end) = (first_learnt(self.seen), self.seen);
        let row = |place: usize| {
            let row = self.rows.get(&self.order.get(place)?.1)?;
            Some((row, lineage(row.category, &self.parents).last()))
        };
        while self.judge.step(start, end, row) {
            steps.take(1)?;
        }
        ControlFlow::Continue(())
    }

    fn currency(&mut self, currency: Currency, commitments: &[Commitment]) -> CurrencyInsights {
        CurrencyInsights {
            currency,
            months: self.sums.whole_months(currency, Target::Total, self.today),
            forecasts: self.forecasts.of(&self.sums, currency, commitments, self.today),
            phases: self.phases.of(&self.sums, currency, self.today),
            prices: self.sellers.prices(currency),
            rhythm: self.sellers.rhythm(currency),
        }
    }

    fn trips(&mut self) -> Vec<Trip> {
        self.trips.get_or_insert_with(|| self.travelled.trips()).clone()
    }

    /// The newest odd charges: those that were judged, and the price rises of commitments that are paid.
    fn odd(&self, commitments: &[Commitment]) -> Vec<OddCharge> {
        let judged = self.judge.said().iter().rev().take(ODD_MAX).filter_map(|(place, (id, reasons))| {
            Some(Odd { id: *id, date: self.order.get(*place)?.0, reasons: reasons.clone() })
        });
        let is_paid = |one: &&Commitment| one.kind == EntryKind::Expense && one.standing != Standing::Dismissed;
        let mut all: Vec<Odd> = commitments.iter().filter(is_paid).flat_map(odd::rises).chain(judged).collect();
        all.sort_by_key(|odd| std::cmp::Reverse((odd.date, odd.id)));
        let mut told: Vec<OddCharge> = Vec::new();
        for odd in all {
            if let Some(told) = told.last_mut().filter(|told| told.charge.id == odd.id) {
                told.reasons.extend(odd.reasons);
            } else if told.len() == ODD_MAX {
                break;
            } else if let Some(row) = self.rows.get(&odd.id) {
                told.push(OddCharge { charge: row.clone(), reasons: odd.reasons });
            }
        }
        told
    }
}

/// What is done, and whom to ask whether to go on.
struct Steps<'a> {
    look: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    done: u64,
    total: u64,
}

impl Steps<'_> {
    fn take(&mut self, steps: u64) -> ControlFlow<()> {
        let before = self.done / ROWS_PER_LOOK;
        self.done += steps;
        if steps == 1 && self.done / ROWS_PER_LOOK == before {
            return ControlFlow::Continue(());
        }
        self.total = self.total.max(self.done);
        (self.look)(Progress { done: self.done, total: self.total })
    }
}
