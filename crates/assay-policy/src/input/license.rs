//! The licence of a package as policies read it: the text its publisher wrote, and the SPDX identifier when that text
//! is one or is a customary way to write one. Texts of licences are not read here.

use super::value::{object, text};
use regorus::Value;

/// Identifiers of the SPDX licence list that occur in practice, with whether the Open Source Initiative approved them.
const KNOWN: &[(&str, bool)] = &[
    ("0BSD", true),
    ("AFL-3.0", true),
    ("AGPL-3.0", true),
    ("AGPL-3.0-only", true),
    ("AGPL-3.0-or-later", true),
    ("Apache-2.0", true),
    ("Artistic-2.0", true),
    ("BSD-2-Clause", true),
    ("BSD-3-Clause", true),
    ("BSL-1.0", true),
    ("BUSL-1.1", false),
    ("CC-BY-4.0", false),
    ("CC-BY-SA-4.0", false),
    ("CC0-1.0", false),
    ("CDDL-1.0", true),
    ("CDDL-1.1", false),
    ("EPL-1.0", true),
    ("EPL-2.0", true),
    ("EUPL-1.2", true),
    ("GPL-2.0", true),
    ("GPL-2.0-only", true),
    ("GPL-2.0-or-later", true),
    ("GPL-3.0", true),
    ("GPL-3.0-only", true),
    ("GPL-3.0-or-later", true),
    ("ISC", true),
    ("LGPL-2.0-only", true),
    ("LGPL-2.0-or-later", true),
    ("LGPL-2.1", true),
    ("LGPL-2.1-only", true),
    ("LGPL-2.1-or-later", true),
    ("LGPL-3.0", true),
    ("LGPL-3.0-only", true),
    ("LGPL-3.0-or-later", true),
    ("MIT", true),
    ("MIT-0", true),
    ("MPL-1.1", true),
    ("MPL-2.0", true),
    ("MS-PL", true),
    ("OFL-1.1", true),
    ("OpenSSL", false),
    ("PostgreSQL", true),
    ("PSF-2.0", false),
    ("Python-2.0", true),
    ("Ruby", false),
    ("SSPL-1.0", false),
    ("Unicode-3.0", true),
    ("Unlicense", true),
    ("UPL-1.0", true),
    ("Vim", false),
    ("WTFPL", false),
    ("X11", false),
    ("Zlib", true),
    ("ZPL-2.1", true),
];

/// Customary ways to write some of them, in lower case.
const CUSTOMARY: &[(&str, &str)] = &[
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("apache software license 2.0", "Apache-2.0"),
    ("bsd 2-clause", "BSD-2-Clause"),
    ("bsd 3-clause", "BSD-3-Clause"),
    ("bsd-3", "BSD-3-Clause"),
    ("gplv2", "GPL-2.0-only"),
    ("gplv3", "GPL-3.0-only"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("isc license", "ISC"),
    ("mit license", "MIT"),
    ("the mit license", "MIT"),
    ("mozilla public license 2.0", "MPL-2.0"),
    ("the unlicense", "Unlicense"),
];

/// The SPDX identifier that a declared licence stands for, and how it was told: `OSS_EXACT` when it is one,
/// `OSS_FUZZY` when it is a customary way to write one.
pub(super) fn spdx(raw: &str) -> Option<(&'static str, bool, &'static str)> {
    let raw = raw.trim();
    let known = |id: &str| KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(id));
    if let Some((id, approved)) = known(raw) {
        return Some((id, *approved, "OSS_EXACT"));
    }
    let lower = raw.to_ascii_lowercase();
    let (_, id) = CUSTOMARY.iter().find(|(written, _)| *written == lower)?;
    known(id).map(|(id, approved)| (*id, *approved, "OSS_FUZZY"))
}

/// `package.license`.
pub(super) fn license(raw: Option<&str>) -> Value {
    let raw = raw.map(str::trim).filter(|raw| !raw.is_empty());
    let found = raw.and_then(spdx);
    let how = match (raw, found) {
        (None, _) => "NONE",
        (Some(_), None) => "UNKNOWN",
        (Some(_), Some((_, _, how))) => how,
    };
    let oss = found.map_or(Value::Null, |(id, approved, _)| {
        object([
            ("spdx_identifier", Value::from(id)),
            ("spdx_license", Value::from(id)),
            ("full_name", Value::Null),
            ("license_text", Value::Null),
            ("license_url", Value::Null),
            ("spdx_details_url", Value::Null),
            ("spdx_template", Value::Null),
            ("osi_approved", Value::from(approved)),
            ("is_deprecated", Value::Null),
        ])
    });
    object([
        ("raw_license", text(raw)),
        ("raw_license_file_path", Value::Null),
        ("raw_license_file_contents", Value::Null),
        ("license_url", Value::Null),
        ("oss_license", oss),
        ("source", Value::from("AUTOMATIC")),
        ("match", Value::from(how)),
        ("similarity", if how == "OSS_EXACT" { Value::from(100_u64) } else { Value::Null }),
        ("override", Value::from("NONE")),
    ])
}
