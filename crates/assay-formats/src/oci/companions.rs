//! What belongs to a manifest: the manifests that an index lists, and whatever refers to one of them, by its `subject` or
//! by the tag that clients without the referrers API make of the digest (distribution specification, referrers tag schema;
//! signing clients add a word behind it).

use assay_model::view::{PackageView, VersionView};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many manifests one may bring.
const MOST: usize = 5000;

fn digests<'v>(version: &'v VersionView, list: &str) -> impl Iterator<Item = &'v str> {
    let list = version.package.metadata.get(list).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|part| part.get("digest")?.as_str())
}

fn subject(version: &VersionView) -> Option<&str> {
    version.package.metadata.get("subject")?.get("digest")?.as_str()
}

/// The digest that a tag is made of: `sha256-<hex>`, with `.sig` and the like behind it.
pub(super) fn pointed_at(tag: &str) -> Option<String> {
    let (algorithm, rest) = tag.split_once('-')?;
    let hex = rest.split('.').next()?;
    let digest = matches!((algorithm, hex.len()), ("sha256", 64) | ("sha512", 128));
    (digest && hex.bytes().all(|b| b.is_ascii_hexdigit())).then(|| format!("{algorithm}:{hex}"))
}

/// Versions that belong to `version`, at any distance.
pub(super) fn of(view: &PackageView, version: &str) -> Vec<String> {
    let by_digest: BTreeMap<&str, &VersionView> =
        view.versions.iter().map(|v| (v.package.at.version.as_str(), v)).collect();
    let mut about: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for other in &view.versions {
        if let Some(subject) = subject(other) {
            about.entry(subject.to_owned()).or_default().push(&other.package.at.version);
        }
    }
    for reference in &view.references {
        if let Some(digest) = pointed_at(&reference.name) {
            about.entry(digest).or_default().push(&reference.version);
        }
    }
    let (mut found, mut open) = (BTreeSet::new(), vec![version]);
    while let Some(at) = open.pop() {
        let listed = by_digest.get(at).into_iter().flat_map(|v| digests(v, "manifests"));
        let referring = about.get(at).into_iter().flatten().copied();
        for next in listed.chain(referring) {
            if next != version && by_digest.contains_key(next) && found.len() < MOST && found.insert(next.to_owned()) {
                open.push(by_digest.get_key_value(next).map_or(version, |(key, _)| key));
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_digests() {
        let hex = "a".repeat(64);
        assert_eq!(pointed_at(&format!("sha256-{hex}.sig")), Some(format!("sha256:{hex}")));
        assert_eq!(pointed_at(&format!("sha256-{hex}")), Some(format!("sha256:{hex}")));
        for other in ["latest", "sha256-abc", "sha256-", "v1-2"] {
            assert_eq!(pointed_at(other), None, "{other}");
        }
    }
}
