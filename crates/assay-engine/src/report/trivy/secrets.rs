//! Secrets and licences as Trivy's results.

use super::{
    Subject, group,
    model::{Code, License, Line, Outcome, Secret},
    package::{Surroundings, written_name},
};
use assay_model::{
    finding::Severity,
    inventory::{self, Inventory, LicenseClass},
    license::{listed, normalise},
};
use std::collections::BTreeMap;

/// One result per file with secrets.
pub(super) fn secrets(inventory: &Inventory) -> Vec<Outcome> {
    let around = Surroundings::of(inventory, "");
    let mut files: BTreeMap<&str, Vec<Secret>> = BTreeMap::new();
    for one in &inventory.secrets {
        files.entry(&one.path).or_default().push(secret(one, &around));
    }
    let outcome = |(path, mut secrets): (&str, Vec<Secret>)| {
        secrets.sort_by(|a, b| (&a.rule_id, &a.matched, a.start_line).cmp(&(&b.rule_id, &b.matched, b.start_line)));
        // an image's files are named from its root
        let target = if inventory.image.is_some() { format!("/{path}") } else { path.to_owned() };
        Outcome { target, class: "secret".into(), secrets, ..Outcome::default() }
    };
    files.into_iter().map(outcome).collect()
}

fn secret(one: &inventory::Secret, around: &Surroundings<'_>) -> Secret {
    Secret {
        rule_id: one.rule.clone(),
        category: one.category.clone(),
        severity: one.severity.as_str().to_owned(),
        title: one.title.clone(),
        start_line: one.first_line,
        end_line: one.last_line,
        code: Code { lines: lines(&one.context) },
        matched: one.matched.clone(),
        layer: around.layer(one.layer.as_deref()),
        offset: one.offset,
    }
}

fn lines(context: &[inventory::CodeLine]) -> Vec<Line> {
    let causes: Vec<u32> = context.iter().filter(|l| l.is_cause).map(|l| l.number).collect();
    let line = |l: &inventory::CodeLine| Line {
        number: l.number,
        content: l.text.clone(),
        is_cause: l.is_cause,
        highlighted: l.text.clone(),
        first_cause: l.is_cause && causes.first() == Some(&l.number),
        last_cause: l.is_cause && causes.last() == Some(&l.number),
        ..Line::default()
    };
    context.iter().map(line).collect()
}

/// Licences of the system's packages, of each lock file, and of files that state or contain one.
pub(super) fn licenses(subject: &Subject, inventory: &Inventory) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for group in group::groups(subject, inventory) {
        let is_system = group.class == "os-pkgs";
        let mut licenses = Vec::new();
        for (_, found) in &group.found {
            let path = if is_system { "" } else { found.path.as_str() };
            for name in &found.licenses {
                let class = normalise(name).class;
                let pkg_name = if is_system { found.component.name.clone() } else { written_name(found) };
                licenses.push(license(class, pkg_name, path, name, 1.0));
            }
        }
        licenses.sort_by(by_name);
        if !licenses.is_empty() {
            let target = if is_system { "OS Packages".to_owned() } else { group.target };
            outcomes.push(Outcome { target, class: "license".into(), licenses, ..Outcome::default() });
        }
    }
    let files = inventory
        .licenses
        .iter()
        .map(|one| license(one.class, String::new(), &one.path, &one.expression, f64::from(one.confidence) / 100.0));
    let licenses: Vec<License> = files.collect();
    if !licenses.is_empty() {
        let target = "Loose File License(s)".to_owned();
        outcomes.push(Outcome { target, class: "license-file".into(), licenses, ..Outcome::default() });
    }
    outcomes
}

fn by_name(a: &License, b: &License) -> std::cmp::Ordering {
    (&a.pkg_name, &a.name, &a.file_path).cmp(&(&b.pkg_name, &b.name, &b.file_path))
}

fn license(class: LicenseClass, pkg_name: String, path: &str, name: &str, confidence: f64) -> License {
    let (category, severity) = match class {
        LicenseClass::Unencumbered => ("unencumbered", Severity::Low),
        LicenseClass::Permissive => ("permissive", Severity::Low),
        LicenseClass::Notice => ("notice", Severity::Low),
        LicenseClass::Reciprocal => ("reciprocal", Severity::Medium),
        LicenseClass::Restricted => ("restricted", Severity::High),
        LicenseClass::Forbidden => ("forbidden", Severity::Critical),
        LicenseClass::Unknown => ("unknown", Severity::Unknown),
    };
    License {
        severity: severity.as_str().to_owned(),
        category: category.to_owned(),
        pkg_name,
        file_path: path.to_owned(),
        name: name.to_owned(),
        confidence,
        link: listed(name).map(|known| format!("https://spdx.org/licenses/{}.html", known.id)).unwrap_or_default(),
        ..License::default()
    }
}
