//! Accounts, and how sync stands.

use outlay_core::sync::{
    Account, Code, Connection, Credentials, KnownDevice, LedgerStatus, Refusals, ServerAddress, SignInOptions, SignOut,
    SyncReport, SyncStatus, Waiting,
};
use outlay_core::{DeviceKey, LedgerId, Month};

/// Who signs in.
#[uniffi::remote(Record)]
pub struct Credentials {
    /// The e-mail address.
    pub email: String,
    /// The password. It is sent to the server and kept nowhere.
    pub password: String,
}

/// What is said of a person and a device when signing up or in.
#[uniffi::remote(Record)]
pub struct SignInOptions {
    /// What the person is called; only for signing up.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// The invitation, where the server asks for one; only for signing up.
    #[uniffi(default = None)]
    pub invitation: Option<String>,
    /// What the device is called in the list of devices.
    #[uniffi(default = "")]
    pub device_name: String,
    /// A code of an authenticator app, or a recovery code, if the account wants one; only for signing in.
    #[uniffi(default = None)]
    pub code: Option<String>,
}

/// The account that a database belongs to.
#[uniffi::remote(Record)]
pub struct Account {
    /// Where the server is.
    pub server: ServerAddress,
    /// The server's id: its public key, whatever its address is.
    pub server_key: DeviceKey,
    /// The account's id on that server.
    pub id: String,
    /// The e-mail address that was signed in with.
    pub email: String,
}

/// What becomes of the database when its account is left.
#[uniffi::remote(Enum)]
pub enum SignOut {
    /// Everything stays, and can be worked with. It goes up again to whatever account is signed in to next.
    Keep,
    /// Everything is deleted from this device, unless some of it is on no server yet.
    Wipe,
    /// Everything is deleted from this device, also what is nowhere else.
    WipeUnsent,
}

/// A device of the account, as the server lists it.
#[uniffi::remote(Record)]
pub struct KnownDevice {
    /// Its key.
    pub key: DeviceKey,
    /// What it is called.
    pub name: String,
    /// Whether it is this one.
    pub is_this: bool,
    /// When the server heard from it last, in milliseconds since 1970.
    pub seen_ms: Option<i64>,
    /// Whether it is signed in; one that was signed out keeps what is on it, and gets nothing more.
    pub is_signed_in: bool,
}

/// What one sync did.
#[uniffi::remote(Record)]
pub struct SyncReport {
    /// Commits that the server stored.
    pub pushed: u64,
    /// Commits of other devices that were new here.
    pub pulled: u64,
    /// Commits that the server refused this time; the status says why.
    pub refused: u64,
    /// Commits from the server that were not in order, and left out.
    pub damaged: u64,
    /// Files of entries that the server has now.
    pub files_up: u64,
    /// Files of entries that are here and not known to be on the server, at the end.
    pub files_waiting: u64,
    /// Bytes sent: frames, without what the transport adds.
    pub bytes_up: u64,
    /// Bytes received, likewise.
    pub bytes_down: u64,
    /// Whether everything was alike here and there at the end.
    pub is_complete: bool,
    /// What is waited for if not.
    pub waiting: Option<Waiting>,
}

/// The connection of this process to the server.
#[uniffi::remote(Enum)]
pub enum Connection {
    /// Nothing is running that would connect.
    Off,
    /// It is being made.
    Connecting,
    /// It is there: what is written here leaves at once.
    Live,
    /// It is not there, and is tried again by itself.
    Retrying,
    /// Another process syncs this database.
    Elsewhere,
    /// Signing in is needed.
    SignedOut,
}

/// What is waited for, and since when it was known.
#[uniffi::remote(Record)]
pub struct Waiting {
    /// Its code, if the server said one.
    pub code: Option<Code>,
    /// For people.
    pub text: String,
    /// When it is tried again, in milliseconds from now; absent if something must be done first.
    pub retry_ms: Option<u64>,
}

/// Commits refused for one reason. They are kept here, and offered again when the reason may be gone.
#[uniffi::remote(Record)]
pub struct Refusals {
    /// The reason.
    pub code: Code,
    /// The reason, for people.
    pub text: String,
    /// How many.
    pub commits: u64,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// How one ledger stands, in commits.
#[uniffi::remote(Record)]
pub struct LedgerStatus {
    /// The ledger.
    pub ledger: LedgerId,
    /// Held here only, and going up next.
    pub local: u64,
    /// Held here, and known to be stored on the server.
    pub stored: u64,
    /// Held here, and refused.
    pub refused: u64,
    /// Why.
    pub refusals: Vec<Refusals>,
    /// Months before this one are still coming; absent when nothing is missing.
    pub complete_from: Option<Month>,
    /// Why the server does not open the ledger.
    pub not_opened: Option<Code>,
    /// Commits from the server that were not in order, and have not come in order since: damaged there, or forged. They are
    /// left out; at most 1,000 are counted.
    pub left_out: u64,
}

/// How sync stands.
#[uniffi::remote(Record)]
pub struct SyncStatus {
    /// Who is signed in.
    pub account: Option<Account>,
    /// The connection of this process.
    pub connection: Connection,
    /// What is waited for.
    pub waiting: Option<Waiting>,
    /// When all was alike here and there, in milliseconds since 1970.
    pub caught_up_ms: Option<i64>,
    /// Commits on their way that no answer has come to yet.
    pub sent: u64,
    /// Whether another database has written under this device's key: this one was copied or restored together with it. It
    /// gets a key of its own by itself, as a further device of the account, and this is over then.
    pub is_copied: bool,
    /// Files of entries that are here and not known to be on the server.
    pub files_waiting: u64,
    /// Those of them that the server has refused; they are offered again after an hour.
    pub files_refused: u64,
    /// Each ledger on this device, and those that are still to come to it.
    pub ledgers: Vec<LedgerStatus>,
}
