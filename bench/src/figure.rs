//! Every figure there is: what it is of, where it is taken, and what it must reach.
//!
//! The list is made before anything is measured, so a figure that nobody took is in the table all the same.

use outlay_protocol::message::{FRAME_BYTES_MAX, PUSH_FRAME_BYTES_MAX, PUSHES_IN_FLIGHT_MAX};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    Add,
    AddSpread,
    AddTail,
    AddSyncs,
    AddFirst,
    Edit,
    Import,
    Undo,
    TakeIn,
    OpenTime,
    OpenLoad,
    OpenMemory,
    QuickAdd,
    QuickAddMost,
    QuickAddSeen,
    NewestPage,
    AnyPage,
    MonthTotals,
    Search,
    Insights,
    InsightsAgain,
    WireTogether,
    WireOneByOne,
    WireProcessEach,
    DiskImported,
    DiskOneByOne,
    Live,
    LiveTail,
    LiveUp,
    LiveDown,
    Move,
    MoveBytes,
    FreshUsable,
    FreshAll,
    Backlog,
    BacklogRaw,
    BacklogBytes,
    ReconnectTrips,
    ReconnectBytes,
    ReconnectUpgrade,
    ReconnectEach,
    Ingest,
    ServerIdle,
    ServerSyncing,
    FanOutMedian,
    FanOutTail,
    FanOutExtreme,
    FanOutAck,
    IdleSockets,
    IdleEach,
    ReadMedian,
    ReadTail,
    ReadMeanwhile,
    Logins,
    LoginsShed,
    Deaf,
    StormTime,
    StormLost,
    StormHashes,
    HostileFrame,
    HostileMemory,
    CallAdd,
    CallPage,
    CallLive,
    CallLiveTail,
    CallMemory,
    CallHandles,
}

/// On what it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// A ledger of so many expenses.
    Expenses(u64),
    /// An expense of so many changes.
    Changes(u64),
    /// So many commits.
    Commits(u64),
    /// A batch of so many expenses.
    Batch(u64),
    /// So many expenses of one import.
    Imported(u64),
    /// So many expenses, each made and signed by itself.
    OneByOne(u64),
    /// Two devices that are connected.
    Connected,
    /// A device with so many ledgers.
    Ledgers(u64),
    /// So many sockets.
    Sockets(u64),
    /// So many a second.
    PerSecond(u64),
    /// So many frames.
    Frames(u64),
    /// A server that was just started.
    Started,
    /// Calls from a language.
    Rust,
    Kotlin,
    Swift,
}

/// In what it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds of the processor.
    Cpu,
    /// Nanoseconds of the wall.
    Wall,
    Bytes,
    /// Per second of one core.
    PerSecond,
    /// Per second of the wall.
    Rate,
    Number,
    /// Thousandths of a number.
    Thousandths,
}

/// What it must reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    AtMost(u64),
    AtLeast(u64),
    /// At most this more than plain SQLite took for the same in this run.
    AbovePlain(u64),
    /// At most this more than a fifth above what the same took from Rust in this run.
    AboveRust(u64),
    /// None: it is there to be known.
    Information,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) figure: Figure,
    pub(crate) at: At,
    pub(crate) limit: Limit,
}

const THOUSAND: u64 = 1_000;
const MILLION: u64 = 1_000 * THOUSAND;
/// A million nanoseconds.
const MILLISECOND: u64 = MILLION;
/// Ten million bytes.
const OPEN_BYTES_MAX: u64 = 10 * 1_000 * THOUSAND;

/// What 99 of 100 writes take at most to the sockets that they are fanned out to.
pub(crate) const FAN_OUT_NS_MAX: u64 = 50 * MILLISECOND;
/// 1,048,576 bytes.
const MEBIBYTE: u64 = 1024 * 1024;
/// What a cut connection may cost: as many bytes as may be in flight.
const CUT_BYTES_MAX: u64 = (PUSHES_IN_FLIGHT_MAX * PUSH_FRAME_BYTES_MAX) as u64;
/// 25 MiB to begin with, 20 KiB for each socket, and for each that is deaf 64 KiB and a frame that wait for it. More than
/// that was written for each, so a server that kept it all would have several times as much.
const DEAF_BYTES_MAX: u64 =
    25 * MEBIBYTE + (LIVE_SOCKETS + DEAF_SOCKETS) * 20 * 1_024 + DEAF_SOCKETS * (64 * 1_024 + FRAME_BYTES_MAX as u64);

