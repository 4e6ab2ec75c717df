//! Module paths, versions, their escaped forms in addresses, and the names of files inside module zips: pure.
//!
//! The rules are those of the Go modules reference ("Module paths", "Versions", "Module proxy: case escaping",
//! "Module zip files"). A module path is kept as it is written: modules that differ in case are different modules.

pub(super) use crate::kit::text::shown;

use assay_model::{Problem, ecosystem::Scheme};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use std::cmp::Ordering;

/// Longest module path and version, in bytes.
const PATH: usize = 512;
const VERSION: usize = 256;

/// Names that one of the supported systems cannot write to disk.
const RESERVED: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A module path that follows the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module(String);

impl Module {
    /// # Errors
    /// `Invalid` with the rule that the path breaks.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            Problem::invalid("bad-module-path", format!("`{}` is not a valid module path: {why}", shown(path)))
        };
        if path.is_empty() || path.len() > PATH {
            return Err(wrong(&format!("expected 1 to {PATH} bytes")));
        }
        path.split('/').try_for_each(element).map_err(&wrong)?;
        let host = path.split('/').next().unwrap_or_default();
        let in_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        if !host.contains('.') || host.starts_with('-') || !host.bytes().all(in_host) {
            return Err(wrong("its first element must be a domain name in lower case, with a dot"));
        }
        let module = Self(path.to_owned());
        if module.major().is_none() {
            return Err(wrong("its version suffix is not /v2 or higher without leading zeros"));
        }
        Ok(module)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The major version that the path's suffix asks for (`Some(None)`: no suffix); nothing for a malformed suffix.
    fn major(&self) -> Option<Option<&str>> {
        if let Some(rest) = self.0.strip_prefix("gopkg.in/") {
            let rest = rest.strip_suffix("-unstable").unwrap_or(rest);
            let (_, number) = rest.rsplit_once(".v")?;
            let sound = is_number(number);
            return sound.then_some(Some(number));
        }
        let last = self.0.rsplit('/').next().unwrap_or_default();
        let Some(number) = last.strip_prefix('v').filter(|_| last.len() < self.0.len()) else { return Some(None) };
        let numeric = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match (numeric, is_number(number) && !matches!(number, "0" | "1")) {
            (false, _) => Some(None),
            (true, true) => Some(Some(number)),
            (true, false) => None,
        }
    }

    /// Whether a version of that major number may belong to this path.
    ///
    /// # Errors
    /// `Invalid`, saying what the path asks for.
    pub(super) fn check(&self, version: &Version) -> Result<(), Problem> {
        let major = version.major();
        let fits = match self.major().flatten() {
            None => matches!(major, "0" | "1") || version.is_incompatible(),
            Some(wanted) => {
                let old = wanted == "1" && version.as_str().starts_with("v0.0.0-");
                !version.is_incompatible() && (wanted == major || (old && self.0.starts_with("gopkg.in/")))
            }
        };
        let misplaced = version.is_incompatible() && matches!(major, "0" | "1");
        if fits && !misplaced {
            return Ok(());
        }
        let wanted = self.major().flatten().map_or_else(|| "v0 or v1".to_owned(), |major| format!("v{major}"));
        Err(Problem::invalid(
            "bad-version",
            format!(
                "version {version} does not fit the module path {}, which is of {wanted}",
                self.0,
                version = version.as_str()
            ),
        ))
    }
}

/// One element of a module path.
fn element(part: &str) -> Result<(), &'static str> {
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if part.is_empty() {
        return Err("it has an empty element");
    }
    if part.starts_with('.') || part.ends_with('.') {
        return Err("an element begins or ends with a dot");
    }
    if !part.bytes().all(sound) {
        return Err("only letters, digits and - . _ ~ are allowed");
    }
    if is_reserved(part) {
        return Err("an element is a reserved file name on some systems");
    }
    let stem = part.split('.').next().unwrap_or_default();
    match stem.rsplit_once('~') {
        Some((_, tail)) if !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()) => {
            Err("an element ends in a tilde and digits, as short names do on some systems")
        }
        _ => Ok(()),
    }
}

