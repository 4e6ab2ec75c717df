//! Standard output and standard error: results go to the one, notes to the other. A reader that goes away is no failure.

use super::look::Look;
use anyhow::Result;
use serde::Serialize;
use std::{
    fmt,
    io::{self, ErrorKind, IsTerminal, Write},
};

/// Nobody reads our output any more.
#[derive(Debug)]
pub(super) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the output went away")
    }
}

impl std::error::Error for ReaderGone {}

/// Where results go and how they look.
#[derive(Clone, Debug)]
pub(super) struct Out {
    /// Whether data is wanted instead of tables.
    pub(super) json: bool,
    /// How tables look.
    pub(super) look: Look,
}

impl Out {
    pub(super) fn new(json: bool) -> Self {
        Self { json, look: Look::of_stdout() }
    }

    /// Prints text, ended by one line feed.
    pub(super) fn text(&self, text: &str) -> Result<()> {
        self.bytes(text.trim_end_matches('\n').as_bytes())?;
        self.bytes(b"\n")
    }

    /// Prints data, indented.
    pub(super) fn data(&self, value: &impl Serialize) -> Result<()> {
        self.text(&serde_json::to_string_pretty(value)?)
    }

    /// Prints data on one line.
    pub(super) fn line_of_data(&self, value: &impl Serialize) -> Result<()> {
        self.text(&serde_json::to_string(value)?)
    }

    fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
            outcome => Ok(outcome?),
        }
    }
}

/// Tells something beside the result.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether a person watches standard error, so that progress can be drawn.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}
