//! Scores of CVSS 2.0, 3.0, 3.1 and 4.0 vectors.
//!
//! The arithmetic is the `cvss` crate's. What it is lenient about (order, half given groups, letter case) is refused
//! here first, by the grammar of each specification: a vector that another tool reads differently must not decide.

use assay_model::finding::{Cvss, Severity};
use std::fmt;

/// Longest vector that is looked at, in bytes; a full CVSS 4.0 vector has about 200.
const MAX_BYTES: usize = 512;

const V2_BASE: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
const V2_TEMPORAL: &[&str] = &["E", "RL", "RC"];
const V2_ENVIRONMENTAL: &[&str] = &["CDP", "TD", "CR", "IR", "AR"];

const V3_BASE: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const V3_TEMPORAL: &[&str] = &["E", "RL", "RC"];

/// CVSS 4.0, table 23: metrics come in this order.
const V4_ORDER: &[&str] = &[
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA", "E", "CR", "IR", "AR", "MAV", "MAC", "MAT",
    "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA", "S", "AU", "R", "V", "RE", "U",
];

/// Major version of the standard. 3.0 and 3.1 are told apart by the vector's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// CVSS 2.0, no prefix.
    V2,
    /// `CVSS:3.0/` and `CVSS:3.1/`.
    V3,
    /// `CVSS:4.0/`.
    V4,
}

/// A valid vector with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// Which standard.
    pub version: Version,
    /// 0 to 10, one decimal. Temporal, threat and environmental metrics count where the vector has them.
    pub score: f64,
    text: String,
}

/// Why a vector was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a CVSS vector: {0}")]
pub struct BadVector(String);

impl Vector {
    /// Reads and scores a vector of any version.
    ///
    /// # Errors
    /// [`BadVector`] where it breaks the grammar of its version.
    pub fn parse(text: &str) -> Result<Self, BadVector> {
        if text.len() > MAX_BYTES {
            return Err(BadVector(format!("longer than {MAX_BYTES} bytes")));
        }
        let version = match text.split_once('/').map(|(first, _)| first) {
            Some("CVSS:3.0" | "CVSS:3.1") => Version::V3,
            Some("CVSS:4.0") => Version::V4,
            Some(first) if first.starts_with("AV:") => Version::V2,
            _ => return Err(BadVector("it begins with no known version".to_owned())),
        };
        let score = match version {
            Version::V2 => v2(text)?,
            Version::V3 => v3(text)?,
            Version::V4 => v4(text)?,
        };
        if !(0.0..=10.0).contains(&score) {
            return Err(BadVector("its score lies outside 0 to 10".to_owned()));
        }
        Ok(Self { version, score, text: text.to_owned() })
    }

