//! A product of the list and the advisories about its ended cycles.

use super::cycle;
use assay_model::advisory::{Advisory, Affected, AffectedPackage};
use assay_model::ecosystem::{self, end_of_life};
use assay_model::purl::Purl;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Package that stands for the language itself in the advisories of its ecosystem.
const STANDARD_LIBRARIES: [(&str, &str, &str); 1] = [("go", "Go", "stdlib")];

pub(super) struct Product {
    /// As in its address (`alpine-linux`).
    name: String,
    /// For people.
    title: String,
    link: Option<String>,
    /// Ecosystem and name of the packages it is published as.
    packages: BTreeSet<(String, String)>,
    cycles: Vec<Cycle>,
}

struct Cycle {
    name: String,
    codename: Option<String>,
    end: End,
}

/// When a cycle ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not known, or not decided.
    Open,
    /// Ended, nobody says when.
    Past,
    On(Date),
}

impl Product {
    pub(super) fn read(entry: &Value) -> Result<Self, String> {
        let named = text(entry, "name").or(text(entry, "product"));
        let name = named.or_else(|| text(entry, "permalink").map(|link| link.trim_matches('/')));
        let name = name.filter(|name| is_slug(name)).ok_or("it has no name")?.to_owned();
        let title = text(entry, "label").or(text(entry, "title")).unwrap_or(&name).to_owned();
        let releases = entry.get("releases").and_then(Value::as_array).ok_or("it has no releases")?;
        let links = entry.get("links").unwrap_or(entry);
        Ok(Self {
            link: text(links, "releasePolicy").or(text(links, "releasePolicyLink")).map(str::to_owned),
            packages: packages(&name, entry),
            cycles: releases.iter().filter_map(Cycle::read).collect(),
            name,
            title,
        })
    }

    /// One for each cycle. Where the end has not come by this day it is a withdrawn one, which takes back what was said
    /// while an earlier end was planned.
    pub(super) fn advisories(&self, today: Date) -> impl Iterator<Item = Advisory> {
        let ended = move |cycle: &Cycle| match cycle.end {
            End::Open => false,
            End::Past => true,
            End::On(day) => day <= today,
        };
        self.cycles.iter().filter_map(move |cycle| {
            let advisory = self.advisory(cycle)?;
            if ended(cycle) {
                return Some(advisory);
            }
            let coming = match cycle.end {
                End::On(day) => Some(format!("{day}T00:00:00Z")),
                End::Open | End::Past => None,
            };
            Some(Advisory { withdrawn: Some(advisory.modified.clone()), ..advisory }.from_then_on(coming.as_deref()))
        })
    }

    fn advisory(&self, cycle: &Cycle) -> Option<Advisory> {
        let range = cycle::range(&cycle.name)?;
        let affected = |(ecosystem, name): (String, String)| Affected {
            package: AffectedPackage { ecosystem, name, purl: None },
            ranges: vec![range.clone()],
            ..Affected::default()
        };
        let own = (end_of_life::ECOSYSTEM.to_owned(), self.name.clone());
        let day = match cycle.end {
            End::On(day) => Some(day),
            End::Open | End::Past => None,
        };
        let since = day.map(|day| format!(" since {day}")).unwrap_or_default();
        let codename = cycle.codename.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let when = day.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |day| format!("{day}T00:00:00Z"));
        Some(Advisory {
            id: format!("EOL-{}-{}", self.name, cycle.name),
            modified: when.clone(),
            published: day.is_some().then_some(when),
            summary: Some(format!("{} {}{codename} is no longer maintained{since}", self.title, cycle.name)),
            affected: std::iter::once(own).chain(self.packages.iter().cloned()).map(affected).collect(),
            references: self.link.iter().map(|link| json!({"type": "WEB", "url": link})).collect(),
            database_specific: Some(
                json!({"kind": "end-of-life", "product": self.name, "cycle": cycle.name, "eol": day}),
            ),
            ..Advisory::default()
        })
    }
}

impl Cycle {
    fn read(entry: &Value) -> Option<Self> {
        let name = text(entry, "releaseCycle").or(text(entry, "name"))?.to_owned();
        let said = entry.get("eolFrom").filter(|value| !value.is_null()).or(entry.get("eol")).or(entry.get("isEol"));
        let codename = text(entry, "codename").map(str::to_owned);
        (name.len() <= 64).then(|| Self { name, codename, end: said.map_or(End::Open, End::read) })
    }
}

impl End {
    fn read(value: &Value) -> Self {
        match value {
            Value::Bool(true) => Self::Past,
            Value::String(text) if text == "true" => Self::Past,
            Value::String(text) => text.parse().map_or(Self::Open, Self::On),
            _ => Self::Open,
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn is_slug(name: &str) -> bool {
    name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn packages(product: &str, entry: &Value) -> BTreeSet<(String, String)> {
    let identifiers = entry.get("identifiers").and_then(Value::as_array).into_iter().flatten();
    let purls = identifiers.filter_map(|one| match text(one, "type") {
        Some("purl") => text(one, "id"),
        Some(_) => None,
        None => text(one, "purl"),
    });
    let standard = STANDARD_LIBRARIES.iter().filter(|(name, ..)| *name == product);
    let standard = standard.map(|(_, ecosystem, name)| ((*ecosystem).to_owned(), (*name).to_owned()));
    purls.filter_map(package).chain(standard).collect()
}

/// Ecosystem and name of a language's package.
fn package(purl: &str) -> Option<(String, String)> {
    let purl: Purl = purl.parse().ok()?;
    let law = ecosystem::of_purl_type(purl.kind())?;
    let joint = if law.scheme == ecosystem::Scheme::Maven { ':' } else { '/' };
    let name = match purl.namespace() {
        Some(namespace) => format!("{namespace}{joint}{}", purl.name()),
        None => purl.name().to_owned(),
    };
    Some((law.osv.to_owned(), law.normalize_name(&name).into_owned()))
}
