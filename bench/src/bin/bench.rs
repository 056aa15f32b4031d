//! `bench [--largest N] [--only PART] [JSON]`: see [`outlay_bench::bench`].

use std::process::ExitCode;

fn main() -> ExitCode {
    outlay_bench::bench()
}
