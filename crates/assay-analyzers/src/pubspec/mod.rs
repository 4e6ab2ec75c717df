//! Dart projects: `pubspec.lock`.
//!
//! It does not tell which of the indirect dependencies come from those for development, so none is marked as such; that
//! a direct one is asked for development is told as a property.

use std::collections::BTreeMap;

use assay_model::component::Relationship;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::Deserialize;
use serde_json::Value;

use crate::locked::{Locked, Single, file_name};
use crate::yaml;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "pub",
    revision: 1,
    reads: Reads::Project,
    summary: "`pubspec.lock`: Dart packages, direct and indirect",
};

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| file_name(path) == "pubspec.lock", read, ecosystem: "Pub" };

#[derive(Debug, Default, Deserialize)]
struct Lock {
    #[serde(default, deserialize_with = "yaml::or_default")]
    packages: BTreeMap<String, Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    dependency: Option<String>,
    version: Option<Value>,
    description: Option<Value>,
}

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let files: Vec<Lock> = yaml::documents(text)?;
    for (name, package) in files.into_iter().flat_map(|file| file.packages) {
        // A version like 1.0 without quotes would be a number.
        let version = match &package.version {
            Some(Value::String(version)) => version.clone(),
            Some(Value::Number(version)) => version.to_string(),
            _ => {
                found.refuse();
                continue;
            }
        };
        let Some(mut entry) = found.entry(&name, &version) else { continue };
        entry.id = format!("{name}@{version}");
        let asked = package.dependency.unwrap_or_default();
        entry.relationship = if asked == "transitive" { Relationship::Indirect } else { Relationship::Direct };
        entry.digest = package.description.as_ref().and_then(|from| from.get("sha256")?.as_str()).and_then(sha256);
        if !asked.is_empty() {
            entry.properties.insert(format!("{}.dependency", SPEC.id), asked);
        }
        found.add(entry);
    }
    Ok(())
}

fn sha256(sum: &str) -> Option<String> {
    let sane = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    sane.then(|| format!("sha256:{sum}"))
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect};

    const LOCK: &str = "packages:
  crypto:
    dependency: \"direct main\"
    description:
      name: crypto
      sha256: \"0123456789012345678901234567890123456789012345678901234567890123\"
      url: \"https://registry.example\"
    source: hosted
    version: \"3.0.2\"
  flutter:
    dependency: \"direct dev\"
    description: flutter
    source: sdk
    version: \"0.0.0\"
  typed:
    dependency: transitive
    version: 1.5
  odd:
    dependency: transitive
sdks:
  dart: \">=2.18.0 <3.0.0\"
";

    #[test]
    fn packages() {
        let out = tree(&PART, &[("pubspec.lock", LOCK), ("x/pubspec.lock", "packages: [")]);
        let crypto = by_id(&out, "crypto@3.0.2");
        assert_eq!((crypto.relationship, &*crypto.component.purl), (Direct, "pkg:pub/crypto@3.0.2"));
        assert!(crypto.digest.is_some() && crypto.lines.is_empty());
        assert_eq!(by_id(&out, "flutter@0.0.0").properties["pub.dependency"], "direct dev");
        assert_eq!(by_id(&out, "typed@1.5").relationship, Indirect);
        assert_eq!((out.components.len(), out.skipped.len()), (3, 2));
        assert!(tree(&PART, &[("pubspec.lock", "packages:\n")]).is_complete());
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("pubspec.lock", LOCK)]);
    }
}
