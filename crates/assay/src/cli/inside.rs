//! What a package holds beside vulnerable components, as tables: secrets, licences, and what was not read.

use super::{
    findings,
    look::{Look, Sheet, Text, Tone, cut},
    views::Inside,
};
use assay_model::{inventory::LicenseClass, license::normalise};
use std::collections::BTreeMap;

/// Licences and gaps that are shown; `--json` has all.
const MOST: usize = 30;

/// Secrets, worst first; nothing where there are none.
pub(super) fn secrets(inside: &Inside, look: Look) -> String {
    if inside.secrets.is_empty() {
        return String::new();
    }
    let mut all: Vec<_> = inside.secrets.iter().collect();
    all.sort_by(|a, b| b.severity.cmp(&a.severity).then((&a.path, a.first_line).cmp(&(&b.path, b.first_line))));
    let mut sheet = Sheet::new(&["SECRET", "SEVERITY", "FILE", ">LINE", "MATCH"]);
    for one in all {
        sheet.row([
            Text::from(&one.title),
            Text::new(one.severity.as_str(), findings::tone(one.severity)),
            Text::from(&one.path),
            one.first_line.to_string().into(),
            Text::from(one.matched.trim()),
        ]);
    }
    sheet.render(look)
}

/// What each licence asks for, the strictest first; what nobody understood before what is harmless.
fn rank(class: LicenseClass) -> (u8, Tone) {
    match class {
        LicenseClass::Forbidden => (0, Tone::Worst),
        LicenseClass::Restricted => (1, Tone::Bad),
        LicenseClass::Reciprocal => (2, Tone::Warning),
        LicenseClass::Unknown => (3, Tone::Faint),
        LicenseClass::Notice => (4, Tone::Plain),
        LicenseClass::Permissive => (5, Tone::Plain),
        LicenseClass::Unencumbered => (6, Tone::Plain),
    }
}

/// One line per licence: those that components declare and those of files; nothing where there are none.
pub(super) fn licenses(inside: &Inside, look: Look) -> String {
    let mut lines: BTreeMap<(u8, String, &str), (LicenseClass, Vec<&str>)> = BTreeMap::new();
    for found in &inside.components {
        for read in found.licenses.iter().map(|written| normalise(written)) {
            let key = (rank(read.class).0, read.expression, "declared");
            lines.entry(key).or_insert((read.class, Vec::new())).1.push(&found.component.name);
        }
    }
    for found in &inside.licenses {
        let key = (rank(found.class).0, found.expression.clone(), found.evidence.as_str());
        lines.entry(key).or_insert((found.class, Vec::new())).1.push(&found.path);
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&["LICENCE", "CLASS", "TOLD BY", ">PLACES", "WHERE"]);
    let total = lines.len();
    for ((_, expression, evidence), (class, mut places)) in lines.into_iter().take(MOST) {
        places.sort_unstable();
        places.dedup();
        sheet.row([
            cut(&expression, 60).into(),
            Text::new(class.as_str(), rank(class).1),
            evidence.into(),
            places.len().to_string().into(),
            cut(&places.join(", "), 100).into(),
        ]);
    }
    let more = total.saturating_sub(MOST);
    let rest = if more > 0 { format!("\nand {more} more; `--json` has all") } else { String::new() };
    format!("{}{rest}", sheet.render(look))
}

/// What was not read and why; nothing where everything was.
pub(super) fn gaps(inside: &Inside, look: Look) -> String {
    if inside.skipped.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&["NOT READ", "REASON", "WHY"]);
    for one in inside.skipped.iter().take(MOST) {
        let path = if one.path.is_empty() { "(the whole)" } else { &one.path };
        sheet.row([Text::from(path), Text::from(&one.reason), Text::from(&one.detail)]);
    }
    let more = inside.skipped.len().saturating_sub(MOST);
    let rest = if more > 0 { format!("\nand {more} more; `--json` has all") } else { String::new() };
    format!("{}{rest}", sheet.render(look))
}
