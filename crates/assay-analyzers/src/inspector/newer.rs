//! Whether a newer inspector could say something else of what an older one looked into: from the names of the files that
//! are in it, without opening anything.
//!
//! The answer errs on the side of yes. What a file says is not known here, so whoever would want to read it counts.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::inventory::Inventory;
use assay_model::package::Role;
use assay_model::renewal::{Outline, Outlined};
use assay_model::seam::analyzer::{Entry, Reads};

use super::{INSIDE, Kit, Part};
use crate::content::Content;

const SECRETS: &str = "secrets";
const LICENSES: &str = "licenses";

/// What `current` has that `older` did not have, or had in an older revision.
pub(super) fn than(current: &str, older: &str) -> BTreeSet<String> {
    let older = revisions(older);
    let newer = |(id, revision): (&str, u32)| older.get(id).is_none_or(|had| *had < revision).then(|| id.to_owned());
    revisions(current).into_iter().filter_map(newer).collect()
}

/// `wheel/1 jar/3`, by id. What restricts or widens a selection has no revision.
fn revisions(text: &str) -> BTreeMap<&str, u32> {
    let one = |word: &'_ str| word.rsplit_once('/').and_then(|(_, revision)| revision.parse().ok());
    text.split(' ').filter_map(|word| Some((word.rsplit_once('/')?.0, one(word)?))).collect()
}

pub(super) fn may_improve(
    kit: &Kit,
    newer: &BTreeSet<String>,
    role: Role,
    known: &Inventory,
    outline: Option<&Outline>,
) -> bool {
    if newer.is_empty() {
        return false;
    }
    let read = known.analyzers.iter().chain(known.components.iter().map(|found| &found.analyzer));
    let Some(outline) = outline.filter(|outline| !outline.cut) else { return true };
    if read.into_iter().any(|id| newer.contains(id)) {
        return true;
    }
    let without_projects = role == Role::Layer || is_package(kit, known, outline);
    let is_asked =
        |part: &&dyn Part| newer.contains(part.spec().id) && !(without_projects && part.spec().reads == Reads::Project);
    let parts: Vec<&dyn Part> = kit.parts.iter().map(AsRef::as_ref).filter(is_asked).collect();
    let content = Content::new(newer.contains(SECRETS), newer.contains(LICENSES));
    let reads = |entry: &Entry<'_>| {
        let inner = entry.path.rsplit_once(INSIDE).map_or(entry.path, |(_, inner)| inner);
        content.wants(inner).any() || parts.iter().any(|part| would_read(*part, entry))
    };
    // The configuration of an image is looked into for secrets.
    role == Role::Image && known.image.is_some() && newer.contains(SECRETS)
        || outline.artifacts.iter().any(|artifact| reads(&Entry { is_artifact: true, ..entry(artifact) }))
        || outline.files.iter().any(|file| reads(&entry(file)))
}

/// Lock files inside of a package are nobody's project.
fn is_package(kit: &Kit, known: &Inventory, outline: &Outline) -> bool {
    let of_packages =
        |id: &str| kit.parts.iter().any(|part| part.spec().id == id && part.spec().reads == Reads::Package);
    let is_artifact = |path: &str| outline.artifacts.iter().any(|artifact| artifact.path == path);
    known.read.iter().any(|read| is_artifact(&read.path) && of_packages(&read.analyzer))
}

fn entry(file: &Outlined) -> Entry<'_> {
    Entry { path: &file.path, size: file.size, is_artifact: false, head: &file.head }
}

fn would_read(part: &dyn Part, entry: &Entry<'_>) -> bool {
    part.wants(entry)
        || part.gathers(entry)
        || part.lists_owned_files(entry.path)
        || part.licence_of(entry.path).is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Cursor;

    use assay_archive::Limits;
    use assay_model::inventory::Inventory;
    use assay_model::package::Role;
    use assay_model::renewal::Outline;
    use assay_model::seam::inspector::Inspector;

    use super::than;
    use crate::StandardInspector;

    fn only(id: &str) -> BTreeSet<String> {
        BTreeSet::from([id.to_owned()])
    }

    #[test]
    fn only_what_was_raised_or_added_is_newer() {
        assert_eq!(than("jar/2 secrets/1 wheel/1", "jar/1 secrets/1 wheel/1"), only("jar"));
        assert_eq!(than("jar/2 wheel/1", "jar/2"), only("wheel"));
        assert!(than("jar/1", "jar/2 wheel/1 without:*.md").is_empty(), "an older scanner improves nothing");
        assert_eq!(than("jar/10", "jar/9"), only("jar"));
    }

    fn layer(files: &[(&str, &[u8])]) -> Inventory {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, body) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(body.len() as u64);
            header.set_mode(0o755);
            tar.append_data(&mut header, path, *body).unwrap();
        }
        inspector().layer(&mut Cursor::new(tar.into_inner().unwrap())).unwrap()
    }

    fn inspector() -> StandardInspector {
        StandardInspector::new(Limits::default())
    }

    fn improves(id: &str, role: Role, known: &Inventory) -> bool {
        inspector().may_improve(&only(id), role, known, known.outline.as_ref())
    }

    #[test]
    fn a_layer_is_affected_by_those_who_want_a_file_of_it() {
        let known =
            layer(&[("var/lib/dpkg/status", b""), ("usr/bin/tool", b"\x7fELF\x02\x01\x01\0\0\0"), ("a.lock", b"x")]);
        assert!(improves("dpkg", Role::Layer, &known));
        assert!(improves("go-binary", Role::Layer, &known), "any executable may be one");
        assert!(!improves("apk", Role::Layer, &known));
        assert!(!improves("jar", Role::Layer, &known));
        assert!(!improves("cargo", Role::Layer, &known));
        assert!(!inspector().may_improve(&BTreeSet::new(), Role::Layer, &known, None));
        assert!(inspector().may_improve(&only("jar"), Role::Layer, &known, None), "nothing is known of it");
    }

    #[test]
    fn a_file_is_affected_by_its_own_name() {
        let known = inspector().file("notes.txt", 5, &mut Cursor::new(b"hello".to_vec())).unwrap();
        assert!(!improves("wheel", Role::File, &known));
        assert!(improves("secrets", Role::File, &known), "text may hold some");
        let mut outline = Outline::default();
        outline.artifact("a-1-py3-none-any.whl", b"PK");
        assert!(inspector().may_improve(&only("wheel"), Role::File, &Inventory::default(), Some(&outline)));
    }
}
