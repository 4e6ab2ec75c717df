//! What a module zip says of itself: the rules of module zips, its go.mod file, and the hashes that `go.sum` will have.
//! Pure over bytes.

use super::names::{self, Module, Version, shown};
use crate::kit::archive::{Bounds, unreadable};
use assay_archive::{ArchiveError, EntryHead, EntryKind, Flow, Kind as Container, Walker, read_small};
use assay_model::{
    Problem,
    package::{NewFile, Role},
    seam::{
        ReadSeek,
        format::{Claim, Staged},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    time::Duration,
};

/// Largest module zip, and all that it unpacks to, in bytes: `go` takes no more.
pub(super) const ZIP: u64 = 500 << 20;

/// Largest go.mod that is kept; `go` takes 16 MiB, the largest known have a tenth of this.
pub(super) const GO_MOD: u64 = 1 << 20;

/// Largest go.mod that is kept beside the version; a larger one is a file of its own.
const BESIDE: usize = 128 << 10;

/// Entries of one zip.
const ENTRIES: u64 = 500_000;

/// Wall time for reading one upload.
const TIME: Duration = Duration::from_secs(300);

/// What is inside a module zip.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// The go.mod file, or the one that stands for none.
    pub(super) go_mod: String,
    /// Whether the zip has a go.mod file.
    own: bool,
    /// Hash of the zip's files, as go.sum has it (`h1:…`).
    pub(super) sum: String,
}

impl Content {
    /// Hash of the go.mod file, as go.sum has it.
    pub(super) fn mod_sum(&self) -> String {
        let mut files = BTreeMap::new();
        files.insert("go.mod".to_owned(), Sha256::digest(self.go_mod.as_bytes()).into());
        sum(&files)
    }

    /// Refuses what a publisher got wrong and `go` would complain about later. Modules that are taken from elsewhere may
    /// declare another path: forks do, and are used by `replace`.
    ///
    /// # Errors
    /// `Invalid`, naming both.
    pub(super) fn agree(&self, module: &Module, version: &Version) -> Result<(), Problem> {
        let declared = declared(&self.go_mod).unwrap_or_default();
        if declared != module.as_str() {
            return Err(Problem::invalid(
                "module-mismatch",
                format!("go.mod declares the module `{}` and the address says `{}`", shown(&declared), module.as_str()),
            ));
        }
        if version.is_incompatible() && self.own {
            return Err(Problem::invalid(
                "module-mismatch",
                "a module with a go.mod file has no +incompatible versions: end its path with the major version instead",
            ));
        }
        Ok(())
    }

    /// Kept with the version.
    pub(super) fn metadata(&self) -> Value {
        let mut kept = json!({ "sum": self.sum, "mod_sum": self.mod_sum() });
        if self.go_mod.len() <= BESIDE
            && let Value::Object(fields) = &mut kept
        {
            fields.insert("mod".to_owned(), self.go_mod.as_str().into());
            if let Some(text) = directive(&self.go_mod, "go") {
                fields.insert("go".to_owned(), text.into());
            }
        }
        kept
    }

    /// Whether the go.mod file must be stored as a file.
    pub(super) fn is_apart(&self) -> bool {
        self.go_mod.len() > BESIDE
    }
}

/// What the kept metadata of a version says of its go.mod file.
pub(super) fn kept_mod(metadata: &Value) -> Option<&str> {
    metadata.get("mod").and_then(Value::as_str)
}

/// The metadata of a go.mod file that was fetched by itself.
pub(super) fn mod_metadata(text: &str) -> Option<Value> {
    (text.len() <= BESIDE).then(|| json!({ "mod": text }))
}

/// Reads a module zip to its end.
///
/// # Errors
/// `Invalid` for a damaged or unsafe archive or one that breaks a rule of module zips, `TooLarge` beyond a limit.
pub(super) fn read(module: &Module, version: &Version, bytes: &mut dyn ReadSeek) -> Result<Content, Problem> {
    let walker = Bounds { entries: ENTRIES, total: ZIP, document: GO_MOD, time: TIME }.walker();
    let mut look = Look::new(module, version);
    let walked = walker.walk(bytes, Container::Zip, |head, body| -> Result<Flow, Fault> {
        look.entry(head, body, &walker)?;
        Ok(Flow::Continue)
    });
    walked.map_err(|fault| match fault {
        Fault::Rule(path, why) => {
            Problem::invalid("bad-module-zip", format!("the file `{}` in the module zip {why}", shown(&path)))
        }
        Fault::Archive(error) => unreadable("the module zip", "bad-module-zip", error),
    })?;
    look.done()
}

/// Why a zip is refused.
enum Fault {
    Archive(ArchiveError),
    Rule(String, String),
}

impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

/// What is gathered on the way through a zip.
struct Look<'a> {
    module: &'a Module,
    prefix: String,
    /// Names folded to lower case, with their spelling and whether they are folders.
    seen: HashMap<String, (String, bool)>,
    files: BTreeMap<String, [u8; 32]>,
    go_mod: Option<Vec<u8>>,
}

impl<'a> Look<'a> {
    fn new(module: &'a Module, version: &Version) -> Self {
        let prefix = format!("{}@{}/", module.as_str(), version.as_str());
        Self { module, prefix, seen: HashMap::new(), files: BTreeMap::new(), go_mod: None }
    }

