//! `assay import`: the server takes over what another registry has, and this waits and tells.

mod folder;

use super::{
    Context,
    client::Client,
    feeds::progress::Progress,
    look::{bytes, count, harmless},
    out::note,
    text,
    upstream::flags::SecretFlags,
};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf, process::ExitCode, time::Duration};

/// How often the server is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// Failures that are printed.
const SHOWN: usize = 50;

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Format that the source speaks, or `dir` for a folder here
    source: String,
    /// Address of the source, as its clients are given it, or path of the folder
    address: String,
    /// Format of the files in a folder
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Repository that takes the packages
    #[arg(long, value_name = "NAME", default_value = "main")]
    repository: String,
    /// Only this name; may be repeated
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Only the names in this file, one a line; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    names_from: Option<PathBuf>,
    /// Only names like this (`acme-*`); may be repeated
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// No names like this; may be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Let the packages count as cached from the upstream of that address, not as published here
    #[arg(long)]
    as_cache: bool,
    /// Only count what would be taken
    #[arg(long)]
    dry_run: bool,
    /// The source lies in a private network
    #[arg(long)]
    allow_private: bool,
    /// Seconds until a silent connection is given up
    #[arg(long, value_name = "N")]
    timeout_seconds: Option<u32>,
    /// Certificate authorities that it is trusted by besides the system's, a PEM file
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Do not wait for the end; the import goes on in the server
    #[arg(long)]
    no_wait: bool,
    /// End the import of that source that is under way
    #[arg(long, conflicts_with_all = ["dry_run", "no_wait"])]
    cancel: bool,
    #[command(flatten)]
    secrets: SecretFlags,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    progress: String,
    reason: String,
    counts: Counts,
    current: Vec<String>,
    failures: Vec<Failures>,
    #[serde(default)]
    resumed: bool,
}

#[derive(Deserialize)]
struct Counts {
    names: u64,
    names_done: u64,
    versions: u64,
    versions_here: u64,
    failed: u64,
    files: u64,
    files_here: u64,
    references: u64,
    bytes: u64,
}

#[derive(Deserialize)]
struct Failures {
    name: String,
    failed: u64,
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    version: String,
    reason: String,
}

