//! `outlay sync`: once, or for as long as it runs.

use std::time::{Duration, Instant};

use outlay_core::sync::SyncReport;

use crate::args::Sync;
use crate::command::watch;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::SyncObject;
use crate::output::{Output, text};

/// What was done is printed either way; it is a failure when something is left.
pub(crate) fn run(args: &Sync, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    if engine.account()?.is_none() {
        return Err(Failure::signed_out());
    }
    engine.set_metered(args.metered);
    let begun = Instant::now();
    let synced = engine.sync_once(Duration::from_secs(args.timeout));
    if args.watch {
        return watch::run(engine, synced.map(|report| (report, begun.elapsed())), out);
    }
    let report = synced?;
    show(&report, begun.elapsed(), out)?;
    judge(&report, out)
}

/// The figures, under the names that scripts read.
pub(crate) fn show(report: &SyncReport, spent: Duration, out: &mut Output) -> Result<(), Failure> {
    let ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    if out.is_json() {
        return out.object(&SyncObject::new(report, ms));
    }
    let SyncReport { pushed, pulled, refused, bytes_up, bytes_down, .. } = report;
    out.line(format!(
        "pushed {pushed}  pulled {pulled}  refused {refused}  bytes_up {bytes_up}  bytes_down {bytes_down}  ms {ms}"
    ))
}

fn judge(report: &SyncReport, out: &mut Output) -> Result<(), Failure> {
    if report.damaged > 0 {
        let damaged = text::counted(report.damaged, "change");
        out.remark(format!("{damaged} from the server were not in order and were left out"));
    }
    let waiting = report.waiting.as_ref().map_or("the time was up", |waiting| &waiting.text);
    if !report.is_complete {
        out.finish()?;
        return Err(Failure::partial("incomplete", format!("not everything is alike here and there yet: {waiting}")));
    }
    if report.refused > 0 {
        out.finish()?;
        let refused = text::counted(report.refused, "change");
        return Err(Failure::partial("refused", format!("the server refused {refused}; `outlay status` says why")));
    }
    if report.files_up > 0 {
        out.remark(format!("{} went up", text::counted(report.files_up, "attached file")));
    }
    if report.files_waiting > 0 {
        out.remark(format!("{} not on the server yet", text::counted(report.files_waiting, "attached file")));
    }
    if let Some(waiting) = &report.waiting {
        out.remark(&waiting.text);
    }
    Ok(())
}
