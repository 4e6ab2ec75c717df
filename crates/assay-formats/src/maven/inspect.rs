//! What the files of a version say of themselves: the pom, Gradle's module metadata, the descriptor in a plugin's jar.
//! Pure over bytes.

use super::names::{FileAt, default_prefix};
use crate::kit::xml;
use assay_archive::{ArchiveError, Flow, Kind as Container, Limits, Walker, read_small};
use assay_model::{Kind, Problem, seam::ReadSeek};
use roxmltree::Node;
use serde_json::{Map, Value, json};
use std::{
    io::{Read, SeekFrom},
    time::Duration,
};

/// Largest module metadata, in bytes.
const MODULE: u64 = 16 << 20;

/// Where a plugin's jar describes it, and the largest such description.
const PLUGIN: &str = "META-INF/maven/plugin.xml";
const DESCRIPTOR: u64 = 8 << 20;

/// Wall time for looking for that description.
const TIME: Duration = Duration::from_secs(20);

/// Entries kept of one list of a pom, and bytes of one text.
const ITEMS: usize = 1000;
const TEXT: usize = 4096;

/// What was learned from a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Learned {
    /// For the package; null where the file says nothing of it.
    pub(super) package: Value,
    /// For the file.
    pub(super) file: Value,
}

/// Reads what a file says of itself.
///
/// # Errors
/// `Invalid` when it cannot be read, or says another group, artifact or version than its path.
pub(super) fn learn(at: &FileAt, size: u64, bytes: &mut dyn ReadSeek) -> Result<Learned, Problem> {
    match (&*at.suffix, at.kind()) {
        (".pom", _) => pom(at, &whole(at, size, xml::DOCUMENT as u64, bytes)?),
        (".module", _) => module(at, &whole(at, size, MODULE, bytes)?).map(|()| Learned::default()),
        (".jar", _) => Ok(Learned { package: Value::Null, file: plugin(at, bytes) }),
        _ => Ok(Learned::default()),
    }
}

fn whole(at: &FileAt, size: u64, limit: u64, bytes: &mut dyn ReadSeek) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| Problem::internal("the uploaded bytes cannot be read", error);
    if size > limit {
        let message = format!("{} is larger than the {limit} bytes that are read of one", at.file());
        return Err(Problem::new(Kind::TooLarge, "too-large", message));
    }
    let mut read = Vec::new();
    bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    bytes.take(limit).read_to_end(&mut read).map_err(unreadable)?;
    Ok(match String::from_utf8(read) {
        Ok(text) => text,
        // Old poms are in Latin-1; what is compared is ASCII in both.
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    })
}

/// A stated value that disagrees with the path. Placeholders are for whoever builds the effective pom.
fn agree(at: &FileAt, what: &str, stated: Option<&str>, path: &str) -> Result<(), Problem> {
    match stated {
        Some(stated) if stated != path && !stated.contains("${") => {
            let stated: String = stated.chars().take(100).collect();
            Err(Problem::invalid(
                "metadata-mismatch",
                format!("{} says that its {what} is `{stated}`, and its path says `{path}`", at.file()),
            ))
        }
        _ => Ok(()),
    }
}

fn pom(at: &FileAt, text: &str) -> Result<Learned, Problem> {
    let document =
        xml::parse(text).map_err(|problem| Problem::invalid("bad-pom", format!("{}: {problem}", at.file())))?;
    let project = document.root_element();
    if project.tag_name().name() != "project" {
        return Err(Problem::invalid("bad-pom", format!("{} is no pom: its root is no <project>", at.file())));
    }
    let parent = xml::child(project, "parent");
    let inherited = |key| xml::text(project, key).or_else(|| xml::text(parent?, key));
    agree(at, "groupId", inherited("groupId").as_deref(), &at.of.group)?;
    agree(at, "artifactId", xml::text(project, "artifactId").as_deref(), &at.of.artifact)?;
    agree(at, "version", inherited("version").as_deref(), &at.folder)?;
    Ok(Learned { package: summary(at, project), file: Value::Null })
}

