//! SPDX 2.2 and 2.3 as tag-value: the same records as its JSON. Read line by line.

use std::io::{BufRead, BufReader, Read};

use assay_model::problem::Problem;

use super::bom::{Bom, EDGES, ITEMS};
use super::json::Document;
use super::lenient::Text;
use super::spdx2::{self, Annotation, Checksum, ExternalRef, Extracted, File, Package, Relationship};
use crate::part::{LIMIT, corrupt};

/// The longest line that is read.
const LINE: u64 = 1 << 20;
/// The longest text over several lines that is kept; of longer ones the beginning is.
const TEXT: usize = 64 << 10;

/// Whether bytes begin as such a document does.
pub(super) fn is_one(first: &[u8]) -> bool {
    let text = String::from_utf8_lossy(first.get(..first.len().min(4096)).unwrap_or_default());
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')).is_some_and(|line| line.starts_with("SPDXVersion:"))
}

pub(super) fn read(bytes: impl Read) -> Result<Bom, Problem> {
    let mut reader = Tags::default();
    let mut lines = BufReader::new(bytes);
    let mut open: Option<(String, String)> = None;
    let mut raw = Vec::new();
    loop {
        raw.clear();
        let read = (&mut lines).take(LINE).read_until(b'\n', &mut raw);
        let read = read.map_err(|error| Problem::internal("the document cannot be read", error))?;
        if read == 0 {
            break;
        }
        if read as u64 == LINE && raw.last() != Some(&b'\n') {
            return Err(Problem::invalid(LIMIT, "a line is longer than 1 MiB"));
        }
        let line = String::from_utf8_lossy(&raw);
        let line = line.trim_end_matches(['\n', '\r']);
        match open.take() {
            Some((tag, mut text)) => match line.split_once("</text>") {
                Some((last, _)) => {
                    append(&mut text, last);
                    reader.tag(&tag, &text);
                }
                None => {
                    append(&mut text, line);
                    open = Some((tag, text));
                }
            },
            None => open = start(&mut reader, line),
        }
    }
    if open.is_some() {
        return Err(corrupt("a text has no end"));
    }
    reader.finish()
}

fn append(text: &mut String, line: &str) {
    if text.len() + line.len() < TEXT {
        text.push('\n');
        text.push_str(line);
    }
}

/// A line with a tag; what is returned goes on in the next line.
fn start(reader: &mut Tags, line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (tag, value) = line.split_once(':')?;
    let (tag, value) = (tag.trim(), value.trim());
    let Some(rest) = value.strip_prefix("<text>") else {
        reader.tag(tag, value);
        return None;
    };
    match rest.split_once("</text>") {
        Some((text, _)) => reader.tag(tag, text),
        None => return Some((tag.to_owned(), rest.to_owned())),
    }
    None
}

/// Which section the tags belong to.
#[derive(Default, PartialEq)]
enum Section {
    #[default]
    Document,
    Package,
    File,
    License,
    /// Snippets and whatever else has no packages.
    Other,
}

#[derive(Default)]
struct Tags {
    document: Document,
    section: Section,
    annotator: String,
    about: String,
}

impl Tags {
    fn tag(&mut self, tag: &str, value: &str) {
        let text = || Text(value.to_owned());
        match tag {
            "SPDXVersion" => self.document.spdx_version = text(),
            "DocumentName" => self.document.name = text(),
            "PackageName" => self.begin_package(value),
            "FileName" => {
                self.section = Section::File;
                if self.document.files.all.len() < ITEMS {
                    self.document.files.all.push(File::default());
                }
            }
            "LicenseID" => {
                self.section = Section::License;
                let licence = Extracted { id: text(), ..Extracted::default() };
                self.document.extracted.all.push(licence);
                self.document.extracted.all.truncate(10_000);
            }
            "SnippetSPDXID" => self.section = Section::Other,
            "Relationship" => self.relationship(value),
            "Annotator" => self.annotator = value.to_owned(),
            "SPDXREF" => self.about = value.to_owned(),
            "AnnotationComment" => self.annotation(value),
            _ => self.of_section(tag, value),
        }
    }

    fn begin_package(&mut self, name: &str) {
        self.section = Section::Package;
        if self.document.packages.all.len() >= ITEMS {
            self.document.packages.more += 1;
            self.section = Section::Other;
            return;
        }
        self.document.packages.all.push(Package { name: name.into(), ..Package::default() });
    }

    fn of_section(&mut self, tag: &str, value: &str) {
        match self.section {
            Section::Package => {
                if let Some(package) = self.document.packages.all.last_mut() {
                    of_package(package, tag, value);
                }
            }
            Section::License => {
                if let Some(licence) = self.document.extracted.all.last_mut() {
                    match tag {
                        "LicenseName" => licence.name = value.into(),
                        "ExtractedText" => licence.text = value.into(),
                        _ => {}
                    }
                }
            }
            Section::Document | Section::File | Section::Other => {}
        }
    }

    fn relationship(&mut self, value: &str) {
        let mut parts = value.split_whitespace();
        let (Some(from), Some(kind), Some(to)) = (parts.next(), parts.next(), parts.next()) else { return };
        if self.document.relationships.all.len() < EDGES {
            let one = Relationship { from: from.into(), kind: kind.into(), to: to.into() };
            self.document.relationships.all.push(one);
        }
    }

    /// Annotations name what they are about; ours stand right after it.
    fn annotation(&mut self, comment: &str) {
        let one = Annotation { annotator: self.annotator.as_str().into(), comment: comment.into() };
        if self.about == "SPDXRef-DOCUMENT" {
            return self.document.annotations.all.push(one);
        }
        let about = &self.about;
        let last = self.document.packages.all.last_mut().filter(|package| *package.id == **about);
        if let Some(package) = last.filter(|package| package.annotations.all.len() < 10_000) {
            package.annotations.all.push(one);
        }
    }

    fn finish(self) -> Result<Bom, Problem> {
        if !self.document.spdx_version.starts_with("SPDX-2") {
            return Err(corrupt("this is no SPDX document of version 2"));
        }
        Ok(spdx2::read(self.document))
    }
}

fn of_package(package: &mut Package, tag: &str, value: &str) {
    let text = || Text(value.to_owned());
    match tag {
        "SPDXID" => package.id = text(),
        "PackageVersion" => package.version = text(),
        "PackageSupplier" => package.supplier = text(),
        "PackageOriginator" => package.originator = text(),
        "PackageSummary" => package.summary = text(),
        "PrimaryPackagePurpose" => package.purpose = text(),
        "PackageSourceInfo" => package.source_info = text(),
        "PackageLicenseDeclared" => package.declared = text(),
        "PackageLicenseConcluded" => package.concluded = text(),
        "PackageAttributionText" => package.attributions.all.push(text()),
        "PackageChecksum" => {
            if let Some((algorithm, value)) = value.split_once(':') {
                package.checksums.all.push(Checksum { algorithm: algorithm.into(), value: value.trim().into() });
            }
        }
        "ExternalRef" => {
            let mut parts = value.split_whitespace().skip(1);
            if let (Some(kind), Some(locator)) = (parts.next(), parts.next()) {
                package.external.all.push(ExternalRef { kind: kind.into(), locator: locator.into() });
            }
        }
        _ => {}
    }
}
