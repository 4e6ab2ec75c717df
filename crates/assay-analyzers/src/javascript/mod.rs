//! What lock files of JavaScript's package managers share: `package.json` beside them, licences of what is installed,
//! integrity strings.

pub(crate) mod range;

use std::collections::BTreeMap;

use assay_model::{component::Occurrence, ecosystem};
use base64::Engine;

use crate::lines::{Json, Value};
use crate::part::{field, line};
use crate::project::{folder, join};

pub(crate) const OSV: &str = ecosystem::NPM;
const PURL_TYPE: &str = ecosystem::NPM;
/// Patterns of workspaces in one manifest.
const WORKSPACES: usize = 256;

/// `algorithm:hex` of a Subresource Integrity string (`sha512-<base64>`), the strongest if it has several.
pub(crate) fn integrity(sri: Option<&str>) -> Option<String> {
    let hash = |part: &str| {
        let (algorithm, encoded) = part.split_once('-')?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.split('?').next()?).ok()?;
        let expected = match algorithm {
            "sha1" => 20,
            "sha256" => 32,
            "sha384" => 48,
            "sha512" => 64,
            _ => return None,
        };
        (bytes.len() == expected).then(|| (expected, format!("{algorithm}:{}", hex::encode(bytes))))
    };
    sri?.split_ascii_whitespace().filter_map(hash).max_by_key(|(strength, _)| *strength).map(|(_, digest)| digest)
}

/// Licences of what is installed beside a lock file, by `name@version`.
pub(crate) struct Licenses(BTreeMap<String, Vec<String>>);

impl Licenses {
    pub(crate) fn beside(lock: &str, installed: &[Occurrence]) -> Self {
        let roots = [join(folder(lock), "node_modules/"), join(folder(lock), ".yarn/unplugged/")];
        let here = |found: &&Occurrence| {
            found.component.purl_type == PURL_TYPE
                && !found.licenses.is_empty()
                && roots.iter().any(|root| found.path.starts_with(root))
        };
        let by_id =
            |found: &Occurrence| (format!("{}@{}", full_name(found), found.component.version), found.licenses.clone());
        Self(installed.iter().filter(here).map(by_id).collect())
    }

    pub(crate) fn of(&self, name: &str, version: &str) -> Option<Vec<String>> {
        self.0.get(&format!("{name}@{version}")).cloned()
    }
}

fn full_name(found: &Occurrence) -> String {
    join(&found.component.namespace, &found.component.name)
}

/// The names and ranges under a key of a manifest or of a lock file's entry.
pub(crate) fn ranges<'a>(json: &'a Json<'_>, key: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    json.entries_of(key).iter().map(|(name, range)| (&**name, range.as_str().unwrap_or_default()))
}

/// What a `package.json` says.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) licenses: Vec<String>,
    /// Name and range, optional ones included.
    pub(crate) dependencies: BTreeMap<String, String>,
    pub(crate) dev_dependencies: BTreeMap<String, String>,
    /// Patterns of folders.
    pub(crate) workspaces: Vec<String>,
}

impl Manifest {
    /// None if it is no JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let json = Json::parse(text).ok()?;
        let of = |keys: &[&str]| {
            let pairs = keys.iter().flat_map(|key| ranges(&json, key));
            pairs.map(|(name, range)| (name.to_owned(), range.to_owned())).collect()
        };
        Some(Self {
            name: field(json.text("name")),
            version: field(json.text("version")),
            licenses: licenses(&json),
            dependencies: of(&["dependencies", "optionalDependencies"]),
            dev_dependencies: of(&["devDependencies"]),
            workspaces: workspaces(&json),
        })
    }
}

/// A list, or an object that has one under `packages`.
pub(crate) fn workspaces(json: &Json<'_>) -> Vec<String> {
    let Some(workspaces) = json.get("workspaces") else { return Vec::new() };
    let list = if workspaces.items().is_empty() { workspaces.get("packages") } else { Some(workspaces) };
    list.map_or(&[][..], Json::items).iter().take(WORKSPACES).filter_map(|item| field(item.as_str())).collect()
}

/// A text today; an object, or a list of texts or objects, in old manifests.
pub(crate) fn licenses(json: &Json<'_>) -> Vec<String> {
    let named = |value: &Json<'_>| line(value.as_str().or_else(|| value.text("type")));
    let stated = [json.get("license"), json.get("licenses")];
    let list = |value: &Json<'_>| match &value.value {
        Value::List(items) => items.iter().filter_map(named).collect::<Vec<_>>(),
        _ => named(value).into_iter().collect(),
    };
    stated.into_iter().flatten().map(list).find(|names| !names.is_empty()).unwrap_or_default()
}

/// Whether a folder is one of the workspaces that a pattern means: `*` is within a folder, `**` any folders.
pub(crate) fn is_workspace(pattern: &str, folder: &str) -> bool {
    let clean = pattern.trim_start_matches("./").trim_end_matches('/');
    let parts: Vec<&str> = clean.split('/').collect();
    let folders: Vec<&str> = folder.split('/').collect();
    globs(&parts, &folders)
}

/// Goes on, and comes back to the last `**` when that was wrong.
fn globs(pattern: &[&str], folders: &[&str]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while let Some(folder) = folders.get(here) {
        match pattern.get(at) {
            Some(&"**") => {
                last = Some((at, here));
                at += 1;
            }
            Some(part) if matches(part, folder) => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((star, from)) = last else { return false };
                last = Some((star, from + 1));
                (at, here) = (star + 1, from + 1);
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|part| *part == "**")
}

/// One `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            let after = after.trim_start_matches('*');
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Manifest, integrity, is_workspace};

    #[test]
    fn digests() {
        let sha1 = "sha1-5QNHYR1+aQlDIIu9r+vLwvuGbUY=";
        assert_eq!(integrity(Some(sha1)).unwrap(), "sha1:e50347611d7e690943208bbdafebcbc2fb866d46");
        let both = format!("{sha1} sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(integrity(Some(&both)).unwrap().starts_with("sha256:e3b0c44298fc1c14"));
        assert_eq!(integrity(Some("sha512-AAAA")), None);
        assert_eq!(integrity(Some("md5")), None);
    }

    #[test]
    fn workspace_patterns() {
        assert!(is_workspace("packages/*", "packages/a"));
        assert!(is_workspace("./packages/a-*/", "packages/a-b"));
        assert!(is_workspace("**", "a/b/c"));
        assert!(is_workspace("**/b/**", "a/b") && is_workspace("**/b", "a/b/b") && !is_workspace("**/b", "a/b/c"));
        assert!(is_workspace("a/**/c", "a/c") && is_workspace("a/**/c", "a/b/b/c"));
        assert!(!is_workspace("packages/*", "packages/a/b") && !is_workspace("packages/*", "other/a"));
    }

    #[test]
    fn manifests_of_all_ages() {
        let text = r#"{"name": "x", "version": "1.0.0", "licenses": [{"type": "MIT"}, "BSD"],
            "dependencies": {"a": "^1"}, "optionalDependencies": {"b": "2"}, "devDependencies": {"c": "*"},
            "workspaces": {"packages": ["p/*"]}}"#;
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.licenses, ["MIT", "BSD"]);
        assert_eq!(manifest.dependencies.len(), 2);
        assert_eq!(manifest.dev_dependencies["c"], "*");
        assert_eq!(manifest.workspaces, ["p/*"]);
        assert!(Manifest::parse("{").is_none());
    }
}
