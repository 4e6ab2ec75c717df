//! Licences as people declare them, as SPDX expressions, and what they ask of users.
//!
//! Lives here: the SPDX licence list, the reading of expressions and of customary ways to name a licence, and the class of
//! each. Pure text in, text out. Does not live here: recognising the text of a licence (`assay-analyzers`).

mod choices;
mod class;
mod customary;
mod expression;
mod list;

pub use choices::{Licence, choices};
pub use class::class_of;
pub use expression::{Expression, parse};
pub use list::{Listed, by_name, exception, listed};

use crate::inventory::LicenseClass;

/// Longer declarations are no names but texts, and are not read.
const DECLARED_BYTES: usize = 2000;

/// A declaration, understood as far as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// SPDX licence expression (SPDX 2.3, annex D) with identifiers as the list writes them; or the text as written, on one
    /// line, where it is none.
    pub expression: String,
    /// What the whole of it asks: of several that all hold the strictest, of a choice the mildest.
    pub class: LicenseClass,
    /// Whether `expression` is one, of nothing but licences of the SPDX list and works in the public domain.
    pub known: bool,
}

/// Reads what a publisher wrote: an SPDX expression in any case, a name (`Apache 2`, `GPLv2+`), a classifier, a link, a
/// short name of a distribution, or several of these.
#[must_use]
pub fn normalise(text: &str) -> Declared {
    let written = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let understood = if written.len() > DECLARED_BYTES { None } else { understand(&written) };
    match understood {
        Some(expression) => {
            Declared { class: expression.class(), known: expression.is_listed(), expression: expression.to_string() }
        }
        None => Declared { expression: written, class: LicenseClass::Unknown, known: false },
    }
}

fn understand(written: &str) -> Option<Expression> {
    // `MIT + file LICENSE`, as R writes it: the file only names the copyright holder.
    let written = written.split(" + file ").next().unwrap_or(written).trim();
    parse(written, &|id| listed(id).map(|listed| Expression::of(listed.current())))
        .or_else(|| customary::one(written))
        .or_else(|| parse(&customary::connected(written), &customary::one))
}

#[cfg(test)]
mod tests {
    use super::{LicenseClass, normalise};

    fn expression(text: &str) -> String {
        let declared = normalise(text);
        if declared.known { declared.expression } else { format!("?{}", declared.expression) }
    }

    #[test]
    fn expressions_are_read_in_any_case() {
        for (written, read) in [
            ("MIT", "MIT"),
            ("apache-2.0", "Apache-2.0"),
            ("(MIT OR Apache-2.0)", "MIT OR Apache-2.0"),
            ("mit or apache-2.0 and isc", "MIT OR (Apache-2.0 AND ISC)"),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", "(MIT OR Apache-2.0) AND Unicode-3.0"),
            ("GPL-2.0", "GPL-2.0-only"),
            ("GPL-2.0+", "GPL-2.0-or-later"),
            ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
            ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("LicenseRef-ours", "?LicenseRef-ours"),
            ("MIT AND LicenseRef-ours", "?MIT AND LicenseRef-ours"),
            ("MIT AND", "?MIT AND"),
            ("", "?"),
        ] {
            assert_eq!(expression(written), read, "{written}");
        }
    }

