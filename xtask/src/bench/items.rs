//! What is measured. Each item is a function of its own world; one that fails does not hide the others.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::load::{self, Target};
use super::nginx::Nginx;
use super::server::Server;
use super::table::{Row, median};
use super::{Options, Programs};
use crate::command::quiet;
use crate::{http, repo};

/// A measurement by name.
pub type Item = (&'static str, fn(&Options, &Programs) -> Result<Vec<Row>>);

pub const ALL: &[Item] = &[
    ("pull: cached simple index", simple_index),
    ("pull: 4 KiB blob", small_blob),
    ("scan: wheel", scan_wheel),
    ("scan: Alpine image", scan_image),
    ("change: decisions, advisory to refusal", change),
];

fn simple_index(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let server = Server::start(programs)?;
    fill(programs, &server, "bench", 1, 20)?;
    pull("pull: cached simple index", "/pypi/main/simple/bench-0/", &server, options)
}

fn small_blob(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let server = Server::start(programs)?;
    let path = "/generic/main/bench/4k.bin";
    let bytes: Vec<u8> = (0..4096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let stored = server.request("PUT", path, &bytes)?;
    if !(200..300).contains(&stored.status) {
        bail!("PUT {path} gave {}: {}", stored.status, String::from_utf8_lossy(&stored.body));
    }
    pull("pull: 4 KiB blob", path, &server, options)
}

fn pull(name: &str, path: &str, server: &Server, options: &Options) -> Result<Vec<Row>> {
    let answer = server.wait_for(path)?;
    let nginx = Nginx::start()?;
    nginx.put(path, &answer.body)?;
    let same = http::request(nginx.port, "GET", path, &[], b"")?;
    if same.body != answer.body {
        bail!("nginx does not serve the same bytes");
    }
    // Both get the same request, so that both parse the same header.
    let headers = vec![server.authorization()];
    let ours = Target { port: server.port, path: path.to_owned(), headers: headers.clone() };
    let theirs = Target { port: nginx.port, path: path.to_owned(), headers };
    Ok(vec![load::compare(name, &ours, &theirs, options.rounds(), options.seconds())?])
}

fn scan_wheel(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let wheel = artifact("requests-2.6.0-py2.py3-none-any.whl")?;
    scan("scan: wheel", &wheel, &["feeds/osv/PyPI"], options, programs)
}

fn scan_image(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let image = corpus("rootfs/docker-save-alpine-310.tar.gz")?;
    scan("scan: Alpine image", &image, &["feeds/osv/Alpine"], options, programs)
}

/// Time of a whole `assay scan` process, with its feeds imported beforehand.
fn scan(name: &str, file: &Path, feeds: &[&str], options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("assay-bench-").tempdir()?;
    let assay = |words: &[&std::ffi::OsStr]| {
        let mut command = load::pinned(&programs.assay, 0);
        quiet(command.args(words).arg("--data").arg(folder.path().join("data")))
    };
    let start = Instant::now();
    for feed in feeds {
        assay(&["feeds".as_ref(), "import".as_ref(), corpus(feed)?.as_os_str()])?;
    }
    let imported = start.elapsed();
    let mut times = Vec::new();
    for _ in 0..options.rounds() * 2 + 1 {
        let start = Instant::now();
        let output = assay(&["scan".as_ref(), "--format".as_ref(), "json".as_ref(), file.as_os_str()])?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        if output.stdout.is_empty() {
            bail!("`assay scan` printed nothing");
        }
    }
    let middle = median(times).context("no scan was run")?;
    Ok(vec![
        Row::value(name, "ms", middle),
        Row::value(&format!("{name}, import of its feed"), "s", imported.as_secs_f64()),
    ])
}

/// Many packages, one policy, one advisory: how fast all are decided, and how soon the one is refused.
fn change(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    const DECIDED: &str = "assay_decisions_total";
    let server = Server::start(programs)?;
    let count = options.packages();
    let start = Instant::now();
    fill(programs, &server, "bench-fill", count, 1)?;
    let uploads = count as f64 / start.elapsed().as_secs_f64();
    let policy = corpus("oracles/policies/max-cvss.rego")?;
    settle(&server, DECIDED)?;
    let before = server.metric(DECIDED)?;
    let start = Instant::now();
    server.cli(&["policy", "add", &policy.display().to_string(), "--action", "quarantine"])?;
    while server.metric(DECIDED)? < before + count as f64 {
        if start.elapsed() > Duration::from_secs(600) {
            bail!("only {} of {count} packages were decided in ten minutes", server.metric(DECIDED)? - before);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let decisions = count as f64 / start.elapsed().as_secs_f64();
    let mut rows = vec![
        Row::value(&format!("change: uploads of {count} wheels"), "1/s", uploads),
        Row::value(&format!("change: decisions over {count}"), "1/s", decisions),
    ];
    rows.extend(advisory_to_refusal(&server, programs, count)?);
    Ok(rows)
}

fn advisory_to_refusal(server: &Server, programs: &Programs, count: usize) -> Result<Vec<Row>> {
    let name = format!("bench-fill-{}", count / 2);
    let path = file_path(&server.wait_for(&format!("/pypi/main/simple/{name}/"))?.body)?;
    server.wait_for(&path)?;
    let zip = server.scratch().join("advisory.zip");
    quiet(Command::new(&programs.fill).args(["advisory", "--name", &name, "--out"]).arg(&zip))?;
    let zip = zip.display().to_string();
    let start = Instant::now();
    let (refused, imported) = std::thread::scope(|scope| -> Result<(Duration, Duration)> {
        let poll = scope.spawn(|| -> Result<Duration> {
            while server.request("GET", &path, b"")?.status == 200 {
                if start.elapsed() > Duration::from_secs(120) {
                    bail!("{path} is still served two minutes after the advisory");
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(start.elapsed())
        });
        server.cli(&["feeds", "import", &zip])?;
        let imported = start.elapsed();
        let refused = poll.join().map_err(|_| anyhow::anyhow!("polling panicked"))??;
        Ok((refused, imported))
    })?;
    let after = refused.saturating_sub(imported);
    Ok(vec![
        Row::value("change: import begun to refused pull", "ms", refused.as_secs_f64() * 1000.0),
        Row::value("change: import returned to refused pull", "ms", after.as_secs_f64() * 1000.0),
    ])
}

/// Waits until no decision has been made for a second.
fn settle(server: &Server, metric: &str) -> Result<()> {
    let start = Instant::now();
    let mut last = (server.metric(metric)?, Instant::now());
    while last.1.elapsed() < Duration::from_secs(1) {
        let now = server.metric(metric)?;
        if now > last.0 {
            last = (now, Instant::now());
        }
        if start.elapsed() > Duration::from_secs(600) {
            bail!("the server still decides after ten minutes");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The path of the first file that a simple index links to.
fn file_path(index: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(index);
    let link = text.split("href=\"").nth(1).and_then(|rest| rest.split(['"', '#']).next());
    let link = link.context("the simple index has no link")?;
    let path = match link.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => link,
    };
    if !path.starts_with('/') {
        bail!("the simple index links to {link:?}, which is neither absolute nor a full path");
    }
    Ok(path.to_owned())
}

/// Uploads `names` projects with `versions` versions each, as tiny wheels.
fn fill(programs: &Programs, server: &Server, prefix: &str, names: usize, versions: usize) -> Result<()> {
    let mut command = Command::new(&programs.fill);
    command.args(["wheels", "--url", &server.address(), "--repository", "main", "--prefix", prefix]);
    command.args(["--names", &names.to_string(), "--versions", &versions.to_string()]);
    quiet(command.env("ASSAY_TOKEN", server.token())).map(drop)
}

fn corpus(path: &str) -> Result<PathBuf> {
    let root = std::env::var_os("ASSAY_CORPUS").map_or_else(|| repo::root().join("../shared"), PathBuf::from);
    let path = root.join(path);
    if !path.exists() {
        bail!("test data is not there: {}", path.display());
    }
    Ok(path)
}

/// A real artifact that the tests downloaded.
fn artifact(name: &str) -> Result<PathBuf> {
    let path = repo::tools().join("artifacts").join(name);
    if !path.is_file() {
        bail!("{} is not there: `cargo xtask test` downloads it", path.display());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::file_path;

    #[test]
    fn the_link_of_an_index_is_found() {
        let ok = |html: &str| file_path(html.as_bytes()).ok();
        assert_eq!(ok("<a href=\"/pypi/main/files/a.whl#sha256=0\">a</a>").as_deref(), Some("/pypi/main/files/a.whl"));
        assert_eq!(ok("<a href=\"http://127.0.0.1:1/x/a.whl\">a</a>").as_deref(), Some("/x/a.whl"));
        assert_eq!(ok("<a>none</a>"), None);
    }
}
