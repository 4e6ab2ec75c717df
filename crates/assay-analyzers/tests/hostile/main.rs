//! A corpus of hostile files, made in code: bombs, circles, numbers that lie, texts that are slow to read.
//!
//! Each goes through the inspector in a process of its own whose address space is bounded, so that a crash, a stack that
//! overflows or an allocation beyond all bounds is told by name. What is asserted: it ends, within its time; what it says
//! is an error or an inventory, and what it took of memory is bounded by the limits and not by what the file claims.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod archives;
mod binaries;
mod documents;
mod images;
mod make;
mod traps;

use std::io::Cursor;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use assay_analyzers::StandardInspector;
use assay_archive::Limits;
use assay_model::Problem;
use assay_model::inventory::Inventory;
use assay_model::seam::inspector::Inspector;

/// Bytes of resident memory that one file may add, whatever it is.
const MEMORY: u64 = 400 << 20;
/// Address space of the process: what is asked for and never touched counts, too.
const ADDRESSES: u64 = 2 << 30;
const DEADLINE: Duration = Duration::from_secs(20);
const CASE: &str = "ASSAY_HOSTILE_CASE";

/// A hostile file.
pub struct Case {
    name: String,
    place: Place,
    make: Box<dyn Fn() -> Vec<u8>>,
}

#[derive(Clone)]
enum Place {
    /// The artifact itself, under this name.
    File(&'static str),
    /// A layer, or the root of a file system.
    Layer,
    /// A file at this path of a file system, where every analyzer is asked.
    Tree(&'static str),
    /// A tar of a project.
    Project,
}

impl Case {
    fn new(name: &str, place: Place, make: impl Fn() -> Vec<u8> + 'static) -> Self {
        Self { name: name.to_owned(), place, make: Box::new(make) }
    }
    pub fn file(name: &str, file: &'static str, make: impl Fn() -> Vec<u8> + 'static) -> Self {
        Self::new(name, Place::File(file), make)
    }
    pub fn layer(name: &str, make: impl Fn() -> Vec<u8> + 'static) -> Self {
        Self::new(name, Place::Layer, make)
    }
    pub fn tree(name: &str, path: &'static str, make: impl Fn() -> Vec<u8> + 'static) -> Self {
        Self::new(name, Place::Tree(path), make)
    }
    pub fn project(name: &str, make: impl Fn() -> Vec<u8> + 'static) -> Self {
        Self::new(name, Place::Project, make)
    }
}

fn cases() -> Vec<Case> {
    let mut all = archives::cases();
    all.extend(images::cases());
    all.extend(binaries::cases());
    all.extend(documents::cases());
    all.extend(traps::cases());
    all
}

fn limits() -> Limits {
    Limits::default()
        .with_entries(20_000)
        .with_entry_bytes(64 << 20)
        .with_total_bytes(128 << 20)
        .with_metadata_bytes(8 << 20)
        .with_depth(6)
        .with_deadline(DEADLINE)
}

#[test]
fn none_of_them_takes_more_than_its_limits() {
    let only = std::env::var("ASSAY_HOSTILE_ONLY").unwrap_or_default();
    let names: Vec<String> = cases().into_iter().map(|case| case.name).filter(|name| name.contains(&only)).collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failed.lock().unwrap().extend(alone(name));
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} hostile files:\n{}", failed.len(), failed.join("\n"));
}

/// Runs one case in a process of its own; what is wrong with it, if something is.
fn alone(name: &str) -> Option<String> {
    let program = std::env::current_exe().unwrap();
    let limited = format!("ulimit -v {}; exec \"$0\" --exact one --ignored --nocapture", ADDRESSES >> 10);
    let ran = Command::new("sh").arg("-c").arg(limited).arg(program).env(CASE, name).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("hostile ")).collect();
    eprintln!("{}", lines.join("\n"));
    let why = String::from_utf8_lossy(&ran.stderr).lines().take(8).collect::<Vec<_>>().join("\n    ");
    (!ran.status.success() || lines.is_empty()).then(|| format!("{name}: {}\n    {why}", ran.status))
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<String> = cases().into_iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases().len());
}

