//! Insights as they cross: the household of two years, told by what every language gets of it.
//!
//! `bindings/vectors/insights.csv` has its entries, `core/testkit/golden/insights.txt` all that there is to say of it, which the
//! tests of each language write from the same records.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use outlay::{
    CallbackError, Cancel, CommitmentAmount, CurrencyInsights, Engine, ForecastTarget, InsightObserver, Insights,
    OddReason, Options, OutlayError, Phases, Seller,
};
use outlay_core::insight::recurring::{Cadence, Standing};
use outlay_core::insight::study::Progress;
use outlay_core::insight::trips::Travel;
use outlay_core::{
    Currency, Date, Decision, DocumentId, Filter, ImportOptions, InsightOptions, LedgerId, Money, NewExpense, Sort,
};

const GOLDEN: &str = include_str!("../../core/testkit/golden/insights.txt");

fn household() -> (Arc<Engine>, LedgerId) {
    let engine = Engine::open_in_memory(Options::default()).unwrap();
    let ledger = engine.create_ledger("Home".into(), Currency::EUR).unwrap().id;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/vectors/insights.csv");
    let imported = engine.import_file(std::fs::read(file).unwrap(), ImportOptions::default(), None, None).unwrap();
    assert_eq!((imported.added, imported.rejected), (632, vec![]));
    (engine, ledger)
}

fn on(date: &str) -> InsightOptions {
    InsightOptions { today: Some(Date::parse(date).unwrap()), ..InsightOptions::default() }
}

fn insights(engine: &Engine, ledger: LedgerId) -> Insights {
    engine.insights(ledger, on("2024-12-20"), None, None).unwrap()
}

fn euros(amount: &str) -> Money {
    Money::parse(amount, Currency::EUR).unwrap()
}

/// The dates of all entries.
fn dates(engine: &Engine, ledger: LedgerId) -> BTreeMap<DocumentId, Date> {
    let (mut dates, mut after) = (BTreeMap::new(), None);
    loop {
        let page = engine.query(ledger, Filter::default(), Sort::Oldest, after, 200).unwrap();
        dates.extend(page.expenses.iter().map(|expense| (expense.id, expense.date)));
        after = page.next;
        if after.is_none() {
            return dates;
        }
    }
}

fn told(insights: &Insights, dates: &BTreeMap<DocumentId, Date>) -> String {
    let last = insights.last_entry.unwrap();
    let mut lines = vec![format!("{}: {} entries, the last of {last}", insights.today, insights.entries)];
    let paid = |dates: &mut dyn Iterator<Item = Date>| {
        format!("  paid {}", dates.map(|date| date.to_string()).collect::<Vec<_>>().join(" "))
    };
    for one in &insights.commitments {
        lines.push(one.text.join(" "));
        lines.push(paid(&mut one.payments.iter().map(|payment| payment.date)));
    }
    lines.extend(insights.odd.iter().flat_map(|odd| odd.oddities.iter().map(|oddity| oddity.text.clone())));
    for trip in &insights.trips {
        lines.push(trip.text.clone());
        lines.push(paid(&mut trip.entries.iter().map(|entry| dates[entry])));
    }
    insights.currencies.iter().for_each(|one| currency(one, &mut lines));
    lines.join("\n") + "\n"
}

fn currency(one: &CurrencyInsights, lines: &mut Vec<String>) {
    lines.push(format!("In {}", one.currency));
    lines.extend(one.months.iter().map(|month| format!("  {}: {} in {}", month.month, month.spent, month.count)));
    let said = one.forecasts.iter().map(|forecast| [forecast.usual_text.clone(), forecast.month_end_text.clone()]);
    // Categories are in the order of their ids, which are others each time.
    let mut forecasts: Vec<[String; 2]> = said.collect();
    forecasts.sort();
    lines.extend(forecasts.into_iter().flatten());
    lines.extend(one.phases_text.clone());
    if let Phases::Different { phases, .. } = &one.phases {
        let months = |phase: &outlay::Phase| phase.months.iter().map(ToString::to_string).collect::<Vec<_>>();
        lines.extend(phases.iter().map(|phase| format!("  {}", months(phase).join(" "))));
    }
    lines.extend(one.prices.iter().map(|prices| prices.text.clone()));
    lines.extend(one.rhythm.iter().map(|point| point.text.clone()));
}

#[test]
fn the_household_is_told_as_it_is_written_down() {
    let (engine, ledger) = household();
    let told = told(&insights(&engine, ledger), &dates(&engine, ledger));
    assert!(told == GOLDEN, "what crosses says:\n{told}");
}

#[test]
fn facts_are_typed_and_named() {
    let (engine, ledger) = household();
    let found = insights(&engine, ledger);
    let rent = found.commitments.iter().find(|one| one.name == "Landlord").unwrap();
    assert_eq!((rent.cadence, rent.standing, rent.next), (Cadence::Monthly, Standing::Found, on("2025-01-01").today));
    assert_eq!(rent.amount, CommitmentAmount::Fixed { amount: euros("1050") });
    assert_eq!(rent.category.as_ref().unwrap().name, "Home:Rent");
    assert_eq!((rent.price_changes[0].before, rent.price_changes[0].after), (euros("700"), euros("1050")));
    let books = found.odd.iter().find(|odd| odd.payee == "Bookshop").unwrap();
    let OddReason::Duplicate { earlier, days } = &books.oddities[0].reason else { panic!("{books:?}") };
    assert_eq!((dates(&engine, ledger)[earlier], *days), (Date::parse("2024-10-08").unwrap(), 1));
    let eur = &found.currencies[0];
    assert_eq!(eur.forecasts[0].target, ForecastTarget::Total);
    let tram = &eur.prices.iter().find(|one| one.seller == Seller::Payee { payee: "Tram".into() }).unwrap();
    assert_eq!((tram.is_usual, &tram.amounts), (true, &["2.80", "5.60", "19"].map(euros).to_vec()));
}

