//! Databases that were copied together with their key, or come back after they were wiped.

use std::sync::Arc;

use outlay_core::sync::SignOut;
use outlay_core::{Currency, Engine, LedgerId};
use tempfile::TempDir;

use super::support::spent;
use super::{Server, ana, engine, named, phone_and_laptop, shown, sync, wait_until};

/// A database with its key and its tokens on another machine, as a copied folder or a cloned phone has them.
fn copied(folder: &TempDir, original: &Engine, name: &str, copy: &str) -> Arc<Engine> {
    let file = |name: &str, suffix: &str| folder.path().join(format!("{name}{suffix}"));
    original.backup(file(copy, "")).unwrap();
    for suffix in [".key", ".tokens"] {
        std::fs::copy(file(name, suffix), file(copy, suffix)).unwrap();
    }
    let copy = engine(folder.path(), copy);
    assert_eq!(copy.device_key(), original.device_key());
    copy
}

/// Syncs all until nobody has anything for another, and says that they show the same.
fn settle(engines: &[&Arc<Engine>], ledger: LedgerId) {
    for _ in 0..3 {
        for engine in engines {
            sync(engine);
        }
    }
    for engine in engines {
        assert_eq!(shown(engine, ledger), shown(engines[0], ledger));
        assert!(!engine.sync_status().unwrap().is_copied);
        assert!(engine.doctor().unwrap().is_ok());
    }
}

#[test]
fn a_database_that_was_copied_with_its_key_becomes_a_device_of_its_own() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let former = phone.device_key();
    let copy = copied(&folder, &phone, "phone", "copy");
    phone.add_expense(home, spent("2", "On the phone", "2026-03-02")).unwrap();
    copy.add_expense(home, spent("3", "On the copy", "2026-03-03")).unwrap();
    sync(&phone);
    assert_eq!(phone.device_key(), former, "it has met nobody yet");
    sync(&copy);
    assert_ne!(copy.device_key(), former);
    let copy_tokens = std::fs::read_to_string(folder.path().join("copy.tokens")).unwrap();
    assert!(copy_tokens.contains(&copy.device_key().to_string()));
    settle(&[&phone, &copy, &laptop], home);
    assert_ne!(phone.device_key(), former, "it has met the copy");
    assert_ne!(phone.device_key(), copy.device_key());
    let names: Vec<String> = phone.devices().unwrap().into_iter().map(|device| device.name).collect();
    assert_eq!(names.iter().filter(|name| *name == "phone").count(), 3, "{names:?}");

    let key = copy.device_key();
    drop(copy);
    let copy = engine(folder.path(), "copy");
    assert_eq!(copy.device_key(), key, "it is kept");
    for engine in [&phone, &copy, &laptop] {
        engine.add_expense(home, spent("4", "Afterwards", "2026-03-04")).unwrap();
    }
    settle(&[&laptop, &copy, &phone], home);
    assert_eq!(shown(&phone, home).len(), 6);
    let own = phone.create_ledger("Owned", Currency::EUR).unwrap();
    copy.admit_device(home, engine(folder.path(), "tablet").device_key()).unwrap();
    settle(&[&phone, &copy, &laptop], own.id);
    copy.sign_out(SignOut::Keep).unwrap();
    sync(&phone);
}

#[test]
fn a_copy_of_a_device_that_only_logged_in_gets_a_key_by_the_servers_word() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    let former = laptop.device_key();
    let copy = copied(&folder, &laptop, "laptop", "copy");
    let syncers = (laptop.start_sync().unwrap(), copy.start_sync().unwrap());
    for (engine, name) in [(&laptop, "On the laptop"), (&copy, "On the copy")] {
        engine.add_expense(home, spent("2", name, "2026-03-02")).unwrap();
    }
    wait_until("both have keys of their own", || {
        laptop.device_key() != former && copy.device_key() != former && laptop.device_key() != copy.device_key()
    });
    for engine in [&laptop, &copy] {
        wait_until("it is over", || !engine.sync_status().unwrap().is_copied);
        engine.add_expense(home, spent("3", "Afterwards", "2026-03-03")).unwrap();
    }
    drop(syncers);
    settle(&[&phone, &laptop, &copy], home);
    assert_eq!(shown(&phone, home).len(), 5);
}

#[test]
fn what_comes_back_after_a_wipe_is_of_no_copy() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (phone, laptop, home) = phone_and_laptop(&folder, &server);
    for number in 0..300 {
        let day = format!("2024-{:02}-01", number % 12 + 1);
        laptop.add_expense(home, spent("2", &format!("Shop {number}"), &day)).unwrap();
    }
    sync(&laptop);
    let key = laptop.device_key();
    laptop.sign_out(SignOut::Wipe).unwrap();
    laptop.sign_in(&server.address(), &ana(), &named("laptop")).unwrap();
    settle(&[&laptop, &phone], home);
    assert_eq!(laptop.device_key(), key);
}
