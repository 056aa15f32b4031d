//! Files that belong to entries: attached, taken off, read; and those that no entry has any more.

use std::path::Path;

use outlay_ledger::limits::BLOB_BYTES_MAX;
use outlay_ledger::{Attachment as Attached, BlobHash, DocumentId, LedgerId, expense, media};
use rusqlite::Connection;

use super::Engine;
use crate::error::{Error, Result};
use crate::model::{Attachment, Content, Diagnosis};
use crate::store::{Write, blobs, keys};

/// How long a file stays that no entry has: as long as something is in the trash, so that whoever undoes it finds it.
const LOOSE_MS_MAX: i64 = 30 * 86_400_000;
/// How long what has come of a file waits for the rest.
const PARTIAL_MS_MAX: i64 = 7 * 86_400_000;

impl Engine {
    /// Attaches a file to an entry. It is durable then, with or without a network; it goes up after the entry itself.
    ///
    /// What kind of file it is follows from its first bytes. The same file attached again gets the new name.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::InvalidInput`] if it is empty or longer than 20 MiB, if the name is too long, or if the entry has
    ///   32 files already.
    /// * [`crate::ErrorKind::NotFound`] if this device has no such ledger or entry.
    /// * [`crate::ErrorKind::Forbidden`] if it may only read the ledger.
    /// * [`crate::ErrorKind::DiskFull`] if there is no room. Nothing was changed.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Content, Currency, Engine, Money, NewExpense};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let lunch = engine.add_expense(home, NewExpense::new(Money::parse("12.50", Currency::EUR)?, "Corner Café"))?.id;
    /// let receipt = engine.attach(home, lunch, "receipt.pdf", b"%PDF-1.7 ...")?;
    /// assert_eq!((receipt.media_type.as_str(), receipt.bytes), ("application/pdf", 12));
    /// assert_eq!(engine.attachments(home, lunch)?, [receipt.clone()]);
    /// assert_eq!(engine.read_attachment(home, lunch, receipt.hash)?, Content::Here(b"%PDF-1.7 ...".to_vec()));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn attach(&self, ledger: LedgerId, id: DocumentId, name: &str, bytes: &[u8]) -> Result<Attachment> {
        let length = bytes.len() as u64;
        if length == 0 || length > BLOB_BYTES_MAX {
            return Err(Error::invalid(format!("a file that is attached has 1 to {BLOB_BYTES_MAX} bytes")));
        }
        let hash = BlobHash::of(bytes);
        let media_type = media::sniff(bytes).to_owned();
        let file = Attached { hash, bytes: length, media_type, name: name.to_owned() };
        // Before the entry has it, so that none ever has a file that was nowhere; what then fails leaves a loose one.
        self.blobs.put(&hash, bytes)?;
        self.change(ledger, id, |draft, document| {
            let put = expense::attach(document, file)?;
            // Another process may have deleted it as a loose one meanwhile, and does so no more while this one writes.
            self.blobs.put(&hash, bytes)?;
            blobs::enter(&draft.write.tx, &hash, length)?;
            Ok(vec![put])
        })?;
        self.sweep();
        let attached = self.attachments(ledger, id)?.into_iter().find(|attachment| attachment.hash == hash);
        attached.ok_or_else(|| Error::internal("what was attached is not there"))
    }

    /// Takes a file off an entry. The file itself stays for a month on devices that have it, for whoever undoes it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] and [`crate::ErrorKind::Forbidden`].
    pub fn detach(&self, ledger: LedgerId, id: DocumentId, hash: BlobHash) -> Result<()> {
        self.change(ledger, id, |_, document| {
            let put = expense::detach(document, &hash);
            Ok(vec![put.ok_or_else(|| Error::not_found("attachment of this expense"))?])
        })?;
        self.sweep();
        Ok(())
    }

    /// The files of an entry, ascending by hash, whether they are on this device or not.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] if this device has no such ledger or entry.
    pub fn attachments(&self, ledger: LedgerId, id: DocumentId) -> Result<Vec<Attachment>> {
        let files = self.store.read(|connection| {
            let lid = keys::ledger_here(connection, ledger)?;
            blobs::attachments(connection, entry(connection, lid, &id)?)
        })?;
        Ok(files.into_iter().map(|file| self.shown(file)).collect())
    }

    /// What is in a file of an entry, as far as it is on this device.
    ///
    /// # Errors
    ///
    /// * [`crate::ErrorKind::NotFound`] if this device has no such ledger or entry, or the entry no such file.
    /// * [`crate::ErrorKind::Internal`] if the file is here and cannot be read.
    pub fn read_attachment(&self, ledger: LedgerId, id: DocumentId, hash: BlobHash) -> Result<Content> {
        self.attachment(ledger, id, &hash)?;
        Ok(self.blobs.get(&hash)?.map_or(Content::Missing, Content::Here))
    }

    /// One file of an entry.
    pub(crate) fn attachment(&self, ledger: LedgerId, id: DocumentId, hash: &BlobHash) -> Result<Attachment> {
        let found = self.attachments(ledger, id)?.into_iter().find(|attachment| attachment.hash == *hash);
        found.ok_or_else(|| Error::not_found("attachment of this expense"))
    }

    /// Copies the files that are here to beside a copy of the database.
    pub(super) fn copy_files(&self, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(Error::invalid("the file of the backup exists already"));
        }
        let here: Vec<BlobHash> = self.store.read(blobs::here)?.into_iter().map(|(hash, _)| hash).collect();
        Ok(self.blobs.copy_beside(to, &here)?)
    }

    /// Compares the files with what is known of them: those that cannot be read are named, those that were not known
    /// are entered, and those that no entry has are deleted after a while.
    pub(super) fn check_files(&self, diagnosis: &mut Diagnosis) -> Result<()> {
        let known = self.store.read(blobs::here)?;
        let mut is_wrong = Vec::new();
        for (hash, _) in &known {
            if self.blobs.get(hash)?.is_none() {
                diagnosis
                    .problems
                    .push(format!("the file {hash} is gone or damaged; it is fetched again when it is wanted"));
                is_wrong.push(*hash);
            }
        }
        diagnosis.checked.push(("files of entries".to_owned(), known.len() as u64));
        let found = self.blobs.list()?;
        self.write(|write| {
            for hash in &is_wrong {
                blobs::forget(&write.tx, hash)?;
            }
            // The folder may be older than the database, which was damaged or restored: nothing of it goes before its time.
            for file in found.iter().filter(|file| known.iter().all(|(hash, _)| *hash != file.hash)) {
                blobs::enter(&write.tx, &file.hash, file.bytes)?;
            }
            self.delete_loose(write)
        })?;
        Ok(self.blobs.forget_partial_before(self.options.environment.now_ms() - PARTIAL_MS_MAX)?)
    }

    /// Deletes what no entry has had for long. What fails is done another time.
    fn sweep(&self) {
        let _ = self.write(|write| self.delete_loose(write));
    }

    /// While this writes, no other process attaches one of them.
    fn delete_loose(&self, write: &mut Write<'_>) -> Result<()> {
        let now_ms = self.options.environment.now_ms();
        for hash in blobs::loose(&write.tx, now_ms, now_ms - LOOSE_MS_MAX)? {
            blobs::forget(&write.tx, &hash)?;
            self.blobs.remove(&hash)?;
        }
        Ok(())
    }

    fn shown(&self, file: Attached) -> Attachment {
        let Attached { hash, bytes, media_type, name } = file;
        Attachment { hash, bytes, media_type, name, is_here: self.blobs.has(&hash) }
    }
}

/// The number of an entry.
fn entry(connection: &Connection, lid: i64, id: &DocumentId) -> Result<i64> {
    let missing = || Error::not_found("expense in this ledger");
    let rid = keys::find_document(connection, lid, id)?.ok_or_else(missing)?;
    let is_entry = crate::store::query::numbered(connection, &mut Default::default(), rid)?.is_some();
    if is_entry { Ok(rid) } else { Err(missing()) }
}
