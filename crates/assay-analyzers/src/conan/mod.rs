//! Conan projects: `conan.lock` of Conan 1 (a graph of nodes) and Conan 2 (lists of references).

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::Relationship;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::lines::Json;
use crate::locked::{Locked, Single, file_name};
use crate::part::corrupt;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "conan",
    revision: 1,
    reads: Reads::Project,
    summary: "`conan.lock` of Conan 1 and 2: packages, for Conan 1 with their graph",
};

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| file_name(path) == "conan.lock", read, ecosystem: "ConanCenter" };

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let lock = Json::parse(text)?;
    match lock.at(&["graph_lock", "nodes"]) {
        Some(nodes) => graph(nodes, found),
        None => lists(&lock, found)?,
    }
    Ok(())
}

/// `name/version@user/channel#recipe:package#build%time`: name and version.
fn reference(written: &str) -> Option<(&str, &str)> {
    let end = written.find(['@', '#', ':', '%']).unwrap_or(written.len());
    let (name, version) = written.get(..end)?.split_once('/')?;
    (!version.contains('/')).then_some((name, version))
}

/// The first node is the project itself.
fn graph(nodes: &Json<'_>, found: &mut Locked<'_>) {
    let texts = |node: &Json<'_>, key| -> Vec<String> {
        let items = node.get(key).map(Json::items).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let of = |node: &Json<'_>| {
        let (name, version) = reference(node.text("ref").or_else(|| node.text("pref"))?)?;
        Some((name.to_owned(), version.to_owned()))
    };
    let ids: BTreeMap<&str, String> = nodes
        .entries()
        .iter()
        .filter_map(|(key, node)| of(node).map(|(name, version)| (&**key, format!("{name}/{version}"))))
        .collect();
    let direct = nodes.get("0").map(|root| texts(root, "requires")).unwrap_or_default();
    let direct: BTreeSet<&str> = direct.iter().map(String::as_str).collect();
    for (key, node) in nodes.entries() {
        let Some((name, version)) = of(node) else {
            if node.text("ref").is_some() && node.text("path").is_none() {
                found.refuse();
            }
            continue;
        };
        let Some(mut entry) = found.entry(&name, &version) else { continue };
        entry.id = format!("{name}/{version}");
        entry.depends_on = texts(node, "requires").iter().filter_map(|key| ids.get(&**key).cloned()).collect();
        let is_direct = direct.contains(&**key);
        entry.relationship = if is_direct { Relationship::Direct } else { Relationship::Indirect };
        entry.dev = node.text("context") == Some("build");
        entry.lines = vec![node.lines];
        found.add(entry);
    }
}

fn lists(lock: &Json<'_>, found: &mut Locked<'_>) -> Result<(), Problem> {
    let kinds = [("requires", false), ("build_requires", true), ("python_requires", true), ("config_requires", true)];
    if !kinds.iter().any(|(key, _)| lock.get(key).is_some()) {
        return Err(corrupt("it has neither a graph nor requirements"));
    }
    for (key, dev) in kinds {
        for item in lock.get(key).map(Json::items).unwrap_or_default() {
            let Some((name, version)) = item.as_str().and_then(reference) else {
                found.refuse();
                continue;
            };
            let Some(mut entry) = found.entry(name, version) else { continue };
            entry.id = format!("{name}/{version}");
            entry.dev = dev;
            entry.lines = vec![item.lines];
            found.add(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, ids, lines, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect, Unknown};

    const ONE: &str = r#"{"graph_lock": {"nodes": {
  "0": {"requires": ["1"], "path": "conanfile.txt"},
  "1": {
    "ref": "poco/1.9.4@user/stable#abc:def#0",
    "requires": ["3", "2", "9"]
  },
  "2": {"ref": "zlib/1.2.11"},
  "3": {"pref": "bzip2/1.0.8#0:abc#1"},
  "4": {"ref": "cmake/3.20", "context": "build"},
  "5": {"ref": "odd"}
}}}"#;
    const TWO: &str = r#"{"version": "0.5", "requires": [
  "zlib/1.2.13#97d5730b529b4224045fe7090592d4c1%1692672717.68",
  "openssl/3.0.5@u/c"],
  "build_requires": ["cmake/3.20#1"], "python_requires": [7]}"#;

    #[test]
    fn a_graph() {
        let out = tree(&PART, &[("conan.lock", ONE)]);
        assert_eq!(ids(&out), ["bzip2/1.0.8", "cmake/3.20", "poco/1.9.4", "zlib/1.2.11"]);
        let poco = by_id(&out, "poco/1.9.4");
        assert_eq!(poco.component.purl, "pkg:conan/poco@1.9.4");
        assert_eq!((poco.relationship, lines(poco)), (Direct, vec![(3, 6)]));
        assert_eq!(poco.depends_on, ["bzip2/1.0.8", "zlib/1.2.11"], "in the order of the file");
        assert_eq!(by_id(&out, "zlib/1.2.11").relationship, Indirect);
        assert!(by_id(&out, "cmake/3.20").dev);
        assert_eq!(out.skipped.len(), 1);
    }

    #[test]
    fn lists() {
        let out = tree(&PART, &[("conan.lock", TWO), ("x/conan.lock", "{}")]);
        assert_eq!(ids(&out), ["cmake/3.20", "openssl/3.0.5", "zlib/1.2.13"]);
        let zlib = by_id(&out, "zlib/1.2.13");
        assert_eq!((zlib.relationship, lines(zlib)), (Unknown, vec![(2, 2)]));
        assert_eq!(out.skipped.len(), 2);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("conan.lock", ONE)]);
        survives_damage(&PART, &[("conan.lock", TWO)]);
    }
}
