//! `assay version`: the version orders of the ecosystems, for people and scripts.

use super::Context;
use anyhow::{Context as _, Result};
use assay_model::ecosystem::compare_cli;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use std::{
    cmp::Ordering,
    io::{self, BufRead, Read},
    process::ExitCode,
};

/// The longest line that is read from standard input, in bytes.
const MAX_LINE: u64 = 16 << 10;

#[derive(Debug, Subcommand)]
pub(super) enum VersionCommand {
    /// Order two versions of an ecosystem: prints `<`, `=` or `>`. With `-`, reads lines `A < B` and reports the wrong ones
    Compare {
        /// An OSV ecosystem (PyPI, Debian:12), a package URL type (pypi, deb) or a scheme (semver, rpm)
        ecosystem: String,
        /// A version, or `-` to read `A < B`, `A = B` or `A > B` line by line from standard input
        #[arg(allow_hyphen_values = true)]
        a: String,
        /// Another version
        #[arg(allow_hyphen_values = true)]
        b: Option<String>,
    },
}

pub(super) fn run(context: &Context, command: &VersionCommand) -> Result<ExitCode> {
    let VersionCommand::Compare { ecosystem, a, b } = command;
    match (a.as_str(), b) {
        ("-", None) => check(context, ecosystem, &mut io::stdin().lock()),
        (a, Some(b)) => one(context, ecosystem, a, b),
        (_, None) => usage("a second version is missing; `-` alone reads comparisons from standard input"),
    }
}

fn usage(message: &str) -> Result<ExitCode> {
    super::out::note(&format!("error: {message}"));
    Ok(ExitCode::from(2))
}

fn one(context: &Context, ecosystem: &str, a: &str, b: &str) -> Result<ExitCode> {
    let order = match compare_cli(ecosystem, a, b) {
        Ok(order) => sign(order),
        Err(error) => return usage(&error.to_string()),
    };
    if context.out.json {
        context.out.data(&json!({"ecosystem": ecosystem, "a": a, "b": b, "order": order}))?;
    } else {
        context.out.text(order)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}

/// A line that does not hold.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Disagreement {
    line: usize,
    text: String,
    /// What holds instead, or why nothing can be said.
    but: String,
}

fn check(context: &Context, ecosystem: &str, lines: &mut dyn BufRead) -> Result<ExitCode> {
    if let Err(error) = compare_cli(ecosystem, "1.0.0", "1.0.0") {
        return usage(&error.to_string());
    }
    let (read, wrong) = disagreements(ecosystem, lines)?;
    if context.out.json {
        context.out.data(&json!({"ecosystem": ecosystem, "lines": read, "disagreements": wrong}))?;
    } else {
        for one in &wrong {
            context.out.text(&format!("line {}: {}, but {}", one.line, one.text, one.but))?;
        }
        context.out.text(&format!("{read} comparisons, {} disagreements", wrong.len()))?;
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Number of comparisons, and those that do not hold. Empty lines and comments (`#`, `//`) are passed over.
fn disagreements(ecosystem: &str, lines: &mut dyn BufRead) -> Result<(usize, Vec<Disagreement>)> {
    let (mut read, mut wrong) = (0, Vec::new());
    for line in 1.. {
        let mut text = String::new();
        let bytes = lines.take(MAX_LINE).read_line(&mut text).context("standard input cannot be read")?;
        if bytes == 0 {
            break;
        }
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') || text.starts_with("//") {
            continue;
        }
        read += 1;
        if let Some(but) = objection(ecosystem, text) {
            wrong.push(Disagreement { line, text: text.to_owned(), but });
        }
    }
    Ok((read, wrong))
}

/// Why the comparison does not hold.
fn objection(ecosystem: &str, text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [a, operator, b] = words[..] else {
        return Some("a comparison is written `A < B`, `A = B` or `A > B`".to_owned());
    };
    let wanted = match operator {
        "<" => Ordering::Less,
        "=" | "==" => Ordering::Equal,
        ">" => Ordering::Greater,
        other => return Some(format!("{other} is none of `<`, `=` and `>`")),
    };
    match compare_cli(ecosystem, a, b) {
        Ok(order) if order == wanted => None,
        Ok(order) => Some(format!("{a} {} {b}", sign(order))),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn wrong_lines_are_told() {
        let mut text: &[u8] = b"# order\n1.0 < 1.1\n\n1.0 > 1.1\n1.0 = 1.0.0\n1.0\n1.0 ? 2\nx < 1\n";
        let (read, wrong) = disagreements("PyPI", &mut text).unwrap();
        assert_eq!(read, 6);
        let told: Vec<(usize, &str)> = wrong.iter().map(|one| (one.line, one.but.as_str())).collect();
        assert_eq!(told[0], (4, "1.0 < 1.1"));
        assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 6, 7]);
    }
}
