//! How fast files are searched, and what is found in one: `cargo run --release --example content [FILE...]`.
//!
//! Without files, the search for secrets is measured on text without any, and the recognition of licences on one text.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used, reason = "an example")]

use std::fs::File;
use std::io::{Cursor, Write};
use std::time::Instant;

use assay_analyzers::{Selection, StandardInspector};
use assay_archive::Limits;
use assay_model::seam::inspector::Inspector;

const WORDS: [&str; 24] = [
    "let",
    "value",
    "=",
    "self.items",
    ".iter()",
    "return",
    "the",
    "key",
    "of",
    "a",
    "skill",
    "if",
    "(",
    ")",
    "{",
    "}",
    "function",
    "password",
    "import",
    "global",
    "x1",
    "0x3f,",
    "\"text\"",
    "// comment",
];

fn main() {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        return measure();
    }
    let inspector = StandardInspector::new(Limits::default());
    for path in files {
        let size = std::fs::metadata(&path).unwrap().len();
        let begin = Instant::now();
        let found = inspector.file(&path, size, &mut File::open(&path).unwrap()).unwrap();
        println!("{path}: {:?}, {} files, {} secrets", begin.elapsed(), found.files_seen, found.secrets.len());
        for one in &found.secrets {
            println!("  {} {}:{} {}", one.rule, one.path, one.first_line, one.matched);
        }
        for one in &found.licenses {
            println!("  {} {} {}% {:?} {:?}", one.path, one.expression, one.confidence, one.class, one.evidence);
        }
    }
}

/// Lines of code-like text, the same each time.
fn text(bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 100);
    let mut state = 88_172_645_463_325_252_u64;
    while out.len() < bytes {
        for _ in 0..10 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = usize::try_from(state % WORDS.len() as u64).unwrap();
            write!(out, "{} ", WORDS[at]).unwrap();
        }
        out.push(b'\n');
    }
    out
}

fn measure() {
    let secrets = Selection { secrets: true, licenses: false, reads: Vec::new(), ..Selection::default() };
    let nothing = Selection { secrets: false, licenses: false, reads: Vec::new(), ..Selection::default() };
    let text = text(64 << 20);
    for (name, selection) in [("start-up", secrets.clone()), ("secrets", secrets), ("nothing", nothing)] {
        let inspector = StandardInspector::new(Limits::default()).selecting(selection);
        let bytes = if name == "start-up" { &text[..100] } else { &text[..] };
        let begin = Instant::now();
        let found = inspector.file("main.rs", bytes.len() as u64, &mut Cursor::new(bytes)).unwrap();
        let took = begin.elapsed();
        let rate = bytes.len() as f64 / took.as_secs_f64() / 1e6;
        println!("{name}: {} bytes in {took:?}, {rate:.0} MB/s, {} found", bytes.len(), found.secrets.len());
    }
    let licenses = StandardInspector::new(Limits::default());
    let own = "Redistribution and use in any form are permitted, with or without changes, by all who ask. ".repeat(20);
    for round in ["first", "second"] {
        let begin = Instant::now();
        licenses.file("LICENSE", own.len() as u64, &mut Cursor::new(own.as_bytes())).unwrap();
        println!("licence text of no known form, {round} time: {:?}", begin.elapsed());
    }
}
