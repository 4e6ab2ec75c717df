//! Container images and other OCI artifacts: the distribution specification 1.1 (pull, push, discovery, management),
//! with what older Docker clients send.
//!
//! Clients know an image as `<repository>/<name>`; what follows `/v2/<repository>/` arrives here. A manifest or index is a
//! package whose version is its digest; config and layers are its files, shared with every other image of the name that
//! has them; tags are references. Blobs can be pushed in one request, in two, or in chunks with resume, and mounted
//! from another name, or from wherever they are. What is pushed by SHA-512 can be had by it; it is stored by SHA-256, which
//! stays the version of a manifest.
//!
//! Left out: image manifest version 2, schema 1 (superseded in 2016; it cannot be addressed by the digest of its bytes);
//! an image without its configuration (what it is could not be told); `Accept` is not enforced, since a manifest exists in
//! one media type only; the list of referrers of an upstream (what cosign finds by tag is found).

mod companions;
mod detect;
mod evidence;
mod holds;
mod inspect;
mod names;
mod render;
mod upstream;
mod wire;

#[cfg(test)]
mod tests;

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
    view::PackageView,
};
use serde_json::Value;

static SPEC: FormatSpec = FormatSpec {
    id: "oci",
    title: "Container images",
    prefix: "v2",
    policy_name: "docker",
    ecosystem: None,
    challenge: Challenge::Bearer,
    clients: &[
        (
            "docker",
            "docker login {host}\ndocker push {host}/{repository}/IMAGE:TAG\ndocker pull {host}/{repository}/IMAGE:TAG",
        ),
        (
            "podman",
            "podman login {host}\npodman push IMAGE:TAG {host}/{repository}/IMAGE:TAG\n\
             podman pull {host}/{repository}/IMAGE:TAG",
        ),
        (
            "skopeo",
            "skopeo copy --dest-creds __token__:$ASSAY_TOKEN docker-archive:FILE.tar docker://{host}/{repository}/IMAGE:TAG",
        ),
    ],
};

/// The format.
pub static FORMAT: Oci = Oci;

/// Images and artifacts.
#[derive(Debug)]
pub struct Oci;

impl Format for Oci {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::lobby(lobby, request.method, request.path, request.query))
    }
    fn companions(&self, view: &PackageView, version: &str) -> Vec<String> {
        companions::of(view, version)
    }
    fn evidence(&self, package: &Package, _: &[File], references: &[String]) -> Brought {
        evidence::of(package, references)
    }
    fn source_links(&self, _: &str, metadata: &Value, configuration: Option<&Value>) -> Vec<String> {
        const KEY: &str = "org.opencontainers.image.source";
        let labels = configuration.and_then(|config| config.get("config")?.get("Labels"));
        let said = [metadata.get("annotations"), labels].into_iter().flatten();
        said.filter_map(|words| words.get(KEY)?.as_str()).map(str::to_owned).collect()
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
    fn display(&self, name: &str, version: &str) -> String {
        let short: String = version.chars().take("sha256:".len() + 12).collect();
        format!("{name}@{short}")
    }
}
