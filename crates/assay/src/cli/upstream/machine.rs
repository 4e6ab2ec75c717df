//! This machine, as formats look for their clients' configuration in it.

use assay_archive::{ArchiveError, Flow, Kind, Limits, walk};
use assay_model::seam::machine::Machine;
use std::{
    env, fs,
    io::{Read as _, Seek as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Largest configuration that is read, in bytes.
const TEXT: u64 = 4 << 20;
/// Longest time that a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The machine itself.
pub(super) struct ThisMachine;

impl Machine for ThisMachine {
    fn variable(&self, name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        env::home_dir().filter(|home| !home.as_os_str().is_empty())
    }

    fn text(&self, path: &Path) -> Option<String> {
        let file = fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|m| m.is_file()))?;
        let mut text = String::new();
        file.take(TEXT).read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let found = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
        all.sort();
        all
    }

    fn archived(&self, archive: &Path, entry: &str) -> Option<String> {
        let file = fs::File::open(archive).ok()?;
        let mut text = None;
        let looked = walk(file, Kind::Zip, Limits::default(), |head, body| {
            if head.path != entry {
                return Ok(Flow::Continue);
            }
            let mut found = String::new();
            body.take(TEXT).read_to_string(&mut found)?;
            text = Some(found);
            Ok::<_, ArchiveError>(Flow::Stop)
        });
        looked.ok().and(text)
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> Option<String> {
        // what a client prints goes to a file: a pipe that nobody empties would stop it
        let mut output = tempfile::tempfile().ok()?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env("COLUMNS", "400")
            .env("NO_COLOR", "1")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output.try_clone().ok()?)
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let began = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return None;
                }
            }
        };
        let mut text = String::new();
        output.rewind().ok()?;
        output.take(TEXT).read_to_string(&mut text).ok()?;
        status.success().then_some(text)
    }
}
