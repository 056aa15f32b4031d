//! The simulated world: who is in it, and one event after the other.

mod checking;
mod connection;
mod happening;
mod healing;
mod serving;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlay_core::{ErrorKind, LedgerId};
use outlay_protocol::Code;
use outlay_protocol::session::{Limits, Question, Ticket};
use outlay_server::sync::RateLimits;

use crate::clock::Clock;
use crate::coverage::Coverage;
use crate::device::{Device, Making};
use crate::oracle::Oracle;
use crate::oracle::compare::Shown;
use crate::queue::Queue;
use crate::random::Random;
use crate::server::{News, Server};
use crate::shelf::Shelf;
use crate::trace::Trace;
use crate::wire::{Link, LinkId, Way};
use crate::{Plan, Report, Violation};

/// People: one with several devices, one who is let into a ledger, one who records alone and signs up late.
const PEOPLE: usize = 3;

/// Something that is yet to happen.
#[derive(Debug)]
enum Event {
    /// Somebody does something, or something breaks.
    Happening,
    /// A device tries to connect.
    Dial(usize),
    /// The device hears that it is connected.
    Connected(LinkId),
    /// A frame arrives.
    Frame(LinkId, Way, Vec<u8>),
    /// One end hears that a connection has ended; the device perhaps why.
    Ended(LinkId, Way, Option<Code>),
    /// A second has passed at one end.
    Tick(LinkId, Way),
    /// The server's store gets to a question.
    Answer(LinkId, Ticket, Box<Question>),
    /// A connection of the server is told of something.
    Tell(LinkId, News),
    /// The server's transport has taken everything.
    Drained(LinkId),
    /// A device renews its token for a live connection.
    Renew(LinkId),
    /// A device has a network again.
    Online(usize),
    /// The server is started.
    Start,
    /// A user signs in again.
    SignIn(usize),
    /// What is withheld in one direction gets through again.
    LetThrough(LinkId, Way),
}

/// Everything.
pub struct World<'a> {
    plan: Plan,
    shelf: &'a Shelf,
    folder: PathBuf,
    clock: Arc<Clock>,
    queue: Queue<Event>,
    trace: Trace,
    coverage: Coverage,
    oracle: Oracle,
    /// What people do and what breaks.
    fate: Random,
    /// How long things take.
    pace: Random,
    server: Server,
    devices: Vec<Device<'a>>,
    links: BTreeMap<LinkId, Link>,
    next_link: u64,
    events: u64,
    happened: usize,
    is_healing: bool,
    healed_ms: i64,
    /// Backups of devices: whose, and where.
    backups: Vec<(usize, PathBuf)>,
    /// What the devices asked for while all was being healed.
    asked: BTreeMap<(usize, &'static str), u32>,
    /// Whether what the server begins on is older than what it had.
    is_rolled_back: bool,
    /// What each device showed of each ledger when the commits that it holds of it had changed last.
    shown: BTreeMap<(usize, LedgerId), Shown>,
}

impl<'a> World<'a> {
    /// The world of a seed: the first person's first device has an account and a ledger.
    ///
    /// # Errors
    ///
    /// Those of the machine.
    pub fn new(plan: &Plan, folder: &Path, shelf: &'a Shelf) -> Result<Self, Violation> {
        let clock = Arc::new(Clock::default());
        let mut fate = Random::of(plan.seed, "fate");
        let limits = limits(&mut fate);
        let access_seconds = *fate.pick(&[150, 600]);
        let rates = rates(&mut Random::of(plan.seed, "rates"));
        let server = Server::new(folder, plan.seed, limits, rates, access_seconds)?;
        let mut world = Self {
            plan: *plan,
            shelf,
            folder: folder.to_owned(),
            clock,
            queue: Queue::default(),
            trace: Trace::new(plan.echo),
            coverage: Coverage::default(),
            oracle: Oracle::default(),
            fate,
            pace: Random::of(plan.seed, "pace"),
            server,
            devices: Vec::new(),
            links: BTreeMap::new(),
            next_link: 1,
            events: 0,
            happened: 0,
            is_healing: false,
            healed_ms: 0,
            backups: Vec::new(),
            asked: BTreeMap::new(),
            is_rolled_back: false,
            shown: BTreeMap::new(),
        };
        let epoch = world.server.epoch()?.mark();
        world.oracle.server_began(epoch, &[], false)?;
        world.people()?;
        Ok(world)
    }

    /// Lives until everything that is to happen has happened, heals, and looks at everything.
    ///
    /// # Errors
    ///
    /// The first promise that was broken.
    pub fn live(&mut self) -> Result<(), Violation> {
        self.queue.plan(0, Event::Happening);
        while self.happened < self.plan.happenings {
            self.step()?;
        }
        self.check_everything(false)?;
        self.heal()?;
        self.check_everything(true)
    }

