//! One package of RPM, from its header.

use std::borrow::Cow;

use assay_model::component::Occurrence;

use super::header::{Header, Tag};
use crate::component::{MODULARITY, OsPackage, rename, set};
use crate::depends::Node;
use crate::part::{field, line};

pub(super) const PURL_TYPE: &str = "rpm";
/// Keys that vendors sign with are kept like packages.
const KEYS: &str = "gpg-pubkey";
/// Requirements of one package that are kept.
const REQUIREMENTS: usize = 4000;
/// What a package may provide of its files without saying so: others require programs by their path.
const PROGRAMS: [&str; 4] = ["bin/", "sbin/", "usr/bin/", "usr/sbin/"];
/// The requirement is about rpm itself.
const SENSE_RPMLIB: u32 = 1 << 24;

pub(super) enum Read {
    Package(Box<Node>),
    Key,
    /// Without a usable name or version.
    Nameless,
}

/// What the fields say; texts are as the package has them, `source_rpm` is a file name.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) release: &'a str,
    pub(super) epoch: &'a str,
    pub(super) architecture: &'a str,
    pub(super) source_rpm: &'a str,
}

impl Fields<'_> {
    pub(super) fn occurrence(&self, path: &str, analyzer: &str) -> Option<Occurrence> {
        let version = evr(self.epoch, self.version, self.release);
        let stated = source(self.source_rpm);
        // The file name has no epoch; source and binary nearly always have the same one.
        let source_version = stated.map(|(_, version, release)| evr(self.epoch, version, release));
        let package = OsPackage {
            purl_type: PURL_TYPE,
            name: self.name,
            version: &version,
            architecture: self.architecture,
            source: stated.map_or(self.name, |(name, ..)| name),
            source_version: source_version.as_deref().unwrap_or(&version),
        };
        let mut found = package.occurrence(path, analyzer).ok()?;
        let bare = evr("", self.version, self.release);
        found.id = match self.architecture {
            "" => format!("{}@{bare}", self.name),
            architecture => format!("{}@{bare}.{architecture}", self.name),
        };
        Some(found)
    }
}

/// `epoch:version-release`; epoch zero is none.
fn evr(epoch: &str, version: &str, release: &str) -> String {
    let epoch = if matches!(epoch, "" | "0") { String::new() } else { format!("{epoch}:") };
    let release = if release.is_empty() { String::new() } else { format!("-{release}") };
    format!("{epoch}{version}{release}")
}

/// Name, version and release of a source package from its file name.
pub(super) fn source(file: &str) -> Option<(&str, &str, &str)> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    (!name.is_empty() && !version.is_empty() && !release.is_empty()).then_some((name, version, release))
}

pub(super) fn read(header: Header<'_>, path: &str, analyzer: &str) -> Read {
    let text = |tag| field(header.text(tag).as_deref());
    if text(Tag::NAME).as_deref() == Some(KEYS) {
        return Read::Key;
    }
    let made = || {
        let fields = Fields {
            name: &text(Tag::NAME)?,
            version: &text(Tag::VERSION)?,
            release: &text(Tag::RELEASE).unwrap_or_default(),
            epoch: &header.numbers(Tag::EPOCH).next().unwrap_or_default().to_string(),
            architecture: &text(Tag::ARCH).unwrap_or_default(),
            source_rpm: &text(Tag::SOURCE_RPM).unwrap_or_default(),
        };
        let mut found = fields.occurrence(path, analyzer)?;
        describe(header, &mut found);
        Some(found)
    };
    let Some(found) = made() else { return Read::Nameless };
    let needs = header.texts(Tag::REQUIRES).take(REQUIREMENTS).map(Cow::into_owned).collect();
    Read::Package(Box::new(Node { found, provides: provides(header), needs }))
}

fn describe(header: Header<'_>, found: &mut Occurrence) {
    let text = |tag| line(header.text(tag).as_deref());
    found.licenses.extend(text(Tag::LICENSE));
    found.summary = text(Tag::SUMMARY);
    found.digest = header
        .binary(Tag::SIGNED_MD5)
        .filter(|digest| digest.len() == 16)
        .map(|digest| format!("md5:{}", hex::encode(digest)));
    set(found, MODULARITY, &field(header.text(Tag::MODULARITY_LABEL).as_deref()).unwrap_or_default());
    set(found, "maintainer", &text(Tag::VENDOR).unwrap_or_default());
    found.requires = requirements(header);
    // The name depends on what was just told.
    rename(found);
}

fn provides(header: Header<'_>) -> Vec<String> {
    let mut all: Vec<String> = header.texts(Tag::PROVIDES).map(Cow::into_owned).collect();
    header.files(&mut |file| {
        if PROGRAMS.iter().any(|folder| file.starts_with(folder)) {
            all.push(format!("/{file}"));
        }
    });
    all
}

/// `libc.so.6(GLIBC_2.14)(64bit)`, `bash >= 4.2`.
fn requirements(header: Header<'_>) -> Vec<String> {
    let mut flags = header.numbers(Tag::REQUIRE_FLAGS);
    let mut versions = header.texts(Tag::REQUIRE_VERSIONS);
    let mut all = Vec::new();
    for name in header.texts(Tag::REQUIRES).take(REQUIREMENTS) {
        let (flags, version) = (flags.next().unwrap_or_default(), versions.next().unwrap_or_default());
        let relation: String =
            [(2, '<'), (4, '>'), (8, '=')].iter().filter(|(bit, _)| flags & bit != 0).map(|(_, sign)| sign).collect();
        let whole = match relation.is_empty() || version.is_empty() {
            true => name.into_owned(),
            false => format!("{name} {relation} {version}"),
        };
        if flags & SENSE_RPMLIB == 0 && !whole.starts_with("rpmlib(") && field(Some(&whole)).is_some() {
            all.push(whole);
        }
    }
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::{evr, source};

    #[test]
    fn names_of_source_packages() {
        assert_eq!(source("dbus-1.10.24-13.el7_6.src.rpm"), Some(("dbus", "1.10.24", "13.el7_6")));
        assert_eq!(source("java-1.8.0-openjdk-1.8.0.1-2.nosrc.rpm"), Some(("java-1.8.0-openjdk", "1.8.0.1", "2")));
        assert_eq!(source("(none)"), None);
        assert_eq!(source("a-1.src.rpm"), None);
        assert_eq!(source("--.src.rpm"), None);
        assert_eq!(evr("0", "1", "2"), "1-2");
        assert_eq!(evr("3", "1", ""), "3:1");
    }
}
