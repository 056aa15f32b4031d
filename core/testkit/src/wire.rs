//! What lies between a device and the server: a connection, whose frames arrive in the order in which they were sent unless
//! something is done to them.

use std::collections::VecDeque;

use crate::random::Random;

/// A connection, numbered in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the device.
    Down,
}

/// What is done to the frames of one direction.
#[derive(Debug, Default)]
pub struct Lane {
    /// When the last frame that is under way arrives: the next one does not come before it.
    last_ms: i64,
    /// Frames that do not get through for now, and arrive when they do.
    withheld: Option<VecDeque<Vec<u8>>>,
    /// The next frame overtakes the one before it.
    overtakes: bool,
    /// The next frame arrives twice.
    repeats: bool,
}

/// A frame that was sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// It arrives at these moments.
    Arrives(Vec<i64>),
    /// It is withheld for now.
    Withheld,
}

/// One connection.
#[derive(Debug)]
pub struct Link {
    /// Its number.
    pub id: LinkId,
    /// Which device.
    pub device: usize,
    /// The server's bytes for it.
    pub nonce: [u8; 16],
    /// Towards the server.
    pub up: Lane,
    /// Towards the device.
    pub down: Lane,
    /// Whether the device reads what comes. What it does not read fills the server's side.
    pub is_read: bool,
    /// Whether the device knows it as its own.
    pub is_open_here: bool,
    /// Whether the server knows it.
    pub is_open_there: bool,
    latency_ms: i64,
}

impl Link {
    /// A connection with a latency of its own.
    pub fn new(id: LinkId, device: usize, nonce: [u8; 16], latency_ms: i64) -> Self {
        let (up, down) = (Lane::default(), Lane::default());
        Self { id, device, nonce, up, down, is_read: true, is_open_here: true, is_open_there: true, latency_ms }
    }

    /// The frames of one direction.
    pub fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Whether frames do not get through in either direction.
    pub fn is_withheld(&self) -> bool {
        self.up.withheld.is_some() || self.down.withheld.is_some()
    }

    /// Sends a frame at a moment.
    pub fn send(&mut self, way: Way, frame: &[u8], now_ms: i64, random: &mut Random) -> Sent {
        let latency_ms = self.latency_ms;
        let lane = self.lane(way);
        if let Some(withheld) = &mut lane.withheld {
            withheld.push_back(frame.to_vec());
            return Sent::Withheld;
        }
        let before_ms = lane.last_ms;
        let mut at_ms = (now_ms + latency_ms + random.between(0, latency_ms / 2)).max(before_ms);
        if std::mem::take(&mut lane.overtakes) && before_ms > now_ms {
            at_ms = before_ms - 1;
        }
        lane.last_ms = at_ms.max(before_ms);
        let mut at = vec![at_ms];
        if std::mem::take(&mut lane.repeats) {
            at.push(lane.last_ms);
        }
        Sent::Arrives(at)
    }
}

impl Lane {
    /// When the last frame that is under way arrives.
    pub fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// Whether frames do not get through for now.
    pub fn is_withheld(&self) -> bool {
        self.withheld.is_some()
    }

    /// Lets nothing through from now on.
    pub fn withhold(&mut self) {
        self.withheld.get_or_insert_default();
    }

    /// Lets everything through again: what was withheld, in its order.
    pub fn let_through(&mut self) -> Vec<Vec<u8>> {
        self.withheld.take().map(Vec::from).unwrap_or_default()
    }

    /// Has the next frame overtake the one before it, if that is still under way.
    pub fn overtake(&mut self) {
        self.overtakes = true;
    }

    /// Has the next frame arrive twice.
    pub fn repeat(&mut self) {
        self.repeats = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(sent: Sent) -> Vec<i64> {
        match sent {
            Sent::Arrives(at) => at,
            Sent::Withheld => panic!("it is under way"),
        }
    }

    #[test]
    fn frames_keep_their_order_unless_one_overtakes_and_each_arrives_once_unless_it_repeats() {
        let (mut link, mut random) = (Link::new(LinkId(1), 0, [0; 16], 40), Random::new(3));
        let mut last = 0;
        for now_ms in 0..50 {
            let at = arrivals(link.send(Way::Up, b"x", now_ms, &mut random));
            assert!(at.len() == 1 && at[0] >= last, "{at:?}");
            last = at[0];
        }
        link.up.overtake();
        assert!(arrivals(link.send(Way::Up, b"x", 50, &mut random))[0] < last);
        link.up.repeat();
        assert_eq!(arrivals(link.send(Way::Up, b"x", 50, &mut random)).len(), 2);
    }

    #[test]
    fn what_is_withheld_arrives_later_in_its_order() {
        let (mut link, mut random) = (Link::new(LinkId(1), 0, [0; 16], 40), Random::new(3));
        link.down.withhold();
        assert_eq!(link.send(Way::Down, b"a", 0, &mut random), Sent::Withheld);
        assert_eq!(link.send(Way::Down, b"b", 0, &mut random), Sent::Withheld);
        assert_eq!(link.down.let_through(), [b"a".to_vec(), b"b".to_vec()]);
        assert!(matches!(link.send(Way::Down, b"c", 0, &mut random), Sent::Arrives(_)));
    }
}