/// The sizes of the ledgers.
pub(crate) const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Changes of the expense that was edited most.
pub(crate) const CHANGES: u64 = 10_000;
/// Commits that are taken in.
pub(crate) const COMMITS: u64 = 100_000;
/// Expenses of a batch.
pub(crate) const BATCH: u64 = 1_000;
/// Expenses of the ledger whose insights are asked for.
pub(crate) const FOLLOWED: u64 = 100_000;
/// Expenses of the ledger that is synced whole.
pub(crate) const SYNCED: u64 = 100_000;
/// Ledgers of the device that has many.
pub(crate) const LEDGERS: u64 = 11;
/// Records that a server takes in, of imports and signed one by one.
pub(crate) const INGESTED: [At; 2] = [At::Imported(100_000), At::OneByOne(40_000)];
/// Sockets to which writes are fanned out.
pub(crate) const LIVE_SOCKETS: u64 = 1_000;
/// Sockets that are open and still.
pub(crate) const IDLE_SOCKETS: u64 = 10_000;
/// Sockets that are never read, beside those that are.
pub(crate) const DEAF_SOCKETS: u64 = LIVE_SOCKETS / 10;
/// Frames that are as small as can be.
pub(crate) const TINY_FRAMES: u64 = 1_000_000;
/// Expenses of the ledger that is read by HTTP.
pub(crate) const READ: u64 = 100_000;
/// Pages of it that are asked for in a second, and logins.
pub(crate) const READS_PER_SECOND: u64 = 500;
pub(crate) const LOGINS_PER_SECOND: u64 = 100;