    fn entry(&mut self, head: &EntryHead, body: &mut dyn Read, walker: &Walker) -> Result<(), Fault> {
        let rule = |why: &str| Err(Fault::Rule(head.path.clone(), why.to_owned()));
        let folder = match head.kind {
            EntryKind::File => false,
            EntryKind::Dir => true,
            _ => return rule("is a link or a device; a module zip has regular files only"),
        };
        let full = if folder { format!("{}/", head.path) } else { head.path.clone() };
        let Some(inner) = full.strip_prefix(&self.prefix).map(|inner| inner.trim_end_matches('/')) else {
            let why = format!("is outside of the folder `{}` that a zip of this version has", self.prefix);
            return rule(&why);
        };
        if !inner.is_empty() {
            names::inside(inner).map_err(|why| Fault::Rule(head.path.clone(), why))?;
            self.collide(inner, folder).map_err(|why| Fault::Rule(head.path.clone(), why))?;
        }
        let digest = if folder {
            Sha256::digest(b"").into()
        } else if inner.eq_ignore_ascii_case("go.mod") {
            if inner != "go.mod" {
                return rule("must be written go.mod");
            }
            let bytes = read_small(body, walker.budget())?;
            let digest = Sha256::digest(&bytes).into();
            self.go_mod = Some(bytes);
            digest
        } else if inner.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case("go.mod")) {
            return rule("belongs to another module: only the top folder may have a go.mod file");
        } else {
            hash(body)?
        };
        self.files.insert(full, digest);
        Ok(())
    }

    /// No two names may be equal but for their case, and none may be a file and a folder.
    fn collide(&mut self, path: &str, folder: bool) -> Result<(), String> {
        let (mut path, mut folder, mut own) = (path, folder, true);
        loop {
            match self.seen.get(&path.to_lowercase()) {
                Some((other, _)) if other != path => {
                    return Err(format!("differs from `{}` in upper and lower case only", shown(other)));
                }
                Some((_, other)) if *other != folder => return Err("is both a file and a folder".to_owned()),
                Some(_) if own && !folder => return Err("is there twice".to_owned()),
                // Its folders were looked at when it was seen first.
                Some(_) => return Ok(()),
                None => self.seen.insert(path.to_lowercase(), (path.to_owned(), folder)),
            };
            let Some((parent, _)) = path.rsplit_once('/') else { return Ok(()) };
            (path, folder, own) = (parent, true, false);
        }
    }

    fn done(self) -> Result<Content, Problem> {
        if self.files.is_empty() {
            return Err(Problem::invalid("bad-module-zip", "the module zip has no files"));
        }
        let own = self.go_mod.is_some();
        let go_mod = match self.go_mod {
            Some(bytes) => String::from_utf8(bytes)
                .map_err(|_| Problem::invalid("bad-module-zip", "the go.mod file is not UTF-8"))?,
            None => format!("module {}\n", self.module.as_str()),
        };
        Ok(Content { go_mod, own, sum: sum(&self.files) })
    }
}

fn hash(body: &mut dyn Read) -> Result<[u8; 32], ArchiveError> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 32 << 10];
    loop {
        let read = body.read(&mut piece).map_err(ArchiveError::from)?;
        match piece.get(..read) {
            Some(some) if read > 0 => hasher.update(some),
            _ => return Ok(hasher.finalize().into()),
        }
    }
}

/// The first hash function of go.sum: the SHA-256 of a listing of names and their SHA-256, in order of names.
fn sum(files: &BTreeMap<String, [u8; 32]>) -> String {
    let mut hasher = Sha256::new();
    for (name, digest) in files {
        hasher.update(format!("{}  {name}\n", hex::encode(digest)));
    }
    format!("h1:{}", STANDARD.encode(hasher.finalize()))
}

/// The module path that a go.mod file declares.
pub(super) fn declared(text: &str) -> Option<String> {
    directive(text, "module")
}

/// The first argument of a directive, in either of its forms.
fn directive(text: &str, verb: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let rest = match line.strip_prefix(verb) {
            _ if inside && line == ")" => return None,
            _ if inside && !line.is_empty() => line,
            Some(rest) if rest.starts_with([' ', '\t', '(']) => rest.trim(),
            _ => continue,
        };
        if rest == "(" {
            inside = true;
            continue;
        }
        let quoted = |mark: char| rest.strip_prefix(mark)?.strip_suffix(mark);
        return Some(quoted('"').or_else(|| quoted('`')).unwrap_or(rest).to_owned());
    }
    None
}

/// The claim of an uploaded zip; `apart` is the staged go.mod file, where it is too large to be kept with the version.
pub(super) fn claim(
    module: &Module,
    version: &Version,
    content: &Content,
    zip: Staged,
    apart: Option<Staged>,
) -> Claim {
    let mut files = vec![new_file(version, "zip", zip)];
    files.extend(apart.map(|staged| new_file(version, "mod", staged)));
    Claim {
        name: module.as_str().to_owned(),
        version: version.as_str().to_owned(),
        metadata: content.metadata(),
        files,
        references: Vec::new(),
        published_at: None,
        replaces_others: false,
        replaces_files: false,
    }
}

fn new_file(version: &Version, extension: &str, staged: Staged) -> NewFile {
    let (media_type, role) = kind_of(extension);
    NewFile {
        path: format!("{}.{extension}", version.as_str()),
        digest: staged.digest,
        size: staged.size,
        media_type: media_type.to_owned(),
        role,
        hashes: staged.hashes,
        metadata: Value::Null,
    }
}

/// Media type and role of a file by its extension.
pub(super) fn kind_of(extension: &str) -> (&'static str, Option<Role>) {
    match extension {
        "zip" => ("application/zip", Some(Role::File)),
        "info" => ("application/json", None),
        _ => ("text/plain; charset=utf-8", None),
    }
}
