//! Helm charts: `Chart.yaml` in the one folder of a `.tgz`, the charts it depends on, and the images that `values.yaml`
//! names.
//!
//! Templates are programs and are not run: an image that only a template names is not found. Charts that are packed along in
//! `charts/` are read as what they are.

mod images;

use std::collections::BTreeMap;

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::{Occurrence, Relationship};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use serde::Deserialize;

use crate::component::occurrence;
use crate::part::{corrupt, inside, line, skipped, text};
use crate::reader::{Reader, identifier, if_recognised, may_be_package, members, stated, unmatched, yaml};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "helm-chart",
    revision: 1,
    reads: Reads::Package,
    summary: "Chart.yaml of Helm charts: name, version, charts it depends on; images of values.yaml",
};

const PURL_TYPE: &str = "helm";
/// More than any chart depends on or packs along.
const CHARTS: usize = 1000;

pub(crate) const PART: Reader =
    Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".tgz") && may_be_package(entry), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut charts: BTreeMap<String, Files> = BTreeMap::new();
    let mut top: Option<String> = None;
    let outcome = members(bytes, Kind::Tar, budget, |head, body| {
        let Some((folder, name)) = head.path.rsplit_once('/').filter(|_| head.is_file()) else {
            return Ok(Flow::Continue);
        };
        let outer = head.path.split('/').next().unwrap_or_default();
        let wanted =
            matches!(name, "Chart.yaml" | "Chart.lock" | "requirements.yaml" | "requirements.lock" | "values.yaml");
        if top.get_or_insert_with(|| outer.to_owned()) != outer || !wanted || !is_chart_folder(folder) {
            return Ok(Flow::Continue);
        }
        if charts.len() < CHARTS || charts.contains_key(folder) {
            let text = text(body, budget)?;
            charts.entry(folder.to_owned()).or_default().files.insert(name.to_owned(), text);
        }
        Ok(Flow::Continue)
    });
    let is_one =
        top.as_ref().and_then(|top| charts.get(top)).is_some_and(|files| files.files.contains_key("Chart.yaml"));
    let Some(charts) = if_recognised(outcome, is_one.then_some(charts))? else { return Ok(()) };
    for (folder, files) in &charts {
        let is_top = top.as_ref() == Some(folder);
        match files.read(&inside(entry, folder)) {
            Ok(mut found) => {
                if let Some(own) = found.first_mut().filter(|_| is_top) {
                    own.is_subject = entry.is_artifact;
                }
                out.components.append(&mut found);
            }
            Err(problem) if is_top => return Err(problem),
            Err(problem) => out.skipped.push(skipped(&inside(entry, folder), &problem)),
        }
    }
    Ok(())
}

/// `chart`, `chart/charts/sub`, `chart/charts/sub/charts/subsub`.
fn is_chart_folder(folder: &str) -> bool {
    let mut parts = folder.split('/').skip(1);
    while let Some(part) = parts.next() {
        if part != "charts" || parts.next().is_none() {
            return false;
        }
    }
    true
}

/// The files of one chart, by name.
#[derive(Default)]
struct Files {
    files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chart {
    name: Option<String>,
    version: Option<String>,
    app_version: Option<String>,
    description: Option<String>,
    #[serde(default)]
    dependencies: Option<Vec<Dependency>>,
}

/// `Chart.lock`, `requirements.yaml` and `requirements.lock` have only this.
#[derive(Default, Deserialize)]
struct Dependencies {
    #[serde(default)]
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Clone, Deserialize)]
struct Dependency {
    name: String,
    version: Option<String>,
    repository: Option<String>,
}

