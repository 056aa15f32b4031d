//! A device and its connection: what a syncer does around a session.

use std::collections::{BTreeSet, VecDeque};

use outlay_core::sync::{ClientOutput, SyncSession};
use outlay_core::{Environment, LedgerId};
use outlay_protocol::Code;
use outlay_protocol::session::{Identity, ServerSession};

use super::{Event, World};
use crate::Violation;
use crate::coverage::Mark;
use crate::device::Line;
use crate::fault::Struck;
use crate::oracle;
use crate::server::{Called, Login, Served};
use crate::wire::{Link, LinkId, Sent, Way};

/// A second: how often sessions are told the time.
pub(super) const TICK_MS: i64 = 1_000;
/// A connection on which nothing comes for so long is given up.
const SILENCE_MS_MAX: i64 = 60_000;
/// How often what was refused is offered again.
const RETRY_REFUSED_MS: i64 = 60_000;
/// A token that ends so soon is renewed before connecting.
const RENEW_BEFORE_MS: i64 = 20_000;
/// How often an answer to a renewal is lost, in a hundred.
const RENEWALS_LOST: usize = 8;
/// How often what was received waits for more before it is stored, in a hundred.
const UNSETTLED: usize = 30;

/// What became of a renewal.
enum Renewal {
    Done,
    Later,
    SignedOut,
}

impl<'a> World<'a> {
    /// A device tries to connect.
    pub(super) fn dial(&mut self, at: usize) -> Result<(), Violation> {
        let device = &mut self.devices[at];
        if device.line.is_some() || device.connecting.is_some() || !device.is_online || device.login.is_none() {
            return Ok(());
        }
        device.dials.push(self.clock.elapsed_ms());
        self.ask(at, "connections");
        if !self.server.is_up() {
            self.redial(at);
            return Ok(());
        }
        if self.must_renew(at) {
            match self.renew_tokens(at)? {
                Renewal::Done => {}
                Renewal::Later => {
                    self.redial(at);
                    return Ok(());
                }
                Renewal::SignedOut => return Ok(()),
            }
        }
        let (id, nonce) = (LinkId(self.next_link), self.pace.bytes());
        self.next_link += 1;
        let latency_ms = *self.pace.pick(&[1, 5, 20, 80, 300]);
        self.links.insert(id, Link::new(id, at, nonce, latency_ms));
        let identity = Identity { server: self.server.id.0, nonce };
        let session = ServerSession::new(self.server.limits, identity);
        let (subscribed, granted) = (BTreeSet::new(), BTreeSet::new());
        let served = Served {
            session,
            visitor: None,
            subscribed,
            granted,
            appended_ms: 0,
            outbound_bytes: 0,
            is_draining: false,
        };
        self.server.lines.insert(id, served);
        self.devices[at].connecting = Some(id);
        self.plan_in(2 * latency_ms, Event::Connected(id));
        self.plan_in(TICK_MS, Event::Tick(id, Way::Up));
        Ok(())
    }

    /// A device hears that it is connected.
    pub(super) fn connected(&mut self, id: LinkId) -> Result<(), Violation> {
        let Some(link) = self.links.get(&id).filter(|link| link.is_open_here) else { return Ok(()) };
        let (at, nonce, now_ms) = (link.device, link.nonce, self.now_ms());
        let device = &mut self.devices[at];
        if device.connecting != Some(id) {
            return Ok(());
        }
        device.connecting = None;
        let Some(login) = device.login.clone() else { return self.hang_up(at, id, None) };
        let session = SyncSession::with_server(device.engine, &self.server.id.0, &login.account, true);
        let struck = device.take_struck();
        match session {
            Ok(session) => {
                device.line = Some(Line { link: id, session, heard_ms: now_ms, retried_ms: now_ms, waits_ms: 0 });
            }
            Err(error) if struck.is_none() => {
                return Err(Violation::new("no call fails by itself", format!("d{at}: {error:?}")));
            }
            Err(_) => {
                self.hang_up(at, id, None)?;
                return self.after_call(at, struck);
            }
        }
        self.after_call(at, struck)?;
        self.say(format_args!("d{at} connected, {}", id.0));
        self.drive(at, |line, now_ms| line.session.connected(now_ms, nonce, &login.access))?;
        self.plan_in(TICK_MS, Event::Tick(id, Way::Down));
        Ok(())
    }