/// What people and policies ask of a project; the whole pom stays in its file.
fn summary(at: &FileAt, project: Node<'_, '_>) -> Value {
    let mut kept = Map::new();
    kept.insert("groupId".into(), at.of.group.clone().into());
    kept.insert("artifactId".into(), at.of.artifact.clone().into());
    kept.insert("version".into(), at.folder.clone().into());
    kept.insert("packaging".into(), line(project, "packaging").unwrap_or_else(|| "jar".to_owned()).into());
    for key in ["name", "description", "url", "inceptionYear"] {
        kept.extend(line(project, key).map(|value| (key.to_owned(), value.into())));
    }
    for (list, item, key) in
        [("licenses", "license", "name"), ("developers", "developer", "name"), ("modules", "module", "")]
    {
        let values = xml::items(project, list, item).take(ITEMS);
        let values: Vec<String> =
            values.filter_map(|node| if key.is_empty() { own_line(node) } else { line(node, key) }).collect();
        if !values.is_empty() {
            kept.insert(list.into(), json!(values));
        }
    }
    let nested = |parent: &str, key: &str| line(xml::child(project, parent)?, key);
    for (parent, key) in [("organization", "name"), ("scm", "url"), ("issueManagement", "url")] {
        kept.extend(nested(parent, key).map(|value| (parent.to_owned(), value.into())));
    }
    let dependencies: Vec<Value> =
        xml::items(project, "dependencies", "dependency").take(ITEMS).filter_map(dependency).collect();
    if !dependencies.is_empty() {
        kept.insert("dependencies".into(), dependencies.into());
    }
    Value::Object(kept)
}

fn dependency(node: Node<'_, '_>) -> Option<Value> {
    let mut kept = Map::new();
    kept.insert("name".into(), format!("{}:{}", line(node, "groupId")?, line(node, "artifactId")?).into());
    for key in ["version", "type", "classifier", "scope", "optional"] {
        kept.extend(line(node, key).map(|value| (key.to_owned(), value.into())));
    }
    Some(Value::Object(kept))
}

fn line(node: Node<'_, '_>, name: &str) -> Option<String> {
    own_line(xml::child(node, name)?)
}

/// A text on one line, cut to what is kept.
fn own_line(node: Node<'_, '_>) -> Option<String> {
    let text = xml::own_text(node)?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(if text.len() <= TEXT { text } else { text.chars().take(TEXT / 4).collect() })
}

/// Gradle's module metadata 1.x. Variants that are published apart name the component that they are of, which is
/// another one; those have an address of it.
fn module(at: &FileAt, text: &str) -> Result<(), Problem> {
    let bad = |why: String| Problem::invalid("bad-module", format!("{} is no module metadata: {why}", at.file()));
    let read: Value = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
    let component = read.get("component").filter(|component| component.is_object());
    let component = component.ok_or_else(|| bad("it has no component".to_owned()))?;
    let stated = |key: &str| component.get(key).and_then(Value::as_str);
    if stated("url").is_some() {
        return Ok(());
    }
    agree(at, "group", stated("group"), &at.of.group)?;
    agree(at, "module", stated("module"), &at.of.artifact)?;
    agree(at, "version", stated("version"), &at.folder)
}

/// What the jar of a plugin says of it: null for any other. That a jar cannot be read is for its inventory to say.
fn plugin(at: &FileAt, bytes: &mut dyn ReadSeek) -> Value {
    let limits = Limits::configured();
    let (document, time) = (limits.metadata_bytes.min(DESCRIPTOR), limits.deadline.min(TIME));
    let walker = Walker::new(limits.with_metadata_bytes(document).with_deadline(time));
    let mut found = None;
    let walked = walker.walk(bytes, Container::Zip, |entry, body| -> Result<Flow, ArchiveError> {
        if entry.path != PLUGIN {
            return Ok(Flow::Continue);
        }
        found = Some(read_small(body, walker.budget())?);
        Ok(Flow::Stop)
    });
    let described = || {
        let text = String::from_utf8(found?).ok()?;
        let document = xml::parse(&text).ok()?;
        let root = document.root_element();
        let prefix = line(root, "goalPrefix").unwrap_or_else(|| default_prefix(&at.of.artifact));
        Some(json!({ "plugin": { "prefix": prefix, "name": line(root, "name") } }))
    };
    walked.ok().and_then(|_| described()).unwrap_or_default()
}

/// The hash in a checksum file: alone, before the file's name, or behind `=`.
///
/// # Errors
/// `Invalid` when there is none of that length.
pub(super) fn checksum(text: &str, length: usize) -> Result<String, Problem> {
    let words = text.split(|c: char| c.is_whitespace() || c == '=' || c == '*');
    let mut hex = words.filter(|word| word.len() == length && word.bytes().all(|b| b.is_ascii_hexdigit()));
    let first = hex.next().map(str::to_ascii_lowercase);
    first.ok_or_else(|| Problem::invalid("bad-checksum", format!("the checksum has no {length} characters of hex")))
}
