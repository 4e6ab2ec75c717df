//! Lists, `.info` documents, and problems and refusals as `go` prints them: the first lines of a body in plain text.

use super::{
    SPEC, inspect,
    names::{self, Version},
};
use crate::kit::{answer, path::encode_segment};
use assay_model::{
    Problem,
    refusal::Refusal,
    seam::format::{Answer, Document},
    view::{PackageView, VersionView},
};
use jiff::Timestamp;
use serde_json::json;

/// Path on this server of a module's file.
pub(super) fn location(repository: &str, module: &str, file: &str) -> String {
    let (version, extension) = file.rsplit_once('.').unwrap_or((file, "zip"));
    let (module, version) = (names::escape(module), names::escape(version));
    format!("/{}/{}/{module}/@v/{version}.{extension}", SPEC.prefix, encode_segment(repository))
}

/// Versions that may be had, in their order; those that no list has are left out.
fn open(view: &PackageView) -> Vec<(Version, &VersionView)> {
    let open = view.versions.iter().filter(|version| version.blocked.is_none());
    let mut open: Vec<(Version, &VersionView)> =
        open.filter_map(|version| Some((Version::parse(&version.package.at.version).ok()?, version))).collect();
    open.sort_by(|(a, _), (b, _)| a.compare(b));
    open
}

/// `@v/list`: a line a version, without pseudo-versions and without what is blocked.
pub(super) fn list(view: &PackageView) -> Document {
    let listed = open(view).into_iter().filter(|(version, _)| version.pseudo_time().is_none());
    let body: String = listed.map(|(version, _)| format!("{}\n", version.as_str())).collect();
    document("text/plain; charset=utf-8", body)
}

/// `@latest`: the newest release, else the newest pre-release, else the pseudo-version of the newest commit; nothing
/// where all are blocked.
pub(super) fn latest(view: &PackageView) -> Option<&VersionView> {
    let open = open(view);
    let newest = |wanted: &dyn Fn(&Version) -> bool| open.iter().rev().find(|(v, _)| wanted(v)).map(|(_, view)| *view);
    newest(&|version| !version.is_prerelease())
        .or_else(|| newest(&|version| version.pseudo_time().is_none()))
        .or_else(|| open.iter().max_by_key(|(version, _)| version.pseudo_time()).map(|(_, view)| *view))
}

/// When a version was published, where that is known. A pseudo-version says it itself.
pub(super) fn time(version: &VersionView) -> Option<Timestamp> {
    let package = &version.package;
    let own = Version::parse(&package.at.version).ok().and_then(|version| version.pseudo_time());
    let stored = (!version.files.is_empty()).then_some(package.uploaded_at);
    own.or(package.published_at).or(stored)
}

/// `.info`.
pub(super) fn info(version: &str, time: Option<Timestamp>) -> Document {
    let mut body = json!({ "Version": version });
    if let (Some(time), Some(fields)) = (time, body.as_object_mut()) {
        fields.insert("Time".to_owned(), time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    }
    document("application/json", body.to_string())
}

/// `.mod`, where it is kept with the version.
pub(super) fn go_mod(version: &VersionView) -> Option<Document> {
    let text = inspect::kept_mod(&version.package.metadata)?;
    Some(document("text/plain; charset=utf-8", text.to_owned()))
}

fn document(media_type: &str, body: String) -> Document {
    Document { media_type: media_type.to_owned(), body: body.into(), headers: Vec::new() }
}

/// The answer to an upload: the lines that go.sum will have.
pub(super) fn stored(module: &str, version: &str, content: &inspect::Content, created: bool) -> Answer {
    let (sum, mod_sum) = (&content.sum, content.mod_sum());
    let body = format!("{module} {version} {sum}\n{module} {version}/go.mod {mod_sum}\n");
    answer::text(if created { 201 } else { 200 }, body)
}

/// `go` prints the status and, below it, the body.
pub(super) fn problem(problem: &Problem) -> Answer {
    let body = format!("{}\n", problem.message);
    Answer { headers: answer::retry_after(problem), ..answer::text(answer::status(problem.kind), body) }
}

/// It must not be 404 or 410, which would send `go` to its next proxy.
pub(super) fn refusal(refusal: &Refusal) -> Answer {
    answer::text(403, format!("{}\n", refusal.sentence()))
}
