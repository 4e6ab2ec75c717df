//! Exploit prediction scores: the daily CSV of FIRST's EPSS, plain or compressed.
//!
//! The first line is a comment with the day of the model run, the second names the columns. A line that cannot be read
//! is set aside; the rest of the day stands.

use crate::input::{self, Line};
use assay_model::Problem;
use assay_model::score;
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};

/// Unpacked bytes of one day; a real one has 12 MiB.
const MAX_BYTES: u64 = 1 << 30;
/// Bytes of one line; a real one has 40.
const MAX_LINE: usize = 4096;
/// Lines between two reports of progress.
const REPORT_EVERY: u64 = 10_000;

static SPEC: SourceSpec = SourceSpec {
    id: "epss",
    summary: "Exploit prediction scores (FIRST EPSS), daily CSV",
    cadence: 6 * 3600,
    data_license: "EPSS data by FIRST.org, free to use when the source is named",
};

/// The source.
#[derive(Debug)]
pub struct Epss;

impl Source for Epss {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
        (first.starts_with('#') && first.contains("score_date:")) || Columns::read(first).is_some()
    }

    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::one_file(net, base, since))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut content = input::open(file, MAX_BYTES)?;
        let mut next = || input::line(&mut *content, MAX_LINE).map_err(input::failed);
        let (date, columns, published) = head(name, &mut next)?;
        let (mut number, mut bad) = (0, 0);
        while let Some(line) = next()? {
            number += 1;
            let bytes = match &line {
                Line::Whole(bytes) if bytes.is_empty() => continue,
                Line::Whole(bytes) | Line::TooLong(bytes) => bytes,
            };
            match columns.score(&line, &date) {
                Ok(score) => out.epss(score)?,
                Err(reason) => {
                    bad += 1;
                    out.bad(SPEC.id, &format!("{name} row {number}"), reason, bytes)?;
                }
            }
            if number % REPORT_EVERY == 0 {
                out.progress(number, None);
            }
        }
        out.progress(number, Some(number));
        // the daily file has every CVE that has a score; an extract goes without its first line
        if published && bad == 0 && number > 0 { out.whole(&Extent::Epss) } else { Ok(()) }
    }
}

type NextLine<'a> = dyn FnMut() -> Result<Option<Line>, Problem> + 'a;

/// The day, the columns, and whether it is the file as published. A file of a day before the comment existed goes by the day in its name.
fn head(name: &str, next: &mut NextLine<'_>) -> Result<(String, Columns, bool), Problem> {
    let mut text = || -> Result<String, Problem> {
        match next()? {
            Some(Line::Whole(bytes)) => Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned()),
            _ => Err(not_epss("it has no header")),
        }
    };
    let first = text()?;
    let published = first.starts_with('#');
    let (dated, columns) = match first.strip_prefix('#') {
        Some(comment) => {
            let dated = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:")).map(str::to_owned);
            (dated, text()?)
        }
        None => (name.split_once("epss_scores-").map(|(_, rest)| rest.to_owned()), first),
    };
    let date = dated.and_then(|text| day(&text)).ok_or_else(|| not_epss("it does not say of which day it is"))?;
    let columns =
        Columns::read(&columns).ok_or_else(|| not_epss("the columns cve, epss and percentile are not there"))?;
    Ok((date, columns, published))
}

fn not_epss(why: &str) -> Problem {
    Problem::invalid("bad-feed", format!("not an EPSS file: {why}"))
}

/// `YYYY-MM-DD` of a text that begins with a valid one.
fn day(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    day.parse::<jiff::civil::Date>().ok().map(|_| day.to_owned())
}

/// Where the three columns stand.
struct Columns {
    cve: usize,
    epss: usize,
    percentile: usize,
}

impl Columns {
    fn read(header: &str) -> Option<Self> {
        let place = |name| header.trim_end().split(',').position(|column| column.trim() == name);
        Some(Self { cve: place("cve")?, epss: place("epss")?, percentile: place("percentile")? })
    }

    fn score(&self, line: &Line, date: &str) -> Result<score::Epss, &'static str> {
        let Line::Whole(bytes) = line else { return Err("the line is too long") };
        let text = std::str::from_utf8(bytes).map_err(|_| "the line is not UTF-8")?;
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let field = |place: usize| fields.get(place).copied().ok_or("a column is missing");
        let share = |place: usize| match field(place)?.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
            _ => Err("a score is no number from 0 to 1"),
        };
        let cve = field(self.cve)?;
        if !input::is_cve(cve) {
            return Err("the id is no CVE id");
        }
        let (score, percentile) = (share(self.epss)?, share(self.percentile)?);
        Ok(score::Epss { cve: cve.to_owned(), score, percentile, date: date.to_owned() })
    }
}

#[cfg(test)]
mod tests;
