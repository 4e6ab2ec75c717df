//! The package itself: `package`, `identity`, `metadata`, `upstream`.

use super::{
    PolicyNames,
    findings::Findings,
    kind, license,
    value::{from_json, list, number, object, text, texts, time},
};
use assay_model::{component::Occurrence, facts::Facts, finding::FindingKind, package::File, purl::Purl};
use jiff::Timestamp;
use regorus::{Value, value::Object};
use std::{collections::BTreeSet, str::FromStr};

/// Longest `description`, in bytes.
const MAX_DESCRIPTION: usize = 12_288;

/// The package as its own first component, where an inventory has found it.
pub(super) fn subject(facts: &Facts) -> Option<&Occurrence> {
    facts.components.iter().find(|found| found.is_subject)
}

/// A text the format keeps under that key.
fn kept<'a>(facts: &'a Facts, key: &str) -> Option<&'a str> {
    facts.package.metadata.get(key).and_then(serde_json::Value::as_str)
}

/// The file that stands for the package: the first one that is looked into, else the first.
pub(super) fn primary(facts: &Facts) -> Option<&File> {
    facts.files.iter().find(|file| file.role.is_some()).or(facts.files.first())
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The extension with its dot; `.tar.gz` and its like are one extension.
pub(super) fn extension(name: &str) -> &str {
    let Some((stem, last)) = name.rsplit_once('.') else { return "" };
    let start = if stem.ends_with(".tar") { stem.len() - ".tar".len() } else { name.len() - last.len() - 1 };
    name.get(start..).unwrap_or_default()
}

fn checksum<'a>(file: Option<&'a File>, algorithm: &str) -> Option<&'a str> {
    let file = file?;
    if file.digest.algorithm() == algorithm {
        return Some(file.digest.hex());
    }
    file.hashes.get(algorithm).map(String::as_str)
}

/// `package`.
pub(super) fn package(facts: &Facts, names: &PolicyNames, findings: &Findings<'_>) -> Value {
    let (epoch, release) = distribution_version(facts);
    let (subtype, kind) = kind::of(facts);
    let signed = facts.signatures.iter().any(|signature| signature.verified != Some(false));
    let base = object([
        ("format", Value::from(names.of(&facts.package.at.format))),
        ("name", Value::from(facts.package.at.name.as_str())),
        ("version", Value::from(facts.package.at.version.as_str())),
        ("version_orig", Value::from(facts.package.at.version.as_str())),
        ("release", release),
        ("epoch", epoch),
        ("slug", Value::from(facts.package.at.slug())),
        ("slug_perm", Value::from(facts.package.id.0.to_string())),
        ("subtype", Value::from(subtype)),
        ("package_type", Value::from(kind)),
        ("architectures", architectures(facts)),
        ("tags", tags(facts)),
        ("uploaded_at", time(Some(facts.package.uploaded_at))),
        ("last_downloaded_at", time(facts.last_downloaded_at)),
        ("upstream_metadata", object([("published_at", time(facts.package.published_at))])),
        ("is_local", Value::from(upstream(facts) == Value::Null)),
        ("signed", Value::from(signed)),
        ("uploader", uploader(&facts.package.uploader)),
    ]);
    let base = merge(base, &description(facts));
    let base = merge(base, &files(facts));
    let base = merge(base, &distribution(facts));
    merge(base, &scan_state(facts, findings))
}

/// Epoch and release of a system package's version (`1:2.3-4`): Debian's and RPM's way to write one.
fn distribution_version(facts: &Facts) -> (Value, Value) {
    let Some(component) = subject(facts).map(|found| &found.component) else { return (Value::Null, Value::Null) };
    if !matches!(component.purl_type.as_str(), "deb" | "rpm" | "apk" | "alpm") {
        return (Value::Null, Value::Null);
    }
    let (epoch, rest) =
        component.version.split_once(':').map_or((None, component.version.as_str()), |(e, r)| (Some(e), r));
    let purl = Purl::from_str(&component.purl).ok();
    let qualified = purl.as_ref().and_then(|purl| purl.qualifier("epoch"));
    (text(epoch.or(qualified)), text(rest.rsplit_once('-').map(|(_, release)| release)))
}

