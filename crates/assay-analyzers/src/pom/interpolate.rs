//! `${...}` in poms: properties, inherited and own, and the project's own coordinates.

use std::collections::{BTreeMap, BTreeSet};

/// Properties that one text may take in, those inside others included.
const STEPS: u32 = 200;
/// The longest text that properties may make.
const TEXT: usize = 4096;

/// Values by name, and the names that were asked for in vain.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    pub(super) values: BTreeMap<String, String>,
}

impl Properties {
    /// The text with its properties; none when one has no value, which is then noted.
    pub(super) fn fill(&self, text: &str, unknown: &mut BTreeSet<String>) -> Option<String> {
        if !text.contains("${") {
            return Some(text.to_owned());
        }
        let mut steps = STEPS;
        match self.expand(text, &mut steps) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(name) => {
                unknown.insert(format!("${{{name}}}"));
                None
            }
        }
    }

    /// Quietly: for comparing.
    pub(super) fn filled(&self, text: &str) -> Option<String> {
        self.fill(text, &mut BTreeSet::new())
    }

    fn expand(&self, text: &str, steps: &mut u32) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            let value = self.values.get(name.trim()).ok_or_else(|| name.to_owned())?;
            *steps = steps.checked_sub(1).ok_or_else(|| name.to_owned())?;
            out.push_str(before);
            out.push_str(&self.expand(value, steps)?);
            rest = after;
            if out.len() > TEXT {
                return Err(name.to_owned());
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_inside_properties_and_around_in_a_circle() {
        let values = [("a", "1"), ("b", "${a}.${a}"), ("x", "${y}"), ("y", "${x}"), ("wide", "${b}${b}${b}")];
        let values = values.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let properties = Properties { values };
        let mut unknown = BTreeSet::new();
        assert_eq!(properties.fill("v${b}-${ a }", &mut unknown).as_deref(), Some("v1.1-1"));
        assert_eq!(properties.fill("${wide", &mut unknown).as_deref(), Some("${wide"));
        assert_eq!(properties.fill("${x}", &mut unknown), None);
        assert_eq!(properties.fill("${none}", &mut unknown), None);
        assert!(unknown.contains("${none}") && unknown.len() == 2);
    }
}
