//! An event stream: server-sent events, written as fast as somebody reads them.
//!
//! It holds one page of events at most and reads on when that is taken; a connection that takes nothing is ended by
//! [`crate::listen`]. Whether whoever reads still may is asked with every page and every heartbeat, and when the hub says
//! that something was taken from him. The hub's word that a log has grown is only a reason to look.

use std::collections::HashMap;
use std::fmt::{Display, Write as _};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use outlay_ledger::LedgerId;
use outlay_protocol::Code;
use tokio::time::Instant;

use super::envelope::{At, Event};
use super::reader::{OwnReader, Reader};
use crate::clock;
use crate::error::{Answer, ApiError};
use crate::node::Node;
use crate::store::Result;
use crate::sync::{Letter, Mailbox};

/// Events that are read at once: some 60 kB.
const PAGE_EVENTS_MAX: usize = 200;
/// How soon a browser connects again, in milliseconds.
const RETRY_MS: u32 = 1_000;
/// How long to wait before looking again at a log of which there is much to fold.
const BUSY_TIME: Duration = Duration::from_millis(200);
/// How long whoever has too many streams should wait, in milliseconds.
const FULL_WAIT_MS: i64 = 10_000;

/// How many streams each account has.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<i64, usize>>);

impl Streams {
    /// Says whether there was room for one more.
    fn enter(&self, aid: i64, max: usize) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(aid).or_insert(0);
        let has_room = *count < max;
        *count += usize::from(has_room);
        has_room
    }

    fn leave(&self, aid: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get_mut(&aid).map(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            all.remove(&aid);
        }
    }

    /// Of all accounts.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// What is listened to, and up to where it was read.
pub(crate) enum Listened {
    /// A ledger.
    Ledger(Reader, At),
    /// An account, up to the event with this number.
    Account(OwnReader, i64),
}

impl Listened {
    /// The account that listens.
    fn aid(&self) -> i64 {
        match self {
            Self::Ledger(reader, _) => reader.aid,
            Self::Account(reader, _) => reader.aid(),
        }
    }

    fn ledger(&self) -> Option<LedgerId> {
        match self {
            Self::Ledger(reader, _) => Some(reader.ledger),
            Self::Account(..) => None,
        }
    }

    /// What comes next, and whether that is all there is.
    async fn read(&mut self, node: &Node) -> Result<std::result::Result<(Vec<Event>, bool), Code>> {
        match self {
            Self::Ledger(reader, after) => Ok(reader.read(node, *after, PAGE_EVENTS_MAX).await?.map(|derived| {
                *after = derived.to;
                (derived.events.into_iter().map(|placed| placed.event).collect(), derived.is_end)
            })),
            Self::Account(reader, after) => {
                let (reader, number) = (*reader, *after);
                let page = node.read(move |connection| reader.read(connection, number, PAGE_EVENTS_MAX)).await?;
                Ok(page.map(|page| {
                    *after = page.to;
                    (page.events, page.is_end)
                }))
            }
        }
    }

    /// Whether whoever listens still may.
    async fn check(&self, node: &Node) -> Result<bool> {
        match *self {
            Self::Ledger(reader, _) => node.read(move |connection| Ok(reader.row(connection)?.is_ok())).await,
            Self::Account(reader, _) => node.read(move |connection| Ok(reader.check(connection)?.is_ok())).await,
        }
    }
}

/// A stream that is read.
struct Stream {
    node: Arc<Node>,
    listened: Listened,
    mailbox: Arc<Mailbox>,
    ends: Instant,
    heartbeat: Duration,
    /// Whether there may be something that was not looked at.
    is_due: bool,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let aid = self.listened.aid();
        self.node.hub.leave_program(aid, self.listened.ledger().as_slice(), &self.mailbox);
        self.node.streams.leave(aid);
    }
}

/// Begins a stream after the place with this id, which ends at `until_ms`, in milliseconds since 1970, or before.
pub(crate) fn open(node: &Arc<Node>, listened: Listened, until_ms: i64, id: impl Display) -> Answer<Response> {
    if !node.streams.enter(listened.aid(), node.limits.account_event_streams_max_count) {
        return Err(ApiError::later(Code::Rate, FULL_WAIT_MS));
    }
    let stream = Stream::begin(node, listened, until_ms);
    // A reader that is cut off before the first event knows where to go on too.
    let greeting = format!("retry: {RETRY_MS}\nid: {id}\n\n");
    let chunks = stream::unfold((stream, Some(greeting)), |(mut stream, greeting)| async move {
        let text = match greeting {
            Some(greeting) => greeting,
            None => stream.next().await?,
        };
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), (stream, None)))
    });
    let mut response = Body::from_stream(chunks).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

impl Stream {
    fn begin(node: &Arc<Node>, listened: Listened, until_ms: i64) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        node.hub.enter_program(listened.aid(), &mailbox);
        listened.ledger().into_iter().for_each(|ledger| node.hub.subscribe(ledger, &mailbox));
        let left_ms = u64::try_from(until_ms - clock::unix_ms()).unwrap_or(0);
        Self {
            node: Arc::clone(node),
            listened,
            mailbox,
            ends: Instant::now() + Duration::from_millis(left_ms),
            heartbeat: Duration::from_secs(u64::from(node.limits.event_heartbeat_seconds)),
            // What has come before it was entered was told to nobody.
            is_due: true,
        }
    }

    /// What is to be written next; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if self.node.is_closing() || Instant::now() >= self.ends {
                return None;
            }
            if self.is_due {
                match self.look().await {
                    Ok(Some(text)) => return Some(text),
                    Ok(None) => continue,
                    Err(()) => return None,
                }
            }
            let wake = tokio::time::timeout_at(self.ends, self.wait(self.heartbeat));
            match wake.await {
                Ok(true) => self.is_due = true,
                Ok(false) if self.may_go_on().await => return Some(":\n\n".to_owned()),
                Ok(false) | Err(_) => return None,
            }
        }
    }

    /// Reads some events. The error ends the stream; why is in the log, if it is the server's fault.
    async fn look(&mut self) -> std::result::Result<Option<String>, ()> {
        let read = self.listened.read(&self.node).await;
        let (events, is_end) = match self.unless_failed(read)? {
            Ok(read) => read,
            Err(Code::Busy) => {
                self.wait(BUSY_TIME).await;
                return Ok(None);
            }
            Err(_) => return Err(()),
        };
        self.is_due = !is_end;
        let text: String = events.iter().map(chunk).collect();
        Ok((!text.is_empty()).then_some(text))
    }

    /// Whether whoever reads still may.
    async fn may_go_on(&self) -> bool {
        let read = self.listened.check(&self.node).await;
        self.unless_failed(read).unwrap_or(false)
    }

    fn unless_failed<T>(&self, read: Result<T>) -> std::result::Result<T, ()> {
        read.map_err(|error| tracing::error!(%error, "an event stream was not read"))
    }

    /// Waits for a letter, and for no longer than this. Says whether there was one.
    async fn wait(&self, time: Duration) -> bool {
        // What letters say is looked at in the database.
        let letters = poll_fn(|context| self.mailbox.poll_take(context));
        tokio::time::timeout(time, letters).await.is_ok_and(|letters: Vec<Letter>| !letters.is_empty())
    }
}

/// An event as browsers read it.
fn chunk(event: &Event) -> String {
    let mut text = String::new();
    // Neither writing to a text nor an object of texts and numbers fails.
    let body = serde_json::to_string(event).unwrap_or_default();
    _ = write!(text, "id: {}\nevent: {}\ndata: {body}\n\n", event.id, event.kind.name());
    text
}
