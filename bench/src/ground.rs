//! Where it is measured: a folder with a database of the engine and a plain one for each size, made of the same rows.

use std::fs::File;
use std::path::{Path, PathBuf};

use outlay_core::{Currency, Engine, ImportRow, LedgerId, Options};
use rustix::fs::Advice;

use crate::generate::{Row, Rows};
use crate::meter::{Meter, Spent};
use crate::plain::Plain;

/// Whatever kept something from being measured.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Rows of one import.
pub(crate) const IMPORT_ROWS: usize = 100_000;

/// The databases of one size.
pub(crate) struct Ground {
    path: PathBuf,
    plain: PathBuf,
    pub(crate) ledger: LedgerId,
    pub(crate) size: u64,
    rows: Rows,
}

/// What the first import into an empty ledger took.
pub(crate) struct Built {
    pub(crate) engine: Spent,
    pub(crate) plain: Spent,
}

impl Ground {
    /// Makes both databases by imports of at most [`IMPORT_ROWS`] rows each.
    pub(crate) fn build(folder: &Path, size: u64) -> Outcome<(Self, Built)> {
        let (path, plain_path) = (folder.join(format!("outlay-{size}.db")), folder.join(format!("plain-{size}.db")));
        let (engine, mut plain) = (Engine::open(&path, Options::default())?, Plain::open(&plain_path)?);
        let ledger = engine.create_ledger("Home", Currency::EUR)?.id;
        let mut ground = Self { path, plain: plain_path, ledger, size, rows: Rows::new(size) };
        let mut first = None;
        let mut left = usize::try_from(size)?;
        while left > 0 {
            let rows = ground.file(left.min(IMPORT_ROWS));
            let built =
                Built { engine: ground.import(&engine, &rows)?, plain: ground.import_plain(&mut plain, &rows)? };
            first.get_or_insert(built);
            left -= rows.len();
        }
        let nothing = || Built { engine: Spent::default(), plain: Spent::default() };
        Ok((ground, first.unwrap_or_else(nothing)))
    }

    pub(crate) fn engine(&self) -> Outcome<Engine> {
        Ok(Engine::open(&self.path, Options::default())?)
    }

    pub(crate) fn plain(&self) -> Outcome<Plain> {
        Ok(Plain::open(&self.plain)?)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn plain_path(&self) -> &Path {
        &self.plain
    }

    /// Rows that were not there before.
    pub(crate) fn file(&mut self, count: usize) -> Vec<Row> {
        self.rows.file(count)
    }

    /// Rows that were not there before, in no order.
    pub(crate) fn more(&mut self, count: usize) -> Vec<Row> {
        self.rows.by_ref().take(count).collect()
    }

    /// Imports rows, which are searchable when this returns.
    pub(crate) fn import(&self, engine: &Engine, rows: &[Row]) -> Outcome<Spent> {
        let parsed = rows.iter().map(Row::import).collect::<outlay_core::Result<Vec<ImportRow>>>()?;
        let meter = Meter::process();
        let imported = engine.import_rows(self.ledger, parsed)?;
        let spent = meter.stop();
        if imported.added == rows.len() as u64 { Ok(spent) } else { Err("not all rows were imported".into()) }
    }

    /// Puts the same rows into the plain table.
    pub(crate) fn import_plain(&self, plain: &mut Plain, rows: &[Row]) -> Outcome<Spent> {
        let meter = Meter::process();
        plain.add_all(rows)?;
        Ok(meter.stop())
    }
}

/// Bytes of a database and of all that lies beside it.
pub(crate) fn disk_bytes(path: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for part in parts(path).filter(|part| part.exists()) {
        bytes += part.metadata()?.len();
    }
    Ok(bytes)
}

/// Asks the kernel to drop a database from the page cache. It does so with pages that are written and mapped by nobody,
/// so no engine may have the database open.
pub(crate) fn drop_from_page_cache(path: &Path) -> Outcome<()> {
    for part in parts(path).filter(|part| part.exists()) {
        let file = File::open(part)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

fn parts(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm"].into_iter().map(move |suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// The number after a name in a file of `/proc`.
pub(crate) fn number_after(path: &str, name: &str) -> Outcome<u64> {
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or_else(|| format!("{path} has no {name}"))?;
    Ok(number.parse()?)
}
