//! What a document lacks, said in sentences: a short list must not look like a clean one.

use std::collections::BTreeSet;

use super::bom::count;

/// How many names are given as examples.
const NAMED: usize = 5;

#[derive(Debug, Default)]
pub(super) struct Lacks {
    pub(super) seen: usize,
    pub(super) systems: usize,
    pub(super) unknown_system: Option<String>,
    pub(super) nameless: usize,
    pub(super) bad_purls: Vec<String>,
    pub(super) without_purl: Vec<String>,
    pub(super) without_version: Vec<String>,
    pub(super) dangling: BTreeSet<String>,
    pub(super) without_edges: bool,
}

impl Lacks {
    pub(super) fn sentences(self, is_empty: bool) -> Vec<String> {
        let mut all = Vec::new();
        let of = |n: usize| count(n, "component has", "components have");
        if is_empty {
            all.push("the document names no components".to_owned());
        }
        if self.nameless > 0 {
            all.push(format!("{} no name that can be used", of(self.nameless)));
        }
        if !self.without_purl.is_empty() {
            let n = self.without_purl.len();
            let names = some_of(self.without_purl);
            let verdict = "so no advisories can be matched";
            all.push(format!("{} no package URL (of {}), {verdict}: {names}", of(n), self.seen));
        }
        if !self.bad_purls.is_empty() {
            let n = self.bad_purls.len();
            all.push(format!("{} a package URL that is none: {}", of(n), some_of(self.bad_purls)));
        }
        if !self.without_version.is_empty() {
            let n = self.without_version.len();
            all.push(format!(
                "{} no version, so no advisories can be matched: {}",
                of(n),
                some_of(self.without_version)
            ));
        }
        if !self.dangling.is_empty() {
            let n = count(self.dangling.len(), "component", "components");
            let names = some_of(self.dangling);
            all.push(format!("dependencies lead to {n} that the document does not hold: {names}"));
        }
        if self.without_edges {
            all.push("the document does not say what depends on what".to_owned());
        }
        if let Some(name) = self.unknown_system {
            all.push(format!("the operating system {name:?} is none that is known"));
        }
        if self.systems > 1 {
            all.push(format!("the document names {} operating systems; the first was taken", self.systems));
        }
        all
    }
}

/// A few of the names, each once, in order, cut to a readable length.
fn some_of(names: impl IntoIterator<Item = String>) -> String {
    let unique: BTreeSet<String> = names.into_iter().map(|name| name.chars().take(100).collect()).collect();
    let shown: Vec<&str> = unique.iter().take(NAMED).map(String::as_str).collect();
    let more = unique.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", shown.join(", "))
}
