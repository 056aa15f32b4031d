//! Categories and accounts by name: paths, folding, one thing made on two devices, and circles.

use outlay_core::{Currency, FieldValue, Filter, LedgerId, Month, Named, NewExpense, Resolution, Sort};
use outlay_ledger::DocumentId;
use outlay_ledger::change::Scalar;
use outlay_ledger::field::{self, Thing};
use outlay_ledger::fold::Put;

use crate::support::forge::{Forger, View};
use crate::support::{Device, date, exchange, path, spent, two_devices};

fn in_category(device: &Device, home: LedgerId, names: &[&str]) -> Named {
    let new = NewExpense { category: path(names), ..spent("1", "Shop", "2026-03-01") };
    device.add(home, new).category.unwrap()
}

fn names(things: &[Named]) -> Vec<&str> {
    things.iter().map(|named| named.name.as_str()).collect()
}

#[test]
fn a_path_makes_what_it_lacks_and_finds_the_rest() {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let cafes = in_category(&device, home, &["Food", "Cafés"]);
    assert_eq!(cafes.name, "Food:Cafés");
    assert_eq!(in_category(&device, home, &[" FOOD ", "cafe\u{301}s"]), cafes, "case and width are nothing");
    let food = in_category(&device, home, &["food"]);
    assert_eq!(food.name, "Food");
    assert_ne!(in_category(&device, home, &["Cafés"]).id, cafes.id, "another one at the top");
    assert_eq!(names(&device.categories(home).unwrap()), ["Cafés", "Food", "Food:Cafés"]);
    assert_eq!(device.find_category(home, &["FOOD", "CAFÉS"]).unwrap(), Some(cafes.clone()));
    assert_eq!(device.find_category(home, &["Food", "Bars"]).unwrap(), None);
    assert_eq!(device.find_category(home, &[]).unwrap(), None);
    let deep: Vec<String> = (0..16).map(|level| format!("l{level}")).collect();
    let deep: Vec<&str> = deep.iter().map(String::as_str).collect();
    assert_eq!(in_category(&device, home, &deep).name, deep.join(":"));
    let below = Filter { category: Some(food.id), ..Filter::default() };
    assert_eq!(device.all(home, &below, Sort::Newest).len(), 3, "one in Food and two below it");
}

#[test]
fn an_account_is_found_whatever_the_case_of_its_name() {
    let device = Device::new(1);
    let home = device.create_ledger("Home", Currency::EUR).unwrap().id;
    let on = |name: &str| device.add(home, NewExpense { account: Some(name.into()), ..spent("1", "", "2026-03-01") });
    let visa = on("Visa  Card").account.unwrap();
    assert_eq!(on("ＶＩＳＡ card").account.unwrap(), visa);
    assert_eq!(device.find_account(home, "visa card").unwrap(), Some(visa.clone()));
    assert_eq!(device.find_account(home, "visa").unwrap(), None);
    assert_eq!(device.accounts(home).unwrap(), [visa]);
}

#[test]
fn what_two_devices_make_of_one_name_is_one_thing() {
    let (phone, laptop, home) = two_devices();
    let (by_phone, by_laptop) =
        (in_category(&phone, home, &["Food", "Cafés"]), in_category(&laptop, home, &["food", "CAFÉS"]));
    assert_eq!(by_phone.id, by_laptop.id);
    exchange(&phone, &laptop, home);
    assert_eq!(phone.categories(home).unwrap(), laptop.categories(home).unwrap());
    assert_eq!(phone.categories(home).unwrap().len(), 2);
    let conflicts = phone.conflicts(home).unwrap();
    assert!(conflicts.iter().all(|conflict| conflict.field == "name"), "only how the name is written collided");
    assert_eq!(conflicts.len(), 2);
    for conflict in conflicts {
        phone.resolve(&phone.seen(home, conflict.document, "name"), Resolution::Text("Settled".into())).unwrap();
    }
    exchange(&phone, &laptop, home);
    assert_eq!(names(&laptop.categories(home).unwrap()), ["Settled", "Settled:Settled"]);
    assert_eq!((phone.conflicts(home).unwrap(), laptop.conflicts(home).unwrap()), (vec![], vec![]));
}