impl Figure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Add => "add one expense, durable",
            Self::AddSpread => "  its mean, in medians",
            Self::AddTail => "  its 99th percentile",
            Self::AddSyncs => "  its fsyncs",
            Self::AddFirst => "  the first 500 after opening",
            Self::Edit => "edit one field, durable",
            Self::Import => "import 100,000 rows, searchable",
            Self::Undo => "  undo that import",
            Self::TakeIn => "take in from another replica",
            Self::OpenTime => "open cold, newest page, month",
            Self::OpenLoad => "  loading the program before",
            Self::OpenMemory => "  memory of that process",
            Self::QuickAdd => "a process that adds one, whole",
            Self::QuickAddMost => "  the longest of 21",
            Self::QuickAddSeen => "  seen by the app that is open",
            Self::NewestPage => "newest page of 50",
            Self::AnyPage => "any page of 50",
            Self::MonthTotals => "one month by category",
            Self::Search => "search, newest 50 of a word",
            Self::Insights => "all insights, the first time",
            Self::InsightsAgain => "  after one more expense",
            Self::WireTogether => "wire, imported together",
            Self::WireOneByOne => "wire, one by one by one process",
            Self::WireProcessEach => "wire, by a process each",
            Self::DiskImported => "disk per expense, imported",
            Self::DiskOneByOne => "disk per expense, one by one",
            Self::Live => "one expense to another device",
            Self::LiveTail => "  its 99th percentile",
            Self::LiveUp => "  bytes up, of both devices",
            Self::LiveDown => "  bytes down, of both devices",
            Self::Move => "expenses to another device",
            Self::MoveBytes => "  bytes each on the wire",
            Self::FreshUsable => "fresh device, newest months",
            Self::FreshAll => "  all months",
            Self::Backlog => "long offline, to another device",
            Self::BacklogRaw => "  bytes of its commits",
            Self::BacklogBytes => "  bytes each, cut in the middle",
            Self::ReconnectTrips => "reconnect, round trips",
            Self::ReconnectBytes => "  bytes both ways",
            Self::ReconnectUpgrade => "  bytes of the upgrade before",
            Self::ReconnectEach => "  bytes for each further ledger",
            Self::Ingest => "server takes in records, durable",
            Self::ServerIdle => "server, memory",
            Self::ServerSyncing => "  its greatest while syncing",
            Self::FanOutMedian => "a write to the other sockets",
            Self::FanOutTail => "  its 99th percentile",
            Self::FanOutExtreme => "  its 99.9th percentile",
            Self::FanOutAck => "  99th percentile of its ack",
            Self::IdleSockets => "server, memory",
            Self::IdleEach => "  for each socket",
            Self::ReadMedian => "a page of 50 by HTTP, of 100,000",
            Self::ReadTail => "  its 99th percentile",
            Self::ReadMeanwhile => "  that of pages, in times of before",
            Self::Logins => "logins a second",
            Self::LoginsShed => "  told to come back",
            Self::Deaf => "server, memory, a tenth more deaf",
            Self::StormTime => "killed, back with all sockets",
            Self::StormLost => "  acknowledged and lost",
            Self::StormHashes => "  passwords hashed",
            Self::HostileFrame => "the worst hostile frame",
            Self::HostileMemory => "  memory more for these and tiny ones",
            Self::CallAdd => "add one expense, durable",
            Self::CallPage => "newest page of 50",
            Self::CallLive => "a change, after it is durable",
            Self::CallLiveTail => "  its 99th percentile",
            Self::CallMemory => "memory more",
            Self::CallHandles => "handles more",
        }
    }

    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::TakeIn | Self::Live | Self::LiveTail | Self::Move | Self::FreshUsable | Self::FreshAll => Unit::Wall,
            Self::Backlog | Self::FanOutMedian | Self::FanOutTail | Self::FanOutExtreme | Self::FanOutAck => Unit::Wall,
            Self::QuickAdd | Self::QuickAddMost | Self::QuickAddSeen => Unit::Wall,
            Self::Import => Unit::PerSecond,
            Self::Ingest => Unit::Rate,
            Self::ReadMedian | Self::ReadTail | Self::StormTime => Unit::Wall,
            Self::CallAdd | Self::CallPage | Self::CallLive | Self::CallLiveTail => Unit::Wall,
            Self::CallMemory => Unit::Bytes,
            Self::CallHandles => Unit::Number,
            Self::Logins => Unit::Rate,
            Self::ReconnectTrips | Self::LoginsShed | Self::StormLost | Self::StormHashes => Unit::Number,
            Self::AddSpread | Self::AddSyncs | Self::ReadMeanwhile => Unit::Thousandths,
            Self::Deaf | Self::HostileMemory => Unit::Bytes,
            Self::HostileFrame => Unit::Cpu,
            Self::OpenMemory | Self::ServerIdle | Self::ServerSyncing | Self::IdleSockets => Unit::Bytes,
            Self::WireTogether | Self::WireOneByOne | Self::WireProcessEach => Unit::Bytes,
            Self::DiskImported | Self::DiskOneByOne | Self::IdleEach => Unit::Bytes,
            Self::LiveUp | Self::LiveDown | Self::MoveBytes | Self::BacklogRaw | Self::BacklogBytes => Unit::Bytes,
            Self::ReconnectBytes | Self::ReconnectUpgrade | Self::ReconnectEach => Unit::Bytes,
            Self::Add | Self::AddTail | Self::AddFirst | Self::Edit | Self::Undo | Self::NewestPage => Unit::Cpu,
            Self::OpenTime | Self::OpenLoad => Unit::Cpu,
            Self::AnyPage | Self::MonthTotals | Self::Search => Unit::Cpu,
            Self::Insights | Self::InsightsAgain => Unit::Cpu,
        }
    }
}