    /// What the run came to.
    pub fn report(&self) -> Report {
        let (told, lost) = self.oracle.counts();
        let (digest, healed_ms) = (self.trace.digest(), self.healed_ms);
        Report { coverage: self.coverage.clone(), digest, events: self.events, told, lost, healed_ms }
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The last lines of the course.
    pub fn last_lines(&self) -> Vec<String> {
        self.trace.last()
    }

    fn people(&mut self) -> Result<(), Violation> {
        for person in 0..PEOPLE {
            let device = self.make_device(person, None, None)?;
            let name = ["Home", "Studio", "Alone"][person];
            self.user_call(device, "makes a ledger", |engine, _| {
                engine.create_ledger(name, outlay_core::Currency::EUR).map(drop)
            })?;
        }
        for person in 0..PEOPLE - 1 {
            self.sign_in(person)?;
        }
        Ok(())
    }

    /// A device of a person; with the secret and database of another one, if it is a copy.
    fn make_device(
        &mut self,
        person: usize,
        secret: Option<[u8; 32]>,
        database: Option<&Path>,
    ) -> Result<usize, Violation> {
        let number = self.devices.len();
        let own = Random::of(self.plan.seed, &format!("secret {number}")).bytes();
        let making = Making {
            number,
            person,
            secret: secret.unwrap_or(own),
            folder: &self.folder,
            clock: &self.clock,
            seed: self.plan.seed,
        };
        let device = Device::new(&making, database, self.shelf)?;
        self.say(format_args!("d{number} of p{person} begins"));
        self.devices.push(device);
        Ok(number)
    }

    fn now_ms(&self) -> i64 {
        self.clock.elapsed_ms()
    }

    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        self.trace.say(self.clock.elapsed_ms(), line);
    }

    fn plan_in(&mut self, ms: i64, event: Event) {
        self.queue.plan(self.clock.elapsed_ms() + ms.max(0), event);
    }

    /// The next event, and whether everything still holds after it.
    fn step(&mut self) -> Result<(), Violation> {
        self.next_event()?;
        self.check_changed()
    }

    fn next_event(&mut self) -> Result<(), Violation> {
        let Some((at_ms, event)) = self.queue.take() else {
            return Err(Violation::of_simulator(&"nothing happens any more"));
        };
        self.clock.advance_to(at_ms);
        self.events += 1;
        match event {
            Event::Happening => self.happen(),
            Event::Dial(device) => self.dial(device),
            Event::Connected(link) => self.connected(link),
            Event::Frame(link, Way::Up, frame) => self.frame_up(link, &frame),
            Event::Frame(link, Way::Down, frame) => self.frame_down(link, &frame),
            Event::Ended(link, Way::Up, _) => {
                self.ended_there(link);
                Ok(())
            }
            Event::Ended(link, Way::Down, code) => self.ended_here(link, code),
            Event::Tick(link, Way::Up) => self.server_tick(link),
            Event::Tick(link, Way::Down) => self.device_tick(link),
            Event::Answer(link, ticket, question) => self.answer(link, ticket, *question),
            Event::Tell(link, news) => self.tell(link, news),
            Event::Drained(link) => self.drained(link),
            Event::Renew(link) => self.renew(link),
            Event::Online(device) => {
                self.online(device);
                Ok(())
            }
            Event::Start => self.start_server(),
            Event::SignIn(device) => self.sign_in(device),
            Event::LetThrough(link, way) => {
                self.let_through(link, way);
                Ok(())
            }
        }
    }

    /// A user does something on a device. What the call says must be what is stored.
    fn user_call(
        &mut self,
        at: usize,
        what: &str,
        call: impl FnOnce(&outlay_core::Engine, &mut Random) -> outlay_core::Result<()>,
    ) -> Result<bool, Violation> {
        let device = &mut self.devices[at];
        let done = call(device.engine, &mut self.fate);
        let struck = device.take_struck();
        let new = device.look()?;
        let outcome = match &done {
            Ok(()) => "",
            Err(error) if struck.is_some() && error.kind() == ErrorKind::Internal => ": the store failed",
            Err(error) if is_for_users(error.kind()) => ": refused",
            Err(error) => return Err(Violation::new("no call fails by itself", format!("d{at} {what}: {error:?}"))),
        };
        self.say(format_args!("d{at} {what}{outcome}, {} commits", new.len()));
        self.oracle.user_was_told(at, done.is_ok(), struck.is_some(), &new)?;
        self.after_call(at, struck)?;
        if !new.is_empty() {
            self.local_change(at)?;
        }
        Ok(done.is_ok())
    }
}

/// What a user's call may come to without anything being broken.
fn is_for_users(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Forbidden | ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::TooNew)
}

/// Limits of connections: in some worlds so small that pages are many and a device is soon a slow one.
fn limits(random: &mut Random) -> Limits {
    Limits {
        outbound_bytes_max: *random.pick(&[1_024, 4 * 1_024, 64 * 1_024]),
        page_bytes_max: *random.pick(&[512, 4 * 1_024, 1_024 * 1_024]),
        ..Limits::default()
    }
}

/// How fast devices may push: in some worlds so slowly that they are told to wait.
fn rates(random: &mut Random) -> RateLimits {
    let slow = RateLimits { bytes_per_second: 4 * 1_024, burst_bytes: 16 * 1_024 };
    *random.pick(&[slow, RateLimits::default()])
}
