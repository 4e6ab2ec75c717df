//! What an import or a fetch brought, as people and programs read it.

use super::aftermath::Aftermath;
use crate::cli::{
    look::{Look, Sheet, Text, Tone, count, harmless, seconds, thousands},
    out::Out,
};
use anyhow::Result;
use assay_engine::{ImportReport, SourceCounts};
use serde::Serialize;
use std::{collections::BTreeMap, process::ExitCode};

/// Reasons and skipped files that are named; the JSON has all.
const SHOWN: usize = 5;

/// One file, or one source's fetch.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Piece {
    /// Which.
    pub(super) name: String,
    /// By source.
    pub(super) sources: BTreeMap<String, SourceCounts>,
    /// Why it could not be imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// How long it took.
    pub(super) seconds: f64,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    /// In the order of import.
    pub(super) files: Vec<Piece>,
    /// Files in directories that are of no source.
    pub(super) skipped: Vec<String>,
    /// The first records that were set aside, with the reason.
    pub(super) set_aside: Vec<String>,
    /// What was not taken back because too much was missing.
    pub(super) held_back: Vec<String>,
    /// What it changed.
    pub(super) change: Aftermath,
}

impl Report {
    pub(super) fn add(&mut self, name: String, seconds: f64, outcome: Result<ImportReport, String>) {
        let (report, error) = match outcome {
            Ok(report) => (report, None),
            Err(error) => (ImportReport::default(), Some(error)),
        };
        self.set_aside.extend(report.set_aside);
        self.held_back.extend(report.held_back.into_iter().map(|why| format!("{name}: {why}")));
        self.files.push(Piece { name, sources: report.sources, error, seconds });
    }

    /// Prints it; the exit code is 1 when a piece could not be imported.
    pub(super) fn print(&self, out: &Out) -> Result<ExitCode> {
        if out.json {
            let totals = self.totals();
            let mut value = serde_json::to_value(self)?;
            if let Some(map) = value.as_object_mut() {
                map.insert("sources".to_owned(), serde_json::to_value(totals)?);
            }
            out.data(&value)?;
        } else {
            out.text(&self.text(out.look))?;
        }
        let failed = self.files.iter().any(|piece| piece.error.is_some());
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn totals(&self) -> BTreeMap<&str, SourceCounts> {
        let mut totals: BTreeMap<&str, SourceCounts> = BTreeMap::new();
        for (source, counts) in self.files.iter().flat_map(|piece| &piece.sources) {
            let total = totals.entry(source).or_default();
            total.new += counts.new;
            total.changed += counts.changed;
            total.withdrawn += counts.withdrawn;
            total.unchanged += counts.unchanged;
            total.bad += counts.bad;
        }
        totals
    }

    pub(super) fn text(&self, look: Look) -> String {
        let mut text = self.table(look);
        for piece in &self.files {
            if let Some(error) = &piece.error {
                text.push_str(&format!("\nfailed: {}: {}", harmless(&piece.name), harmless(error)));
            }
        }
        for one in &self.held_back {
            text.push_str(&format!("\nnot taken back: {}", harmless(one)));
        }
        if !self.set_aside.is_empty() {
            text.push_str("\nset aside, kept for inspection (`assay feeds bad` lists all):");
            for one in self.set_aside.iter().take(SHOWN) {
                text.push_str(&format!("\n  {}", harmless(one)));
            }
        }
        if !self.skipped.is_empty() {
            let files = count(self.skipped.len() as u64, "file", "files");
            let named: Vec<String> = self.skipped.iter().take(SHOWN).map(|name| harmless(name)).collect();
            let more = if self.skipped.len() > SHOWN { ", ..." } else { "" };
            text.push_str(&format!("\npassed over {files} of no known source: {}{more}", named.join(", ")));
        }
        format!("{text}\n{}", self.change.sentence())
    }

    fn table(&self, look: Look) -> String {
        let mut sheet =
            Sheet::new(&["FEED", "SOURCE", ">NEW", ">CHANGED", ">WITHDRAWN", ">UNCHANGED", ">SET ASIDE", ">TIME"]);
        for piece in &self.files {
            if piece.sources.is_empty() {
                let said = if piece.error.is_some() {
                    Text::new("failed", Tone::Bad)
                } else {
                    Text::new("nothing new", Tone::Faint)
                };
                let none = || Text::from("");
                sheet.row([
                    piece.name.as_str().into(),
                    said,
                    none(),
                    none(),
                    none(),
                    none(),
                    none(),
                    time(piece.seconds),
                ]);
            }
            for (source, counts) in &piece.sources {
                sheet.row(line(&piece.name, source, counts, piece.seconds));
            }
        }
        let totals = self.totals();
        if self.files.len() > 1 && totals.len() < self.files.len() {
            for (source, counts) in totals {
                let spent = self.files.iter().filter(|p| p.sources.contains_key(source)).map(|p| p.seconds).sum();
                sheet.row(line("all", source, &counts, spent));
            }
        }
        sheet.render(look)
    }
}

fn line(name: &str, source: &str, counts: &SourceCounts, spent: f64) -> [Text; 8] {
    let bad = if counts.bad > 0 { Tone::Warning } else { Tone::Plain };
    [
        name.into(),
        source.into(),
        thousands(counts.new).into(),
        thousands(counts.changed).into(),
        thousands(counts.withdrawn).into(),
        thousands(counts.unchanged).into(),
        Text::new(thousands(counts.bad), bad),
        time(spent),
    ]
}

fn time(spent: f64) -> Text {
    Text::new(seconds(spent), Tone::Faint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(source: &str, new: u64, bad: u64) -> ImportReport {
        let counts = SourceCounts { new, bad, ..SourceCounts::default() };
        ImportReport { sources: BTreeMap::from([(source.to_owned(), counts)]), ..ImportReport::default() }
    }

    #[test]
    fn an_import_says_what_came_and_what_it_changed() {
        let mut report = Report { skipped: vec!["feeds/README.md".into()], ..Report::default() };
        let odd = ImportReport { set_aside: vec!["X-1.json: the record has no id".into()], ..counts("osv", 7080, 1) };
        report.add("osv/PyPI/all.zip".into(), 2.4, Ok(odd));
        report.add("osv/npm/all.zip".into(), 12.0, Ok(counts("osv", 20_000, 0)));
        report.add("osv/broken.zip".into(), 0.1, Err("the archive is damaged".into()));
        report.change = Aftermath { matched: 3, decided: 2, quarantined: 1, released: 0, seconds: 0.04 };
        insta::assert_snapshot!(report.text(Look::default()));
        assert_eq!(report.totals().get("osv").map(|c| (c.new, c.bad)), Some((27_080, 1)));
    }

    #[test]
    fn a_change_that_touches_nothing_says_so() {
        assert_eq!(Aftermath::default().sentence(), "nothing stored is touched");
    }
}
