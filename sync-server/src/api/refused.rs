//! The codes that a page names as its own in its description, as words for `responses(…)`.

use std::collections::BTreeMap;

use outlay_protocol::Code;
use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

type Responses = BTreeMap<String, RefOr<Response>>;

/// What parts status and number in the key under which a code waits for [`super::common::complete`]: one status may have
/// several codes.
const SEPARATOR: char = ' ';

macro_rules! refused {
    ($($name:ident: $($code:ident)+;)+) => { $(
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                [$(Code::$code),+].into_iter().map(|code| (key(code), RefOr::T(Response::default()))).collect()
            }
        }
    )+ };
}

refused! {
    // One code each.
    AccountExists: AccountExists;
    AccountInvalid: AccountInvalid;
    Changed: Changed;
    CodeWrong: CodeWrong;
    Credentials: Credentials;
    Invalid: Invalid;
    InvitationUsed: InvitationUsed;
    KeyReused: KeyReused;
    MailedToken: MailedToken;
    Malformed: Malformed;
    MailOff: MailOff;
    NoSuchLedger: NoSuchLedger;
    NoSuchPage: NoSuchPage;
    Proof: Proof;
    Revoked: Revoked;
    ShuttingDown: ShuttingDown;
    SignInNeeded: SignInNeeded;
    TooMany: TooMany;
    TotpOn: TotpOn;
    VersionNeeded: VersionNeeded;
    // What a page of a ledger says to whoever may not see it, or not this.
    OfLedger: NoSuchLedger ServerMayNot;
    OfMember: NoSuchLedger Removed;
    OfOwner: NoSuchLedger Removed ReadOnly;
    // What a page that writes says to whoever may only read.
    ToWrite: ReadOnly Scope ServerMayNot Quota;
    // What is said of a file to whoever wants it, and to whoever sends it.
    GetsBlob: NoSuchLedger NoSuchPage Range;
    SendsBlob: NoSuchLedger NoSuchPage ReadOnly Scope Quota TooMany Malformed Invalid Offset Hash;
    LoggingIn: Credentials CodeNeeded CodeWrong;
    SigningUp: SignUpClosed Invitation;
    Joining: Invitation InvitationUsed InvitationExpired Removed Signature PredecessorsMissing CommitTooBig Forks Quota;
    // What the proof of a session can lack.
    Syncing: SignInNeeded TokenExpired Revoked Proof Version OutOfOrder Batch;
}

/// The key of a code.
fn key(code: Code) -> String {
    format!("{}{SEPARATOR}{}", code.http_status(), code.number())
}

/// The code of a key; `None` for a status.
pub(super) fn code(key: &str) -> Option<Code> {
    let number = key.split_once(SEPARATOR)?.1.parse().ok()?;
    Some(Code::from_number(number))
}