    /// The word for the score. CVSS 2 has no `CRITICAL`.
    #[must_use]
    pub fn severity(&self) -> Severity {
        word(self.version, self.score)
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The word for the score that counts: the newest version's.
pub(crate) fn severity(cvss: &Cvss) -> Severity {
    let newest = [(Version::V4, cvss.v4_score), (Version::V3, cvss.v3_score), (Version::V2, cvss.v2_score)];
    newest.into_iter().find_map(|(version, score)| score.map(|score| word(version, score))).unwrap_or_default()
}

fn word(version: Version, score: f64) -> Severity {
    match (version, Severity::of_score(score)) {
        (Version::V2, Severity::Critical) => Severity::High,
        (_, word) => word,
    }
}

fn v2(text: &str) -> Result<f64, BadVector> {
    let metrics = metrics(text)?;
    let names: Vec<&str> = metrics.iter().map(|(name, _)| *name).collect();
    let mut rest =
        names.strip_prefix(V2_BASE).ok_or_else(|| BadVector("the base metrics are not complete".to_owned()))?;
    for group in [V2_TEMPORAL, V2_ENVIRONMENTAL] {
        rest = rest.strip_prefix(group).unwrap_or(rest);
    }
    if let Some(name) = rest.first() {
        return Err(BadVector(format!("{name} is out of place, or its group is not complete")));
    }
    let vector: cvss::v2::Vector = text.parse().map_err(refused)?;
    let score = match metrics.len() - V2_BASE.len() {
        0 => vector.score(),
        3 => vector.temporal_score(),
        _ => vector.environmental_score(),
    };
    Ok(score.value())
}

fn v3(text: &str) -> Result<f64, BadVector> {
    let metrics = metrics(text)?;
    let given = metrics.get(1..).unwrap_or_default();
    if let Some((name, value)) = given.iter().find(|(name, value)| !is_upper(name) || !is_upper(value)) {
        return Err(BadVector(format!("{name}:{value} is not in upper case")));
    }
    if let Some(missing) = V3_BASE.iter().find(|base| given.iter().all(|(name, _)| name != *base)) {
        return Err(BadVector(format!("{missing} is missing")));
    }
    let vector: cvss::v3::Vector = text.parse().map_err(refused)?;
    let mut defined = given.iter().filter(|(name, value)| *value != "X" && !V3_BASE.contains(name));
    if defined.any(|(name, _)| !V3_TEMPORAL.contains(name)) {
        return Ok(vector.environmental_score().value());
    }
    // Equation 7.2. The environmental equation is no substitute: 3.1 gives it another impact where the scope changes.
    let temporal: f64 = given.iter().map(|(name, value)| weight(name, value)).product();
    let minor = usize::from(text.starts_with("CVSS:3.1/"));
    let base = vector.base_score().value();
    Ok(cvss::v3::Score::new(base * temporal).roundup_for_version(minor).value())
}

/// CVSS 3, table 16: temporal weights. All else weighs nothing.
fn weight(name: &str, value: &str) -> f64 {
    match (name, value) {
        ("E", "F") | ("RL", "W") => 0.97,
        ("E", "P") => 0.94,
        ("E", "U") => 0.91,
        ("RL", "T") | ("RC", "R") => 0.96,
        ("RL", "O") => 0.95,
        ("RC", "U") => 0.92,
        _ => 1.0,
    }
}

fn v4(text: &str) -> Result<f64, BadVector> {
    let mut next = 0;
    for (name, value) in metrics(text)?.iter().skip(1) {
        let place = V4_ORDER.iter().position(|known| known == name);
        next = match place {
            Some(place) if place >= next => place + 1,
            _ => return Err(BadVector(format!("{name} is unknown, doubled or out of place"))),
        };
        let urgency = *name == "U" && matches!(*value, "Clear" | "Green" | "Amber" | "Red");
        if !urgency && !is_upper(value) {
            return Err(BadVector(format!("{name}:{value} is not in upper case")));
        }
    }
    let vector: cvss::v4::Vector = text.parse().map_err(refused)?;
    Ok(vector.score().value())
}

fn metrics(text: &str) -> Result<Vec<(&str, &str)>, BadVector> {
    let metric = |part| str::split_once(part, ':').ok_or_else(|| BadVector(format!("{part:?} is no metric")));
    text.split('/').map(metric).collect()
}

fn is_upper(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn refused(error: cvss::Error) -> BadVector {
    BadVector(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing;
    use proptest::prelude::*;

    #[test]
    fn published_lists_hold() {
        let Some(folder) = testing::corpus("oracles/cvss") else { return };
        let (mut lines, mut wrong) = (0, Vec::new());
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            for line in std::fs::read_to_string(entry.path()).unwrap().lines() {
                let (body, comment) = line.split_once('#').unwrap_or((line, ""));
                if body.trim().is_empty() {
                    continue;
                }
                lines += 1;
                if !holds(&name, body.trim(), comment) {
                    wrong.push(format!(
                        "{name}: {line} -> {:?}",
                        Vector::parse(body.split_whitespace().next().unwrap())
                    ));
                }
            }
        }
        eprintln!("cvss lists: {lines} lines");
        assert!(lines > 0 && wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    fn holds(list: &str, body: &str, comment: &str) -> bool {
        let mut fields = body.split_whitespace();
        let parsed = Vector::parse(fields.next().unwrap());
        let version = parsed.as_ref().map(|v| v.version);
        let expected = match list.split('_').next().unwrap() {
            "v2" => Version::V2,
            "v3" | "v30" | "v31" => Version::V3,
            "v4" => Version::V4,
            other => panic!("a list of an unknown version: {other}"),
        };
        if list.ends_with("_error.list") {
            // The lists begin with some vectors that are in order, marked so.
            return comment.starts_with("OK") == (version == Ok(expected));
        }
        let Ok(parsed) = parsed else { return false };
        let score = fields.next().map(|score| score.parse::<f64>().unwrap());
        parsed.version == expected
            && parsed.to_string() == body.split_whitespace().next().unwrap()
            && list.ends_with("_score.list") == score.is_some()
            && score.is_none_or(|score| (parsed.score - score).abs() < 0.001)
    }

    #[test]
    fn version_two_knows_no_critical() {
        let vector = Vector::parse("AV:N/AC:L/Au:N/C:C/I:C/A:C").unwrap();
        assert_eq!((vector.score, vector.severity()), (10.0, Severity::High));
        assert_eq!(Vector::parse("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N").unwrap().severity(), Severity::High);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_scored(text in "(CVSS:[234]\\.[01]/)?([A-Za-z]{1,3}:[A-Z]{0,2}/?){0,14}") {
            if let Ok(vector) = Vector::parse(&text) {
                prop_assert!((0.0..=10.0).contains(&vector.score));
            }
        }

        #[test]
        fn any_characters_do_not_panic(text in "\\PC{0,80}") {
            let _ = Vector::parse(&text);
        }
    }
}
