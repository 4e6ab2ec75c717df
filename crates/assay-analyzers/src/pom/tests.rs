//! Projects of several poms.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{PART, package_id, wants};
use crate::locked::testing::{lines, survives_damage, tree};
use assay_model::component::Occurrence;
use assay_model::component::Relationship::{Direct, Indirect, Root};
use assay_model::inventory::Inventory;

fn at<'i>(out: &'i Inventory, path: &str, coordinates: &str) -> &'i Occurrence {
    let id = package_id(coordinates, path);
    let found = out.components.iter().find(|found| found.path == path && found.id == id);
    found.unwrap_or_else(|| {
        let all: Vec<_> = out.components.iter().map(|found| (&found.path, &found.id)).collect();
        panic!("no {coordinates} in {all:?}")
    })
}

const PARENT: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>org.example</groupId><artifactId>parent</artifactId><version>${revision}</version>
  <packaging>pom</packaging>
  <modules><module>app</module><module>lib</module><module>gone</module></modules>
  <licenses><license><name>Apache-2.0</name></license></licenses>
  <properties><revision>1.0</revision><one.version>1.1</one.version></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.other</groupId><artifactId>one</artifactId><version>${one.version}</version></dependency>
    <dependency><groupId>org.bom</groupId><artifactId>bom</artifactId><version>3</version><type>pom</type><scope>import</scope></dependency>
    <dependency><groupId>org.bom</groupId><artifactId>nowhere</artifactId><version>4</version><type>pom</type><scope>import</scope></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.other</groupId><artifactId>all</artifactId><version>7</version></dependency>
  </dependencies>
</project>"#;

const APP: &str = r#"<?xml version="1.0"?>
<project>
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>${revision}</version></parent>
  <artifactId>app</artifactId>
  <properties><one.version>1.2</one.version></properties>
  <dependencies>
    <dependency>
      <groupId>org.other</groupId>
      <artifactId>one</artifactId>
    </dependency>
    <dependency><groupId>org.bom</groupId><artifactId>managed</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>lib</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>org.test</groupId><artifactId>check</artifactId><version>9</version><scope>test</scope></dependency>
    <dependency><groupId>org.far</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
    <dependency><groupId>org.far</groupId><artifactId>unknown</artifactId><version>${nobody.knows}</version></dependency>
  </dependencies>
  <profiles><profile><dependencies><dependency><groupId>p</groupId><artifactId>p</artifactId><version>1</version></dependency></dependencies></profile></profiles>
</project>"#;

const LIB: &str = r#"<project>
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>${revision}</version></parent>
  <artifactId>lib</artifactId>
  <dependencies>
    <dependency><groupId>org.deep</groupId><artifactId>deep</artifactId><version>[5.0]</version>
      <exclusions><exclusion><groupId>org.out</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
    <dependency><groupId>org.other</groupId><artifactId>maybe</artifactId><version>1</version><optional>true</optional></dependency>
    <dependency><groupId>org.other</groupId><artifactId>given</artifactId><version>1</version><scope>provided</scope></dependency>
  </dependencies>
</project>"#;

const BOM: &str = r#"<project><groupId>org.bom</groupId><artifactId>bom</artifactId><version>3</version>
  <properties><m>2.5</m></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.bom</groupId><artifactId>managed</artifactId><version>${m}</version></dependency>
    <dependency><groupId>org.deep</groupId><artifactId>deeper</artifactId><version>6.6</version></dependency>
  </dependencies></dependencyManagement></project>"#;

const DEEP: &str = r#"<project><groupId>org.deep</groupId><artifactId>deep</artifactId><version>5.0</version>
  <licenses><license><url>https://licence.example/x</url></license></licenses>
  <dependencies>
    <dependency><groupId>org.deep</groupId><artifactId>deeper</artifactId><version>6.0</version></dependency>
    <dependency><groupId>org.out</groupId><artifactId>out</artifactId><version>1</version></dependency>
    <dependency><groupId>org.deep</groupId><artifactId>deep</artifactId><version>5.0</version></dependency>
  </dependencies></project>"#;

const FILES: [(&str, &str); 5] = [
    ("pom.xml", PARENT),
    ("app/pom.xml", APP),
    ("lib/pom.xml", LIB),
    ("home/.m2/repository/org/bom/bom/3/bom-3.pom", BOM),
    ("home/.m2/repository/org/deep/deep/5.0/deep-5.0.pom", DEEP),
];

#[test]
fn parents_bills_of_materials_and_modules() {
    let out = tree(&PART, &FILES);
    let app = at(&out, "app/pom.xml", "org.example:app:1.0");
    assert_eq!((app.relationship, &*app.licenses.concat()), (Root, "Apache-2.0"));
    assert_eq!(app.component.purl, "pkg:maven/org.example/app@1.0");
    let one = at(&out, "app/pom.xml", "org.other:one:1.2");
    assert_eq!((one.relationship, lines(one), one.dev), (Direct, vec![(7, 10)], false));
    assert_eq!(at(&out, "app/pom.xml", "org.bom:managed:2.5").relationship, Direct);
    assert_eq!(lines(at(&out, "app/pom.xml", "org.other:all:7")), [], "it stands in another file");
    assert!(at(&out, "app/pom.xml", "org.test:check:9").dev);
    assert!(at(&out, "app/pom.xml", "org.far:range").component.version.is_empty());
    let lib = at(&out, "app/pom.xml", "org.example:lib:1.0");
    assert_eq!(
        lib.depends_on,
        [package_id("org.deep:deep:5.0", "app/pom.xml"), package_id("org.other:all:7", "app/pom.xml")]
    );
    let deep = at(&out, "app/pom.xml", "org.deep:deep:5.0");
    assert_eq!((deep.relationship, &*deep.licenses.concat()), (Indirect, "https://licence.example/x"));
    assert_eq!(at(&out, "app/pom.xml", "org.deep:deeper:6.6").relationship, Indirect);
    let names: Vec<&str> = out
        .components
        .iter()
        .filter(|found| found.path == "app/pom.xml")
        .map(|found| found.component.name.as_str())
        .collect();
    for absent in ["out", "maybe", "given", "p"] {
        assert!(!names.contains(&absent), "{absent}");
    }
    assert!(app.depends_on.contains(&one.id) && !app.depends_on.contains(&app.id));
}

