//! Julia projects: `Manifest.toml` (both versions of its format), with `Project.toml`, which says what the project itself
//! asks for. Packages are known by their UUIDs.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Component, Lines, Relationship};
use assay_model::ecosystem;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::purl::Purl;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use toml::{Table, Value};

use crate::locked::{self, Locked, Together, file_name, sorted};
use crate::part::{Gathered, corrupt, field};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "julia",
    revision: 1,
    reads: Reads::Project,
    summary: "`Manifest.toml` with `Project.toml`: Julia packages by UUID, their graph, what is for development",
};

const ECOSYSTEM: &str = "Julia";
const MANIFEST: &str = "Manifest.toml";
const PROJECT: &str = "Project.toml";

pub(crate) const PART: Together =
    Together { spec: &SPEC, wants: |path| matches!(file_name(path), MANIFEST | PROJECT), conclude };

fn conclude(files: &Gathered, out: &mut Inventory) {
    locked::each(&SPEC, ECOSYSTEM, files.read_as(MANIFEST), out, |text, found| {
        let project = files.beside(found.path, PROJECT).map(String::from_utf8_lossy);
        read(text, project.as_deref(), found)
    });
}

fn parse(text: &str) -> Result<Table, Problem> {
    toml::from_str(text).map_err(|error| corrupt(error.to_string()))
}

fn read(text: &str, project: Option<&str>, found: &mut Locked<'_>) -> Result<(), Problem> {
    let manifest = parse(text)?;
    let is_old = !manifest.contains_key("manifest_format");
    let packages = if is_old { Some(&manifest) } else { manifest.get("deps").and_then(Value::as_table) };
    let Some(packages) = packages else { return Ok(()) };
    // A package of Julia itself has the version of Julia, which old manifests do not tell.
    let julia = manifest.get("julia_version").and_then(Value::as_str).unwrap_or_default();
    let named: BTreeMap<&str, Vec<&str>> = packages
        .iter()
        .map(|(name, entries)| (name.as_str(), tables(entries).filter_map(|entry| text_of(entry, "uuid")).collect()))
        .collect();
    let lines = blocks(text);
    for (name, entries) in packages {
        for entry in tables(entries) {
            let uuid = field(text_of(entry, "uuid"));
            let version = text_of(entry, "version").unwrap_or(julia);
            let built = uuid.as_ref().and_then(|uuid| component(name, version, uuid));
            let (Some(uuid), Some(component)) = (uuid, built) else {
                found.refuse();
                continue;
            };
            let mut occurrence = found.occurrence(component);
            occurrence.lines.extend(lines.get(&uuid));
            occurrence.depends_on = sorted(needs(entry, &named));
            occurrence.id = uuid;
            found.add(occurrence);
        }
    }
    if let Some(project) = project {
        match parse(project) {
            Ok(project) => relate(&project, found),
            Err(problem) => found.trouble(&problem),
        }
    }
    Ok(())
}

fn tables(entries: &Value) -> impl Iterator<Item = &Table> {
    entries.as_array().into_iter().flatten().filter_map(Value::as_table)
}

fn text_of<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}

