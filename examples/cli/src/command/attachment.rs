//! `outlay attach`, `detach`, `attachments` and `fetch`: the files of an entry, receipts most often.

use std::fs;
use std::io::Read;
use std::path::Path;

use outlay_core::{Attachment, BlobHash, Content, Engine, Expense};

use crate::args;
use crate::failure::Failure;
use crate::home::Home;
use crate::lookup;
use crate::output::json::AttachmentObject;
use crate::output::table::Table;
use crate::output::{Output, text};

/// Bytes that are read of a file: more than any that can be attached, so that the engine says what is wrong with it.
const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(crate) fn attach(args: &args::Attach, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    let bytes = read(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    let own_name = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = args.name.clone().or(own_name).unwrap_or_default();
    let attached = engine.attach(expense.ledger, expense.id, &name, &bytes)?;
    if out.is_json() {
        return out.object(&AttachmentObject::new(&expense, &attached, None));
    }
    let Attachment { name, media_type, bytes, .. } = &attached;
    out.line(format!(
        "Attached {name} ({media_type}, {}) to {}",
        text::counted(*bytes, "byte"),
        text::summary(&expense)
    ))
}

pub(crate) fn detach(args: &args::Detach, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    let file = find(&engine, &expense, &args.file, out.is_json())?;
    engine.detach(expense.ledger, expense.id, file.hash)?;
    if out.is_json() {
        return out.object(&AttachmentObject::new(&expense, &file, None));
    }
    out.line(format!("Took {} off {}", called(&file), text::summary(&expense)))
}

pub(crate) fn list(args: &args::Id, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    let files = engine.attachments(expense.ledger, expense.id)?;
    if out.is_json() {
        return files.iter().try_for_each(|file| out.object(&AttachmentObject::new(&expense, file, None)));
    }
    let mut table = Table::new(["FILE", "NAME", "TYPE", ">BYTES", "HERE"]);
    let hashes: Vec<String> = files.iter().map(|file| file.hash.to_string()).collect();
    for (file, id) in files.iter().zip(text::short_ids(&hashes)) {
        let here = if file.is_here { "yes" } else { "no, on the server" };
        let (bytes, here) = (file.bytes.to_string(), here.to_owned());
        table.push([id.to_owned(), file.name.clone(), file.media_type.clone(), bytes, here]);
    }
    out.table(&table)
}

pub(crate) fn fetch(args: &args::Fetch, home: &Home, out: &mut Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let expense = lookup::expense(&engine, &args.id, out.is_json())?;
    let file = find(&engine, &expense, &args.file, out.is_json())?;
    let bytes = content(&engine, &expense, &file)?;
    if let Some(path) = &args.output {
        let mut to = fs::OpenOptions::new();
        let written =
            to.write(true).create_new(true).open(path).and_then(|mut to| std::io::Write::write_all(&mut to, &bytes));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::invalid(format!("{} is there already; nothing is overwritten", path.display()))
            }
            _ => Failure::file(path, &error),
        })?;
    }
    let file = Attachment { is_here: true, ..file };
    if out.is_json() {
        return out.object(&AttachmentObject::new(&expense, &file, args.output.as_deref()));
    }
    let at = args.output.as_ref().map_or("on this device".to_owned(), |path| format!("in {}", path.display()));
    out.line(format!("{} is {at} ({})", called(&file), text::counted(file.bytes, "byte")))
}

/// What is in a file, from the server if it is not here.
fn content(engine: &Engine, expense: &Expense, file: &Attachment) -> Result<Vec<u8>, Failure> {
    let content = match engine.read_attachment(expense.ledger, expense.id, file.hash)? {
        Content::Missing if engine.account()?.is_some() => {
            engine.fetch_attachment(expense.ledger, expense.id, file.hash)?
        }
        content => content,
    };
    match content {
        Content::Here(bytes) => Ok(bytes),
        Content::Missing => {
            Err(Failure::partial("missing", "the file is not on this device, nor on a server it knows"))
        }
    }
}

/// The file that was named: by its hash; for people also by the first digits of it, or by its name.
fn find(engine: &Engine, expense: &Expense, named: &str, is_json: bool) -> Result<Attachment, Failure> {
    let files = engine.attachments(expense.ledger, expense.id)?;
    let whole = named.parse::<BlobHash>().ok();
    let is_meant = |file: &&Attachment| match whole {
        Some(hash) => file.hash == hash,
        None => !is_json && (file.name == named || lookup::is_named(&file.hash, named)),
    };
    let several = || format!("several files are called {named:?}; give the hash");
    lookup::the_one(files.iter().filter(is_meant), several, || format!("the entry has no file {named:?}")).cloned()
}

fn called(file: &Attachment) -> String {
    if file.name.is_empty() { file.hash.to_string() } else { file.name.clone() }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
