//! The server and its connections: what its sockets do around a session.

use outlay_core::LedgerId;
use outlay_protocol::Code;
use outlay_protocol::session::{Answer, Question, ServerInput, ServerOutput, Ticket};
use outlay_server::store::Effect;

use super::connection::TICK_MS;
use super::{Event, World};
use crate::Violation;
use crate::coverage::Mark;
use crate::oracle::Moment;
use crate::server::{Called, News, failed};
use crate::wire::{LinkId, Way};

/// The longest that the store takes for a question.
const ANSWER_MS_MAX: i64 = 8;

impl World<'_> {
    /// A frame reaches the server.
    pub(super) fn frame_up(&mut self, id: LinkId, frame: &[u8]) -> Result<(), Violation> {
        if !self.server.lines.contains_key(&id) {
            return Ok(());
        }
        self.oracle.frame_up(id, frame, &mut self.coverage);
        self.serve(id, ServerInput::Frame(frame))
    }

    /// Goes on with a session of the server.
    fn serve(&mut self, id: LinkId, input: ServerInput<'_>) -> Result<(), Violation> {
        let now_ms = self.now_ms();
        let Some(served) = self.server.lines.get_mut(&id) else { return Ok(()) };
        for output in served.session.step(now_ms, input) {
            match output {
                ServerOutput::Send(frame) => self.send_down(id, &frame)?,
                ServerOutput::Ask(ticket, question) => self.plan_answer(id, ticket, question),
                ServerOutput::Subscribe(ledger) => self.subscribe(id, ledger),
                ServerOutput::Unsubscribe(ledger) => {
                    if let Some(served) = self.server.lines.get_mut(&id) {
                        served.subscribed.remove(&ledger);
                    }
                }
                ServerOutput::Close(code) => {
                    self.close(id, code);
                    break;
                }
            }
        }
        Ok(())
    }

    fn send_down(&mut self, id: LinkId, frame: &[u8]) -> Result<(), Violation> {
        let Some(link) = self.links.get(&id) else { return Ok(()) };
        let is_taken = !link.down.is_withheld();
        let (number, device) = (link.device, self.devices[link.device].key);
        let visitor = self.server.lines.get(&id).and_then(|served| served.visitor);
        let aid = visitor.map(|visitor| visitor.aid);
        let moment = Moment { link: id, number, device, aid, now_ms: self.clock.elapsed_ms() };
        self.oracle.frame_down(moment, frame, &mut self.server, &mut self.coverage)?;
        self.send(id, Way::Down, frame);
        let Some(served) = self.server.lines.get_mut(&id) else { return Ok(()) };
        served.outbound_bytes += frame.len();
        if is_taken && !std::mem::replace(&mut served.is_draining, true) {
            let pause_ms = self.pace.between(0, 20);
            self.plan_in(pause_ms, Event::Drained(id));
        }
        Ok(())
    }

    /// The transport has taken everything that was sent.
    pub(super) fn drained(&mut self, id: LinkId) -> Result<(), Violation> {
        let is_withheld = self.links.get(&id).is_none_or(|link| link.down.is_withheld());
        let outbound_bytes_max = self.server.limits.outbound_bytes_max;
        let Some(served) = self.server.lines.get_mut(&id) else { return Ok(()) };
        served.is_draining = false;
        if is_withheld {
            return Ok(());
        }
        if std::mem::take(&mut served.outbound_bytes) > outbound_bytes_max {
            self.coverage.hit(Mark::SlowConsumer);
        }
        self.serve(id, ServerInput::Drained)
    }

    /// Reads may be answered in any order, appends of one connection in theirs.
    fn plan_answer(&mut self, id: LinkId, ticket: Ticket, question: Question) {
        let mut at_ms = self.now_ms() + self.pace.between(0, ANSWER_MS_MAX);
        if let (Question::Append { .. }, Some(served)) = (&question, self.server.lines.get_mut(&id)) {
            at_ms = at_ms.max(served.appended_ms);
            served.appended_ms = at_ms;
        }
        self.queue.plan(at_ms, Event::Answer(id, ticket, Box::new(question)));
    }

    /// The server's store gets to a question.
    pub(super) fn answer(&mut self, id: LinkId, ticket: Ticket, question: Question) -> Result<(), Violation> {
        let Some(served) = self.server.lines.get(&id) else { return Ok(()) };
        let visitor = served.visitor;
        let answered = match self.server.answer(self.clock.now_ms(), visitor, question)? {
            Called::Done(answered) => answered,
            Called::Failed => {
                self.say(format_args!("the server's store fails, {}", id.0));
                self.coverage.hit(Mark::ServerFault);
                failed()
            }
            Called::Died => {
                self.server_died();
                return Ok(());
            }
        };
        if matches!(answered.answer, Answer::Refused(Code::Rate, _)) {
            self.coverage.hit(Mark::RateRefused);
        }
        let new = self.server.new_commits()?;
        self.oracle.server_grew(&new)?;
        if let Some(served) = self.server.lines.get_mut(&id) {
            served.visitor = answered.visitor.or(visitor);
        }
        let granted = answered.granted;
        self.serve(id, ServerInput::Answer(ticket, answered.answer))?;
        if let (Some(ledger), Some(served)) = (granted, self.server.lines.get_mut(&id))
            && served.granted.insert(ledger)
            && served.subscribed.contains(&ledger)
        {
            self.subscribe(id, ledger);
        }
        self.pass_on_effects()
    }

    /// What the log has grown by since the answer to OPEN was told to nobody: it is looked at once more.
    fn subscribe(&mut self, id: LinkId, ledger: LedgerId) {
        let Some(served) = self.server.lines.get_mut(&id) else { return };
        served.subscribed.insert(ledger);
        let head = self.oracle.books.end(ledger);
        self.plan_in(1, Event::Tell(id, News::Grown(ledger, head)));
    }

    /// Tells the connections concerned what was stored.
    pub(super) fn pass_on_effects(&mut self) -> Result<(), Violation> {
        let new = self.server.new_commits()?;
        self.oracle.server_grew(&new)?;
        for effect in self.server.take_effects() {
            let now_ms = self.clock.elapsed_ms();
            if let Effect::Access { ledger, lost, .. } = &effect {
                lost.iter().for_each(|device| self.oracle.access_lost(*device, *ledger, now_ms));
            }
            for (id, news) in self.concerned(&effect) {
                let pause_ms = self.pace.between(0, ANSWER_MS_MAX);
                self.plan_in(pause_ms, Event::Tell(id, news));
            }
        }
        Ok(())
    }

    fn concerned(&self, effect: &Effect) -> Vec<(LinkId, News)> {
        let lines = self.server.lines.iter();
        let news = lines.filter_map(|(id, served)| {
            let visitor = served.visitor;
            let is_one_of = |devices: &[outlay_core::DeviceKey]| visitor.is_some_and(|v| devices.contains(&v.device));
            let news = match effect {
                Effect::Grown { ledger, head } if served.subscribed.contains(ledger) => News::Grown(*ledger, *head),
                Effect::Access { ledger, lost, .. } if is_one_of(lost) => News::Removed(*ledger),
                Effect::Access { gained, .. } if is_one_of(gained) => News::Ledgers,
                Effect::SignedOut { aid, device }
                    if visitor.is_some_and(|visitor| (visitor.aid, visitor.device) == (*aid, *device)) =>
                {
                    News::Revoked
                }
                _ => return None,
            };
            Some((*id, news))
        });
        news.collect()
    }

    /// A connection is told of something.
    pub(super) fn tell(&mut self, id: LinkId, news: News) -> Result<(), Violation> {
        let Some(served) = self.server.lines.get_mut(&id) else { return Ok(()) };
        match news {
            News::Grown(ledger, _) if !served.granted.contains(&ledger) => Ok(()),
            News::Grown(ledger, head) => self.serve(id, ServerInput::Grown { ledger, head }),
            News::Removed(ledger) => {
                served.granted.remove(&ledger);
                self.coverage.hit(Mark::Removed);
                self.serve(id, ServerInput::Removed { ledger })
            }
            News::Ledgers => {
                let Some(visitor) = served.visitor else { return Ok(()) };
                let ledgers = self.server.ledgers_of(visitor)?;
                for ledger in &ledgers {
                    let served = self.server.lines.get_mut(&id);
                    if served.is_some_and(|s| s.subscribed.contains(ledger) && s.granted.insert(*ledger)) {
                        self.subscribe(id, *ledger);
                    }
                }
                self.serve(id, ServerInput::Ledgers(ledgers))
            }
            News::Revoked => {
                self.coverage.hit(Mark::SignedOut);
                self.serve(id, ServerInput::Revoked)
            }
        }
    }

    fn close(&mut self, id: LinkId, code: Code) {
        self.server.lines.remove(&id);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.is_open_there = false;
        let at_ms = link.down.last_ms().max(self.clock.elapsed_ms()) + 1;
        self.queue.plan(at_ms, Event::Ended(id, Way::Down, Some(code)));
    }

    /// The server hears that a connection has ended.
    pub(super) fn ended_there(&mut self, id: LinkId) {
        self.server.lines.remove(&id);
        if let Some(link) = self.links.get_mut(&id) {
            link.is_open_there = false;
        }
    }

    /// A second has passed at the server.
    pub(super) fn server_tick(&mut self, id: LinkId) -> Result<(), Violation> {
        if !self.server.lines.contains_key(&id) {
            return Ok(());
        }
        self.plan_in(TICK_MS, Event::Tick(id, Way::Up));
        self.serve(id, ServerInput::Tick)
    }

    /// The server's process has died at a call of its store.
    pub(super) fn server_died(&mut self) {
        self.say(format_args!("the server dies in its store"));
        self.coverage.hit(Mark::ServerCrash);
        self.server_is_down();
    }

    /// No connection of the server is left, and it starts again after a while.
    pub(super) fn server_is_down(&mut self) {
        let open: Vec<LinkId> = self.links.values().filter(|link| link.is_open_there).map(|link| link.id).collect();
        for id in open {
            if let Some(link) = self.links.get_mut(&id) {
                link.is_open_there = false;
            }
            let pause_ms = self.pace.between(0, 200);
            self.plan_in(pause_ms, Event::Ended(id, Way::Down, None));
        }
        let pause_ms = self.pace.between(300, 6_000);
        self.plan_in(pause_ms, Event::Start);
    }

    /// The server starts. Its logs are as they were, unless it was restored.
    pub(super) fn start_server(&mut self) -> Result<(), Violation> {
        if self.server.is_up() {
            return Ok(());
        }
        let log = self.server.start()?;
        let (epoch, is_rolled_back) = (self.server.epoch()?.mark(), std::mem::take(&mut self.is_rolled_back));
        self.say(format_args!("the server starts with {} commits", log.len()));
        self.oracle.server_began(epoch, &log, is_rolled_back)?;
        if is_rolled_back {
            self.oracle.state_was_lost(&self.devices);
        }
        Ok(())
    }
}
