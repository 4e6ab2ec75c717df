//! Helm charts: classic chart repositories, and the upload API that ChartMuseum made customary.
//!
//! Served: `index.yaml` (apiVersion v1, <https://helm.sh/docs/topics/chart_repository/>), charts and their provenance
//! files, `PUT` of either at its own address, and ChartMuseum's `/api/charts` and `/api/prov`: upload as raw body or as a
//! form, list, look up, delete. Charts in OCI registries go through the OCI format.
//!
//! A chart's name is a name, its version a package; the `.tgz` and its signature are files. The index has the fields of
//! Chart.yaml as they are. What is blocked is left out of the index, so that a range takes the newest allowed version;
//! who asks for the file by its address reaches the gate and reads why.
//!
//! Left out: `force` (a published version is not overwritten), organisations (`/api/<org>/charts`: a repository is one),
//! `/api/charts/<name>/<version>/templates` and `values`, plug-ins as packages, and `apiVersion: v1` requirements.yaml in
//! the index (Helm does not read it from there).

mod detect;
mod inspect;
mod names;
mod provenance;
mod push;
mod render;
mod upstream;
mod wire;
mod yaml;

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
};
use serde_json::Value;

static SPEC: FormatSpec = FormatSpec {
    id: "helm",
    title: "Helm charts",
    prefix: "helm",
    policy_name: "helm",
    ecosystem: Some("helm"),
    challenge: Challenge::Basic,
    clients: &[
        (
            "helm",
            "helm repo add --username __token__ --password $ASSAY_TOKEN {repository} {url}/helm/{repository}\n\
             helm install RELEASE {repository}/CHART",
        ),
        ("curl", "curl -u __token__:$ASSAY_TOKEN --data-binary @CHART-1.0.0.tgz {url}/helm/{repository}/api/charts"),
    ],
};

/// The format.
pub static FORMAT: Helm = Helm;

/// Where the file at this path of a folder is put: charts and their signatures under their own names.
pub fn place(path: &str) -> Option<String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    (!names::readings(file).is_empty()).then(|| crate::kit::path::encode_segment(file))
}

/// Helm charts.
#[derive(Debug)]
pub struct Helm;

impl Format for Helm {
    fn spec(&self) -> &'static FormatSpec {
        &SPEC
    }
    fn handle<'a>(&'a self, repo: &'a dyn Repo, request: Request) -> Task<'a, Reply> {
        Box::pin(wire::handle(repo, request))
    }
    fn lobby<'a>(&'a self, lobby: &'a dyn Lobby, _: Request) -> Task<'a, Reply> {
        Box::pin(async move {
            lobby.enter()?;
            Err(Problem::not_found(format!("name a repository: /{}/<repository>/index.yaml", SPEC.prefix)))
        })
    }
    fn evidence(&self, _: &Package, files: &[File], _: &[String]) -> Brought {
        crate::kit::evidence::beside(files, names::PROVENANCE, &[])
    }
    fn source_links(&self, _: &str, metadata: &Value, _: Option<&Value>) -> Vec<String> {
        let sources = metadata.get("sources").and_then(Value::as_array).into_iter().flatten();
        sources.chain(metadata.get("home")).filter_map(Value::as_str).map(str::to_owned).collect()
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
    fn location(&self, repository: &str, _name: &str, file: &File) -> Option<String> {
        Some(render::location(repository, &file.path))
    }
}
