//! The package protocols: one folder per format, listed in [`ALL`].
//!
//! Lives here: turning a client's request into typed operations on a repository, reading what an upload says of itself,
//! and wording documents, problems and refusals so that each format's clients show them. Does not live here: storage,
//! permissions, policy, the bytes of artifacts, HTTP itself. `docs/add-a-format.md` tells how to add one.

use assay_model::seam::format::Format;

mod kit;

pub mod bom;
pub mod cargo;
pub mod generic;
pub mod go;
pub mod helm;
pub mod maven;
pub mod npm;
pub mod oci;
pub mod pypi;

/// Every format that is served.
pub static ALL: &[&dyn Format] = &[
    &bom::FORMAT,     // bills of materials
    &cargo::FORMAT,   // Rust crates
    &generic::FORMAT, // any file
    &go::FORMAT,      // Go modules
    &helm::FORMAT,    // Helm charts
    &maven::FORMAT,   // Java artifacts
    &npm::FORMAT,     // Node packages
    &oci::FORMAT,     // container images
    &pypi::FORMAT,    // Python distributions
];

/// Where a file is put, after the repository, by its path in a folder, segments divided by `/`; nothing where it is none of
/// the format's.
pub type Place = fn(&str) -> Option<String>;

/// The formats whose clients put single files under paths of their own, so that a folder can be sent as it is.
pub static TREES: &[(&dyn Format, Place)] =
    &[(&generic::FORMAT, generic::place), (&helm::FORMAT, helm::place), (&maven::FORMAT, maven::place)];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn ids_and_prefixes_are_unique_and_fit_into_a_path() {
        let mut seen = BTreeSet::new();
        for spec in ALL.iter().map(|format| format.spec()) {
            assert!(seen.insert(("id", spec.id)) && seen.insert(("prefix", spec.prefix)), "{}", spec.id);
            assert!(spec.prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            assert!(!["api", "ui", "healthz", "readyz", "metrics"].contains(&spec.prefix));
        }
    }

    #[test]
    fn files_of_a_folder_have_their_places() {
        let place = |id: &str, path: &str| {
            super::TREES.iter().find(|(format, _)| format.spec().id == id).and_then(|(_, place)| place(path))
        };
        assert_eq!(place("generic", "a b/c").as_deref(), Some("a%20b/c"));
        assert_eq!(place("generic", "a/../c"), None);
        assert_eq!(place("helm", "old/word-1.0.0.tgz.prov").as_deref(), Some("word-1.0.0.tgz.prov"));
        assert_eq!(place("helm", "old/word.tgz"), None);
        let jar = "org/example/word/1.0/word-1.0.jar";
        assert_eq!(place("maven", jar).as_deref(), Some(jar));
        for other in [&format!("{jar}.sha1"), "org/example/word/maven-metadata.xml", "readme.txt"] {
            assert_eq!(place("maven", other), None, "{other}");
        }
    }

    #[test]
    fn client_texts_use_only_the_known_placeholders() {
        for spec in ALL.iter().map(|format| format.spec()) {
            assert!(!spec.clients.is_empty());
            for (client, text) in spec.clients {
                let rest = text.replace("{url}", "").replace("{host}", "").replace("{repository}", "");
                assert!(!rest.contains(['{', '}']), "{}: {client}: {text}", spec.id);
                assert_ne!(&rest, text, "{}: {client} says nothing of this server", spec.id);
            }
        }
    }
}
