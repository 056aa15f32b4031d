//! `outlay signup`, `login`, `signout` and `devices`.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use outlay_core::Engine;
use outlay_core::sync::{Account, Credentials, KnownDevice, ServerAddress, SignInOptions, SignOut as How, SyncStatus};
use serde_json::json;

use super::member::SYNC_MAX;
use crate::args::{Devices, SignIn, SignOut, SignUp};
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::{AccountObject, DeviceObject};
use crate::output::table::Table;
use crate::output::{Output, text};
use crate::{lookup, password};

/// What is typed to delete what is nowhere else.
const CONSENT: &str = "wipe";

pub(crate) fn sign_up(args: &SignUp, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let server = ServerAddress::parse(&args.server)?;
    let engine = home.open_or_create(None)?;
    if let Some(account) = engine.account()? {
        return Err(belongs_to(&account));
    }
    let by = Credentials { email: args.email.clone(), password: password::new()? };
    let options = SignInOptions {
        name: args.person.clone(),
        invitation: args.invitation.clone(),
        device_name: device_name(args.name.as_deref()),
        code: None,
    };
    let account = engine.sign_up(&server, &by, &options)?;
    entered("Made the account", &account, &options, &engine, out)
}

/// Without a server and an address it is signing in again where this device was.
pub(crate) fn sign_in(args: &SignIn, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let named = args.server.as_deref().map(ServerAddress::parse).transpose()?;
    let engine = home.open_or_create(None)?;
    let known = engine.account()?;
    if let (Some(account), Some(email)) = (&known, &args.email)
        && !account.email.eq_ignore_ascii_case(email.trim())
    {
        return Err(belongs_to(account));
    }
    let (Some(server), Some(email)) = (
        named.or_else(|| known.as_ref().map(|account| account.server.clone())),
        args.email.clone().or_else(|| known.as_ref().map(|account| account.email.clone())),
    ) else {
        return Err(Failure::usage("this device was signed in nowhere yet: give --server URL and --email ADDRESS"));
    };
    let by = Credentials { email, password: password::known()? };
    let device_name = device_name(args.name.as_deref());
    let options = SignInOptions { device_name, code: args.code.clone(), ..SignInOptions::default() };
    let account = engine.sign_in(&server, &by, &options)?;
    entered("Signed in as", &account, &options, &engine, out)
}

fn belongs_to(account: &Account) -> Failure {
    Failure::other_account(format!(
        "this database belongs to {} on {}: `outlay signout` leaves that account and keeps what is here, `outlay signout \
         --wipe` deletes it from this device",
        account.email, account.server
    ))
}

fn entered(
    verb: &str,
    account: &Account,
    options: &SignInOptions,
    engine: &Engine,
    out: &mut Output,
) -> Result<(), Failure> {
    if out.is_json() {
        return out.object(&AccountObject::new(account, &engine.device_key(), &options.device_name));
    }
    out.line(format!("{verb} {} on {}; this device is {:?}", account.email, account.server, options.device_name))?;
    match unsent(&engine.sync_status()?) {
        0 => out.line("`outlay sync` brings what your other devices have; `outlay sync --watch` stays connected"),
        waiting => {
            let waiting = text::counted(waiting, "change");
            out.line(format!("`outlay sync` sends up {waiting} and brings what your other devices have"))
        }
    }
}

/// The name that was given, else that of the machine.
fn device_name(given: Option<&str>) -> String {
    given.map(str::trim).filter(|name| !name.is_empty()).map_or_else(machine_name, str::to_owned)
}

fn machine_name() -> String {
    // Every system has this program, and none of the standard library's calls tells the name.
    let asked = Command::new("hostname").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let name = asked.ok().and_then(|answer| String::from_utf8(answer.stdout).ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| std::env::consts::OS.to_owned())
}

pub(crate) fn sign_out(args: &SignOut, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let status = engine.sync_status()?;
    let account = status.account.clone().ok_or_else(Failure::signed_out)?;
    let (unsent, files) = (unsent(&status), status.files_waiting);
    let only_here = only_here(unsent, files);
    engine.sign_out(how(args, only_here.as_deref(), out)?)?;
    if out.is_json() {
        let object = json!({"email": account.email, "wiped": args.wipe, "unsent": unsent, "unsent_files": files});
        return out.object(&object);
    }
    out.line(format!("Signed out of {} on {}", account.email, account.server))?;
    match (args.wipe, only_here) {
        (true, _) => out.line("Everything was deleted from this device."),
        (false, None) => out.line("Everything stays on this device, and is stored on the server too."),
        (false, Some(only_here)) => {
            out.line(format!("Everything stays on this device; {only_here} of it on this device only."))
        }
    }
}

