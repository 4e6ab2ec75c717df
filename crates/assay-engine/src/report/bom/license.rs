//! Licences as bills of materials write them: SPDX ids and expressions where the text is one, names else.

use spdx::{Expression, ParseMode};

/// Deprecated ids are still ids; names that only resemble one are not.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: false,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// One declared licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) enum License {
    /// An id of the SPDX list.
    Id(String),
    /// A compound SPDX expression (SPDX 2.3, annex D).
    Expression(String),
    /// Anything else, as written.
    Name(String),
}

/// Sorts out what was declared.
pub(in crate::report) fn licenses(declared: &[String]) -> Vec<License> {
    declared.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(license).collect()
}

fn license(text: &str) -> License {
    let listed = |id: Option<spdx::LicenseId>| id.is_none_or(|id| is_listed(id.name));
    match Expression::parse_mode(text, MODE) {
        Ok(parsed) if !parsed.requirements().all(|one| listed(one.req.license.id())) => License::Name(text.to_owned()),
        Ok(_) if spdx::license_id(text).is_some_and(|id| id.name == text) => License::Id(text.to_owned()),
        Ok(_) => License::Expression(text.to_owned()),
        Err(_) => License::Name(text.to_owned()),
    }
}

/// The list that the parser carries has words of its own beside the ids.
fn is_listed(id: &str) -> bool {
    !is_nothing(id) && !id.ends_with("-invariants")
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "NOASSERTION" | "NONE")
}

/// All licences as one SPDX expression; what is no expression gets a reference, for which `define(reference, text)` is
/// called. `None` where nothing is declared.
pub(in crate::report) fn joined(declared: &[String], define: &mut dyn FnMut(&str, &str)) -> Option<String> {
    let all = licenses(declared);
    let several = all.len() > 1;
    let terms: Vec<String> = all
        .into_iter()
        .filter_map(|license| match license {
            License::Id(id) => Some(id),
            License::Expression(text) if several => Some(format!("({text})")),
            License::Expression(text) => Some(text),
            License::Name(text) if is_nothing(&text) => None,
            License::Name(text) => {
                let reference = reference(&text);
                define(&reference, &text);
                Some(reference)
            }
        })
        .collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// `LicenseRef-` and the text with what is not allowed replaced, and a number where that lost something.
fn reference(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let plain: String = text.chars().take(60).map(|c| if allowed(c) { c } else { '-' }).collect();
    if plain == text {
        return format!("LicenseRef-{plain}");
    }
    let digest = assay_model::digest::Digest::of(text.as_bytes());
    format!("LicenseRef-{}-{}", plain.trim_matches('-'), digest.hex().get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{License, joined, licenses};

    fn one(text: &str) -> License {
        licenses(&[text.to_owned()]).remove(0)
    }

    #[test]
    fn ids_expressions_and_names_are_told_apart() {
        assert_eq!(one("MIT"), License::Id("MIT".into()));
        assert_eq!(one("GPL-2.0"), License::Id("GPL-2.0".into()));
        assert_eq!(one("MIT OR Apache-2.0"), License::Expression("MIT OR Apache-2.0".into()));
        assert_eq!(
            one("GPL-2.0-only WITH Classpath-exception-2.0"),
            License::Expression("GPL-2.0-only WITH Classpath-exception-2.0".into())
        );
        for name in ["Apache 2.0", "GPLv2+", "mit license", "NOASSERTION", "NONE", "MIT AND", "GFDL-1.1-invariants"] {
            assert_eq!(one(name), License::Name(name.into()), "{name}");
        }
        assert!(licenses(&[" ".into()]).is_empty());
    }

    #[test]
    fn many_licences_become_one_expression() {
        let mut defined = Vec::new();
        let declared = ["MIT".to_owned(), "A or B".to_owned(), "MIT OR 0BSD".to_owned()];
        let text = joined(&declared, &mut |reference, text| defined.push((reference.to_owned(), text.to_owned())));
        let reference = &defined[0].0;
        assert_eq!(text, Some(format!("MIT AND {reference} AND (MIT OR 0BSD)")));
        assert_eq!(defined[0].1, "A or B");
        assert!(reference.starts_with("LicenseRef-A-or-B-"));
        assert_eq!(joined(&["NOASSERTION".into()], &mut |_, _| ()), None);
    }
}
