//! A refusal: everything the gate knows about why a package is not served, for a format to word in its client's dialect.

use crate::{
    decision::{Cited, DecisionId},
    package::State,
};
use serde::Serialize;

/// Why the gate refuses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// The decision, also sent as `X-Assay-Decision`.
    pub decision: Option<DecisionId>,
    /// `name version` (or `name:tag`) as the client knows it.
    pub package: String,
    /// State of the package.
    pub state: State,
    /// Names of the policies that matched, in order.
    pub policies: Vec<String>,
    /// Their reasons.
    pub reasons: Vec<String>,
    /// Vulnerabilities behind them, worst first.
    pub vulnerabilities: Vec<Cited>,
    /// The nearest version of the same name that the gate would serve.
    pub nearest_allowed: Option<String>,
    /// Page with all of it.
    pub link: String,
}

impl Refusal {
    /// One line of plain ASCII with everything a developer needs: package, policy, reason, vulnerability, way out, link.
    /// At most about 600 bytes.
    pub fn sentence(&self) -> String {
        let mut text = format!("{} is {}", self.package, self.state.as_str());
        if !self.policies.is_empty() {
            text.push_str(&format!(" by policy {}", self.policies.join(", ")));
        }
        if !self.reasons.is_empty() {
            let shown: Vec<&str> = self.reasons.iter().take(2).map(String::as_str).collect();
            text.push_str(&format!(": {}", shown.join("; ")));
        }
        if let Some(worst) = self.vulnerabilities.first() {
            text.push_str(&format!(" ({}", worst.id));
            if let Some(score) = worst.score {
                text.push_str(&format!(", CVSS {score:.1}"));
            }
            match self.vulnerabilities.len() {
                1 => text.push(')'),
                n => text.push_str(&format!(", and {} more)", n - 1)),
            }
        }
        match &self.nearest_allowed {
            Some(version) => text.push_str(&format!(". Nearest allowed version: {version}")),
            None => text.push_str(". No allowed version is known here"),
        }
        text.push_str(&format!(". Details: {}", self.link));
        text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(600).collect()
    }
}
