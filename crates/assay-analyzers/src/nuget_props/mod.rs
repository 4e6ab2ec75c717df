//! Central package management of NuGet: `Directory.Packages.props` and other `*packages.props`.

use std::collections::BTreeMap;

use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};
use roxmltree::Node;

use crate::locked::{Locked, Single, file_name, some_of};
use crate::part::corrupt;
use crate::xml;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "packages-props",
    revision: 1,
    reads: Reads::Project,
    summary: "`*packages.props`: the versions of packages that a solution has in one place",
};

pub(crate) const PART: Single = Single {
    spec: &SPEC,
    wants: |path| file_name(path).to_ascii_lowercase().ends_with("packages.props"),
    read,
    ecosystem: "NuGet",
};

/// Properties that one text may take in, those inside others included.
const STEPS: u32 = 200;
/// The longest text that properties may make.
const TEXT: usize = 1024;

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let document = xml::parse(text)?;
    let project = document.root_element();
    if project.tag_name().name() != "Project" {
        return Err(corrupt("its outermost element is no Project"));
    }
    let properties = properties(project);
    let mut unknown = Vec::new();
    let items = xml::children(project, "ItemGroup").flat_map(|group| group.children());
    for item in items.filter(Node::is_element) {
        let is_global = match item.tag_name().name() {
            "PackageReference" | "PackageVersion" => false,
            // For every project, for its build alone.
            "GlobalPackageReference" => true,
            _ => continue,
        };
        let Some(name) = item.attribute("Include").or_else(|| item.attribute("Update")) else { continue };
        let version = item.attribute("Version").map(str::to_owned).or_else(|| xml::text(item, "Version"));
        let Some(version) = version.filter(|version| !version.trim().is_empty()) else { continue };
        let (Some(name), Some(version)) = (known(name, &properties), known(&version, &properties)) else {
            unknown.push(name.to_owned());
            continue;
        };
        let (name, version) = (name.trim(), exact(version.trim()));
        if name.is_empty() || version.is_empty() {
            continue;
        }
        let Some(mut entry) = found.entry(name, version) else { continue };
        entry.id = format!("{name}@{version}");
        entry.dev = is_global;
        found.add(entry);
    }
    if !unknown.is_empty() {
        let names = some_of(unknown.iter().map(String::as_str));
        found.unresolved(format!("the file does not tell the properties in the names or versions of {names}"));
    }
    Ok(())
}

/// `[1.0.0]` means that version and no other.
fn exact(version: &str) -> &str {
    let inner = version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.map(str::trim).filter(|inner| !inner.contains(',')).unwrap_or(version)
}

/// Properties that hold whatever is built: those without a condition that have one value.
fn properties(project: Node<'_, '_>) -> BTreeMap<String, Option<String>> {
    let mut properties = BTreeMap::new();
    for group in xml::children(project, "PropertyGroup") {
        for property in group.children().filter(Node::is_element) {
            let name = property.tag_name().name().to_ascii_lowercase();
            let is_sure = group.attribute("Condition").is_none() && property.attribute("Condition").is_none();
            let value = xml::own_text(property).filter(|_| is_sure);
            properties.insert(name, value);
        }
    }
    properties
}

/// A text with its properties; none when one is not known.
fn known(text: &str, properties: &BTreeMap<String, Option<String>>) -> Option<String> {
    let mut steps = STEPS;
    expand(text, properties, &mut steps)
}

fn expand(text: &str, properties: &BTreeMap<String, Option<String>>, steps: &mut u32) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$(") {
        *steps = steps.checked_sub(1)?;
        let (name, after) = after.split_once(')')?;
        let value = properties.get(&name.trim().to_ascii_lowercase())?.as_deref()?;
        out.push_str(before);
        out.push_str(&expand(value, properties, steps)?);
        rest = after;
        if out.len() > TEXT {
            return None;
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, ids, survives_damage, tree};

    const PROPS: &str = r#"<Project>
  <PropertyGroup><Major>2</Major><BetaVersion>$(Major).1.0</BetaVersion><Loop>$(Loop)</Loop></PropertyGroup>
  <PropertyGroup Condition="'$(X)'=='1'"><Sometimes>9</Sometimes></PropertyGroup>
  <ItemGroup>
    <PackageVersion Include="Alpha" Version=" 1.0.0 " />
    <PackageVersion Include="Beta" Version="$(betaversion)" />
    <PackageVersion Include="Exact"><Version>[3.0.0]</Version></PackageVersion>
    <PackageReference Update="Old" Version="4.0.0"/>
    <PackageVersion Include="Depends" Version="$(Sometimes)"/>
    <PackageVersion Include="Endless" Version="$(Loop)"/>
    <PackageVersion Include="$(Nobody)" Version="1"/>
    <PackageVersion Include="NoVersion"/>
    <Other Include="Other" Version="1"/>
  </ItemGroup>
  <ItemGroup><GlobalPackageReference Include="Analyzers" Version="5.0.0"/></ItemGroup>
</Project>"#;

    #[test]
    fn versions_in_one_place() {
        let out = tree(&PART, &[("Directory.Packages.props", PROPS), ("x/packages.props", "<NoProject/>")]);
        assert_eq!(ids(&out), ["Alpha@1.0.0", "Analyzers@5.0.0", "Beta@2.1.0", "Exact@3.0.0", "Old@4.0.0"]);
        assert!(by_id(&out, "Analyzers@5.0.0").dev && !by_id(&out, "Old@4.0.0").dev);
        let reasons: Vec<&str> = out.skipped.iter().map(|skipped| &*skipped.reason).collect();
        assert_eq!(reasons, ["unresolved", "corrupt"]);
        assert!(out.skipped[0].detail.ends_with("$(Nobody), Depends, Endless"), "{}", out.skipped[0].detail);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("Packages.props", PROPS)]);
    }
}
