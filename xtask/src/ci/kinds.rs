//! What can be added to Assay: every folder that implements a seam is in its crate's list, and its name stands as a
//! literal nowhere else.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::source;
use crate::repo;

/// A seam: the crate whose folders implement it, and the trait they implement.
const SEAMS: &[(&str, &str)] = &[
    ("crates/assay-formats/src", "Format"),
    ("crates/assay-analyzers/src", "Analyzer"),
    ("crates/assay-advisories/src", "Source"),
    ("crates/assay-policy/src/actions", "Action"),
];

/// Seams whose kinds have names that mean nothing else.
const OWN_THEIR_NAMES: &[&str] = &["Format"];

/// Names that are also those of a file ending, a database of advisories, an element of documents or another thing that code
/// must name.
const COMMON_WORDS: &[&str] = &["bom", "go"];

/// One implementation of a seam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    pub folder: PathBuf,
    pub seam: &'static str,
    /// The name of its folder, which is its module.
    pub module: String,
    /// The name that users and stores see, read from its `spec`.
    pub id: String,
}

/// Every kind in the work tree.
///
/// # Errors
/// When the tree cannot be read.
pub fn find() -> Result<Vec<Kind>> {
    let files = repo::rust_files()?;
    let mut kinds = Vec::new();
    for (root, seam) in SEAMS {
        let root = Path::new(root);
        for file in files.iter().filter(|file| file.ends_with("mod.rs")) {
            let Some(folder) = file.parent().filter(|folder| folder.parent() == Some(root)) else { continue };
            let Some(module) = folder.file_name().and_then(|name| name.to_str()) else { continue };
            let inside: Vec<&PathBuf> = files.iter().filter(|file| file.starts_with(folder)).collect();
            let mut id = None;
            let mut implements = false;
            for file in inside {
                let source = source::read(&std::fs::read_to_string(repo::root().join(file))?);
                // Kinds that differ in a few functions only share an implementation; each has a spec of its own.
                implements |= implements_seam(&source.code, seam) || source.code.contains(&format!("{seam}Spec {{"));
                id = id.or_else(|| spec_id(&source));
            }
            if implements {
                let id = id.unwrap_or_else(|| module.replace('_', "-"));
                kinds.push(Kind { folder: folder.to_path_buf(), seam, module: module.to_owned(), id });
            }
        }
    }
    Ok(kinds)
}

fn implements_seam(code: &str, seam: &str) -> bool {
    code.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("impl")
            && (line.contains(&format!(" {seam} for ")) || line.contains(&format!("::{seam} for ")))
    })
}

/// The literal after the first `id:` in the code. Every literal stands in the code as `""`, in order.
fn spec_id(source: &source::Source) -> Option<String> {
    let at = source.code.match_indices("id: \"\"").map(|(at, _)| at).find(|at| {
        let before = source.code[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })?;
    let earlier = source.code[..at].matches("\"\"").count();
    source.literals.get(earlier).map(|(_, text)| text.clone())
}

/// Kinds that nobody would find: their module is not declared, or not in the list that its crate exports.
///
/// # Errors
/// When a list cannot be read.
pub fn unlisted(kinds: &[Kind]) -> Result<Vec<String>> {
    let mut broken: Vec<String> = SEAMS
        .iter()
        .filter(|(_, seam)| !kinds.iter().any(|kind| kind.seam == *seam))
        .map(|(root, seam)| format!("{root}: no folder implements {seam}: this rule no longer sees what it checks"))
        .collect();
    for kind in kinds {
        let Some(root) = kind.folder.parent() else { continue };
        let lists: Vec<PathBuf> = ["lib.rs", "mod.rs"]
            .iter()
            .map(|name| repo::root().join(root).join(name))
            .filter(|path| path.is_file())
            .collect();
        let mut code = String::new();
        for list in &lists {
            code.push_str(&source::read(&std::fs::read_to_string(list)?).code);
        }
        let declared = code.contains(&format!("mod {};", kind.module));
        let listed = code.contains(&format!("{}::", kind.module));
        if !declared || !listed {
            broken.push(format!(
                "{}: `{}` is not in its crate's list: declare `mod {};` and add it to ALL in {}",
                kind.folder.display(),
                kind.module,
                kind.module,
                root.display()
            ));
        }
    }
    Ok(broken)
}

/// Names of kinds written as literals where they do not belong.
///
/// # Errors
/// When the tree cannot be read.
pub fn stray_names(kinds: &[Kind]) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    // Other seams' names are words that code and policy documents use for other things too (`wheel`, `kev`).
    let owned: Vec<&Kind> = kinds
        .iter()
        .filter(|kind| OWN_THEIR_NAMES.contains(&kind.seam) && !COMMON_WORDS.contains(&kind.id.as_str()))
        .collect();
    for file in repo::rust_files()? {
        if !product_code(&file) {
            continue;
        }
        let source = source::read(&std::fs::read_to_string(repo::root().join(&file))?);
        for (line, literal) in &source.literals {
            let Some(kind) = owned.iter().find(|kind| kind.id == *literal) else { continue };
            if !inside_a_kind(&file, kinds) {
                broken.push(format!(
                    "{}:{line}: the name {literal:?} of a {} belongs to {}: ask its spec",
                    file.display(),
                    kind.seam,
                    kind.folder.display()
                ));
            }
        }
    }
    Ok(broken)
}

/// A kind may meet another's name in the data it reads (a purl type, a manifest key); the core may not.
fn inside_a_kind(file: &Path, kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| file.starts_with(&kind.folder))
}

fn product_code(file: &Path) -> bool {
    let text = file.to_string_lossy();
    let development = ["xtask/", "fuzz/", "crates/assay-testkit/"].iter().any(|prefix| text.starts_with(prefix));
    let tests = text.contains("/tests/") || text.ends_with("/tests.rs") || text.contains("/benches/");
    text.starts_with("crates/")
        && !development
        && !tests
        && !text.contains("/ecosystem/")
        && !text.contains("/assay-model/src/purl")
        // Another scanner's tables, in which types of package URLs are data.
        && !text.contains("/assay-engine/src/report/trivy/")
}

#[cfg(test)]
mod tests {
    use super::{implements_seam, product_code, spec_id};
    use crate::ci::source;
    use std::path::Path;

    #[test]
    fn an_implementation_is_told_from_a_mention() {
        assert!(implements_seam("impl Format for PyPi {", "Format"));
        assert!(implements_seam("impl assay_model::seam::Source for Osv {", "Source"));
        assert!(!implements_seam("impl fmt::Display for Format {", "Format"));
    }

    #[test]
    fn the_id_is_read_from_the_spec() {
        let source = source::read(
            "const A: &str = \"\";\nstatic SPEC: Spec = Spec {\n    // id: \"no\"\n    uid: \"no\", id: \"pypi\",\n    title: \"x\",\n};\n",
        );
        assert_eq!(spec_id(&source).as_deref(), Some("pypi"));
    }

    #[test]
    fn tests_and_tools_may_name_kinds() {
        assert!(product_code(Path::new("crates/assay/src/http/mod.rs")));
        assert!(!product_code(Path::new("crates/assay/tests/tour.rs")));
        assert!(!product_code(Path::new("xtask/src/main.rs")));
        assert!(!product_code(Path::new("crates/assay-model/src/ecosystem/pypi.rs")));
    }
}
