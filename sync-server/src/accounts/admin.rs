//! What an operator does with accounts on the command line: `outlay-server user`, also beside a running server.
//!
//! It reads and writes the database that the server has open. What is ended here is ended there: a command waits for as long
//! as a server that is running may know a session. Whom that has connected it is told by notices in the database, which it
//! takes from there. So it is with an account that is to be deleted, of which more is in its memory.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use outlay_ledger::{DeviceKey, hex};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::json;

use super::leaving::{delete_beside, delete_for_operator};
use super::passwords::{Cost, hash};
use super::{AccountId, email, records, sessions};
use crate::blobs::Files;
use crate::clock;
use crate::config::{Folder, Person, UserCommand};
use crate::events::outbox;
use crate::node::Node;
use crate::serve::{database, open};
use crate::session_cache::KNOWN_MS;
use crate::store::{Effect, Result, Store, StoreOptions, Write, is_alone};

/// How long a server may know a session that was ended.
const KNOWN_TIME: Duration = Duration::from_millis(KNOWN_MS.unsigned_abs());
/// Between looks at the notices: an open socket is to end within a second.
const NOTICE_TIME: Duration = Duration::from_millis(400);
/// How long the command waits for a server to delete an account, in milliseconds.
const DELETION_MS_MAX: i64 = 60_000;
/// Events read at once.
const EVENTS_AT_ONCE: usize = 1_000;
/// Notices taken at once; the others are next.
const NOTICES_MAX: i64 = 1_000;

/// An account as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    #[serde(skip)]
    aid: i64,
    id: String,
    email: String,
    created_ms: i64,
    /// When it was disabled, if it is.
    disabled_ms: Option<i64>,
    /// Of the ledgers that it brought here.
    bytes: i64,
    /// How many are signed in.
    devices: i64,
}

const ROWS: &str = "SELECT aid, id, email, created_ms, disabled_ms, bytes,
    (SELECT count(*) FROM device WHERE device.aid = account.aid AND is_active = 1) FROM account";

impl AccountRow {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            aid: row.get(0)?,
            id: AccountId(row.get(1)?).to_string(),
            email: row.get(2)?,
            created_ms: row.get(3)?,
            disabled_ms: row.get(4)?,
            bytes: row.get(5)?,
            devices: row.get(6)?,
        })
    }

    fn line(&self) -> String {
        let state = if self.disabled_ms.is_some() { "disabled" } else { "enabled" };
        format!("{}  {state:8}  {:3} devices  {:12} bytes  {}", self.id, self.devices, self.bytes, self.email)
    }
}

/// Why a command was not carried out.
type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

/// Carries a command out.
///
/// # Errors
///
/// When there is no such database or account, or the database fails.
pub fn run(command: &UserCommand) -> Outcome {
    let outcome = match command {
        UserCommand::List(folder) => list(&mut existing(folder)?, folder.json),
        UserCommand::Show(person) => with_account(person, |_, account| say(person, &account.line(), &account)),
        UserCommand::Sessions(person) => with_account(person, |store, account| list_sessions(store, person, &account)),
        UserCommand::Disable(person) => change(person, |write, account| disable(write, clock::unix_ms(), account.aid)),
        UserCommand::Enable(person) => change(person, |write, account| enable(write, account.aid)),
        UserCommand::ResetPassword(person) => with_account(person, |store, account| reset(store, person, &account)),
        UserCommand::Delete(person) => delete(person),
    };
    if outcome.is_ok() && matches!(command, UserCommand::Disable(_) | UserCommand::ResetPassword(_)) {
        // A server that is running may know a session for so long that was ended beside it: it is done when none does.
        std::thread::sleep(KNOWN_TIME);
    }
    outcome
}

/// The database of a folder; none is made by looking for an account.
fn existing(folder: &Folder) -> std::result::Result<Store, Box<dyn std::error::Error>> {
    let path = database(&folder.data);
    if !path.exists() {
        return Err(format!("there is no {}", path.display()).into());
    }
    Ok(open(&folder.data, StoreOptions::beside())?)
}

fn with_account(person: &Person, act: impl FnOnce(&mut Store, AccountRow) -> Outcome) -> Outcome {
    let mut store = existing(&person.folder)?;
    let account = find(store.connection(), &person.who)?.ok_or("there is no such account")?;
    act(&mut store, account)
}