impl Files {
    /// The chart itself first, then what it depends on and runs.
    fn read(&self, folder: &str) -> Result<Vec<Occurrence>, Problem> {
        let path = format!("{folder}/Chart.yaml");
        let text = self.files.get("Chart.yaml").ok_or_else(|| corrupt(format!("{path} is missing")))?;
        let chart: Chart = yaml(text, &path)?;
        let mut own = component(chart.name.as_deref(), chart.version.as_deref(), None, &path)?;
        own.summary = line(chart.description.as_deref());
        if let Some(app) = line(chart.app_version.as_deref()) {
            own.properties.insert(format!("{}.app-version", SPEC.id), app);
        }
        let asked = chart.dependencies.or_else(|| self.dependencies("requirements.yaml", folder)).unwrap_or_default();
        own.requires = asked
            .iter()
            .map(|one| format!("{} {}", one.name, one.version.as_deref().unwrap_or("*")))
            .take(CHARTS)
            .collect();
        let mut all = vec![own];
        // What the lock says is what is fetched; without one, only exact versions are known.
        let lock = ["Chart.lock", "requirements.lock"].into_iter().find(|name| self.files.contains_key(*name));
        let resolved = lock.and_then(|name| self.dependencies(name, folder)).unwrap_or(asked);
        let path = format!("{folder}/{}", lock.unwrap_or("Chart.yaml"));
        for one in resolved.iter().take(CHARTS).filter(|one| one.version.as_deref().is_some_and(is_exact)) {
            if let Ok(mut found) = component(Some(&one.name), one.version.as_deref(), one.repository.as_deref(), &path)
            {
                found.relationship = Relationship::Direct;
                if let Some(own) = all.first_mut() {
                    own.depends_on.push(found.id.clone());
                }
                all.push(found);
            }
        }
        if let Some(values) = self.files.get("values.yaml") {
            let path = format!("{folder}/values.yaml");
            all.extend(images::read(values, chart.app_version.as_deref(), &path, SPEC.id)?);
        }
        if let Some(own) = all.first_mut() {
            own.depends_on.sort();
            own.depends_on.dedup();
        }
        Ok(all)
    }

    fn dependencies(&self, name: &str, folder: &str) -> Option<Vec<Dependency>> {
        let text = self.files.get(name)?;
        yaml::<Dependencies>(text, &format!("{folder}/{name}")).ok()?.dependencies
    }
}

fn component(
    name: Option<&str>,
    version: Option<&str>,
    repository: Option<&str>,
    path: &str,
) -> Result<Occurrence, Problem> {
    let (name, version) = stated(name.unwrap_or_default(), version.unwrap_or_default(), path)?;
    // An alias (`@name`) or a folder is no place that others could fetch it from.
    let repository = repository.filter(|url| url.contains("://") && !url.starts_with("file:")).unwrap_or_default();
    let component = unmatched(PURL_TYPE, "", &name, &version, &[("repository_url", repository)])
        .map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, SPEC.id);
    found.id = identifier(&name, &version);
    Ok(found)
}

/// Whether it is a version rather than a range.
fn is_exact(version: &str) -> bool {
    let bare = version.strip_prefix('v').unwrap_or(version);
    bare.split(['-', '+']).next().unwrap_or_default().split('.').count() == 3
        && bare.starts_with(|c: char| c.is_ascii_digit())
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
        && !bare.contains(".x")
        && !bare.contains(".X")
}

#[cfg(test)]
mod tests {
    use super::{is_chart_folder, is_exact};

    #[test]
    fn folders_and_versions() {
        assert!(is_chart_folder("a") && is_chart_folder("a/charts/b") && is_chart_folder("a/charts/b/charts/c"));
        assert!(!is_chart_folder("a/charts") && !is_chart_folder("a/templates") && !is_chart_folder("a/charts/b/ci"));
        assert!(is_exact("1.2.3") && is_exact("v1.2.3-rc.1+b"));
        assert!(
            !is_exact("~1.2.3")
                && !is_exact("1.2")
                && !is_exact("1.2.x")
                && !is_exact("1.2.3 - 2.0.0")
                && !is_exact("")
        );
    }
}
