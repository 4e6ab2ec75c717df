//! What a path and a document say: pure.

use crate::kit::{
    path::{decode, encode_path, encode_segment},
    xml,
};
use assay_model::{
    Problem,
    package::{NewFile, Role},
    seam::format::{Claim, Staged},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

/// Largest document, in bytes.
pub const DOCUMENT: u64 = 32 << 20;
/// Longest name, and longest version, in bytes.
const NAME: usize = 255;

/// The path of a document after its repository. Slashes in a name stay, those in a version do not.
pub fn address(name: &str, version: &str) -> String {
    format!("{}/{}", encode_path(name), encode_segment(version))
}

/// Checks a name and a version.
///
/// # Errors
/// `Invalid` with the rule that one breaks.
pub fn check(name: &str, version: &str) -> Result<(), Problem> {
    part("name", name)?;
    part("version", version).map(|_| ())
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The repository's names.
    Names,
    /// The versions of a name.
    Versions(String),
    /// A document.
    Document { name: String, version: String },
}

impl Place {
    /// # Errors
    /// `Invalid` with the rule that the path breaks.
    pub(super) fn read(path: &str) -> Result<Self, Problem> {
        if path.is_empty() {
            return Ok(Self::Names);
        }
        if let Some(name) = path.strip_suffix('/') {
            return Ok(Self::Versions(part("name", &decode(name)?)?));
        }
        let (name, version) = path.rsplit_once('/').ok_or_else(|| {
            Problem::invalid("bad-path", "a document lies under /<name>/<version>, a list of versions under /<name>/")
        })?;
        Ok(Self::Document { name: part("name", &decode(name)?)?, version: part("version", &decode(version)?)? })
    }
}

/// A name or version that can be one.
fn part(what: &str, text: &str) -> Result<String, Problem> {
    let sound = text.len() <= NAME
        && text.trim() == text
        && !text.chars().any(|c| c.is_control() || c == '\\' || c == char::MAX)
        && text.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    if sound {
        return Ok(text.to_owned());
    }
    let rule = format!("1 to {NAME} bytes without control characters, backslashes, empty segments, `.` and `..`");
    Err(Problem::invalid("bad-path", format!("a {what} has {rule}")))
}

/// What kind of document it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The file that it is kept as: analyzers tell kinds by such names.
    pub(super) file: &'static str,
    pub(super) media_type: &'static str,
    title: &'static str,
    edition: String,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    spec_version: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    #[serde(rename = "@context")]
    context: Option<Value>,
    #[serde(rename = "components")]
    _components: Option<Vec<IgnoredAny>>,
    #[serde(rename = "packages")]
    _packages: Option<Vec<IgnoredAny>>,
    #[serde(rename = "@graph")]
    _graph: Option<Vec<IgnoredAny>>,
}

/// Reads a whole document for what it is.
///
/// # Errors
/// `Invalid` with code `bad-bom` when it is none that is known, or is damaged.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Problem> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => json_kind(bytes),
        Some(b'<') => xml_kind(bytes),
        _ => tag_value_kind(bytes),
    }
}

fn bad(why: impl std::fmt::Display) -> Problem {
    let known = "CycloneDX (JSON or XML) and SPDX (JSON or tag-value) are";
    Problem::invalid("bad-bom", format!("this is no bill of materials that is known, {known}: {why}"))
}

fn json_kind(bytes: &[u8]) -> Result<Kind, Problem> {
    let head: Head = serde_json::from_slice(bytes).map_err(bad)?;
    let is_spdx = |context: &Value| context.to_string().contains("spdx.org");
    match (head.bom_format.as_deref(), head.spec_version, head.spdx_version, head.context) {
        (Some("CycloneDX"), Some(edition), ..) => {
            Ok(Kind { file: "bom.cdx.json", media_type: "application/vnd.cyclonedx+json", title: "CycloneDX", edition })
        }
        (Some("CycloneDX"), None, ..) => Err(bad("`specVersion` is missing")),
        (_, _, Some(edition), _) if edition.starts_with("SPDX-") => Ok(spdx_json(edition)),
        (_, _, _, Some(context)) if is_spdx(&context) => Ok(spdx_json("SPDX-3.0".to_owned())),
        _ => Err(bad("neither `bomFormat` nor `spdxVersion` says what it is")),
    }
}

fn spdx_json(edition: String) -> Kind {
    Kind { file: "bom.spdx.json", media_type: "application/spdx+json", title: "SPDX", edition }
}

fn xml_kind(bytes: &[u8]) -> Result<Kind, Problem> {
    const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";
    let text = std::str::from_utf8(bytes).map_err(bad)?;
    let document = xml::parse(text).map_err(|problem| bad(problem.message))?;
    let root = document.root_element().tag_name();
    match root.namespace().and_then(|namespace| namespace.strip_prefix(NAMESPACE)) {
        Some(edition) if root.name() == "bom" => Ok(Kind {
            file: "bom.cdx.xml",
            media_type: "application/vnd.cyclonedx+xml",
            title: "CycloneDX",
            edition: edition.to_owned(),
        }),
        _ => Err(bad("the root element is no `bom` of CycloneDX")),
    }
}

fn tag_value_kind(bytes: &[u8]) -> Result<Kind, Problem> {
    let text = std::str::from_utf8(bytes).map_err(bad)?;
    let mut stated = text.lines().take(100).filter_map(|line| line.strip_prefix("SPDXVersion:"));
    let edition = stated.next().map(str::trim).filter(|edition| edition.starts_with("SPDX-"));
    let edition = edition.ok_or_else(|| bad("it begins like none of them"))?.to_owned();
    Ok(Kind { file: "bom.spdx", media_type: "text/spdx", title: "SPDX", edition })
}

/// The package that a document is; `before` is the file in whose place it comes.
pub(super) fn claim(name: String, version: String, kind: &Kind, staged: Staged, before: Option<&str>) -> Claim {
    let replaces: Vec<&str> = before.into_iter().filter(|digest| *digest != staged.digest.as_str()).collect();
    Claim {
        metadata: json!({ "document": kind.title, "edition": kind.edition, "replaces": replaces }),
        files: vec![NewFile {
            path: kind.file.to_owned(),
            digest: staged.digest,
            size: staged.size,
            media_type: kind.media_type.to_owned(),
            role: Some(Role::File),
            hashes: staged.hashes,
            metadata: json!({ "version": version }),
        }],
        name,
        version,
        references: Vec::new(),
        published_at: None,
        replaces_others: false,
        replaces_files: true,
    }
}
