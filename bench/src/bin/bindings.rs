//! `bindings [JSON]`: see [`outlay_bench::bindings`].

use std::process::ExitCode;

fn main() -> ExitCode {
    outlay_bench::bindings()
}
