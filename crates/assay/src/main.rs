//! The `assay` binary: command line, server, pages. Everything it does is in the crates below it; this one wires, words
//! and carries. Its allocator is mimalloc, which comes with the evaluator of policies (`assay_policy`, `memory`).

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