#[test]
fn the_author_of_what_several_made_alike_is_the_same_on_every_replica() {
    let (phone, laptop, home) = two_devices();
    let tablet = Device::new(3);
    phone.admit_device(home, tablet.device_key()).unwrap();
    tablet.pull(&phone, home);
    in_category(&phone, home, &["Food"]);
    in_category(&laptop, home, &["Food"]);
    in_category(&tablet, home, &["FOOD"]);
    exchange(&phone, &laptop, home);
    for (one, other) in [(&tablet, &laptop), (&tablet, &phone), (&laptop, &phone)] {
        exchange(one, other, home);
    }
    let authors = |device: &Device| {
        let [conflict] = &device.conflicts(home).unwrap()[..] else { panic!("one conflict") };
        conflict.values.iter().map(|value| (value.author.device, value.time_ms)).collect::<Vec<_>>()
    };
    assert_eq!(authors(&phone), authors(&laptop));
    assert_eq!(authors(&tablet), authors(&laptop));
}

/// Two devices move categories below each other. There is no call for it yet, so their changes are made by hand.
struct Circle {
    phone: Device,
    laptop: Device,
    home: LedgerId,
    ids: Vec<DocumentId>,
}

fn circle(count: usize) -> Circle {
    let (phone, laptop, home) = two_devices();
    let tops: Vec<String> = (0..count).map(|number| format!("C{number}")).collect();
    let ids: Vec<DocumentId> = tops.iter().map(|name| in_category(&phone, home, &[name]).id).collect();
    exchange(&phone, &laptop, home);
    let mut view = View::of(&phone, home);
    let documents = view.documents();
    for (number, id) in ids.iter().enumerate() {
        let parent = ids[(number + 1) % count];
        let put = Put::new(field::PARENT, Scalar::Bytes(parent.0.to_vec()));
        let mut forger = Forger::new(1 + u8::try_from(number % 2).unwrap(), 70 + number as u64);
        let moved = forger.edit(&view, *id, &documents[id], vec![put]);
        [&phone, &laptop][number % 2].take(&[moved]);
    }
    exchange(&phone, &laptop, home);
    Circle { phone, laptop, home, ids }
}

#[test]
fn a_circle_of_categories_is_cut_at_its_greatest_id_and_shown_as_a_conflict() {
    for count in [1, 2, 3, 7] {
        let Circle { phone, laptop, home, ids } = circle(count);
        let greatest = *ids.iter().max().unwrap();
        let place = ids.iter().position(|id| *id == greatest).unwrap();
        for device in [&phone, &laptop] {
            let categories = device.categories(home).unwrap();
            assert_eq!(categories.len(), count);
            let top = categories.iter().find(|named| named.id == greatest).unwrap();
            assert!(!top.name.contains(':'), "the link that closes the circle counts as none: {categories:?}");
            let [conflict] = &device.conflicts(home).unwrap()[..] else { panic!("one conflict") };
            assert_eq!((conflict.document, conflict.field.as_str()), (greatest, "parent"));
            assert_eq!(conflict.values[0].value, FieldValue::Empty, "what is shown now");
            let FieldValue::Thing(linked) = &conflict.values[1].value else { panic!("the link") };
            assert_eq!(linked.id, ids[(place + 1) % count]);
            let author = [phone.device_key(), laptop.device_key()][place % 2];
            assert!(conflict.values.iter().all(|value| value.author.device == author));
            let all = device.all(home, &Filter { category: Some(greatest), ..Filter::default() }, Sort::Newest);
            assert_eq!(all.len(), count, "all are below the one that is cut off");
            device.assert_healthy("a circle");
        }
        assert_eq!(phone.conflicts(home).unwrap()[0].values, {
            let mut values = laptop.conflicts(home).unwrap().remove(0).values;
            values.iter_mut().for_each(|value| value.author.is_self = value.author.device == phone.device_key());
            values
        });
    }
}

