//! Maven repositories: what `mvn`, Gradle, sbt, Ivy, Coursier and others deploy to and resolve from.
//!
//! There is no specification of the protocol beyond the repository layout and the metadata model
//! (<https://maven.apache.org/repositories/layout.html>, <https://maven.apache.org/ref/current/maven-repository-metadata/>);
//! versions are ordered as the POM reference says, and Gradle's module metadata follows its specification 1.1. A
//! deployment is a `PUT` for each file and nothing says which is the last: each is published by itself and adds to its
//! version, which is decided anew.
//!
//! A package is `group:artifact` and a version. Of a snapshot every build (`1.0-20260102.030405-7`) is a version of its
//! own: its bytes do not change, so that a decision about it holds, and where the newest build is blocked, `1.0-SNAPSHOT`
//! stands for the newest that is not. Files that are sent as `1.0-SNAPSHOT` become a build too; sending them again makes
//! the next one. A file of a release, or of a build, never changes.
//!
//! `maven-metadata.xml` and checksums are made of what is stored: what clients send is compared (checksums) or read over
//! (metadata). Blocked versions are left out of it, and whoever asks for one is told why in the reason phrase, which is
//! where `mvn` shows it. Listings are for people; they leave out blocked versions too.
//!
//! Left out: deleting single files (a version is one thing; `DELETE` its folder); files beside the layout
//! (`archetype-catalog.xml`, search indexes, sites); checksums other than MD5, SHA-1, SHA-256 and SHA-512; snapshots of
//! upstreams that keep no timestamps.

mod detect;
mod inspect;
mod names;
mod render;
mod upstream;
mod wire;

#[cfg(test)]
mod tests;

use crate::kit::path::encode_path;
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

/// Where the file at this path of a repository's folder is put: under the same path. Metadata and checksums are made here.
pub fn place(path: &str) -> Option<String> {
    let encoded = encode_path(path);
    matches!(names::Target::parse(&encoded), Ok(names::Target::File(_, None))).then_some(encoded)
}

static SPEC: FormatSpec = FormatSpec {
    id: "maven",
    title: "Maven artifacts",
    prefix: "maven",
    policy_name: "maven",
    ecosystem: Some("maven"),
    challenge: Challenge::Basic,
    clients: &[
        (
            "mvn",
            "<!-- settings.xml: resolve everything through this repository -->\n\
             <settings>\n  <servers>\n    <server><id>assay</id><username>__token__</username>\
             <password>$ASSAY_TOKEN</password></server>\n  </servers>\n  <mirrors>\n    \
             <mirror><id>assay</id><mirrorOf>*</mirrorOf><url>{url}/maven/{repository}/</url></mirror>\n  </mirrors>\n\
             </settings>",
        ),
        ("mvn deploy", "mvn deploy -DaltDeploymentRepository=assay::{url}/maven/{repository}/"),
        ("gradle", "maven('{url}/maven/{repository}/')"),
    ],
};

/// The format.
pub static FORMAT: Maven = Maven;

/// Maven artifacts.
#[derive(Debug)]
pub struct Maven;

impl Format for Maven {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: /{}/<repository>/", SPEC.prefix)))
        })
    }
    fn evidence(&self, _: &Package, files: &[File], _: &[String]) -> Brought {
        crate::kit::evidence::beside(files, ".asc", &[".sigstore.json", ".sigstore"])
    }
    fn source_links(&self, _: &str, metadata: &Value, _: Option<&Value>) -> Vec<String> {
        let said = ["scm", "url", "issueManagement"].into_iter().filter_map(|key| metadata.get(key)?.as_str());
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
        let folder = names::Artifact::of_name(name)?.folder();
        Some(render::location(repository, &encode_path(&format!("{folder}/{}", file.path))))
    }
    fn display(&self, name: &str, version: &str) -> String {
        format!("{name}:{version}")
    }
}
