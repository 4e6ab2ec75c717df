//! The table of ecosystems: OSV's name, the package-URL type, the version scheme and the rule for names.
//!
//! One line adds an ecosystem.

use super::Keys::{self, Binary, Source, SourceName};
use super::Law;
use super::NameRule::{self, Cargo, Exact, Lower, Pep503, Repository};
use super::Scheme::{self, Alpine, Debian, Rpm, Semver};

const fn language(osv: &'static str, purl_type: &'static str, scheme: Scheme, names: NameRule) -> Law {
    Law { osv, purl_type, purl_namespace: None, scheme, names, keys: Binary }
}

const fn distribution(
    osv: &'static str,
    purl_type: &'static str,
    namespace: &'static str,
    scheme: Scheme,
    keys: Keys,
) -> Law {
    Law { osv, purl_type, purl_namespace: Some(namespace), scheme, names: Exact, keys }
}

/// The first language of a package-URL type is the one that its package URLs belong to.
pub(super) static LAWS: &[Law] = &[
    language("PyPI", "pypi", Scheme::Pep440, Pep503),
    language("npm", "npm", Scheme::Npm, Exact),
    language("crates.io", "cargo", Semver, Cargo),
    language("Maven", "maven", Scheme::Maven, Exact),
    language("NuGet", "nuget", Scheme::NuGet, Lower),
    language("RubyGems", "gem", Scheme::Gem, Exact),
    language("Go", "golang", Scheme::Go, Lower),
    language("Packagist", "composer", Scheme::Packagist, Lower),
    language("Hex", "hex", Semver, Lower),
    language("Pub", "pub", Scheme::Pub, Lower),
    language("SwiftURL", "swift", Semver, Repository),
    language("ConanCenter", "conan", Scheme::Conan, Lower),
    language("CRAN", "cran", Scheme::Cran, Exact),
    language("Bioconductor", "bioconductor", Scheme::Cran, Exact),
    language("Hackage", "hackage", Scheme::Hackage, Exact),
    language("GHC", "", Scheme::Hackage, Exact),
    language("opam", "opam", Scheme::Opam, Exact),
    language("Julia", "julia", Semver, Exact),
    language("Conda", "conda", Scheme::Conda, Lower),
    language("CocoaPods", "cocoapods", Scheme::Gem, Exact),
    language("GitHub Actions", "github", Semver, Lower),
    language("VSCode", "vscode-extension", Semver, Lower),
    language("Helm", "helm", Semver, Exact),
    language("Bitnami", "bitnami", Semver, Lower),
    language("Kubernetes", "", Semver, Exact),
    language("Linux", "", Semver, Exact),
    // Rebuilds are told apart by build metadata (`+echo.2`), which only this order looks at.
    language("Echo:npm", "npm", Scheme::Pub, Exact),
    // Operating systems and runtimes as such, by the names of endoflife.date.
    language(super::end_of_life::ECOSYSTEM, "", Semver, Exact),
    language("OSS-Fuzz", "", Scheme::Opaque, Exact),
    language("Android", "", Scheme::Opaque, Exact),
    language("FreeBSD", "", Scheme::Opaque, Exact),
    language("GIT", "", Scheme::Opaque, Exact),
    distribution("Debian", "deb", "debian", Debian, Source),
    distribution("Ubuntu", "deb", "ubuntu", Debian, Source),
    distribution("Echo", "deb", "echo", Debian, Source),
    distribution("Alpine", "apk", "alpine", Alpine, Source),
    distribution("Wolfi", "apk", "wolfi", Alpine, SourceName),
    distribution("Chainguard", "apk", "chainguard", Alpine, SourceName),
    distribution("MinimOS", "apk", "minimos", Alpine, SourceName),
    distribution("Alpaquita", "apk", "alpaquita", Alpine, Source),
    distribution("BellSoft Hardened Containers", "apk", "bellsoft-hardened-containers", Alpine, Source),
    distribution("CleanStart", "apk", "cleanstart", Alpine, Source),
    distribution("Bottlerocket", "rpm", "bottlerocket", Rpm, Binary),
    distribution("Arch Linux", "alpm", "arch", Scheme::Arch, Binary),
    distribution("Gentoo", "ebuild", "gentoo", Scheme::Gentoo, Binary),
    distribution("Red Hat", "rpm", "redhat", Rpm, Binary),
    distribution("AlmaLinux", "rpm", "almalinux", Rpm, Binary),
    distribution("Rocky Linux", "rpm", "rocky-linux", Rpm, Binary),
    distribution("Oracle Linux", "rpm", "oracle", Rpm, Binary),
    distribution("Amazon Linux", "rpm", "amazon", Rpm, Binary),
    distribution("Fedora", "rpm", "fedora", Rpm, Binary),
    distribution("CentOS", "rpm", "centos", Rpm, Binary),
    distribution("openSUSE", "rpm", "opensuse", Rpm, Binary),
    distribution("SUSE", "rpm", "suse", Rpm, Binary),
    distribution("Mageia", "rpm", "mageia", Rpm, Source),
    distribution("openEuler", "rpm", "openeuler", Rpm, Source),
    distribution("Azure Linux", "rpm", "azure-linux", Rpm, Source),
    distribution("Photon OS", "rpm", "photon", Rpm, SourceName),
];

/// Ecosystems that repackage others: what follows the first colon names the ecosystem whose rules hold
/// (`Root:Alpine:3.18`, `TuxCare:PyPI`).
pub(super) const WRAPPERS: [&str; 4] = ["Root", "TuxCare", "Docker Hardened Images", "Echo"];

/// Names that people and tools use beside OSV's names, package-URL types and scheme names.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("almalinux", "AlmaLinux"),
    ("alma", "AlmaLinux"),
    ("amazon", "Amazon Linux"),
    ("amzn", "Amazon Linux"),
    ("apk", "Alpine"),
    ("arch", "Arch Linux"),
    ("alpm", "Arch Linux"),
    ("pacman", "Arch Linux"),
    ("portage", "Gentoo"),
    ("azurelinux", "Azure Linux"),
    ("cargo", "crates.io"),
    ("crates", "crates.io"),
    ("crates-io", "crates.io"),
    ("rust", "crates.io"),
    ("composer", "Packagist"),
    ("php", "Packagist"),
    ("conan", "ConanCenter"),
    ("deb", "Debian"),
    ("dpkg", "Debian"),
    ("erlang", "Hex"),
    ("elixir", "Hex"),
    ("gem", "RubyGems"),
    ("ruby", "RubyGems"),
    ("github-actions", "GitHub Actions"),
    ("golang", "Go"),
    ("java", "Maven"),
    ("mariner", "Azure Linux"),
    ("cbl-mariner", "Azure Linux"),
    ("node", "npm"),
    ("ol", "Oracle Linux"),
    ("oracle", "Oracle Linux"),
    ("pep440", "PyPI"),
    ("photon", "Photon OS"),
    ("python", "PyPI"),
    ("pip", "PyPI"),
    ("k8s", "Kubernetes"),
    ("pods", "CocoaPods"),
    ("redhat", "Red Hat"),
    ("rhel", "Red Hat"),
    ("rocky", "Rocky Linux"),
    ("rpm", "Red Hat"),
    ("swift", "SwiftURL"),
    ("sles", "SUSE"),
    ("dotnet", "NuGet"),
];
