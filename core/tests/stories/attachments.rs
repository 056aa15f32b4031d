//! Files that belong to entries: kept whole, merged like every other field, and gone when nobody has them any more.

use std::path::{Path, PathBuf};

use outlay_core::{Attachment, BlobHash, Content, DocumentId, ErrorKind, FieldValue, LedgerId};

use crate::support::{Device, exchange, spent, two_devices};

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a photograph of a receipt";
const PDF: &[u8] = b"%PDF-1.7 an invoice";
const DAY_MS: i64 = 86_400_000;

/// One entry on two devices.
fn shared() -> (Device, Device, LedgerId, DocumentId) {
    let (phone, laptop, home) = two_devices();
    let id = phone.add(home, spent("3", "Café", "2026-03-01")).id;
    exchange(&phone, &laptop, home);
    (phone, laptop, home, id)
}

fn names(device: &Device, home: LedgerId, id: DocumentId) -> Vec<String> {
    let mut names: Vec<_> = device.attachments(home, id).unwrap().into_iter().map(|file| file.name).collect();
    names.sort();
    names
}

/// A device whose database is in a file, with an entry.
fn on_disk(file: &Path) -> (Device, LedgerId, DocumentId) {
    let device = Device::open(file, 1, 1);
    let home = device.create_ledger("Home", outlay_core::Currency::EUR).unwrap().id;
    let id = device.add(home, spent("3", "Café", "2026-03-01")).id;
    (device, home, id)
}

fn file_of(database: &Path, hash: BlobHash) -> PathBuf {
    let hash = hash.to_string();
    database
        .with_file_name(format!("{}-blobs", database.file_name().unwrap().to_str().unwrap()))
        .join(&hash[..2])
        .join(hash)
}

#[test]
fn what_is_attached_is_told_apart_by_its_bytes_and_read_back() {
    let (phone, _, home, id) = shared();
    let receipt = phone.attach(home, id, " Receipt.pdf ", JPEG).unwrap();
    let expected = Attachment {
        hash: BlobHash::of(JPEG),
        bytes: JPEG.len() as u64,
        media_type: "image/jpeg".into(),
        name: "Receipt.pdf".into(),
        is_here: true,
    };
    assert_eq!(receipt, expected);
    assert_eq!(phone.read_attachment(home, id, receipt.hash).unwrap(), Content::Here(JPEG.to_vec()));
    phone.attach(home, id, "Another name", JPEG).unwrap();
    assert_eq!(names(&phone, home, id), ["Another name"], "the same file is attached once");
    phone.assert_healthy("after attaching");
}

#[test]
fn files_attached_on_two_devices_at_once_are_all_there_and_what_is_elsewhere_is_missing() {
    let (phone, laptop, home, id) = shared();
    phone.attach(home, id, "front.jpg", JPEG).unwrap();
    laptop.attach(home, id, "invoice.pdf", PDF).unwrap();
    exchange(&phone, &laptop, home);
    for device in [&phone, &laptop] {
        assert_eq!(names(device, home, id), ["front.jpg", "invoice.pdf"]);
        assert!(!device.get(home, id).conflicted);
        device.assert_healthy("after merging");
    }
    let here = |device: &Device, hash| {
        device.attachments(home, id).unwrap().iter().any(|file| file.hash == hash && file.is_here)
    };
    assert!(here(&phone, BlobHash::of(JPEG)) && !here(&phone, BlobHash::of(PDF)));
    assert_eq!(phone.read_attachment(home, id, BlobHash::of(PDF)).unwrap(), Content::Missing, "which is no error");
}

#[test]
fn one_file_taken_off_and_another_attached_at_once_both_count() {
    let (phone, laptop, home, id) = shared();
    phone.attach(home, id, "front.jpg", JPEG).unwrap();
    exchange(&phone, &laptop, home);
    phone.detach(home, id, BlobHash::of(JPEG)).unwrap();
    laptop.attach(home, id, "invoice.pdf", PDF).unwrap();
    exchange(&phone, &laptop, home);
    for device in [&phone, &laptop] {
        assert_eq!(names(device, home, id), ["invoice.pdf"]);
    }
}

#[test]
fn one_file_under_two_names_at_once_is_a_conflict_that_can_be_settled() {
    let (phone, laptop, home, id) = shared();
    phone.attach(home, id, "front.jpg", JPEG).unwrap();
    laptop.attach(home, id, "IMG_1.jpg", JPEG).unwrap();
    exchange(&phone, &laptop, home);
    let conflict = phone.conflicts(home).unwrap().remove(0);
    assert_eq!(conflict.field, format!("attachment:{}", &BlobHash::of(JPEG).to_string()[..32]));
    let name = |value: &FieldValue| match value {
        FieldValue::Attachment { name, .. } => name.clone(),
        other => panic!("{other:?}"),
    };
    let chosen = name(&conflict.values[1].value);
    phone.resolve(&phone.seen(home, id, &conflict.field), outlay_core::Resolution::Choose(1)).unwrap();
    exchange(&phone, &laptop, home);
    assert_eq!(names(&laptop, home, id), [chosen]);
    assert_eq!(laptop.conflicts(home).unwrap(), []);
}

