//! Every limit of the format and of what people may enter, each with the reason for its number.
//!
//! Limits of the format decide what is admitted, on every device alike: changing one is a new format version. Limits
//! of entry (the `_BYTES_MAX` of texts) are judged by the format too, so that what one device stores another can show.

/// Bytes of a payee: the longest counterparty of a SEPA statement has 140 characters; twice that with room for UTF-8.
pub const PAYEE_BYTES_MAX: usize = 256;
/// Bytes of the name of an account, category, ledger or member: one line of a phone.
pub const NAME_BYTES_MAX: usize = 128;
/// Bytes of a note: several paragraphs, and eight of them still fit one record.
pub const NOTE_BYTES_MAX: usize = 4096;
/// Bytes of the word for a decision: those of this version are shorter, and one of a newer version is kept.
pub const DECISION_BYTES_MAX: usize = 64;
/// Bytes of a tag.
pub const TAG_BYTES_MAX: usize = 64;
/// Tags of one expense: more is a category tree in disguise.
pub const TAGS_MAX: usize = 32;
/// Bytes of the name of an attachment: what the common file systems allow a file.
pub const ATTACHMENT_NAME_BYTES_MAX: usize = 255;
/// Bytes of a media type: twice the longest that receipts come in, as RFC 6838 recommends for each half.
pub const MEDIA_TYPE_BYTES_MAX: usize = 127;
/// Attachments of one expense: more is an archive.
pub const ATTACHMENTS_MAX: usize = 32;
/// Bytes of one attached file: a phone's largest photograph or a scan of thirty pages, and still in memory at once.
pub const BLOB_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// Bytes of the name of a field this version does not know.
pub const KEY_BYTES_MAX: usize = 64;
/// Bytes of the value of a field this version does not know.
pub const UNKNOWN_VALUE_BYTES_MAX: usize = 4096;
/// The greatest amount in minor units, either way: ten trillion euros in cents, and thousands of such still sum in an
/// `i64`.
pub const MINOR_MAX: i64 = 1_000_000_000_000_000;

/// Bytes of one record's payload: 2,000 small operations, or the eight longest notes.
pub const PAYLOAD_BYTES_MAX: usize = 32 * 1024;
/// Operations of one change. A person edits a dozen fields; the rest is room for newer versions.
pub const CHANGE_OPERATIONS_MAX: usize = 2_000;
/// Changes that one change may be made on top of: as many devices edited the same thing at once.
pub const CHANGE_DEPS_MAX: usize = 256;
/// Actors that the operations replaced by one change may come from.
pub const CHANGE_ACTORS_MAX: usize = 1_000;
/// Operations that one change may replace: 256 dependencies that each put 64 registers. Run-length encoding writes
/// millions in a few bytes, and reading them would take seconds.
pub const CHANGE_PREDS_MAX: usize = 16_384;
/// The greatest operation counter. automerge keeps counters in 32 bits and panics when the next one does not fit.
pub const COUNTER_MAX: u64 = 1 << 31;

/// Records of one commit.
pub const COMMIT_RECORDS_MAX: usize = 1_000;
/// Bytes of one encoded commit: what a server checks and stores whole.
pub const COMMIT_BYTES_MAX: usize = 128 * 1024;
/// Heads of a device's own chain that a commit names.
pub const PREVIOUS_MAX: usize = 8;
/// Heads of the member commits that a commit names. Naming fewer than are known only claims less.
pub const MEMBER_HEADS_MAX: usize = 32;
/// The greatest record number of a feed: 48 bits, as in the ids of documents.
pub const RECORD_NUMBER_MAX: u64 = (1 << 48) - 1;

/// Parents above a category: deeper ones count as none.
pub const CATEGORY_DEPTH_MAX: usize = 16;
/// Payers or shares of one expense: as many as a ledger has members by default.
pub const PARTIES_MAX: usize = 256;
