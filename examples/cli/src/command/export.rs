//! `outlay export`: a ledger as JSON Lines or CSV, to standard output or into a file that is whole or not there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use outlay_core::{Engine, Ledger};
use serde_json::json;

use crate::args::{Export, Format};
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::{Output, text};

pub(crate) fn run(args: &Export, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let ledger = lookup::some_ledger(&engine, args.ledger.ledger.as_deref())?;
    let Some(path) = &args.output else {
        return write(&engine, &ledger, args.format, out.bytes()).map(|_| ());
    };
    let count = to_file(path, |to| write(&engine, &ledger, args.format, to))?;
    if out.is_json() {
        let file = path.display().to_string();
        return out.object(&json!({"ledger": ledger.id.to_string(), "exported": count, "file": file}));
    }
    out.line(format!("Wrote {} to {}", text::counted(count, "entry"), path.display()))
}

fn write(engine: &Engine, ledger: &Ledger, format: Format, to: &mut impl Write) -> Result<u64, Failure> {
    let mut to = Watched { to, closed: false };
    let written = match format {
        Format::Jsonl => engine.export_jsonl(ledger.id, &mut to),
        Format::Csv => engine.export_csv(ledger.id, &mut to),
    };
    if to.closed {
        return Err(Failure::PipeClosed);
    }
    Ok(written?)
}

/// Remembers that the reader went away: the engine's error cannot tell that from other failures of a file.
struct Watched<'a, W> {
    to: &'a mut W,
    closed: bool,
}

impl<W: Write> Watched<'_, W> {
    fn watch<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.closed |= matches!(&result, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
        result
    }
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.to.write(bytes);
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.to.flush();
        self.watch(result)
    }
}

/// Writes beside the file and puts it in place when it is complete and on the disk.
fn to_file(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<u64, Failure>) -> Result<u64, Failure> {
    let partial = beside(path);
    let result = File::create(&partial).map_err(|error| Failure::file(&partial, &error)).and_then(|file| {
        let mut to = BufWriter::new(file);
        let count = write(&mut to)?;
        let file = to.into_inner().map_err(|error| Failure::file(path, error.error()))?;
        file.sync_all().map_err(|error| Failure::file(path, &error))?;
        fs::rename(&partial, path).map_err(|error| Failure::file(path, &error))?;
        Ok(count)
    });
    if result.is_err() {
        // What is half-written is of no use; the error that is reported is the first one.
        let _ = fs::remove_file(&partial);
    }
    result
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}
