//! The one table that says what Trivy calls what an analyzer reads, and the names of its operating systems.

use assay_model::{component::Occurrence, inventory::OsRelease};

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
    /// What joins name and version in an id.
    pub(super) joint: &'static str,
}

const fn lock(name: &'static str) -> Kind {
    Kind { name, analyzed_by: name, together: None, is_system: false, joint: "@" }
}

const fn named(name: &'static str, analyzed_by: &'static str) -> Kind {
    Kind { analyzed_by, ..lock(name) }
}

const fn joined(name: &'static str, joint: &'static str) -> Kind {
    Kind { joint, ..lock(name) }
}

const fn installed(name: &'static str, together: &'static str) -> Kind {
    Kind { together: Some(together), ..lock(name) }
}

const fn system(name: &'static str) -> Kind {
    Kind { is_system: true, ..lock(name) }
}

const JAR: Kind = Kind { joint: ":", ..installed("jar", "Java") };
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
    ("composer-vendor", lock("composer-vendor")),
    ("conan", named("conan", "conan-lock")),
    ("conda-environment", lock("conda-environment")),
    ("conda-meta", CONDA),
    ("deb-file", system("dpkg")),
    ("dotnet-core", lock("dotnet-core")),
    ("dpkg", system("dpkg")),
    ("gemspec", GEM),
    ("go-binary", named("gobinary", "gobinary")),
    ("go-mod", lock("gomod")),
    ("gomod", lock("gomod")),
    ("gradle", joined("gradle", ":")),
    ("jar", JAR),
    ("julia", lock("julia")),
    ("mix", named("hex", "mix-lock")),
    ("node-modules", NODE),
    ("node-package", NODE),
    ("npm", lock("npm")),
    ("nuget", lock("nuget")),
    ("packages-props", lock("packages-props")),
    ("pdm", lock("pdm")),
    ("pip", lock("pip")),
    ("pipenv", lock("pipenv")),
    ("pnpm", lock("pnpm")),
    ("poetry", lock("poetry")),
    ("pom", joined("pom", ":")),
    ("pub", named("pub", "pubspec-lock")),
    ("pylock", lock("pylock")),
    ("python-dist-info", PYTHON),
    ("python-egg", PYTHON),
    ("rpm", system("rpm")),
    ("rpm-file", system("rpm")),
    ("rpm-manifest", system("rpm")),
    ("rust-binary", named("rustbinary", "rustbinary")),
    ("sbt", joined("sbt", ":")),
    ("sdist", PYTHON),
    ("swift", lock("swift")),
    ("uv", lock("uv")),
    ("wheel", PYTHON),
    ("yarn", lock("yarn")),
];

/// By type of the purl, for what was read from elsewhere: a bill of materials, a package file.
const BY_PURL: &[(&str, Kind)] = &[
    ("apk", system("apk")),
    ("bitnami", lock("bitnami")),
    ("cargo", named("rustbinary", "rustbinary")),
    ("cocoapods", lock("cocoapods")),
    ("composer", lock("composer")),
    ("conan", named("conan", "conan-lock")),
    ("conda", CONDA),
    ("deb", system("dpkg")),
    ("gem", GEM),
    ("golang", named("gobinary", "gobinary")),
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

/// What Trivy calls this find. What it has no name for stands under that of the purl's type, in its file.
pub(super) fn of(found: &Occurrence) -> Kind {
    let purl_type = found.component.purl_type.as_str();
    find(KINDS, &found.analyzer.replace('_', "-"))
        .or_else(|| find(BY_PURL, purl_type))
        .unwrap_or_else(|| if matches!(purl_type, "alpm" | "ebuild") { system("") } else { lock("") })
}

/// Identifiers of `os-release` that Trivy has other names for.
const FAMILIES: &[(&str, &str)] = &[
    ("almalinux", "alma"),
    ("amzn", "amazon"),
    ("mariner", "cbl-mariner"),
    ("ol", "oracle"),
    ("opensuse", "opensuse-leap"),
    ("rhel", "redhat"),
    ("sl-micro", "slem"),
    ("sle-micro", "slem"),
    ("sle_hpc", "sles"),
];

/// What Trivy calls this operating system.
pub(super) fn family(os: &OsRelease) -> &str {
    FAMILIES.iter().find(|(id, _)| *id == os.id).map_or(os.id.as_str(), |(_, family)| family)
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
