//! The account that a database belongs to: made, signed in to, and left again.
//!
//! An account is not needed to record anything. Signing up later sends up everything that is here; signing in on a new
//! device brings everything of the account. A database belongs to one account at a time, so that nobody's entries go up
//! to somebody else's by mistake.

use std::future::Future;

use hyper::Method;
use outlay_ledger::DeviceKey;
use outlay_ledger::hex;
use outlay_protocol::Code;
use outlay_protocol::proof::sign_in_digest;
use serde_json::{Value, json};

use super::address::ServerAddress;
use super::token::Tokens;
use super::transport::http::{Ask, ask, refusal, refusal_of};
use super::transport::{Connector, offline};
use crate::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::remote::{self, Remote};

/// A token is renewed this long before it ends: longer than any flight takes.
const RENEW_BEFORE_MS: i64 = 30_000;
/// How long the tokens may be in the hands of another process: an answer's time, and some.
const TOKENS_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(45);
/// How often it is looked whether they are free again.
const TOKENS_POLL: std::time::Duration = std::time::Duration::from_millis(20);

/// Who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The e-mail address.
    pub email: String,
    /// The password. It is sent to the server and kept nowhere.
    pub password: String,
}

/// What is said of a person and a device when signing up or in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInOptions {
    /// What the person is called; only for signing up.
    pub name: Option<String>,
    /// The invitation, where the server asks for one; only for signing up.
    pub invitation: Option<String>,
    /// What the device is called in the list of devices.
    pub device_name: String,
    /// A code of an authenticator app, or a recovery code, if the account wants one; only for signing in.
    pub code: Option<String>,
}

/// The account that a database belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where the server is.
    pub server: ServerAddress,
    /// The server's id: its public key, whatever its address is.
    pub server_key: DeviceKey,
    /// The account's id on that server.
    pub id: String,
    /// The e-mail address that was signed in with.
    pub email: String,
}

/// What becomes of the database when its account is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// Everything stays, and can be worked with. It goes up again to whatever account is signed in to next.
    Keep,
    /// Everything is deleted from this device, unless some of it is on no server yet.
    Wipe,
    /// Everything is deleted from this device, also what is nowhere else.
    WipeUnsent,
}

/// A device of the account, as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Its key.
    pub key: DeviceKey,
    /// What it is called.
    pub name: String,
    /// Whether it is this one.
    pub is_this: bool,
    /// When the server heard from it last, in milliseconds since 1970.
    pub seen_ms: Option<i64>,
    /// Whether it is signed in; one that was signed out keeps what is on it, and gets nothing more.
    pub is_signed_in: bool,
}

impl Account {
    pub(crate) fn of_remote(remote: Remote) -> Result<Self> {
        Ok(Self {
            server: ServerAddress::parse(&remote.url)?,
            server_key: DeviceKey(remote.server),
            id: remote.account,
            email: remote.email,
        })
    }
}

