//! `META-INF/MANIFEST.MF` (JAR file specification): what build tools other than Maven leave behind of an archive's identity.

use std::collections::BTreeMap;

use super::Coordinates;
use super::name::FileName;

/// The main section.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    attributes: BTreeMap<String, String>,
}

/// Lines that begin with a blank continue the one before; the first empty line ends the main section.
pub(super) fn parse(text: &str) -> Manifest {
    let mut attributes = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if let Some(more) = line.strip_prefix(' ') {
            if let Some(value) = last.as_ref().and_then(|key| attributes.get_mut(key)) {
                let value: &mut String = value;
                value.push_str(more);
            }
        } else if let Some((key, value)) = line.split_once(':') {
            let key = key.trim().to_owned();
            attributes.insert(key.clone(), value.trim().to_owned());
            last = Some(key);
        }
    }
    Manifest { attributes }
}

impl Manifest {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str).filter(|value| !value.is_empty() && !value.contains("${"))
    }

    /// The first of these that is there, without the directives that OSGi allows behind a `;`.
    fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.get(key)).map(|value| value.split(';').next().unwrap_or(value).trim())
    }

    /// Whether these coordinates are the ones that the manifest speaks of.
    pub(super) fn is_of(&self, one: &Coordinates) -> bool {
        let full = format!("{}.{}", one.group, one.artifact);
        let names = ["Implementation-Title", "Bundle-SymbolicName", "Automatic-Module-Name", "Bundle-Name"];
        names.iter().filter_map(|key| self.first(&[key])).any(|name| name == one.artifact || name == full)
    }

    /// Who and which version, where the manifest or the file's name tells both artifact and version.
    pub(super) fn coordinates(&self, file: &FileName) -> Option<Coordinates> {
        let named = file.coordinates();
        let stated = self.first(&["Implementation-Version", "Bundle-Version", "Specification-Version"]);
        // Versions are words; some manifests have a sentence there.
        let stated = stated.filter(|version| !version.contains(char::is_whitespace));
        let version = named.as_ref().map(|named| named.version.as_str()).or(stated)?.to_owned();
        let symbolic = self.first(&["Bundle-SymbolicName", "Automatic-Module-Name"]).filter(|name| is_token(name));
        let title = self.first(&["Implementation-Title", "Bundle-Name"]).filter(|title| is_token(title));
        let of_symbolic = symbolic.map(|name| name.rsplit('.').next().unwrap_or(name));
        let artifact = named.as_ref().map(|named| named.artifact.as_str()).or(title).or(of_symbolic)?.to_owned();
        let vendor = self.first(&["Implementation-Vendor-Id"]).filter(|vendor| is_group(vendor));
        let of_bundle = symbolic.and_then(|name| group_of(name, &artifact));
        let group = vendor.map(str::to_owned).or(of_bundle).unwrap_or_default();
        Some(Coordinates { group, artifact, version })
    }
}

/// A name that can be an artifact's rather than a title for people.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// A reversed domain.
fn is_group(text: &str) -> bool {
    is_token(text) && text.contains('.') && !text.ends_with('.')
}

/// The group in a symbolic name: what comes before the artifact in it (`org.example.demo` of `demo`), or before its last part,
/// where the artifact is spelled otherwise (`org.apache.commons.lang3` of `commons-lang3`).
fn group_of(symbolic: &str, artifact: &str) -> Option<String> {
    let before =
        symbolic.strip_suffix(artifact).map(|group| group.trim_end_matches('.')).filter(|group| is_group(group));
    let (parent, _) = symbolic.rsplit_once('.')?;
    before.map(str::to_owned).or_else(|| is_group(parent).then(|| parent.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::name::FileName;
    use super::parse;

    #[test]
    fn lines_are_joined_and_the_first_section_counts() {
        let manifest = parse(
            "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.exam\r\n ple.demo;singleton:=true\r\n\
            Bundle-Version: 1.2.3\r\n\r\nName: x\r\nImplementation-Version: 9\r\n",
        );
        let found = manifest.coordinates(&FileName::of("renamed.jar")).unwrap();
        assert_eq!((&*found.group, &*found.artifact, &*found.version), ("org.example", "demo", "1.2.3"));
        let found = manifest.coordinates(&FileName::of("lib/demo-core-1.2.3.jar")).unwrap();
        assert_eq!((&*found.group, &*found.artifact), ("org.example", "demo-core"));
        assert!(
            parse("Implementation-Title: Some Product\nImplementation-Version: 1 of 2\n")
                .coordinates(&FileName::of("a.jar"))
                .is_none()
        );
        assert!(parse(" continues nothing\n").coordinates(&FileName::of("a.jar")).is_none());
    }
}
