//! The objects about accounts and sync.

use outlay_core::DeviceKey;
use outlay_core::sync::{
    Account, Code, Connection, KnownDevice, LedgerStatus, Refusals, SyncReport, SyncStatus, Waiting,
};
use serde::Serialize;

use crate::output::text;

#[derive(Debug, Serialize)]
pub(crate) struct AccountObject {
    account: String,
    email: String,
    server: String,
    server_key: String,
    device: String,
    name: String,
}

impl AccountObject {
    pub(crate) fn new(account: &Account, device: &DeviceKey, name: &str) -> Self {
        Self {
            account: account.id.clone(),
            email: account.email.clone(),
            server: account.server.to_string(),
            server_key: account.server_key.to_string(),
            device: device.to_string(),
            name: name.to_owned(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct DeviceObject {
    device: String,
    name: String,
    this: bool,
    seen: Option<String>,
    signed_out: bool,
}

impl From<&KnownDevice> for DeviceObject {
    fn from(device: &KnownDevice) -> Self {
        Self {
            device: device.key.to_string(),
            name: device.name.clone(),
            this: device.is_this,
            seen: device.seen_ms.and_then(text::instant),
            signed_out: !device.is_signed_in,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct SyncObject {
    pushed: u64,
    pulled: u64,
    refused: u64,
    /// Left out because it was not in order.
    damaged: u64,
    bytes_up: u64,
    bytes_down: u64,
    /// Files of entries that went up, and that are still here only.
    files_up: u64,
    files_waiting: u64,
    ms: u64,
    /// Whether all was alike here and there at the end.
    complete: bool,
    waiting: Option<WaitingObject>,
}

impl SyncObject {
    pub(crate) fn new(report: &SyncReport, ms: u64) -> Self {
        Self {
            pushed: report.pushed,
            pulled: report.pulled,
            refused: report.refused,
            damaged: report.damaged,
            bytes_up: report.bytes_up,
            bytes_down: report.bytes_down,
            files_up: report.files_up,
            files_waiting: report.files_waiting,
            ms,
            complete: report.is_complete,
            waiting: report.waiting.as_ref().map(Into::into),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct WaitingObject {
    #[serde(flatten)]
    code: Option<CodeObject>,
    text: String,
    /// When it is tried again by itself; `null` if something must be done first.
    retry_ms: Option<u64>,
}

impl From<&Waiting> for WaitingObject {
    fn from(waiting: &Waiting) -> Self {
        let code = waiting.code.map(Into::into);
        Self { code, text: waiting.text.clone(), retry_ms: waiting.retry_ms }
    }
}

/// A reason of the protocol, by its number and its name.
#[derive(Debug, Serialize)]
struct CodeObject {
    code: u16,
    name: &'static str,
}

impl From<Code> for CodeObject {
    fn from(code: Code) -> Self {
        Self { code: code.number(), name: code.name() }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct StatusObject {
    /// `null` when this device is signed in nowhere.
    account: Option<String>,
    email: Option<String>,
    server: Option<String>,
    pub(crate) connection: &'static str,
    waiting: Option<WaitingObject>,
    /// When all was alike here and there.
    caught_up: Option<String>,
    /// Another database writes under this one's key.
    copied: bool,
    /// Changes on this device only, and those that go up next among them.
    local: u64,
    /// Frames of changes on their way.
    sent: u64,
    stored: u64,
    refused: u64,
    /// Files of entries that are here only, and those of them that the server has refused.
    files_waiting: u64,
    files_refused: u64,
    ledgers: Vec<LedgerStatusObject>,
}

#[derive(Debug, Serialize)]
struct LedgerStatusObject {
    ledger: String,
    name: String,
    local: u64,
    stored: u64,
    refused: u64,
    refusals: Vec<RefusalsObject>,
    /// Months before this one are still coming.
    complete_from: Option<String>,
    /// Why the server does not open it.
    not_opened: Option<CodeObject>,
    /// Changes from the server that were not in order.
    left_out: u64,
}

#[derive(Debug, Serialize)]
struct RefusalsObject {
    #[serde(flatten)]
    code: CodeObject,
    text: String,
    count: u64,
    since: Option<String>,
}

impl From<&Refusals> for RefusalsObject {
    fn from(refusals: &Refusals) -> Self {
        let since = text::instant(refusals.since_ms);
        Self { code: refusals.code.into(), text: refusals.text.clone(), count: refusals.commits, since }
    }
}

impl LedgerStatusObject {
    fn new(status: &LedgerStatus, name: &str) -> Self {
        Self {
            ledger: status.ledger.to_string(),
            name: name.to_owned(),
            local: status.local,
            stored: status.stored,
            refused: status.refused,
            refusals: status.refusals.iter().map(Into::into).collect(),
            complete_from: status.complete_from.map(|month| month.to_string()),
            not_opened: status.not_opened.map(Into::into),
            left_out: status.left_out,
        }
    }
}

impl StatusObject {
    /// `names` has the name of each ledger of the status.
    pub(crate) fn new(status: &SyncStatus, names: &[String]) -> Self {
        let account = status.account.as_ref();
        let sum = |of: fn(&LedgerStatus) -> u64| status.ledgers.iter().map(of).sum();
        let ledgers = status.ledgers.iter().zip(names);
        Self {
            account: account.map(|account| account.id.clone()),
            email: account.map(|account| account.email.clone()),
            server: account.map(|account| account.server.to_string()),
            connection: connection(status.connection),
            waiting: status.waiting.as_ref().map(Into::into),
            caught_up: status.caught_up_ms.and_then(text::instant),
            copied: status.is_copied,
            local: sum(|ledger| ledger.local),
            sent: status.sent,
            stored: sum(|ledger| ledger.stored),
            refused: sum(|ledger| ledger.refused),
            files_waiting: status.files_waiting,
            files_refused: status.files_refused,
            ledgers: ledgers.map(|(status, name)| LedgerStatusObject::new(status, name)).collect(),
        }
    }
}

fn connection(connection: Connection) -> &'static str {
    match connection {
        Connection::Off => "off",
        Connection::Connecting => "connecting",
        Connection::Live => "live",
        Connection::Retrying => "retrying",
        Connection::Elsewhere => "elsewhere",
        Connection::SignedOut => "signed_out",
    }
}
