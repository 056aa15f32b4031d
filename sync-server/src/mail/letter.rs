//! The texts of the mails: plain, short, in lines that mail carries as they are.
//!
//! A token stands on a line of its own. No mail names anybody or anything that was recorded.

use lettre::Address;
use lettre::address::Envelope;
use outlay_ledger::hex;

use crate::clock;

/// Whom mail is from.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    name: String,
    address: Address,
}

impl Sender {
    /// Reads an address, or a name and an address in `<>`. A name is of ASCII and without quotes: it needs no encoding.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts = text.trim().strip_suffix('>').and_then(|text| text.split_once('<'));
        let (name, address) = parts.unwrap_or(("", text.trim()));
        let is_plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\');
        let name = name.trim().trim_matches('"');
        name.chars().all(is_plain).then_some(())?;
        Some(Self { name: name.to_owned(), address: address.parse().ok()? })
    }
}

/// A mail as it goes out.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

/// What a mail says.
#[derive(Debug)]
pub(crate) enum Letter {
    /// How to set another password.
    Reset(String),
    /// How to prove that the address is one's own.
    Verify(String),
    /// That the password was set by a mailed token.
    PasswordSet,
    /// That somebody asked for another address.
    AddressAsked,
    /// That the account has another address now.
    AddressChanged,
    /// That the account is no more.
    Deleted,
    /// That who runs the server has deleted it.
    DeletedByOperator,
}

impl Letter {
    fn subject(&self) -> &'static str {
        match self {
            Self::Reset(_) => "Outlay: set another password",
            Self::Verify(_) => "Outlay: confirm this address",
            Self::PasswordSet => "Outlay: your password was changed",
            Self::AddressAsked => "Outlay: your address is to be changed",
            Self::AddressChanged => "Outlay: your address was changed",
            Self::Deleted | Self::DeletedByOperator => "Outlay: your account was deleted",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Reset(token) => format!(
                "Somebody asked to set another password for the account with this address.\n\
                 Give this code to the app. It is good for one hour, and once:\n\n{token}\n\n\
                 If that was not you, do nothing: the password stays as it is.\n"
            ),
            Self::Verify(token) => format!(
                "An account of Outlay was given this address.\n\
                 Give this code to the app to confirm it. It is good for one day:\n\n{token}\n\n\
                 If that was not you, do nothing.\n"
            ),
            Self::PasswordSet => "The password of your account was set by a code that was mailed here.\n\
                 All devices were signed out. What is on them is kept.\n\n\
                 If that was not you, somebody reads your mail.\n"
                .to_owned(),
            Self::AddressAsked => "Somebody signed in to your account asked to give it another address.\n\
                 It changes when the other address is confirmed.\n\n\
                 If that was not you, change your password now.\n"
                .to_owned(),
            Self::AddressChanged => "Your account has another address now. Mail goes there from now on.\n\n\
                 If that was not you, tell who runs your server.\n"
                .to_owned(),
            Self::Deleted => "Your account was deleted, as was asked for with its password.\n\
                 What is on your devices stays there.\n"
                .to_owned(),
            Self::DeletedByOperator => "Your account was deleted by who runs your server.\n\
                 What is on your devices stays there.\n"
                .to_owned(),
        }
    }

    /// The mail; `None` for an address that mail does not know.
    pub(super) fn mail(&self, from: &Sender, to: &str, id: [u8; 16]) -> Option<Mail> {
        let Sender { name, address } = from;
        let to: Address = to.parse().ok()?;
        let text = format!(
            "From: \"{name}\" <{address}>\nTo: {to}\nSubject: {}\nDate: {}\nMessage-ID: <{}@{}>\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\nAuto-Submitted: auto-generated\n\n{}",
            self.subject(),
            clock::mail_date(),
            hex::encode(&id),
            address.domain(),
            self.text(),
        );
        let envelope = Envelope::new(Some(address.clone()), vec![to]).ok()?;
        Some(Mail { envelope, bytes: text.replace('\n', "\r\n").into_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_is_plain_text_in_lines_that_need_no_encoding() {
        let from = Sender::parse("Outlay <outlay@example.org>").unwrap();
        let token = "a".repeat(36);
        for letter in [
            Letter::Reset(token.clone()),
            Letter::Verify(token),
            Letter::PasswordSet,
            Letter::AddressAsked,
            Letter::AddressChanged,
            Letter::Deleted,
            Letter::DeletedByOperator,
        ] {
            let text = String::from_utf8(letter.mail(&from, "ana@example.org", [1; 16]).unwrap().bytes).unwrap();
            assert!(text.starts_with("From: \"Outlay\" <outlay@example.org>\r\nTo: ana@example.org\r\n"), "{text}");
            assert!(text.contains(" +0000\r\n") && text.contains("\r\n\r\n"), "{text}");
            assert!(text.lines().all(|line| line.len() <= 78 && line.is_ascii()), "{text}");
            assert!(text.contains("@example.org>\r\n"), "{text}");
        }
        assert!(Letter::PasswordSet.mail(&from, "no address", [1; 16]).is_none());
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_plain_name() {
        for (text, name) in
            [("a@b.org", ""), ("<a@b.org>", ""), ("Our Server <a@b.org>", "Our Server"), ("\"O\" <a@b.org>", "O")]
        {
            assert_eq!(
                Sender::parse(text).map(|sender| (sender.name, sender.address.to_string())),
                Some((name.into(), "a@b.org".into()))
            );
        }
        for text in [
            "",
            "nobody",
            "Our Server <a>",
            "A\r\nBcc: x@y.org <a@b.org>",
            "\"A\"B\" <a@b.org>",
            "Österreich <a@b.org>",
        ] {
            assert!(Sender::parse(text).is_none(), "{text}");
        }
    }
}
