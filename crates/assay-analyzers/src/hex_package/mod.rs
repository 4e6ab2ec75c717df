//! Hex packages of Erlang and Elixir: a tar with `VERSION`, `CHECKSUM`, `metadata.config` and `contents.tar.gz`.

mod term;

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::part::{inside, line, text};
use crate::reader::{Reader, if_recognised, members, package, requirements};
use term::Term;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "hex-package",
    revision: 1,
    reads: Reads::Package,
    summary: "metadata.config of Hex packages: name, version, licences, requirements",
};

const OSV: &str = "Hex";
const METADATA: &str = "metadata.config";
/// What a package has at its top; a tar that has something else first is none.
const MEMBERS: [&str; 4] = ["VERSION", "CHECKSUM", METADATA, "contents.tar.gz"];

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".tar"), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut own: Option<Occurrence> = None;
    let outcome = members(bytes, Kind::Tar, budget, |head, body| {
        if !MEMBERS.contains(&head.path.as_str()) {
            return Ok(Flow::Stop);
        }
        if head.path == METADATA {
            own = Some(read(&text(body, budget)?, &inside(entry, METADATA))?);
        }
        Ok(Flow::Continue)
    });
    if let Some(mut own) = if_recognised(outcome, own)? {
        own.is_subject = entry.is_artifact;
        out.components.push(own);
    }
    Ok(())
}

fn read(text: &str, path: &str) -> Result<Occurrence, Problem> {
    let terms = term::parse(text).map_err(|what| crate::part::corrupt(format!("{path}: {what}")))?;
    let stated = |key: &str| terms.iter().find_map(|term| term.value_of(key));
    let word = |key: &str| stated(key).and_then(Term::text).unwrap_or_default();
    let mut found = package(OSV, word("name"), word("version"), path, SPEC.id)?;
    let licenses = stated("licenses").map(Term::items).unwrap_or_default();
    found.licenses = licenses.iter().filter_map(|one| line(one.text())).collect();
    found.summary = line(stated("description").and_then(Term::text));
    let needed = stated("requirements").map(Term::items).unwrap_or_default();
    found.requires = requirements(needed.iter().filter_map(requirement));
    Ok(found)
}

/// `{name, [{requirement, ..}, ..]}`, or in older packages a list that has the name inside.
fn requirement(term: &Term) -> Option<String> {
    let (name, properties) = match term {
        Term::Tuple(parts) => (parts.first()?.text()?, parts.get(1)?),
        list => (list.property("name")?.text()?, list),
    };
    let range = properties.property("requirement").and_then(Term::text).unwrap_or_default();
    Some(format!("{name} {range}").trim().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    #[test]
    fn both_forms_of_requirements() {
        let text = r#"{<<"name">>,<<"demo">>}.
{<<"version">>,<<"1.0.0">>}.
{<<"description">>,<<"Zeigt es \x{e4}"/utf8>>}. % a comment
{<<"licenses">>,[<<"Apache-2.0">>,<<"MIT">>]}.
{<<"requirements">>,
 [{<<"jason">>,[{<<"app">>,<<"jason">>},{<<"optional">>,false},{<<"requirement">>,<<"~> 1.0">>}]},
  [{<<"name">>,<<"plug">>},{<<"requirement">>,<<">= 0.1.0">>}]]}.
{<<"build_tools">>,[<<"mix">>]}.
"#;
        let found = read(text, "metadata.config").unwrap();
        assert_eq!(found.component.purl, "pkg:hex/demo@1.0.0");
        assert_eq!(found.licenses, ["Apache-2.0", "MIT"]);
        assert_eq!(found.requires, ["jason ~> 1.0", "plug >= 0.1.0"]);
        for bad in ["", "{", "{<<\"name\">>,<<\"a\">>}.", "[[[", "{<<\"name"] {
            assert!(read(bad, "p").is_err() || bad.ends_with("}."), "{bad}");
        }
    }
}
