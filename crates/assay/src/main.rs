//! The `assay` binary: command line, server, pages. Everything it does is in the crates below it; this one wires, words
//! and carries.

mod bundle;
mod cli;
mod config;
mod git;
mod http;
mod net;
mod notify;
mod registry;
mod serve;
mod transport;
mod vault;
mod web;
mod wiring;

use clap::Parser;
use std::process::ExitCode;

/// A pull makes a few dozen small allocations that live as long as it does; the system's allocator takes a tenth of the
/// time of a pull for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(args)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
