//! `outlay-sim`: runs the simulator for many seeds, some at a time, and says what it met.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use outlay_testkit::{Coverage, HAPPENINGS, Plan, run};

/// Devices and a server in one thread, from one seed, until something breaks.
#[derive(Debug, Parser)]
#[command(name = "outlay-sim", version)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// What happens in each before all is healed.
    #[arg(long, default_value_t = HAPPENINGS)]
    happenings: usize,
    /// Runs at once; most of a run is waiting for the disk.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Print every line of the course; the default for a single seed.
    #[arg(long)]
    echo: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = args.jobs.map_or(2 * cores, NonZeroUsize::get);
    let begun = Instant::now();
    let (next, failures) = (AtomicU64::new(args.from), AtomicU64::new(0));
    let total = Mutex::new((Coverage::default(), 0_u64));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work(&args, &next, &failures, &total));
        }
    });
    let (coverage, events) = total.into_inner().unwrap_or_default();
    let failures = failures.into_inner();
    println!("{coverage}");
    println!(
        "{} seeds from {}, {events} events, {failures} failed, {} s",
        args.seeds,
        args.from,
        begun.elapsed().as_secs()
    );
    let lacking = coverage.lacking();
    if args.seeds >= 100 && !lacking.is_empty() {
        println!("never met: {}", lacking.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        return ExitCode::FAILURE;
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(args: &Args, next: &AtomicU64, failures: &AtomicU64, total: &Mutex<(Coverage, u64)>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= args.from.saturating_add(args.seeds) {
            return;
        }
        let echo = args.echo || (args.seeds == 1 && failures.load(Ordering::Relaxed) == 0);
        match run(&Plan { seed, happenings: args.happenings, echo }) {
            Ok(report) => {
                if let Ok(mut total) = total.lock() {
                    total.0.add(&report.coverage);
                    total.1 += report.events;
                }
            }
            Err(failure) => {
                failures.fetch_add(1, Ordering::Relaxed);
                println!("{failure}\n");
            }
        }
    }
}