fn is_reserved(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
    RESERVED.contains(&stem.as_str())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

/// A canonical version: `v1.2.3`, `v1.2.3-pre`, a pseudo-version, `v2.0.0+incompatible`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(String);

impl Version {
    /// # Errors
    /// `Invalid` when it is none, or not written in full.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let canonical = || {
            let rest = text.strip_prefix('v')?;
            let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
            let numbers = rest.split('-').next()?;
            let full = numbers.split('.').count() == 3;
            let sound = full && matches!(build, None | Some("incompatible")) && Scheme::Go.is_canonical(text);
            (sound && text.len() <= VERSION).then_some(())
        };
        canonical().map(|()| Self(text.to_owned())).ok_or_else(|| {
            Problem::invalid(
                "bad-version",
                format!("`{}` is not a version such as v1.2.3, v1.2.3-rc.1 or v2.0.0+incompatible", shown(text)),
            )
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn major(&self) -> &str {
        self.0.trim_start_matches('v').split('.').next().unwrap_or_default()
    }

    /// `v1.2`, the line of patches that it belongs to.
    pub(super) fn minor_line(&self) -> String {
        self.0.split('.').take(2).collect::<Vec<_>>().join(".")
    }

    pub(super) fn is_incompatible(&self) -> bool {
        self.0.ends_with("+incompatible")
    }

    pub(super) fn is_prerelease(&self) -> bool {
        self.0.contains('-')
    }

    /// The commit time in a pseudo-version; nothing for other versions.
    pub(super) fn pseudo_time(&self) -> Option<Timestamp> {
        let text = self.0.trim_end_matches("+incompatible");
        let (rest, revision) = text.rsplit_once('-')?;
        if revision.is_empty() || !revision.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        // `vX.0.0-TIME-REV`, or `vX.Y.Z-0.TIME-REV`, or `vX.Y.Z-pre.0.TIME-REV`
        let (base, pre) = rest.split_once('-')?;
        let time = match pre.rsplit_once('.') {
            None if base.ends_with(".0.0") => pre,
            Some(("0", time)) => time,
            Some((front, time)) if front.ends_with(".0") => time,
            _ => return None,
        };
        if time.len() != 14 || !time.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let moment = DateTime::strptime("%Y%m%d%H%M%S", time).ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(moment.timestamp())
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        // The order ignores `+incompatible`; the text settles what is left, so that lists are stable.
        Scheme::Go.order(&self.0, &other.0).unwrap_or(Ordering::Equal).then_with(|| self.0.cmp(&other.0))
    }
}

/// The form in addresses: an upper-case letter is `!` and its lower-case letter.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// What an escaped form stands for; nothing where it is none, so that a module has one address only.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            c if c.is_ascii_uppercase() || !c.is_ascii() => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// What an address below the repository asks for. Module and what follows are unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `<module>/@v/list`
    List(Module),
    /// `<module>/@latest`
    Latest(Module),
    /// `<module>/@v/<version or branch>.info`
    Info(Module, String),
    /// `<module>/@v/<version>.mod`
    Mod(Module, Version),
    /// `<module>/@v/<version>.zip`
    Zip(Module, Version),
    /// `sumdb/<database>/<rest>`
    Database(String, String),
}

impl Address {
    /// # Errors
    /// `NotFound` where nothing can be at such an address: `go` then asks its next proxy.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let nothing = |why: &str| Problem::not_found(format!("there is nothing at this address: {why}"));
        if let Some(rest) = path.strip_prefix("sumdb/") {
            let split = ["/supported", "/latest", "/lookup/", "/tile/"].iter().find_map(|mark| rest.find(mark));
            let (name, rest) = rest.split_at(split.ok_or_else(|| nothing("no checksum database has it"))?);
            let sound = |b: u8| b.is_ascii_alphanumeric() || b"-._~!@+/".contains(&b);
            let dots = |part: &str| part.is_empty() || part.bytes().all(|b| b == b'.');
            let rest = rest.trim_start_matches('/');
            if !path.bytes().all(sound) || name.split('/').chain(rest.split('/')).any(dots) {
                return Err(nothing("no checksum database has it"));
            }
            return Ok(Self::Database(name.to_owned(), rest.to_owned()));
        }
        let module = |escaped: &str| {
            let path =
                unescape(escaped).ok_or_else(|| nothing("upper-case letters are written with `!` before them"))?;
            Module::parse(&path).map_err(|problem| nothing(&problem.message))
        };
        if let Some(escaped) = path.strip_suffix("/@latest") {
            return Ok(Self::Latest(module(escaped)?));
        }
        let (escaped, file) = path
            .rsplit_once("/@v/")
            .ok_or_else(|| nothing("expected MODULE/@v/list, MODULE/@v/VERSION.zip or MODULE/@latest"))?;
        let module = module(escaped)?;
        if file == "list" {
            return Ok(Self::List(module));
        }
        let (version, extension) =
            file.rsplit_once('.').ok_or_else(|| nothing("expected VERSION.info, VERSION.mod or VERSION.zip"))?;
        let version = unescape(version).ok_or_else(|| nothing("the version is not escaped as it should be"))?;
        let full = |text: &str| Version::parse(text).map_err(|problem| nothing(&problem.message));
        match extension {
            "info" if is_query(&version) => Ok(Self::Info(module, version)),
            "mod" => Ok(Self::Mod(module, full(&version)?)),
            "zip" => Ok(Self::Zip(module, full(&version)?)),
            _ => Err(nothing("expected VERSION.info, VERSION.mod or VERSION.zip")),
        }
    }
}

/// Whether it may be a version, a branch or a commit.
fn is_query(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&()+,-.=@[]^_{}~/".contains(&b);
    !text.is_empty()
        && text.len() <= VERSION
        && text.bytes().all(sound)
        && !text.split('/').any(|part| part.is_empty() || part.chars().all(|c| c == '.'))
}

/// Checks the name of a file inside a module zip, after its `module@version/`.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn inside(path: &str) -> Result<(), String> {
    for part in path.split('/') {
        if part.is_empty() || part.chars().all(|c| c == '.') || part.ends_with('.') {
            return Err("has an element that is empty, only dots, or ends with a dot".to_owned());
        }
        let allowed = |c: char| match c.is_ascii() {
            true => c.is_ascii_alphanumeric() || "!#$%&()+,-.=@[]^_{}~ ".contains(c),
            false => c.is_alphabetic(),
        };
        if let Some(c) = part.chars().find(|c| !allowed(*c)) {
            return Err(format!("contains {c:?}, which file names in modules may not have"));
        }
        if is_reserved(part) {
            return Err("is a reserved file name on some systems".to_owned());
        }
    }
    Ok(())
}
