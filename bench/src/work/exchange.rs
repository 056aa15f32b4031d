//! Taking in what another replica wrote: 100,000 commits, each of one expense and signed by itself.

use std::path::Path;

use outlay_core::{Currency, Engine, LedgerId, Options};

use crate::figure::{At, COMMITS, Figure};
use crate::generate::{Row, Rows};
use crate::ground::{Outcome, disk_bytes};
use crate::meter::{Meter, Spent, median};
use crate::plain::Plain;
use crate::report::{Measured, Report};

/// How often it is taken in, each time into an empty database; the time in the middle counts.
const TIMES: usize = 3;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let (author, ledger, rows) = author()?;
    let commits = author.commits(ledger, &[])?;
    drop(author);
    let (mut cpu, mut wall, mut disk) = (Vec::new(), Vec::new(), 0);
    for time in 0..TIMES {
        let path = folder.join(format!("taken-in-{time}.db"));
        let engine = Engine::open(&path, Options::default())?;
        let meter = Meter::process();
        let taken = engine.take_in(&commits)?;
        let spent = meter.stop();
        if taken.stored != commits.len() as u64 || !taken.refused.is_empty() {
            return Err("not all commits were taken in".into());
        }
        cpu.push(spent.cpu_ns);
        wall.push(spent.wall_ns);
        drop(engine);
        disk = disk_bytes(&path)?.div_ceil(COMMITS);
    }
    let (cpu_ns, wall_ns) = (median(&mut cpu), median(&mut wall));
    let plain_path = folder.join("taken-in-plain.db");
    let plain = into_plain(&plain_path, &rows)?.wall_ns;
    let measured = Measured { value: wall_ns, cpu_ns: Some(cpu_ns), wall_ns: Some(wall_ns), plain: Some(plain) };
    report.put(Figure::TakeIn, At::Commits(COMMITS), measured);
    let plain = Some(disk_bytes(&plain_path)?.div_ceil(COMMITS));
    report.put(Figure::DiskOneByOne, At::Expenses(COMMITS), Measured { value: disk, plain, ..Measured::default() });
    Ok(())
}

/// A replica that has written as many expenses, one by one.
fn author() -> Outcome<(Engine, LedgerId, Vec<Row>)> {
    let engine = Engine::open_in_memory()?;
    let ledger = engine.create_ledger("Home", Currency::EUR)?.id;
    let rows: Vec<Row> = Rows::new(6).take(usize::try_from(COMMITS)?).collect();
    for row in &rows {
        engine.add_expense(ledger, row.expense()?)?;
    }
    Ok((engine, ledger, rows))
}

fn into_plain(path: &Path, rows: &[Row]) -> Outcome<Spent> {
    let mut plain = Plain::open(path)?;
    let meter = Meter::process();
    plain.add_all(rows)?;
    Ok(meter.stop())
}