/// All lines of `bench`, in the order in which they are printed.
pub(crate) fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |figure, at, limit| lines.push(Line { figure, at, limit });
    for at in [0].into_iter().chain(SIZES).map(At::Expenses) {
        line(Figure::Add, at, Limit::AbovePlain(MILLISECOND / 10));
        line(Figure::AddSpread, at, Limit::AtMost(1_300));
        line(Figure::AddTail, at, Limit::AtMost(MILLISECOND / 2));
        line(Figure::AddSyncs, at, Limit::AtMost(1_000));
        line(Figure::AddFirst, at, Limit::Information);
    }
    for at in SIZES.into_iter().map(At::Expenses).chain([At::Changes(CHANGES)]) {
        line(Figure::Edit, at, Limit::AtMost(350 * THOUSAND));
    }
    for at in [0, 1_000_000].map(At::Expenses) {
        line(Figure::Import, at, Limit::AtLeast(40 * THOUSAND));
    }
    line(Figure::Undo, At::Expenses(1_000_000), Limit::Information);
    line(Figure::TakeIn, At::Commits(COMMITS), Limit::AtMost(3_500 * MILLISECOND));
    for at in SIZES.map(At::Expenses) {
        line(Figure::OpenTime, at, Limit::AtMost(3 * MILLISECOND));
        line(Figure::OpenLoad, at, Limit::Information);
        line(Figure::OpenMemory, at, Limit::AtMost(OPEN_BYTES_MAX));
    }
    for at in SIZES.map(At::Expenses) {
        line(Figure::QuickAdd, at, Limit::AtMost(50 * MILLISECOND));
        line(Figure::QuickAddMost, at, Limit::AtMost(50 * MILLISECOND));
        line(Figure::QuickAddSeen, at, Limit::AtMost(1_000 * MILLISECOND));
    }
    for at in SIZES.map(At::Expenses) {
        for figure in [Figure::NewestPage, Figure::AnyPage, Figure::MonthTotals] {
            line(figure, at, Limit::AtMost(MILLISECOND / 10));
        }
        line(Figure::Search, at, Limit::Information);
    }
    line(Figure::Insights, At::Expenses(FOLLOWED), Limit::AtMost(1_000 * MILLISECOND));
    line(Figure::InsightsAgain, At::Expenses(FOLLOWED), Limit::AtMost(5 * MILLISECOND));
    line(Figure::WireTogether, At::Batch(BATCH), Limit::AtMost(75));
    line(Figure::WireOneByOne, At::Batch(BATCH), Limit::AtMost(125));
    line(Figure::WireProcessEach, At::Batch(BATCH), Limit::AtMost(190));
    line(Figure::DiskImported, At::Expenses(100_000), Limit::Information);
    line(Figure::DiskImported, At::Expenses(1_000_000), Limit::AtMost(430));
    line(Figure::DiskOneByOne, At::Expenses(COMMITS), Limit::Information);
    lines.extend(sync_lines());
    lines
}

/// Those that need a server.
fn sync_lines() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |figure, at, limit| lines.push(Line { figure, at, limit });
    line(Figure::Live, At::Connected, Limit::AtMost(6 * MILLISECOND));
    line(Figure::LiveTail, At::Connected, Limit::Information);
    line(Figure::LiveUp, At::Connected, Limit::AtMost(500));
    line(Figure::LiveDown, At::Connected, Limit::AtMost(500));
    for (at, bytes) in [(At::Imported(BATCH), 75), (At::OneByOne(BATCH), 125)] {
        line(Figure::Move, at, Limit::AtMost(100 * MILLISECOND));
        line(Figure::MoveBytes, at, Limit::AtMost(bytes));
    }
    for at in [At::Imported(SYNCED), At::OneByOne(SYNCED)] {
        line(Figure::FreshUsable, at, Limit::AtMost(300 * MILLISECOND));
        line(Figure::FreshAll, at, Limit::AtMost(4_000 * MILLISECOND));
    }
    line(Figure::Backlog, At::OneByOne(SYNCED), Limit::AtMost(60_000 * MILLISECOND));
    line(Figure::BacklogRaw, At::OneByOne(SYNCED), Limit::AtLeast(20_000 * THOUSAND));
    line(Figure::BacklogBytes, At::OneByOne(SYNCED), Limit::AtMost(125 + CUT_BYTES_MAX.div_ceil(SYNCED)));
    line(Figure::ReconnectTrips, At::Ledgers(LEDGERS), Limit::AtMost(1));
    line(Figure::ReconnectBytes, At::Ledgers(1), Limit::AtMost(900));
    line(Figure::ReconnectUpgrade, At::Ledgers(1), Limit::Information);
    line(Figure::ReconnectEach, At::Ledgers(LEDGERS), Limit::AtMost(60));
    line(Figure::ServerIdle, At::Started, Limit::AtMost(25 * MEBIBYTE));
    line(Figure::ServerSyncing, At::OneByOne(SYNCED), Limit::AtMost(60 * MEBIBYTE));
    lines.extend(ingest_lines());
    lines
}

