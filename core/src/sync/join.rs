//! Joining a ledger by an invitation, and taking one back, through the server of the account.

use hyper::Method;
use outlay_ledger::commit::Commit;
use outlay_ledger::limits::COMMIT_BYTES_MAX;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::{CommitId, DeviceKey, LedgerId, MemberId, hex};
use outlay_protocol::Code;
use serde_json::{Value, json};

use super::account::{call, run, signed_out, unread};
use super::transport::http::refusal_of;
use crate::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::invitation::InvitationCode;
use crate::model::OpenInvitation;
use crate::store::{keys, remote, standing};

impl Engine {
    /// Joins a ledger by the text of an invitation. The ledger itself comes with the next sync.
    ///
    /// Joining again a ledger that this device is in changes nothing.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::InvalidInput`] if the text is no invitation.
    /// * [`ErrorKind::SignedOut`] if the database belongs to no account, or this device was signed out of it.
    /// * [`ErrorKind::Forbidden`] if the server of the account does not know the invitation, if it was used or is too old,
    ///   or if this device was a member before: then an owner adds it again.
    /// * [`ErrorKind::Offline`] and [`ErrorKind::RateLimited`] if it cannot be done now.
    ///
    /// # Example: an account comes first
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind, Role};
    /// let ana = Engine::open_in_memory()?;
    /// let home = ana.create_ledger("Home", Currency::EUR)?.id;
    /// let invitation = ana.invite(home, Role::Editor, 7)?;
    /// let ben = Engine::open_in_memory()?;
    /// assert_eq!(ben.join_ledger(&invitation.code).map_err(|error| error.kind()), Err(ErrorKind::SignedOut));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn join_ledger(&self, code: &str) -> Result<LedgerId> {
        let code = InvitationCode::parse(code)?;
        let remote = self.store.read(remote::current)?.ok_or_else(signed_out)?;
        if self.ledgers()?.iter().any(|ledger| ledger.id == code.ledger && ledger.role.is_some()) {
            return Ok(code.ledger);
        }
        run(|| async {
            let connector = self.connector(&remote)?;
            let tokens = self.tokens(&connector, &remote, None).await?;
            let path = format!("/v1/ledgers/{}/join", code.ledger);
            let token = Some(tokens.access_token.as_str());
            let mut body = self.knock(&code)?;
            let answer = call(&connector, Method::POST, &path, token, Some(&body)).await?;
            let heads = answer["member_heads"].as_array().ok_or_else(unread)?;
            let head = |head: &Value| head.as_str().and_then(hex::fixed).map(CommitId).ok_or_else(unread);
            let heads = heads.iter().map(head).collect::<Result<Vec<_>>>()?;
            let admission = self.author.admission(code.ledger, &code.secret(), heads)?;
            body["admission"] = hex::encode(&admission.encode()).into();
            call(&connector, Method::POST, &path, token, Some(&body)).await
        })?;
        self.write(|write| remote::list(&write.tx, remote.sid, code.ledger))?;
        Ok(code.ledger)
    }

    /// The invitations into a ledger that can be used, as the server of the account knows them.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::SignedOut`] if the database belongs to no account, or this device was signed out of it.
    /// * [`ErrorKind::Forbidden`] if the person is no owner of the ledger.
    /// * [`ErrorKind::NotFound`] if the server has no such ledger of this account.
    /// * [`ErrorKind::Offline`] if the server cannot be asked now.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// assert_eq!(engine.open_invitations(home).map_err(|error| error.kind()), Err(ErrorKind::SignedOut));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn open_invitations(&self, ledger: LedgerId) -> Result<Vec<OpenInvitation>> {
        let answer = self.ask(Method::GET, &format!("/v1/ledgers/{ledger}/invitations"))?;
        let open = answer["invitations"].as_array().ok_or_else(unread)?;
        let invitation = |open: &Value| {
            Some(OpenInvitation {
                key: open["key"].as_str()?.parse().ok()?,
                role: [Role::Owner, Role::Editor, Role::Viewer]
                    .into_iter()
                    .find(|role| role.to_string() == open["role"])?,
                expires_ms: open["expires_ms"].as_i64(),
            })
        };
        open.iter().map(invitation).collect::<Option<_>>().ok_or_else(unread)
    }

    /// Takes an invitation back that nobody has used: the server of the account lets nobody in by it from then on.
    ///
    /// # Errors
    ///
    /// As [`Engine::open_invitations`], [`ErrorKind::NotFound`] also if there is no such invitation, and
    /// [`ErrorKind::Forbidden`] also if somebody has used it: then remove the member.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind, Role};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// let key = engine.invite(home, Role::Editor, 7)?.key;
    /// assert_eq!(engine.take_back_invitation(home, key).map_err(|error| error.kind()), Err(ErrorKind::SignedOut));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn take_back_invitation(&self, ledger: LedgerId, key: DeviceKey) -> Result<()> {
        let path = format!("/v1/ledgers/{ledger}/invitations/{key}");
        self.ask(Method::DELETE, &path).map(drop).map_err(|error| match refusal_of(&error) {
            Some(refusal) if refusal.code == Code::NoSuchPage => Error::not_found("invitation into this ledger"),
            _ => error,
        })
    }

    /// Gets what the server keeps aside of a ledger: what removed members wrote before they knew. [`Engine::aside`] lists it
    /// then. Answers how many commits were new here.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::SignedOut`] if the database belongs to no account, or this device was signed out of it.
    /// * [`ErrorKind::Forbidden`] if this device is not an owner's.
    /// * [`ErrorKind::NotFound`] if the server has no such ledger of this account.
    /// * [`ErrorKind::Offline`] if the server cannot be asked now.
    ///
    /// # Example
    ///
    /// ```
    /// use outlay_core::{Currency, Engine, ErrorKind};
    /// let engine = Engine::open_in_memory()?;
    /// let home = engine.create_ledger("Home", Currency::EUR)?.id;
    /// assert_eq!(engine.fetch_aside(home).map_err(|error| error.kind()), Err(ErrorKind::SignedOut));
    /// # Ok::<(), outlay_core::Error>(())
    /// ```
    pub fn fetch_aside(&self, ledger: LedgerId) -> Result<u64> {
        let answer = self.ask(Method::GET, &format!("/v1/ledgers/{ledger}/aside"))?;
        let kept = answer["commits"].as_array().ok_or_else(unread)?;
        let commit = |kept: &Value| {
            let bytes = kept["commit"].as_str().and_then(|text| hex::decode(text, COMMIT_BYTES_MAX));
            bytes.and_then(|bytes| Commit::decode(&bytes).ok()).filter(|commit| commit.header.ledger == Some(ledger))
        };
        let commits = kept.iter().map(commit).collect::<Option<Vec<Commit>>>().ok_or_else(unread)?;
        Ok(self.take_in(&commits)?.stored)
    }

    /// Signs a lost device out of the account, and takes it out of every ledger in which this device may. Answers those in
    /// which it may not: there another device of the person, or an owner, does it.
    ///
    /// # Errors
    ///
    /// As [`Engine::sign_out_device`], after which nothing was done; but a device that is in a ledger may have been signed
    /// out before.
    pub fn revoke_device(&self, device: DeviceKey) -> Result<Vec<LedgerId>> {
        let with_device = self.write(|write| {
            let mut with_device = Vec::new();
            for lid in keys::ledgers(&write.tx)? {
                if standing::rights_of(write, lid, &device)?.is_some() {
                    with_device.push(keys::ledger_id(&write.tx, lid)?);
                }
            }
            Ok(with_device)
        })?;
        match self.sign_out_device(device) {
            Err(error) if error.kind() == ErrorKind::NotFound && !with_device.is_empty() => {}
            signed_out => signed_out?,
        }
        let mut left = Vec::new();
        for ledger in with_device {
            match self.remove_device(ledger, device) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Forbidden => left.push(ledger),
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }

    /// Shows the key of an invitation, by the signature that the admission has too.
    fn knock(&self, code: &InvitationCode) -> Result<Value> {
        let device = self.device_key();
        let join = MemberOperation::join(&code.ledger, MemberId::of_first_device(&device), device, &code.secret());
        match join {
            MemberOperation::Join { invite_key, signature, .. } => {
                Ok(json!({ "invite_key": invite_key.to_string(), "signature": hex::encode(&signature) }))
            }
            _ => Err(Error::internal("an admission could not be made")),
        }
    }
}
