//! The event bus: carries what has become durable from the store to whoever wants to know.
//!
//! An [`Effect`] is a reason to look, and nothing is lost with one that is not heard: whoever listens reads the database. The
//! exception is [`crate::session_cache`], which may go on as before until it is told. So what was taken from somebody is
//! carried before whoever took it is answered, and all else after, when nobody waits any more.

use crate::store::Effect;

/// Who is told. He does not wait for anything.
pub type Listener = Box<dyn Fn(&[Effect]) + Send + Sync>;

/// Carries effects.
pub trait EventBus: Send + Sync {
    /// Tells every listener, in the order in which a thread publishes. Those of this process have been told when this returns.
    fn publish(&self, effects: &[Effect]);

    /// Publishes the effects of a transaction around the answers to those who asked for it.
    fn publish_around(&self, effects: Vec<Effect>, answer: impl FnOnce())
    where
        Self: Sized,
    {
        let (withdrawing, others): (Vec<_>, Vec<_>) = effects.into_iter().partition(Effect::is_withdrawal);
        self.publish(&withdrawing);
        answer();
        self.publish(&others);
    }
}

/// The bus of one process.
pub struct LocalBus {
    listeners: Vec<Listener>,
}

impl LocalBus {
    /// With those who are told, one after the other.
    pub fn new(listeners: Vec<Listener>) -> Self {
        Self { listeners }
    }
}

impl EventBus for LocalBus {
    fn publish(&self, effects: &[Effect]) {
        if !effects.is_empty() {
            self.listeners.iter().for_each(|listener| listener(effects));
        }
    }
}
