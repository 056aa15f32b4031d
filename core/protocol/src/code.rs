//! Every reason for which something is not done, by one number.
//!
//! The same number stands in a message, in the body of an HTTP answer and, plus 4000, in the close of a WebSocket. Nothing
//! of what is refused is lost: it stays where it was, and a [`Then`] says what happens next.

/// What happens after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Then {
    /// Nothing goes on by itself: a newer app or signing in again is needed. Local work goes on.
    Stops,
    /// It is tried again by itself, later and later up to a minute.
    Retries,
    /// It is tried again rarely and when something has changed (a role, a quota), and people are told what it waits for.
    Waits,
    /// It is kept and shown, and what does not depend on it goes on: the bytes themselves are not in order.
    Kept,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, $status:literal, $then:ident;)*) => {
        /// A reason for which something is not done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// A number of a newer version.
            Other(u16),
        }

        impl Code {
            /// All that this version knows, ascending by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number.
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// The code of a number.
            pub const fn from_number(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    number => Self::Other(number),
                }
            }

            /// The name: stable, lower case, for machines.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "other",
                }
            }

            /// The status of an HTTP answer.
            pub const fn http_status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                    Self::Other(_) => 500,
                }
            }

            /// What happens next.
            pub const fn then(self) -> Then {
                match self {
                    $(Self::$name => Then::$then,)*
                    Self::Other(_) => Then::Retries,
                }
            }
        }
    };
}

