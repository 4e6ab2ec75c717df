//! What kind of package it is within its format, and whether it is built or source: from its files.

use super::package::{extension, file_name, primary};
use assay_model::{
    ecosystem,
    facts::Facts,
    package::{File, Role},
};

/// `subtype` and `package_type`.
pub(super) fn of(facts: &Facts) -> (String, &'static str) {
    let format = facts.package.at.format.as_str();
    let kinds: Vec<&'static str> = facts.files.iter().filter_map(|file| built(format, file)).collect();
    let (binary, source) = (kinds.contains(&"BINARY"), kinds.contains(&"SOURCE"));
    let kind = match (binary, source) {
        (true, true) => "COMBINED",
        (true, false) => "BINARY",
        (false, true) => "SOURCE",
        (false, false) => "OTHER",
    };
    (primary(facts).map_or_else(String::new, |file| subtype(format, file)), kind)
}

fn subtype(format: &str, file: &File) -> String {
    if file.role == Some(Role::Image) {
        let index = file.media_type.contains("index") || file.media_type.contains("manifest.list");
        return if index { "index" } else { "image" }.into();
    }
    match extension(file_name(&file.path)) {
        ".whl" => "wheel".into(),
        ".tar.gz" | ".zip" | ".tar.bz2" if format == ecosystem::PYPI => "sdist".into(),
        other => other.trim_start_matches('.').to_lowercase(),
    }
}

/// Whether a file is built or source, where its name tells.
fn built(format: &str, file: &File) -> Option<&'static str> {
    if file.role == Some(Role::Image) {
        return Some("BINARY");
    }
    let name = file_name(&file.path);
    match extension(name) {
        ".jar" if name.ends_with("-sources.jar") => Some("SOURCE"),
        ".jar" if name.ends_with("-javadoc.jar") => None,
        ".whl" | ".jar" | ".war" | ".aar" | ".deb" | ".rpm" | ".apk" | ".egg" => Some("BINARY"),
        ".crate" => Some("SOURCE"),
        ".tar.gz" | ".zip" | ".tar.bz2" if matches!(format, ecosystem::PYPI | "go") => Some("SOURCE"),
        _ => None,
    }
}
