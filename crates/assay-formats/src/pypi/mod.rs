//! Python distributions: the simple index, and uploads as twine, uv and other publishers send them.
//!
//! Served: the simple repository API as HTML and JSON (PEP 503, 592, 629, 691, 700, 708, 740) with core metadata
//! (PEP 658, 714), the older JSON documents of projects and releases, and the upload form that publishers share (the
//! "legacy" upload API of the packaging user guide).
//! Names are compared as PEP 503 says, versions and file names as PEP 440, 427, 491 and 625 say.
//!
//! A name and a version are one package; wheels and the sdist are its files. A blocked version stays in the index as
//! yanked (PEP 592) with the reason: a resolver then takes the newest version that may be had, and whoever pins the
//! blocked one reaches the gate and reads why.
//!
//! What comes with a file stands beside it under its name with an end of its own: core metadata (`.metadata`), provenance
//! made of attestations (`.provenance`, PEP 740), a detached signature (`.asc`). A release can be yanked, a file removed,
//! a project can say where else it lives (PEP 708): that is kept in the version's metadata. Upstreams are asked by the
//! same simple API.
//!
//! Left out: uploads of eggs, installers and sdists other than `.tar.gz` and `.zip` (PEP 527 took them away; sdists of
//! upstreams may have the old ends); core metadata of sdists that do not promise their dependencies (PEP 643); the XML-RPC API, which is answered
//! with a fault that `pip search` prints, and `register`.

mod detect;
mod evidence;
mod inspect;
mod kept;
mod names;
mod render;
mod upstream;
mod wire;

#[cfg(test)]
mod tests;

use crate::kit::path::encode_segment;
use assay_model::{
    Problem,
    package::{File, Package},
    refusal::Refusal,
    seam::{
        Task,
        format::{Answer, Challenge, Format, FormatSpec, Lobby, Reply, Repo, Request},
        upstream::Remote,
    },
    trust::Brought,
};
use serde_json::Value;

static SPEC: FormatSpec = FormatSpec {
    id: "pypi",
    title: "Python packages",
    prefix: "pypi",
    policy_name: "python",
    ecosystem: Some("pypi"),
    challenge: Challenge::Basic,
    clients: &[
        ("pip", "pip install --index-url {url}/pypi/{repository}/simple/ PACKAGE"),
        ("uv", "uv pip install --default-index {url}/pypi/{repository}/simple/ PACKAGE"),
        (
            "Poetry",
            "poetry source add --priority=primary assay {url}/pypi/{repository}/simple/\n\
             poetry config http-basic.assay __token__ $ASSAY_TOKEN",
        ),
        ("PDM", "pdm config pypi.url {url}/pypi/{repository}/simple/"),
        ("twine", "twine upload --repository-url {url}/pypi/{repository}/legacy/ -u __token__ -p $ASSAY_TOKEN dist/*"),
        ("uv publish", "uv publish --publish-url {url}/pypi/{repository}/legacy/ --token $ASSAY_TOKEN"),
    ],
};

/// What projects call the link to their source, the most explicit first (after the well-known labels).
const LABELS: [&str; 8] = ["source", "sourcecode", "repository", "github", "code", "homepage", "bugtracker", "issues"];

/// Place of a label among [`LABELS`]; those that are not there come last.
fn rank(label: &str) -> usize {
    let plain: String = label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    LABELS.iter().position(|known| *known == plain).unwrap_or(LABELS.len() + 1)
}

/// The format.
pub static FORMAT: Pypi = Pypi;

/// Python distributions.
#[derive(Debug)]
pub struct Pypi;

impl Format for Pypi {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: /{}/<repository>/simple/", SPEC.prefix)))
        })
    }
    fn evidence(&self, _: &Package, files: &[File], _: &[String]) -> Brought {
        evidence::of(files)
    }
    fn source_links(&self, _: &str, metadata: &Value, _: Option<&Value>) -> Vec<String> {
        let stated = metadata.get("project_urls").and_then(Value::as_array).into_iter().flatten();
        let mut links: Vec<(usize, String)> = stated
            .filter_map(|line| line.as_str()?.split_once(','))
            .map(|(label, address)| (rank(label), address.trim().to_owned()))
            .collect();
        links.extend(metadata.get("home_page").and_then(Value::as_str).map(|home| (LABELS.len(), home.to_owned())));
        links.sort_by_key(|(rank, _)| *rank);
        links.into_iter().map(|(_, address)| address).collect()
    }
    fn problem(&self, problem: &Problem) -> Answer {
        render::problem(problem)
    }
    fn refuse(&self, refusal: &Refusal) -> Answer {
        render::refusal(refusal)
    }
    fn remote(&self) -> Option<&'static dyn Remote> {
        Some(&upstream::REMOTE)
    }
    fn location(&self, repository: &str, name: &str, file: &File) -> Option<String> {
        let [repository, name, path] = [repository, name, &file.path].map(encode_segment);
        Some(format!("/{}/{repository}/files/{name}/{path}", SPEC.prefix))
    }
}