    /// Goes on with a device's session. A store that failed in it ends the connection.
    pub(super) fn drive(
        &mut self,
        at: usize,
        call: impl FnOnce(&mut Line<'a>, i64) -> outlay_core::Result<Vec<ClientOutput>>,
    ) -> Result<(), Violation> {
        let now_ms = self.now_ms();
        let device = &mut self.devices[at];
        let Some(line) = &mut device.line else { return Ok(()) };
        let id = line.link;
        let done = call(line, now_ms);
        let struck = device.take_struck();
        let (has_struck, has_died) = (struck.is_some(), struck.as_ref().is_some_and(|struck| struck.fault.is_crash()));
        self.after_call(at, struck)?;
        match done {
            _ if has_died => Ok(()),
            Ok(outputs) => self.act(at, id, outputs),
            Err(_) if has_struck => self.hang_up(at, id, None),
            Err(error) => Err(Violation::new("no call fails by itself", format!("d{at} in its session: {error:?}"))),
        }
    }

    fn act(&mut self, at: usize, id: LinkId, outputs: Vec<ClientOutput>) -> Result<(), Violation> {
        for output in VecDeque::from(outputs) {
            match output {
                ClientOutput::Send(frame) => {
                    let asked = match frame.first() {
                        Some(0x04) => Some("opens"),
                        Some(0x06) => Some("pushes"),
                        Some(0x0a) => Some("fetches"),
                        _ => None,
                    };
                    if let Some(asked) = asked {
                        self.ask(at, asked);
                    }
                    self.send(id, Way::Up, &frame);
                }
                ClientOutput::Close(code) => return self.hang_up(at, id, Some(code)),
                ClientOutput::NeedsToken => self.plan_in(5, Event::Renew(id)),
                ClientOutput::CaughtUp(_) => {}
                ClientOutput::Idle => self.idle(at, id)?,
                ClientOutput::Wait { ms, code } => {
                    let until_ms = self.now_ms() + i64::from(ms);
                    if let Some(line) = &mut self.devices[at].line {
                        line.waits_ms = line.waits_ms.max(until_ms);
                    }
                    self.say(format_args!("d{at} waits {ms} ms: {code}"));
                }
            }
        }
        Ok(())
    }

    /// A device says that it has nothing to do: then it holds what the log holds, and the log what it holds.
    fn idle(&mut self, at: usize, id: LinkId) -> Result<(), Violation> {
        let is_served = self.server.lines.contains_key(&id);
        let device = &self.devices[at];
        let is_waiting = device.line.as_ref().is_none_or(|line| line.waits_ms > self.clock.elapsed_ms());
        if !is_served || is_waiting {
            return Ok(());
        }
        let mut may_open = BTreeSet::new();
        for noted in &device.noted {
            if self.server.may_open(device.key, noted.ledger)? {
                may_open.insert(noted.ledger);
            }
        }
        self.oracle.check_idle(device, &may_open)
    }

    /// What is looked at after every call of an engine.
    pub(super) fn after_call(&mut self, at: usize, struck: Option<Struck>) -> Result<(), Violation> {
        if let Some(struck) = struck {
            self.say(format_args!("d{at}: {:?}", struck.fault));
            if struck.fault.is_crash() {
                self.coverage.hit(Mark::DeviceCrash);
                return self.device_died(at, &struck.remains);
            }
            self.coverage.hit(Mark::DeviceFault);
        }
        let device = &mut self.devices[at];
        device.look()?;
        let notes = device.look_at_notes(&self.server.id.0)?;
        self.oracle.check_cursors(device, &notes)
    }

    /// A process of a device has died, and begins again on what it left.
    pub(super) fn device_died(&mut self, at: usize, remains: &std::path::Path) -> Result<(), Violation> {
        self.restart(at, remains)?;
        self.oracle.check_told_here(&self.devices[at])
    }

    /// A new process of a device on another database.
    pub(super) fn restart(&mut self, at: usize, database: &std::path::Path) -> Result<(), Violation> {
        let links = self.links.values().filter(|link| link.device == at && link.is_open_here);
        let links: Vec<LinkId> = links.map(|link| link.id).collect();
        for id in links {
            self.leave(id);
        }
        self.devices[at].restart_on(database, self.shelf)?;
        let device = &mut self.devices[at];
        let notes = device.look_at_notes(&self.server.id.0)?;
        self.oracle.check_cursors(device, &notes)?;
        let pause_ms = self.pace.between(200, 3_000);
        self.plan_in(pause_ms, Event::Dial(at));
        Ok(())
    }

    /// A device closes its connection.
    pub(super) fn hang_up(&mut self, at: usize, id: LinkId, code: Option<Code>) -> Result<(), Violation> {
        self.leave(id);
        let device = &mut self.devices[at];
        device.line = device.line.take().filter(|line| line.link != id);
        device.connecting = device.connecting.filter(|connecting| *connecting != id);
        self.redial_after(at, code)
    }

    /// One end has gone, and the other one hears of it.
    fn leave(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            link.is_open_here = false;
            let pause_ms = self.pace.between(0, 400);
            self.plan_in(pause_ms, Event::Ended(id, Way::Up, None));
        }
    }