fn merge(base: Value, more: &Value) -> Value {
    let (Ok(left), Ok(right)) = (base.as_object(), more.as_object()) else { return base };
    let mut whole = left.clone();
    whole.extend(right.iter().map(|(key, value)| (key.clone(), value.clone())));
    whole.into_value()
}

fn description(facts: &Facts) -> Value {
    let found = subject(facts);
    let long = kept(facts, "description").map(|text| {
        let end = (0..=text.len().min(MAX_DESCRIPTION)).rev().find(|end| text.is_char_boundary(*end));
        text.get(..end.unwrap_or(0)).unwrap_or_default()
    });
    let declared = found.and_then(Occurrence::license);
    let declared = declared.as_deref().or_else(|| kept(facts, "license"));
    let corrected = facts.corrected.as_ref().map(|said| said.expression.as_str());
    // An image has many licence files, none of which is its own.
    let file = facts.licenses.first().filter(|_| facts.os.is_none()).map(|found| found.path.as_str());
    object([
        ("summary", text(found.and_then(|found| found.summary.as_deref()).or_else(|| kept(facts, "summary")))),
        ("description", text(long)),
        ("license", license::license(corrected.or(declared), corrected.is_some(), file)),
    ])
}

fn files(facts: &Facts) -> Value {
    let first = primary(facts);
    let name = first.map_or("", |file| file_name(&file.path));
    let size: u64 = facts.files.iter().map(|file| file.size).sum();
    let each = facts.files.iter().map(|file| {
        object([
            ("filename", Value::from(file_name(&file.path))),
            ("path", Value::from(file.path.as_str())),
            ("file_extension", Value::from(extension(file_name(&file.path)))),
            ("is_primary", Value::from(first.is_some_and(|first| first.id == file.id))),
            ("size", Value::from(file.size)),
            ("slug_perm", Value::from(file.id.0.to_string())),
            ("tag", Value::Null),
            ("oid", Value::from(file.digest.to_string())),
            ("created_at", time(Some(file.uploaded_at))),
            ("checksum_md5", text(checksum(Some(file), "md5"))),
            ("checksum_sha1", text(checksum(Some(file), "sha1"))),
            ("checksum_sha256", text(checksum(Some(file), "sha256"))),
            ("checksum_sha512", text(checksum(Some(file), "sha512"))),
        ])
    });
    object([
        ("filename", Value::from(name)),
        ("extension", Value::from(extension(name))),
        ("size", Value::from(size)),
        ("num_files", Value::from(facts.files.len())),
        ("indexed", Value::from(true)),
        ("checksum_md5", text(checksum(first, "md5"))),
        ("checksum_sha1", text(checksum(first, "sha1"))),
        ("checksum_sha256", text(checksum(first, "sha256"))),
        ("checksum_sha512", text(checksum(first, "sha512"))),
        ("files", list(each)),
    ])
}

fn architectures(facts: &Facts) -> Value {
    let own = subject(facts).and_then(|found| {
        found.properties.iter().find(|(key, _)| key.ends_with(".architecture")).map(|(_, value)| value.as_str())
    });
    let named = own.or_else(|| kept(facts, "architecture")).filter(|name| !name.is_empty());
    list(named.map(|name| object([("name", Value::from(name)), ("description", Value::Null)])))
}

fn distribution(facts: &Facts) -> Value {
    let Some(os) = &facts.os else {
        return object([("distro", Value::Null), ("distro_version", Value::Null)]);
    };
    let id = Value::from(os.id.as_str());
    let version = Value::from(os.version.as_str());
    object([
        ("distro", object([("name", text(Some(&os.name))), ("slug", id), ("variants", Value::Null)])),
        ("distro_version", object([("name", version.clone()), ("slug", version)])),
    ])
}

/// Tags of publishers and operators, then the mutable names that point to the package.
fn tags(facts: &Facts) -> Value {
    let named = |name: &str| facts.references.iter().any(|reference| reference.name == name);
    let own =
        facts.package.tags.iter().filter(|tag| !named(tag)).map(|tag| self::tag(tag, "MANUAL", "INFO", false, None));
    let settings = &facts.repository.settings;
    let pointing = facts.references.iter().map(|reference| {
        let kind = if reference.name == "latest" { "LATEST_VERSION" } else { "SOME_VERSION" };
        tag(&reference.name, "AUTOMATIC", kind, settings.fixes_tag(&reference.name), Some(reference.set_at))
    });
    list(own.chain(pointing))
}