#[test]
fn options_leave_out_categories_and_say_what_counts_as_travelling() {
    let (engine, ledger) = household();
    let left_out = engine.find_category(ledger, vec!["Home".into()]).unwrap().unwrap();
    let out = |options| engine.insights(ledger, options, None, None).unwrap();
    let without = out(InsightOptions { left_out: vec![left_out.id], ..on("2024-12-20") });
    let is_home = |target: &ForecastTarget| matches!(target, ForecastTarget::Category { category: Some(category) } if category.id == left_out.id);
    assert!(!without.currencies[0].forecasts.iter().any(|forecast| is_home(&forecast.target)));
    let nowhere = out(InsightOptions { travel: Some(Travel::default()), ..on("2024-12-20") });
    assert_eq!(nowhere.trips, []);
}

#[test]
fn what_a_person_decides_of_a_payment_that_comes_back_holds_until_it_is_taken_back() {
    let (engine, ledger) = household();
    let rent = insights(&engine, ledger).commitments.into_iter().find(|one| one.name == "Landlord").unwrap();
    let payments: Vec<DocumentId> = rent.payments.iter().map(|payment| payment.id).collect();
    engine.decide(ledger, payments[0], Some(Decision::Dismissed)).unwrap();
    let standings = [
        (Some(Decision::Confirmed), Standing::Confirmed),
        (Some(Decision::Dismissed), Standing::Dismissed),
        (None, Standing::Found),
    ];
    for (decision, standing) in standings {
        engine.decide_commitment(ledger, payments.clone(), decision).unwrap();
        let found = insights(&engine, ledger).commitments.into_iter().find(|one| one.id == rent.id).unwrap();
        assert_eq!(found.standing, standing);
    }
    assert_eq!(engine.decisions(ledger).unwrap(), [], "the one in the first payment too");
    assert!(matches!(engine.decide_commitment(ledger, vec![], None), Err(OutlayError::InvalidInput { .. })));
}

#[test]
fn a_confirmed_payment_of_this_month_is_named_as_due() {
    let (engine, ledger) = household();
    let found = engine.insights(ledger, on("2024-12-02"), None, None).unwrap();
    let telephone = found.commitments.iter().find(|one| one.name == "Telephone").unwrap();
    engine.decide(ledger, telephone.payments.last().unwrap().id, Some(Decision::Confirmed)).unwrap();
    let found = engine.insights(ledger, on("2024-12-02"), None, None).unwrap();
    let due = &found.currencies[0].forecasts[0].due;
    let shown: Vec<_> = due.iter().map(|due| (due.commitment, due.date.to_string(), due.amount)).collect();
    assert_eq!(shown, [(telephone.id, "2024-12-18".to_owned(), euros("18"))]);
}

#[test]
fn a_category_is_suggested_where_it_is_certain() {
    let (engine, ledger) = household();
    let suggest = |payee: &str| engine.suggest(ledger, NewExpense::new(euros("2.80"), payee)).unwrap();
    let tram = suggest("Tram").unwrap();
    assert_eq!((tram.category.name.as_str(), tram.is_corrected), ("Transport", false));
    assert_eq!(tram.text, "Transport, as you filed the like before");
    assert!(tram.confidence > 0.5 && tram.confidence <= 1.0);
    engine.forget_insights().unwrap();
    assert_eq!(suggest("Tram"), Some(tram));
    assert_eq!(suggest("Zzyzx"), None);
}

/// Keeps what it is told, and does something each time.
struct Told<F>(Mutex<Vec<Progress>>, F);

impl<F: Fn() -> Result<(), CallbackError> + Send + Sync> InsightObserver for Told<F> {
    fn progressed(&self, progress: Progress) -> Result<(), CallbackError> {
        self.0.lock().unwrap().push(progress);
        (self.1)()
    }
}

#[test]
fn progress_is_told_and_a_call_that_is_cancelled_loses_nothing() {
    let (engine, ledger) = household();
    let cancelled = |observer, cancel| {
        let ended = engine.insights(ledger, on("2024-12-20"), Some(observer), cancel);
        assert!(matches!(ended, Err(OutlayError::Cancelled { .. })), "{ended:?}");
    };
    let fails = || Err(CallbackError::Failed { reason: "a bug of the app".into() });
    let once = Arc::new(Told(Mutex::default(), fails));
    cancelled(Arc::<Told<_>>::clone(&once), None);
    assert_eq!(once.0.lock().unwrap().len(), 1);

    let cancel = Cancel::new();
    let cancels = Arc::clone(&cancel);
    let asks = move || {
        cancels.cancel();
        Ok(())
    };
    let once = Arc::new(Told(Mutex::default(), asks));
    cancelled(Arc::<Told<_>>::clone(&once), Some(cancel));
    assert_eq!(once.0.lock().unwrap().len(), 1);

    let all = Arc::new(Told(Mutex::default(), || Ok(())));
    let found = engine.insights(ledger, on("2024-12-20"), Some(Arc::<Told<_>>::clone(&all)), None).unwrap();
    assert_eq!(told(&found, &dates(&engine, ledger)), GOLDEN);
    let steps = all.0.lock().unwrap();
    assert!(steps.is_sorted_by_key(|step| step.done) && steps.last().is_some_and(|step| step.done == step.total));
}