    /// A device hears that its connection has ended.
    pub(super) fn ended_here(&mut self, id: LinkId, code: Option<Code>) -> Result<(), Violation> {
        let Some(link) = self.links.get_mut(&id).filter(|link| link.is_open_here) else { return Ok(()) };
        let at = link.device;
        let device = &self.devices[at];
        if device.connecting == Some(id) || device.line.as_ref().is_some_and(|line| line.link == id) {
            return self.hang_up(at, id, code);
        }
        link.is_open_here = false;
        Ok(())
    }

    /// Tries again after a while, or does what the reason asks for.
    fn redial_after(&mut self, at: usize, code: Option<Code>) -> Result<(), Violation> {
        if let Some(code) = code {
            self.say(format_args!("d{at} is disconnected: {code}"));
        }
        match code {
            Some(Code::Revoked) => {
                self.signed_out(at);
                return Ok(());
            }
            Some(Code::Version) => {
                return Err(Violation::new("one version speaks to itself", format!("d{at}")));
            }
            Some(Code::TokenExpired | Code::SignInNeeded) => {
                let device = &mut self.devices[at];
                device.is_token_refused = true;
                if device.failures < 2 {
                    device.failures += 1;
                    self.plan_in(0, Event::Dial(at));
                    return Ok(());
                }
            }
            _ => {}
        }
        self.redial(at);
        Ok(())
    }

    fn redial(&mut self, at: usize) {
        let pause_ms = self.devices[at].backoff_ms(&mut self.pace);
        self.plan_in(pause_ms, Event::Dial(at));
    }

    /// A frame reaches a device.
    pub(super) fn frame_down(&mut self, id: LinkId, frame: &[u8]) -> Result<(), Violation> {
        let Some(link) = self.links.get(&id).filter(|link| link.is_open_here) else { return Ok(()) };
        let (at, now_ms) = (link.device, self.now_ms());
        let device = &mut self.devices[at];
        let Some(line) = device.line.as_mut().filter(|line| line.link == id) else { return Ok(()) };
        line.heard_ms = now_ms;
        device.failures = 0;
        self.drive(at, |line, now_ms| line.session.receive(now_ms, frame))?;
        if self.pace.chance(UNSETTLED) { Ok(()) } else { self.settle(at, id) }
    }

    fn settle(&mut self, at: usize, id: LinkId) -> Result<(), Violation> {
        if self.devices[at].line.as_ref().is_none_or(|line| line.link != id) {
            return Ok(());
        }
        self.drive(at, |line, _| line.session.settle().map(|()| Vec::new()))
    }

    /// Something was written on a device.
    pub(super) fn local_change(&mut self, at: usize) -> Result<(), Violation> {
        self.drive(at, |line, now_ms| line.session.local_change(now_ms))
    }

