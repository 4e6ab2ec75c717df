//! `pom.properties` and `pom.xml` as Maven packs them.

use assay_model::problem::Problem;
use roxmltree::Node;

use super::Coordinates;
use crate::part::line;
use crate::xml;

/// What is read of a project's description. Properties and parents elsewhere are not followed: `pom.properties`, which has
/// everything resolved, is there in all but the oddest archives.
#[derive(Debug, Default)]
pub(super) struct Pom {
    group: Option<String>,
    artifact: Option<String>,
    version: Option<String>,
    pub(super) name: Option<String>,
    pub(super) licenses: Vec<String>,
    pub(super) requires: Vec<String>,
}

impl Pom {
    /// None where something is missing or only known to a parent.
    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        let known = |text: &Option<String>| text.clone().filter(|text| !text.contains("${"));
        let (group, artifact) = (known(&self.group)?, known(&self.artifact)?);
        Some(Coordinates { group, artifact, version: known(&self.version)? })
    }
}

/// `groupId`, `artifactId` and `version`, in Java's properties format.
pub(super) fn properties(text: &str) -> Option<Coordinates> {
    let value = |key: &str| {
        text.lines().filter(|line| !line.starts_with(['#', '!'])).find_map(|line| {
            let (name, value) = line.split_once(['=', ':'])?;
            (name.trim() == key && !value.trim().is_empty()).then(|| value.trim().to_owned())
        })
    };
    Some(Coordinates { group: value("groupId")?, artifact: value("artifactId")?, version: value("version")? })
}

pub(super) fn parse(text: &str) -> Result<Pom, Problem> {
    let document = xml::parse(text)?;
    let project = document.root_element();
    let stated = |key: &str| word(project, key);
    let parent = child(project, "parent");
    let inherited = |key: &str| stated(key).or_else(|| word(parent?, key));
    let licenses = all(project, "licenses", "license");
    let dependencies = all(project, "dependencies", "dependency");
    Ok(Pom {
        group: inherited("groupId"),
        artifact: stated("artifactId"),
        version: inherited("version"),
        name: stated("name").filter(|name| !name.contains("${")),
        licenses: licenses.filter_map(|node| line(word(node, "name").as_deref())).collect(),
        requires: dependencies.filter_map(requirement).collect(),
    })
}

fn requirement(node: Node<'_, '_>) -> Option<String> {
    let for_others = word(node, "scope").is_some_and(|scope| scope == "test" || scope == "provided");
    if for_others || word(node, "optional").is_some_and(|optional| optional == "true") {
        return None;
    }
    let name = format!("{}:{}", word(node, "groupId")?, word(node, "artifactId")?);
    Some(word(node, "version").map_or(name.clone(), |version| format!("{name}:{version}")))
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|node| node.tag_name().name() == name)
}

fn word(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)?.text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn all<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    list: &'a str,
    item: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> + 'a {
    child(node, list).into_iter().flat_map(|list| list.children()).filter(move |node| node.tag_name().name() == item)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{parse, properties};

    #[test]
    fn both_descriptions() {
        let found = properties("#Generated\n#date\nversion=1.0\ngroupId = org.example\nartifactId:demo\n").unwrap();
        assert_eq!((&*found.group, &*found.artifact, &*found.version), ("org.example", "demo", "1.0"));
        assert!(properties("version=1\n").is_none());
        let pom = parse(
            "<project xmlns='urn:pom'><parent><groupId>org.p</groupId><version>2</version></parent>\
             <artifactId>a</artifactId><licenses><license><name>Apache-2.0</name></license></licenses><dependencies>\
             <dependency><groupId>g</groupId><artifactId>b</artifactId><version>1</version></dependency>\
             <dependency><groupId>g</groupId><artifactId>t</artifactId><scope>test</scope></dependency></dependencies></project>",
        )
        .unwrap();
        let found = pom.coordinates().unwrap();
        assert_eq!((&*found.group, &*found.artifact, &*found.version), ("org.p", "a", "2"));
        assert_eq!((pom.licenses, pom.requires), (vec!["Apache-2.0".to_owned()], vec!["g:b:1".to_owned()]));
        assert!(parse("<project><version>${v}</version></project>").unwrap().coordinates().is_none());
        assert!(parse("<").is_err());
    }
}
