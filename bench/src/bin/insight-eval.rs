//! `insight-eval CSV OUT [--map COLUMNS] [--tasks DIR]`: see [`outlay_bench::insight`].

use std::process::ExitCode;

fn main() -> ExitCode {
    outlay_bench::insight()
}