impl Engine {
    /// The account that this database belongs to, if it belongs to one.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub fn account(&self) -> Result<Option<Account>> {
        self.store.read(remote::current)?.map(Account::of_remote).transpose()
    }

    /// Makes an account and signs this database in to it. What is on this device goes up with the next sync.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::OtherAccount`] if the database belongs to an account: [sign out](Engine::sign_out) first.
    /// * [`ErrorKind::InvalidInput`] if there is an account with this address, or address or password cannot be one.
    /// * [`ErrorKind::Forbidden`] if the server takes no new accounts, or none with this invitation.
    /// * [`ErrorKind::Offline`] and [`ErrorKind::RateLimited`] if it cannot be done now.
    pub fn sign_up(&self, server: &ServerAddress, by: &Credentials, options: &SignInOptions) -> Result<Account> {
        if self.account()?.is_some() {
            return Err(belongs_to_another());
        }
        let device = self.device_key();
        let mut body = Self::credentials(by, options, &device);
        for (key, value) in [("name", &options.name), ("invitation", &options.invitation)] {
            if let Some(value) = value {
                body[key] = Value::from(value.as_str());
            }
        }
        self.enter_account(server, "/v1/auth/signup", body, by.email.trim(), device)
    }

    /// Signs this database in to an account. All its ledgers come with the next sync, and what is here goes up.
    ///
    /// Signing in again to the account that it belongs to is what helps when this device was signed out from elsewhere. Which
    /// account it is the server says: an address may have become another one's.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::OtherAccount`] if the database belongs to another account: [sign out](Engine::sign_out) of that
    ///   first, and choose whether what is here stays.
    /// * [`ErrorKind::Forbidden`] if the address is unknown or the password wrong; which, the server does not say. Also if
    ///   the account wants a code and there is none, or a wrong one.
    /// * [`ErrorKind::Offline`] and [`ErrorKind::RateLimited`] if it cannot be done now.
    pub fn sign_in(&self, server: &ServerAddress, by: &Credentials, options: &SignInOptions) -> Result<Account> {
        let device = self.device_key();
        let mut body = Self::credentials(by, options, &device);
        body["code"] = json!(options.code);
        self.enter_account(server, "/v1/auth/login", body, by.email.trim(), device)
    }

    /// Leaves the account. Without a network too; the server then hears of it never, and the tokens run out by themselves.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::SignedOut`] if the database belongs to no account.
    /// * [`ErrorKind::Forbidden`] for [`SignOut::Wipe`] while something is on no server yet. Nothing was done.
    pub fn sign_out(&self, how: SignOut) -> Result<()> {
        let remote = self.store.read(remote::current)?.ok_or_else(signed_out)?;
        if how != SignOut::Keep {
            self.wipe(&remote, how == SignOut::WipeUnsent)?;
        }
        if let Ok(Some(tokens)) = Tokens::load(self.sync.tokens.as_ref()) {
            // Whether the server hears of it or not, this device is signed out.
            let _ = run(|| async {
                let connector = self.connector(&remote)?;
                let body = json!({ "refresh_token": tokens.refresh_token });
                post(&connector, "/v1/auth/signout", Some(&tokens.access_token), &body).await
            });
        }
        self.sync.tokens.save(None).map_err(tokens_not_kept)?;
        if how == SignOut::Keep {
            self.write(|write| remote::set_current(&write.tx, None))?;
        }
        Ok(())
    }

    /// Deletes everything, if nothing is only here or that may go too. It looks in the transaction that deletes, so that
    /// nothing is lost that another process writes meanwhile.
    fn wipe(&self, remote: &Remote, even_unsent: bool) -> Result<()> {
        self.write(|write| {
            if !even_unsent && remote::is_unsent(&write.tx, remote.sid)? {
                return Err(Error::new(
                    ErrorKind::Forbidden,
                    "some of what is on this device is on no server yet: sync first, or wipe even what is nowhere else",
                ));
            }
            remote::wipe(write)
        })?;
        self.author.begin_new_feeds();
        self.store.scrub()?;
        Ok(self.blobs.wipe()?)
    }

    /// The devices of the account, as the server lists them.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::SignedOut`] if the database belongs to no account, or this device was signed out of it.
    /// * [`ErrorKind::Offline`] if the server cannot be asked now.
    pub fn devices(&self) -> Result<Vec<KnownDevice>> {
        let answer = self.ask(Method::GET, "/v1/devices")?;
        let listed = answer["devices"].as_array().ok_or_else(unread)?;
        listed.iter().map(|device| known_device(device, &self.device_key()).ok_or_else(unread)).collect()
    }

    /// Signs a device out of the account, as when a phone is lost. It keeps what is on it and gets nothing more.
    ///
    /// # Errors
    ///
    /// As [`Engine::devices`], and [`ErrorKind::NotFound`] if the account has no such device.
    pub fn sign_out_device(&self, device: DeviceKey) -> Result<()> {
        self.ask(Method::DELETE, &format!("/v1/devices/{device}")).map(drop).map_err(|error| match refusal_of(&error) {
            Some(refusal) if refusal.code == Code::NoSuchPage => Error::not_found("device of this account"),
            _ => error,
        })
    }

    /// What the server of the account answers to its person, if it can be asked now.
    pub(super) fn ask(&self, method: Method, path: &str) -> Result<Value> {
        let remote = self.store.read(remote::current)?.ok_or_else(signed_out)?;
        run(|| async {
            let connector = self.connector(&remote)?;
            let tokens = self.tokens(&connector, &remote, None).await?;
            call(&connector, method, path, Some(&tokens.access_token), None).await
        })
    }

    pub(crate) fn connector(&self, remote: &Remote) -> Result<Connector> {
        Connector::new(ServerAddress::parse(&remote.url)?, &self.options.sync.roots_pem)
    }

    /// Tokens that are good for a while: those that are kept, or new ones for them.
    ///
    /// `refused` is an access token that the server no longer takes, whatever this device's clock says.
    pub(crate) async fn tokens(&self, connector: &Connector, remote: &Remote, refused: Option<&str>) -> Result<Tokens> {
        self.follow_key()?;
        let kept = self.kept_tokens(remote)?;
        if self.is_good(&kept, refused) {
            return Ok(kept);
        }
        let begun = tokio::time::Instant::now();
        let _lease = loop {
            match self.sync.token_leases.try_take()? {
                Some(lease) => break lease,
                None if begun.elapsed() > TOKENS_WAIT_MAX => return Err(offline("another process holds the tokens")),
                None => tokio::time::sleep(TOKENS_POLL).await,
            }
        };
        // Another process may have renewed them meanwhile.
        let kept = self.kept_tokens(remote)?;
        if self.is_good(&kept, refused) {
            return Ok(kept);
        }
        self.renew(connector, remote, kept).await
    }

    fn kept_tokens(&self, remote: &Remote) -> Result<Tokens> {
        let kept = Tokens::load(self.sync.tokens.as_ref()).map_err(tokens_not_kept)?;
        let kept = kept.filter(|kept| kept.server == hex::encode(&remote.server) && kept.account == remote.account);
        let own = self.device_key().to_string();
        kept.filter(|kept| kept.device.as_ref().is_none_or(|device| *device == own)).ok_or_else(signed_out)
    }

    fn is_good(&self, tokens: &Tokens, refused: Option<&str>) -> bool {
        let left_ms = tokens.expires_ms - self.options.environment.now_ms();
        Some(tokens.access_token.as_str()) != refused && left_ms > RENEW_BEFORE_MS
    }

    async fn renew(&self, connector: &Connector, remote: &Remote, old: Tokens) -> Result<Tokens> {
        let (server, nonce) = server_identity(connector).await?;
        if server != remote.server {
            return Err(another_server());
        }
        let proof = self.author.prove(&server, &nonce, &old.refresh_token);
        let body = json!({
            "refresh_token": old.refresh_token,
            "nonce": hex::encode(&nonce),
            "proof": hex::encode(&proof),
        });
        let answer = match post(connector, "/v1/auth/refresh", None, &body).await {
            Ok(answer) => answer,
            Err(error) => {
                if matches!(refusal_of(&error).map(|refusal| refusal.code), Some(Code::Revoked | Code::SignInNeeded)) {
                    self.sync.tokens.save(None).map_err(tokens_not_kept)?;
                    return Err(refusal(Code::Revoked, None));
                }
                return Err(error);
            }
        };
        let tokens = self.read_tokens(&answer, &old.server, &old.account, &self.device_key())?;
        tokens.save(self.sync.tokens.as_ref()).map_err(tokens_not_kept)?;
        Ok(tokens)
    }

    fn credentials(by: &Credentials, options: &SignInOptions, device: &DeviceKey) -> Value {
        json!({
            "email": by.email.trim(),
            "password": by.password,
            "device": { "key": device.to_string(), "name": options.device_name },
        })
    }

    fn enter_account(
        &self,
        server: &ServerAddress,
        path: &str,
        mut body: Value,
        email: &str,
        device: DeviceKey,
    ) -> Result<Account> {
        let connector = Connector::new(server.clone(), &self.options.sync.roots_pem)?;
        let answer = run(|| async {
            let (server, nonce) = server_identity(&connector).await?;
            let proof = self.author.sign_digest(&sign_in_digest(&server, &nonce, email));
            body["device"]["nonce"] = hex::encode(&nonce).into();
            body["device"]["proof"] = hex::encode(&proof).into();
            post(&connector, path, None, &body).await
        })?;
        let text = |key: &str| answer[key].as_str().map(str::to_owned).ok_or_else(unread);
        let (id, key) = (text("account")?, text("server")?);
        let server_key: [u8; 32] = hex::fixed(&key).ok_or_else(unread)?;
        let tokens = self.read_tokens(&answer, &key, &id, &device)?;
        let entered = self.write(|write| {
            if remote::current(&write.tx)?.is_some_and(|old| old.server != server_key || old.account != id) {
                return Err(belongs_to_another());
            }
            let remote = remote::enter(&write.tx, &server_key, &id, &server.to_string(), email)?;
            remote::set_current(&write.tx, Some(remote.sid))?;
            Ok(remote)
        });
        if entered.is_err() {
            // What was begun with the server is ended there too, if it hears of it.
            let body = json!({ "refresh_token": tokens.refresh_token });
            let _ = run(|| post(&connector, "/v1/auth/signout", Some(&tokens.access_token), &body));
        }
        let remote = entered?;
        tokens.save(self.sync.tokens.as_ref()).map_err(tokens_not_kept)?;
        self.sync.signed_in.notify_one();
        Account::of_remote(remote)
    }

    pub(crate) fn read_tokens(
        &self,
        answer: &Value,
        server: &str,
        account: &str,
        device: &DeviceKey,
    ) -> Result<Tokens> {
        let text = |key: &str| answer[key].as_str().map(str::to_owned).ok_or_else(unread);
        let expires_in_s = answer["expires_in"].as_i64().ok_or_else(unread)?;
        let expires_ms = self.options.environment.now_ms().saturating_add(expires_in_s.saturating_mul(1_000));
        Ok(Tokens {
            server: server.to_owned(),
            account: account.to_owned(),
            device: Some(device.to_string()),
            access_token: text("access_token")?,
            expires_ms,
            refresh_token: text("refresh_token")?,
        })
    }
}

