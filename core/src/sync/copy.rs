//! A device that meets what it did not write under its own key: its database was copied or restored together with the
//! key, and perhaps both go on. Nothing is lost by that, but two databases would share one device's tokens and one
//! device's chain; so each that notices takes a further key for itself, as a further device of the same member.
//!
//! It goes in steps, one at each connection: the old key admits the new one wherever it may; when the server holds that,
//! the account is told, and the server vouches where the old key could not admit; when the new key may everywhere what
//! the old one may, it takes its place in the key store. Until then everything goes on under the old key, and a process
//! that ends in between begins again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::Method;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{DeviceKey, hex};
use outlay_protocol::proof::further_device_digest;
use serde_json::json;

use super::account::{call, server_identity, tokens_not_kept};
use super::token::Tokens;
use super::transport::Connector;
use crate::Engine;
use crate::clock::random;
use crate::error::{Error, Result};
use crate::store::remote::{self, Remote};
use crate::store::{Write, keys, standing};

/// How far this process is on the way to a key of its own.
#[derive(Default)]
pub(crate) struct Parting {
    further: Option<Arc<DeviceSecret>>,
    /// What the server gave the further device.
    tokens: Option<Tokens>,
    /// The last step failed: the next connection tries again, and none is ended for it.
    has_failed: bool,
}

impl Engine {
    /// Takes the next step to a key of its own, if the database was copied. Gives the tokens of the new key when that has
    /// taken the place of the old one.
    pub(crate) async fn part_from_copy(
        &self,
        connector: &Connector,
        remote: &Remote,
        tokens: &Tokens,
    ) -> Result<Option<Tokens>> {
        let is_copied = self.store.read(remote::is_copied)?;
        self.sync.is_copied.store(is_copied, Ordering::Release);
        if !is_copied {
            return Ok(None);
        }
        let parted = self.try_to_part(connector, remote, tokens).await;
        self.sync.parting().has_failed = parted.is_err();
        parted
    }

    async fn try_to_part(&self, connector: &Connector, remote: &Remote, tokens: &Tokens) -> Result<Option<Tokens>> {
        let further = self.further_secret()?;
        self.admit_further(further.public())?;
        if self.store.read(|connection| remote::is_owed(connection, remote.sid))? {
            return Ok(None);
        }
        let known = self.sync.parting().tokens.clone();
        let further_tokens = match known {
            Some(known) => known,
            None => self.enrol(connector, remote, tokens, &further).await?,
        };
        self.sync.parting().tokens = Some(further_tokens.clone());
        if !self.may_replace(further.public())? {
            return Ok(None);
        }
        self.take_further_key(further, &further_tokens)?;
        *self.sync.parting() = Parting::default();
        self.sync.is_copied.store(false, Ordering::Release);
        self.log
            .warn("sync", || format!("this database was copied with its key: it is device {} now", self.device_key()));
        Ok(Some(further_tokens))
    }

    /// Whether a new connection would bring this database nearer to a key of its own.
    pub(crate) fn can_part(&self, remote: &Remote) -> Result<bool> {
        if !self.sync.is_copied.load(Ordering::Acquire)
            || self.store.read(|connection| remote::is_owed(connection, remote.sid))?
        {
            return Ok(false);
        }
        let further = {
            let parting = self.sync.parting();
            if parting.has_failed {
                return Ok(false);
            }
            parting.further.as_ref().filter(|_| parting.tokens.is_some()).map(|further| further.public())
        };
        further.map_or(Ok(true), |further| self.may_replace(further))
    }

    /// Takes the key that another process of this database has taken meanwhile.
    pub(crate) fn follow_key(&self) -> Result<()> {
        let device = self.device_key();
        if self.store.read(|connection| standing::is_own_device(connection, &device))? {
            return Ok(());
        }
        let Some(key_store) = &self.key_store else {
            return Ok(());
        };
        if let Some(kept) = key_store.load().map_err(key_not_kept)? {
            self.write_as_syncer(|_| {
                self.author.become_device(Arc::new(DeviceSecret::from_bytes(kept)));
                Ok(())
            })?;
        }
        Ok(())
    }

    fn further_secret(&self) -> Result<Arc<DeviceSecret>> {
        let mut parting = self.sync.parting();
        if let Some(further) = &parting.further {
            return Ok(Arc::clone(further));
        }
        let further = Arc::new(DeviceSecret::from_bytes(random(&self.options.environment)?));
        parting.further = Some(Arc::clone(&further));
        Ok(further)
    }

    /// Adds the further key to this device's member, by the old one, where that is a full device that may write.
    fn admit_further(&self, further: DeviceKey) -> Result<()> {
        let device = self.device_key();
        self.write_as_syncer(|write| {
            for lid in keys::ledgers(&write.tx)? {
                if standing::rights_of(write, lid, &further)?.is_some() {
                    continue;
                }
                let own = standing::rights_of(write, lid, &device)?;
                if let Some(own) = own.filter(|own| own.is_full && own.role >= Role::Editor) {
                    let ledger = keys::ledger_id(&write.tx, lid)?;
                    let mut draft = self.author.draft(write, ledger)?;
                    draft.member(&MemberOperation::AddDevice { member: own.member, device: further })?;
                    draft.finish()?;
                }
            }
            Ok(())
        })
    }

    /// Has the account take the further key as a device of its own, under the same name.
    async fn enrol(
        &self,
        connector: &Connector,
        remote: &Remote,
        tokens: &Tokens,
        further: &DeviceSecret,
    ) -> Result<Tokens> {
        let (server, nonce) = server_identity(connector).await?;
        if server != remote.server {
            return Err(super::account::another_server());
        }
        let digest = further_device_digest(&server, &nonce, &tokens.access_token, &further.public());
        let body = json!({
            "key": further.public().to_string(),
            "nonce": hex::encode(&nonce),
            "proof": hex::encode(&self.author.sign_digest(&digest)),
            "further_proof": hex::encode(&further.sign_digest(&digest)),
        });
        let answer = call(connector, Method::POST, "/v1/devices", Some(&tokens.access_token), Some(&body)).await?;
        self.read_tokens(&answer, &tokens.server, &tokens.account, &further.public())
    }

    /// Whether a key may in each ledger what this device may.
    fn may_replace(&self, further: DeviceKey) -> Result<bool> {
        let device = self.device_key();
        let is_ready = |write: &mut Write<'_>, lid| -> Result<bool> {
            let role = |rights: Option<standing::Rights>| rights.map(|rights| rights.role);
            let own = role(standing::rights_of(write, lid, &device)?);
            Ok(role(standing::rights_of(write, lid, &further)?) >= own)
        };
        self.write_as_syncer(|write| {
            let ledgers = keys::ledgers(&write.tx)?;
            ledgers.into_iter().try_fold(true, |so_far, lid| Ok(so_far && is_ready(write, lid)?))
        })
    }

    /// From here on this database writes under another key. The key is kept first: what follows from it is found out again
    /// when the database is opened.
    fn take_further_key(&self, further: Arc<DeviceSecret>, tokens: &Tokens) -> Result<()> {
        self.write_as_syncer(|write| {
            if let Some(key_store) = &self.key_store {
                key_store.replace(further.as_bytes()).map_err(key_not_kept)?;
            }
            tokens.save(self.sync.tokens.as_ref()).map_err(tokens_not_kept)?;
            standing::set_own_device(write, &further.public())?;
            self.author.become_device(Arc::clone(&further));
            Ok(())
        })
    }
}

fn key_not_kept(error: std::io::Error) -> Error {
    Error::internal("the device's key cannot be read or kept").with_source(error)
}
