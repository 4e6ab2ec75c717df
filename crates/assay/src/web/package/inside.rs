//! What files hold beside components: secrets and licences; and an account of what was read and what was not.

use super::Cut;
use crate::web::pieces::{ClassBadge, SeverityBadge, plural, short};
use assay_model::{
    inventory::{Inventory, LicenseClass, LicenseEvidence, Read, Secret, Skipped},
    license::normalise,
};
use std::collections::BTreeMap;

/// Of the components under one licence, how many are named.
const NAMED: usize = 5;

/// One secret, redacted.
pub(super) struct SecretLine {
    pub(super) title: String,
    pub(super) rule: String,
    pub(super) severity: SeverityBadge,
    pub(super) path: String,
    pub(super) lines: String,
    pub(super) layer: String,
    pub(super) matched: String,
}

/// Worst first, then by place.
pub(super) fn worst_first(mut secrets: Vec<Secret>) -> Vec<Secret> {
    secrets.sort_by(|a, b| {
        let place = |s: &Secret| (s.path.clone(), s.first_line, s.offset, s.rule.clone());
        b.severity.cmp(&a.severity).then_with(|| place(a).cmp(&place(b)))
    });
    secrets
}

impl SecretLine {
    pub(super) fn of(found: Secret) -> Self {
        Self {
            lines: if found.first_line == found.last_line {
                format!("line {}", found.first_line)
            } else {
                format!("lines {} to {}", found.first_line, found.last_line)
            },
            title: found.title,
            rule: found.rule,
            severity: SeverityBadge(found.severity),
            path: found.path,
            layer: found.layer.as_deref().map(short).unwrap_or_default(),
            matched: found.matched,
        }
    }
}

/// A licence that components declare, or that a file contains.
pub(super) struct LicenseLine {
    pub(super) expression: String,
    pub(super) class: ClassBadge,
    /// How it was told, in words.
    pub(super) evidence: String,
    /// Components or the file.
    pub(super) place: String,
    pub(super) layer: String,
}

/// How much attention a class asks for, most first. What nobody understood comes before what is known to be harmless.
fn rank(class: LicenseClass) -> u8 {
    match class {
        LicenseClass::Forbidden => 0,
        LicenseClass::Restricted => 1,
        LicenseClass::Reciprocal => 2,
        LicenseClass::Unknown => 3,
        LicenseClass::Notice => 4,
        LicenseClass::Permissive => 5,
        LicenseClass::Unencumbered => 6,
    }
}

/// Declared licences, each once with the components under it, and those of files; the strictest first.
pub(super) fn licenses(inventory: &Inventory) -> Vec<LicenseLine> {
    let mut declared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for found in &inventory.components {
        for written in &found.licenses {
            declared.entry(written).or_default().push(&found.component.name);
        }
    }
    let mut by_expression: BTreeMap<(u8, String), (LicenseClass, Vec<&str>)> = BTreeMap::new();
    for (written, names) in declared {
        let read = normalise(written);
        let line = by_expression.entry((rank(read.class), read.expression)).or_insert((read.class, Vec::new()));
        line.1.extend(names);
    }
    let mut lines: Vec<(u8, LicenseLine)> = Vec::new();
    for ((rank, expression), (class, names)) in by_expression {
        let evidence = format!("declared by {}", plural(names.len(), "component"));
        let line =
            LicenseLine { expression, class: ClassBadge(class), evidence, place: some(names), layer: String::new() };
        lines.push((rank, line));
    }
    for found in &inventory.licenses {
        let kind = match found.evidence {
            LicenseEvidence::Text => "text",
            LicenseEvidence::Header => "header",
            LicenseEvidence::Declared => "declared",
        };
        let line = LicenseLine {
            expression: found.expression.clone(),
            class: ClassBadge(found.class),
            evidence: format!("{kind}, {} % sure", found.confidence),
            place: found.path.clone(),
            layer: found.layer.as_deref().map(short).unwrap_or_default(),
        };
        lines.push((rank(found.class), line));
    }
    lines.sort_by_key(|(rank, _)| *rank);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn some(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// An account of what was read.
pub(super) struct ReadView {
    /// The account in one sentence.
    pub(super) verdict: String,
    /// `good`, `muted` or `error`: how the sentence is shown.
    pub(super) tone: &'static str,
    pub(super) files_seen: u64,
    /// Analyzer, files that it read, components that they named.
    pub(super) analyzers: Vec<(String, usize, u64)>,
    pub(super) files: Cut<Read>,
    pub(super) skipped: Cut<Skipped>,
}

impl ReadView {
    pub(super) fn of(inventory: &Inventory, done: bool, most: usize) -> Self {
        let mut analyzers: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        for id in &inventory.analyzers {
            analyzers.entry(id).or_default();
        }
        for read in &inventory.read {
            let entry = analyzers.entry(&read.analyzer).or_default();
            entry.0 += 1;
            entry.1 += u64::from(read.found);
        }
        let (verdict, tone) = verdict(inventory, done);
        Self {
            verdict,
            tone,
            files_seen: inventory.files_seen,
            analyzers: analyzers.into_iter().map(|(id, (files, found))| (id.to_owned(), files, found)).collect(),
            files: Cut::of(inventory.read.clone(), most, |read| read),
            skipped: Cut::of(inventory.skipped.clone(), most, |skipped| skipped),
        }
    }
}

/// Nothing found and nothing looked at are told apart here.
fn verdict(inventory: &Inventory, done: bool) -> (String, &'static str) {
    let unread = plural(inventory.skipped.len(), "thing");
    match () {
        () if !done => ("Not every file was looked into yet.".to_owned(), "muted"),
        () if inventory.analyzers.is_empty() && !inventory.skipped.is_empty() => (
            format!("Nothing was read for components: {unread} could not be. That nothing was found means nothing."),
            "error",
        ),
        () if inventory.analyzers.is_empty() => {
            ("No file in it names components; it was looked through for secrets and licences.".to_owned(), "muted")
        }
        () if inventory.skipped.is_empty() => ("Complete: nothing was skipped.".to_owned(), "good"),
        () => (format!("Incomplete: {unread} not read."), "error"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Inventory, Skipped, verdict};

    #[test]
    fn nothing_found_and_nothing_looked_at_differ() {
        let mut inventory = Inventory { files_seen: 3, ..Inventory::default() };
        assert_eq!(verdict(&inventory, false).1, "muted");
        assert!(verdict(&inventory, true).0.starts_with("No file in it names components"));
        let gap = Skipped { path: "a".to_owned(), reason: "unsupported".to_owned(), detail: String::new() };
        inventory.skipped.push(gap);
        assert!(verdict(&inventory, true).0.starts_with("Nothing was read"));
        inventory.analyzers.insert("wheel".to_owned());
        assert_eq!(verdict(&inventory, true), ("Incomplete: 1 thing not read.".to_owned(), "error"));
        inventory.skipped.clear();
        assert_eq!(verdict(&inventory, true), ("Complete: nothing was skipped.".to_owned(), "good"));
    }
}