/// The server's id, and bytes to prove something by.
pub(crate) async fn server_identity(connector: &Connector) -> Result<([u8; 32], [u8; 16])> {
    let answer = call(connector, Method::GET, "/v1/server", None, None).await?;
    let id = answer["id"].as_str().and_then(hex::fixed);
    let nonce = answer["nonce"].as_str().and_then(hex::fixed);
    id.zip(nonce).ok_or_else(unread)
}

async fn post(connector: &Connector, path: &str, bearer: Option<&str>, body: &Value) -> Result<Value> {
    call(connector, Method::POST, path, bearer, Some(body)).await
}

pub(crate) async fn call(
    connector: &Connector,
    method: Method,
    path: &str,
    bearer: Option<&str>,
    body: Option<&Value>,
) -> Result<Value> {
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    ask(connector, Ask { method, path, bearer, nonce: None, content_type: "application/json", header: None, body })
        .await?
        .json()
}

fn known_device(listed: &Value, own: &DeviceKey) -> Option<KnownDevice> {
    let key = DeviceKey(listed["key"].as_str().and_then(hex::fixed)?);
    Some(KnownDevice {
        key,
        name: listed["name"].as_str().unwrap_or_default().to_owned(),
        is_this: key == *own,
        seen_ms: listed["seen_ms"].as_i64(),
        is_signed_in: listed["signed_in"].as_bool().unwrap_or(true),
    })
}

/// Runs something that waits for the network on a thread of its own: the caller may be inside a runtime of theirs.
pub(crate) fn run<T: Send, F: Future<Output = Result<T>>>(work: impl FnOnce() -> F + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| runtime()?.block_on(work()));
        thread.join().unwrap_or_else(|_| Err(Error::internal("a call to the server panicked")))
    })
}

/// What waits, on one thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

pub(crate) fn signed_out() -> Error {
    Error::new(ErrorKind::SignedOut, "this device is not signed in")
}

pub(crate) fn another_server() -> Error {
    offline("another server answers at this address than the one that was signed in to")
}

fn belongs_to_another() -> Error {
    Error::new(
        ErrorKind::OtherAccount,
        "the database belongs to another account: sign out of it first, keeping what is here or wiping it",
    )
}

pub(crate) fn unread() -> Error {
    offline("the answer of the server cannot be understood")
}

pub(crate) fn tokens_not_kept(error: std::io::Error) -> Error {
    Error::internal("the tokens of the account cannot be read or kept").with_source(error)
}
