//! Members of a ledger, how they come in, and what they wrote that does not count.

use outlay_core::{
    AsideCommit, Author, CommitId, DeviceKey, Invitation, LedgerId, Member, MemberDevice, MemberId, OpenInvitation,
    Role,
};

/// A member of a ledger.
#[uniffi::remote(Record)]
pub struct Member {
    /// The id.
    pub id: MemberId,
    /// What the person is called, if he has said so.
    pub name: Option<String>,
    /// What he may do.
    pub role: Role,
    /// With which devices, ascending by key.
    pub devices: Vec<MemberDevice>,
    /// Whether this device is one of them.
    pub is_self: bool,
}

/// A device of a member.
#[uniffi::remote(Record)]
pub struct MemberDevice {
    /// Its key.
    pub key: DeviceKey,
    /// Whether it may do all that the member may; one that only a server's word speaks for writes entries and no more.
    pub is_confirmed: bool,
    /// Whether it is this one.
    pub is_this: bool,
}

/// An invitation to a ledger.
#[uniffi::remote(Record)]
pub struct Invitation {
    /// The ledger.
    pub ledger: LedgerId,
    /// What whoever accepts it may do.
    pub role: Role,
    /// Until when it can be used, in milliseconds since 1970.
    pub expires_ms: i64,
    /// The text to pass on. Whoever has it can use it, once.
    pub code: String,
    /// What it is known by to whoever has not the text, as to take it back.
    pub key: DeviceKey,
}

/// An invitation that nobody has used yet.
#[uniffi::remote(Record)]
pub struct OpenInvitation {
    /// What it is known by: the key of the invitation.
    pub key: DeviceKey,
    /// What whoever accepts it may do.
    pub role: Role,
    /// Until when it can be used, in milliseconds since 1970; absent when for ever.
    pub expires_ms: Option<i64>,
}

/// A commit with entries that is set aside: its author was removed or demoted before he knew.
#[uniffi::remote(Record)]
pub struct AsideCommit {
    /// Its id.
    pub id: CommitId,
    /// Who wrote it.
    pub author: Author,
    /// When, by the author's clock, in milliseconds since 1970.
    pub time_ms: i64,
    /// Changes of entries and other things in it.
    pub changes: u64,
}
