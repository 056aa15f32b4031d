//! Files: receipts, imports and exports, and what passes between two databases.

use std::sync::Arc;

use outlay_core::import::csv::Profile;
use outlay_core::{
    Attachment, BlobHash, CommitId, Content as AttachmentContent, DocumentId, ImportOptions, ImportRow, Imported,
    LedgerId,
};

use super::{Engine, Result};
use crate::observer::{Cancel, ProgressObserver, goes_on};
use crate::records::files::{Diagnosis, TakenIn};

#[uniffi::export]
impl Engine {
    /// Attaches a file to an entry: a receipt, most often. It is kept beside the database, and goes up with the next sync.
    pub fn attach(&self, ledger: LedgerId, id: DocumentId, name: String, bytes: Vec<u8>) -> Result<Attachment> {
        self.call(|engine| engine.attach(ledger, id, &name, &bytes))
    }

    /// Takes a file off an entry.
    pub fn detach(&self, ledger: LedgerId, id: DocumentId, hash: BlobHash) -> Result<()> {
        self.call(|engine| engine.detach(ledger, id, hash))
    }

    /// The files of an entry.
    pub fn attachments(&self, ledger: LedgerId, id: DocumentId) -> Result<Vec<Attachment>> {
        self.call(|engine| engine.attachments(ledger, id))
    }

    /// What is in a file of an entry, if it is on this device.
    pub fn read_attachment(&self, ledger: LedgerId, id: DocumentId, hash: BlobHash) -> Result<AttachmentContent> {
        self.call(|engine| engine.read_attachment(ledger, id, hash))
    }

    /// What is in a file of an entry: from this device, and from the server if it is not here. It waits for the network then.
    pub fn fetch_attachment(&self, ledger: LedgerId, id: DocumentId, hash: BlobHash) -> Result<AttachmentContent> {
        self.call(|engine| engine.fetch_attachment(ledger, id, hash))
    }

    /// Imports a file: a CSV of a bank or an app, or JSON Lines. Which of them it is, is decided by its content.
    ///
    /// A row that cannot be read is named with its line and reason, and the rest goes in. The same file adds nothing twice.
    /// It is there as a whole or not at all, and undone as a whole; a cancelled one has written nothing.
    #[uniffi::method(default(progress = None, cancel = None))]
    pub fn import_file(
        &self,
        bytes: Vec<u8>,
        options: ImportOptions,
        progress: Option<Arc<dyn ProgressObserver>>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Imported> {
        let mut look = |at| {
            let told = progress.as_ref().map_or(Ok(()), |progress| progress.progressed(at));
            goes_on(told, cancel.as_ref())
        };
        self.call(|engine| engine.import(&bytes, &options, &mut look))
    }

    /// Imports entries that an app made itself: of bank messages, say. Each is as a row of a file is.
    pub fn import_rows(&self, ledger: LedgerId, rows: Vec<ImportRow>) -> Result<Imported> {
        self.call(|engine| engine.import_rows(ledger, rows))
    }

    /// What the columns of a CSV mean, as far as it shows.
    pub fn guess_profile(&self, bytes: Vec<u8>) -> Result<Profile> {
        self.call(|engine| engine.guess_profile(&bytes))
    }

    /// Keeps a profile under a name, in place of what was kept under it.
    pub fn save_profile(&self, name: String, profile: Profile) -> Result<()> {
        self.call(|engine| engine.save_profile(&name, &profile))
    }

    /// The profile of a name, if there is one.
    pub fn profile(&self, name: String) -> Result<Option<Profile>> {
        self.call(|engine| engine.profile(&name))
    }

    /// The names of the profiles that are kept.
    pub fn profiles(&self) -> Result<Vec<String>> {
        self.call(|engine| engine.profiles())
    }

    /// Writes a ledger with its whole history as JSON Lines to a file, in place of one that is there, and answers how many
    /// entries it has. Unless all of it is on the disk, the file stays as it was. Imported elsewhere it gives the same ids, history and conflicts.
    pub fn export_jsonl(&self, ledger: LedgerId, path: String) -> Result<u64> {
        self.call(|engine| engine.export_jsonl_file(ledger, &path))
    }

    /// Writes the entries of a ledger that are not in the trash as CSV to a file, in place of one that is there, and answers
    /// how many there are. Unless all of it is on the disk, the file stays as it was.
    ///
    /// Texts are written as they are, also those that a spreadsheet may take for a formula.
    pub fn export_csv(&self, ledger: LedgerId, path: String) -> Result<u64> {
        self.call(|engine| engine.export_csv_file(ledger, &path))
    }

    /// The commits that nothing in this ledger is built on yet: what another database is told to say what is held here.
    pub fn heads(&self, ledger: LedgerId) -> Result<Vec<CommitId>> {
        self.call(|engine| engine.heads(ledger))
    }

    /// The commits that somebody with these heads lacks, as bytes that another database takes in.
    pub fn batches(&self, ledger: LedgerId, known: Vec<CommitId>) -> Result<Vec<Vec<u8>>> {
        self.call(|engine| engine.batches(ledger, &known))
    }

    /// Takes in commits of another database. Each is checked; what is refused is named, and the rest goes in.
    pub fn take_in_batch(&self, bytes: Vec<u8>) -> Result<TakenIn> {
        self.call(|engine| Ok(engine.take_in_batch(&bytes)?.into()))
    }

    /// Copies the database into a new file while the engine goes on, and its receipts into a folder beside it. The device's
    /// key is not in it.
    pub fn backup(&self, to: String) -> Result<()> {
        self.call(|engine| engine.backup(&to))
    }

    /// Checks the file and every commit in it, makes every projection anew from the commits, and compares.
    pub fn doctor(&self) -> Result<Diagnosis> {
        self.call(|engine| Ok(engine.doctor()?.into()))
    }
}
