//! Any file under any path, by plain HTTP: `PUT`, `GET`, `HEAD`, `DELETE`, and a listing for paths that end in `/`.
//!
//! There is no specification beyond HTTP itself (RFC 9110); checksums follow RFC 9530 (`Repr-Digest`,
//! `Content-Digest`), the older `Digest` and `Content-MD5`, and the customary `X-Checksum-*`. A path is the name of a
//! package, its bytes' digest is the version, and a new upload to the same path replaces the old one.
//!
//! Left out: WebDAV methods (clients that need them have other formats), `POST` uploads to a folder (the client would
//! not choose the name that it is found by), partial `PUT` (RFC 9110, 14.5: too few clients send it), and conditions on
//! `PUT` other than `If-None-Match: *`, which need a condition in the publishing transaction.

mod inspect;
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

static SPEC: FormatSpec = FormatSpec {
    id: "generic",
    title: "Generic files",
    prefix: "generic",
    policy_name: "generic",
    ecosystem: None,
    challenge: Challenge::Basic,
    clients: &[(
        "curl",
        "curl -u __token__:$ASSAY_TOKEN -T FILE {url}/generic/{repository}/path/FILE\n\
         curl -u __token__:$ASSAY_TOKEN -O {url}/generic/{repository}/path/FILE",
    )],
};

/// The format.
pub static FORMAT: Generic = Generic;

/// Where the file at this path of a folder is put: under the same path.
pub fn place(path: &str) -> Option<String> {
    let encoded = crate::kit::path::encode_path(path);
    let sound = inspect::path(&encoded).is_ok_and(|same| !same.is_empty() && !same.ends_with('/'));
    sound.then_some(encoded)
}

/// Files by path.
#[derive(Debug)]
pub struct Generic;

impl Format for Generic {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: /{}/<repository>/<path>", SPEC.prefix)))
        })
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
    fn location(&self, repository: &str, name: &str, _file: &File) -> Option<String> {
        Some(render::location(repository, name))
    }
    fn display(&self, name: &str, version: &str) -> String {
        let short: String = version.chars().take("sha256:".len() + 12).collect();
        format!("{name} ({short})")
    }
}
