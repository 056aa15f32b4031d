//! `outlay export`: a ledger as JSON Lines or CSV, to standard output or into a file that is whole or not there.

use std::io::{self, Write};

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
    let count = match args.format {
        Format::Jsonl => engine.export_jsonl_file(ledger.id, path)?,
        Format::Csv => engine.export_csv_file(ledger.id, path)?,
    };
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
