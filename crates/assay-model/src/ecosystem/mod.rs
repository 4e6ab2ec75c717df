//! Ecosystems: how each one orders versions, spells names and describes affected ranges. Pure, no I/O.
//!
//! One file for each version scheme, `table.rs` for the ecosystems (OSV's names), `range.rs` for
//! the evaluation of OSV events. What a package *format* looks like lives elsewhere: an OCI image (format)
//! holds Debian, Alpine and npm components (ecosystems).

mod alpine;
mod arch;
mod conan;
mod conda;
mod debian;
mod distribution;
mod dotted;
pub mod end_of_life;
mod gem;
mod gentoo;
mod golang;
mod law;
mod maven;
mod opaque;
mod packagist;
mod pep440;
mod range;
pub mod rpm;
mod semver;
mod spelling;
mod table;
mod text;

pub use distribution::{Distribution, distribution, of_release};
pub use law::{Keys, Law, NameRule, laws, of, of_any_name, of_purl, of_purl_type};
pub use range::{Event, affects, next_fixed};
pub use spelling::canonical;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The JavaScript registry's ecosystem, by OSV and in package URLs alike.
pub const NPM: &str = "npm";

/// Type of Python packages in package URLs.
pub const PYPI: &str = "pypi";

/// The longest version that is looked at, in bytes.
pub const MAX_VERSION: usize = 1024;

/// A way to order versions. Each is a total order on the texts that it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Pep440,
    Semver,
    Npm,
    Pub,
    Debian,
    Opam,
    Alpine,
    Rpm,
    Maven,
    Gem,
    NuGet,
    Go,
    Packagist,
    Cran,
    Hackage,
    Conan,
    Conda,
    Arch,
    Gentoo,
    Opaque,
}

/// A text that a scheme cannot order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{version:?} is no version of the scheme {scheme}: {reason}")]
pub struct BadVersion {
    pub scheme: Scheme,
    /// The text, cut to 64 characters.
    pub version: String,
    pub reason: &'static str,
}

/// Why two versions could not be compared by name of an ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    #[error("unknown ecosystem or version scheme {0:?}")]
    UnknownEcosystem(String),
    #[error(transparent)]
    BadVersion(#[from] BadVersion),
}

