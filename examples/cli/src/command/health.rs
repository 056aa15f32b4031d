//! `outlay backup` and `doctor`.

use std::fs;

use outlay_core::Diagnosis;
use serde_json::json;

use crate::args::Backup;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::DiagnosisObject;
use crate::output::table::Table;
use crate::output::{Output, text};

pub(crate) fn backup(args: &Backup, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    if args.file.exists() {
        return Err(Failure::invalid(format!("{} is there already; a backup overwrites nothing", args.file.display())));
    }
    engine.backup(&args.file)?;
    let bytes = fs::metadata(&args.file).map_err(|error| Failure::file(&args.file, &error))?.len();
    if out.is_json() {
        return out.object(&json!({"file": args.file.display().to_string(), "bytes": bytes}));
    }
    out.line(format!("Wrote {} ({})", args.file.display(), text::counted(bytes, "byte")))
}

/// Prints what was found either way, and fails when something is wrong.
pub(crate) fn doctor(home: &Home, out: &mut Output) -> Result<(), Failure> {
    let diagnosis = home.open()?.doctor()?;
    if out.is_json() {
        out.object(&DiagnosisObject::from(&diagnosis))?;
    } else {
        show(&diagnosis, out)?;
    }
    if diagnosis.is_ok() {
        return Ok(());
    }
    out.finish()?;
    let count = u64::try_from(diagnosis.problems.len()).unwrap_or(u64::MAX);
    Err(Failure::corrupt(format!("doctor found {}", text::counted(count, "problem"))))
}

fn show(diagnosis: &Diagnosis, out: &mut Output) -> Result<(), Failure> {
    let mut checked = Table::new(["CHECKED", ">COUNT"]);
    diagnosis.checked.iter().for_each(|(what, count)| checked.push([what.clone(), count.to_string()]));
    out.table(&checked)?;
    let mut not_applied = Table::new(["KEPT AND NOT APPLIED", ">COUNT"]);
    diagnosis.not_applied.iter().for_each(|(why, count)| not_applied.push([why.clone(), count.to_string()]));
    out.table(&not_applied)?;
    diagnosis.problems.iter().try_for_each(|problem| out.line(format!("Problem: {problem}")))?;
    if diagnosis.is_ok() { out.line("ok") } else { Ok(()) }
}
