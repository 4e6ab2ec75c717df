//! How far each component is from the package: the shortest way through what asks for what. Lock files say it by ids and
//! by how an entry came in, other components by the names that they require.

use assay_model::{
    component::{Occurrence, Relationship},
    ecosystem,
};
use regorus::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Depths of the components of one package.
#[derive(Debug, Default)]
pub(super) struct Depths {
    /// By package URL, path and id in its file.
    places: HashMap<(String, String, String), u32>,
    /// The least by package URL.
    nearest: BTreeMap<String, u32>,
}

/// A depth, or null.
pub(super) fn value(depth: Option<u32>) -> Value {
    depth.map_or(Value::Null, |depth| Value::from(u64::from(depth)))
}

fn key(found: &Occurrence) -> (String, String, String) {
    (found.component.purl.clone(), found.path.clone(), found.id.clone())
}

impl Depths {
    /// Of all components of a package.
    pub(super) fn of_all(components: &[Occurrence]) -> Self {
        let found = walk(components);
        let mut depths = Self::default();
        for (occurrence, depth) in components.iter().zip(found) {
            let Some(depth) = depth else { continue };
            depths.places.insert(key(occurrence), depth);
            let nearest = depths.nearest.entry(occurrence.component.purl.clone()).or_insert(depth);
            *nearest = depth.min(*nearest);
        }
        depths
    }
    /// Of a component at one place.
    pub(super) fn of(&self, found: &Occurrence) -> Option<u32> {
        self.places.get(&key(found)).copied()
    }
    /// Of a component wherever it is nearest.
    pub(super) fn nearest(&self, purl: &str) -> Option<u32> {
        self.nearest.get(purl).copied()
    }
}

fn walk(components: &[Occurrence]) -> Vec<Option<u32>> {
    let mut depths: Vec<Option<u32>> = components.iter().map(stated).collect();
    if depths.iter().all(Option::is_none) {
        return depths;
    }
    let ids: HashMap<(&str, &str), usize> = components
        .iter()
        .enumerate()
        .filter(|(_, found)| !found.id.is_empty())
        .map(|(index, found)| ((found.path.as_str(), found.id.as_str()), index))
        .collect();
    let mut names: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (index, found) in components.iter().enumerate().filter(|(_, found)| !found.component.ecosystem.is_empty()) {
        let component = &found.component;
        names.entry((component.ecosystem.as_str(), component.match_name.as_str())).or_default().push(index);
    }
    // Those at 0 come first, so that the queue never goes back to a smaller depth.
    let mut queue: Vec<usize> =
        (0..components.len()).filter(|index| depths.get(*index).copied().flatten().is_some()).collect();
    queue.sort_by_key(|index| depths.get(*index).copied().flatten());
    let mut queue = VecDeque::from(queue);
    while let Some(at) = queue.pop_front() {
        let (Some(found), Some(depth)) = (components.get(at), depths.get(at).copied().flatten()) else { continue };
        let by_id = found.depends_on.iter().filter_map(|id| ids.get(&(found.path.as_str(), id.as_str())).copied());
        let by_name = found.requires.iter().flat_map(|written| required(found, written, &names));
        for next in by_id.chain(by_name).collect::<Vec<_>>() {
            if let Some(slot @ None) = depths.get_mut(next) {
                *slot = Some(depth + 1);
                queue.push_back(next);
            }
        }
    }
    depths
}

/// What a component's own entry says.
fn stated(found: &Occurrence) -> Option<u32> {
    match found.relationship {
        _ if found.is_subject => Some(0),
        Relationship::Root | Relationship::Workspace => Some(0),
        Relationship::Direct => Some(1),
        Relationship::Indirect | Relationship::Unknown => None,
    }
}

/// Components that a requirement names, as `urllib3<1.22,>=1.21.1` does.
fn required(found: &Occurrence, written: &str, names: &HashMap<(&str, &str), Vec<usize>>) -> Vec<usize> {
    let osv = found.component.ecosystem.as_str();
    let end = written.find([' ', '<', '>', '=', '!', '~', ';', '[', '(', ',']).unwrap_or(written.len());
    let name = written.get(..end).unwrap_or_default();
    let Some(law) = ecosystem::of(osv).filter(|_| !name.is_empty()) else { return Vec::new() };
    names.get(&(osv, &*law.normalize_name(name))).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::component::Component;

    fn entry(name: &str, relationship: Relationship, depends_on: &[&str]) -> Occurrence {
        let component = Component { purl: format!("pkg:npm/{name}@1"), ..Component::default() };
        let depends_on = depends_on.iter().map(|&id| id.to_owned()).collect();
        Occurrence {
            component,
            id: name.into(),
            path: "lock".into(),
            relationship,
            depends_on,
            ..Occurrence::default()
        }
    }

    #[test]
    fn the_shortest_way_counts() {
        let components = [
            entry("app", Relationship::Root, &["a", "c"]),
            entry("a", Relationship::Direct, &["b"]),
            entry("b", Relationship::Indirect, &["c", "a"]),
            entry("c", Relationship::Direct, &["d"]),
            entry("d", Relationship::Indirect, &[]),
            entry("lost", Relationship::Indirect, &["lost"]),
        ];
        assert_eq!(walk(&components), [Some(0), Some(1), Some(2), Some(1), Some(2), None]);
    }

    #[test]
    fn requirements_are_followed_by_name() {
        let named = |name: &str, requires: &[&str], is_subject| {
            let component = Component::of_language("PyPI", name, "1.0").unwrap_or_default();
            let requires = requires.iter().map(|&text| text.to_owned()).collect();
            Occurrence { component, requires, is_subject, ..Occurrence::default() }
        };
        let components = [
            named("app", &["Some_Thing>=1; python_version<'3'"], true),
            named("some-thing", &["x[extra]"], false),
            named("x", &[], false),
            named("y", &[], false),
        ];
        assert_eq!(walk(&components), [Some(0), Some(1), Some(2), None]);
    }
}
