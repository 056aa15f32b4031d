//! `load [--seconds N] [--sockets N] [JSON]`: see [`outlay_bench::load`].

use std::process::ExitCode;

fn main() -> ExitCode {
    outlay_bench::load()
}
