//! What an event is told as: one envelope for all of them, in JSON.

use std::fmt;
use std::str::FromStr;

use outlay_ledger::{Date, LedgerId, hex};
use outlay_protocol::Mark;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Id;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;

macro_rules! kinds {
    ($($name:ident = $text:literal;)*) => {
        /// What has happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($name,)*
        }

        impl Kind {
            /// As programs read it.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The kind of a name.
            pub(crate) fn of_name(name: &str) -> Option<Self> {
                [$(Self::$name,)*].into_iter().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds! {
    MemberAdded = "member.added";
    MemberRemoved = "member.removed";
    MemberRoleChanged = "member.role_changed";
    ExpenseAdded = "expense.added";
    ExpenseChanged = "expense.changed";
    ExpenseDeleted = "expense.deleted";
    ConflictDetected = "conflict.detected";
    ImportFinished = "import.finished";
    LedgerChanged = "ledger.changed";
    InsightReady = "insight.ready";
    LedgerPurged = "ledger.purged";
    UserSignedUp = "user.signed_up";
    SessionRevoked = "session.revoked";
    DeviceAdded = "device.added";
    DeviceRemoved = "device.removed";
    AccountDeleted = "account.deleted";
    Ping = "ping";
}

impl Kind {
    /// Whether it is told of a ledger, and stands at a place of its log.
    pub(crate) const fn is_of_log(self) -> bool {
        match self {
            Self::MemberAdded | Self::MemberRemoved | Self::MemberRoleChanged => true,
            Self::ExpenseAdded | Self::ExpenseChanged | Self::ExpenseDeleted | Self::ConflictDetected => true,
            Self::ImportFinished | Self::LedgerChanged | Self::InsightReady => true,
            // Of an account, a device is also added without one.
            Self::DeviceAdded | Self::DeviceRemoved => true,
            Self::UserSignedUp | Self::SessionRevoked => false,
            Self::AccountDeleted | Self::LedgerPurged | Self::Ping => false,
        }
    }
}

/// Which event of a log: the commit at a position, and the place among what that commit may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) position: u64,
    pub(crate) index: u32,
}

/// After all that a commit tells: it has at most two events for each record and a few for each member.
const END: u32 = 3 << 30;

impl At {
    /// After everything that the commit at a position tells.
    pub(crate) const fn after(position: u64) -> Self {
        Self { position, index: END }
    }

    /// Before anything that the same commit tells.
    pub(crate) const fn before_commit(self) -> Self {
        Self::after(self.position.saturating_sub(1))
    }

    /// The place of what no commit tells, the next one after this.
    pub(crate) const fn next(self) -> Self {
        Self { position: self.position, index: if self.index < END { END + 1 } else { self.index.saturating_add(1) } }
    }

    /// The position after whose commit it lies, whatever of the commit's own events may be left.
    pub(crate) const fn passed(self) -> u64 {
        if self.index < END { self.position.saturating_sub(1) } else { self.position }
    }
}

/// The id of an event of a ledger. The mark of the log's chain makes it one of this log and no other, also when a database is
/// restored and its positions are given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) mark: Mark,
    pub(crate) at: At,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", hex::encode(&self.mark), self.at.position)?;
        if self.at.index == END { Ok(()) } else { write!(f, "-{}", self.at.index) }
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (mark, place) = text.split_once('-').ok_or(())?;
        let (position, index) = match place.split_once('-') {
            Some((position, index)) => (position, index.parse().map_err(|_| ())?),
            None => (place, END),
        };
        let at = At { position: position.parse().map_err(|_| ())?, index };
        Ok(Self { mark: hex::fixed(mark).ok_or(())?, at })
    }
}

/// An event, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "type", serialize_with = "named")]
    #[schema(value_type = String)]
    pub(crate) kind: Kind,
    /// As the clock of the author says, or that of the server, in UTC; `null` if it says no year that there is.
    #[schema(required, format = DateTime)]
    pub(crate) time: Option<String>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = Option<Id>, required)]
    pub(crate) ledger: Option<LedgerId>,
    /// Of the log; `null` of what no log tells.
    #[schema(required)]
    pub(crate) position: Option<u64>,
    /// Ids, by type.
    #[schema(value_type = Object)]
    pub(crate) data: Value,
}

fn named<S: serde::Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

fn shown<S: serde::Serializer>(id: &Option<LedgerId>, to: S) -> Result<S::Ok, S::Error> {
    id.map(|id| id.to_string()).serialize(to)
}

/// An instant as RFC 3339 says it.
pub(crate) fn instant(unix_ms: i64) -> Option<String> {
    let day = i32::try_from(unix_ms.div_euclid(DAY_MS)).ok()?;
    let date = Date::from_ymd(1970, 1, 1).ok()?.add_days(day)?;
    let ms = unix_ms.rem_euclid(DAY_MS);
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    Some(format!("{date}T{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_from_its_text() {
        for index in [0, 7, END, END + 1] {
            let id = EventId { mark: [9; 8], at: At { position: 12, index } };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for none in ["", "12", "0909090909090909", "0909090909090909-x", "0909090909090909-1-", "09-1"] {
            assert_eq!(none.parse::<EventId>(), Err(()), "{none}");
        }
    }

    #[test]
    fn an_instant_is_told_in_utc_with_milliseconds() {
        assert_eq!(instant(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(instant(1_790_000_000_123).as_deref(), Some("2026-09-21T14:13:20.123Z"));
        assert_eq!(instant(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(instant(i64::MAX), None);
    }
}