/// The process of one case.
#[test]
#[ignore = "started by the test above, a process a file"]
fn one() {
    let Ok(name) = std::env::var(CASE) else { return };
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    let bytes = (case.make)();
    for (how, look) in ways(&case.place, &bytes) {
        let before = forget_peak();
        let begun = spent();
        let said = look();
        let took = spent().saturating_sub(begun);
        let added = peak().saturating_sub(before);
        println!(
            "hostile {name} ({how}): {} KiB in, {} MiB, {} ms, {}",
            bytes.len() >> 10,
            added >> 20,
            took.as_millis(),
            told(&said)
        );
        assert!(took < 2 * DEADLINE, "{name} ({how}) took {took:?}");
        assert!(added < MEMORY, "{name} ({how}) took {} MiB", added >> 20);
        if let Ok(inventory) = said {
            assert!(inventory.components.len() <= 1_000_000, "{name} ({how}) gave {}", inventory.components.len());
        }
    }
}

/// What this process has had of processors, with all threads that it has or had, so that others that are busy do not count
/// and work that is handed to a thread does; wall-clock time where the system does not tell.
fn spent() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/self/stat").ok();
    told.as_deref().and_then(processor_time).unwrap_or_else(|| START.elapsed())
}

/// Time in user and kernel mode of a line of `/proc/<pid>/stat` (fields 14 and 15, in hundredths of a second).
fn processor_time(line: &str) -> Option<Duration> {
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = line.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

#[test]
fn what_other_threads_do_counts() {
    assert_eq!(processor_time("7 (a) b) R 1 2 3 4 5 6 7 8 9 10 150 25 0 0"), Some(Duration::from_millis(1750)));
    assert_eq!(processor_time("7 (a) R 1"), None);
    let before = spent();
    let busy = std::thread::spawn(|| {
        let (start, mut sum) = (Instant::now(), 0_u64);
        // Until the system has counted it, however little of a processor this thread gets.
        let spent_by_now = || std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let enough = |text: String| {
            text.split_ascii_whitespace().next().and_then(|n| n.parse::<u64>().ok()).is_none_or(|n| n > 60_000_000)
        };
        while start.elapsed() < Duration::from_secs(60) && !enough(spent_by_now()) {
            sum = (0..100_000).fold(sum, u64::wrapping_add);
        }
        sum
    });
    std::hint::black_box(busy.join().unwrap());
    assert!(spent() > before, "a thread that has ended is counted");
}

type Look<'a> = Box<dyn Fn() -> Result<Inventory, Problem> + 'a>;

/// Every way in which the file can be met.
fn ways<'a>(place: &Place, bytes: &'a [u8]) -> Vec<(&'static str, Look<'a>)> {
    let inspector = || StandardInspector::new(limits());
    let file = move |name: &'static str, bytes: &'a [u8]| -> Look<'a> {
        Box::new(move || inspector().file(name, bytes.len() as u64, &mut Cursor::new(bytes)))
    };
    match place.clone() {
        Place::File(name) => vec![
            ("file", file(name, bytes)),
            ("in a layer", Box::new(move || inspector().layer(&mut make::raw_file(name, bytes)))),
        ],
        Place::Layer => vec![
            ("layer", Box::new(move || inspector().layer(&mut Cursor::new(bytes)))),
            ("root", file("root.tar", bytes)),
        ],
        Place::Project => vec![("project", file("project.tar", bytes))],
        Place::Tree(path) => {
            let in_a_directory: Look<'a> = Box::new(move || {
                let folder = tempfile::tempdir().unwrap();
                let to = folder.path().join(path);
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::write(to, bytes).unwrap();
                inspector().directory(folder.path())
            });
            // What an operating system keeps means nothing by itself.
            let alone = (!path.contains('/')).then(|| ("alone", file(path, bytes)));
            std::iter::once(("in a directory", in_a_directory)).chain(alone).collect()
        }
    }
}

fn told(said: &Result<Inventory, Problem>) -> String {
    match said {
        Ok(found) => {
            let reasons: std::collections::BTreeSet<&str> =
                found.skipped.iter().map(|one| one.reason.as_str()).collect();
            format!("{} found, skipped for {reasons:?}", found.components.len())
        }
        Err(problem) => format!("refused: {}", problem.code),
    }
}

/// Resident bytes now; the peak is counted from here on.
fn forget_peak() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
}