fn ingest_lines() -> [Line; 2] {
    let limit = Limit::AtLeast(10 * THOUSAND);
    INGESTED.map(|at| Line { figure: Figure::Ingest, at, limit })
}

/// All lines of `load`.
pub(crate) fn load_lines() -> Vec<Line> {
    let (live, idle) = (At::Sockets(LIVE_SOCKETS), At::Sockets(IDLE_SOCKETS));
    let mut lines = ingest_lines().to_vec();
    let mut line = |figure, at, limit| lines.push(Line { figure, at, limit });
    let (reads, logins) = (At::PerSecond(READS_PER_SECOND), At::PerSecond(LOGINS_PER_SECOND));
    line(Figure::HostileFrame, At::Connected, Limit::AtMost(50 * MILLISECOND));
    line(Figure::HostileMemory, At::Frames(TINY_FRAMES), Limit::AtMost(64 * MEBIBYTE));
    line(Figure::ReadMedian, reads, Limit::Information);
    line(Figure::ReadTail, reads, Limit::AtMost(5 * MILLISECOND));
    line(Figure::Logins, logins, Limit::AtLeast(25));
    line(Figure::LoginsShed, logins, Limit::AtLeast(1));
    line(Figure::ReadMeanwhile, logins, Limit::AtMost(3_000));
    line(Figure::FanOutMedian, live, Limit::Information);
    line(Figure::FanOutTail, live, Limit::AtMost(FAN_OUT_NS_MAX));
    line(Figure::FanOutExtreme, live, Limit::Information);
    line(Figure::FanOutAck, live, Limit::Information);
    line(Figure::Deaf, live, Limit::AtMost(DEAF_BYTES_MAX));
    line(Figure::StormTime, live, Limit::Information);
    line(Figure::StormLost, live, Limit::AtMost(0));
    line(Figure::StormHashes, live, Limit::AtMost(0));
    line(Figure::IdleSockets, idle, Limit::AtMost(150 * MEBIBYTE));
    line(Figure::IdleEach, idle, Limit::Information);
    lines
}

/// All lines of `bindings`.
pub(crate) fn bindings_lines() -> Vec<Line> {
    let rust = |figure| Line { figure, at: At::Rust, limit: Limit::Information };
    let mut lines = vec![rust(Figure::CallAdd), rust(Figure::CallMemory)];
    for at in [At::Kotlin, At::Swift] {
        let mut line = |figure, limit| lines.push(Line { figure, at, limit });
        line(Figure::CallAdd, Limit::AboveRust(60 * THOUSAND));
        line(Figure::CallPage, Limit::AtMost(1_500 * THOUSAND));
        line(Figure::CallLive, Limit::AtMost(2 * MILLISECOND));
        line(Figure::CallLiveTail, Limit::Information);
        line(Figure::CallMemory, Limit::AtMost(2 * MILLION));
        line(Figure::CallHandles, Limit::AtMost(0));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_line_is_there_twice() {
        for lines in [lines(), load_lines(), bindings_lines()] {
            let distinct: HashSet<_> = lines.iter().map(|line| (line.figure, line.at)).collect();
            assert_eq!(distinct.len(), lines.len());
        }
    }
}
