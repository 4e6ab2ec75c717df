//! Paths of the repository layout, coordinates, snapshot versions and the parts of file names: pure.

use assay_model::{
    Problem,
    ecosystem::Scheme,
    package::{NewFile, Role},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use std::cmp::Ordering;

/// Longest path, in decoded bytes, and longest version.
const PATH: usize = 1024;
const VERSION: usize = 128;

/// The document that lists versions, builds or plugins.
pub(super) const METADATA: &str = "maven-metadata.xml";

const SNAPSHOT: &str = "SNAPSHOT";

/// Signatures stand behind the extension of the file that they sign.
const SIGNATURES: [&str; 3] = [".asc", ".sigstore.json", ".sigstore"];

/// A checksum file's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    pub(super) const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];
    /// Its name, which is also the extension of its files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
    /// Characters of its hex.
    pub(super) fn hex_length(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// Group and artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Artifact {
    pub(super) group: String,
    pub(super) artifact: String,
}

impl Artifact {
    /// The name of a package.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.group, self.artifact)
    }
    /// Reads the name of a package; nothing for the name of a group.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let (group, artifact) = name.split_once(':')?;
        Some(Self { group: group.to_owned(), artifact: artifact.to_owned() })
    }
    /// The artifact whose folder this is.
    pub(super) fn of_folder(folder: &[String]) -> Option<Self> {
        let (artifact, group) = folder.split_last()?;
        (!group.is_empty() && is_group(group)).then(|| Self { group: group.join("."), artifact: artifact.clone() })
    }
    /// The artifact's folder, without a slash at its end.
    pub(super) fn folder(&self) -> String {
        format!("{}/{}", self.group.replace('.', "/"), self.artifact)
    }
}

/// A dot within a segment would make two paths of one group.
fn is_group(segments: &[String]) -> bool {
    segments.iter().all(|segment| !segment.contains('.'))
}

/// Version of one build of a snapshot: `1.0-20260102.030405-7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Build {
    /// Up to the timestamp, with its hyphen: `1.0-`.
    base: String,
    /// `20260102.030405`, UTC.
    pub(super) timestamp: String,
    pub(super) number: u32,
}

impl Build {
    pub(super) fn new(folder: &str, timestamp: String, number: u32) -> Self {
        let base = folder.strip_suffix(SNAPSHOT).unwrap_or(folder).to_owned();
        Self { base, timestamp, number }
    }
    /// Reads `1.0-20260102.030405-7`; nothing for any other version.
    pub(super) fn parse(version: &str) -> Option<Self> {
        let (rest, number) = version.rsplit_once('-')?;
        let (base, timestamp) = match rest.rfind('-') {
            Some(at) => rest.split_at(at + 1),
            None => ("", rest),
        };
        let (day, time) = timestamp.split_once('.')?;
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        let plain = digits(number, number.len()) && number.len() <= 9 && (number == "0" || !number.starts_with('0'));
        (digits(day, 8) && digits(time, 6) && plain).then_some(())?;
        Some(Self { base: base.to_owned(), timestamp: timestamp.to_owned(), number: number.parse().ok()? })
    }
    /// The version whose folder holds it: `1.0-SNAPSHOT`.
    pub(super) fn folder(&self) -> String {
        format!("{}{SNAPSHOT}", self.base)
    }
    pub(super) fn version(&self) -> String {
        format!("{}{}-{}", self.base, self.timestamp, self.number)
    }
    /// When it was made, without punctuation.
    pub(super) fn updated(&self) -> String {
        self.timestamp.replace('.', "")
    }
    /// When it was made; nothing where the digits are no time.
    pub(super) fn made_at(&self) -> Option<Timestamp> {
        let time = DateTime::strptime("%Y%m%d.%H%M%S", &self.timestamp).ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }
    /// The order in which builds of one snapshot came.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        (self.number, &self.timestamp).cmp(&(other.number, &other.timestamp))
    }
}

/// Whether the folder of that version holds builds.
pub(super) fn is_snapshot(version: &str) -> bool {
    version.strip_suffix(SNAPSHOT).is_some_and(|base| base.is_empty() || base.ends_with('-'))
}

