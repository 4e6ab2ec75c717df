//! The world changes around a large catalogue: an advisory, a day of EPSS scores, half a year of advisories, and nothing
//! at all. The catalogue is generated; the feeds are real and read where the corpus is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::server::Server;
use super::table::Row;
use super::{Options, Programs, items};
use crate::command::quiet;

/// Longest wait for everything to be decided.
const PATIENCE: Duration = Duration::from_secs(3600);
const IMPORTS: usize = 10;

/// Refuses what has a vulnerability of CVSS 9 or more, or one that is likely to be exploited.
const POLICY: &str = "\
package assay

default match := false

match if count(reason) > 0

reason contains sprintf(\"%s scores %v\", [found.identifier, found.score]) if {
\tsome found in input.v1.vulnerabilities
\tfound.score >= 9
}

reason contains sprintf(\"%s is exploited with probability %v\", [found.identifier, found.epss.score]) if {
\tsome found in input.v1.vulnerabilities
\tfound.epss.score >= 0.1
}
";

/// What the generated catalogue has for one advisory.
#[derive(Deserialize)]
struct Target {
    name: String,
    paths: Vec<String>,
}

#[derive(Deserialize)]
struct Generated {
    targets: Vec<Target>,
}

pub fn measure(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let corpus = PathBuf::from(std::env::var("ASSAY_CORPUS").unwrap_or_else(|_| "../shared".to_owned()));
    let feeds = corpus.join("feeds");
    if !feeds.is_dir() {
        bail!("{} is not there: this needs the real feeds", feeds.display());
    }
    let count = options.catalogue();
    let mut server = Server::start(programs, None)?;
    let mut rows = Vec::new();
    rows.push(timed("first import of all feeds", || before(&server, &feeds))?);
    server.stop();
    let (generated, filled) = clocked(|| generate(programs, &server, &corpus, count))?;
    eprintln!("   generated in {:.0} s", filled.as_secs_f64());
    server.restart()?;
    rows.push(timed(&format!("match and decide {count} packages"), || server.idle_within(PATIENCE))?);
    let policy = server.scratch().join("dangerous.rego");
    std::fs::write(&policy, POLICY)?;
    let file = policy.display().to_string();
    rows.push(timed(&format!("a new policy over {count} packages"), || {
        server.cli(&["policy", "add", &file, "--action", "quarantine"])?;
        server.idle_within(PATIENCE)
    })?);
    for target in generated.targets.iter().rev() {
        rows.push(advisory(&server, programs, target)?);
    }
    rows.extend(changes(&server, &feeds)?);
    rows.extend(nothing(&server, &feeds)?);
    rows.push(simulation(&server)?);
    rows.extend(replayed(&server)?);
    rows.push(mebibytes("the most memory since the catalogue was there", server.peak()?));
    Ok(rows)
}

fn clocked<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}

fn timed(name: &str, work: impl FnOnce() -> Result<()>) -> Result<Row> {
    let ((), took) = clocked(work)?;
    eprintln!("   {name}: {:.2} s", took.as_secs_f64());
    Ok(Row::value(&format!("continuous: {name}"), "s", took.as_secs_f64()))
}

fn mebibytes(name: &str, bytes: u64) -> Row {
    Row::value(&format!("continuous: {name}"), "MiB", bytes as f64 / f64::from(1 << 20))
}

/// All feeds, those of two ecosystems as they were half a year before.
fn before(server: &Server, feeds: &Path) -> Result<()> {
    let mut files = vec![feeds.join("osv-2-before/crates-io/all.zip"), feeds.join("osv-2-before/npm/all.zip")];
    for folder in std::fs::read_dir(feeds.join("osv"))?.chain(std::fs::read_dir(feeds.join("malicious"))?) {
        let file = folder?.path().join("all.zip");
        if file.is_file() && !later(feeds).contains(&file) {
            files.push(file);
        }
    }
    files.push(feeds.join("kev/known_exploited_vulnerabilities-2026-08-07.json.gz"));
    files.push(feeds.join("epss/epss_scores-2026-08-09.csv.gz"));
    import(server, &files)
}

fn later(feeds: &Path) -> [PathBuf; 2] {
    [feeds.join("osv/crates-io/all.zip"), feeds.join("osv/npm/all.zip")]
}

fn import(server: &Server, files: &[PathBuf]) -> Result<()> {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut words = vec!["feeds", "import"];
    words.extend(files.iter().map(String::as_str));
    server.cli(&words).map(drop)
}

