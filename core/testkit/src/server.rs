//! The server: its production store and the functions that answer its sessions, on one thread, with the connections that
//! it knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use outlay_core::{DeviceKey, LedgerId};
use outlay_protocol::session::{Answer, Limits, Question, ServerSession};
use outlay_protocol::{Code, Epoch, Place};
use outlay_server::auth::RefreshToken;
use outlay_server::ledgers::LedgerLimits;
use outlay_server::store::{Effect, Secret, StoreOptions};
use outlay_server::sync::answer::Answered;
use outlay_server::sync::{Inline, RateLimits, Visitor, inline};
use outlay_server::{backup, serve};

use crate::fault::Fault;
use crate::oracle::files::{Logged, ServerFile};
use crate::random::Random;
use crate::wire::LinkId;
use crate::{Violation, disk};

/// Tokens of a login, as a device keeps them.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account.
    pub account: String,
    /// Who that is for the server.
    pub visitor: Visitor,
    /// The access token.
    pub access: String,
    /// When it ends, by the device's clock.
    pub expires_ms: i64,
    /// The refresh token.
    pub refresh: RefreshToken,
}

/// What a connection is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A log has grown.
    Grown(LedgerId, Place),
    /// The device may no longer open a ledger.
    Removed(LedgerId),
    /// It may open others.
    Ledgers,
    /// It was signed out.
    Revoked,
}

/// A connection as the server has it.
#[derive(Debug)]
pub struct Served {
    /// The conversation.
    pub session: ServerSession,
    /// Who it is, once that is proved.
    pub visitor: Option<Visitor>,
    /// The ledgers whose growth it wants to be told of.
    pub subscribed: BTreeSet<LedgerId>,
    /// The ledgers whose growth it may be told of.
    pub granted: BTreeSet<LedgerId>,
    /// When the last answer to an append comes: the next one does not come before it.
    pub appended_ms: i64,
    /// Bytes that the transport has not taken yet.
    pub outbound_bytes: usize,
    /// Whether it is planned to say that everything was taken.
    pub is_draining: bool,
}

/// The server.
pub struct Server {
    /// Its store; none while it is down.
    inline: Option<Inline>,
    /// The connections.
    pub lines: BTreeMap<LinkId, Served>,
    /// Limits of connections.
    pub limits: Limits,
    /// A fault that waits for its call, and how many calls go well before it.
    pub armed: Option<(Fault, usize)>,
    /// Backups that were made, the oldest first.
    pub backups: Vec<Backup>,
    /// Whether it was ever restored.
    pub is_restored: bool,
    /// Its id.
    pub id: DeviceKey,
    path: PathBuf,
    folder: PathBuf,
    file: ServerFile,
    secret: [u8; 32],
    seed: u64,
    rates: RateLimits,
    access_seconds: u32,
    life: u32,
    access: HashMap<(DeviceKey, LedgerId), bool>,
}

/// A copy of the database.
#[derive(Debug, Clone)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a plain copy of the files: then nothing tells a restored server that it is one.
    pub is_plain: bool,
}

/// What a call of the store came to.
pub enum Called<T> {
    /// It was carried out.
    Done(T),
    /// The store failed, before or after.
    Failed,
    /// The process died.
    Died,
}

