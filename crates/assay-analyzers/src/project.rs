//! Analyzers of lock files and manifests: what they share is that one file is read, others beside it help to understand it,
//! and that the whole tree has passed by then. Does not live here: what any of these files mean.

use assay_archive::{Budget, Limits, read_small};
use assay_model::component::Occurrence;
use assay_model::inventory::{Inventory, Skipped};
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry};

use crate::part::{CORRUPT, Gathered, LIMIT, Part, problem, skipped};

/// Files that only help are not kept above this.
const COMPANION_BYTES: u64 = 4 << 20;

/// Packages of one lock file; the largest known have a third of that.
pub(crate) const PACKAGES: usize = 100_000;

/// The reason of what a file names without saying which version.
pub(crate) const UNRESOLVED: &str = "unresolved";

/// Reads one kind of lock file. Made an analyzer by [`Locked`].
pub(crate) trait Project: Send + Sync + 'static {
    /// What varies by kind.
    fn spec(&self) -> &'static AnalyzerSpec;

    /// Whether this is such a lock file.
    fn is_lock(&self, path: &str) -> bool;

    /// Whether this file helps to understand one.
    fn is_companion(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// What the file names. Parts of it that cannot be understood go to `skipped`.
    ///
    /// # Errors
    /// When nothing of it can be.
    fn read(&self, lock: &Lock<'_>, skipped: &mut Vec<Skipped>) -> Result<Vec<Occurrence>, Problem>;

    /// What all such files of a tree name; one by one, unless they refer to one another.
    fn read_all(&self, files: &Gathered, installed: &[Occurrence], notes: &mut Vec<Skipped>) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (path, bytes) in files.iter().filter(|(path, _)| self.is_lock(path) || files.is_told(path)) {
            let lock = Lock { path, text: &decode(bytes), files, installed };
            match self.read(&lock, notes) {
                Ok(components) => found.extend(components),
                Err(problem) => notes.push(skipped(path, &problem)),
            }
        }
        found
    }
}

/// A lock file with what is around it.
pub(crate) struct Lock<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    /// Lock files of this kind and their companions in the whole tree.
    pub(crate) files: &'a Gathered,
    /// What other analyzers found in the tree.
    pub(crate) installed: &'a [Occurrence],
}

impl Lock<'_> {
    /// The path of a file in the same folder.
    pub(crate) fn sibling(&self, name: &str) -> String {
        join(folder(self.path), name)
    }

    /// The text of a companion in the same folder.
    pub(crate) fn beside(&self, name: &str) -> Option<String> {
        self.files.beside(self.path, name).map(decode)
    }
}

/// The analyzer of a kind of lock file: in a tree all of them are read at the end, with their companions; one that is
/// itself the artifact is read alone.
pub(crate) struct Locked<P>(pub(crate) P);

impl<P: Project> Analyzer for Locked<P> {
    fn spec(&self) -> &'static AnalyzerSpec {
        self.0.spec()
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        entry.is_artifact && self.0.is_lock(entry.path)
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl<P: Project> Part for Locked<P> {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let text = decode(&read_small(bytes, budget).map_err(problem)?);
        let lock = Lock { path: entry.path, text: &text, files: &Gathered::default(), installed: &[] };
        let found = self.0.read(&lock, &mut out.skipped)?;
        out.components.extend(found);
        Ok(())
    }

    fn gathers(&self, entry: &Entry<'_>) -> bool {
        let companion = || entry.size <= COMPANION_BYTES && self.0.is_companion(entry.path);
        !entry.is_artifact && (self.0.is_lock(entry.path) || companion())
    }

    fn reads_together(&self) -> bool {
        true
    }

    fn conclude(&self, files: &Gathered, _: &Budget, out: &mut Inventory) {
        let found = self.0.read_all(files, &out.components, &mut out.skipped);
        out.components.extend(found);
    }
}

