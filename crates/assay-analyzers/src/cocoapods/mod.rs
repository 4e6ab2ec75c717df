//! CocoaPods projects: `Podfile.lock`.

use std::collections::BTreeMap;

use assay_model::component::Component;
use assay_model::ecosystem;
use assay_model::problem::Problem;
use assay_model::purl::Purl;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::Deserialize;

use crate::locked::{Locked, Single, file_name};
use crate::part::field;
use crate::yaml;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "cocoapods",
    revision: 1,
    reads: Reads::Project,
    summary: "`Podfile.lock`: pods, their subspecs and their graph",
};

const ECOSYSTEM: &str = "CocoaPods";

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| file_name(path) == "Podfile.lock", read, ecosystem: ECOSYSTEM };

#[derive(Debug, Default, Deserialize)]
struct Podfile {
    #[serde(rename = "PODS", default, deserialize_with = "yaml::or_default")]
    pods: Vec<Pod>,
}

/// `name (version)`, by itself or with what it needs: `name`, `name (= version)`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Pod {
    Alone(String),
    With(BTreeMap<String, Option<Vec<Option<String>>>>),
}

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let files: Vec<Podfile> = yaml::documents(text)?;
    let mut pods: Vec<(String, Vec<String>)> = Vec::new();
    for pod in files.into_iter().flat_map(|file| file.pods) {
        match pod {
            Pod::Alone(pod) => pods.push((pod, Vec::new())),
            Pod::With(map) => pods.extend(
                map.into_iter().map(|(pod, needs)| (pod, needs.unwrap_or_default().into_iter().flatten().collect())),
            ),
        }
    }
    let ids: BTreeMap<&str, String> = pods
        .iter()
        .filter_map(|(pod, _)| parts(pod))
        .map(|(name, version)| (name, format!("{name}@{version}")))
        .collect();
    for (pod, needs) in &pods {
        let built = parts(pod).and_then(|(name, version)| component(name, version));
        let Some(component) = built else {
            found.refuse();
            continue;
        };
        let mut entry = found.occurrence(component);
        entry.id = format!("{}@{}", entry.component.name, entry.component.version);
        let needed = needs.iter().filter_map(|need| ids.get(need.split(" (").next()?.trim()));
        entry.depends_on = needed.cloned().collect();
        found.add(entry);
    }
    Ok(())
}

fn parts(pod: &str) -> Option<(&str, &str)> {
    let (name, version) = pod.split_once(" (")?;
    Some((name.trim(), version.trim().strip_suffix(')')?.trim()))
}

/// `Pod/Part` is a part of the pod: it has the pod's versions, and its advisories.
fn component(name: &str, version: &str) -> Option<Component> {
    let (name, version) = (field(Some(name))?, field(Some(version))?);
    let law = ecosystem::of(ECOSYSTEM)?;
    let (pod, part) = name.split_once('/').unwrap_or((&name, ""));
    let purl = Purl::builder(law.purl_type, pod).version(&version).subpath(part).build().ok()?;
    Some(Component {
        purl: purl.as_str().to_owned(),
        purl_type: law.purl_type.to_owned(),
        namespace: String::new(),
        match_name: law.normalize_name(pod).into_owned(),
        match_version: version.clone(),
        ecosystem: ECOSYSTEM.to_owned(),
        name,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, ids, survives_damage, tree};

    const LOCK: &str = "PODS:
  - AppCenter (4.2.0):
    - AppCenter/Analytics (= 4.2.0)
    - AppCenter/Core
    - Gone (~> 1)
  - AppCenter/Analytics (4.2.0):
    - AppCenter/Core
  - AppCenter/Core (4.2.0)
  - Plain (1.0)
  - Odd

DEPENDENCIES:
  - AppCenter

SPEC CHECKSUMS:
  AppCenter: 18153bb6bc4241d14c8cce57466ac1c88136b476

COCOAPODS: 1.11.2
";

    #[test]
    fn pods_and_their_parts() {
        let out = tree(&PART, &[("ios/Podfile.lock", LOCK), ("x/Podfile.lock", "PODS: 1")]);
        assert_eq!(ids(&out), ["AppCenter@4.2.0", "AppCenter/Analytics@4.2.0", "AppCenter/Core@4.2.0", "Plain@1.0"]);
        let core = by_id(&out, "AppCenter/Core@4.2.0");
        assert_eq!(core.component.purl, "pkg:cocoapods/AppCenter@4.2.0#Core");
        assert_eq!((&*core.component.name, &*core.component.match_name), ("AppCenter/Core", "AppCenter"));
        let whole = by_id(&out, "AppCenter@4.2.0");
        assert_eq!(whole.depends_on, ["AppCenter/Analytics@4.2.0", "AppCenter/Core@4.2.0"]);
        let reasons: Vec<_> = out.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.reason)).collect();
        assert_eq!(reasons, [("ios/Podfile.lock", "corrupt"), ("x/Podfile.lock", "corrupt")]);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("Podfile.lock", LOCK)]);
    }
}