impl Server {
    /// A server with an empty database.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn new(
        folder: &Path,
        seed: u64,
        limits: Limits,
        rates: RateLimits,
        access_seconds: u32,
    ) -> Result<Self, Violation> {
        let folder = folder.join("server");
        let path = serve::database(&folder.join("life-0"));
        std::fs::create_dir_all(folder.join("life-0"))?;
        let secret = Random::of(seed, "server secret").bytes();
        let inline = open(&path, seed, 0, secret, rates, access_seconds)?;
        let (id, file) = (inline.id(), ServerFile::open(&path)?);
        Ok(Self {
            inline: Some(inline),
            lines: BTreeMap::new(),
            limits,
            armed: None,
            backups: Vec::new(),
            is_restored: false,
            id,
            path,
            folder,
            file,
            secret,
            seed,
            rates,
            access_seconds,
            life: 0,
            access: HashMap::new(),
        })
    }

    /// Whether it is running.
    pub fn is_up(&self) -> bool {
        self.inline.is_some()
    }

    /// Kills the process. What is on disk is kept as it is at this moment, and is what [`Server::start`] finds.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn kill(&mut self) -> Result<(), Violation> {
        if self.inline.is_some() {
            let next = self.next_path();
            disk::copy_database(&self.path, &next)?;
            self.inline = None;
            self.path = next;
            self.life += 1;
        }
        self.lines.clear();
        self.armed = None;
        Ok(())
    }

    /// Puts the files of a backup in the place of the database, while the server is down.
    ///
    /// # Errors
    ///
    /// Those of the file system or the database.
    pub fn restore(&mut self, backup: &Backup) -> Result<(), Violation> {
        self.life += 1;
        let folder = self.folder.join(format!("life-{}", self.life));
        let path = serve::database(&folder);
        if backup.is_plain {
            disk::copy_database(&backup.path, &path)?;
        } else {
            let mut random = self.random("restore");
            let restored = backup::restore(&folder, &backup.path, &mut random);
            restored.map_err(|error| Violation::of_simulator(&error))?;
        }
        self.path = path;
        self.is_restored = true;
        Ok(())
    }

    /// Starts the process again, and gives all logs as they are.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn start(&mut self) -> Result<Vec<Logged>, Violation> {
        self.inline = Some(open(&self.path, self.seed, self.life, self.secret, self.rates, self.access_seconds)?);
        self.file = ServerFile::open(&self.path)?;
        self.access.clear();
        self.new_commits()
    }

    /// Copies the database while the server runs, by its backup or by its files.
    ///
    /// # Errors
    ///
    /// Those of the file system or the database.
    pub fn back_up(&mut self, is_plain: bool) -> Result<(), Violation> {
        let folder = self.folder.join(format!("backup-{}", self.backups.len()));
        let path = serve::database(&folder);
        if is_plain {
            disk::copy_database(&self.path, &path)?;
        } else {
            std::fs::create_dir_all(&folder)?;
            let data = self.path.parent().unwrap_or(&self.folder);
            backup::backup(data, &path).map_err(|error| Violation::of_simulator(&error))?;
        }
        self.backups.push(Backup { path, is_plain });
        Ok(())
    }

    /// Answers a question of a connection. A fault that was armed strikes here.
    ///
    /// # Errors
    ///
    /// Those of the file system, when the process dies.
    pub fn answer(
        &mut self,
        now_ms: i64,
        visitor: Option<Visitor>,
        question: Question,
    ) -> Result<Called<Answered>, Violation> {
        self.call(|inline| inline.answer(now_ms, visitor, question))
    }

    /// Makes an account, or finds it, and signs a device in.
    ///
    /// # Errors
    ///
    /// Those of the file system, when the process dies.
    pub fn sign_in(
        &mut self,
        now_ms: i64,
        email: &str,
        device: DeviceKey,
    ) -> Result<Called<Option<inline::Tokens>>, Violation> {
        self.call(|inline| inline.sign_up(now_ms, email, device).ok())
    }

    /// Renews tokens.
    ///
    /// # Errors
    ///
    /// Those of the file system, when the process dies.
    pub fn renew(
        &mut self,
        now_ms: i64,
        token: &RefreshToken,
    ) -> Result<Called<Result<inline::Tokens, Code>>, Violation> {
        self.call(|inline| inline.refresh(now_ms, token).unwrap_or(Err(Code::Storage)))
    }

    /// Signs a device out of its account, as from another device.
    ///
    /// # Errors
    ///
    /// Those of the file system, when the process dies.
    pub fn sign_out(&mut self, now_ms: i64, visitor: Visitor) -> Result<Called<bool>, Violation> {
        self.call(|inline| inline.sign_out(now_ms, visitor).unwrap_or(false))
    }

    fn call<T>(&mut self, work: impl FnOnce(&mut Inline) -> T) -> Result<Called<T>, Violation> {
        let struck = match &mut self.armed {
            Some((_, calls)) if *calls > 0 => {
                *calls -= 1;
                None
            }
            armed => armed.take().map(|(fault, _)| fault),
        };
        let Some(inline) = &mut self.inline else { return Ok(Called::Failed) };
        let value = match struck {
            Some(fault) if !fault.is_after() => None,
            _ => Some(work(inline)),
        };
        match (struck, value) {
            (None, Some(value)) => Ok(Called::Done(value)),
            (Some(fault), _) if fault.is_crash() => self.kill().map(|()| Called::Died),
            _ => Ok(Called::Failed),
        }
    }

    /// The ledgers that a device may open, asked while its connection stays.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn ledgers_of(&self, visitor: Visitor) -> Result<Vec<LedgerId>, Violation> {
        let Some(inline) = &self.inline else { return Ok(Vec::new()) };
        inline.ledgers_of(visitor.device).map_err(|error| Violation::of_simulator(&error))
    }

    /// Lets devices push so fast from now on.
    pub fn set_rates(&mut self, rates: RateLimits) {
        self.rates = rates;
        if let Some(inline) = &mut self.inline {
            inline.set_rates(rates);
        }
    }

    /// What connections are to be told of what was stored.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        let effects = self.inline.as_ref().map(Inline::take_effects).unwrap_or_default();
        if effects.iter().any(|effect| matches!(effect, Effect::Access { .. })) {
            self.access.clear();
        }
        effects
    }

    /// What was appended to the logs since this was last asked, as the file says.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn new_commits(&mut self) -> Result<Vec<Logged>, Violation> {
        self.file.new_commits()
    }

    /// Its database, seen from outside.
    pub fn file(&self) -> &ServerFile {
        &self.file
    }

    /// The epoch of its logs.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn epoch(&self) -> Result<Epoch, Violation> {
        self.file.epoch()
    }

    /// Whether a device may open a ledger now.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn may_open(&mut self, device: DeviceKey, ledger: LedgerId) -> Result<bool, Violation> {
        if let Some(may_open) = self.access.get(&(device, ledger)) {
            return Ok(*may_open);
        }
        let may_open = self.file.may_open(&device, ledger)?;
        self.access.insert((device, ledger), may_open);
        Ok(may_open)
    }

    fn next_path(&self) -> PathBuf {
        serve::database(&self.folder.join(format!("life-{}", self.life + 1)))
    }

    fn random(&self, purpose: &str) -> outlay_server::store::Random {
        let mut random = Random::of(self.seed, &format!("server, life {}, {purpose}", self.life));
        Box::new(move |bytes| random.fill(bytes))
    }

    /// How long an access token is good for.
    pub fn access_seconds(&self) -> u32 {
        self.access_seconds
    }
}

/// An answer of a store that failed.
pub fn failed() -> Answered {
    Answer::Refused(Code::Storage, 0).into()
}

fn open(
    path: &Path,
    seed: u64,
    life: u32,
    secret: [u8; 32],
    rates: RateLimits,
    access_seconds: u32,
) -> Result<Inline, Violation> {
    let mut random = Random::of(seed, &format!("server, life {life}"));
    let options = StoreOptions {
        cache_kib: 1_024,
        random: Box::new(move |bytes| random.fill(bytes)),
        secret: Secret::Given(secret),
        ..StoreOptions::default()
    };
    let opened = Inline::open(path, options, LedgerLimits::default(), rates, access_seconds);
    opened.map_err(|error| Violation::of_simulator(&error))
}
