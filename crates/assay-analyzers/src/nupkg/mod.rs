//! NuGet packages: the `.nuspec` at the top of a `.nupkg`.

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use roxmltree::Node;

use crate::part::{corrupt, inside, line, text};
use crate::reader::{Reader, members, package, requirements};
use crate::xml;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "nupkg",
    revision: 1,
    reads: Reads::Package,
    summary: ".nuspec of NuGet packages: name, version, licence, dependencies",
};

const OSV: &str = "NuGet";

pub(crate) const PART: Reader =
    Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".nupkg") || entry.path.ends_with(".snupkg"), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut own: Option<Occurrence> = None;
    members(bytes, Kind::Zip, budget, |head, body| {
        if head.path.ends_with(".nuspec") && !head.path.contains('/') {
            own = Some(read(&text(body, budget)?, &inside(entry, &head.path))?);
        }
        Ok(Flow::Continue)
    })?;
    let mut own = own.ok_or_else(|| corrupt("a NuGet package has a .nuspec at its top, this one has none"))?;
    own.is_subject = entry.is_artifact;
    out.components.push(own);
    Ok(())
}

fn read(text: &str, path: &str) -> Result<Occurrence, Problem> {
    let document = xml::parse(text)?;
    let metadata =
        child(document.root_element(), "metadata").ok_or_else(|| corrupt(format!("{path} has no metadata")))?;
    let stated = |name: &str| child(metadata, name).and_then(|node| node.text());
    let version = stated("version").unwrap_or_default();
    let mut found = package(OSV, stated("id").unwrap_or_default(), version, path, SPEC.id)?;
    found.licenses.extend(license(metadata));
    found.summary = line(stated("description").or_else(|| stated("summary")));
    let dependencies = metadata.descendants().filter(|node| node.tag_name().name() == "dependency");
    found.requires = requirements(dependencies.filter_map(|node| {
        let id = node.attribute("id")?;
        Some(node.attribute("version").map_or_else(|| id.to_owned(), |range| format!("{id} {range}")))
    }));
    // Each target framework repeats what it needs.
    found.requires.sort();
    found.requires.dedup();
    Ok(found)
}

/// Elements are in one of several namespaces, by the age of the package.
fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|node| node.tag_name().name() == name)
}

/// An expression, or the address of a text; `file` licences have theirs in the package.
fn license(metadata: Node<'_, '_>) -> Option<String> {
    let expression = child(metadata, "license").filter(|node| node.attribute("type") == Some("expression"));
    let address = || child(metadata, "licenseUrl").and_then(|node| line(node.text()));
    expression.and_then(|node| line(node.text())).or_else(address)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    #[test]
    fn namespaces_frameworks_and_licences() {
        let text = r#"<?xml version="1.0"?><package xmlns="urn:nuspec"><metadata><id>Demo.Core</id>
            <version>1.2.3.4</version><license type="expression">MIT</license><description>Shows it</description>
            <dependencies><group targetFramework="net6.0"><dependency id="A" version="[1.0, )"/></group>
            <group targetFramework="net8.0"><dependency id="A" version="[1.0, )"/><dependency id="B"/></group>
            </dependencies></metadata></package>"#;
        let found = read(text, "demo.nuspec").unwrap();
        assert_eq!(found.component.purl, "pkg:nuget/Demo.Core@1.2.3.4");
        assert_eq!(found.component.match_name, "demo.core");
        assert_eq!(found.requires, ["A [1.0, )", "B"]);
        assert_eq!((found.licenses, found.summary), (vec!["MIT".to_owned()], Some("Shows it".to_owned())));
        let old = "\u{feff}<package><metadata><id>a</id><version>1</version><licenseUrl>https://l.example</licenseUrl></metadata></package>";
        assert_eq!(read(old, "p").unwrap().licenses, ["https://l.example"]);
        for bad in ["", "<package/>", "<package><metadata/></package>", "<a>&b;</a>"] {
            assert!(read(bad, "p").is_err(), "{bad}");
        }
    }
}
