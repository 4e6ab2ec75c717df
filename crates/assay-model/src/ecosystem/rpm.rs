//! RPM: `epoch:version-release` compared with `rpmvercmp`, with `~` (before) and `^` (after); and NEVRA.
//!
//! An absent epoch is 0. An absent release is below every release. A text before the first colon that is
//! no number is no epoch but part of the version. Bytes other than ASCII letters, digits, `~` and `^`
//! only separate. Every non-empty text is a version.

use super::text::{cmp_digits, is_digits, take, take_digits};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Evr::parse(a), Evr::parse(b));
    a.compare(&b)
}

struct Evr<'a> {
    epoch: &'a str,
    version: &'a str,
    release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    fn parse(text: &'a str) -> Self {
        let (epoch, rest) = split_epoch(text);
        let (version, release) = match rest.split_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        Self { epoch: epoch.unwrap_or(""), version, release }
    }

    fn compare(&self, other: &Self) -> Ordering {
        cmp_digits(self.epoch, other.epoch)
            .then_with(|| rpmvercmp(self.version, other.version))
            .then_with(|| cmp_optional(self.release, other.release, rpmvercmp))
    }
}

fn split_epoch(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((epoch, rest)) if epoch.is_empty() || is_digits(epoch) => (Some(epoch), rest),
        _ => (None, text),
    }
}

fn cmp_optional<T>(a: Option<T>, b: Option<T>, compare: impl Fn(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// The order of the variants is the order of `rpmvercmp`: `1~rc1` < `1` < `1^git1` < `1a` < `1.1`.
#[derive(Debug, PartialEq, Eq)]
enum Segment<'a> {
    Tilde,
    End,
    Caret,
    Word(&'a str),
    Number(&'a str),
}

impl Segment<'_> {
    fn place(&self) -> u8 {
        match self {
            Self::Tilde => 0,
            Self::End => 1,
            Self::Caret => 2,
            Self::Word(_) => 3,
            Self::Number(_) => 4,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => cmp_digits(a, b),
            _ => self.place().cmp(&other.place()),
        }
    }
}

/// Compares two versions or two releases, one segment at a time, as librpm does.
pub fn rpmvercmp(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (left, right) = (segment(&mut a), segment(&mut b));
        let order = left.compare(&right);
        if order.is_ne() || left == Segment::End {
            return order;
        }
    }
}

fn segment<'a>(text: &mut &'a str) -> Segment<'a> {
    let meaning = |c: char| c.is_ascii_alphanumeric() || c == '~' || c == '^';
    let rest = *text;
    let start = rest.find(meaning).unwrap_or(rest.len());
    let rest = &rest[start..];
    let (segment, rest) = match rest.as_bytes().first() {
        None => (Segment::End, rest),
        Some(b'~') => (Segment::Tilde, &rest[1..]),
        Some(b'^') => (Segment::Caret, &rest[1..]),
        Some(b'0'..=b'9') => {
            let (digits, rest) = take_digits(rest);
            (Segment::Number(digits), rest)
        }
        Some(_) => {
            let (word, rest) = take(rest, |b| b.is_ascii_alphabetic());
            (Segment::Word(word), rest)
        }
    };
    *text = rest;
    segment
}

/// A package label `name-epoch:version-release.arch`; everything but the version may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nevra<'a> {
    pub name: Option<&'a str>,
    pub epoch: Option<&'a str>,
    pub version: &'a str,
    pub release: Option<&'a str>,
    pub arch: Option<&'a str>,
}

/// Architectures of RPM packages. Only these end a label, since a release has dots too (`12.fc39`).
const ARCHES: &[&str] = &[
    "aarch64",
    "alpha",
    "amd64",
    "arm",
    "armhfp",
    "armv5tel",
    "armv6hl",
    "armv6l",
    "armv7hl",
    "armv7hnl",
    "armv7l",
    "armv8l",
    "athlon",
    "geode",
    "i386",
    "i486",
    "i586",
    "i686",
    "ia32e",
    "ia64",
    "loongarch64",
    "m68k",
    "mips",
    "mips64",
    "mips64el",
    "mips64r6",
    "mips64r6el",
    "mipsel",
    "mipsr6",
    "mipsr6el",
    "noarch",
    "nosrc",
    "pentium3",
    "pentium4",
    "ppc",
    "ppc64",
    "ppc64le",
    "ppc64p7",
    "riscv",
    "riscv32",
    "riscv64",
    "s390",
    "s390x",
    "sh3",
    "sh4",
    "sparc",
    "sparc64",
    "sparcv9",
    "src",
    "x86_64",
    "x86_64_v2",
    "x86_64_v3",
    "x86_64_v4",
];

impl<'a> Nevra<'a> {
    /// Reads a label. The version is what stands before the last dash (the release) and after the dash
    /// before it (the name); with one dash there is no name, with none no release.
    pub fn parse(text: &'a str) -> Self {
        let (rest, arch) = match text.rsplit_once('.') {
            Some((rest, arch)) if ARCHES.contains(&arch) => (rest, Some(arch)),
            _ => (text, None),
        };
        let (rest, release) = match rest.rsplit_once('-') {
            Some((rest, release)) => (rest, Some(release)),
            None => (rest, None),
        };
        let (name, version) = match rest.rsplit_once('-') {
            Some((name, version)) => (Some(name), version),
            None => (None, rest),
        };
        let (epoch, version) = split_epoch(version);
        Self { name, epoch, version, release, arch }
    }

    /// Names and architectures sort as text, epoch, version and release as versions; what is absent
    /// sorts first, save the epoch, which is then 0.
    pub fn compare(&self, other: &Self) -> Ordering {
        cmp_optional(self.name, other.name, |a, b| a.cmp(b))
            .then_with(|| cmp_digits(self.epoch.unwrap_or(""), other.epoch.unwrap_or("")))
            .then_with(|| rpmvercmp(self.version, other.version))
            .then_with(|| cmp_optional(self.release, other.release, rpmvercmp))
            .then_with(|| cmp_optional(self.arch, other.arch, |a, b| a.cmp(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_ordered() {
        for pair in ["1~~", "1~rc1", "1", "1^", "1^git1", "1a", "1b", "1.0", "1.1", "1.10"].windows(2) {
            assert_eq!(rpmvercmp(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(rpmvercmp("1.0.", "1_0"), Ordering::Equal);
    }

    #[test]
    fn labels_are_cut_from_the_right() {
        let label = Nevra::parse("kernel-core-5.14.0-70.el9.x86_64");
        assert_eq!(label.name, Some("kernel-core"));
        assert_eq!((label.version, label.release), ("5.14.0", Some("70.el9")));
        assert_eq!(label.arch, Some("x86_64"));
    }
}
