//! What the name of a Java archive says: `artifact-version[-classifier].jar`.

use super::{Coordinates, suffix};

#[derive(Debug, Default)]
pub(super) struct FileName {
    stem: String,
    artifact: Option<String>,
    /// With a classifier behind it, if there is one.
    version: String,
}

impl FileName {
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let cut = name.len() - suffix(name).map_or(0, str::len);
        let stem = name.get(..cut).unwrap_or(name).to_owned();
        let mut hyphens = stem.match_indices('-').map(|(at, _)| at);
        let split = hyphens.find(|at| *at > 0 && stem.get(at + 1..).is_some_and(is_version));
        match split.and_then(|at| Some((stem.get(..at)?, stem.get(at + 1..)?))) {
            Some((artifact, version)) => {
                Self { artifact: Some(artifact.to_owned()), version: version.to_owned(), stem: stem.clone() }
            }
            None => Self { stem, ..Self::default() },
        }
    }

    /// Without a group: the name has none.
    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        let artifact = self.artifact.clone()?;
        Some(Coordinates { group: String::new(), artifact, version: without_classifier(&self.version).to_owned() })
    }

    /// Whether the file is named after this artifact, of this version or of none.
    pub(super) fn is_of(&self, artifact: &str, version: &str) -> bool {
        self.stem == artifact
            || self.stem.strip_prefix(artifact).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
                rest.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
    }

    /// Whether the file is clearly named after another artifact.
    pub(super) fn contradicts(&self, artifact: &str) -> bool {
        self.artifact.as_deref().is_some_and(|named| named != artifact)
    }
}

/// Whether a version begins here: at a digit, and no other begins behind a word (`1.2-api-2.17.1`).
fn is_version(rest: &str) -> bool {
    const QUALIFIERS: [&str; 10] = ["alpha", "beta", "rc", "m", "cr", "sp", "b", "build", "pre", "preview"];
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    let mut parts = rest.split('-');
    let mut after_word = false;
    begins(parts.next().unwrap_or_default())
        && parts.all(|part| {
            let other = after_word && begins(part);
            after_word = !begins(part) && !QUALIFIERS.contains(&part.to_ascii_lowercase().as_str());
            !other
        })
}

/// Classifiers are told from versions by the few that are in use everywhere; most are part of no version order anyway.
fn without_classifier(version: &str) -> &str {
    const CLASSIFIERS: [&str; 12] = [
        "-sources",
        "-javadoc",
        "-tests",
        "-test-sources",
        "-all",
        "-shaded",
        "-jar-with-dependencies",
        "-exec",
        "-uber",
        "-no_aop",
        "-plain",
        "-standalone",
    ];
    CLASSIFIERS.iter().find_map(|classifier| version.strip_suffix(classifier)).unwrap_or(version)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::FileName;

    #[test]
    fn names() {
        for (name, artifact, version) in [
            ("lib/commons-lang3-3.12.0.jar", "commons-lang3", "3.12.0"),
            ("log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", "2.17.1"),
            ("a-1.0-beta-2.jar", "a", "1.0-beta-2"),
            ("a-1.0-20240101.120000-1.jar", "a", "1.0-20240101.120000-1"),
            ("guava-31.1-jre.jar", "guava", "31.1-jre"),
            ("a-1.0-SNAPSHOT.war", "a", "1.0-SNAPSHOT"),
            ("A-2.0-sources.JAR", "A", "2.0"),
        ] {
            let found = FileName::of(name).coordinates().unwrap();
            assert_eq!((&*found.artifact, &*found.version), (artifact, version), "{name}");
        }
        assert!(FileName::of("app.jar").coordinates().is_none());
        assert!(FileName::of("log4j-1.2-api-2.17.1.jar").is_of("log4j-1.2-api", "2.17.1"));
        assert!(FileName::of("app.jar").is_of("app", "1.0") && !FileName::of("app-2.jar").is_of("app", "1"));
    }
}
