//! The command line: what can be typed, and which file answers it. Local commands work on the data directory, the others
//! speak to a server over HTTP. Nothing here decides, matches or stores.

mod apply;
mod channel;
mod client;
mod convert;
mod decisions;
mod effect;
mod explain;
mod feeds;
mod findings;
mod gc;
mod import;
mod inside;
mod local;
mod log;
mod look;
mod out;
mod packages;
mod personal;
mod policy;
mod repositories;
mod retention;
mod sbom;
mod scan;
mod status;
mod text;
mod tokens;
mod trash;
mod trust;
mod until;
mod upstream;
mod version;
mod vex;
mod views;
mod wait;
mod waiver;

#[cfg(test)]
mod tests;

use crate::config::{Config, Flags};
use anyhow::Result;
use clap::{Parser, Subcommand};
use out::Out;
use std::{path::PathBuf, process::ExitCode};

/// Assay: an artifact registry that knows what is in what it stores, and decides who may have it.
#[derive(Debug, Parser)]
#[command(name = "assay", version, propagate_version = true, arg_required_else_help = true)]
pub struct Args {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Globals {
    /// Configuration file [env: ASSAY_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory, for commands that work on it [env: ASSAY_DATA] [default: assay-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Server, for commands that speak to one
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ASSAY_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,
    /// Token for the server
    #[arg(long, global = true, value_name = "TOKEN", env = "ASSAY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print data (JSON) instead of tables
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    #[command(after_long_help = crate::config::reference())]
    Serve(ServeArgs),
    /// List the vulnerabilities, secrets and licences of a file, a directory or an image archive; needs no server
    Scan(Box<scan::ScanArgs>),
    /// Turn an earlier report into another format; needs no server
    Convert(convert::ConvertArgs),
    /// Print the CycloneDX 1.6 document of a file, a directory or a stored package
    Sbom(sbom::SbomArgs),
    /// Advisories and scores: import, fetch, inspect
    #[command(subcommand)]
    Feeds(feeds::FeedsCommand),
    /// Versions of an ecosystem
    #[command(subcommand)]
    Version(version::VersionCommand),
    /// Policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Exceptions with a reason and an end
    #[command(subcommand)]
    Waiver(Box<waiver::WaiverCommand>),
    /// Documents that say whether products are affected by vulnerabilities
    #[command(subcommand)]
    Vex(vex::VexCommand),
    /// Who is trusted to sign packages
    #[command(subcommand)]
    Trust(trust::TrustCommand),
    /// Say why a package is in the state it is in, and what would help
    Explain(explain::ExplainArgs),
    /// The log of decisions: what each policy said, what it saw, and recomputing it
    #[command(subcommand)]
    Decisions(decisions::DecisionsCommand),
    /// List packages
    Packages(packages::ListArgs),
    /// Show one package: files, inventory, findings, decisions; or say something of it by hand
    Package(Box<packages::PackageArgs>),
    /// Delete a package; it can be restored for a while
    Delete(trash::DeleteArgs),
    /// Copy or move a package to another repository, with all that belongs to it
    Promote(retention::PromoteArgs),
    /// What rules of retention delete
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// Where messages about what happens go, and how that goes
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Packages that were deleted and can be restored
    #[command(subcommand)]
    Trash(trash::TrashCommand),
    /// Take packages over from another registry, all or some; a second start goes on where the first ended
    Import(Box<import::ImportArgs>),
    /// Delete bytes that nothing refers to, while the server runs
    Gc(gc::GcArgs),
    /// The event log
    Log(log::LogArgs),
    /// Repositories
    #[command(subcommand)]
    Repositories(repositories::RepositoriesCommand),
    /// API tokens
    #[command(subcommand)]
    Tokens(tokens::TokensCommand),
    /// Remote registries that repositories take from
    #[command(subcommand)]
    Upstream(upstream::UpstreamCommand),
    /// Make a server as files say: repositories, upstreams, channels, policies, waivers
    Apply(apply::ApplyArgs),
    /// Write what a server is like as such files
    Export(apply::ExportArgs),
    /// State of a server
    Status,
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Address and port; port 0 takes a free one [env: ASSAY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

/// What every command gets: the global options and where output goes.
struct Context {
    globals: Globals,
    out: Out,
}

impl Context {
    fn config(&self) -> Result<Config> {
        self.config_with(None)
    }

    fn config_with(&self, listen: Option<String>) -> Result<Config> {
        Config::load(&Flags { config: self.globals.config.clone(), data: self.globals.data.clone(), listen })
    }

    fn client(&self) -> Result<client::Client> {
        client::Client::new(&self.globals.url, self.globals.token.as_deref())
    }
}

/// Runs a command. The exit code is 0 when it did its work, 1 when it found a failure that it has told already, and
/// whatever `--exit-code` says.
///
/// # Errors
/// What went wrong and what to do next, to be printed.
pub async fn run(args: Args) -> Result<ExitCode> {
    let context = Context { out: Out::new(args.globals.json), globals: args.globals };
    match dispatch(&context, args.command).await {
        // Whoever reads our output has had enough (`assay packages | head`).
        Err(error) if error.is::<out::ReaderGone>() => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}

async fn dispatch(context: &Context, command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => {
            crate::serve::run(context.config_with(args.listen)?).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Scan(args) => scan::run(context, *args).await,
        Command::Convert(args) => convert::run(context, &args),
        Command::Sbom(args) => sbom::run(context, args).await,
        Command::Feeds(command) => feeds::run(context, command).await,
        Command::Version(command) => version::run(context, &command),
        Command::Policy(command) => policy::run(context, command).await,
        Command::Waiver(command) => waiver::run(context, *command).await,
        Command::Trust(command) => trust::run(context, command).await,
        Command::Vex(command) => vex::run(context, command).await,
        Command::Explain(args) => explain::run(context, &args).await,
        Command::Decisions(command) => decisions::run(context, command).await,
        Command::Packages(args) => packages::list(context, &args).await,
        Command::Package(args) => packages::one(context, *args).await,
        Command::Delete(args) => trash::delete(context, &args).await,
        Command::Promote(args) => retention::promote(context, &args).await,
        Command::Retention(command) => retention::run(context, command).await,
        Command::Apply(args) => apply::apply(context, args).await,
        Command::Export(args) => apply::export(context, args).await,
        Command::Channel(command) => channel::run(context, command).await,
        Command::Trash(command) => trash::run(context, command).await,
        Command::Import(args) => import::run(context, *args).await,
        Command::Gc(args) => gc::run(context, &args).await,
        Command::Log(args) => log::run(context, &args).await,
        Command::Upstream(command) => upstream::run(context, command).await,
        Command::Repositories(command) => repositories::run(context, command).await,
        Command::Tokens(command) => tokens::run(context, command).await,
        Command::Status => status::run(context).await,
    }
}
