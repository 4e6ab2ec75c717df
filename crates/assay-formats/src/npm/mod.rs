//! Node packages: the registry protocol that npm, yarn, pnpm and others share.
//!
//! Served: packuments in the full and the abbreviated form, manifests of single versions, archives, publishing (the
//! document with attached archives, read as it streams), dist-tags, deprecation, unpublishing with its revisions, search,
//! audits (bulk and quick) from our own advisories, provenance attestations, and logging in with a token as password.
//! Names follow `validate-npm-package-name`, versions Semantic Versioning 2.0.0, hashes Subresource Integrity.
//!
//! A name and a version are one package; its archive is its file, and its attestations, where it was published with
//! provenance, are a second one. The manifest of the client is the package's metadata. Dist-tags are references.
//!
//! Left out: users, organisations, teams, stars and owners (permissions are those of tokens, and clients that ask are
//! told so); making and revoking tokens; registry signatures (what an upstream signed is passed on; nothing is signed
//! here); the list of all packages and its changes feed; `npm hook`; staged publishing.

mod detect;
mod document;
mod evidence;
mod inspect;
mod names;
mod provenance;
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
        format::{Answer, Challenge, Format, FormatSpec, Lobby, LoginBody, Reply, Repo, Request},
        upstream::Remote,
    },
    trust::Brought,
};
use http::Method;
use serde_json::Value;

const PREFIX: &str = "npm";

static SPEC: FormatSpec = FormatSpec {
    id: "npm",
    title: "Node packages",
    prefix: PREFIX,
    policy_name: "npm",
    ecosystem: Some("npm"),
    challenge: Challenge::Basic,
    clients: &[
        (
            "npm",
            "npm config set registry {url}/npm/{repository}/ && npm config set //{host}/npm/{repository}/:_authToken $ASSAY_TOKEN",
        ),
        ("npm login", "npm login --auth-type=legacy --registry {url}/npm/{repository}/"),
        (
            "pnpm",
            "pnpm config set registry {url}/npm/{repository}/ && pnpm config set //{host}/npm/{repository}/:_authToken $ASSAY_TOKEN",
        ),
        (
            "yarn 1",
            "yarn config set registry {url}/npm/{repository}/ && npm config set //{host}/npm/{repository}/:_authToken $ASSAY_TOKEN",
        ),
        (
            "yarn",
            "yarn config set npmRegistryServer {url}/npm/{repository}/ && yarn config set npmAuthToken $ASSAY_TOKEN",
        ),
    ],
};

/// The format.
pub static FORMAT: Npm = Npm;

/// Node packages.
#[derive(Debug)]
pub struct Npm;

impl Format for Npm {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: /{PREFIX}/<repository>/")))
        })
    }
    fn login(&self, method: &Method, path: &str) -> Option<LoginBody> {
        wire::is_login(method, path).then_some(wire::password as LoginBody)
    }
    fn evidence(&self, package: &Package, files: &[File], _: &[String]) -> Brought {
        evidence::of(package, files)
    }
    fn source_links(&self, _: &str, metadata: &Value, _: Option<&Value>) -> Vec<String> {
        let repository = metadata.get("repository");
        let stated = repository.and_then(|said| said.as_str().or_else(|| said.get("url")?.as_str()));
        let home = metadata.get("homepage").and_then(Value::as_str);
        let bugs = metadata.get("bugs").and_then(|said| said.as_str().or_else(|| said.get("url")?.as_str()));
        [stated, home, bugs].into_iter().flatten().map(str::to_owned).collect()
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
        let name = names::Name::parse(name).ok()?;
        let archive = file.path.ends_with(".tgz");
        let [repository, path] = [repository, &file.path].map(encode_segment);
        archive.then(|| format!("/{PREFIX}/{repository}/{}/-/{path}", name.encoded()))
    }
    fn display(&self, name: &str, version: &str) -> String {
        format!("{name}@{version}")
    }
}
