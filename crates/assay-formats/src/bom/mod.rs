//! Bills of materials of what is stored elsewhere, by plain HTTP: `PUT`, `GET`, `HEAD`, `DELETE` on
//! `/bom/<repository>/<name>/<version>`, and listings of names and versions. The document is the package: what it names is
//! what is in it, and is watched like the content of any other.
//!
//! Documents are CycloneDX (JSON, XML) and SPDX (JSON, tag-value). A later document of the same name and version takes the
//! place of the one before. The protocol of Dependency-Track's uploaders is in the API and ends here as well.
//!
//! Left out: a place upstream (nobody serves bills of materials by such paths).

mod inspect;
mod render;
mod wire;

#[cfg(test)]
mod tests;

use assay_model::{
    Problem,
    package::File,
    refusal::Refusal,
    seam::{
        Task,
        format::{Answer, Challenge, Format, FormatSpec, Lobby, Reply, Repo, Request},
    },
};

pub use inspect::{DOCUMENT, address, check};

static SPEC: FormatSpec = FormatSpec {
    id: "bom",
    title: "Bills of materials",
    prefix: "bom",
    policy_name: "bom",
    ecosystem: None,
    challenge: Challenge::Basic,
    clients: &[(
        "curl",
        "curl -u __token__:$ASSAY_TOKEN -T bom.json {url}/bom/{repository}/NAME/VERSION\n\
         curl -u __token__:$ASSAY_TOKEN {url}/bom/{repository}/NAME/VERSION",
    )],
};

/// The format.
pub static FORMAT: Bom = Bom;

/// Documents by name and version.
#[derive(Debug)]
pub struct Bom;

impl Format for Bom {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: /{}/<repository>/<name>/<version>", SPEC.prefix)))
        })
    }
    fn problem(&self, problem: &Problem) -> Answer {
        render::problem(problem)
    }
    fn refuse(&self, refusal: &Refusal) -> Answer {
        render::refusal(refusal)
    }
    fn location(&self, repository: &str, name: &str, file: &File) -> Option<String> {
        let version = file.metadata.get("version")?.as_str()?;
        Some(render::location(repository, name, version))
    }
}
