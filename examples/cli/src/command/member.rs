//! `outlay ledger invite`, `invitations`, `join`, `add`, `members`, `name`, `role`, `transfer`, `remove`, `leave` and `confirm`: who shares a
//! ledger.
//!
//! What these write is of use to others only when they have it: each syncs before, so that a cut names all that counts, and
//! after. Without a network it stands all the same, and goes up later.

use std::time::Duration;

use outlay_core::{Engine, ErrorKind, Ledger as LedgerRow, LedgerId, Member, Role};
use serde_json::{Value, json};

use crate::args::{InLedger, Rights};
use crate::command::ledger::device_key;
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::json::{InvitationObject, LedgerObject, MemberObject, OpenInvitationObject};
use crate::output::table::Table;
use crate::output::{Output, text};

/// How long what was written may take to go up before it is left to the next sync.
pub(super) const SYNC_MAX: Duration = Duration::from_secs(60);

/// What a command was done to.
pub(super) struct Done {
    pub(super) ledger: LedgerRow,
    /// Whether it is on the server.
    pub(super) is_synced: bool,
}

impl From<Rights> for Role {
    fn from(rights: Rights) -> Self {
        match rights {
            Rights::Owner => Self::Owner,
            Rights::Editor => Self::Editor,
            Rights::Viewer => Self::Viewer,
        }
    }
}

pub(crate) fn invite(role: Rights, days: u16, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    if engine.account()?.is_none() {
        return Err(Failure::signed_out());
    }
    let (done, invitation) = between_syncs(&engine, ledger, |id| Ok(engine.invite(id, role.into(), days)?))?;
    if out.is_json() {
        return out.object(&InvitationObject::new(&invitation, done.is_synced));
    }
    let until = text::instant_short(invitation.expires_ms);
    out.line(format!(
        "Whoever runs this first, until {until}, joins {:?} as {}:",
        done.ledger.name,
        text::role(role.into())
    ))?;
    out.line(format!("outlay ledger join {}", invitation.code))?;
    remark_unsynced(&done, out);
    Ok(())
}

pub(crate) fn invitations(ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (_, open) = between_syncs(&engine, ledger, |id| Ok(engine.open_invitations(id)?))?;
    if out.is_json() {
        return open.iter().try_for_each(|invitation| out.object(&OpenInvitationObject::from(invitation)));
    }
    let mut table = Table::new(["INVITATION", "ROLE", "UNTIL"]);
    for invitation in &open {
        table.push([
            text::short_id(&invitation.key.to_string()).to_owned(),
            text::role(invitation.role).to_owned(),
            invitation.expires_ms.map(text::instant_short).unwrap_or_default(),
        ]);
    }
    out.table(&table)
}

pub(crate) fn take_back(named: &str, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, key) = between_syncs(&engine, ledger, |id| {
        let keys = engine.open_invitations(id)?.into_iter().map(|invitation| invitation.key);
        let found = keys.filter(|key| lookup::is_named(key, named));
        let several = || format!("several invitations begin with {named:?}; give more digits");
        let key = lookup::the_one(found, several, || format!("there is no open invitation {named:?}"))?;
        engine.take_back_invitation(id, key)?;
        Ok(key)
    })?;
    let (id, key) = (done.ledger.id.to_string(), key.to_string());
    if out.is_json() {
        return out.object(&json!({"ledger": id, "invitation": key, "taken_back": true}));
    }
    out.line(format!("Took back {}: nobody joins {:?} by it any more", text::short_id(&key), done.ledger.name))
}

pub(crate) fn join(code: &str, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open_or_create(None)?;
    if engine.account()?.is_none() {
        return Err(Failure::signed_out());
    }
    let id = engine.join_ledger(code)?;
    let is_synced = sync(&engine)?;
    let joined = engine.ledgers()?.into_iter().find(|ledger| ledger.id == id);
    if out.is_json() {
        return out.object(&joined_object(&engine, id, joined.as_ref(), is_synced)?);
    }
    match joined {
        Some(ledger) => {
            let role = ledger.role.map_or("none", text::role);
            out.line(format!("Joined ledger {:?} as {role}  {id}", ledger.name))
        }
        None => out.line(format!("Joined ledger {id}; `outlay sync` brings it")),
    }
}

fn joined_object(engine: &Engine, id: LedgerId, ledger: Option<&LedgerRow>, is_synced: bool) -> Result<Value, Failure> {
    let Some(ledger) = ledger else { return Ok(json!({"ledger": id.to_string(), "synced": is_synced})) };
    let own = engine.members(id)?.into_iter().find(|member| member.is_self);
    let mut object = serde_json::to_value(LedgerObject::from(ledger))?;
    object["ledger"] = id.to_string().into();
    object["member"] = own.map(|member| member.id.to_string()).into();
    object["synced"] = is_synced.into();
    Ok(object)
}

pub(crate) fn add(device: &str, role: Rights, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let (device, engine) = (device_key(device)?, home.open()?);
    let (done, member) = between_syncs(&engine, ledger, |id| Ok(engine.add_member(id, device, role.into())?))?;
    let (member, role) = (member.to_string(), text::role(role.into()));
    let object = json!({
        "ledger": done.ledger.id.to_string(), "member": member, "role": role, "synced": done.is_synced,
    });
    let line = format!("Added {} to {:?} as {role}", text::short_id(&member), done.ledger.name);
    answer(&done, &object, &line, out)
}