impl Scheme {
    pub const ALL: [Self; 20] = [
        Self::Pep440,
        Self::Semver,
        Self::Npm,
        Self::Pub,
        Self::Debian,
        Self::Opam,
        Self::Alpine,
        Self::Rpm,
        Self::Maven,
        Self::Gem,
        Self::NuGet,
        Self::Go,
        Self::Packagist,
        Self::Cran,
        Self::Hackage,
        Self::Conan,
        Self::Conda,
        Self::Arch,
        Self::Gentoo,
        Self::Opaque,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pep440 => "pep440",
            Self::Semver => "semver",
            Self::Npm => "npm",
            Self::Pub => "pub",
            Self::Debian => "debian",
            Self::Opam => "opam",
            Self::Alpine => "alpine",
            Self::Rpm => "rpm",
            Self::Maven => "maven",
            Self::Gem => "gem",
            Self::NuGet => "nuget",
            Self::Go => "go",
            Self::Packagist => "packagist",
            Self::Cran => "cran",
            Self::Hackage => "hackage",
            Self::Conan => "conan",
            Self::Conda => "conda",
            Self::Arch => "arch",
            Self::Gentoo => "gentoo",
            Self::Opaque => "opaque",
        }
    }

    /// Orders two versions. A total order on accepted texts; each scheme's file says what it does with
    /// texts outside its specification (a fallback order, or `BadVersion`).
    ///
    /// # Errors
    /// `BadVersion` for an empty text, one longer than [`MAX_VERSION`] bytes, or one the scheme refuses.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, BadVersion> {
        self.check(a)?;
        self.check(b)?;
        let order = match self {
            Self::Pep440 => Ok(pep440::compare(a, b)),
            Self::Semver | Self::Npm => semver::compare(semver::Dialect::Plain, a, b),
            Self::NuGet => semver::compare(semver::Dialect::NuGet, a, b),
            Self::Pub => semver::compare(semver::Dialect::Pub, a, b),
            Self::Debian => debian::compare(a, b),
            Self::Opam => Ok(debian::cmp_part(a, b)),
            Self::Alpine => Ok(alpine::compare(a, b)),
            Self::Rpm => Ok(rpm::compare(a, b)),
            Self::Maven => Ok(maven::compare(a, b)),
            Self::Gem => gem::compare(a, b),
            Self::Go => Ok(golang::compare(a, b)),
            Self::Packagist => Ok(packagist::compare(a, b)),
            Self::Cran => dotted::compare(&['.', '-'], a, b),
            Self::Hackage => dotted::compare(&['.'], a, b),
            Self::Conan => Ok(conan::compare(a, b)),
            Self::Conda => conda::compare(a, b),
            Self::Arch => Ok(arch::compare(a, b)),
            Self::Gentoo => gentoo::compare(a, b),
            Self::Opaque => Ok(opaque::compare(a, b)),
        };
        order.map_err(|side| self.bad(if side == 0 { a } else { b }, self.expectation()))
    }

    /// The total order to sort lists by: [`Self::compare`], and where that calls versions equal without being an
    /// equivalence, what makes it one.
    ///
    /// # Errors
    /// As [`Self::compare`].
    pub fn order(self, a: &str, b: &str) -> Result<Ordering, BadVersion> {
        let order = self.compare(a, b)?;
        Ok(if self == Self::Arch { arch::order(a, b) } else { order })
    }

    /// False when the order only exists to make lists stable and says nothing about age.
    pub fn is_ordered(self) -> bool {
        self != Self::Opaque
    }

    /// Refuses what a range must not be tested with: beside what [`Self::compare`] refuses, texts that
    /// only have a fallback order and are no release at all (Go's `(devel)`), and everything when the
    /// scheme's order says nothing about age.
    ///
    /// # Errors
    /// `BadVersion` with the reason.
    pub fn check_rangeable(self, version: &str) -> Result<(), BadVersion> {
        self.compare(version, version)?;
        if !self.is_ordered() {
            return Err(self.bad(version, "such versions have no order"));
        }
        if self == Self::Go && !golang::is_canonical_scheme(version) {
            return Err(self.bad(version, "expected a module version such as v1.2.3"));
        }
        Ok(())
    }

    /// True when the text follows the scheme's specification where a fallback order exists for others.
    pub fn is_canonical(self, version: &str) -> bool {
        self.compare(version, version).is_ok()
            && match self {
                Self::Pep440 => pep440::is_canonical_scheme(version),
                Self::Go => golang::is_canonical_scheme(version),
                _ => true,
            }
    }

    fn check(self, version: &str) -> Result<(), BadVersion> {
        if version.is_empty() {
            return Err(self.bad(version, "it is empty"));
        }
        if version.len() > MAX_VERSION {
            return Err(self.bad(version, "it is longer than 1024 bytes"));
        }
        Ok(())
    }

    fn bad(self, version: &str, reason: &'static str) -> BadVersion {
        BadVersion { scheme: self, version: version.chars().take(64).collect(), reason }
    }

    fn expectation(self) -> &'static str {
        match self {
            Self::Debian => "expected [epoch:]upstream[-revision] with a numeric epoch and no white space",
            Self::Cran | Self::Hackage => "expected numbers with dots between",
            Self::Gentoo => "expected numbers with dots between, then a letter, suffixes and a revision",
            Self::Conda => "expected [epoch!]version[+local] without empty parts",
            Self::Gem => "expected letters or digits",
            _ => "expected it to begin with a number",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scheme {
    type Err = CompareError;

    /// Accepts a scheme's own name, in any case.
    fn from_str(text: &str) -> Result<Self, CompareError> {
        let found = Self::ALL.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| CompareError::UnknownEcosystem(text.to_owned()))
    }
}

/// Compares two versions in the ecosystem or scheme named by a person: an OSV name with or without suffix,
/// a package-URL type, a scheme or a common alias, in any case.
///
/// # Errors
/// When the name is unknown, or a version is refused.
pub fn compare_cli(scheme_or_ecosystem: &str, a: &str, b: &str) -> Result<Ordering, CompareError> {
    let name = scheme_or_ecosystem.trim();
    let scheme = match of_any_name(name) {
        Some(law) => law.scheme,
        None => name.parse()?,
    };
    Ok(scheme.compare(a, b)?)
}

#[cfg(test)]
#[path = "tests.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_has_its_name() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.name().parse(), Ok(scheme));
            assert!(scheme.compare("1.0", "1.0").is_ok_and(Ordering::is_eq), "{scheme}");
        }
    }

    #[test]
    fn empty_and_endless_versions_are_refused() {
        let endless = "1".repeat(MAX_VERSION + 1);
        for scheme in Scheme::ALL {
            assert!(scheme.compare("", "1").is_err(), "{scheme}");
            assert!(scheme.compare("1", &endless).is_err(), "{scheme}");
        }
    }

    #[test]
    fn people_may_name_ecosystems_as_they_like() {
        for name in
            ["pypi", "PyPI", "deb", "Debian:12", "apk", "redhat", "Red Hat", "cargo", "gem", "golang", "composer"]
        {
            assert_eq!(compare_cli(name, "1.0.0", "1.0.1"), Ok(Ordering::Less), "{name}");
        }
        assert!(matches!(compare_cli("nowhere", "1", "2"), Err(CompareError::UnknownEcosystem(_))));
        assert!(matches!(compare_cli("npm", "x", "2"), Err(CompareError::BadVersion(_))));
    }
}