#[test]
fn a_module_by_itself() {
    let out = tree(&PART, &FILES);
    assert_eq!(at(&out, "lib/pom.xml", "org.deep:deep:5.0").relationship, Direct);
    assert!(!at(&out, "lib/pom.xml", "org.other:maybe:1").dev);
    let given = at(&out, "lib/pom.xml", "org.other:given:1");
    assert_eq!((given.dev, given.properties["pom.scope"].as_str()), (true, "provided"));
}

#[test]
fn what_is_not_here_is_told() {
    let out = tree(&PART, &FILES);
    let told = |path: &str, what: &str| {
        out.skipped
            .iter()
            .any(|skipped| skipped.path == path && skipped.reason == "unresolved" && skipped.detail.contains(what))
    };
    assert!(told("pom.xml", "the module gone is not here"));
    assert!(told("app/pom.xml", "org.bom:nowhere:4"));
    assert!(told("app/pom.xml", "${nobody.knows}"));
    assert!(told("app/pom.xml", "org.far:range"));
    assert!(told("app/pom.xml", "org.other:one:1.2"));
    let orphan = tree(&PART, &[("x/pom.xml", APP)]);
    assert!(orphan.skipped.iter().any(|skipped| skipped.detail.contains("org.example:parent")), "{:?}", orphan.skipped);
    assert_eq!(tree(&PART, &[("pom.xml", "<html/>")]).skipped[0].reason, "corrupt");
}

#[test]
fn a_pom_of_a_repository_is_what_was_published() {
    let text = "<project><parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>3</version></parent>\
                <artifactId>lib</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId>\
                <version>1</version></dependency></dependencies></project>";
    let out = tree(&PART, &[("lib-3.pom", text)]);
    let [one] = &out.components[..] else { panic!("{:?}", out.components) };
    assert_eq!((&*one.component.purl, one.is_subject), ("pkg:maven/org.example/lib@3", true));
    assert_eq!(one.requires, ["g:a:1"]);
    assert!(out.skipped.is_empty(), "{:?}", out.skipped);
}

#[test]
fn an_ancestor_of_itself_ends() {
    let child = "<project><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version></parent>\
                 <artifactId>a</artifactId></project>";
    let out = tree(&PART, &[("pom.xml", child), ("x/pom.xml", child)]);
    assert_eq!(out.components.len(), 2);
}

#[test]
fn identifiers_tell_projects_apart() {
    assert_eq!(package_id("g:a:1", "pom.xml"), package_id("g:a:1", "pom.xml"));
    assert_ne!(package_id("g:a:1", "pom.xml"), package_id("g:a:1", "x/pom.xml"));
    assert!(wants("a/pom.xml") && wants("r/g/a/1/a-1.pom") && wants("a-1.pom") && !wants("r/g/a/1/b-1.pom"));
}

#[test]
fn damage_does_no_harm() {
    survives_damage(&PART, &FILES);
}

#[test]
fn many_modules_of_one_parent_are_read_in_bounds() {
    let managed: String = (0..400)
        .map(|at| format!("<dependency><groupId>g{at}</groupId><artifactId>a</artifactId><version>${{v}}.{at}</version></dependency>"))
        .collect();
    let parent = format!(
        "<project><groupId>org.example</groupId><artifactId>parent</artifactId><version>1</version><properties><v>2</v>\
         </properties><dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement></project>"
    );
    let modules: Vec<(String, String)> = (0..300)
        .map(|at| {
            let text = format!(
                "<project><parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1</version>\
                 </parent><artifactId>m{at}</artifactId><dependencies><dependency><groupId>g{at}</groupId>\
                 <artifactId>a</artifactId></dependency></dependencies></project>"
            );
            (format!("m{at}/pom.xml"), text)
        })
        .collect();
    let mut files: Vec<(&str, &str)> = modules.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("pom.xml", &parent));
    let out = tree(&PART, &files);
    assert_eq!(out.components.len(), 601);
    assert_eq!(at(&out, "m7/pom.xml", "g7:a:2.7").relationship, Direct);
}

#[test]
fn a_chain_of_parents_ends() {
    let chain: Vec<(String, String)> = (0..3000)
        .map(|at| {
            let text = format!(
                "<project><parent><groupId>g</groupId><artifactId>a{}</artifactId><version>1</version>\
                 <relativePath>../p{}/pom.xml</relativePath></parent><artifactId>a{at}</artifactId></project>",
                at + 1,
                at + 1
            );
            (format!("p{at}/pom.xml"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = chain.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let out = tree(&PART, &files);
    assert_eq!(out.components.len(), 3000);
    assert!(!out.is_complete());
}