pub(super) async fn run(context: &Context, args: ImportArgs) -> Result<ExitCode> {
    let client = context.client()?;
    if args.source == folder::DIR {
        return folder::run(context, &client, &args).await;
    }
    if args.format.is_some() {
        bail!("--format is for folders: `assay import {} PATH --format FORMAT`", folder::DIR);
    }
    if args.cancel {
        return cancel(context, &client, &args).await;
    }
    let (repository, dry_run, no_wait) = (args.repository.clone(), args.dry_run, args.no_wait);
    let title = format!("importing from {}", args.address);
    let draft = draft(args)?;
    let started = client.post(&["repositories", &repository, "imports"], &draft).await?;
    let row: Row = serde_json::from_value(started.clone()).context("the server's answer is not understood")?;
    if row.resumed {
        note(&format!("import {} goes on; what it took before is not taken again", row.id));
    }
    if no_wait {
        match context.out.json {
            true => context.out.data(&started)?,
            false => context.out.text(&format!("import {} is under way in {repository}", row.id))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (answer, row) = follow(&client, &repository, row.id, &title).await?;
    match context.out.json {
        true => context.out.data(&answer)?,
        false => context.out.text(&summary(&row, dry_run))?,
    }
    Ok(if row.progress == "done" && row.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn draft(args: ImportArgs) -> Result<Value> {
    let mut names = args.name;
    if let Some(file) = &args.names_from {
        let listed = names_in(file)?;
        if listed.is_empty() {
            bail!("{} has no name; write one a line", file.display());
        }
        names.extend(listed);
    }
    let mut settings = json!({
        "url": args.address, "include": args.include, "exclude": args.exclude, "allow_private": args.allow_private,
    });
    if let Some(seconds) = args.timeout_seconds {
        settings["timeout_seconds"] = seconds.into();
    }
    if let Some(file) = &args.ca_file {
        settings["ca_certificates"] = text::certificates(file)?.into();
    }
    let mut draft = json!({
        "format": args.source, "settings": settings, "names": names, "as_cache": args.as_cache, "dry_run": args.dry_run,
    });
    if let Some(secrets) = args.secrets.read()? {
        draft["secrets"] = secrets;
    }
    Ok(draft)
}

fn names_in(file: &PathBuf) -> Result<BTreeSet<String>> {
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => fs::read_to_string(file),
    };
    let text = text.with_context(|| format!("cannot read the names in {}", file.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// Asks how far it is until it goes on no more.
async fn follow(client: &Client, repository: &str, id: i64, title: &str) -> Result<(Value, Row)> {
    let progress = Progress::start(title, false);
    loop {
        let answer: Value =
            client.get(&["repositories", repository, "imports", &id.to_string()], &[]).await.with_context(|| {
                format!("import {id} goes on in the server as soon as it runs; the same command shows how far it is")
            })?;
        let row: Row = serde_json::from_value(answer.clone()).context("the server's answer is not understood")?;
        if !matches!(row.progress.as_str(), "listing" | "running") {
            progress.finish(&row.progress);
            return Ok((answer, row));
        }
        if let Some(name) = row.current.first() {
            progress.tell(&harmless(name));
        }
        progress.set(row.counts.names_done, Some(row.counts.names), false);
        tokio::time::sleep(LOOK).await;
    }
}

fn summary(row: &Row, dry_run: bool) -> String {
    let Counts { names, names_done, versions, versions_here, failed, files, files_here, references, bytes: size } =
        row.counts;
    let verb = if dry_run { "would be taken" } else { "taken" };
    let mut text = format!(
        "{names_done} of {}: {} {verb} ({}, {}), {versions_here} here already ({}), {failed} failed",
        count(names, "name", "names"),
        count(versions, "version", "versions"),
        count(files, "file", "files"),
        bytes(size),
        count(files_here, "file", "files"),
    );
    if references > 0 {
        text.push_str(&format!("; {} set", count(references, "mutable name", "mutable names")));
    }
    let failures: Vec<String> = row.failures.iter().flat_map(told).collect();
    if !failures.is_empty() {
        text.push_str("\n\nnot taken:");
        failures.iter().take(SHOWN).for_each(|line| text.push_str(&format!("\n  {line}")));
        if failed > SHOWN as u64 {
            text.push_str("\n  and more; --json shows them");
        }
    }
    if row.progress != "done" {
        text.push_str(&format!("\n\nthe import is {}: {}", row.progress, harmless(&row.reason)));
    }
    if row.progress != "done" || failed > 0 {
        text.push_str("\nthe same command again goes on and tries what failed");
    }
    text
}

fn told(of: &Failures) -> Vec<String> {
    let line = |failure: &Failure| {
        let what = format!("{} {}", of.name, failure.version);
        harmless(&format!("{}: {}", what.trim_end(), failure.reason))
    };
    let mut lines: Vec<String> = of.failures.iter().map(line).collect();
    if of.failed > of.failures.len() as u64 {
        lines.push(harmless(&format!("{}: {} more", of.name, of.failed - of.failures.len() as u64)));
    }
    lines
}

async fn cancel(context: &Context, client: &Client, args: &ImportArgs) -> Result<ExitCode> {
    let repository = &args.repository;
    let listed: Value = client.get(&["repositories", repository, "imports"], &[]).await?;
    let address = args.address.trim_end_matches('/');
    let active = |row: &&Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let running = matches!(text(&row["progress"]).as_str(), "listing" | "running");
        running && text(&row["format"]) == args.source && text(&row["settings"]["url"]) == address
    };
    let ids = listed["imports"].as_array().into_iter().flatten().filter(active).filter_map(|row| row["id"].as_i64());
    let ids: Vec<i64> = ids.collect();
    if ids.is_empty() {
        bail!("no import from {address} is under way in {repository}");
    }
    let mut rows = Vec::new();
    for id in ids {
        rows.push(client.remove(&["repositories", repository, "imports", &id.to_string()]).await?);
    }
    match context.out.json {
        true => context.out.data(&rows)?,
        false => context.out.text("the import is ended; what it took stays, and the same command again goes on")?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn row(progress: &str, failed: u64) -> Row {
        let failures = json!([{"name": "left-pad", "failed": failed, "failures": [
            {"version": "1.0.0", "reason": "the bytes differ"}]}]);
        serde_json::from_value(json!({
            "id": 1, "progress": progress, "reason": "ended by me", "current": [],
            "failures": if failed > 0 { failures } else { json!([]) },
            "counts": {"names": 3, "names_done": 2, "versions": 4, "versions_here": 1, "failed": failed, "files": 5,
                "files_here": 1, "references": 2, "bytes": 2048},
        }))
        .unwrap()
    }

    #[test]
    fn an_end_is_told_with_its_counts() {
        assert_eq!(
            summary(&row("done", 0), false),
            "2 of 3 names: 4 versions taken (5 files, 2.0 KiB), 1 here already (1 file), 0 failed; 2 mutable names set"
        );
        assert!(summary(&row("done", 0), true).contains("would be taken"));
    }

    #[test]
    fn failures_have_reasons_and_a_way_on() {
        let text = summary(&row("cancelled", 3), false);
        for part in
            ["left-pad 1.0.0: the bytes differ", "left-pad: 2 more", "cancelled: ended by me", "the same command again"]
        {
            assert!(text.contains(part), "{text}");
        }
    }
}
