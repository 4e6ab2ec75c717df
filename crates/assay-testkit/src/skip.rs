//! Tests that cannot run here say so: quietly passing is how a test that checks nothing is made.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Says on the real standard error, which the test runner does not capture, that something was not tested.
///
/// `cargo xtask test` repeats these lines in its summary.
pub fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {why}");
}

/// A file or folder of the downloaded test data (`ASSAY_CORPUS`, else `../shared` beside the checkout), or `None` and a
/// line that says so.
#[must_use]
pub fn corpus(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ASSAY_CORPUS").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("test data is not there: {}", path.display()));
    None
}

/// The setting of a service that `cargo xtask test` starts (`ASSAY_TEST_POSTGRES`, `ASSAY_TEST_S3`), or `None` and a line
/// that says so.
#[must_use]
pub fn service(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        skipped(&format!("{variable} is not set: use `cargo xtask test` or `cargo xtask env -- COMMAND`"));
    }
    value
}

/// Whether slow tests with real clients are left out (`cargo xtask test --fast`).
#[must_use]
pub fn fast() -> bool {
    std::env::var_os("ASSAY_TEST_FAST").is_some()
}

/// The root of the checkout.
pub(crate) fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}
