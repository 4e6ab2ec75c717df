//! Which files are licence files, by name.

/// Beginnings of names, in lower case.
const STEMS: [&str; 9] =
    ["license", "licence", "copying", "copyright", "notice", "unlicense", "unlicence", "eula", "mit-license"];
/// Endings of such names that are documents. Code that deals with licences has others.
const ENDINGS: [&str; 9] = ["", "txt", "md", "rst", "markdown", "text", "lesser", "lib", "asc"];
/// Folders whose every document is one (REUSE, and Python since metadata 2.4).
const FOLDERS: [&str; 2] = ["LICENSES", "licenses"];

/// Whether a file of this path is where licences are put.
pub(crate) fn is_license_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    let in_folder = folder.rsplit('/').next().is_some_and(|last| FOLDERS.contains(&last));
    let Some(stem) = STEMS.iter().find(|stem| name.starts_with(**stem)) else {
        return in_folder && is_document(&name);
    };
    let rest = name.get(stem.len()..).unwrap_or_default();
    let parted = rest.starts_with(['.', '-', '_', ' ', 's']) || rest.is_empty();
    parted && (is_document(&name) || is_suffix_of_license(rest))
}

fn is_document(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.contains(&ending)
}

/// `LICENSE-2.0`, `LICENSE.Apache`, `COPYING.GPLv3`: what follows is the name of a licence.
fn is_suffix_of_license(rest: &str) -> bool {
    let name = rest.trim_start_matches(['.', '-', '_', ' ']);
    name.starts_with(|c: char| c.is_ascii_digit()) || assay_model::license::normalise(name).known
}

#[cfg(test)]
mod tests {
    use super::is_license_file;

    #[test]
    fn names_tell_licence_files() {
        for path in [
            "LICENSE",
            "a/LICENCE.md",
            "COPYING",
            "COPYING.LESSER",
            "x.dist-info/licenses/LICENSE.txt",
            "LICENSE-MIT",
            "LICENSE.Apache-2.0",
            "COPYING.GPLv3",
            "NOTICE",
            "LICENSES/GPL-2.0-only.txt",
            "UNLICENSE",
            "License.rst",
        ] {
            assert!(is_license_file(path), "{path}");
        }
        for path in ["license.py", "src/licensing.rs", "noticeboard.txt", "LICENSE.html.erb", "copy.txt", "licensee.js"]
        {
            assert!(!is_license_file(path), "{path}");
        }
    }
}
