//! The one table that says what Trivy calls what an analyzer reads, and the names of its operating systems.

use assay_model::{component::Occurrence, ecosystem, inventory::OsRelease};

/// What Trivy makes of an analyzer's finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// `Type` of the result.
    pub(super) name: &'static str,
    /// `AnalyzedBy` of its packages.
    pub(super) analyzed_by: &'static str,
    /// The target under which packages of all files stand together; each then names its file.
    pub(super) together: Option<&'static str>,
    /// Whether they are packages of the operating system.
    pub(super) is_system: bool,
}

const fn lock(name: &'static str) -> Kind {
    Kind { name, analyzed_by: name, together: None, is_system: false }
}

const fn named(name: &'static str, analyzed_by: &'static str) -> Kind {
    Kind { analyzed_by, ..lock(name) }
}

const fn installed(name: &'static str, together: &'static str) -> Kind {
    Kind { together: Some(together), ..lock(name) }
}

const fn system(name: &'static str) -> Kind {
    Kind { is_system: true, ..lock(name) }
}

const JAR: Kind = installed("jar", "Java");
const PYTHON: Kind = installed("python-pkg", "Python");
const NODE: Kind = installed("node-pkg", "Node.js");
const GEM: Kind = installed("gemspec", "Ruby");
const CONDA: Kind = installed("conda-pkg", "Conda");

/// By analyzer, in the order of the alphabet.
const KINDS: &[(&str, Kind)] = &[
    ("apk", system("apk")),
    ("apk-file", system("apk")),
    ("bun", lock("bun")),
    ("bundler", lock("bundler")),
    ("cargo", lock("cargo")),
    ("cocoapods", lock("cocoapods")),
    ("composer", lock("composer")),
    ("composer-installed", lock("composer-vendor")),
    ("composer-package", lock("composer-vendor")),
    ("conan", named("conan", "conan-lock")),
    ("conda-environment", lock("conda-environment")),
    ("conda-meta", CONDA),
    ("conda-package", CONDA),
    ("crate", lock("cargo")),
    ("deb-file", system("dpkg")),
    ("dotnet-core", lock("dotnet-core")),
    ("dotnet-deps", lock("dotnet-core")),
    ("dpkg", system("dpkg")),
    ("egg", PYTHON),
    ("gem", GEM),
    ("gemspec", GEM),
    ("go-binary", lock("gobinary")),
    ("go-module", lock("gomod")),
    ("gomod", lock("gomod")),
    ("gradle", named("gradle", "gradle-lockfile")),
    ("hex", named("hex", "mix-lock")),
    ("hex-package", named("hex", "mix-lock")),
    ("jar", JAR),
    ("julia", lock("julia")),
    ("mix", named("hex", "mix-lock")),
    ("node-modules", NODE),
    ("node-package", NODE),
    ("npm", lock("npm")),
    ("nuget", lock("nuget")),
    ("nupkg", lock("nuget")),
    ("packages-props", lock("packages-props")),
    ("pacman", system("pacman")),
    ("pacman-file", system("pacman")),
    ("pdm", lock("pdm")),
    ("pip", lock("pip")),
    ("pipenv", lock("pipenv")),
    ("pnpm", lock("pnpm")),
    ("poetry", lock("poetry")),
    ("pom", lock("pom")),
    ("portage", system("portage")),
    ("pub", named("pub", "pubspec-lock")),
    ("pub-package", named("pub", "pubspec-lock")),
    ("pylock", lock("pylock")),
    ("python-dist-info", PYTHON),
    ("rpm", system("rpm")),
    ("rpm-file", system("rpm")),
    ("rpm-manifest", system("rpmqa")),
    ("rust-binary", lock("rustbinary")),
    ("sbt", named("sbt", "sbt-lockfile")),
    ("sdist", PYTHON),
    ("swift", lock("swift")),
    ("uv", lock("uv")),
    ("wheel", PYTHON),
    ("yarn", lock("yarn")),
];

/// By type of the purl, for what was read from elsewhere: a bill of materials, a package file.
const BY_PURL: &[(&str, Kind)] = &[
    ("alpm", system("pacman")),
    ("apk", system("apk")),
    ("bitnami", lock("bitnami")),
    ("cargo", lock("rustbinary")),
    ("cocoapods", lock("cocoapods")),
    ("composer", lock("composer")),
    ("conan", named("conan", "conan-lock")),
    ("conda", CONDA),
    ("deb", system("dpkg")),
    ("ebuild", system("portage")),
    ("gem", GEM),
    ("golang", lock("gobinary")),
    ("hex", named("hex", "mix-lock")),
    ("julia", lock("julia")),
    ("maven", JAR),
    ("npm", NODE),
    ("nuget", lock("nuget")),
    ("pub", named("pub", "pubspec-lock")),
    ("pypi", PYTHON),
    ("rpm", system("rpm")),
    ("swift", lock("swift")),
];

fn find(table: &[(&str, Kind)], key: &str) -> Option<Kind> {
    table.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
}

/// Our analyzers of what Trivy has under this name, as it is in `Type` or `AnalyzedBy`. None if it has no such name.
#[must_use]
pub fn analyzers_of(name: &str) -> Vec<&'static str> {
    let named = |kind: &Kind| !name.is_empty() && (kind.name == name || kind.analyzed_by == name);
    KINDS.iter().filter(|(_, kind)| named(kind)).map(|(id, _)| *id).collect()
}

/// The analyzer of bills of materials that others made.
const BILL: &str = "sbom";

/// Whether this was read in a bill of materials that another program made.
pub(super) fn is_of_bill(found: &Occurrence) -> bool {
    found.analyzer == BILL
}

/// What Trivy calls this find. What it has no name for stands under that of the purl's type, in its file. A bill of
/// materials may name the kind itself.
pub(super) fn of(found: &Occurrence) -> Kind {
    let purl_type = found.component.purl_type.as_str();
    let by_purl = || find(BY_PURL, purl_type).unwrap_or_else(|| lock(""));
    if !is_of_bill(found) {
        return find(KINDS, &found.analyzer).unwrap_or_else(by_purl);
    }
    let known = |name: &str| KINDS.iter().chain(BY_PURL).map(|(_, kind)| *kind).find(|kind| kind.name == name);
    let kind = found.property("type").and_then(known).filter(|kind| !kind.is_system).unwrap_or_else(by_purl);
    Kind { analyzed_by: "", ..kind }
}

/// What Trivy calls this operating system.
pub(super) fn family(os: &OsRelease) -> &str {
    ecosystem::distribution(&os.id).map_or(os.id.as_str(), |known| known.family)
}

#[cfg(test)]
mod tests {
    use super::{BY_PURL, KINDS};

    #[test]
    fn the_tables_are_in_order_and_name_nothing_twice() {
        for table in [KINDS, BY_PURL] {
            assert!(table.windows(2).all(|two| matches!(two, [(a, _), (b, _)] if a < b)));
        }
    }
}
