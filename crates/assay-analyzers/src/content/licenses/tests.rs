//! Recognition of licence texts, on a text of our own and on all texts of the SPDX list in the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use assay_model::license::listed;
use serde_json::Value;

use super::exact::{ANCHOR, Words};
use super::in_text;

const ISC: &str = "Copyright (c) 2026, The Authors

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted,
provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
";

fn told(text: &str) -> Vec<(String, u8)> {
    in_text("LICENSE", text).into_iter().map(|one| (one.expression, one.confidence)).collect()
}

#[test]
fn a_text_is_recognised_whatever_its_form() {
    assert_eq!(told(ISC), [("ISC".to_owned(), 100)]);
    let reformed = ISC.to_lowercase().replace('\n', " \n# ").replace(',', " ,");
    assert_eq!(told(&reformed), [("ISC".to_owned(), 100)]);
    let changed = ISC.replace("whatsoever", "of any kind").replace("WHATSOEVER", "OF ANY KIND");
    let similar = told(&changed);
    assert_eq!((similar.len(), similar[0].0.as_str()), (1, "ISC"), "{similar:?}");
    assert!(similar[0].1 >= 90 && similar[0].1 < 100);
    assert_eq!(
        told("All rights reserved. Nobody may use this for anything at all without asking us before, in writing."),
        []
    );
    assert_eq!(told(""), []);
}

fn corpus() -> Option<BTreeMap<String, Value>> {
    let root = std::env::var_os("ASSAY_CORPUS").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let Ok(file) = File::open(root.join("feeds/spdx/license-details.zip")) else {
        eprintln!("SKIPPED: {} has no feeds/spdx/license-details.zip", root.display());
        return None;
    };
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut all = BTreeMap::new();
    for at in 0..archive.len() {
        let mut text = String::new();
        archive.by_index(at).unwrap().read_to_string(&mut text).unwrap();
        let details: Value = serde_json::from_str(&text).unwrap();
        all.insert(details["licenseId"].as_str().unwrap().to_owned(), details);
    }
    Some(all)
}

#[test]
fn the_texts_of_the_list_are_recognised() {
    let Some(all) = corpus() else { return };
    let current: Vec<_> = all.iter().filter(|(id, _)| listed(id).is_some_and(|one| !one.deprecated)).collect();
    let words = |id: &str| Words::of(all[id]["licenseText"].as_str().unwrap()).len();
    let (mut right, mut exactly, mut wrong) = (0, 0, Vec::new());
    for (id, details) in &current {
        let text = details["licenseText"].as_str().unwrap();
        let found = super::exact::find(&Words::of(text));
        let longest = found.iter().max_by_key(|one| one.words);
        // The list has several identifiers for one text, and texts that contain others.
        let same = |other: &str| {
            other == id.as_str()
                || all[other]["licenseText"] == details["licenseText"]
                || other.replace("-or-later", "-only") == id.replace("-or-later", "-only")
                || other.split('-').next() == id.split('-').next() && words(other).abs_diff(words(id)) < 40
        };
        match longest {
            Some(one) if same(one.id) => {
                right += 1;
                exactly += usize::from(one.id == id.as_str());
            }
            other => wrong.push((id.as_str(), other.map(|one| one.id))),
        }
    }
    eprintln!("{right} of {} texts recognised word by word ({exactly} under their own identifier)", current.len());
    eprintln!("not: {wrong:?}");
    assert!(right * 100 >= current.len() * 90, "{right} of {}", current.len());
}

/// Writes `texts.txt` anew from the templates of the list: `cargo test -p assay-analyzers --lib -- --ignored write_texts`.
#[test]
#[ignore = "writes a source file"]
fn write_texts() {
    let Some(all) = corpus() else { return };
    let mut lines = vec![
        "# Hashes of the templates of the SPDX licence list; see exact.rs. Written by the test `write_texts`."
            .to_owned(),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (id, details) in &all {
        if listed(id).is_none_or(|one| one.deprecated) || id.ends_with("-or-later") {
            continue;
        }
        let segments = segments(details["standardLicenseTemplate"].as_str().unwrap());
        let Some((_, first)) = segments.first() else { continue };
        if segments.iter().map(|(_, text)| Words::of(text).len()).sum::<usize>() < 12 {
            continue;
        }
        let first = Words::of(first);
        let mut line = format!("{:x}", first.hash(0, first.len().min(ANCHOR)).unwrap());
        for (at, (gap, text)) in segments.iter().enumerate() {
            let words = Words::of(text);
            let gap = if at == 0 { 0 } else { *gap };
            line += &format!(" {gap}:{}:{:x}", words.len(), words.hash(0, words.len()).unwrap());
        }
        if seen.insert(line.clone()) {
            lines.push(format!("{id} {line}"));
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/content/licenses/texts.txt");
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// The fixed parts of a template, each with how many other words may stand before it.
fn segments(template: &str) -> Vec<(usize, String)> {
    let mut segments: Vec<(usize, String)> = Vec::new();
    let (mut fixed, mut gap, mut depth) = (String::new(), 0, 0);
    let mut rest = template;
    let mut close = |fixed: &mut String, gap: &mut usize| {
        let count = Words::of(fixed).len();
        // A word or two between two variable parts: as if they were variable too.
        if count < 3 {
            *gap += count;
        } else {
            segments.push((*gap, std::mem::take(fixed)));
            *gap = 0;
        }
        fixed.clear();
    };
    while let Some(at) = rest.find("<<") {
        let (text, mark) = rest.split_at(at);
        if depth == 0 {
            fixed += text
        } else {
            gap += Words::of(text).len()
        }
        let end = mark.find(">>").map_or(mark.len(), |end| end + 2);
        let inside = &mark[2..end.saturating_sub(2).max(2)];
        if depth == 0 {
            close(&mut fixed, &mut gap);
        }
        if inside.starts_with("beginOptional") {
            depth += 1;
        } else if inside.starts_with("endOptional") {
            depth -= 1;
        } else {
            let is_list_mark = inside.contains("name=\"bullet") || inside.contains(r#"match=".{0,20}""#);
            gap += if is_list_mark { 3 } else { 40 };
        }
        rest = &mark[end..];
    }
    fixed += rest;
    close(&mut fixed, &mut gap);
    segments
}
