//! Parse, run, exit.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    llmdoctor::cli::main()
}
