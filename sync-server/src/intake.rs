//! Bytes that were taken from whoever has not proved who he is: so many of all connections together.
//!
//! A sync in one request, and a frame of a socket, are in memory before it is known whose they are. Each has a limit of its
//! own, which many connections would still multiply; so what they have sent until then is counted against one that all
//! share. A connection that would need more is ended, and its device tries again as after any other broken one.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;
use crate::node::Node;

/// The bytes that all connections share: a permit for each.
#[derive(Clone)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    bytes: usize,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(bytes)), bytes }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.bytes - self.free.available_permits()
    }
}

/// What one connection has taken of the bytes that all share.
pub(crate) struct Intake {
    room: Room,
    /// `None` while nobody counts.
    taken: Mutex<Option<Taken>>,
}

#[derive(Default)]
struct Taken {
    permits: Option<OwnedSemaphorePermit>,
    is_over: bool,
}

impl Intake {
    pub(crate) fn new(room: Room) -> Arc<Self> {
        Arc::new(Self { room, taken: Mutex::default() })
    }

    /// Counts what comes from now on, until what is returned goes.
    fn count(self: &Arc<Self>) -> Counted {
        *self.lock() = Some(Taken::default());
        Counted(Arc::clone(self))
    }

    /// Says whether so many bytes more may be taken.
    fn take(&self, bytes: usize) -> bool {
        let mut taken = self.lock();
        let Some(taken) = taken.as_mut() else { return true };
        let more =
            u32::try_from(bytes).ok().and_then(|bytes| Arc::clone(&self.room.free).try_acquire_many_owned(bytes).ok());
        let Some(more) = more else {
            taken.is_over = true;
            return false;
        };
        match &mut taken.permits {
            Some(permits) => permits.merge(more),
            none => *none = Some(more),
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a connection are counted for as long as this is there, and are free again then.
pub(crate) struct Counted(Arc<Intake>);

impl Counted {
    /// Whether more has come than there is room for.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|taken| taken.is_over)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// Counts the bytes of the connection on which a request came, its own body among them.
impl FromRequestParts<Arc<Node>> for Counted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, ApiError> {
        let intake = parts.extensions.get::<Arc<Intake>>();
        intake.map(Intake::count).ok_or_else(|| ApiError::internal("a request that came by no connection"))
    }
}

/// A connection whose bytes are counted where somebody wants them to be.
pub(crate) struct Metered<S> {
    stream: S,
    intake: Arc<Intake>,
}

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, intake: Arc<Intake>) -> Self {
        Self { stream, intake }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, to);
        if self.intake.take(to.filled().len() - before) {
            return read;
        }
        to.set_filled(before);
        Poll::Ready(Err(io::Error::other("there is no room for more of those who are not known")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn connection(room: &Room) -> (Metered<&'static [u8]>, Arc<Intake>) {
        let intake = Intake::new(room.clone());
        (Metered::new(&b"0123456789"[..], Arc::clone(&intake)), intake)
    }

    #[tokio::test]
    async fn connections_share_what_may_come_from_strangers_and_give_it_back() {
        let room = Room::new(12);
        let ((mut one, of_one), (mut other, of_other)) = (connection(&room), connection(&room));
        let (counted, also) = (of_one.count(), of_other.count());
        let mut bytes = [0; 10];
        one.read_exact(&mut bytes).await.unwrap();
        assert_eq!(room.taken(), 10);
        assert!(other.read_exact(&mut bytes).await.is_err() && also.is_over() && !counted.is_over());
        drop((counted, also));
        assert_eq!(room.taken(), 0, "all of it is free again");
        let (mut third, _uncounted) = connection(&room);
        third.read_exact(&mut bytes).await.unwrap();
        assert_eq!(room.taken(), 0, "nobody counts who is known");
    }
}
