//! Ends of life of products (endoflife.date): the full list of its API, version 1, and the list of its product files, as
//! JSON, plain or compressed.
//!
//! A release cycle whose end has come is an advisory about every version of the cycle: of the operating system itself
//! (under [`end_of_life::ECOSYSTEM`](assay_model::ecosystem::end_of_life::ECOSYSTEM), by the product's name) and of the language packages that the list identifies with
//! it. Distributions' own packages are left out: the distribution supports them as long as it does. An end that is still
//! to come is no advisory yet; the list is fetched daily, so it becomes one on the day.

mod cycle;
mod product;

use crate::input;
use assay_model::Problem;
use assay_model::seam::source::{Cursor, Extent, Fetched, Intel, Net, Source, SourceSpec};
use assay_model::seam::{ReadSeek, Task};
use jiff::civil::Date;
use product::Product;
use serde_json::Value;
use std::io::Read;

/// Unpacked bytes of the list, which is read as one document; a real one has 6 MiB.
const MAX_BYTES: u64 = 128 << 20;

static SPEC: SourceSpec = SourceSpec {
    id: "eol",
    summary: "Ends of life of operating systems, languages and frameworks (endoflife.date), JSON",
    cadence: 24 * 3600,
    data_license: "MIT (endoflife.date)",
};

/// The source.
#[derive(Debug)]
pub struct EndOfLife;

impl Source for EndOfLife {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn recognizes(&self, _name: &str, head: &[u8]) -> bool {
        let head = input::peek(head);
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let list = text.starts_with('[') && text.contains("\"releases\"") && text.contains("\"releaseCycle\"");
        let api = text.starts_with('{') && text.contains("\"schema_version\"") && text.contains("\"eolFrom\"");
        list || api
    }

    /// Unchanged bytes are read again all the same: what they say depends on the day.
    fn fetch<'a>(&'a self, net: &'a dyn Net, base: &'a str, _since: Option<&'a Cursor>) -> Task<'a, Fetched> {
        Box::pin(crate::download::one_file(net, base, None))
    }

    fn parse(&self, name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel) -> Result<(), Problem> {
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        read(name, file, out, today)
    }
}

fn read(name: &str, file: &mut dyn ReadSeek, out: &mut dyn Intel, today: Date) -> Result<(), Problem> {
    let mut bytes = Vec::new();
    input::open(file, MAX_BYTES)?.read_to_end(&mut bytes).map_err(input::failed)?;
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let document: Value = serde_json::from_slice(json)
        .map_err(|error| Problem::invalid("bad-feed", format!("no list of products: {error}")))?;
    let products = document.as_array().or_else(|| document.get("result")?.as_array());
    let products = products
        .ok_or_else(|| Problem::invalid("bad-feed", "no list of products: it has no `result` that is a list"))?;
    let total = products.len() as u64;
    let mut bad = 0;
    for (entry, number) in products.iter().zip(1_u64..) {
        match Product::read(entry) {
            Ok(product) => product.advisories(today).try_for_each(|advisory| {
                let bytes = serde_json::to_vec(&advisory).unwrap_or_default();
                out.advisory(SPEC.id, advisory, &bytes)
            })?,
            Err(reason) => {
                bad += 1;
                out.bad(SPEC.id, &format!("{name} entry {number}"), &reason, entry.to_string().as_bytes())?;
            }
        }
        out.progress(number, Some(total));
    }
    if bad == 0 && total > 0 { out.whole(&Extent::Source(SPEC.id)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