#[test]
fn a_circle_is_settled_by_taking_the_link_away_or_by_another_one() {
    for text in [None, Some(""), Some("Elsewhere")] {
        let Circle { phone, laptop, home, ids } = circle(3);
        let greatest = *ids.iter().max().unwrap();
        let keep = phone.resolve(&phone.seen(home, greatest, "parent"), Resolution::Choose(1));
        assert_eq!(keep.unwrap_err().kind(), outlay_core::ErrorKind::InvalidInput, "that one leads round");
        let resolution = text.map_or(Resolution::Choose(0), |text| Resolution::Text(text.into()));
        phone.resolve(&phone.seen(home, greatest, "parent"), resolution).unwrap();
        exchange(&phone, &laptop, home);
        for device in [&phone, &laptop] {
            assert_eq!(device.conflicts(home).unwrap(), [], "{text:?}");
        }
        let top = laptop.categories(home).unwrap().into_iter().find(|named| named.id == greatest).unwrap();
        assert_eq!(top.name.starts_with("Elsewhere:"), text == Some("Elsewhere"), "{top:?}");
        let again = phone.resolve(&phone.seen(home, greatest, "parent"), Resolution::Choose(0));
        assert_eq!(again.unwrap_err().kind(), outlay_core::ErrorKind::NotFound);
    }
}

#[test]
fn a_deleted_or_unknown_category_is_none() {
    let (phone, _, home) = two_devices();
    let food = in_category(&phone, home, &["Food", "Cafés"]);
    let view = View::of(&phone, home);
    let id = phone.find_category(home, &["Food"]).unwrap().unwrap().id;
    let document = View::of(&phone, home).documents().remove(&id).unwrap();
    let mut forger = Forger::new(1, 80);
    let delete = forger.edit(&view, id, &document, vec![Put::new(field::STATE, field::DELETED)]);
    phone.take(&[delete]);
    assert_eq!(names(&phone.categories(home).unwrap()), ["Cafés"], "what was below it is at the top");
    assert_eq!(phone.find_category(home, &["Cafés"]).unwrap().unwrap().id, food.id);

    let mut view = View::of(&phone, home);
    let unknown = Scalar::Bytes(vec![0x88; 16]);
    let puts = vec![Put::new(field::NAME, Scalar::Str("Orphan".into())), Put::new(field::PARENT, unknown)];
    phone.take(&[forger.create(&view, Thing::Category, puts)]);
    view = View::of(&phone, home);
    assert!(view.history.roles().waiting().is_empty());
    assert_eq!(names(&phone.categories(home).unwrap()), ["Cafés", "Orphan"]);
    assert_eq!(in_category(&phone, home, &["Food"]).id, id, "naming it again brings it back");
    phone.assert_healthy("deleted categories");
}

#[test]
fn a_new_name_is_shown_by_a_process_that_has_shown_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.outlay");
    let (app, widget) = (Device::open(&file, 1, 1), Device::open(&file, 1, 2));
    let home = app.create_ledger("Home", Currency::EUR).unwrap().id;
    let lunch = app.add(home, NewExpense { category: path(&["Food"]), ..spent("9", "Café", "2026-01-05") });
    let shown = |device: &Device| {
        let month = Month::from_date(date("2026-01-05"));
        let (page, totals) = (device.all(home, &Filter::default(), Sort::Newest), device.totals(home, month, month));
        [page[0].category.clone(), totals.unwrap()[0].category.clone()].map(|category| category.unwrap().name)
    };
    assert_eq!([shown(&app), shown(&widget)], [["Food"; 2]; 2]);
    let (mut view, food) = (View::of(&app, home), lunch.category.unwrap().id);
    let rename = vec![Put::new(field::NAME, Scalar::Str("Eating out".into()))];
    let document = view.documents().remove(&food).unwrap();
    app.take(&[Forger::new(1, 40).edit(&view, food, &document, rename)]);
    assert_eq!([shown(&app), shown(&widget)], [["Eating out"; 2]; 2]);
}
