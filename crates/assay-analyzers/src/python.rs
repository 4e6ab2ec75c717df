//! Python's core metadata (`METADATA`, `PKG-INFO`), which wheels, source distributions and installed packages share.

use assay_model::component::Occurrence;
use assay_model::problem::Problem;

use crate::component::{occurrence, of_language};
use crate::part::{corrupt, field, line};
use crate::stanza::{self, Stanza};

pub(crate) const OSV: &str = "PyPI";
/// More declared requirements than any real project has.
const REQUIREMENTS: usize = 5000;

/// What a metadata file says, as found at `path` by `analyzer`.
pub(crate) fn parse(text: &str, path: &str, analyzer: &str) -> Result<Occurrence, Problem> {
    let headers = stanza::first(text);
    let name = field(headers.get("Name").as_deref()).ok_or_else(|| corrupt(format!("{path} has no usable name")))?;
    let version =
        field(headers.get("Version").as_deref()).ok_or_else(|| corrupt(format!("{path} has no usable version")))?;
    let component = of_language(OSV, &name, &version).map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, analyzer);
    found.id = format!("{name}@{version}");
    found.licenses.extend(license(headers));
    found.summary = line(headers.get("Summary").as_deref());
    found.requires = headers
        .all("Requires-Dist")
        .filter_map(|value| field(Some(&value.replace('\n', " "))))
        .take(REQUIREMENTS)
        .collect();
    if let Some(python) = field(headers.get("Requires-Python").as_deref()) {
        found.properties.insert(format!("{analyzer}.requires-python"), python);
    }
    Ok(found)
}

/// The expression where there is one, else a short licence text, else what the classifiers say.
fn license(headers: Stanza<'_>) -> Option<String> {
    let stated = line(headers.get("License-Expression").as_deref());
    // A longer one is the licence's whole text rather than its name.
    let named = || headers.get("License").filter(|text| !text.contains('\n')).and_then(|text| line(Some(&text)));
    let classified = || {
        let names: Vec<String> = headers
            .all("Classifier")
            .filter_map(|value| value.strip_prefix("License ::").map(str::to_owned))
            .filter_map(|value| line(value.rsplit("::").next()))
            .filter(|name| name != "OSI Approved")
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    stated.or_else(named).or_else(classified)
}

/// Whether two spellings are one name.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

pub(crate) fn normal(name: &str) -> String {
    assay_model::ecosystem::of(OSV).map_or_else(|| name.to_owned(), |law| law.normalize_name(name).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::parse;

    #[test]
    fn everything_that_is_declared() {
        let text = "Metadata-Version: 2.1\nName: Zope.Interface_x\nVersion: 1.0.post1\nSummary: A thing\n\
            License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\nRequires-Dist: a (>=1)\n\
            Requires-Dist: b ; extra == 'x'\nRequires-Python: >=3.8\n\nName: not this\n";
        let found = parse(text, "p", "t").unwrap();
        assert_eq!(found.component.purl, "pkg:pypi/zope-interface-x@1.0.post1");
        assert_eq!(found.component.name, "Zope.Interface_x");
        assert_eq!(found.component.match_name, "zope-interface-x");
        assert_eq!(found.component.ecosystem, "PyPI");
        assert_eq!(found.licenses, ["MIT License"]);
        assert_eq!(found.summary.as_deref(), Some("A thing"));
        assert_eq!(found.requires, ["a (>=1)", "b ; extra == 'x'"]);
        assert_eq!(found.properties["t.requires-python"], ">=3.8");
    }

    #[test]
    fn a_licence_text_is_no_licence_name() {
        let head = "Name: a\nVersion: 1\n";
        let whole = format!("{head}License: MIT\n  Permission is hereby\n");
        assert_eq!(parse(&whole, "p", "t").unwrap().licenses, [""; 0]);
        let both = format!("{head}License: MIT\nLicense-Expression: Apache-2.0\n");
        assert_eq!(parse(&both, "p", "t").unwrap().licenses, ["Apache-2.0"]);
    }

    #[test]
    fn names_and_versions_have_to_be_there() {
        for text in ["", "Name: a\n", "Version: 1\n", "Name:\nVersion: 1\n", "Name: a\nVersion: 1\n 2\n"] {
            assert!(parse(text, "p", "t").is_err(), "{text:?}");
        }
    }
}
