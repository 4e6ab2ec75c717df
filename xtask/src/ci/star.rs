//! The crate graph: nouns and archives in the middle, leaves that never meet, one product on the outside.
//!
//! The compiler refuses cycles; this refuses the other edges. It also keeps each framework behind its one crate.

use anyhow::Result;

use crate::repo::{Metadata, Package};

const LEAVES: &[&str] = &[
    "assay-formats",
    "assay-analyzers",
    "assay-advisories",
    "assay-policy",
    "assay-signatures",
    "assay-store",
    "assay-engine",
];

/// A dependency that only these crates may name, and why. `deny.toml` says the same to cargo-deny.
const WRAPPED: &[(&str, &[&str], &str)] = &[
    ("axum", &["assay"], "HTTP framework types stay at the edge"),
    ("regorus", &["assay-policy"], "the policy engine can be replaced"),
    // Newer rpm databases are SQLite files, which an analyzer reads as the foreign bytes they are.
    ("rusqlite", &["assay-store", "assay-analyzers"], "SQL stands in one crate"),
    ("postgres", &["assay-store"], "SQL stands in one crate"),
    ("object_store", &["assay-store"], "blobs are reached by digest only"),
];

/// Edges that the house does not have.
///
/// # Errors
/// When `cargo metadata` fails.
pub fn check() -> Result<Vec<String>> {
    let metadata = Metadata::read()?;
    let members: Vec<&Package> = metadata.members().collect();
    let names: Vec<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in &members {
        for dependency in &package.dependencies {
            if names.contains(&dependency.name.as_str())
                && !allowed(&package.name, &dependency.name, dev(dependency.kind.as_deref()))
            {
                broken.push(format!(
                    "{} must not depend on {}: put what both need into assay-model, or wire them in crates/assay",
                    package.name, dependency.name
                ));
            }
            for (wrapped, owners, why) in WRAPPED {
                if dependency.name == *wrapped && !owners.contains(&package.name.as_str()) {
                    broken.push(format!(
                        "{} must not depend on {wrapped}, which belongs to {}: {why}",
                        package.name,
                        owners.join(" and ")
                    ));
                }
            }
        }
    }
    Ok(broken)
}

fn dev(kind: Option<&str>) -> bool {
    kind == Some("dev")
}

fn allowed(from: &str, to: &str, dev: bool) -> bool {
    match from {
        "assay-model" => false,
        "assay-archive" => to == "assay-model",
        "assay" => to != "xtask" && (dev || to != "assay-testkit"),
        "assay-testkit" => to != "assay" && to != "xtask",
        "xtask" => to != "assay",
        leaf if LEAVES.contains(&leaf) => to == "assay-model" || to == "assay-archive",
        // A crate that this list does not know has no place in the house yet.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn leaves_reach_the_middle_only() {
        assert!(allowed("assay-store", "assay-model", false));
        assert!(!allowed("assay-store", "assay-engine", false));
        assert!(!allowed("assay-formats", "assay-testkit", true));
        assert!(!allowed("assay", "assay-testkit", false));
        assert!(allowed("assay", "assay-testkit", true));
        assert!(!allowed("assay-model", "assay-archive", false));
        assert!(!allowed("assay-new", "assay-model", false));
    }
}
