//! `outlay import`: a file of a bank, an app or another replica. What it is, is decided by what is in it.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use outlay_core::import::csv::Profile;
use outlay_core::{Engine, ImportOptions, Imported, Progress};

use crate::args::Import;
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::json::ImportedObject;
use crate::output::table::Table;
use crate::output::{Output, text};

/// Bytes of a file: it is held in memory as a whole. Ten million rows of a bank are about this much.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Rejected rows that are shown; `--json` has all.
const REJECTED_SHOWN: usize = 20;

pub(crate) fn run(args: &Import, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let bytes = read(&args.file)?;
    let engine = home.open_or_create(None)?;
    let ledger = match &args.ledger.ledger {
        Some(named) => Some(lookup::some_ledger(&engine, Some(named))?.id),
        None => None,
    };
    let profile = args.profile.as_deref().map(|named| profile(&engine, named)).transpose()?;
    if let Some(name) = &args.save_profile {
        let meaning = profile.clone().map_or_else(|| engine.guess_profile(&bytes), Ok)?;
        engine.save_profile(name, &meaning)?;
    }
    let options = ImportOptions { ledger, profile, dry_run: args.dry_run, copy: args.copy };
    let mut line = ProgressLine::new(out.is_json());
    let imported = engine.import(&bytes, &options, &mut |progress| line.show(&progress));
    line.clear();
    answer(&imported?, args.dry_run, out)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX + 1;
    if path == Path::new("-") {
        io::stdin().take(limit).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= FILE_BYTES_MAX) {
        return Ok(bytes);
    }
    Err(Failure::invalid(format!("{} is larger than 1 GiB; import it in parts", path.display())))
}

/// A profile that was saved, or one in a file.
fn profile(engine: &Engine, named: &str) -> Result<Profile, Failure> {
    if let Some(profile) = engine.profile(named)? {
        return Ok(profile);
    }
    let path = Path::new(named);
    if !path.exists() {
        let saved = engine.profiles()?.join(", ");
        let saved = if saved.is_empty() { "none is saved".to_owned() } else { format!("saved are: {saved}") };
        return Err(Failure::not_found(format!("there is no profile {named:?}; {saved}")));
    }
    let text = fs::read(path).map_err(|error| Failure::file(path, &error))?;
    serde_json::from_slice(&text).map_err(|error| Failure::invalid(format!("{named:?} is no profile: {error}")))
}

/// One line on standard error that is overwritten; only where a person looks at it.
struct ProgressLine {
    is_shown: bool,
    is_written: bool,
}

impl ProgressLine {
    fn new(is_json: bool) -> Self {
        Self { is_shown: !is_json && io::stderr().is_terminal(), is_written: false }
    }

    fn show(&mut self, progress: &Progress) -> ControlFlow<()> {
        if self.is_shown {
            self.is_written = true;
            let mut stderr = io::stderr();
            // A progress line that cannot be written is no reason to stop.
            let percent = progress.bytes_done.saturating_mul(100) / progress.bytes_total.max(1);
            let _ = write!(stderr, "\r{percent} % …\x1b[K");
            let _ = stderr.flush();
        }
        ControlFlow::Continue(())
    }

    fn clear(&self) {
        if self.is_written {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn answer(imported: &Imported, dry_run: bool, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        return out.object(&ImportedObject::new(imported, dry_run));
    }
    let rejected = u64::try_from(imported.rejected.len()).unwrap_or(u64::MAX);
    let counts: Vec<String> = [
        (imported.added, "added"),
        (imported.restored, "restored"),
        (imported.duplicates, "held already"),
        (imported.conflicting, "held with other values"),
        (rejected, "rejected"),
    ]
    .into_iter()
    .filter(|(count, what)| *count > 0 || *what == "added")
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let prefix = if dry_run { "Nothing was changed. It would be: " } else { "" };
    out.line(format!("{prefix}{}", counts.join(", ")))?;
    rejected_rows(imported, out)
}

fn rejected_rows(imported: &Imported, out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new([">LINE", "REJECTED BECAUSE"]);
    for rejected in imported.rejected.iter().take(REJECTED_SHOWN) {
        table.push([rejected.line.to_string(), rejected.reason.clone()]);
    }
    out.table(&table)?;
    let hidden = imported.rejected.len().saturating_sub(REJECTED_SHOWN);
    if hidden > 0 {
        out.line(format!("and {} more; --json lists all", text::counted(u64::try_from(hidden).unwrap_or(0), "row")))?;
    }
    Ok(())
}
