//! Which components of an artifact hold which others: a program what it was built from, an archive what is packed in it, a
//! project what is installed in its folder. Statements about a product that is itself inside an image need it.

use crate::component::{Occurrence, Relationship};
use std::collections::{BTreeMap, BTreeSet};

/// The folder that packages of Node.js are installed in, beside the project's own manifest.
const NODE: (&str, &str) = ("package.json", "node_modules/");

/// For each of `parts` (package URLs) those of the components that `may_hold` which hold it wherever it lies: a library
/// that two programs carry is held by neither.
pub fn holders(
    all: &[Occurrence],
    may_hold: impl Fn(&str) -> bool,
    parts: &BTreeSet<&str>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut wholes: BTreeMap<&str, Vec<&Occurrence>> = BTreeMap::new();
    for one in all.iter().filter(|one| may_hold(&one.component.purl)) {
        wholes.entry(&one.path).or_default().push(one);
    }
    let mut within: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if wholes.is_empty() {
        return within;
    }
    for part in all.iter().filter(|one| parts.contains(one.component.purl.as_str())) {
        let here = places(&part.path).filter_map(|place| wholes.get(place.as_str())).flatten();
        let here: BTreeSet<String> =
            here.filter(|whole| holds(whole, part)).map(|whole| whole.component.purl.clone()).collect();
        match within.get_mut(&part.component.purl) {
            Some(known) => known.retain(|purl| here.contains(purl)),
            None => {
                within.insert(part.component.purl.clone(), here);
            }
        }
    }
    within.retain(|_, held_by| !held_by.is_empty());
    within
}

/// Where something may lie that holds what lies there: in the same file, in an archive above, in the manifest of a project
/// whose folder it is.
fn places(path: &str) -> impl Iterator<Item = String> {
    let archives = path.match_indices(['/', '!']).filter_map(|(at, _)| path.get(..at));
    let folders = path.match_indices(NODE.1).filter_map(|(at, _)| path.get(..at));
    let folders = folders.filter(|folder| folder.is_empty() || folder.ends_with('/'));
    let manifests = folders.map(|folder| format!("{folder}{}", NODE.0));
    std::iter::once(path.to_owned()).chain(archives.map(str::to_owned)).chain(manifests)
}

/// Of two at such places.
fn holds(whole: &Occurrence, part: &Occurrence) -> bool {
    let in_one_file = whole.path == part.path;
    let is_all_of_it = whole.is_subject || whole.relationship == Relationship::Root;
    whole.component.purl != part.component.purl && (!in_one_file || (is_all_of_it && whole.layer == part.layer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Component;

    fn found(purl: &str, path: &str, relationship: Relationship) -> Occurrence {
        let component = Component { purl: purl.into(), ..Component::default() };
        Occurrence { component, path: path.into(), relationship, ..Occurrence::default() }
    }

    fn held(all: &[Occurrence], part: &str) -> Vec<String> {
        holders(all, |_| true, &BTreeSet::from([part])).into_values().flatten().collect()
    }

    #[test]
    fn a_program_holds_what_it_is_built_from() {
        let (root, direct) = (Relationship::Root, Relationship::Unknown);
        let mut all = vec![
            found("pkg:golang/tool@v1", "usr/bin/tool", root),
            found("pkg:golang/net@v1", "usr/bin/tool", direct),
            found("pkg:golang/text@v1", "usr/bin/tool", direct),
        ];
        assert_eq!(held(&all, "pkg:golang/net@v1"), ["pkg:golang/tool@v1"], "and not its neighbour");
        all.push(found("pkg:golang/other@v1", "usr/bin/other", root));
        all.push(found("pkg:golang/net@v1", "usr/bin/other", direct));
        assert_eq!(held(&all, "pkg:golang/net@v1"), [""; 0], "two programs carry it");
    }

    #[test]
    fn archives_and_folders_hold_what_is_in_them() {
        let unknown = Relationship::Unknown;
        let all = [
            found("pkg:maven/a/app@1", "srv/app.jar", unknown),
            found("pkg:maven/a/lib@1", "srv/app.jar/BOOT-INF/lib/lib.jar", unknown),
            found("pkg:maven/a/near@1", "srv/app.jar2", unknown),
            found("pkg:npm/app@1", "srv/web/package.json", unknown),
            found("pkg:npm/lib@1", "srv/web/node_modules/lib/package.json", unknown),
            found("pkg:deb/debian/a@1", "var/lib/dpkg/status", unknown),
            found("pkg:deb/debian/b@1", "var/lib/dpkg/status", unknown),
        ];
        assert_eq!(held(&all, "pkg:maven/a/lib@1"), ["pkg:maven/a/app@1"]);
        assert_eq!(held(&all, "pkg:npm/lib@1"), ["pkg:npm/app@1"]);
        assert_eq!(held(&all, "pkg:maven/a/near@1"), [""; 0]);
        assert_eq!(held(&all, "pkg:deb/debian/b@1"), [""; 0], "a list of packages holds none in another");
    }
}
