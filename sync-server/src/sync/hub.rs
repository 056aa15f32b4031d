//! Who is connected, and who wants to know which ledger grows.
//!
//! It holds positions, never commits: a connection reads the log itself, as far and as fast as it can.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlay_ledger::{DeviceKey, LedgerId};

use super::Visitor;
use super::mailbox::{Letter, Mailbox};
use crate::store::Effect;

/// The connections.
#[derive(Default)]
pub struct Hub {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    ledgers: HashMap<LedgerId, Vec<Arc<Mailbox>>>,
    devices: HashMap<DeviceKey, Vec<(i64, Arc<Mailbox>)>>,
    /// Of programs, by the rows of their accounts.
    programs: HashMap<i64, Vec<Arc<Mailbox>>>,
    all: Vec<Arc<Mailbox>>,
}

impl Hub {
    /// Enters a connection.
    pub fn enter(&self, mailbox: &Arc<Mailbox>) {
        self.lock().all.push(Arc::clone(mailbox));
    }

    /// Says who a connection is.
    pub fn identify(&self, visitor: &Visitor, mailbox: &Arc<Mailbox>) {
        let mut inside = self.lock();
        let of_device = inside.devices.entry(visitor.device).or_default();
        if !of_device.iter().any(|(_, known)| Arc::ptr_eq(known, mailbox)) {
            of_device.push((visitor.aid, Arc::clone(mailbox)));
        }
    }

    /// Enters the connection of a program, which is no device and is told only to look again.
    pub fn enter_program(&self, aid: i64, mailbox: &Arc<Mailbox>) {
        self.lock().programs.entry(aid).or_default().push(Arc::clone(mailbox));
    }

    /// Forgets the connection of a program.
    pub fn leave_program(&self, aid: i64, subscribed: &[LedgerId], mailbox: &Arc<Mailbox>) {
        let mut inside = self.lock();
        remove(&mut inside.programs, &aid, |known| Arc::ptr_eq(known, mailbox));
        inside.unsubscribe(subscribed, mailbox);
    }

    /// Tells a connection from now on when a ledger grows.
    pub fn subscribe(&self, ledger: LedgerId, mailbox: &Arc<Mailbox>) {
        let mut inside = self.lock();
        let subscribed = inside.ledgers.entry(ledger).or_default();
        if !subscribed.iter().any(|known| Arc::ptr_eq(known, mailbox)) {
            subscribed.push(Arc::clone(mailbox));
        }
    }

    /// Tells it no longer.
    pub fn unsubscribe(&self, ledger: &LedgerId, mailbox: &Arc<Mailbox>) {
        remove(&mut self.lock().ledgers, ledger, |known| Arc::ptr_eq(known, mailbox));
    }

    /// Forgets a connection.
    pub fn leave(&self, visitor: Option<&Visitor>, subscribed: &[LedgerId], mailbox: &Arc<Mailbox>) {
        let mut inside = self.lock();
        inside.unsubscribe(subscribed, mailbox);
        if let Some(visitor) = visitor {
            remove(&mut inside.devices, &visitor.device, |(_, known)| Arc::ptr_eq(known, mailbox));
        }
        if let Some(at) = inside.all.iter().position(|known| Arc::ptr_eq(known, mailbox)) {
            inside.all.swap_remove(at);
        }
    }

    /// Tells those concerned what has become durable.
    pub fn notice(&self, effects: &[Effect]) {
        let inside = self.lock();
        for effect in effects {
            match effect {
                Effect::Grown { ledger, head } => {
                    let subscribed = inside.ledgers.get(ledger).into_iter().flatten();
                    subscribed.for_each(|mailbox| mailbox.put(Letter::Grown(*ledger, *head)));
                }
                Effect::Access { ledger, lost, gained } => {
                    inside.each(lost).for_each(|mailbox| mailbox.put(Letter::Removed(*ledger)));
                    inside.each(gained).for_each(|mailbox| mailbox.put(Letter::Ledgers));
                    inside.look_at(ledger);
                }
                Effect::Insights { ledger } => inside.look_at(ledger),
                Effect::SignedOut { aid, device } => {
                    let connected = inside.devices.get(device).into_iter().flatten();
                    let signed_out = connected.filter(|(of, _)| of == aid);
                    signed_out.for_each(|(_, mailbox)| mailbox.put(Letter::Revoked));
                    inside.look(*aid);
                }
                Effect::Withdrawn { aid } | Effect::Happened { aid } => inside.look(*aid),
            }
        }
    }

    /// Tells everybody that the server is being stopped.
    pub fn close(&self) {
        let inside = self.lock();
        let all = inside.all.iter().chain(inside.programs.values().flatten());
        all.for_each(|mailbox| mailbox.put(Letter::Closing));
    }

    /// How many devices are connected, and how many ledgers they wait on.
    pub fn counts(&self) -> (usize, usize) {
        let inside = self.lock();
        (inside.all.len(), inside.ledgers.len())
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn each<'a>(&'a self, devices: &'a [DeviceKey]) -> impl Iterator<Item = &'a Arc<Mailbox>> {
        devices.iter().filter_map(|device| self.devices.get(device)).flatten().map(|(_, mailbox)| mailbox)
    }

    fn unsubscribe(&mut self, subscribed: &[LedgerId], mailbox: &Arc<Mailbox>) {
        for ledger in subscribed {
            remove(&mut self.ledgers, ledger, |known| Arc::ptr_eq(known, mailbox));
        }
    }

    fn look_at(&self, ledger: &LedgerId) {
        let subscribed = self.ledgers.get(ledger).into_iter().flatten();
        subscribed.for_each(|mailbox| mailbox.put(Letter::Look));
    }

    fn look(&self, aid: i64) {
        self.programs.get(&aid).into_iter().flatten().for_each(|mailbox| mailbox.put(Letter::Look));
    }
}

fn remove<K: Eq + Hash, V>(lists: &mut HashMap<K, Vec<V>>, key: &K, is_it: impl Fn(&V) -> bool) {
    if let Some(list) = lists.get_mut(key) {
        list.retain(|value| !is_it(value));
        if list.is_empty() {
            lists.remove(key);
        }
    }
}
