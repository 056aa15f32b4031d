//! `insight-eval CSV OUT [--map JSON] [--tasks DIR]`: see [`outlay_bench::insight`].

use std::process::ExitCode;

fn main() -> ExitCode {
    outlay_bench::insight()
}
