//! One pom as it is written (POM reference, model version 4), nothing inherited and nothing interpolated.

use std::collections::BTreeMap;
use std::rc::Rc;

use assay_model::component::Lines;
use assay_model::problem::Problem;
use roxmltree::Node;

use crate::lines::LineIndex;
use crate::part::{corrupt, line};
use crate::xml::{child, children, own_text, parse, text};

#[derive(Debug, Default)]
pub(super) struct Pom {
    pub(super) parent: Option<Parent>,
    pub(super) group: Option<String>,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) licenses: Vec<String>,
    pub(super) modules: Vec<String>,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) managed: Vec<Rc<Dependency>>,
    pub(super) dependencies: Vec<Rc<Dependency>>,
}

#[derive(Debug)]
pub(super) struct Parent {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) version: String,
    /// None when there is an empty element: the parent is not beside the project.
    pub(super) relative_path: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Dependency {
    pub(super) group: String,
    pub(super) name: String,
    /// Empty when it is managed elsewhere, like the scope.
    pub(super) version: String,
    pub(super) scope: String,
    /// `jar` unless told otherwise.
    pub(super) kind: String,
    pub(super) classifier: String,
    pub(super) optional: bool,
    /// Group and name, `*` for all.
    pub(super) exclusions: Vec<(String, String)>,
    pub(super) lines: Option<Lines>,
}

impl Dependency {
    /// What management and inheritance go by.
    pub(super) fn key(&self) -> [&str; 4] {
        [&self.group, &self.name, &self.kind, &self.classifier]
    }
}

/// # Errors
/// `corrupt` when it is no project.
pub(super) fn read(source: &str) -> Result<Pom, Problem> {
    let document = parse(source)?;
    let project = document.root_element();
    if project.tag_name().name() != "project" {
        return Err(corrupt("its outermost element is no project"));
    }
    // A byte order mark is not part of the parsed text.
    let index = LineIndex::new(source.trim_start_matches('\u{feff}'));
    let list = |parent: Option<Node<'_, '_>>| {
        let list = parent.and_then(|parent| child(parent, "dependencies"));
        list.into_iter()
            .flat_map(|list| list.children())
            .filter(|node| node.tag_name().name() == "dependency")
            .map(|node| Rc::new(dependency(node, &index)))
            .collect::<Vec<_>>()
    };
    Ok(Pom {
        parent: child(project, "parent").and_then(parent),
        group: text(project, "groupId"),
        name: text(project, "artifactId"),
        version: text(project, "version"),
        licenses: child(project, "licenses").map(licenses).unwrap_or_default(),
        modules: texts(child(project, "modules"), "module"),
        properties: child(project, "properties").map(properties).unwrap_or_default(),
        managed: list(child(project, "dependencyManagement")),
        dependencies: list(Some(project)),
    })
}

fn parent(node: Node<'_, '_>) -> Option<Parent> {
    let relative_path = match child(node, "relativePath") {
        Some(path) => own_text(path),
        None => Some("../pom.xml".to_owned()),
    };
    Some(Parent {
        group: text(node, "groupId").unwrap_or_default(),
        name: text(node, "artifactId")?,
        version: text(node, "version").unwrap_or_default(),
        relative_path,
    })
}

fn texts(parent: Option<Node<'_, '_>>, name: &str) -> Vec<String> {
    let nodes = parent.into_iter().flat_map(|parent| parent.children());
    nodes.filter(|node| node.tag_name().name() == name).filter_map(own_text).collect()
}

fn licenses(list: Node<'_, '_>) -> Vec<String> {
    let names = children(list, "license").filter_map(|license| text(license, "name").or_else(|| text(license, "url")));
    names.filter_map(|name| line(Some(&name))).collect()
}

fn properties(list: Node<'_, '_>) -> BTreeMap<String, String> {
    let nodes = list.children().filter(Node::is_element);
    nodes.map(|node| (node.tag_name().name().to_owned(), own_text(node).unwrap_or_default())).collect()
}

fn dependency(node: Node<'_, '_>, index: &LineIndex) -> Dependency {
    let field = |name| text(node, name).unwrap_or_default();
    let exclusions = child(node, "exclusions").map(|list| {
        let all = children(list, "exclusion");
        all.map(|one| (text(one, "groupId").unwrap_or_default(), text(one, "artifactId").unwrap_or_default())).collect()
    });
    Dependency {
        group: field("groupId"),
        name: field("artifactId"),
        version: field("version"),
        scope: field("scope"),
        kind: text(node, "type").unwrap_or_else(|| "jar".to_owned()),
        classifier: field("classifier"),
        optional: field("optional").eq_ignore_ascii_case("true"),
        exclusions: exclusions.unwrap_or_default(),
        lines: Some(index.lines(node.range())),
    }
}
