//! The text of an invitation: what somebody is sent who is to join a ledger.
//!
//! It has the ledger and the seed of the one-time key that an invite operation names, and says nothing else: role and end
//! are in that operation, signed by the owner who made it. Whoever has the text may use it, once.

use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{LedgerId, hex};

#[cfg(any(feature = "sync", test))]
use crate::error::{Error, Result};

/// What the text begins with, so that people and programs see what it is.
const PREFIX: &str = "outlay-invitation-";
/// Ledger, seed, and four bytes against slips.
const CODE_BYTES: usize = 36;

/// An invitation as it is passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvitationCode {
    pub(crate) ledger: LedgerId,
    pub(crate) seed: [u8; 16],
}

impl InvitationCode {
    /// Reads a text that was passed on, with whatever space came around it.
    #[cfg(any(feature = "sync", test))]
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bytes: Option<[u8; CODE_BYTES]> = text.trim().strip_prefix(PREFIX).and_then(hex::fixed);
        let code = bytes.and_then(|bytes| {
            let (ledger, rest) = bytes.split_first_chunk()?;
            let (seed, _) = rest.split_first_chunk()?;
            let code = Self { ledger: LedgerId(*ledger), seed: *seed };
            (code.bytes() == bytes).then_some(code)
        });
        code.ok_or_else(|| Error::invalid("this is no invitation, or a part of it is missing"))
    }

    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}", hex::encode(&self.bytes()))
    }

    /// The one-time key.
    pub(crate) fn secret(&self) -> DeviceSecret {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"outlay/invitation/1").update(self.ledger.as_bytes()).update(&self.seed);
        DeviceSecret::from_bytes(hasher.finalize().into())
    }

    fn bytes(&self) -> [u8; CODE_BYTES] {
        let mut bytes = [0; CODE_BYTES];
        bytes[..16].copy_from_slice(self.ledger.as_bytes());
        bytes[16..32].copy_from_slice(&self.seed);
        let check = blake3::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&check.as_bytes()[..4]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_comes_back_from_its_text_and_no_slip_does() {
        let code = InvitationCode { ledger: LedgerId([0xab; 16]), seed: [7; 16] };
        let text = code.text();
        assert_eq!(InvitationCode::parse(&format!(" {text}\n")).map(|read| read == code).ok(), Some(true));
        let slips =
            [text.replacen("ab", "ac", 1), text[..text.len() - 2].to_owned(), text.to_uppercase(), String::new()];
        for slip in slips {
            assert_eq!(
                InvitationCode::parse(&slip).err().map(|error| error.kind()),
                Some(crate::ErrorKind::InvalidInput)
            );
        }
    }
}