    /// A second has passed on a device.
    pub(super) fn device_tick(&mut self, id: LinkId) -> Result<(), Violation> {
        let Some(link) = self.links.get(&id).filter(|link| link.is_open_here) else { return Ok(()) };
        let (at, now_ms) = (link.device, self.now_ms());
        // The transport's own signs of life come through where both ends are there and read.
        let is_heard = link.is_open_there && !link.is_withheld();
        let Some(line) = self.devices[at].line.as_mut().filter(|line| line.link == id) else { return Ok(()) };
        let is_silent = now_ms - line.heard_ms > SILENCE_MS_MAX;
        if is_silent && (!is_heard || !line.session.is_idle()) {
            self.say(format_args!("d{at} has heard nothing for a minute"));
            return self.hang_up(at, id, None);
        }
        let retries = now_ms - line.retried_ms > RETRY_REFUSED_MS;
        if retries {
            line.retried_ms = now_ms;
        }
        self.plan_in(TICK_MS, Event::Tick(id, Way::Down));
        self.settle(at, id)?;
        if retries {
            self.drive(at, |line, now_ms| line.session.retry_refused(now_ms))?;
        }
        self.drive(at, |line, now_ms| line.session.tick(now_ms))
    }

    /// A device renews its token for a live connection.
    pub(super) fn renew(&mut self, id: LinkId) -> Result<(), Violation> {
        let Some(link) = self.links.get(&id).filter(|link| link.is_open_here) else { return Ok(()) };
        let at = link.device;
        if self.devices[at].line.as_ref().is_none_or(|line| line.link != id) {
            return Ok(());
        }
        let is_cut_off = !self.devices[at].is_online || !self.server.is_up();
        let renewal = if is_cut_off { Renewal::Later } else { self.renew_tokens(at)? };
        match renewal {
            Renewal::Done => {
                self.coverage.hit(Mark::TokenRenewed);
                let Some(login) = self.devices[at].login.clone() else { return Ok(()) };
                self.drive(at, |line, now_ms| line.session.renewed(now_ms, &login.access))
            }
            Renewal::Later => self.hang_up(at, id, None),
            Renewal::SignedOut => {
                self.leave(id);
                self.devices[at].line = None;
                Ok(())
            }
        }
    }

    fn must_renew(&self, at: usize) -> bool {
        let device = &self.devices[at];
        let now_ms = device.environment.now_ms();
        device.is_token_refused
            || device.login.as_ref().is_some_and(|login| login.expires_ms - now_ms < RENEW_BEFORE_MS)
    }

    fn renew_tokens(&mut self, at: usize) -> Result<Renewal, Violation> {
        let Some(login) = &self.devices[at].login else { return Ok(Renewal::SignedOut) };
        let refresh = login.refresh;
        match self.server.renew(self.clock.now_ms(), &refresh)? {
            Called::Done(Ok(tokens)) => {
                self.pass_on_effects()?;
                if self.pace.chance(RENEWALS_LOST) {
                    self.say(format_args!("d{at} does not hear that its token was renewed"));
                    return Ok(Renewal::Later);
                }
                self.keep(at, &tokens);
                Ok(Renewal::Done)
            }
            Called::Done(Err(Code::Revoked | Code::SignInNeeded)) => {
                self.pass_on_effects()?;
                self.signed_out(at);
                Ok(Renewal::SignedOut)
            }
            Called::Done(Err(_)) | Called::Failed => Ok(Renewal::Later),
            Called::Died => {
                self.server_died();
                Ok(Renewal::Later)
            }
        }
    }

    /// A device keeps its tokens, and when they end by its own clock.
    fn keep(&mut self, at: usize, tokens: &outlay_server::sync::inline::Tokens) {
        let device = &mut self.devices[at];
        let access_ms = i64::from(self.server.access_seconds()) * 1_000;
        let aid = tokens.login.session.aid;
        device.login = Some(Login {
            account: tokens.login.account.to_string(),
            visitor: outlay_server::sync::Visitor { aid, device: device.key },
            access: tokens.access.clone(),
            expires_ms: device.environment.now_ms().saturating_add(access_ms),
            refresh: tokens.login.refresh,
        });
        device.account = tokens.login.account.to_string();
        device.is_token_refused = false;
    }

    /// The server has signed a device out: its user will sign in again.
    fn signed_out(&mut self, at: usize) {
        self.say(format_args!("d{at} is signed out"));
        let device = &mut self.devices[at];
        device.login = None;
        device.is_signed_out = true;
        let pause_ms = if self.is_healing { self.pace.between(500, 4_000) } else { self.pace.between(2_000, 30_000) };
        self.plan_in(pause_ms, Event::SignIn(at));
    }

