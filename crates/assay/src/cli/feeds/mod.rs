//! `assay feeds`: facts about the world, worked on in the data directory itself, also while a server runs on it.

mod aftermath;
mod bundle;
mod files;
mod import;
pub(super) mod progress;
mod report;
mod state;
mod sync;

use super::Context;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum FeedsCommand {
    /// Import advisories and scores from files, directories and addresses, and decide what they touch
    Import {
        /// Files of any source (see `assay feeds status`), plain or compressed; directories are walked
        #[arg(required = true, value_name = "PATH|URL")]
        from: Vec<String>,
        /// Take back what complete files lack, even where most of what is known is missing in them
        #[arg(long)]
        force: bool,
    },
    /// Fetch what is new from the configured addresses, and decide what it touches
    Sync {
        /// Only these sources
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
    },
    /// Show how each source stands: records, last success and attempt, age, next fetch, errors
    Status,
    /// Write everything that is known to one signed file, for an installation without a network
    Export {
        /// The file
        #[arg(short, long, value_name = "FILE")]
        output: std::path::PathBuf,
        /// Only what changed since this earlier bundle: its file, or its number
        #[arg(long, value_name = "BUNDLE|NUMBER")]
        since: Option<String>,
    },
    /// Print the public key that bundles made here are signed with
    Key,
    /// Say whose bundles are taken in
    #[command(subcommand)]
    Trust(bundle::TrustCommand),
    /// List the records that were set aside, newest first, with the reason
    Bad {
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
}

pub(super) async fn run(context: &Context, command: FeedsCommand) -> Result<ExitCode> {
    match command {
        FeedsCommand::Import { from, force } => import::run(context, &from, force).await,
        FeedsCommand::Sync { sources } => sync::run(context, &sources).await,
        FeedsCommand::Export { output, since } => bundle::export(context, &output, since.as_deref()).await,
        FeedsCommand::Key => bundle::show_key(context).await,
        FeedsCommand::Trust(command) => bundle::trust(context, command).await,
        FeedsCommand::Status => state::status(context).await,
        FeedsCommand::Bad { limit } => state::bad(context, limit as usize).await,
    }
}
