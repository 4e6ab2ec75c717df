//! Copies that one package carries inside itself: there, but not installed, and not to be updated on their own.
//!
//! Told by place: below `_vendor/`, in the bills of materials of a Python distribution (PEP 770), or below a package in a
//! folder of Python packages. Analyzers that know better (a jar with others mixed in) say so themselves.

use std::collections::BTreeMap;

use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;

use crate::python;

const VENDOR: &str = "/_vendor/";
const BILLS: &str = ".dist-info/sboms/";
const PACKAGE_FOLDERS: [&str; 2] = ["site-packages/", "dist-packages/"];

/// Fills in `vendored_in`: the purl of what carries the copy where that is known, else its path.
pub(super) fn mark(out: &mut Inventory) {
    let carriers = carriers(&out.components);
    for found in out.components.iter_mut().filter(|found| found.vendored_in.is_none() && !found.is_subject) {
        if let Some(carrier) = carrier(&found.path) {
            let purl = carriers.get(&key(carrier)).filter(|purl| **purl != found.component.purl);
            found.vendored_in = Some(purl.map_or(carrier, |purl| purl.as_str()).to_owned());
        }
    }
}

/// The path of what holds this copy.
fn carrier(path: &str) -> Option<&str> {
    if let Some(at) = path.find(BILLS) {
        return path.get(..at + ".dist-info".len());
    }
    if let Some(at) = path.find(VENDOR) {
        return path.get(..at);
    }
    if !is_python_metadata(path) {
        return None;
    }
    let start = PACKAGE_FOLDERS.iter().filter_map(|folder| Some(path.rfind(folder)? + folder.len())).max()?;
    let rest = path.get(start..)?;
    let (top, below) = rest.split_once('/')?;
    let own = below.split('/').count() < 2 || top.ends_with(".egg") || top.contains(".whl!") || top.contains(".egg!");
    (!own).then(|| path.get(..start + top.len()))?
}

fn is_python_metadata(path: &str) -> bool {
    path.ends_with(".dist-info/METADATA") || path.ends_with("/PKG-INFO") || path.ends_with(".egg-info")
}

/// The purls of Python distributions by the folder that their packages are in: a distribution rarely has another name than
/// the package it installs.
fn carriers(components: &[Occurrence]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for found in components.iter().filter(|found| is_python_metadata(&found.path)) {
        let folder =
            found.path.strip_suffix("/METADATA").or(found.path.strip_suffix("/PKG-INFO")).unwrap_or(&found.path);
        let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        all.insert(key(folder), found.component.purl.clone());
        all.insert(key(&join(parent, &found.component.name)), found.component.purl.clone());
    }
    all
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// The path with its last part as one spelling.
fn key(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((parent, name)) => format!("{parent}/{}", python::normal(name)),
        None => python::normal(path),
    }
}

#[cfg(test)]
mod tests {
    use super::carrier;

    #[test]
    fn the_place_tells() {
        for (path, expected) in [
            (
                "usr/lib/python3/site-packages/pip/_vendor/urllib3-1.dist-info/METADATA",
                Some("usr/lib/python3/site-packages/pip"),
            ),
            ("demo/_vendor/six-1.dist-info/METADATA", Some("demo")),
            ("site-packages/a-1.dist-info/sboms/b.cdx.json", Some("site-packages/a-1.dist-info")),
            ("x/site-packages/pipenv/vendor/c-1.dist-info/METADATA", Some("x/site-packages/pipenv")),
            ("x/site-packages/c-1.dist-info/METADATA", None),
            ("x/site-packages/c-1.egg-info", None),
            ("x/site-packages/c-1-py3.egg/EGG-INFO/PKG-INFO", None),
            ("x/site-packages/c-1-py3.egg!/EGG-INFO/PKG-INFO", None),
            ("srv/vendor/bundle/ruby/3.0.0/specifications/a-1.gemspec", None),
        ] {
            assert_eq!(carrier(path), expected, "{path}");
        }
    }
}
