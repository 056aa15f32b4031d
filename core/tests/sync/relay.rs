//! A way to a server that counts what goes through it, and breaks or is held when that was as much as it may be.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use outlay_core::sync::ServerAddress;

pub(super) struct Relay {
    pub(super) address: ServerAddress,
    pub(super) port: u16,
    ways: Arc<[Way; 2]>,
}

/// One direction.
#[derive(Default)]
struct Way {
    moved: AtomicU64,
    left: AtomicI64,
    /// Whether the connection that has used up what was left is held, and not broken. Others go on.
    holds: AtomicBool,
    is_held: Mutex<bool>,
    let_go: Condvar,
}

pub(super) const UP: usize = 0;
pub(super) const DOWN: usize = 1;

impl Relay {
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let address = ServerAddress::parse(&format!("http://127.0.0.1:{own}")).unwrap();
        let way = || Way { left: AtomicI64::new(i64::MAX), ..Way::default() };
        let ways = Arc::new([way(), way()]);
        let all = Arc::clone(&ways);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
                for (way, from, to) in [(UP, &near, &far), (DOWN, &far, &near)] {
                    let (from, to, all) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(&all));
                    std::thread::spawn(move || all[way].carry(from, to));
                }
            }
        });
        Self { address, port: own, ways }
    }

    /// Lets so many bytes more through in a direction, and then breaks.
    pub(super) fn allow(&self, way: usize, bytes: usize) {
        self.ways[way].left.store(i64::try_from(bytes).unwrap(), Ordering::SeqCst);
    }

    /// Lets so many bytes more through in a direction, and then holds the connection that has more.
    pub(super) fn hold(&self, way: usize, bytes: usize) {
        self.ways[way].holds.store(true, Ordering::SeqCst);
        self.allow(way, bytes);
    }

    pub(super) fn is_held(&self, way: usize) -> bool {
        *self.ways[way].is_held.lock().unwrap()
    }

    pub(super) fn mend(&self) {
        for way in self.ways.iter() {
            way.left.store(i64::MAX, Ordering::SeqCst);
            way.holds.store(false, Ordering::SeqCst);
            *way.is_held.lock().unwrap() = false;
            way.let_go.notify_all();
        }
    }

    pub(super) fn moved(&self, way: usize) -> usize {
        usize::try_from(self.ways[way].moved.load(Ordering::SeqCst)).unwrap()
    }
}

impl Way {
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(length) = from.read(&mut bytes) {
            let left = self.left.fetch_sub(i64::try_from(length).unwrap(), Ordering::SeqCst);
            let is_over = left < i64::try_from(length).unwrap();
            let holds = self.holds.load(Ordering::SeqCst);
            if length == 0 || (is_over && !holds) {
                break;
            }
            if is_over && left >= 0 {
                self.wait();
            }
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
            self.moved.fetch_add(length as u64, Ordering::SeqCst);
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    fn wait(&self) {
        let mut is_held = self.is_held.lock().unwrap();
        *is_held = true;
        while *is_held {
            is_held = self.let_go.wait(is_held).unwrap();
        }
    }
}