    /// A user signs in on a device, for the first time or again.
    pub(super) fn sign_in(&mut self, at: usize) -> Result<(), Violation> {
        let device = &self.devices[at];
        if device.login.is_some() {
            return Ok(());
        }
        let email = format!("p{}@example.org", device.person);
        let is_late = !device.is_signed_out && device.person + 1 == super::PEOPLE;
        let key = device.key;
        let called =
            if device.is_online { self.server.sign_in(self.clock.now_ms(), &email, key)? } else { Called::Failed };
        match called {
            Called::Done(Some(tokens)) => {
                self.pass_on_effects()?;
                self.keep(at, &tokens);
                self.devices[at].is_signed_out = false;
                self.say(format_args!("d{at} signs in"));
                if is_late {
                    self.coverage.hit(Mark::LateSignUp);
                }
                self.plan_in(10, Event::Dial(at));
            }
            Called::Done(None) | Called::Failed => self.plan_in(3_000, Event::SignIn(at)),
            Called::Died => {
                self.server_died();
                self.plan_in(3_000, Event::SignIn(at));
            }
        }
        Ok(())
    }

    /// A device has a network again.
    pub(super) fn online(&mut self, at: usize) {
        self.devices[at].is_online = true;
        self.plan_in(0, Event::Dial(at));
    }

    /// Sends a frame on its way.
    pub(super) fn send(&mut self, id: LinkId, way: Way, frame: &[u8]) {
        let now_ms = self.now_ms();
        let Some(link) = self.links.get_mut(&id) else { return };
        self.trace.note(now_ms, format_args!("{way:?} {} of d{}: {}", id.0, link.device, oracle::words(frame)));
        if let Sent::Arrives(at) = link.send(way, frame, now_ms, &mut self.pace) {
            if at.len() > 1 {
                self.coverage.hit(Mark::Duplicated);
            }
            for at_ms in at {
                self.queue.plan(at_ms, Event::Frame(id, way, frame.to_vec()));
            }
        }
    }

    /// What was withheld in one direction gets through.
    pub(super) fn let_through(&mut self, id: LinkId, way: Way) {
        let Some(link) = self.links.get_mut(&id) else { return };
        for frame in link.lane(way).let_through() {
            self.send(id, way, &frame);
        }
        if way == Way::Down {
            self.plan_in(1, Event::Drained(id));
        }
    }

    /// Cuts a connection. What is under way is lost, or still arrives; each end hears of it sooner or later.
    pub(super) fn cut(&mut self, id: LinkId) {
        if self.pace.chance(70) {
            let mut is_ack_lost = false;
            self.queue.retain(|event| match event {
                Event::Frame(of, way, frame) if *of == id => {
                    is_ack_lost |= *way == Way::Down && frame.first() == Some(&0x07);
                    false
                }
                _ => true,
            });
            if is_ack_lost {
                self.coverage.hit(Mark::AckLost);
            }
        }
        let (here_ms, there_ms) = match self.pace.below(10) {
            0 => (SILENCE_MS_MAX, 100),
            1 => (100, SILENCE_MS_MAX),
            _ => (self.pace.between(0, 500), self.pace.between(0, 500)),
        };
        self.plan_in(here_ms, Event::Ended(id, Way::Down, None));
        self.plan_in(there_ms, Event::Ended(id, Way::Up, None));
        if let Some(link) = self.links.get_mut(&id) {
            link.up.withhold();
            link.down.withhold();
        }
    }

    /// Counts what a device asks for while all is being healed.
    fn ask(&mut self, at: usize, what: &'static str) {
        if self.is_healing {
            *self.asked.entry((at, what)).or_default() += 1;
        }
    }

    /// The ledgers that a device may open, as the server has it.
    pub(super) fn may_open(&mut self, at: usize) -> Result<BTreeSet<LedgerId>, Violation> {
        let key = self.devices[at].key;
        let mut may_open = BTreeSet::new();
        for ledger in self.oracle.books.ledgers() {
            if self.server.may_open(key, ledger)? {
                may_open.insert(ledger);
            }
        }
        Ok(may_open)
    }
}