    #[test]
    fn names_are_understood_as_people_write_them() {
        let mut wrong = Vec::new();
        for (written, read) in [
            ("Apache 2", "Apache-2.0"),
            ("Apache", "Apache-2.0"),
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("Apache License 1.1", "Apache-1.1"),
            ("ASL 2.0", "Apache-2.0"),
            ("https://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
            ("MIT License", "MIT"),
            ("The MIT License (MIT)", "MIT"),
            ("Expat", "MIT"),
            ("MIT/X11", "MIT"),
            ("BSD", "BSD-3-Clause"),
            ("BSD License", "BSD-3-Clause"),
            ("New BSD License", "BSD-3-Clause"),
            ("BSD-3-clause", "BSD-3-Clause"),
            ("Simplified BSD", "BSD-2-Clause"),
            ("BSD 2-Clause \"Simplified\" License", "BSD-2-Clause"),
            ("GPLv2+", "GPL-2.0-or-later"),
            ("GPLv3", "GPL-3.0-only"),
            ("GPL-2+", "GPL-2.0-or-later"),
            ("GPL (>= 2)", "GPL-2.0-or-later"),
            ("GPL-2 | GPL-3", "GPL-2.0-only OR GPL-3.0-only"),
            ("MIT + file LICENSE", "MIT"),
            ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
            ("GNU LGPL v2.1", "LGPL-2.1-only"),
            ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
            ("GNU Library or Lesser General Public License (LGPL)", "LGPL-2.0-or-later"),
            ("LGPL-2.1+", "LGPL-2.1-or-later"),
            ("GNU Affero General Public License v3", "AGPL-3.0-only"),
            ("AGPL-3+", "AGPL-3.0-or-later"),
            (
                "GNU General Public License, version 2, with the Classpath Exception",
                "GPL-2.0-only WITH Classpath-exception-2.0",
            ),
            ("License :: OSI Approved :: MIT License", "MIT"),
            ("License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
            ("License :: OSI Approved :: Python Software Foundation License", "PSF-2.0"),
            ("License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
            ("License :: Public Domain", "LicenseRef-Public-Domain"),
            ("public-domain", "LicenseRef-Public-Domain"),
            ("Eclipse Public License - v 1.0", "EPL-1.0"),
            ("Eclipse Public License v2.0", "EPL-2.0"),
            ("Eclipse Distribution License - v 1.0", "BSD-3-Clause"),
            ("CDDL + GPLv2 with classpath exception", "CDDL-1.0 AND GPL-2.0-only WITH Classpath-exception-2.0"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            ("Expat, GPL-2+", "MIT AND GPL-2.0-or-later"),
            ("GPL-2+ or Artistic-1", "GPL-2.0-or-later OR Artistic-1.0"),
            ("Ruby, GPL-2.0", "Ruby AND GPL-2.0-only"),
            ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
            ("CC0", "CC0-1.0"),
            ("ISC License (ISCL)", "ISC"),
            ("zlib/libpng", "Zlib"),
            ("The Unlicense (Unlicense)", "Unlicense"),
            ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
            ("Artistic-2.0", "Artistic-2.0"),
            ("perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
            ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL-1.2"),
        ] {
            if expression(written) != read {
                wrong.push((written, expression(written)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    #[test]
    fn what_is_not_understood_stays_as_written() {
        for text in
            ["SEE LICENSE IN LICENSE.md", "UNLICENSED", "Proprietary", "MIT AND Our Own", "custom:foo", "see  file"]
        {
            let declared = normalise(text);
            assert!(!declared.known, "{text}: {declared:?}");
            assert_eq!(declared.class, LicenseClass::Unknown, "{text}");
            assert_eq!(declared.expression, text.replace("  ", " "));
        }
        assert!(!normalise(&"MIT ".repeat(5000)).known);
    }

    #[test]
    fn classes_follow_the_strictest_of_all_and_the_mildest_of_a_choice() {
        for (written, class) in [
            ("MIT", LicenseClass::Notice),
            ("GPLv2+", LicenseClass::Restricted),
            ("AGPL-3.0-only", LicenseClass::Forbidden),
            ("MPL 2.0", LicenseClass::Reciprocal),
            ("CC0-1.0", LicenseClass::Unencumbered),
            ("MIT AND GPL-3.0-only", LicenseClass::Restricted),
            ("MIT OR GPL-3.0-only", LicenseClass::Notice),
            ("GPL-2.0-only WITH Classpath-exception-2.0", LicenseClass::Restricted),
            ("MIT OR LicenseRef-x", LicenseClass::Unknown),
            ("public domain", LicenseClass::Unencumbered),
        ] {
            assert_eq!(normalise(written).class, class, "{written}");
        }
    }

    #[test]
    fn what_was_read_reads_again_as_the_same() {
        for text in ["GPLv2+ or MIT", "Perl_5", "(MIT AND ISC) OR Zlib", "CDDL + GPLv2 with classpath exception"] {
            let once = normalise(text);
            assert_eq!(normalise(&once.expression), once, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[ -~]{0,60}|([A-Za-z0-9.+-]{1,8}( (and|or|with|,|/|\\(|\\)) )?){0,12}") {
            let declared = normalise(&text);
            if declared.known {
                proptest::prop_assert_eq!(normalise(&declared.expression), declared);
            }
        }
    }
}
