//! Swift projects: `Package.resolved`, versions 1 to 3.

use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::lines::Json;
use crate::locked::{Locked, Single, file_name};
use crate::part::corrupt;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "swift",
    revision: 1,
    reads: Reads::Project,
    summary: "`Package.resolved`: packages of the Swift package manager, by their repositories",
};

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| file_name(path) == "Package.resolved", read, ecosystem: "SwiftURL" };

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let resolved = Json::parse(text)?;
    let pins = resolved.get("pins").or_else(|| resolved.at(&["object", "pins"]));
    let Some(pins) = pins else { return Err(corrupt("it has no pins")) };
    for pin in pins.items() {
        let location = pin.text("location").or_else(|| pin.text("repositoryURL")).unwrap_or_default();
        let name = match (repository(location), pin.text("identity")) {
            // Of a registry: `scope.name`.
            (name, Some(identity)) if name.is_empty() => identity.replacen('.', "/", 1),
            (name, _) => name,
        };
        let state = |key| pin.at(&["state", key]).and_then(Json::as_str).filter(|text| !text.is_empty());
        let Some(version) = state("version").or_else(|| state("branch")) else {
            found.unresolved(format!("{name} is pinned to a commit, not to a version"));
            continue;
        };
        let Some(mut entry) = found.entry(&name, version) else { continue };
        entry.id = format!("{name}@{version}");
        entry.lines = vec![pin.lines];
        if let Some(revision) = state("revision") {
            entry.properties.insert(format!("{}.revision", SPEC.id), revision.to_owned());
        }
        found.add(entry);
    }
    Ok(())
}

/// Host and path of a repository, however it is reached: `https://host/path.git`, `git@host:path`.
fn repository(location: &str) -> String {
    let (scheme, bare) = location.split_once("://").map_or(("", location), |(scheme, rest)| (scheme, rest));
    let bare = bare.split_once('@').filter(|(user, _)| !user.contains('/')).map_or(bare, |(_, rest)| rest);
    let bare = if scheme.is_empty() { bare.replacen(':', "/", 1) } else { bare.to_owned() };
    let bare = bare.trim_end_matches('/');
    bare.strip_suffix(".git").unwrap_or(bare).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{PART, repository};
    use crate::locked::testing::{by_id, ids, lines, survives_damage, tree};

    const ONE: &str = r#"{
  "object": {"pins": [
    {
      "package": "Nio", "repositoryURL": "https://git.example/Own/swift-nio.git",
      "state": {"branch": null, "revision": "0a1b", "version": "2.41.0"}
    },
    {"repositoryURL": "https://git.example/own/commit", "state": {"revision": "77"}}
  ]}, "version": 1
}"#;
    const THREE: &str = r#"{"originHash": "x", "version": 3, "pins": [
  {"identity": "a", "kind": "remoteSourceControl", "location": "git@git.example:own/a.git", "state": {"branch": "main"}},
  {"identity": "mona.list", "kind": "registry", "location": "", "state": {"version": "1.0.0"}},
  {"identity": "b", "location": "https://git.example/own/b", "state": {"version": "2.0.0"}}]}"#;

    #[test]
    fn versions_one_and_three() {
        let out = tree(&PART, &[("Package.resolved", ONE)]);
        let nio = by_id(&out, "git.example/Own/swift-nio@2.41.0");
        assert_eq!(nio.component.purl, "pkg:swift/git.example/Own/swift-nio@2.41.0");
        assert_eq!(nio.component.match_name, "git.example/own/swift-nio");
        assert_eq!((lines(nio), nio.properties["swift.revision"].as_str()), (vec![(3, 6)], "0a1b"));
        assert_eq!(out.skipped[0].reason, "unresolved");
        let out = tree(&PART, &[("x/Package.resolved", THREE), ("y/Package.resolved", "{}")]);
        assert_eq!(ids(&out), ["git.example/own/a@main", "git.example/own/b@2.0.0", "mona/list@1.0.0"]);
        assert_eq!(out.skipped[0].reason, "corrupt");
    }

    #[test]
    fn repositories() {
        for (location, name) in [
            ("https://git.example/a/b.git/", "git.example/a/b"),
            ("ssh://git@git.example/a/b.git", "git.example/a/b"),
            ("git@git.example:a/b.git", "git.example/a/b"),
            ("https://user@git.example/a/b", "git.example/a/b"),
        ] {
            assert_eq!(repository(location), name);
        }
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("Package.resolved", ONE)]);
        survives_damage(&PART, &[("Package.resolved", THREE)]);
    }
}
