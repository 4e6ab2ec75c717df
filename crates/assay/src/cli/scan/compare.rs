//! `assay scan --compare A B` for people and programs.

use super::{Scanned, filter::without_dev};
use crate::cli::{
    findings,
    local::Target,
    look::{Look, Sheet, Text, Tone, count, harmless},
};
use assay_engine::{
    ScanResult, ScoredFinding,
    report::compare::{Comparison, Direction, compare},
};
use serde::Serialize;

/// What changed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    from: Target,
    to: Target,
    #[serde(flatten)]
    told: Comparison,
}

impl Compared {
    pub(super) fn new(before: &Scanned, after: &Scanned, include_dev: bool) -> Self {
        let counted = |scanned: &Scanned| {
            let mut result: ScanResult = scanned.result.clone();
            if !include_dev {
                result.inventory = without_dev(result.inventory);
            }
            result
        };
        Self {
            from: before.looked.target.clone(),
            to: after.looked.target.clone(),
            told: compare(&counted(before), &counted(after)),
        }
    }

    /// Whether the second has anything bad that the first had not.
    pub(super) fn has_new(&self) -> bool {
        !self.told.findings.new.is_empty() || !self.told.secrets.new.is_empty()
    }

    pub(super) fn table(&self, look: Look) -> String {
        let told = &self.told;
        let mut text = format!("From        {}\nTo          {}\n", harmless(&self.from.path), harmless(&self.to.path));
        if let Some(change) = &told.system {
            let named = |system: &Option<String>| system.clone().unwrap_or_else(|| "none".to_owned());
            text.push_str(&format!("System      {} -> {}\n", named(&change.from), named(&change.to)));
        }
        text.push_str(&format!("Components  {}\n", self.tally()));
        text.push_str(&self.components(look));
        text.push_str(&listed("New findings", &told.findings.new, look));
        text.push_str(&listed("Fixed", &told.findings.gone, look));
        text.push_str(&self.secrets(look));
        text.push_str(&self.licenses(look));
        text.push_str(&format!(
            "\nFindings    {} new, {} fixed, {} still there\n",
            told.findings.new.len(),
            told.findings.gone.len(),
            told.still_there.len()
        ));
        let still = told.secrets_still_there.len();
        if !told.secrets.new.is_empty() || !told.secrets.gone.is_empty() || still > 0 {
            let (new, gone) = (told.secrets.new.len(), told.secrets.gone.len());
            text.push_str(&format!("Secrets     {new} new, {gone} gone, {still} still there\n"));
        }
        if !told.complete {
            text.push_str("Skipped     not everything could be read; scan each of the two to see what\n");
        }
        text
    }

    fn tally(&self) -> String {
        let all = &self.told.components;
        let (added, removed, changed) = (all.added.len(), all.removed.len(), all.changed.len());
        format!("{added} added, {removed} removed, {changed} changed, {} as before", all.unchanged)
    }

    fn components(&self, look: Look) -> String {
        let all = &self.told.components;
        let mut sheet = Sheet::new(&["CHANGE", "TYPE", "COMPONENT", "FROM", "TO"]);
        for one in &all.added {
            let change = Text::new("added", Tone::Good);
            sheet.row([change, (&one.purl_type).into(), (&one.name).into(), "".into(), one.versions.join(", ").into()]);
        }
        for one in &all.removed {
            let change = Text::new("removed", Tone::Faint);
            sheet.row([change, (&one.purl_type).into(), (&one.name).into(), one.versions.join(", ").into(), "".into()]);
        }
        for one in &all.changed {
            let change = match one.direction {
                Direction::Up => Text::new("raised", Tone::Plain),
                Direction::Down => Text::new("lowered", Tone::Warning),
                Direction::Aside => Text::new("changed", Tone::Plain),
            };
            let (from, to) = (one.versions.from.join(", "), one.versions.to.join(", "));
            sheet.row([change, (&one.purl_type).into(), (&one.name).into(), from.into(), to.into()]);
        }
        match all.added.len() + all.removed.len() + all.changed.len() {
            0 => String::new(),
            _ => format!("\n{}\n", sheet.render(look)),
        }
    }

    fn secrets(&self, look: Look) -> String {
        let secrets = &self.told.secrets;
        if secrets.new.is_empty() && secrets.gone.is_empty() {
            return String::new();
        }
        let mut sheet = Sheet::new(&["CHANGE", "SECRET", "SEVERITY", "WHERE"]);
        for (change, tone, list) in [("new", Tone::Bad, &secrets.new), ("gone", Tone::Good, &secrets.gone)] {
            for one in list {
                let place = format!("{}:{}", one.path, one.first_line);
                let severity = Text::new(one.severity.as_str(), findings::tone(one.severity));
                sheet.row([Text::new(change, tone), (&one.title).into(), severity, place.into()]);
            }
        }
        format!("\n{}\n", sheet.render(look))
    }

    fn licenses(&self, look: Look) -> String {
        let licenses = &self.told.licenses;
        if licenses.new.is_empty() && licenses.gone.is_empty() {
            return String::new();
        }
        let mut sheet = Sheet::new(&["CHANGE", "LICENCE", "OF"]);
        for (change, tone, list) in [("new", Tone::Plain, &licenses.new), ("gone", Tone::Faint, &licenses.gone)] {
            for one in list {
                sheet.row([Text::new(change, tone), (&one.license).into(), (&one.of).into()]);
            }
        }
        format!("\n{}\n", sheet.render(look))
    }
}

fn listed(heading: &str, list: &[ScoredFinding], look: Look) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut list = list.to_vec();
    findings::sort(&mut list);
    let n = count(list.len() as u64, "finding", "findings");
    format!("\n{heading} ({n})\n{}\n", findings::table(&list, look))
}
