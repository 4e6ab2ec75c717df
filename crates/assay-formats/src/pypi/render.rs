//! The simple index as HTML and JSON, and problems and refusals where pip, uv and twine print them: pip the reason
//! phrase, uv the problem details, twine the reason phrase and, when asked for, the body.

use super::inspect::metadata_path;
use crate::kit::{answer, html::escape, path::encode_segment};
use assay_model::{
    Kind, Problem,
    package::{File, Role},
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use pep440_rs::Version;
use serde_json::{Value, json};
use std::str::FromStr;

/// The version of the simple API that is spoken (PEP 700 and its fields).
const API: &str = "1.1";

const JSON: &str = "application/vnd.pypi.simple.v1+json";
const HTML: &str = "application/vnd.pypi.simple.v1+html";

/// The two forms of the index; HTML under either of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    PlainHtml,
    Html,
    Json,
}

impl Shape {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::PlainHtml => "text/html; charset=utf-8",
            Self::Html => HTML,
            Self::Json => JSON,
        }
    }
}

/// Media types that can be asked for, best first for a client that does not care (PEP 691).
pub(super) const OFFERS: [(&str, Shape); 6] = [
    ("text/html", Shape::PlainHtml),
    (HTML, Shape::Html),
    (JSON, Shape::Json),
    ("application/vnd.pypi.simple.latest+html", Shape::Html),
    ("application/vnd.pypi.simple.latest+json", Shape::Json),
    ("application/json", Shape::Json),
];

/// The list of projects; names are normalised.
pub(super) fn projects(shape: Shape, names: &[String]) -> Document {
    if shape == Shape::Json {
        let projects: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        return document(shape, json!({ "meta": { "api-version": API }, "projects": projects }).to_string());
    }
    let mut text = head("Simple index");
    for name in names {
        text.push_str(&format!("<a href=\"{}/\">{}</a><br>\n", encode_segment(name), escape(name)));
    }
    document(shape, text + "</body>\n</html>\n")
}

/// All files of a project.
pub(super) fn project(shape: Shape, view: &PackageView) -> Document {
    let mut versions: Vec<(Version, &VersionView)> = view
        .versions
        .iter()
        .filter_map(|version| Some((Version::from_str(&version.package.at.version).ok()?, version)))
        .collect();
    versions.sort_by(|(a, _), (b, _)| a.cmp(b));
    let entries = versions.iter().flat_map(|(_, version)| {
        let files = version.files.iter().filter(|file| file.role == Some(Role::File));
        files.map(|file| Entry::new(&view.name, version, file))
    });
    if shape == Shape::Json {
        let files: Vec<Value> = entries.map(|entry| entry.json()).collect();
        let versions: Vec<&str> = versions.iter().map(|(_, v)| v.package.at.version.as_str()).collect();
        let body = json!({
            "meta": { "api-version": API },
            "name": view.name,
            "versions": versions,
            "files": files,
        });
        return document(shape, body.to_string());
    }
    let mut text = head(&format!("Links for {}", view.name));
    text.extend(entries.map(|entry| entry.html()));
    document(shape, text + "</body>\n</html>\n")
}

/// One file as the index shows it.
struct Entry<'a> {
    file: &'a File,
    /// Relative to the project's page, so that it holds behind any proxy.
    url: String,
    metadata_sha256: Option<&'a str>,
    requires_python: Option<&'a str>,
    yanked: Option<&'a str>,
    uploaded: String,
}

impl<'a> Entry<'a> {
    fn new(name: &str, version: &'a VersionView, file: &'a File) -> Self {
        let beside = metadata_path(&file.path);
        let metadata = version.files.iter().find(|other| other.path == beside);
        let time = version.package.published_at.unwrap_or(file.uploaded_at);
        Self {
            file,
            url: format!("../../files/{}/{}", encode_segment(name), encode_segment(&file.path)),
            metadata_sha256: metadata.map(|metadata| metadata.digest.hex()),
            requires_python: file.metadata.get("requires_python").and_then(Value::as_str),
            yanked: version.blocked.as_deref(),
            uploaded: time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        }
    }

    fn json(&self) -> Value {
        let mut hashes = json!({ "sha256": self.file.digest.hex() });
        if let (Some(md5), Value::Object(all)) = (self.file.hashes.get("md5"), &mut hashes) {
            all.insert("md5".into(), md5.as_str().into());
        }
        let core = self.metadata_sha256.map_or(Value::Bool(false), |hex| json!({ "sha256": hex }));
        let mut entry = json!({
            "filename": self.file.path,
            "url": self.url,
            "hashes": hashes,
            "size": self.file.size,
            "upload-time": self.uploaded,
            "yanked": self.yanked.map_or(Value::Bool(false), Value::from),
            "core-metadata": core,
            "dist-info-metadata": core,
        });
        if let (Some(range), Value::Object(fields)) = (self.requires_python, &mut entry) {
            fields.insert("requires-python".into(), range.into());
        }
        entry
    }

    fn html(&self) -> String {
        let mut attributes = String::new();
        let mut attribute = |name: &str, value: &str| {
            attributes.push_str(&format!(" {name}=\"{}\"", escape(value)));
        };
        if let Some(range) = self.requires_python {
            attribute("data-requires-python", range);
        }
        if let Some(hex) = self.metadata_sha256 {
            attribute("data-dist-info-metadata", &format!("sha256={hex}"));
            attribute("data-core-metadata", &format!("sha256={hex}"));
        }
        if let Some(why) = self.yanked {
            attribute("data-yanked", why);
        }
        let href = escape(&self.url);
        let hex = self.file.digest.hex();
        format!("<a href=\"{href}#sha256={hex}\"{attributes}>{}</a><br>\n", escape(&self.file.path))
    }
}

fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"pypi:repository-version\" content=\"{API}\">\n<title>{title}</title>\n</head>\n<body>\n\
         <h1>{title}</h1>\n"
    )
}

fn document(shape: Shape, body: String) -> Document {
    let headers = vec![("Vary", "Accept".to_owned())];
    Document { media_type: shape.media_type().to_owned(), body: body.into(), headers }
}

pub(super) fn problem(problem: &Problem) -> Answer {
    // Publishers look for this status together with the words "already exists".
    let exists = problem.kind == Kind::Conflict && problem.code == "file-exists";
    let status = if exists { 400 } else { answer::status(problem.kind) };
    Answer { reason: Some(answer::reason(&problem.message)), ..answer::problem_json(status, problem) }
}

pub(super) fn refusal(refusal: &Refusal) -> Answer {
    Answer { reason: Some(answer::reason(&refusal.sentence())), ..answer::refusal_json(refusal) }
}
