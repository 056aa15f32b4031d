//! Every figure there is: what it is of, where it is taken, and what it must reach.
//!
//! The list is made before anything is measured, so a figure that nobody took is in the table all the same.

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    AddMean,
    AddSpread,
    AddTail,
    AddSyncs,
    Edit,
    Import,
    Undo,
    TakeIn,
    OpenTime,
    OpenMemory,
    NewestPage,
    AnyPage,
    MonthTotals,
    Search,
    WireTogether,
    WireOneByOne,
    WireProcessEach,
    DiskImported,
    DiskOneByOne,
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
/// A million nanoseconds.
const MILLISECOND: u64 = 1_000_000;
/// Ten million bytes.
const OPEN_BYTES_MAX: u64 = 10 * 1_000 * THOUSAND;

/// The sizes of the ledgers.
pub(crate) const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Changes of the expense that was edited most.
pub(crate) const CHANGES: u64 = 10_000;
/// Commits that are taken in.
pub(crate) const COMMITS: u64 = 100_000;
/// Expenses of a batch.
pub(crate) const BATCH: u64 = 1_000;

impl Figure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AddMean => "add one expense, durable",
            Self::AddSpread => "  its mean, in medians",
            Self::AddTail => "  its 99th percentile",
            Self::AddSyncs => "  its fsyncs",
            Self::Edit => "edit one field, durable",
            Self::Import => "import 100,000 rows, searchable",
            Self::Undo => "  undo that import",
            Self::TakeIn => "take in from another replica",
            Self::OpenTime => "open cold, newest page, month",
            Self::OpenMemory => "  memory of that process",
            Self::NewestPage => "newest page of 50",
            Self::AnyPage => "any page of 50",
            Self::MonthTotals => "one month by category",
            Self::Search => "search, newest 50 of a word",
            Self::WireTogether => "wire, imported together",
            Self::WireOneByOne => "wire, one by one by one process",
            Self::WireProcessEach => "wire, by a process each",
            Self::DiskImported => "disk per expense, imported",
            Self::DiskOneByOne => "disk per expense, one by one",
        }
    }

    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::TakeIn => Unit::Wall,
            Self::Import => Unit::PerSecond,
            Self::AddSpread | Self::AddSyncs => Unit::Thousandths,
            Self::OpenMemory => Unit::Bytes,
            Self::WireTogether | Self::WireOneByOne | Self::WireProcessEach => Unit::Bytes,
            Self::DiskImported | Self::DiskOneByOne => Unit::Bytes,
            _ => Unit::Cpu,
        }
    }
}

/// All lines, in the order in which they are printed.
pub(crate) fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |figure, at, limit| lines.push(Line { figure, at, limit });
    for at in [0].into_iter().chain(SIZES).map(At::Expenses) {
        line(Figure::AddMean, at, Limit::AbovePlain(MILLISECOND / 10));
        line(Figure::AddSpread, at, Limit::AtMost(1_300));
        line(Figure::AddTail, at, Limit::AtMost(MILLISECOND / 2));
        line(Figure::AddSyncs, at, Limit::AtMost(1_000));
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
        line(Figure::OpenMemory, at, Limit::AtMost(OPEN_BYTES_MAX));
    }
    for at in SIZES.map(At::Expenses) {
        for figure in [Figure::NewestPage, Figure::AnyPage, Figure::MonthTotals] {
            line(figure, at, Limit::AtMost(MILLISECOND / 10));
        }
        line(Figure::Search, at, Limit::Information);
    }
    line(Figure::WireTogether, At::Batch(BATCH), Limit::AtMost(75));
    line(Figure::WireOneByOne, At::Batch(BATCH), Limit::AtMost(125));
    line(Figure::WireProcessEach, At::Batch(BATCH), Limit::AtMost(190));
    line(Figure::DiskImported, At::Expenses(100_000), Limit::Information);
    line(Figure::DiskImported, At::Expenses(1_000_000), Limit::AtMost(430));
    line(Figure::DiskOneByOne, At::Expenses(COMMITS), Limit::Information);
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_line_is_there_twice() {
        let lines = lines();
        let distinct: HashSet<_> = lines.iter().map(|line| (line.figure, line.at)).collect();
        assert_eq!(distinct.len(), lines.len());
    }
}
