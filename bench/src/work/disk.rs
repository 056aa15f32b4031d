//! Bytes on the disk for each expense, indexes, search and history included, when the database is closed.

use crate::figure::{At, Figure};
use crate::ground::{Ground, Outcome, disk_bytes};
use crate::report::{Measured, Report};

pub(crate) fn run(ground: &Ground, report: &mut Report) -> Outcome<()> {
    // The last connection that closes moves the WAL into the database.
    drop((ground.engine()?, ground.plain()?));
    let each = |bytes: u64| bytes.div_ceil(ground.size.max(1));
    let (engine, plain) = (disk_bytes(ground.path())?, disk_bytes(ground.plain_path())?);
    let measured = Measured { value: each(engine), plain: Some(each(plain)), ..Measured::default() };
    report.put(Figure::DiskImported, At::Expenses(ground.size), measured);
    Ok(())
}
