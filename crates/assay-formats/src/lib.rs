//! The package protocols: one folder per format, listed in [`ALL`].
//!
//! Lives here: turning a client's request into typed operations on a repository, reading what an upload says of itself,
//! and wording documents, problems and refusals so that each format's clients show them. Does not live here: storage,
//! permissions, policy, the bytes of artifacts, HTTP itself. `docs/add-a-format.md` tells how to add one.

use assay_model::seam::format::Format;

mod kit;

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
    &cargo::FORMAT,   // Rust crates
    &generic::FORMAT, // any file
    &go::FORMAT,      // Go modules
    &helm::FORMAT,    // Helm charts
    &maven::FORMAT,   // Java artifacts
    &npm::FORMAT,     // Node packages
    &oci::FORMAT,     // container images
    &pypi::FORMAT,    // Python distributions
];

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
