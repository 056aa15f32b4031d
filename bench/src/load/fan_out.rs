//! Two hundred writes a second in a hundred ledgers, and when each of the other sockets has read them.

use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use outlay_protocol::Place;
use outlay_protocol::message::{Message, Run};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::crowd::{Crowd, Household, LEDGERS, WRITES_PER_SECOND};
use crate::figure::{At, Figure, LIVE_SOCKETS};
use crate::ground::Outcome;
use crate::meter::{median, percentile, permille};
use crate::report::{Measured, Report};
use crate::socket::Socket;

/// How long after the last write everything must have come.
const REST: Duration = Duration::from_secs(20);
/// Between the beginning and the first write.
pub(super) const PREPARATION: Duration = Duration::from_millis(200);

/// A write that was read from a socket, or acknowledged on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When it was due, in nanoseconds from the beginning.
    pub(crate) due_ns: u64,
    /// How long after that it was there.
    pub(crate) latency_ns: u64,
}

/// When the writes of one ledger are due.
#[derive(Clone, Copy)]
pub(super) struct Schedule {
    pub(super) begin: Instant,
    pub(super) household: usize,
}

/// Lets every household write, and returns every reading of every write.
pub(crate) async fn run(crowd: &mut Crowd, seconds: u64, report: &mut Report) -> Outcome<Vec<Sample>> {
    let begin = Instant::now() + PREPARATION;
    let households = crowd.households.iter_mut().enumerate();
    let all = try_join_all(households.map(|(household, members)| live(members, Schedule { begin, household })));
    let end = begin + Duration::from_secs(seconds) + REST;
    let households = timeout_at(end, all).await.map_err(|_| "not every write came to every socket")??;
    let (read, acknowledged): (Vec<_>, Vec<_>) = households.into_iter().unzip();
    let (read, acknowledged) = (read.concat(), acknowledged.concat());
    put(report, &read, &acknowledged);
    Ok(read)
}

/// One household: its first device writes, the others read. What was read, and what was acknowledged.
async fn live(members: &mut Household, schedule: Schedule) -> Outcome<(Vec<Sample>, Vec<Sample>)> {
    let (before, writes) = (members.cursor.at, std::mem::take(&mut members.writes));
    let count = writes.len() as u64;
    let (writer, readers) = members.sockets.split_first_mut().ok_or("a household has no devices")?;
    let reading = try_join_all(readers.iter_mut().map(|socket| read(socket, before, count, schedule)));
    let (acknowledged, read) = try_join(write(writer, writes, schedule), reading).await?;
    let (read, places): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    members.cursor.at = places.into_iter().next().ok_or("a household has nobody who reads")?;
    Ok((read.concat(), acknowledged))
}

async fn write(socket: &mut Socket, writes: Vec<Vec<u8>>, schedule: Schedule) -> Outcome<Vec<Sample>> {
    let mut samples = Vec::with_capacity(writes.len());
    for (number, frame) in (0..).zip(writes) {
        sleep_until(schedule.due(number)).await;
        socket.send(frame).await?;
        loop {
            if let Message::Ack(ack) = socket.message().await? {
                match ack.runs[..] {
                    [Run::Stored { .. }] => break,
                    _ => return Err(format!("the server did not store a write: {:?}", ack.runs).into()),
                }
            }
        }
        samples.push(schedule.sample(number));
    }
    Ok(samples)
}

/// Reads until all writes are there, and says where the log ends then. The `n`th write is the `n`th commit of the log after
/// those before.
async fn read(socket: &mut Socket, before: Place, count: u64, schedule: Schedule) -> Outcome<(Vec<Sample>, Place)> {
    let (mut samples, mut place) = (Vec::new(), before);
    while place.pos < before.pos + count {
        let Message::Commits(commits) = socket.message().await? else { continue };
        let Some((_, to)) = commits.to.filter(|(_, to)| to.pos > place.pos) else { continue };
        samples.extend((place.pos..to.pos).map(|pos| schedule.sample(pos - before.pos)));
        place = to;
    }
    Ok((samples, place))
}

impl Schedule {
    fn due_after(self, number: u64) -> Duration {
        let place = number * LEDGERS as u64 + self.household as u64;
        Duration::from_nanos(place * 1_000_000_000 / WRITES_PER_SECOND as u64)
    }

    pub(super) fn due(self, number: u64) -> Instant {
        self.begin + self.due_after(number)
    }

    /// A write that is there now.
    fn sample(self, number: u64) -> Sample {
        let nanoseconds = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let latency_ns = nanoseconds(Instant::now().saturating_duration_since(self.due(number)));
        Sample { due_ns: nanoseconds(self.due_after(number)), latency_ns }
    }
}

fn put(report: &mut Report, read: &[Sample], acknowledged: &[Sample]) {
    let at = At::Sockets(LIVE_SOCKETS);
    let latencies = |samples: &[Sample]| samples.iter().map(|sample| sample.latency_ns).collect::<Vec<u64>>();
    let (mut read, mut acknowledged) = (latencies(read), latencies(acknowledged));
    let mut put = |figure, value| report.put(figure, at, Measured { value, ..Measured::default() });
    put(Figure::FanOutMedian, median(&mut read));
    put(Figure::FanOutTail, percentile(&mut read, 99));
    put(Figure::FanOutExtreme, permille(&mut read, 999));
    put(Figure::FanOutAck, percentile(&mut acknowledged, 99));
}
