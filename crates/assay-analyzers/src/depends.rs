//! What depends on what among the packages of one database: requirements are met by names that packages provide.

use std::collections::{BTreeSet, HashMap};

use assay_model::component::Occurrence;

/// Edges of one database; far more than real ones have.
const EDGES: usize = 2_000_000;

/// A package with the names that it provides beside its own, and those it needs, all without versions.
pub(crate) struct Node {
    pub(crate) found: Occurrence,
    pub(crate) provides: Vec<String>,
    pub(crate) needs: Vec<String>,
}

/// Fills in `depends_on`, and gives the packages back. A name that nothing here provides is left out; one that several
/// provide leads to all of them.
pub(crate) fn connect(nodes: Vec<Node>) -> Vec<Occurrence> {
    let mut providers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let own = std::iter::once(node.found.component.name.as_str());
        for name in own.chain(node.provides.iter().map(String::as_str)) {
            let known = providers.entry(name).or_default();
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
    }
    let mut edges = 0;
    let mut depends: Vec<Vec<String>> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let mut met = BTreeSet::new();
        for name in &node.needs {
            for &other in providers.get(name.as_str()).into_iter().flatten().filter(|other| **other != at) {
                edges += 1;
                if edges <= EDGES
                    && let Some(other) = nodes.get(other)
                {
                    met.insert(other.found.id.clone());
                }
            }
        }
        depends.push(met.into_iter().collect());
    }
    nodes.into_iter().zip(depends).map(|(node, depends_on)| Occurrence { depends_on, ..node.found }).collect()
}
