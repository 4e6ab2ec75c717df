//! Conda environments as they are asked for: `environment.yml`. What is there for pip belongs to Python's own ecosystem.
//!
//! Entries have no identifiers: nothing in the file refers to another entry.

use std::collections::BTreeMap;
use std::fmt;

use assay_model::component::Lines;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use crate::component;
use crate::locked::{Locked, Single, file_name, some_of};
use crate::part::field;
use crate::yaml;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "conda-environment",
    revision: 1,
    reads: Reads::Project,
    summary: "`environment.yml`: packages of a Conda environment, those for pip included",
};

pub(crate) const PART: Single = Single {
    spec: &SPEC,
    wants: |path| matches!(file_name(path), "environment.yml" | "environment.yaml"),
    read,
    ecosystem: "Conda",
};

#[derive(Debug, Default, serde::Deserialize)]
struct Environment {
    #[serde(default, deserialize_with = "yaml::or_default")]
    dependencies: Vec<Spanned<Entry>>,
}

/// A package, or the packages of another package manager.
#[derive(Debug)]
enum Entry {
    Package(String),
    Others(BTreeMap<String, Option<Vec<Spanned<String>>>>),
}

/// By hand, as what is tried in turn (`untagged`) loses its lines.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a package, or the list of another package manager")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Entry, E> {
                Ok(Entry::Package(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                let mut others = BTreeMap::new();
                while let Some((manager, packages)) = map.next_entry()? {
                    others.insert(manager, packages);
                }
                Ok(Entry::Others(others))
            }
        }
        from.deserialize_any(Read)
    }
}

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let files: Vec<Environment> = yaml::documents(text)?;
    let mut loose = Vec::new();
    for entry in files.into_iter().flat_map(|file| file.dependencies) {
        let at = line(&entry);
        match entry.value {
            Entry::Package(package) => {
                let (name, version) = conda(&package);
                if version.is_empty() {
                    loose.push(name.to_owned());
                }
                if let Some(mut entry) = found.entry(name, version) {
                    entry.lines = vec![at];
                    found.add(entry);
                }
            }
            Entry::Others(others) => {
                for (manager, packages) in others {
                    for package in packages.unwrap_or_default().iter().filter(|_| manager == "pip") {
                        pip(package, found, &mut loose);
                    }
                }
            }
        }
    }
    if !loose.is_empty() {
        let names = some_of(loose.iter().map(String::as_str));
        found.unresolved(format!("no version is pinned for {names}"));
    }
    Ok(())
}

fn line<T>(spanned: &Spanned<T>) -> Lines {
    let line = u32::try_from(spanned.defined.line()).unwrap_or(u32::MAX);
    Lines { first: line, last: line }
}

/// `channel::name=version=build`, `name ==version`, `name version build`: name and pinned version, which is empty when there
/// is none or a range (package match specification).
fn conda(written: &str) -> (&str, &str) {
    let written = written.split('#').next().unwrap_or_default().trim();
    let bare = written.rsplit_once("::").map_or(written, |(_, bare)| bare);
    let bare = bare.split('[').next().unwrap_or_default().trim();
    let end = bare.find(|c: char| c.is_whitespace() || matches!(c, '=' | '<' | '>' | '!' | '~')).unwrap_or(bare.len());
    let (name, rest) = bare.split_at_checked(end).unwrap_or((bare, ""));
    let rest = rest.trim();
    if rest.starts_with(['<', '>', '!', '~']) {
        return (name, "");
    }
    let rest = rest.trim_start_matches('=').trim_start();
    let version = rest.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
    let is_pinned = version.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
        && !version.contains(['*', ',', '|', '<', '>', '!', '~']);
    (name, if is_pinned { version } else { "" })
}

/// `name==version`, as pip takes it; anything else has no version.
fn pip(package: &Spanned<String>, found: &mut Locked<'_>, loose: &mut Vec<String>) {
    let written = package.value.split(['#', ';']).next().unwrap_or_default().trim();
    if written.starts_with('-') || written.contains("://") {
        return;
    }
    let end = written.find(|c: char| c.is_whitespace() || "=<>!~[@".contains(c)).unwrap_or(written.len());
    let (name, rest) = written.split_at_checked(end).unwrap_or((written, ""));
    let rest = rest.split_once(']').map_or(rest, |(_, rest)| rest).trim();
    let version = rest.strip_prefix("===").or_else(|| rest.strip_prefix("==")).unwrap_or_default().trim();
    let version = if version.contains([',', '*']) { "" } else { version };
    if version.is_empty() {
        loose.push(name.to_owned());
    }
    match field(Some(name)).and_then(|name| component::of_language(crate::python::OSV, &name, version).ok()) {
        Some(component) => {
            let mut entry = found.occurrence(component);
            entry.lines = vec![line(package)];
            found.add(entry);
        }
        None => found.refuse(),
    }
}

#[cfg(test)]
mod tests {
    use super::{PART, conda};
    use crate::locked::testing::{lines, survives_damage, tree};

    const FILE: &str = "name: test
channels: [defaults]
dependencies:
  - bzip2=1.0.8=h998d150_5
  - forge::numpy==1.26 # why
  - python>=3.8
  - pip:
    - Pandas[sql]==2.1.4
    - requests>=2
    - -r other.txt
prefix: /opt/conda/envs/test
";

    #[test]
    fn packages() {
        let out = tree(&PART, &[("environment.yaml", FILE), ("x/environment.yml", "- x")]);
        let found: Vec<_> = out.components.iter().map(|found| (&*found.component.purl, lines(found))).collect();
        assert_eq!(
            found,
            [
                ("pkg:conda/bzip2@1.0.8", vec![(4, 4)]),
                ("pkg:conda/numpy@1.26", vec![(5, 5)]),
                ("pkg:conda/python", vec![(6, 6)]),
                ("pkg:pypi/pandas@2.1.4", vec![(8, 8)]),
                ("pkg:pypi/requests", vec![(9, 9)]),
            ]
        );
        assert!(out.components.iter().all(|found| found.id.is_empty()));
        let reasons: Vec<&str> = out.skipped.iter().map(|skipped| &*skipped.reason).collect();
        assert_eq!(reasons, ["unresolved", "corrupt"]);
    }

    #[test]
    fn specifications() {
        for (written, name, version) in [
            ("numpy 1.8.1", "numpy", "1.8.1"),
            ("numpy ==1.8.1", "numpy", "1.8.1"),
            ("numpy 1.8.1 py27_0", "numpy", "1.8.1"),
            ("numpy=1.8.1=py27_0", "numpy", "1.8.1"),
            ("numpy=1.8.*", "numpy", ""),
            ("numpy >=1.8,<2", "numpy", ""),
            ("numpy[version='1']", "numpy", ""),
            ("numpy", "numpy", ""),
            ("", "", ""),
        ] {
            assert_eq!(conda(written), (name, version), "{written}");
        }
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("environment.yml", FILE)]);
    }
}
