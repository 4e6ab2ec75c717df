//! How long a source file may be: people read whole files.

use anyhow::Result;

use crate::repo;

/// Lines above which a file is named in the summary.
const LONG: usize = 500;

/// Lines above which a file has to be divided.
const TOO_LONG: usize = 800;

/// Files that are long, and files that are too long.
///
/// # Errors
/// When the tree cannot be read.
pub fn check() -> Result<(Vec<String>, Vec<String>)> {
    let (mut long, mut too_long) = (Vec::new(), Vec::new());
    for file in repo::rust_files()? {
        let lines = std::fs::read_to_string(repo::root().join(&file))?.lines().count();
        if lines > TOO_LONG {
            too_long.push(format!("{}: {lines} lines, {TOO_LONG} at most: divide it by what it knows", file.display()));
        } else if lines > LONG {
            long.push(format!("{}: {lines} lines, more than {LONG}", file.display()));
        }
    }
    Ok((long, too_long))
}