/// Names, where there is one package of each, or names with UUIDs.
fn needs(entry: &Table, named: &BTreeMap<&str, Vec<&str>>) -> Vec<String> {
    let one = |name: &str| match named.get(name).map(Vec::as_slice) {
        Some([uuid]) => Some((*uuid).to_owned()),
        _ => None,
    };
    match entry.get("deps") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter_map(one).collect(),
        Some(Value::Table(uuids)) => uuids.values().filter_map(|uuid| uuid.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn component(name: &str, version: &str, uuid: &str) -> Option<Component> {
    let name = field(Some(name))?;
    let law = ecosystem::of(ECOSYSTEM)?;
    let purl = Purl::builder(law.purl_type, &name).version(version).qualifier("uuid", uuid).build().ok()?;
    Some(Component {
        purl: purl.as_str().to_owned(),
        purl_type: law.purl_type.to_owned(),
        namespace: String::new(),
        match_name: law.normalize_name(&name).into_owned(),
        match_version: version.to_owned(),
        ecosystem: ECOSYSTEM.to_owned(),
        name,
        version: version.to_owned(),
    })
}

/// The lines of each entry by its UUID, to the first that is blank or begins another table.
fn blocks(text: &str) -> BTreeMap<String, Lines> {
    let mut blocks = BTreeMap::new();
    let (mut open, mut uuid): (Option<Lines>, Option<String>) = (None, None);
    let mut close = |open: &mut Option<Lines>, uuid: &mut Option<String>| {
        if let (Some(lines), Some(uuid)) = (open.take(), uuid.take()) {
            blocks.insert(uuid, lines);
        }
    };
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('[') {
            // An entry may name its UUID after a blank line, in a block that is then not all of it.
            close(&mut open, &mut uuid);
        }
        if line.starts_with('[') {
            open = Some(Lines { first: number, last: number });
        } else if !line.is_empty() {
            open = open.map(|lines| Lines { last: number, ..lines });
        }
        if let Some(value) = line.strip_prefix("uuid").and_then(|rest| rest.trim_start().strip_prefix('=')) {
            uuid = Some(value.trim().trim_matches('"').to_owned());
        }
    }
    close(&mut open, &mut uuid);
    blocks
}

/// Direct ones are those of the project; what only its extras (tests) lead to is for development.
fn relate(project: &Table, found: &mut Locked<'_>) {
    let uuids = |key| -> Vec<String> {
        let table = project.get(key).and_then(Value::as_table).into_iter().flat_map(Table::values);
        table.filter_map(|uuid| uuid.as_str().map(str::to_owned)).collect()
    };
    let (asked, extra) = (uuids("deps"), uuids("extras"));
    let needed = found.reach(asked.clone());
    let extras = found.reach(extra.clone());
    let direct: BTreeSet<String> = asked.into_iter().chain(extra).collect();
    for entry in found.entries() {
        let is_direct = direct.contains(&entry.id);
        let is_reached = needed.contains(&entry.id) || extras.contains(&entry.id);
        entry.relationship = match (is_direct, is_reached) {
            (true, _) => Relationship::Direct,
            (false, true) => Relationship::Indirect,
            (false, false) => Relationship::Unknown,
        };
        entry.dev = !needed.contains(&entry.id) && extras.contains(&entry.id);
    }
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, lines, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect, Unknown};

    const NEW: &str = r#"julia_version = "1.9.0"
manifest_format = "2.0"

[[deps.Dates]]
deps = ["Printf"]
uuid = "ade2ca70"

[[deps.JSON]]
git-tree-sha1 = "31"
uuid = "682c06a0"
version = "0.21.4"

    [deps.JSON.deps]
    Dates = "ade2ca70"
    Gone = "00000000"

[[deps.Printf]]
uuid = "de0858da"

[[deps.Tester]]
deps = ["Helper"]
uuid = "d9a60922"
version = "1.0.0"

[[deps.Helper]]
uuid = "b637660b"
version = "2.0.0"

[[deps.NoUuid]]
version = "1.0.0"
"#;
    const OLD: &str =
        "[[JSON]]\ndeps = [\"Dates\"]\nuuid = \"682c06a0\"\nversion = \"0.21.4\"\n\n[[Dates]]\nuuid = \"ade2ca70\"\n";
    const PROJECT: &str = "name = \"App\"\n[deps]\nJSON = \"682c06a0\"\n[extras]\nTester = \"d9a60922\"\n";

    #[test]
    fn a_manifest_and_its_project() {
        let out = tree(&PART, &[("Manifest.toml", NEW), ("Project.toml", PROJECT)]);
        for (id, relationship, dev) in [
            ("682c06a0", Direct, false),
            ("ade2ca70", Indirect, false),
            ("de0858da", Indirect, false),
            ("d9a60922", Direct, true),
            ("b637660b", Indirect, true),
        ] {
            assert_eq!((by_id(&out, id).relationship, by_id(&out, id).dev), (relationship, dev), "{id}");
        }
        let json = by_id(&out, "682c06a0");
        assert_eq!(json.component.purl, "pkg:julia/JSON@0.21.4?uuid=682c06a0");
        assert_eq!((lines(json), json.depends_on.join(" ")), (vec![(8, 11)], "00000000 ade2ca70".to_owned()));
        assert_eq!(by_id(&out, "ade2ca70").component.version, "1.9.0");
        assert_eq!(lines(by_id(&out, "b637660b")), [(25, 27)]);
        assert_eq!(out.skipped.len(), 1);
    }

    #[test]
    fn an_old_manifest_alone() {
        let out = tree(&PART, &[("x/Manifest.toml", OLD), ("Manifest.toml", "[")]);
        assert_eq!(by_id(&out, "682c06a0").depends_on, ["ade2ca70"]);
        assert_eq!(lines(by_id(&out, "682c06a0")), [(1, 4)]);
        assert_eq!((by_id(&out, "ade2ca70").relationship, &*by_id(&out, "ade2ca70").component.version), (Unknown, ""));
        assert_eq!(out.skipped[0].reason, "corrupt");
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("Manifest.toml", NEW), ("Project.toml", PROJECT)]);
    }
}
