//! Go modules: the module proxy protocol, and uploads of module zips.
//!
//! Served: `@v/list`, `@v/<version>.info`, `.mod`, `.zip` and `@latest` of the Go modules reference
//! (<https://go.dev/ref/mod#goproxy-protocol>), with its case escaping, pseudo-versions, `+incompatible` versions and
//! major version suffixes; checksum databases that an upstream passes on, where the repository says so. The protocol
//! has no upload: a module zip is `PUT` at the address where it is served afterwards, checked by the rules of module
//! zips, and `.mod` and `.info` are made from it.
//!
//! A module path is a name, a version a package, and the zip its file. The list and `@latest` leave out what is blocked,
//! so that a query takes the newest allowed version. `.info` and `.mod` of a blocked version are still served, because
//! `go` reads the go.mod file of every version in a module graph, also of those that it does not build: without them a
//! build that has long moved to a fixed version would fail. The source itself, the zip, is refused with the reason.
//!
//! Left out: version control (a module is taken from a zip, not from a repository of code), `Origin` in `.info` (known
//! to no zip), times in `@v/list` (no part of the protocol).

mod detect;
mod inspect;
mod names;
mod render;
mod upstream;
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
        upstream::Remote,
    },
};
use serde_json::Value;

static SPEC: FormatSpec = FormatSpec {
    id: "go",
    title: "Go modules",
    prefix: "go",
    policy_name: "go",
    ecosystem: Some("golang"),
    challenge: Challenge::Basic,
    clients: &[
        ("go", "GOPROXY={url}/go/{repository} go get MODULE@latest"),
        ("curl", "curl -u __token__:$ASSAY_TOKEN -T v1.0.0.zip {url}/go/{repository}/MODULE/@v/v1.0.0.zip"),
    ],
};

/// The format.
pub static FORMAT: Go = Go;

/// Go modules.
#[derive(Debug)]
pub struct Go;

impl Format for Go {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: GOPROXY=.../{}/<repository>", SPEC.prefix)))
        })
    }
    fn source_links(&self, name: &str, _: &Value, _: Option<&Value>) -> Vec<String> {
        vec![format!("https://{name}")]
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
        Some(render::location(repository, name, &file.path))
    }
    fn display(&self, name: &str, version: &str) -> String {
        format!("{name}@{version}")
    }
}