#[test]
fn what_cannot_be_attached_is_refused_and_nothing_is_kept() {
    let (phone, laptop, home, id) = shared();
    let kind = |result: outlay_core::Result<Attachment>| result.unwrap_err().kind();
    assert_eq!(kind(phone.attach(home, id, "empty", b"")), ErrorKind::InvalidInput);
    assert_eq!(kind(phone.attach(home, id, "huge", &vec![0; 20 * 1024 * 1024 + 1])), ErrorKind::InvalidInput);
    assert_eq!(kind(phone.attach(home, id, &"n".repeat(256), PDF)), ErrorKind::InvalidInput);
    assert_eq!(kind(phone.attach(home, DocumentId([9; 16]), "x", PDF)), ErrorKind::NotFound);
    assert_eq!(phone.detach(home, id, BlobHash::of(PDF)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(phone.read_attachment(home, id, BlobHash::of(PDF)).unwrap_err().kind(), ErrorKind::NotFound);
    for number in 0..32_u8 {
        laptop.attach(home, id, "", &[number, 0]).unwrap();
    }
    assert_eq!(kind(laptop.attach(home, id, "one more", PDF)), ErrorKind::InvalidInput);
    laptop.attach(home, id, "a new name for one of them", &[7, 0]).unwrap();
    assert_eq!(laptop.attachments(home, id).unwrap().len(), 32);
}

#[test]
fn a_file_survives_the_process_and_goes_into_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.outlay"), folder.path().join("b.outlay"));
    let (device, home, id) = on_disk(&file);
    let hash = device.attach(home, id, "front.jpg", JPEG).unwrap().hash;
    device.backup(&copy).unwrap();
    drop(device);
    for database in [&file, &copy] {
        let device = Device::open(database, 1, 2);
        assert_eq!(device.read_attachment(home, id, hash).unwrap(), Content::Here(JPEG.to_vec()));
        device.assert_healthy("opened again");
    }
}

#[test]
fn a_file_that_nobody_has_stays_a_month_for_an_undo_and_goes_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.outlay");
    let (device, home, id) = on_disk(&file);
    let hash = device.attach(home, id, "front.jpg", JPEG).unwrap().hash;
    device.detach(home, id, hash).unwrap();
    device.clock.advance_ms(29 * DAY_MS);
    device.assert_healthy("within the month");
    device.undo().unwrap();
    assert_eq!(device.read_attachment(home, id, hash).unwrap(), Content::Here(JPEG.to_vec()));
    device.clock.advance_ms(60 * DAY_MS);
    device.assert_healthy("it is attached again");
    assert!(file_of(&file, hash).exists());

    device.delete_expense(home, id).unwrap();
    device.clock.advance_ms(60 * DAY_MS);
    device.assert_healthy("what is in the trash keeps its files");
    assert!(file_of(&file, hash).exists());
    device.detach(home, id, hash).unwrap();
    device.clock.advance_ms(31 * DAY_MS);
    device.assert_healthy("a month later");
    assert!(!file_of(&file, hash).exists());
}

#[test]
fn a_database_of_before_there_were_files_opens_and_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.outlay");
    let (device, home, id) = on_disk(&file);
    drop(device);
    let before = rusqlite::Connection::open(&file).unwrap();
    before
        .execute_batch(
            "DROP TABLE blob; DROP TABLE blob_held; DROP TABLE blob_refused; DROP TABLE attachment; DROP TABLE left_out;
             PRAGMA user_version = 2",
        )
        .unwrap();
    drop(before);
    let device = Device::open(&file, 1, 2);
    device.attach(home, id, "front.jpg", JPEG).unwrap();
    assert_eq!(names(&device, home, id), ["front.jpg"]);
    device.assert_healthy("after the step");
}

#[test]
fn files_outlive_a_database_that_was_damaged_and_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.outlay");
    let (device, home, id) = on_disk(&file);
    let hash = device.attach(home, id, "front.jpg", JPEG).unwrap().hash;
    let commits = device.commits(home, &[]).unwrap();
    drop(device);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let device = Device::open(&file, 1, 2);
    device.clock.advance_ms(60 * DAY_MS);
    device.assert_healthy("nothing is known of it");
    device.take(&commits);
    device.clock.advance_ms(60 * DAY_MS);
    device.assert_healthy("it is known again");
    assert_eq!(device.read_attachment(home, id, hash).unwrap(), Content::Here(JPEG.to_vec()));
}

#[test]
fn a_damaged_file_is_missing_named_by_doctor_and_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.outlay");
    let (device, home, id) = on_disk(&file);
    let hash = device.attach(home, id, "front.jpg", JPEG).unwrap().hash;
    std::fs::write(file_of(&file, hash), b"rotten").unwrap();
    let diagnosis = device.doctor().unwrap();
    assert!(diagnosis.problems.iter().any(|problem| problem.contains(&hash.to_string())), "{:?}", diagnosis.problems);
    assert_eq!(device.read_attachment(home, id, hash).unwrap(), Content::Missing);
    assert_eq!(std::fs::read(file_of(&file, hash).with_extension("damaged")).unwrap(), b"rotten");
    device.assert_healthy("the problem is known");
    device.attach(home, id, "front.jpg", JPEG).unwrap();
    assert_eq!(device.read_attachment(home, id, hash).unwrap(), Content::Here(JPEG.to_vec()));
}