fn generate(programs: &Programs, server: &Server, corpus: &Path, count: usize) -> Result<Generated> {
    let mut command = Command::new(&programs.fill);
    command.arg("catalogue").arg("--data").arg(server.data()).args(["--packages", &count.to_string()]);
    let output = quiet(command.arg("--corpus").arg(corpus))?;
    serde_json::from_slice(&output.stdout).context("assay-fill says nothing about targets")
}

/// From the start of the import until every pull that can be tried is refused.
fn advisory(server: &Server, programs: &Programs, target: &Target) -> Result<Row> {
    let zip = server.scratch().join("advisory.zip");
    let id = format!("ASSAY-BENCH-{}", target.name);
    items::write_advisory(programs, &id, &target.name, &zip)?;
    for path in &target.paths {
        server.wait_for(&format!("/generic/main/{path}"))?;
    }
    timed(&format!("advisory for {} to the last refused pull", target.name), || {
        import(server, &[zip])?;
        target.paths.iter().try_for_each(|path| refused(server, path))
    })
}

fn refused(server: &Server, path: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        match server.request("GET", &format!("/generic/main/{path}"), b"")?.status {
            403 => return Ok(()),
            200 if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(2)),
            status => bail!("{path} answers {status}, neither served nor refused"),
        }
    }
}

fn changes(server: &Server, feeds: &Path) -> Result<Vec<Row>> {
    let day = feeds.join("epss/epss_scores-2026-08-16.csv.gz");
    let (matched, decided) =
        (server.metric("assay_components_matched_total")?, server.metric("assay_decisions_total")?);
    let mut rows = vec![timed("the EPSS scores of a week later, all decided", || {
        import(server, &[day])?;
        server.idle_within(PATIENCE)
    })?];
    let matched = server.metric("assay_components_matched_total")? - matched;
    rows.push(Row::value("continuous: components whose findings that touched", "", matched));
    let decided = server.metric("assay_decisions_total")? - decided;
    rows.push(Row::value("continuous: packages that it decided", "", decided));
    for file in later(feeds) {
        let name = file.iter().rev().nth(1).unwrap_or_default().to_string_lossy().into_owned();
        rows.push(timed(&format!("half a year of {name} advisories, all decided"), || {
            import(server, &[file])?;
            server.idle_within(PATIENCE)
        })?);
    }
    Ok(rows)
}

/// Recomputes every decision of the run; one that comes out otherwise, or cannot be recomputed, is an error.
fn replayed(server: &Server) -> Result<Vec<Row>> {
    let (answer, took) = clocked(|| server.cli(&["decisions", "replay", "--all", "--json"]))?;
    let report: Value = serde_json::from_slice(&answer.stdout).context("the report is no JSON")?;
    let number = |name: &str| report.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}"));
    let (examined, same) = (number("examined")?, number("same")?);
    ensure!(examined > 0 && same == examined, "{same} of {examined} decisions come out as recorded: {report}");
    let seconds = took.as_secs_f64();
    Ok(vec![
        Row::value("continuous: decisions that come out again as recorded, all", "", same as f64),
        Row::value("continuous: decisions recomputed in a second", "/s", same as f64 / seconds),
    ])
}

/// Imports what is there already, and looks at the size of the database before and after.
fn nothing(server: &Server, feeds: &Path) -> Result<Vec<Row>> {
    let mut files: Vec<PathBuf> = later(feeds).into();
    files.push(feeds.join("osv/PyPI/all.zip"));
    files.push(feeds.join("epss/epss_scores-2026-08-16.csv.gz"));
    import(server, &files)?;
    server.idle_within(PATIENCE)?;
    let size = || std::fs::metadata(server.data().join("assay.db")).map(|file| file.len());
    let before = size()?;
    let row = timed(&format!("{IMPORTS} imports of the same feeds"), || {
        for _ in 0..IMPORTS {
            import(server, &files)?;
        }
        server.idle_within(PATIENCE)
    })?;
    let grown = size()?.saturating_sub(before);
    Ok(vec![
        row,
        Row::value("continuous: bytes that the database grew by then", "", grown as f64),
        mebibytes("the database", before),
    ])
}

/// Another policy tried on all of it.
fn simulation(server: &Server) -> Result<Row> {
    let file = server.scratch().join("critical.rego");
    std::fs::write(&file, items::POLICY)?;
    let file = file.display().to_string();
    timed("a simulated policy over all packages", || server.cli(&["policy", "simulate", "--json", &file]).map(drop))
}
