//! The simple index as HTML and JSON, and problems and refusals where pip, uv and twine print them: pip the reason
//! phrase, uv the problem details, twine the reason phrase and, when asked for, the body.

mod entry;
pub(super) mod legacy;

use super::{SPEC, kept};
use crate::kit::{answer, html::escape, path::encode_segment};
use assay_model::{
    Kind, Problem,
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use entry::Entry;
use serde_json::{Value, json};

/// The version of the simple API that is spoken: sizes and times (1.1), other homes (1.2), provenance (1.3).
const API: &str = "1.3";

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
    let mut text = head("Simple index", &[("pypi:repository-version", API)]);
    for name in names {
        text.push_str(&format!("<a href=\"{}/\">{}</a><br>\n", encode_segment(name), escape(name)));
    }
    document(shape, text + "</body>\n</html>\n")
}

/// All files of a project.
pub(super) fn project(shape: Shape, view: &PackageView) -> Document {
    let versions = entry::versions(view);
    let entries: Vec<Entry<'_>> =
        versions.iter().flat_map(|(_, version)| entry::entries(&view.name, version)).collect();
    // From 1.1 on each file has its size (PEP 700), which indexes of old upstreams do not tell.
    let api = if entries.iter().all(|entry| entry.size.is_some()) { API } else { "1.0" };
    let (tracks, alternates) = (kept::of_project(view, kept::TRACKS), kept::of_project(view, kept::ALTERNATES));
    if shape == Shape::Json {
        let shown = |version: &&VersionView| entry::entries(&view.name, version).next().is_some();
        let versions = versions.iter().map(|(_, version)| *version).filter(shown);
        let versions: Vec<&str> = versions.map(|version| version.package.at.version.as_str()).collect();
        let files: Vec<Value> = entries.iter().map(Entry::json).collect();
        let mut body = json!({
            "meta": { "api-version": api },
            "name": view.name,
            "versions": versions,
            "files": files,
            "alternate-locations": alternates,
        });
        if !tracks.is_empty() {
            body["meta"]["tracks"] = json!(tracks);
        }
        return document(shape, body.to_string());
    }
    let mut metas = vec![("pypi:repository-version", api)];
    metas.extend(tracks.iter().map(|address| ("pypi:tracks", address.as_str())));
    metas.extend(alternates.iter().map(|address| ("pypi:alternate-locations", address.as_str())));
    let mut text = head(&format!("Links for {}", view.name), &metas);
    text.extend(entries.iter().map(Entry::html));
    document(shape, text + "</body>\n</html>\n")
}

/// Whether the index of this project has addresses to be completed by [`addressed`].
pub(super) fn has_places(view: &PackageView) -> bool {
    let is = |path: &str| path.ends_with(kept::PROVENANCE);
    let of = |version: &VersionView| {
        version.files.iter().any(|file| is(&file.path)) || version.remote.iter().any(|file| is(&file.path))
    };
    view.versions.iter().any(of)
}

/// The document with the addresses that must be absolute as this client reaches them.
pub(super) fn addressed(document: Document, base_url: &str, repository: &str) -> Document {
    let place = format!("{base_url}/{}/{}", SPEC.prefix, encode_segment(repository));
    match std::str::from_utf8(&document.body) {
        Ok(text) => Document { body: text.replace(entry::PLACE, &place).into(), ..document },
        Err(_) => document,
    }
}

fn head(title: &str, metas: &[(&str, &str)]) -> String {
    let title = escape(title);
    let meta = |(name, content): &(&str, &str)| format!("<meta name=\"{name}\" content=\"{}\">\n", escape(content));
    let metas: String = metas.iter().map(meta).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{metas}\
         <title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n"
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

/// What `pip search` prints: a fault of XML-RPC, which it takes for the answer of a registry without search.
pub(super) fn no_search(base_url: &str, repository: &str) -> Answer {
    let words = format!(
        "This registry has no search by XML-RPC, so `pip search` finds nothing here. Search on its pages: \
         {base_url}/ui/packages?repository={} or ask `pip index versions PACKAGE`.",
        encode_segment(repository)
    );
    let body = format!(
        "<?xml version=\"1.0\"?>\n<methodResponse><fault><value><struct>\
         <member><name>faultCode</name><value><int>-32601</int></value></member>\
         <member><name>faultString</name><value><string>{}</string></value></member>\
         </struct></value></fault></methodResponse>\n",
        escape(&words)
    );
    Answer { media_type: "text/xml", ..answer::text(200, body) }
}
