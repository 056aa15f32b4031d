//! `outlay-server`: reads the command line and runs the command.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use outlay_server::accounts::{admin, records};
use outlay_server::api;
use outlay_server::auth::keys;
use outlay_server::backup::{backup, restore};
use outlay_server::config::sources::{Setting, Told, read};
use outlay_server::config::{Command, ConfigCommand, Serve};
use outlay_server::logs;
use outlay_server::serve::{self, open};
use outlay_server::store::{StoreOptions, system_random};

/// Gives memory back soon after a burst, which that of glibc keeps for each thread; `.cargo/config.toml` has its options.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads that run requests: sockets wait more than they work.
const WORKERS: usize = 2;
/// Threads for reading the database and hashing passwords.
const BLOCKING_THREADS_MAX: usize = 8;

fn main() -> ExitCode {
    let told = read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match run(told) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit status says it too.
            _ = writeln!(io::stderr(), "outlay-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(Told { command, settings }: Told) -> Result<(), Box<dyn std::error::Error>> {
    match command {
        Command::Serve(options) => start(&options),
        Command::Config(ConfigCommand::Check(options)) => {
            serve::check(&options)?;
            Ok(writeln!(io::stdout(), "a server can be started with this")?)
        }
        Command::Config(ConfigCommand::Print(_)) => print(&settings),
        Command::Backup { data, to } => Ok(backup(&data, &to)?),
        Command::Restore { data, from } => Ok(restore(&data, &from, &mut system_random())?),
        Command::RotateKeys { data } => {
            let now_ms = now_ms()?;
            open(&data, StoreOptions::beside())?.write(|write| keys::rotate(write, now_ms))?;
            Ok(())
        }
        Command::Openapi => Ok(write!(io::stdout(), "{}", api::description())?),
        Command::Events { data, after } => admin::print_events(&data, after),
        Command::User(command) => admin::run(&command),
        Command::Invite { data, days } => {
            let expires_ms = now_ms()? + i64::from(days) * 86_400_000;
            let mut store = open(&data, StoreOptions::beside())?;
            let invitation = store.write(|write| records::invite(write, expires_ms))?;
            Ok(writeln!(io::stdout(), "{invitation}")?)
        }
    }
}

fn print(settings: &[Setting]) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    settings.iter().try_for_each(|setting| writeln!(out, "{setting}"))?;
    Ok(())
}

fn now_ms() -> Result<i64, Box<dyn std::error::Error>> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

fn start(options: &Serve) -> Result<(), Box<dyn std::error::Error>> {
    logs::start(options.log, options.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build()?;
    Ok(runtime.block_on(serve::serve(options))?)
}
