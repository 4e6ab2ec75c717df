//! OpenSSF Scorecard: results in the tool's JSON form (one, a list, or one per line), histories as the scorecard monitor
//! keeps them, and the public API's answer for each source repository that stored packages name.

mod fetch;
mod history;
mod result;

use crate::input;
use assay_model::{
    Problem,
    seam::{
        ReadSeek, Task,
        source::{AsksAbout, Cursor, Fetched, Intel, Net, Source, SourceSpec},
    },
};
use serde_json::Value;
use std::io::Read;

/// Unpacked bytes of a file, which is read as one document.
const MAX_BYTES: u64 = 256 << 20;

static SPEC: SourceSpec = SourceSpec {
    id: "scorecard",
    summary: "OpenSSF Scorecard of source repositories: results, histories, or the public API, JSON",
    cadence: 3600,
    data_license: "CDLA-Permissive-2.0 (OpenSSF)",
};

/// The source.
#[derive(Debug)]
pub struct Scorecards;

impl Source for Scorecards {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let has = |marks: &[&str]| marks.iter().all(|mark| text.contains(mark));
        let result = has(&["\"repo\"", "\"scorecard\"", "\"score\""]);
        let history = text.starts_with("{") && has(&["\"score\"", "\"commit\"", "\"date\""]) && history::begins(text);
        (text.starts_with(['{', '[']) && result) || history
    }

    /// Nothing is known to ask about.
    fn fetch<'a>(&'a self, _: &'a dyn Net, _: &'a str, _: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(async { Ok(Fetched::Unchanged) })
    }

    fn fetch_about<'a>(
        &'a self,
        net: &'a dyn Net,
        base: &'a str,
        since: Option<&'a Cursor>,
        about: &'a [String],
    ) -> Task<'a, Fetched> {
        Box::pin(fetch::fetch(net, base, since, about, jiff::Timestamp::now()))
    }

    fn asks_about(&self) -> Option<AsksAbout> {
        Some(AsksAbout::Repositories)
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let mut bytes = Vec::new();
        input::open(file, MAX_BYTES)?.read_to_end(&mut bytes).map_err(input::failed)?;
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(json).into_iter().collect();
        let documents = documents.map_err(|e| Problem::invalid("bad-feed", format!("{name} is no scorecard: {e}")))?;
        let mut number = 0;
        for document in documents {
            let entries = match document {
                Value::Array(list) => list,
                other if history::is_one(&other) => {
                    number += history::tell(&other, out)?;
                    continue;
                }
                other => vec![other],
            };
            for entry in &entries {
                number += 1;
                match result::read(entry) {
                    Ok(card) => out.scorecard(card)?,
                    Err(why) => {
                        let kept = entry.to_string();
                        let kept = &kept.as_bytes()[..kept.len().min(input::KEPT_BYTES)];
                        out.bad(SPEC.id, &format!("{name} entry {number}"), &why, kept)?;
                    }
                }
            }
        }
        out.progress(number, Some(number));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