/// The file name of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path, empty for the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path below a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Follows `.` and `..` from a folder; none if that leaves the tree.
pub(crate) fn follow(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether some folder of the path has this name.
pub(crate) fn is_inside(path: &str, name: &str) -> bool {
    folder(path).split('/').any(|part| part == name)
}

/// Text of any of the encodings that editors leave behind: UTF-8, or UTF-16 with a byte order mark.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).filter_map(|pair| Some(unit(pair.try_into().ok()?)));
        char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What a file names without saying which version, as one note for the whole file: `names` are what is written.
pub(crate) fn unresolved(path: &str, names: &[String]) -> Option<Skipped> {
    note(path, UNRESOLVED, "no version is known of", names)
}

/// Files that a file refers to and that are not there, or not read.
pub(crate) fn absent(path: &str, files: &[String]) -> Option<Skipped> {
    note(path, UNRESOLVED, "it refers to files that are not there or are not read", files)
}

/// What stands where a name and a version should.
pub(crate) fn unnameable(path: &str, names: &[String]) -> Option<Skipped> {
    note(path, CORRUPT, "these are no names and versions", names)
}

/// Packages that were left out because there were more than [`PACKAGES`].
pub(crate) fn too_many(path: &str, dropped: usize) -> Option<Skipped> {
    let detail = format!("at least {dropped} packages beyond the {PACKAGES} that are read of one file");
    (dropped > 0).then(|| Skipped { path: path.to_owned(), reason: LIMIT.to_owned(), detail })
}

fn note(path: &str, reason: &str, what: &str, names: &[String]) -> Option<Skipped> {
    const SHOWN: usize = 20;
    const CHARS: usize = 120;
    if names.is_empty() {
        return None;
    }
    let more = names.len().saturating_sub(SHOWN);
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let short = |name: &String| name.chars().take(CHARS).map(plain).collect::<String>();
    let shown = names.iter().take(SHOWN).map(short).collect::<Vec<_>>().join("; ");
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    let detail = format!("{what}: {shown}{tail}");
    Some(Skipped { path: path.to_owned(), reason: reason.to_owned(), detail })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod testing {
    //! Trees for the tests of analyzers, and what was found as lines to compare.

    use std::fmt::Write;
    use std::io::Cursor;

    use super::{Entry, Inventory};
    use crate::part::{Gathered, Part};

    /// What an analyzer finds in a tree of these files, after `before` was found by others.
    pub(crate) fn tree_after(part: &dyn Part, files: &[(&str, &[u8])], before: Inventory) -> Inventory {
        let mut gathered = Gathered::default();
        for (path, bytes) in files {
            let entry = Entry { path, size: bytes.len() as u64, is_artifact: false, ..Entry::default() };
            if part.gathers(&entry) {
                gathered.insert(path, bytes.to_vec());
            }
        }
        let mut out = before;
        part.conclude(&gathered, &super::Budget::new(super::Limits::default()), &mut out);
        out
    }

    pub(crate) fn tree(part: &dyn Part, files: &[(&str, &str)]) -> Inventory {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        tree_after(part, &files, Inventory::default())
    }

    /// Each component in one line: `id relationship dev first-last -> needs | licences`, whatever is not there left out.
    pub(crate) fn shown(out: &Inventory) -> Vec<String> {
        let one = |found: &assay_model::component::Occurrence| {
            let component = &found.component;
            let mut line = match found.id.is_empty() {
                true => format!("{}=={}", component.name, component.version),
                false => found.id.clone(),
            };
            if !found.relationship.is_unknown() {
                write!(line, " {}", format!("{:?}", found.relationship).to_lowercase()).unwrap();
            }
            if found.dev {
                line.push_str(" dev");
            }
            for lines in &found.lines {
                write!(line, " {}-{}", lines.first, lines.last).unwrap();
            }
            if !found.depends_on.is_empty() {
                write!(line, " -> {}", found.depends_on.join(" ")).unwrap();
            }
            if !found.licenses.is_empty() {
                write!(line, " | {}", found.licenses.join(", ")).unwrap();
            }
            line
        };
        out.components.iter().map(one).collect()
    }

    /// Whatever is cut off or changed in a file, reading it ends, and what is found can be named.
    pub(crate) fn survives(part: &dyn Part, path: &str, text: &str) {
        let look = |bytes: &[u8]| {
            let mut out = tree_after(part, &[(path, bytes)], Inventory::default());
            let entry = Entry { path, size: bytes.len() as u64, is_artifact: true, ..Entry::default() };
            let _ = part.analyze(&entry, &mut Cursor::new(bytes), &mut out);
            for found in &out.components {
                assert!(!found.component.name.is_empty() && found.component.purl.starts_with("pkg:"));
            }
        };
        let bytes = text.as_bytes();
        let step = (bytes.len() / 80).max(1);
        for at in (0..bytes.len()).step_by(step) {
            look(&bytes[..at]);
            for put in [b'\n', b'"', b'{', b'@', b':', b' ', b'0', 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[at] = put;
                look(&damaged);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, follow, is_inside};

    #[test]
    fn paths() {
        assert_eq!(follow("a/b", "../c/./d.txt").as_deref(), Some("a/c/d.txt"));
        assert_eq!(follow("", "../c"), None);
        assert!(is_inside("a/node_modules/b", "node_modules"));
        assert!(!is_inside("a/node_modules", "node_modules"));
    }

    #[test]
    fn encodings() {
        assert_eq!(decode(b"\xff\xfea\0=\0"), "a=");
        assert_eq!(decode(b"\xfe\xff\0a\0="), "a=");
        assert_eq!(decode(b"\xef\xbb\xbfa="), "a=");
        assert_eq!(decode(b"a\xff"), "a\u{fffd}");
    }
}