/// What no server has, in words.
fn only_here(unsent: u64, files: u64) -> Option<String> {
    let parts = [(unsent, "change"), (files, "file")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| text::counted(*count, what)).collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn how(args: &SignOut, only_here: Option<&str>, out: &mut Output) -> Result<How, Failure> {
    match (args.wipe, only_here) {
        (false, _) => Ok(How::Keep),
        (true, None) => Ok(How::Wipe),
        (true, Some(_)) if args.unsent => Ok(How::WipeUnsent),
        (true, Some(only_here)) => consented(only_here, out),
    }
}

fn consented(only_here: &str, out: &mut Output) -> Result<How, Failure> {
    let lost = format!("{only_here} never stored on the server");
    if out.is_json() || !io::stdin().is_terminal() {
        return Err(Failure::forbidden(format!(
            "there would be lost {lost}: sync first, or add --unsent to delete even that"
        )));
    }
    out.finish()?;
    let mut stderr = io::stderr();
    // A question that cannot be written is answered by nobody, and then nothing is done.
    let _ = write!(stderr, "This deletes {lost}. To delete it, type {CONSENT}: ");
    let _ = stderr.flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() == CONSENT { Ok(How::WipeUnsent) } else { Err(Failure::forbidden("nothing was done")) }
}

/// Changes that no server has.
fn unsent(status: &SyncStatus) -> u64 {
    status.ledgers.iter().map(|ledger| ledger.local.saturating_add(ledger.refused)).sum()
}

pub(crate) fn devices(args: &Devices, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    if engine.account()?.is_none() {
        return Err(Failure::signed_out());
    }
    let mut devices = engine.devices()?;
    devices.sort_by(|one, other| (!one.is_this, &one.name, one.key).cmp(&(!other.is_this, &other.name, other.key)));
    if let Some(named) = &args.sign_out {
        return sign_out_device(find(&devices, named)?, &engine, out);
    }
    if let Some(named) = &args.revoke {
        return revoke_device(find(&devices, named)?, &engine, out);
    }
    if out.is_json() {
        return devices.iter().try_for_each(|device| out.object(&DeviceObject::from(device)));
    }
    let mut table = Table::new(["DEVICE", "NAME", "SEEN", ""]);
    for device in &devices {
        table.push([
            text::short_id(&device.key.to_string()).to_owned(),
            device.name.clone(),
            device.seen_ms.map(text::instant_short).unwrap_or_default(),
            (if device.is_this {
                "this one"
            } else if !device.is_signed_in {
                "signed out"
            } else {
                ""
            })
            .to_owned(),
        ]);
    }
    out.table(&table)
}

fn find<'d>(devices: &'d [KnownDevice], named: &str) -> Result<&'d KnownDevice, Failure> {
    let meant = devices.iter().filter(|device| device.name == named || lookup::is_named(&device.key, named));
    let several = || format!("several devices are meant by {named:?}; give the key");
    lookup::the_one(meant, several, || format!("there is no device {named:?} in your account"))
}

/// Signs a device out, and takes it out of the ledgers: the one needs the server, the other goes up with the next sync.
fn revoke_device(device: &KnownDevice, engine: &Engine, out: &mut Output) -> Result<(), Failure> {
    if device.is_this {
        return Err(Failure::invalid("that is this device: `outlay signout`"));
    }
    engine.sync_once(SYNC_MAX)?;
    let left = engine.revoke_device(device.key)?;
    let is_synced = engine.sync_once(SYNC_MAX)?.is_complete;
    let key = device.key.to_string();
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    if out.is_json() {
        return out.object(&json!({"device": key, "revoked": true, "left_in": left, "synced": is_synced}));
    }
    if !left.is_empty() {
        let ledgers = text::counted(left.len() as u64, "ledger");
        out.remark(format!(
            "This device may not remove it from {ledgers}: an owner's device does ({})",
            left.join(", ")
        ));
    }
    out.line(format!("Revoked {:?} ({}); what it writes from now on counts nowhere", device.name, text::short_id(&key)))
}

fn sign_out_device(device: &KnownDevice, engine: &Engine, out: &mut Output) -> Result<(), Failure> {
    if device.is_this {
        return Err(Failure::invalid("that is this device: `outlay signout`"));
    }
    engine.sign_out_device(device.key)?;
    if out.is_json() {
        return out.object(&json!({"device": device.key.to_string(), "signed_out": true}));
    }
    let key = device.key.to_string();
    out.line(format!(
        "Signed out {:?} ({}); it keeps what is on it and gets nothing more",
        device.name,
        text::short_id(&key)
    ))
}
