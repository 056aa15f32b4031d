/** Files: receipts of entries, what is imported and exported, and what passes between two databases. */
package app.outlay

import app.outlay.ffi.AttachmentContent
import app.outlay.ffi.ProgressObserver
import java.nio.file.Path
import kotlin.io.path.readBytes
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Attaches a file to an entry. It is kept beside the database, and goes up with the next sync. */
public suspend fun Engine.attach(ledger: LedgerId, expense: DocumentId, name: String, bytes: ByteArray): Attachment =
    call { attach(ledger, expense, name, bytes) }

/** Takes a file off an entry. */
public suspend fun Engine.detach(ledger: LedgerId, expense: DocumentId, hash: BlobHash): Unit =
    call { detach(ledger, expense, hash) }

/** The files of an entry. */
public suspend fun Engine.attachments(ledger: LedgerId, expense: DocumentId): List<Attachment> =
    call { attachments(ledger, expense) }

/** What is in a file of an entry, if it is on this device. */
public suspend fun Engine.readAttachment(ledger: LedgerId, expense: DocumentId, hash: BlobHash): ByteArray? =
    call { readAttachment(ledger, expense, hash).bytes() }

/** What is in a file: from this device, or from the server if that has it. It waits for the network then. */
public suspend fun Engine.fetchAttachment(ledger: LedgerId, expense: DocumentId, hash: BlobHash): ByteArray? =
    call { fetchAttachment(ledger, expense, hash).bytes() }

private fun AttachmentContent.bytes(): ByteArray? = when (this) {
    is AttachmentContent.Here -> v1
    is AttachmentContent.Missing -> null
}

/**
 * Imports a file: a CSV of a bank or an app, or JSON Lines. Which of them it is, is decided by its content.
 *
 * A row that cannot be read is named with its line and reason, and the rest goes in; the same file adds nothing twice.
 * `progress` is called on a thread of its own. What it throws ends the import and is thrown here; nothing is written then,
 * nor when the coroutine is cancelled.
 */
public suspend fun Engine.importFile(
    bytes: ByteArray,
    options: ImportOptions = ImportOptions(),
    progress: ((ImportProgress) -> Unit)? = null,
): Imported {
    val telling = progress?.let(::ImportTelling)
    return untilThrown(telling) { cancel -> native.importFile(bytes, options, telling, cancel) }
}

/** Imports a file by its path. */
public suspend fun Engine.importFile(
    path: Path,
    options: ImportOptions = ImportOptions(),
    progress: ((ImportProgress) -> Unit)? = null,
): Imported = importFile(withContext(Dispatchers.IO) { path.readBytes() }, options, progress)

private class ImportTelling(tell: (ImportProgress) -> Unit) : Telling<ImportProgress>(tell), ProgressObserver

/** Imports entries that an app made itself, of bank messages, say. Each is as a row of a file is. */
public suspend fun Engine.importRows(ledger: LedgerId, rows: List<ImportRow>): Imported = call { importRows(ledger, rows) }

/** What the columns of a CSV mean, as far as it shows: a JSON object. */
public suspend fun Engine.guessProfile(bytes: ByteArray): String = call { guessProfile(bytes) }

/** Keeps a profile under a name, in place of what was kept under it. */
public suspend fun Engine.saveProfile(name: String, profile: String): Unit = call { saveProfile(name, profile) }

/** The profile of a name, if there is one. */
public suspend fun Engine.profile(name: String): String? = call { profile(name) }

/** The names of the profiles that are kept. */
public suspend fun Engine.profiles(): List<String> = call { profiles() }

/** Writes a ledger with its whole history to a file, and says how many entries it has. */
public suspend fun Engine.exportJsonl(ledger: LedgerId, path: Path): Long =
    call { exportJsonl(ledger, path.toString()).toLong() }

/** Writes the entries that are not in the trash to a file, and says how many there are. */
public suspend fun Engine.exportCsv(ledger: LedgerId, path: Path): Long =
    call { exportCsv(ledger, path.toString()).toLong() }

/** What another database is told to say which commits are held here. */
public suspend fun Engine.heads(ledger: LedgerId): List<CommitId> = call { heads(ledger) }

/** The commits that somebody with these heads lacks, as bytes that another database takes in. */
public suspend fun Engine.batches(ledger: LedgerId, known: List<CommitId> = emptyList()): List<ByteArray> =
    call { batches(ledger, known) }

/** Takes in commits of another database. What is refused is named, and the rest goes in. */
public suspend fun Engine.takeInBatch(batch: ByteArray): TakenIn = call { takeInBatch(batch) }

/** Copies the database into a new file while the engine goes on. The device's key is not in it. */
public suspend fun Engine.backup(to: Path): Unit = call { backup(to.toString()) }

/** Checks the file and every commit in it, makes every projection anew from the commits, and compares. */
public suspend fun Engine.doctor(): Diagnosis = call { doctor() }
