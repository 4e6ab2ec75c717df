//! The XML encoding: the same parts, in the order that the XML schema fixes.

use super::model::{
    Affect, Analysis, Bom, Component, Composition, Dependency, License, LicenseChoice, Metadata, Property, Rating,
    Source, Version, Vulnerability,
};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

pub(super) fn text(bom: &Bom, version: Version) -> String {
    let mut out = Xml { writer: Writer::new_with_indent(Vec::new(), b' ', 2) };
    out.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let namespace = format!("http://cyclonedx.org/schema/bom/{}", version.as_str());
    let number = bom.version.to_string();
    let attributes =
        [("xmlns", namespace.as_str()), ("serialNumber", bom.serial_number.as_str()), ("version", number.as_str())];
    out.element("bom", &attributes, |out| {
        metadata(out, &bom.metadata);
        out.element("components", &[], |out| bom.components.iter().for_each(|c| component(out, c)));
        out.element("dependencies", &[], |out| bom.dependencies.iter().for_each(|d| dependency(out, d)));
        out.element("compositions", &[], |out| bom.compositions.iter().for_each(|c| composition(out, c)));
        out.list("vulnerabilities", &bom.vulnerabilities, vulnerability);
    });
    let mut text = String::from_utf8(out.writer.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

struct Xml {
    writer: Writer<Vec<u8>>,
}

type Attributes<'a> = [(&'a str, &'a str)];

impl Xml {
    /// Writing into memory does not fail.
    fn event(&mut self, event: Event<'_>) {
        let _ = self.writer.write_event(event);
    }

    fn element(&mut self, name: &str, attributes: &Attributes<'_>, inside: impl FnOnce(&mut Self)) {
        let mut start = BytesStart::new(name);
        for (key, value) in attributes {
            start.push_attribute((*key, allowed(value).as_str()));
        }
        self.event(Event::Start(start));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with text; none where the text is empty.
    fn leaf(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.leaf_with(name, &[], text);
        }
    }

    fn leaf_with(&mut self, name: &str, attributes: &Attributes<'_>, text: &str) {
        self.element(name, attributes, |out| out.event(Event::Text(BytesText::new(&allowed(text)))));
    }

    fn empty(&mut self, name: &str, attributes: &Attributes<'_>) {
        let mut start = BytesStart::new(name);
        for (key, value) in attributes {
            start.push_attribute((*key, allowed(value).as_str()));
        }
        self.event(Event::Empty(start));
    }

    /// An element around others; none where there are no others.
    fn list<T>(&mut self, name: &str, all: &[T], one: fn(&mut Self, &T)) {
        if !all.is_empty() {
            self.element(name, &[], |out| all.iter().for_each(|item| one(out, item)));
        }
    }
}

/// XML 1.0 has no way to write most control characters.
fn allowed(text: &str) -> String {
    let is_char =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_char(c) { c } else { '\u{fffd}' }).collect()
}

fn metadata(out: &mut Xml, metadata: &Metadata) {
    out.element("metadata", &[], |out| {
        out.leaf("timestamp", &metadata.timestamp);
        out.element("tools", &[], |out| out.list("components", &metadata.tools.components, component));
        component(out, &metadata.component);
        out.list("properties", &metadata.properties, property);
    });
}

fn component(out: &mut Xml, component: &Component) {
    let mut attributes = vec![("type", component.kind)];
    if !component.reference.is_empty() {
        attributes.push(("bom-ref", &component.reference));
    }
    out.element("component", &attributes, |out| {
        if let Some(supplier) = &component.supplier {
            out.element("supplier", &[], |out| out.leaf("name", &supplier.name));
        }
        out.leaf("group", &component.group);
        out.leaf("name", &component.name);
        out.leaf("version", &component.version);
        out.leaf("description", &component.description);
        out.leaf("scope", component.scope);
        out.list("hashes", &component.hashes, |out, hash| out.leaf_with("hash", &[("alg", hash.alg)], &hash.content));
        out.list("licenses", &component.licenses, license);
        out.leaf("purl", &component.purl);
        out.list("properties", &component.properties, property);
    });
}

fn license(out: &mut Xml, choice: &LicenseChoice) {
    match choice {
        LicenseChoice::Expression(text) => out.leaf("expression", text),
        LicenseChoice::License(License::Id(id)) => out.element("license", &[], |out| out.leaf("id", id)),
        LicenseChoice::License(License::Name(name)) => out.element("license", &[], |out| out.leaf("name", name)),
    }
}

fn property(out: &mut Xml, property: &Property) {
    out.leaf_with("property", &[("name", &property.name)], &property.value);
}

fn dependency(out: &mut Xml, dependency: &Dependency) {
    if dependency.depends_on.is_empty() {
        return out.empty("dependency", &[("ref", &dependency.reference)]);
    }
    out.element("dependency", &[("ref", &dependency.reference)], |out| {
        dependency.depends_on.iter().for_each(|to| out.empty("dependency", &[("ref", to)]));
    });
}

fn composition(out: &mut Xml, composition: &Composition) {
    out.element("composition", &[], |out| {
        out.leaf("aggregate", composition.aggregate);
        out.list("assemblies", &composition.assemblies, |out, of| out.empty("assembly", &[("ref", of)]));
    });
}

fn vulnerability(out: &mut Xml, from: &Vulnerability) {
    out.element("vulnerability", &[("bom-ref", &from.reference)], |out| {
        out.leaf("id", &from.id);
        if let Some(of) = &from.source {
            source(out, of);
        }
        out.list("references", &from.references, |out, reference| {
            out.element("reference", &[], |out| {
                out.leaf("id", &reference.id);
                source(out, &reference.source);
            });
        });
        out.list("ratings", &from.ratings, rating);
        out.list("cwes", &from.cwes, |out, cwe| out.leaf("cwe", &cwe.to_string()));
        out.leaf("description", &from.description);
        out.leaf("detail", &from.detail);
        out.leaf("recommendation", &from.recommendation);
        out.list("advisories", &from.advisories, |out, advisory| {
            out.element("advisory", &[], |out| out.leaf("url", &advisory.url));
        });
        out.leaf("published", from.published.as_deref().unwrap_or_default());
        out.leaf("updated", from.updated.as_deref().unwrap_or_default());
        if let Some(found) = &from.analysis {
            analysis(out, found);
        }
        out.list("affects", &from.affects, affect);
        out.list("properties", &from.properties, property);
    });
}

fn source(out: &mut Xml, source: &Source) {
    out.element("source", &[], |out| {
        out.leaf("name", &source.name);
        out.leaf("url", &source.url);
    });
}

fn rating(out: &mut Xml, rating: &Rating) {
    out.element("rating", &[], |out| {
        source(out, &rating.source);
        if let Some(score) = rating.score {
            out.leaf("score", &score.to_string());
        }
        out.leaf("severity", &rating.severity);
        out.leaf("method", rating.method.unwrap_or_default());
        out.leaf("vector", rating.vector.as_deref().unwrap_or_default());
    });
}

fn analysis(out: &mut Xml, analysis: &Analysis) {
    out.element("analysis", &[], |out| {
        out.leaf("state", analysis.state.unwrap_or_default());
        out.list("responses", &analysis.response, |out, response| out.leaf("response", response));
        out.leaf("detail", analysis.detail);
    });
}

fn affect(out: &mut Xml, affect: &Affect) {
    out.element("target", &[], |out| {
        out.leaf("ref", &affect.reference);
        out.list("versions", &affect.versions, |out, of| {
            out.element("version", &[], |out| {
                out.leaf("version", &of.version);
                out.leaf("status", of.status);
            });
        });
    });
}