/// The version as projects write it: that of a build is its snapshot's.
pub(super) fn folder_of(version: &str) -> String {
    Build::parse(version).map_or_else(|| version.to_owned(), |build| build.folder())
}

/// Maven's order; versions that are equal by it are ordered by their text.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    Scheme::Maven.compare(a, b).unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
}

/// One file of the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileAt {
    pub(super) of: Artifact,
    /// The version's folder: `1.0`, `1.0-SNAPSHOT`.
    pub(super) folder: String,
    /// The version of the package that the file belongs to: the folder's, or a build's.
    pub(super) version: String,
    /// What stands behind the version in the file's name: `.jar`, `-sources.jar`.
    pub(super) suffix: String,
}

impl FileAt {
    /// Reads folder and file name below an artifact's folder.
    pub(super) fn parse(of: Artifact, folder: &str, file: &str) -> Option<Self> {
        let rest = file.strip_prefix(&*of.artifact)?.strip_prefix('-')?;
        let (version, suffix) = match rest.strip_prefix(folder).filter(|suffix| is_suffix(suffix)) {
            Some(suffix) => (folder.to_owned(), suffix),
            None if is_snapshot(folder) => split_build(folder, rest)?,
            None => return None,
        };
        let fits = Build::parse(folder).is_none() && folder.len() <= VERSION && is_suffix(suffix);
        fits.then(|| Self { of, folder: folder.to_owned(), version, suffix: suffix.to_owned() })
    }
    /// Reads the path that a package's file has.
    pub(super) fn of_path(name: &str, path: &str) -> Option<Self> {
        let (folder, file) = path.split_once('/')?;
        Self::parse(Artifact::of_name(name)?, folder, file)
    }
    /// The path of the file in its package: unique over all versions of the name.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.folder, self.file())
    }
    pub(super) fn file(&self) -> String {
        format!("{}-{}{}", self.of.artifact, self.version, self.suffix)
    }
    /// The same file of another build.
    pub(super) fn of_build(&self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self.clone() }
    }
    /// Asked for, or sent, as `1.0-SNAPSHOT` and not as one of its builds.
    pub(super) fn is_any_build(&self) -> bool {
        self.version == self.folder && is_snapshot(&self.folder)
    }
    /// Classifier, if any, and extension, a signature's with what it signs (`jar.asc`).
    pub(super) fn kind(&self) -> (Option<&str>, &str) {
        match self.suffix.strip_prefix('-') {
            None => (None, self.suffix.get(1..).unwrap_or_default()),
            Some(rest) => {
                let at = extension_at(rest);
                (rest.get(..at), rest.get(at + 1..).unwrap_or_default())
            }
        }
    }
    /// What the file is to a browser and to the inventory.
    pub(super) fn describe(&self) -> (&'static str, Option<Role>) {
        let (classifier, extension) = self.kind();
        let of_code = (classifier != Some("javadoc")).then_some(Role::File);
        match extension {
            "pom" => ("text/xml", Some(Role::File)),
            "jar" | "war" | "ear" | "par" | "hpi" | "jpi" | "rar" => ("application/java-archive", of_code),
            "module" => ("application/vnd.org.gradle.module+json", None),
            "xml" => ("text/xml", Some(Role::File)),
            "json" => ("application/json", Some(Role::File)),
            "zip" | "aar" | "nar" | "kar" => ("application/zip", of_code),
            _ if SIGNATURES.iter().any(|signature| self.suffix.ends_with(signature)) => ("text/plain", None),
            _ => ("application/octet-stream", of_code),
        }
    }
    pub(super) fn new_file(&self, staged: assay_model::seam::format::Staged, metadata: serde_json::Value) -> NewFile {
        let (media_type, role) = self.describe();
        NewFile {
            path: self.path(),
            digest: staged.digest,
            size: staged.size,
            media_type: media_type.to_owned(),
            role,
            hashes: staged.hashes,
            metadata,
        }
    }
}

/// Where the extension's dot is: a signature belongs to what it signs, `tar.gz` is one extension.
fn extension_at(text: &str) -> usize {
    let body = SIGNATURES.iter().find_map(|signature| text.strip_suffix(signature)).unwrap_or(text);
    let dot = |text: &str| text.rfind('.');
    let Some(last) = dot(body) else { return dot(text).unwrap_or(text.len()) };
    match body.get(..last).and_then(|stem| stem.strip_suffix(".tar")) {
        Some(stem) => stem.len(),
        None => last,
    }
}

