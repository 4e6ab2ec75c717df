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

    /// Without a group: the name has none. Distributions keep links by series (`3.x`), which is no version.
    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        let artifact = self.artifact.clone().filter(|_| !self.version.ends_with(".x"))?;
        Some(Coordinates { group: String::new(), artifact, version: without_classifier(&self.version).to_owned() })
    }

    /// How well the file's name fits what a pom inside says: fully, by what it begins with, by the version alone, or not.
    pub(super) fn fits(&self, one: &Coordinates) -> Fit {
        let (stem, artifact) = (spelled(&self.stem), spelled(&one.artifact));
        let same_version = !one.version.is_empty() && begins_with(&self.version, &one.version);
        let Some(rest) = stem.strip_prefix(&artifact) else {
            return if same_version { Fit::Version } else { Fit::Not };
        };
        let named = rest.strip_prefix('-').map(|rest| begins_with(rest, &spelled(&one.version)));
        match named {
            None if rest.is_empty() => Fit::Full,
            Some(true) => Fit::Full,
            // A link by another version, for those who ask for that one.
            Some(false) if self.artifact.as_deref().map(spelled).as_deref() == Some(&*artifact) => Fit::Beginning,
            Some(false) if same_version || self.version.ends_with(".x") => Fit::Beginning,
            Some(false) if !rest.contains(|c: char| c.is_ascii_digit()) => Fit::Beginning,
            _ if same_version => Fit::Version,
            _ => Fit::Not,
        }
    }

    /// Whether the name states a version at all.
    pub(super) fn is_versioned(&self) -> bool {
        self.artifact.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    Not,
    Version,
    Beginning,
    Full,
}

/// `begin` itself, or with a classifier behind it.
fn begins_with(text: &str, begin: &str) -> bool {
    text.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Names of files have `-` where artifacts have `.` and `_`.
fn spelled(text: &str) -> String {
    text.to_ascii_lowercase().replace(['.', '_'], "-")
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
    use super::{Coordinates, FileName, Fit};

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
        assert!(FileName::of("lib-3.x.jar").coordinates().is_none());
    }

    #[test]
    fn how_names_fit() {
        for (file, artifact, version, fit) in [
            ("log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", "2.17.1", Fit::Full),
            ("app.jar", "app", "1.0", Fit::Full),
            ("a-1.0-all.jar", "a", "1.0", Fit::Full),
            ("spec-interceptor-3.0-spec-1.0.1.jar", "spec-interceptor_3.0_spec", "1.0.1", Fit::Full),
            ("provider-3.x.jar", "provider", "3.8.7", Fit::Beginning),
            ("http-distro-shaded.jar", "http", "3.5.3", Fit::Beginning),
            ("http-shaded-3.5.3.jar", "http", "3.5.3", Fit::Beginning),
            ("maven3-core-3.8.7.jar", "maven-core", "3.8.7", Fit::Version),
            ("foo-bar-1.0.jar", "foo", "3.0", Fit::Not),
            ("app-2.jar", "app", "1", Fit::Beginning),
            ("app-2.jar", "other", "1", Fit::Not),
        ] {
            let one = Coordinates { group: String::new(), artifact: artifact.into(), version: version.into() };
            assert_eq!(FileName::of(file).fits(&one), fit, "{file} {artifact}");
        }
    }
}
