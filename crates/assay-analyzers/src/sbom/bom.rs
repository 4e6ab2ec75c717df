//! What a bill of materials says, whatever its format: items, what depends on what, and what it says it lacks.

/// Components that are kept of one document.
pub(super) const ITEMS: usize = 100_000;
/// Edges that are kept of one document.
pub(super) const EDGES: usize = 2_000_000;

/// A document, read.
#[derive(Debug, Default)]
pub(super) struct Bom {
    /// Name and version of the format, for people.
    pub(super) format: String,
    /// What it is about.
    pub(super) root: Option<Item>,
    pub(super) items: Vec<Item>,
    /// From, to: references of items.
    pub(super) edges: Vec<(String, String)>,
    /// Whether the document has a place for dependencies, and says any.
    pub(super) tells_dependencies: bool,
    /// What was left out: reason and sentence.
    pub(super) gaps: Vec<(&'static str, String)>,
    /// What the document itself says was left out: property name after `assay:skipped:`, value.
    pub(super) skipped: Vec<(String, String)>,
}

/// What an item is, as far as that matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Package,
    /// May be a package, or stand for a file that names packages.
    Application,
    OperatingSystem,
    Container,
    /// A file, a device, data: nothing that has advisories unless a purl says so.
    Other,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    pub(super) reference: String,
    pub(super) kind: Kind,
    pub(super) group: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purl: String,
    pub(super) summary: String,
    pub(super) supplier: String,
    pub(super) licenses: Vec<String>,
    /// Algorithm in lower case without separators, hexadecimal value.
    pub(super) hashes: Vec<(String, String)>,
    pub(super) development: bool,
    /// Source package and its version, where the format has a field for that.
    pub(super) source: Option<(String, String)>,
    pub(super) properties: Vec<(String, String)>,
}

impl Bom {
    pub(super) fn push(&mut self, item: Item) {
        if self.items.len() < ITEMS {
            self.items.push(item);
        } else if self.items.len() == ITEMS && !self.gaps.iter().any(|(reason, _)| *reason == crate::part::LIMIT) {
            self.gaps.push((crate::part::LIMIT, format!("only the first {ITEMS} components were read")));
        }
    }

    pub(super) fn link(&mut self, from: &str, to: &str) {
        if self.edges.len() < EDGES && !from.is_empty() && !to.is_empty() {
            self.edges.push((from.to_owned(), to.to_owned()));
        }
    }

    pub(super) fn unresolved(&mut self, sentence: String) {
        self.gaps.push((UNRESOLVED, sentence));
    }
}

/// The document speaks of something that it does not hold, or lacks what would be needed.
pub(super) const UNRESOLVED: &str = "unresolved";

/// `1 component has` or `2 components have`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