/// `.ext` or `-classifier.ext`.
fn is_suffix(text: &str) -> bool {
    let extension = |text: &str| text.len() > 1 && text.starts_with('.') && !text.ends_with('.');
    match text.strip_prefix('-') {
        None => extension(text),
        Some(rest) => {
            let at = extension_at(rest);
            at > 0 && rest.get(at..).is_some_and(extension)
        }
    }
}

/// `1.0-20260102.030405-7-sources.jar` of the folder `1.0-SNAPSHOT`: the build's version and what is behind it.
fn split_build<'t>(folder: &str, rest: &'t str) -> Option<(String, &'t str)> {
    let base = folder.strip_suffix(SNAPSHOT)?;
    let stamp = "20260102.030405-".len();
    let tail = rest.strip_prefix(base)?;
    let digits = tail.get(stamp..)?.bytes().take_while(u8::is_ascii_digit).count();
    let at = base.len() + stamp + digits;
    let build = Build::parse(rest.get(..at)?)?;
    (build.folder() == folder).then_some((build.version(), rest.get(at..)?))
}

/// What a path addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A listing, or the file that is a folder without its slash. The flag: whether the slash is there.
    Folder(Vec<String>, bool),
    /// `maven-metadata.xml` of a folder, or a checksum of it.
    Metadata(Vec<String>, Option<Algorithm>),
    /// A file, or a checksum of it.
    File(FileAt, Option<Algorithm>),
}

impl Target {
    /// # Errors
    /// `Invalid` with the rule that the path breaks.
    pub(super) fn parse(encoded: &str) -> Result<Self, Problem> {
        let path = crate::kit::path::decode(encoded)?;
        let segments = segments(&path)?;
        let Some((last, folder)) = segments.split_last().filter(|_| !path.ends_with('/')) else {
            return Ok(Self::Folder(segments, true));
        };
        let (last, checksum) = split_checksum(last);
        if last == METADATA {
            return Ok(Self::Metadata(folder.to_vec(), checksum));
        }
        let file =
            folder.split_last().and_then(|(version, above)| FileAt::parse(Artifact::of_folder(above)?, version, last));
        Ok(match file {
            Some(file) => Self::File(file, checksum),
            None => Self::Folder(segments, false),
        })
    }
}

fn split_checksum(name: &str) -> (&str, Option<Algorithm>) {
    let found = Algorithm::ALL
        .into_iter()
        .find_map(|algorithm| Some((name.strip_suffix(algorithm.name())?.strip_suffix('.')?, Some(algorithm))));
    found.unwrap_or((name, None))
}

fn segments(path: &str) -> Result<Vec<String>, Problem> {
    let wrong = |rule: &str| Err(Problem::invalid("bad-path", format!("the path {rule}")));
    if path.len() > PATH {
        return wrong(&format!("is longer than {PATH} bytes"));
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"._-+~!=".contains(&b);
    if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return wrong("has an empty segment, `.` or `..`");
    }
    if !path.bytes().all(|b| inside(b) || b == b'/') {
        return wrong(
            "has a character that no group, artifact, version or file name has; \
                      letters, digits and `. _ - + ~ ! =` are possible",
        );
    }
    Ok(path.split('/').map(str::to_owned).collect())
}

/// The prefix under which a plugin is called where its descriptor names none, as Maven derives it.
pub(super) fn default_prefix(artifact: &str) -> String {
    if artifact == "maven-plugin-plugin" {
        return "plugin".to_owned();
    }
    let mut prefix = artifact.to_owned();
    for word in ["maven", "plugin"] {
        // A word goes with the hyphens on both of its sides.
        while let Some(at) = prefix.find(word) {
            let from = at - usize::from(prefix.get(..at).is_some_and(|before| before.ends_with('-')));
            let end = at + word.len();
            let to = end + usize::from(prefix.get(end..).is_some_and(|behind| behind.starts_with('-')));
            prefix.replace_range(from..to, "");
        }
    }
    prefix
}