fn tag(name: &str, source: &str, kind: &str, immutable: bool, at: Option<Timestamp>) -> Value {
    object([
        ("name", Value::from(name)),
        ("source", Value::from(source)),
        ("tag_type", Value::from(kind)),
        ("is_immutable", Value::from(immutable)),
        ("created_at", time(at)),
    ])
}

fn uploader(name: &str) -> Value {
    object([
        ("email", Value::Null),
        ("first_name", Value::Null),
        ("last_name", Value::Null),
        ("slug", Value::from(name)),
        ("slug_perm", Value::from(name)),
    ])
}

fn scan_state(facts: &Facts, findings: &Findings<'_>) -> Value {
    let status = if facts.files.iter().all(|file| file.role.is_none()) && facts.components.is_empty() {
        "UNSUPPORTED_PACKAGE"
    } else if !facts.inventoried {
        "AWAITING_SCAN"
    } else if findings.counted().all(|(_, finding)| finding.kind == FindingKind::EndOfLife) {
        "NOT_VULNERABLE"
    } else {
        "VULNERABLE"
    };
    let at = time(facts.inventoried_at);
    object([
        ("security_scan_status", Value::from(status)),
        ("security_scan_started_at", at.clone()),
        ("security_scan_completed_at", at.clone()),
        ("security_scan_status_updated_at", at),
    ])
}

/// `identity`: the package URL of the package as its own component, taken apart; null before the first inventory.
pub(super) fn identity(facts: &Facts, names: &PolicyNames) -> Value {
    let Some(found) = subject(facts) else { return Value::Null };
    let component = &found.component;
    let parsed = Purl::from_str(&component.purl).ok();
    let qualifiers = parsed.as_ref().map(|purl| {
        let pairs = purl.qualifiers().iter().map(|(k, v)| (Value::from(k.as_str()), Value::from(v.as_str())));
        pairs.collect::<Object>()
    });
    let first = primary(facts);
    object([
        ("purl", Value::from(component.purl.as_str())),
        ("namespace", Value::from(component.namespace.as_str())),
        ("name", Value::from(component.name.as_str())),
        ("version", text(Some(&component.version))),
        ("qualifiers", qualifiers.unwrap_or_default().into_value()),
        ("subpath", text(parsed.as_ref().and_then(Purl::subpath))),
        ("format", Value::from(names.of(&facts.package.at.format))),
        ("checksum_md5", text(checksum(first, "md5"))),
        ("checksum_sha1", text(checksum(first, "sha1"))),
        ("checksum_sha256", text(checksum(first, "sha256"))),
        ("checksum_sha512", text(checksum(first, "sha512"))),
    ])
}

/// `metadata`: what the format keeps about the package, as one document.
pub(super) fn metadata(facts: &Facts) -> Value {
    let kept = &facts.package.metadata;
    let none = kept.is_null() || kept.as_object().is_some_and(serde_json::Map::is_empty);
    list((!none).then(|| {
        object([
            ("content", from_json(kept)),
            ("source_kind", Value::from("FORMAT")),
            ("source_identity", Value::from(facts.package.at.format.as_str())),
        ])
    }))
}

/// `upstream`: where a package was taken from and how far that is trusted; null for what was published here.
pub(super) fn upstream(facts: &Facts) -> Value {
    let Some(name) = &facts.package.origin else { return Value::Null };
    let settings = facts.upstream.as_ref().map(|upstream| &upstream.settings);
    object([
        ("name", Value::from(name.as_str())),
        ("trust", text(settings.map(|settings| settings.trust.as_str()))),
        ("url", text(settings.map(|settings| settings.url.as_str()))),
    ])
}

/// `tags` as plain names, and `published_at`: for the newer document.
pub(super) fn tag_names(facts: &Facts) -> Value {
    let own = facts.package.tags.iter().map(String::as_str);
    let all: BTreeSet<&str> = own.chain(facts.references.iter().map(|reference| reference.name.as_str())).collect();
    texts(all)
}

/// Days between the author's publication and the arrival here; null when the former is unknown.
pub(super) fn days_before_arrival(facts: &Facts) -> Value {
    let days = facts.package.published_at.map(|published| {
        let seconds = facts.package.uploaded_at.duration_since(published).as_secs();
        (seconds / 86_400) as f64
    });
    number(days)
}