/// Changes an account, and says how it is now.
fn change(person: &Person, change: impl FnOnce(&mut Write<'_>, &AccountRow) -> Result<()>) -> Outcome {
    with_account(person, |store, account| {
        store.write(|write| change(write, &account))?;
        let account = find(store.connection(), &account.id)?.ok_or("the account is gone")?;
        say(person, &account.line(), &account)
    })
}

fn say(person: &Person, line: &str, object: &impl Serialize) -> Outcome {
    let text = if person.folder.json { serde_json::to_string(object)? } else { line.to_owned() };
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Prints what happened to all accounts after an event, as far as it is remembered.
///
/// # Errors
///
/// When there is no such database or event, or the database fails.
pub fn print_events(data: &Path, after: Option<String>) -> Outcome {
    let store = existing(&Folder { data: data.to_owned(), json: true })?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let begin = after.map(|id| outbox::number(store.connection(), None, &id)).transpose()?;
    let begin = begin.transpose().map_err(|_| "there is no such event; it may have been forgotten")?;
    let (mut after, mut is_end) = (begin.unwrap_or(0), false);
    while !is_end {
        let page = outbox::page(store.connection(), None, after, EVENTS_AT_ONCE)?;
        for event in page.events {
            writeln!(out, "{}", serde_json::to_string(&event)?)?;
        }
        (after, is_end) = (page.to, page.is_end);
    }
    Ok(out.flush()?)
}

/// The account of an id or an address.
///
/// # Errors
///
/// When the database fails.
pub fn find(connection: &Connection, who: &str) -> Result<Option<AccountRow>> {
    let id: Option<[u8; 16]> = hex::fixed(who);
    let select = format!("{ROWS} WHERE id = ?1 OR email = ?2");
    let mut select = connection.prepare(&select)?;
    Ok(select.query_row((id, email(who)), AccountRow::of_row).optional()?)
}

/// One line for each account, as they are read: there may be many.
fn list(store: &mut Store, is_json: bool) -> Outcome {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut select = store.connection().prepare(&format!("{ROWS} ORDER BY aid"))?;
    for account in select.query_map([], AccountRow::of_row)? {
        let account = account?;
        let line = if is_json { serde_json::to_string(&account)? } else { account.line() };
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

fn list_sessions(store: &Store, person: &Person, account: &AccountRow) -> Outcome {
    for row in sessions::sessions(store.connection(), clock::unix_ms(), account.aid)? {
        let (id, device) = (hex::encode(&row.session.id), row.session.device.map(|device| device.to_string()));
        let line = format!("{id}  {}", device.as_deref().unwrap_or("no device"));
        let object = json!({ "id": id, "device": device, "created_ms": row.created_ms, "used_ms": row.used_ms });
        say(person, &line, &object)?;
    }
    Ok(())
}

/// Ends all sessions of an account and lets nobody sign in to it.
///
/// # Errors
///
/// When the database fails.
pub fn disable(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<()> {
    write.tx.execute("UPDATE account SET disabled_ms = coalesce(disabled_ms, ?2) WHERE aid = ?1", (aid, now_ms))?;
    end_sessions(write, now_ms, aid)
}

/// Lets its owner sign in again.
///
/// # Errors
///
/// When the database fails.
pub fn enable(write: &mut Write<'_>, aid: i64) -> Result<()> {
    write.tx.execute("UPDATE account SET disabled_ms = NULL WHERE aid = ?1", [aid])?;
    Ok(())
}

/// Gives the account a password that is made here and shown once, and ends its sessions.
fn reset(store: &mut Store, person: &Person, account: &AccountRow) -> Outcome {
    let (now_ms, aid) = (clock::unix_ms(), account.aid);
    let password = store.write(|write| {
        let password = hex::encode(&write.random::<12>());
        let hash = hash(Cost::default(), &password, write.random());
        let is_changed = match (hash, records::credentials(write.tx, aid)?) {
            (Some(new), Some((_, old))) => records::change_password(write, aid, &old, &new)?,
            _ => false,
        };
        end_sessions(write, now_ms, aid)?;
        Ok(is_changed.then_some(password))
    })?;
    let password = password.ok_or("the password was not changed")?;
    say(person, &password, &json!({ "id": account.id, "password": password }))
}

/// Deletes an account. A server that is running does it, which knows of it in its memory; without one it is done here.
fn delete(person: &Person) -> Outcome {
    let (mut store, data) = (existing(&person.folder)?, &person.folder.data);
    let AccountRow { aid, id, .. } = find(store.connection(), &person.who)?.ok_or("there is no such account")?;
    // What was asked for stands, whatever becomes of this process or the server.
    store.write(|write| ask_to_delete(write, clock::unix_ms(), aid))?;
    drop(store);
    let begun_ms = clock::monotonic_ms();
    while is_there(&existing(&person.folder)?, aid)? {
        if clock::monotonic_ms() - begun_ms > DELETION_MS_MAX {
            return Err("the server has not deleted it yet; it goes on with that, also after a restart".into());
        }
        if is_alone(&database(data))? {
            delete_beside(&mut existing(&person.folder)?, &Files::beside(&database(data)), aid)?;
        } else {
            std::thread::sleep(NOTICE_TIME);
        }
    }
    say(person, &format!("{id}  deleted"), &json!({ "id": id, "deleted": true }))
}

/// Takes an account out of use and leaves a notice that it is to be deleted.
fn ask_to_delete(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<()> {
    disable(write, now_ms, aid)?;
    write.tx.execute("INSERT INTO notice (aid, is_deletion) VALUES (?1, 1)", [aid])?;
    Ok(())
}

fn is_there(store: &Store, aid: i64) -> Result<bool> {
    Ok(store.connection().prepare("SELECT 1 FROM account WHERE aid = ?1")?.exists([aid])?)
}

/// Ends the sessions, and leaves a notice of each device, and one of the programs, for the server that may be running.
fn end_sessions(write: &mut Write<'_>, now_ms: i64, aid: i64) -> Result<()> {
    let notice = "INSERT INTO notice (aid, device)
        SELECT aid, key FROM device WHERE aid = ?1 AND is_active = 1 UNION ALL SELECT ?1, NULL";
    write.tx.execute(notice, [aid])?;
    sessions::end_all(write, now_ms, aid, None)
}

/// Tells whoever is connected what was done beside this server, and deletes accounts, for as long as it is there. An account
/// with a long log takes its time, and nobody else who is to be told waits for it.
pub(crate) async fn watch(node: Weak<Node>) {
    tokio::join!(keep(&node, async |node| tell(node).await), keep(&node, async |node| delete_asked(node).await));
}

/// Does something now and then, for as long as the server is there.
async fn keep(node: &Weak<Node>, act: impl AsyncFn(&Node) -> Result<()>) {
    loop {
        tokio::time::sleep(NOTICE_TIME).await;
        let Some(node) = node.upgrade() else { return };
        if let Err(error) = act(&node).await {
            tracing::warn!(%error, "notices were not read");
        }
    }
}

async fn tell(node: &Node) -> Result<()> {
    let is_left = "SELECT 1 FROM notice WHERE is_deletion = 0";
    let is_left = node.read(move |connection| Ok(connection.prepare_cached(is_left)?.exists([])?));
    if is_left.await? { node.writer().run(take_notices).await } else { Ok(()) }
}

async fn delete_asked(node: &Node) -> Result<()> {
    for aid in node.read(asked_to_go).await? {
        // With an account its notices go: whoever is connected is told first.
        tell(node).await?;
        delete_for_operator(node, aid).await?;
        tracing::info!("an account was deleted by an operator");
    }
    Ok(())
}

fn take_notices(write: &mut Write<'_>) -> Result<()> {
    let select = "SELECT nid, aid, device FROM notice WHERE is_deletion = 0 ORDER BY nid LIMIT ?1";
    let mut select = write.tx.prepare_cached(select)?;
    let rows = select
        .query_map([NOTICES_MAX], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<_>>(2)?.map(DeviceKey))))?;
    let notices: Vec<(i64, i64, Option<DeviceKey>)> = rows.collect::<rusqlite::Result<_>>()?;
    for (nid, aid, device) in notices {
        write.tx.prepare_cached("DELETE FROM notice WHERE nid = ?1")?.execute([nid])?;
        write.effect(match device {
            Some(device) => Effect::SignedOut { aid, device },
            None => Effect::Withdrawn { aid },
        });
    }
    Ok(())
}

/// The accounts that are to be deleted. Their notices stay until it is done.
fn asked_to_go(connection: &Connection) -> Result<Vec<i64>> {
    let mut select = connection.prepare_cached("SELECT DISTINCT aid FROM notice WHERE is_deletion = 1 LIMIT ?1")?;
    Ok(select.query_map([NOTICES_MAX], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}
