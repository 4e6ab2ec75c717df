//! Rust crates: a sparse index, and the web API with which cargo publishes, yanks and searches.
//!
//! Served: the sparse protocol of the registry index (`config.json`, one file per name, one JSON line per version, with
//! `v`, `features2`, `links`, `rust_version` and `pubtime`) and the web API (publish, yank, unyank, owners, search,
//! download), as "Registry Index" and "Registry Web API" of the Cargo Book describe them. Names are compared without
//! regard to case, and a name that differs from another only in case, `-` or `_` is not taken; versions follow SemVer
//! 2.0.0 and differ in more than their build metadata.
//!
//! A name and a version are one package; its file is the `.crate`. A blocked version stays in the index as yanked: a
//! resolver then takes the newest version that may be had, and a lock file that pins the blocked one reaches the gate,
//! whose refusal cargo prints.
//!
//! Left out: the git form of the index (cargo has read sparse ones since 1.68), owners of single crates (tokens say who
//! may publish; the list names who did), signed tokens (`cargo:paseto`, unstable), and what a public site shows of
//! crates beyond the protocol. The readme that a publication repeats is not kept, it is in the `.crate`.

mod detect;
mod inspect;
mod line;
mod names;
mod render;
mod upstream;
mod wire;

#[cfg(test)]
mod tests;

use crate::kit::path::encode_segment;
use assay_model::{
    Problem,
    package::File,
    refusal::Refusal,
    seam::{
        Task,
        format::{Answer, Challenge, Format, FormatSpec, Lobby, Reply, Repo, Request},
        upstream::Remote,
    },
};
use serde_json::Value;

static SPEC: FormatSpec = FormatSpec {
    id: "cargo",
    title: "Rust crates",
    prefix: "cargo",
    policy_name: "cargo",
    ecosystem: Some("cargo"),
    challenge: Challenge::LoginUrl { scheme: "Cargo" },
    clients: &[
        (
            "cargo",
            "# .cargo/config.toml\n\
             [registries.assay]\n\
             index = \"sparse+{url}/cargo/{repository}/\"\n\
             credential-provider = [\"cargo:token\"]",
        ),
        (
            "cargo (for all crates)",
            "# .cargo/config.toml\n\
             [source.crates-io]\n\
             replace-with = \"assay\"\n\
             [registries.assay]\n\
             index = \"sparse+{url}/cargo/{repository}/\"",
        ),
        ("cargo publish", "cargo publish --index sparse+{url}/cargo/{repository}/ --token $ASSAY_TOKEN"),
    ],
};

/// The format.
pub static FORMAT: Cargo = Cargo;

/// Rust crates.
#[derive(Debug)]
pub struct Cargo;

impl Format for Cargo {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!(
                "name a repository: the index is at sparse+<this server>/{}/<repository>/",
                SPEC.prefix
            )))
        })
    }
    fn source_links(&self, _: &str, metadata: &Value, _: Option<&Value>) -> Vec<String> {
        let said = ["repository", "homepage"].into_iter().filter_map(|key| metadata.get(key)?.as_str());
        said.map(str::to_owned).collect()
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
        let version = names::version_of(name, &file.path)?;
        let [repository, name, version] = [repository, name, version].map(encode_segment);
        Some(format!("/{}/{repository}/api/v1/crates/{name}/{version}/download", SPEC.prefix))
    }
}
