//! The licence of a package as policies read it: the text its publisher wrote, and the SPDX identifier when that text
//! is one or is a customary way to write one. Texts of licences are not read here.

use super::value::{object, text};
use assay_model::license::{listed, normalise};
use regorus::Value;

/// The SPDX identifier that a declared licence stands for, whether the Open Source Initiative approved it, and how it was
/// told: `OSS_EXACT` when it is an identifier, `OSS_FUZZY` when it is a customary way to write one. Expressions of several
/// licences are none.
pub(super) fn spdx(raw: &str) -> Option<(&'static str, bool, &'static str)> {
    if let Some(known) = listed(raw.trim()) {
        return Some((known.id, known.osi_approved, "OSS_EXACT"));
    }
    let known = listed(&normalise(raw).expression)?;
    Some((known.id, known.osi_approved, "OSS_FUZZY"))
}

/// `package.license`; `corrected` where an operator wrote it, `file` where a file has its text.
pub(super) fn license(raw: Option<&str>, corrected: bool, file: Option<&str>) -> Value {
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
        ("raw_license_file_path", text(file)),
        ("raw_license_file_contents", Value::Null),
        ("license_url", Value::Null),
        ("oss_license", oss),
        ("source", Value::from(if corrected { "MANUAL" } else { "AUTOMATIC" })),
        ("match", Value::from(how)),
        ("similarity", if how == "OSS_EXACT" { Value::from(100_u64) } else { Value::Null }),
        ("override", raw.filter(|_| corrected).map_or_else(|| Value::from("NONE"), Value::from)),
    ])
}
