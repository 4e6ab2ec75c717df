//! No kind imports its sibling: what two formats share is a method of the seam or a helper beside them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::kinds::Kind;
use super::source;
use crate::repo;

/// Imports from one kind's folder into another's.
///
/// # Errors
/// When the tree cannot be read.
pub fn check(kinds: &[Kind]) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for file in repo::rust_files()? {
        let Some(kind) = kinds.iter().find(|kind| file.starts_with(&kind.folder)) else { continue };
        let siblings: Vec<&str> = kinds
            .iter()
            .filter(|other| other.folder.parent() == kind.folder.parent() && other.module != kind.module)
            .map(|other| other.module.as_str())
            .collect();
        let source = source::read(&std::fs::read_to_string(repo::root().join(&file))?);
        for name in imported(&source.code, depth(&file, &kind.folder), path_below_src(&kind.folder)) {
            if siblings.contains(&name.as_str()) {
                broken.push(format!(
                    "{}: imports its sibling `{name}`: give the seam what both need, or put a helper beside them",
                    file.display()
                ));
            }
        }
    }
    Ok(broken)
}

/// How many `super::` lead from a file's module to the module that holds the kinds.
fn depth(file: &Path, folder: &Path) -> usize {
    let inside = file.strip_prefix(folder).unwrap_or(file);
    let modules = inside.components().count();
    if inside.ends_with("mod.rs") { modules } else { modules + 1 }
}

/// `crate::…::` as it leads to the module that holds the kinds.
fn path_below_src(folder: &Path) -> String {
    let text = folder.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
    let below = text.split("/src").nth(1).unwrap_or_default().trim_matches('/').to_owned();
    if below.is_empty() { "crate::".to_owned() } else { format!("crate::{}::", below.replace('/', "::")) }
}

/// The first names that follow the way to the module of kinds, in paths and in braces.
fn imported(code: &str, depth: usize, absolute: String) -> BTreeSet<String> {
    let compact: String =
        code.split_whitespace().collect::<Vec<_>>().join(" ").replace(":: ", "::").replace(" ::", "::");
    let mut names = BTreeSet::new();
    for way in [absolute, "super::".repeat(depth)] {
        for (at, _) in compact.match_indices(&way) {
            // `super::super::` also contains `super::`: only a way that starts here counts.
            let before = compact[..at].chars().next_back();
            if before.is_some_and(|c| c == ':' || c == '_' || c.is_alphanumeric()) {
                continue;
            }
            names.extend(first_names(&compact[at + way.len()..]));
        }
    }
    names
}

fn first_names(rest: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let (mut level, mut names, mut start) = (0_usize, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => {
                names.push(word(list[start..at].trim_start()));
                break;
            }
            '}' => level -= 1,
            ',' if level == 0 => {
                names.push(word(list[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{depth, imported, path_below_src};
    use std::path::Path;

    #[test]
    fn finds_siblings_by_either_way() {
        let code = "use crate::{oci::wire::A, shared::{b, c}};\nuse super::super::generic::B;\nlet x = crate::npm::f();\nuse super::own;";
        let names = imported(code, 2, "crate::".to_owned());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(names, ["generic", "npm", "oci", "shared"]);
    }

    #[test]
    fn knows_where_a_file_stands() {
        let folder = Path::new("crates/assay-policy/src/actions/tag");
        assert_eq!(depth(&folder.join("mod.rs"), folder), 1);
        assert_eq!(depth(&folder.join("wire.rs"), folder), 2);
        assert_eq!(depth(&folder.join("deep/wire.rs"), folder), 3);
        assert_eq!(path_below_src(folder), "crate::actions::");
        assert_eq!(path_below_src(Path::new("crates/assay-formats/src/pypi")), "crate::");
    }
}
