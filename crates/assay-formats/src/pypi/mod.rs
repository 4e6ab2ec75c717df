//! Python distributions: the simple index, and uploads as twine, uv and other publishers send them.
//!
//! Served: the simple repository API as HTML and JSON (PEP 503, 592, 629, 691, 700) with core metadata of wheels
//! (PEP 658, 714), and the upload form that publishers share (the "legacy" upload API of the packaging user guide).
//! Names are compared as PEP 503 says, versions and file names as PEP 440, 427, 491 and 625 say.
//!
//! A name and a version are one package; wheels and the sdist are its files. A blocked version stays in the index as
//! yanked (PEP 592) with the reason: a resolver then takes the newest version that may be had, and whoever pins the
//! blocked one reaches the gate and reads why.
//!
//! Left out: eggs, installers and sdists other than `.tar.gz` and `.zip` (PEP 527 took them away); signatures and
//! attestations (`gpg_signature`, PEP 740: accepted in the form and not kept, so they are not advertised); core
//! metadata of sdists (it may promise no dependencies where there are some); the XML-RPC and JSON project APIs and
//! `register`; `blake2_256_digest` of the form is not compared, SHA-256 and MD5 are.

mod inspect;
mod names;
mod render;
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
    },
};

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
        ("twine", "twine upload --repository-url {url}/pypi/{repository}/legacy/ -u __token__ -p $ASSAY_TOKEN dist/*"),
        ("uv publish", "uv publish --publish-url {url}/pypi/{repository}/legacy/ --token $ASSAY_TOKEN"),
    ],
};

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
    fn problem(&self, problem: &Problem) -> Answer {
        render::problem(problem)
    }
    fn refuse(&self, refusal: &Refusal) -> Answer {
        render::refusal(refusal)
    }
    fn location(&self, repository: &str, name: &str, file: &File) -> Option<String> {
        let [repository, name, path] = [repository, name, &file.path].map(encode_segment);
        Some(format!("/{}/{repository}/files/{name}/{path}", SPEC.prefix))
    }
}
