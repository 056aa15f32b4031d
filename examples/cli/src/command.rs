//! The commands, one file for each noun, and which one is run.

mod account;
mod aside;
mod attachment;
mod commitment;
mod conflict;
mod device;
mod expense;
mod export;
mod health;
mod history;
mod import;
mod init;
mod insight;
mod ledger;
mod list;
mod member;
mod report;
mod status;
mod sync;
mod undo;
mod watch;

use clap::CommandFactory;
use serde_json::json;

use crate::args::{Arguments, Command, Completions};
use crate::failure::Failure;
use crate::home::Home;
use crate::output::Output;

/// Runs the command that was typed.
pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> Result<(), Failure> {
    if let Command::Completions(shell) = &arguments.command {
        return completions(shell, out);
    }
    let home = Home::locate(arguments.home.as_deref())?;
    match &arguments.command {
        Command::Init(args) => init::run(args, &home, out),
        Command::Ledger(args) => ledger::run(args, &home, out),
        Command::Add(args) => expense::add(args, &home, out),
        Command::Edit(args) => expense::edit(args, &home, out),
        Command::Rm(args) => expense::remove(args, &home, out),
        Command::Restore(args) => expense::restore(args, &home, out),
        Command::List(args) => list::list(args, &home, out),
        Command::Search(args) => list::search(args, &home, out),
        Command::Report(args) => report::run(args, &home, out),
        Command::Insights(args) => insight::run(args, &home, out),
        Command::Suggest(args) => insight::suggest(args, &home, out),
        Command::Commitments(args) => commitment::run(args, &home, out),
        Command::Import(args) => import::run(args, &home, out),
        Command::Export(args) => export::run(args, &home, out),
        Command::Attach(args) => attachment::attach(args, &home, out),
        Command::Detach(args) => attachment::detach(args, &home, out),
        Command::Attachments(args) => attachment::list(args, &home, out),
        Command::Fetch(args) => attachment::fetch(args, &home, out),
        Command::Conflicts(args) => conflict::list(args, &home, out),
        Command::Resolve(args) => conflict::resolve(args, &home, out),
        Command::History(args) => history::run(args, &home, out),
        Command::Undo => undo::run(&home, out),
        Command::Backup(args) => health::backup(args, &home, out),
        Command::Doctor => health::doctor(&home, out),
        Command::Device => device::run(&home, out),
        Command::Signup(args) => account::sign_up(args, &home, out),
        Command::Login(args) => account::sign_in(args, &home, out),
        Command::Signout(args) => account::sign_out(args, &home, out),
        Command::Sync(args) => sync::run(args, &home, out),
        Command::Devices(args) => account::devices(args, &home, out),
        Command::Status => status::run(&home, out),
        Command::Completions(args) => completions(args, out),
    }
}

fn completions(args: &Completions, out: &mut Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "outlay", &mut script);
    let script = String::from_utf8_lossy(&script);
    if out.is_json() {
        return out.object(&json!({"shell": args.shell.to_string(), "script": script}));
    }
    out.line(script.trim_end())
}
