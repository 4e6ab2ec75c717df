//! A sheet: what an input document says of one package, in the product's own words. Made from documents, also old ones,
//! for people and for comparison; policies never see it.

use crate::finding::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What an input document says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// The package's own labels: those of publishers and operators.
    pub tags: BTreeSet<String>,
    /// Findings, in the order of the document.
    pub findings: Vec<SheetFinding>,
    /// Findings that a waiver or a trusted statement of VEX takes away from every policy.
    #[serde(default)]
    pub suppressed: Vec<Suppressed>,
    /// All other facts by dotted path; what is in a list of things goes by the name of the thing
    /// (`components.pkg:npm/a@1.version`). Nulls and empty lists are left out.
    pub facts: BTreeMap<String, Value>,
}

/// A finding as a document tells it. What the document does not say is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SheetFinding {
    /// Its id.
    pub id: String,
    /// Other ids, those of sources among them.
    pub aliases: BTreeSet<String>,
    /// `vulnerability`, `malware` or `end-of-life`.
    pub kind: String,
    /// Purl of the component.
    pub component: String,
    /// One line.
    pub title: String,
    /// Word.
    pub severity: Option<Severity>,
    /// Highest score, 0 to 10.
    pub score: Option<f64>,
    /// Probability of exploitation, 0 to 1.
    pub epss: Option<f64>,
    /// Whether it is known to be exploited.
    pub kev: bool,
    /// The nearest version of the component that fixes it.
    pub fixed: Option<String>,
    /// Where the first source tells of it.
    pub source: Option<String>,
    /// What VEX statements come to.
    pub vex: Option<String>,
    /// The waiver that takes it out of what policies see.
    pub waived_by: Option<String>,
}

/// A finding that counts for no policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// Its id.
    pub id: String,
    /// Other ids.
    pub aliases: BTreeSet<String>,
    /// Purl of the component.
    pub component: String,
    /// What takes it away: `waived by W-1`, or `not_affected according to VEX (vendor)`.
    pub why: String,
}

impl Suppressed {
    /// Whether it is that finding, by any of its ids.
    pub fn is(&self, one: &SheetFinding) -> bool {
        self.component == one.component && one.ids().any(|id| id == self.id || self.aliases.contains(id))
    }
}

impl SheetFinding {
    /// Every id that it goes by.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}
