//! Accounts, and keeping a database and a server alike.

use std::sync::Arc;
use std::time::Duration;

use outlay_core::sync::{
    Account, Credentials, KnownDevice, ServerAddress, SignInOptions, SignOut, SyncReport, SyncStatus,
};
use outlay_core::{DeviceKey, LedgerId};

use super::{Engine, Result};
use crate::observer::{Cancel, Subscription, SyncBridge, SyncObserver};

#[uniffi::export]
impl Engine {
    /// The account that this database belongs to, if it belongs to one.
    pub fn account(&self) -> Result<Option<Account>> {
        self.call(|engine| engine.account())
    }

    /// Makes an account and signs this database in to it. What is on this device goes up with the next sync. It waits for the
    /// network.
    pub fn sign_up(&self, server: ServerAddress, by: Credentials, options: SignInOptions) -> Result<Account> {
        self.call(|engine| engine.sign_up(&server, &by, &options))
    }

    /// Signs this database in to an account. All its ledgers come with the next sync, and what is here goes up. It waits for
    /// the network.
    ///
    /// Signing in again to the account that it belongs to is what helps when this device was signed out from elsewhere.
    pub fn sign_in(&self, server: ServerAddress, by: Credentials, options: SignInOptions) -> Result<Account> {
        self.call(|engine| engine.sign_in(&server, &by, &options))
    }

    /// Leaves the account. Without a network too; the server then hears of it never, and the tokens run out by themselves.
    pub fn sign_out(&self, how: SignOut) -> Result<()> {
        self.call(|engine| engine.sign_out(how))
    }

    /// The devices of the account, as the server lists them. It waits for the network.
    pub fn devices(&self) -> Result<Vec<KnownDevice>> {
        self.call(|engine| engine.devices())
    }

    /// Signs a device out of the account, as when a phone is lost. It keeps what is on it and gets nothing more. It waits for
    /// the network.
    pub fn sign_out_device(&self, device: DeviceKey) -> Result<()> {
        self.call(|engine| engine.sign_out_device(device))
    }

    /// Signs a lost device out of the account, and takes it out of every ledger in which this device may. Answers those in
    /// which it may not. It waits for the network.
    pub fn revoke_device(&self, device: DeviceKey) -> Result<Vec<LedgerId>> {
        self.call(|engine| engine.revoke_device(device))
    }

    /// Syncs once: returns when everything is alike here and on the server, or when the time is up. What was done by then
    /// stays done, and the next call goes on from there. It waits for the network.
    #[uniffi::method(default(cancel = None))]
    pub fn sync_once(&self, deadline: Duration, cancel: Option<Arc<Cancel>>) -> Result<SyncReport> {
        let cancel = cancel.unwrap_or_default();
        self.call(|engine| engine.sync_until(deadline, cancel.stop()))
    }

    /// Keeps this database in sync from a thread of its own, until it is stopped or the engine is closed: what is written
    /// here leaves at once, and what others write comes as it is stored. Without an account it waits for one. A second time
    /// does nothing.
    pub fn start_sync(&self) -> Result<()> {
        self.with_syncer(|engine, syncer| {
            if syncer.is_none() {
                *syncer = Some(engine.start_sync()?);
            }
            Ok(())
        })
    }

    /// Tries now what sync would try again later: the network is back, or the app is in front again.
    pub fn retry_sync(&self) -> Result<()> {
        self.with_syncer(|_, syncer| {
            if let Some(syncer) = syncer {
                syncer.retry_now();
            }
            Ok(())
        })
    }

    /// Ends what keeps this database in sync. What was under way is finished by the next one. A second time does nothing.
    pub fn stop_sync(&self) -> Result<()> {
        let syncer = self.with_syncer(|_, syncer| Ok(syncer.take()))?;
        drop(syncer);
        Ok(())
    }

    /// How sync stands: who is signed in, how the connection is, what is here only, and what waits for what.
    pub fn sync_status(&self) -> Result<SyncStatus> {
        self.call(|engine| engine.sync_status())
    }

    /// Tells how sync stands, now and whenever that changes.
    pub fn observe_sync(&self, observer: Arc<dyn SyncObserver>) -> Result<Arc<Subscription>> {
        let observer = Arc::new(SyncBridge(observer));
        Ok(Subscription::over(self.call(|engine| engine.observe_sync(observer))?))
    }

    /// Says whether the network is paid for by the byte. While it is, entries are synced and files are not, but for those
    /// that are asked for.
    pub fn set_metered(&self, is_metered: bool) -> Result<()> {
        self.call(|engine| {
            engine.set_metered(is_metered);
            Ok(())
        })
    }
}