codes! {
    /// Bytes that are no message.
    Malformed = 101, "malformed", 400, Retries;
    /// No version in common.
    Version = 102, "version", 426, Stops;
    /// A frame, a list or a text over its limit.
    TooBig = 103, "too_big", 413, Retries;
    /// A message that has no place here: before AUTH, about a handle that is not open, or more of them than may be in flight.
    OutOfOrder = 104, "out_of_order", 400, Retries;
    /// A list of ledgers or handles that is too long.
    TooMany = 105, "too_many", 400, Retries;
    /// No such page of the HTTP interface.
    NoSuchPage = 106, "no_such_page", 404, Retries;
    /// The page does not take this method.
    Method = 107, "method", 405, Retries;
    /// The body is not of the type that the page takes.
    MediaType = 108, "media_type", 415, Retries;
    /// A request in order, with a value in it that cannot be.
    Invalid = 109, "invalid", 422, Retries;
    /// What was to be changed has changed meanwhile.
    Changed = 110, "changed", 412, Retries;
    /// A change must say which version it changes.
    VersionNeeded = 111, "version_needed", 428, Retries;
    /// Another request was made under this key.
    KeyReused = 112, "key_reused", 409, Retries;
    /// A part of a file that does not begin where what is held of it ends.
    Offset = 113, "offset", 409, Retries;
    /// A part of a file that there is not.
    Range = 114, "range", 416, Retries;

    /// No token, or one that is none.
    SignInNeeded = 201, "sign_in_needed", 401, Waits;
    /// The token has expired: renew it and go on.
    TokenExpired = 202, "token_expired", 401, Retries;
    /// The device was signed out: sign in again. What is on it is kept.
    Revoked = 203, "revoked", 401, Stops;
    /// The device did not prove that the token is its own, or the nonce is too old or was used.
    Proof = 204, "proof", 401, Retries;
    /// Unknown address or wrong password.
    Credentials = 205, "credentials", 401, Waits;
    /// Nobody may sign up here.
    SignUpClosed = 206, "sign_up_closed", 403, Waits;
    /// The invitation is unknown, used or too old.
    Invitation = 207, "invitation", 403, Waits;
    /// There is an account with this address.
    AccountExists = 208, "account_exists", 409, Waits;
    /// An address or a password that cannot be one.
    AccountInvalid = 209, "account_invalid", 422, Waits;
    /// A token from a mail that is unknown, used or too old.
    MailedToken = 210, "mailed_token", 403, Waits;
    /// The server sends no mail, and what was asked for needs it.
    MailOff = 211, "mail_off", 403, Waits;
    /// The password is right, and the account wants a code of its authenticator app too.
    CodeNeeded = 212, "code_needed", 401, Waits;
    /// A code of an authenticator app, or a recovery code, that is wrong, used or too old.
    CodeWrong = 213, "code_wrong", 401, Waits;
    /// An authenticator app is on already.
    TotpOn = 214, "totp_on", 409, Waits;

    /// No such ledger, or not yours.
    NoSuchLedger = 301, "no_such_ledger", 404, Waits;
    /// The role does not allow writing, or not this.
    ReadOnly = 302, "read_only", 403, Waits;
    /// No longer a member, or the device was removed.
    Removed = 303, "removed", 403, Waits;
    /// Sealed with a key that is no longer used.
    KeyGeneration = 304, "key_generation", 409, Waits;
    /// The invitation has admitted somebody.
    InvitationUsed = 305, "invitation_used", 410, Waits;
    /// The invitation is too old.
    InvitationExpired = 306, "invitation_expired", 410, Waits;
    /// The API token was not made for this.
    Scope = 307, "scope", 403, Waits;
    /// The ledger is sealed, or does not let this server write for its members.
    ServerMayNot = 308, "server_may_not", 403, Waits;

    /// The signature is not good.
    Signature = 401, "signature", 422, Kept;
    /// The commit is not of this ledger.
    WrongLedger = 402, "wrong_ledger", 422, Kept;
    /// Commits that it is made on top of are not there; their ids come with the refusal.
    PredecessorsMissing = 403, "predecessors_missing", 409, Retries;
    /// The commit is over a limit of size.
    CommitTooBig = 404, "commit_too_big", 413, Kept;
    /// The device has too many open heads: a commit that closes them is taken.
    Forks = 405, "forks", 409, Waits;
    /// A batch that is none.
    Batch = 406, "batch", 422, Retries;
    /// The bytes of a file are not what its hash says.
    Hash = 407, "hash", 422, Kept;

    /// Too many bytes in too short a time.
    Rate = 501, "rate", 429, Waits;
    /// The ledger or the account is full.
    Quota = 502, "quota", 403, Waits;
    /// Too much to do at the moment.
    Busy = 503, "busy", 503, Retries;
    /// The other side did not take what it was sent, or did not speak in time.
    Slow = 504, "slow", 408, Retries;
    /// The server is being stopped.
    ShuttingDown = 505, "shutting_down", 503, Retries;

    /// The server could not read or write its database.
    Storage = 601, "storage", 500, Retries;
    /// The server's disk is full.
    Full = 602, "full", 507, Retries;
    /// The server made a mistake.
    Internal = 603, "internal", 500, Retries;
}

impl Code {
    /// The code with which a WebSocket is closed.
    ///
    /// ```
    /// use outlay_protocol::Code;
    /// assert_eq!(Code::Revoked.close(), 4203);
    /// assert_eq!(Code::from_close(4203), Some(Code::Revoked));
    /// assert_eq!(Code::from_close(1000), None);
    /// ```
    pub const fn close(self) -> u16 {
        let number = self.number();
        4_000 + if number < 1_000 { number } else { 999 }
    }

    /// The code with which a WebSocket was closed, if it is one of ours.
    pub const fn from_close(close: u16) -> Option<Self> {
        match close {
            4_100..=4_999 => Some(Self::from_number(close - 4_000)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_number_and_comes_back_from_it() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert_eq!(Code::from_number(code.number()), *code);
            assert_eq!(Code::from_close(code.close()), Some(*code));
            assert!(
                Code::ALL[..at].iter().all(|before| before.number() < code.number() && before.name() != code.name())
            );
        }
        assert_eq!(Code::from_number(777), Code::Other(777));
    }

    #[test]
    fn only_a_version_and_a_revocation_stop_anything() {
        let stopping: Vec<_> = Code::ALL.iter().filter(|code| code.then() == Then::Stops).collect();
        assert_eq!(stopping, [&Code::Version, &Code::Revoked]);
    }
}
