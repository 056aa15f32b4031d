//! Insights of a ledger on a device: kept up to date with whatever changes it, as if it were read anew each time.

use std::ops::ControlFlow;

use outlay_core::insight::insights::Insights;
use outlay_core::insight::recurring::{Cadence, Standing};
use outlay_core::{Decision, Edit, Engine, ErrorKind, InsightOptions, LedgerId};

use crate::support::{Device, exchange, spent, two_devices};

/// Rent on the first and films on the twelfth of each month from May 2025 to February 2026, and lunch now and then.
fn household() -> (Device, Device, LedgerId) {
    let (phone, laptop, home) = two_devices();
    // Days of a month in no order that comes back.
    let mut lunches = (1_u32..).map(|lunch| 1 + lunch * lunch * 17 % 27);
    for month in 0..10 {
        let month = format!("{}-{:02}", 2025 + (month + 4) / 12, (month + 4) % 12 + 1);
        phone.add(home, spent("800", "Landlord", &format!("{month}-01")));
        phone.add(home, spent("9.99", "Films", &format!("{month}-12")));
        for amount in ["11.50", "14", "12.30", "9.80"] {
            phone.add(home, spent(amount, "Canteen", &format!("{month}-{:02}", lunches.next().unwrap())));
        }
    }
    exchange(&phone, &laptop, home);
    (phone, laptop, home)
}

fn insights(engine: &Engine, ledger: LedgerId) -> Insights {
    engine.insights(ledger, &InsightOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

/// As an engine says that has only now been asked.
fn afresh(engine: &Engine, ledger: LedgerId) -> Insights {
    engine.forget_insights();
    insights(engine, ledger)
}

#[test]
fn whatever_changes_a_ledger_its_insights_are_those_of_one_that_is_read_anew() {
    let (phone, laptop, home) = household();
    let said = |step: &str| {
        let followed = insights(&phone, home);
        assert_eq!(followed, afresh(&phone, home), "{step}");
        followed
    };
    assert_eq!(said("at first").commitments.len(), 2);

    let lunch = phone.add(home, spent("13.20", "Canteen", "2026-03-14")).id;
    said("after an entry");
    phone.edit_expense(home, lunch, Edit { category: Some(Some("Food".into())), ..Edit::default() }).unwrap();
    said("after an edit that made a category");
    phone.delete_expense(home, lunch).unwrap();
    assert_eq!(said("after it was deleted").entries, 60);
    phone.undo().unwrap();
    assert_eq!(said("after undo").entries, 61);
    phone
        .import(
            b"Date,Payee,Amount\n2026-03-02,Bakery,-3.40\n",
            &Default::default(),
            &mut |_| ControlFlow::Continue(()),
        )
        .unwrap();
    said("after an import");
    laptop.add(home, spent("2.10", "Bakery", "2026-03-10"));
    exchange(&phone, &laptop, home);
    assert_eq!(said("after a sync").entries, 63);
    assert_eq!(insights(&laptop, home), insights(&phone, home), "two devices say the same");
    phone.doctor().unwrap();
    said("after everything was made anew");
}

#[test]
fn a_decision_counts_at_once_and_on_every_device_also_when_its_entry_is_gone() {
    let (phone, laptop, home) = household();
    let standing = |device: &Device| {
        let found = insights(device, home);
        found.commitments.iter().find(|one| one.name == "Films").map(|one| (one.standing, one.cadence))
    };
    assert_eq!(standing(&phone), Some((Standing::Found, Cadence::Monthly)));
    let films = insights(&phone, home).commitments.iter().find(|one| one.name == "Films").unwrap().payments[0].entry;
    phone.decide(home, films, Some(Decision::Confirmed)).unwrap();
    assert_eq!(standing(&phone), Some((Standing::Confirmed, Cadence::Monthly)));
    phone.delete_expense(home, films).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(standing(&laptop), Some((Standing::Confirmed, Cadence::Monthly)));
}

#[test]
fn a_category_is_suggested_once_the_past_says_that_it_is_right() {
    let (phone, _, home) = two_devices();
    let draft = |payee: &str| spent("4.20", payee, "2026-03-15");
    assert_eq!(phone.suggest(home, &draft("Corner Café")).unwrap(), None, "nothing is known yet");
    for day in 1..=28 {
        for (payee, category) in [("Corner Café", "Food"), ("Stadtwerke", "Home")] {
            let new = spent("3.40", payee, &format!("2026-02-{day:02}"));
            phone.add(home, outlay_core::NewExpense { category: Some(category.into()), ..new });
        }
    }
    let food = phone.find_category(home, &["Food"]).unwrap().unwrap().id;
    let suggested = phone.suggest(home, &draft("CORNER CAFE")).unwrap().unwrap();
    assert_eq!((suggested.category, suggested.is_corrected), (food, false));
}

#[test]
fn who_breaks_off_gets_no_insights_and_can_ask_again() {
    let (phone, _, home) = household();
    let broken = phone.insights(home, &InsightOptions::default(), &mut |_| ControlFlow::Break(()));
    assert_eq!(broken.map_err(|error| error.kind()), Err(ErrorKind::Cancelled));
    assert_eq!(insights(&phone, home).commitments.len(), 2);
    let unknown = phone.insights(LedgerId([9; 16]), &InsightOptions::default(), &mut |_| ControlFlow::Continue(()));
    assert_eq!(unknown.map_err(|error| error.kind()), Err(ErrorKind::NotFound));
}