pub(crate) fn members(ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, ledger.ledger.as_deref())?;
    let members = engine.members(ledger.id)?;
    if out.is_json() {
        return members.iter().try_for_each(|member| out.object(&MemberObject::from(member)));
    }
    let mut table = Table::new(["MEMBER", "NAME", "ROLE", "DEVICES", ""]);
    for member in &members {
        let waiting = member.devices.iter().filter(|device| !device.is_confirmed).count();
        let unconfirmed = if waiting > 0 { format!(" ({waiting} to confirm)") } else { String::new() };
        table.push([
            text::short_id(&member.id.to_string()).to_owned(),
            member.name.clone().unwrap_or_default(),
            text::role(member.role).to_owned(),
            format!("{}{unconfirmed}", member.devices.len()),
            (if member.is_self { "you" } else { "" }).to_owned(),
        ]);
    }
    out.table(&table.without_empty_columns())
}

pub(crate) fn name(name: &str, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, ()) = between_syncs(&engine, ledger, |id| Ok(engine.set_own_name(id, name)?))?;
    let object = json!({"ledger": done.ledger.id.to_string(), "name": name, "synced": done.is_synced});
    let line = format!("You are {name:?} in {:?}", done.ledger.name);
    answer(&done, &object, &line, out)
}

pub(crate) fn role(named: &str, role: Rights, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, member) = between_syncs(&engine, ledger, |id| {
        let member = find(&engine, id, named)?;
        engine.set_role(id, member.id, role.into())?;
        Ok(member)
    })?;
    let role = text::role(role.into());
    let line = format!("{} is {role} of {:?} now", described(&member), done.ledger.name);
    answer(&done, &member_object(&done, &member, &json!({"role": role})), &line, out)
}

pub(crate) fn transfer(named: &str, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, member) = between_syncs(&engine, ledger, |id| {
        let member = find(&engine, id, named)?;
        engine.transfer_ledger(id, member.id)?;
        Ok(member)
    })?;
    let line = format!("{} owns {:?} now, and you are editor", described(&member), done.ledger.name);
    answer(&done, &member_object(&done, &member, &json!({"role": "owner"})), &line, out)
}

pub(crate) fn remove(named: &str, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, member) = between_syncs(&engine, ledger, |id| {
        let member = find(&engine, id, named)?;
        if member.is_self {
            return Err(Failure::invalid("that is you: `outlay ledger leave`"));
        }
        engine.remove_member(id, member.id)?;
        Ok(member)
    })?;
    let line = format!("Removed {} from {:?}", described(&member), done.ledger.name);
    answer(&done, &member_object(&done, &member, &json!({"removed": true})), &line, out)
}

pub(crate) fn leave(ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, ()) = between_syncs(&engine, ledger, |id| Ok(engine.leave_ledger(id)?))?;
    let object = json!({"ledger": done.ledger.id.to_string(), "left": true, "synced": done.is_synced});
    let line = format!("Left {:?}; what is on this device stays", done.ledger.name);
    answer(&done, &object, &line, out)
}

pub(crate) fn confirm(named: &str, ledger: &InLedger, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let (done, device) = between_syncs(&engine, ledger, |id| {
        let members = engine.members(id)?;
        let keys = members.iter().flat_map(|member| &member.devices).map(|device| device.key);
        let found = keys.filter(|key| lookup::is_named(key, named));
        let several = || format!("several devices begin with {named:?}; give more digits");
        let device = lookup::the_one(found, several, || format!("no member has a device {named:?}"))?;
        engine.confirm_device(id, device)?;
        Ok(device)
    })?;
    let device = device.to_string();
    let object = json!({
        "ledger": done.ledger.id.to_string(), "device": device, "confirmed": true, "synced": done.is_synced,
    });
    let line = format!("Confirmed {} in {:?}", text::short_id(&device), done.ledger.name);
    answer(&done, &object, &line, out)
}

/// Does something to the ledger that was named, with what others have written and for them to have.
pub(super) fn between_syncs<T>(
    engine: &Engine,
    ledger: &InLedger,
    work: impl FnOnce(LedgerId) -> Result<T, Failure>,
) -> Result<(Done, T), Failure> {
    sync(engine)?;
    let ledger = lookup::some_ledger(engine, ledger.ledger.as_deref())?;
    let value = work(ledger.id)?;
    let is_synced = sync(engine)?;
    Ok((Done { ledger, is_synced }, value))
}

/// Says whether everything is alike here and on the server.
fn sync(engine: &Engine) -> Result<bool, Failure> {
    if engine.account()?.is_none() {
        return Ok(false);
    }
    match engine.sync_once(SYNC_MAX) {
        Ok(report) => Ok(report.is_complete && report.refused == 0),
        Err(error) if matches!(error.kind(), ErrorKind::Offline | ErrorKind::RateLimited | ErrorKind::SignedOut) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn answer(done: &Done, object: &Value, line: &str, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        return out.object(object);
    }
    out.line(line)?;
    remark_unsynced(done, out);
    Ok(())
}

fn remark_unsynced(done: &Done, out: &Output) {
    if !done.is_synced {
        out.remark("It is on this device only so far; `outlay sync` sends it up.");
    }
}

fn member_object(done: &Done, member: &Member, more: &Value) -> Value {
    let mut object = json!({
        "ledger": done.ledger.id.to_string(), "member": member.id.to_string(), "synced": done.is_synced,
    });
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    object
}

fn described(member: &Member) -> String {
    let id = member.id.to_string();
    member.name.as_ref().map_or_else(|| text::short_id(&id).to_owned(), |name| format!("{name:?}"))
}

fn find(engine: &Engine, ledger: LedgerId, named: &str) -> Result<Member, Failure> {
    let members = engine.members(ledger)?;
    let is_meant = |member: &Member| member.name.as_deref() == Some(named) || lookup::is_named(&member.id, named);
    let several = || format!("several members are meant by {named:?}; give the id");
    lookup::the_one(members.into_iter().filter(is_meant), several, || {
        format!("there is no member {named:?} in this ledger")
    })
}
