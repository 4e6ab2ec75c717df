//! Package URLs (`pkg:type/namespace/name@version?qualifiers#subpath`), always in canonical form.
//!
//! A `Purl` can only be made by parsing or building, and both apply the rules of the type (case, required
//! or forbidden parts), so two of them are equal exactly when their canonical texts are. What the types ask
//! for is in `purl/types.rs`; how names are made comparable for matching is in `ecosystem/`.

mod types;

use crate::ecosystem::{Law, Scheme, of_purl, of_purl_type};
use crate::problem::Problem;
use percent::{decode, encode};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The longest package URL that is read or built, in bytes.
pub const MAX_PURL: usize = 8192;

/// The type of what belongs to no known ecosystem.
pub const UNTYPED: &str = "generic";
/// Type of package URLs of container images and other artifacts in OCI registries.
pub const OCI: &str = "oci";

/// A canonical package URL.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purl {
    text: String,
    parts: Box<Parts>,
}

/// The decoded parts. Namespace and subpath hold their segments joined with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Parts {
    kind: String,
    namespace: Option<String>,
    name: String,
    version: Option<String>,
    qualifiers: BTreeMap<String, String>,
    subpath: Option<String>,
}

/// Why a text or a set of parts is no package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{input:?} is no package URL: {reason}")]
pub struct BadPurl {
    /// The text, cut to 200 characters.
    pub input: String,
    pub reason: &'static str,
}

impl From<BadPurl> for Problem {
    fn from(bad: BadPurl) -> Self {
        Self::invalid("bad-purl", bad.to_string())
    }
}

/// The parts of a package URL to be, unencoded. See [`Purl::builder`].
#[derive(Debug, Clone)]
pub struct PurlBuilder {
    parts: Parts,
}

impl Purl {
    /// Starts a package URL of the type with the name.
    pub fn builder(kind: impl Into<String>, name: impl Into<String>) -> PurlBuilder {
        let parts = Parts { kind: kind.into(), name: name.into(), ..Parts::default() };
        PurlBuilder { parts }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// The type, lower-case (`pypi`).
    pub fn kind(&self) -> &str {
        &self.parts.kind
    }
    /// The namespace, its segments joined with `/` (`@angular`, `org.apache.commons`, `debian`).
    pub fn namespace(&self) -> Option<&str> {
        self.parts.namespace.as_deref()
    }
    pub fn name(&self) -> &str {
        &self.parts.name
    }
    pub fn version(&self) -> Option<&str> {
        self.parts.version.as_deref()
    }
    /// Keys are lower-case and sorted, values not empty.
    pub fn qualifiers(&self) -> &BTreeMap<String, String> {
        &self.parts.qualifiers
    }
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.parts.qualifiers.get(key).map(String::as_str)
    }
    pub fn subpath(&self) -> Option<&str> {
        self.parts.subpath.as_deref()
    }

    /// The ecosystem: by type for languages, by type and namespace for distributions.
    pub fn law(&self) -> Option<&'static Law> {
        of_purl(self.kind(), self.namespace())
    }

    /// How versions of this type are ordered; `Opaque` for types whose order is unknown.
    pub fn scheme(&self) -> Scheme {
        match self.kind() {
            "deb" => Scheme::Debian,
            "apk" => Scheme::Alpine,
            "rpm" => Scheme::Rpm,
            kind => of_purl_type(kind).map_or(Scheme::Opaque, |law| law.scheme),
        }
    }

    /// The parts again, to change some of them.
    pub fn to_builder(&self) -> PurlBuilder {
        PurlBuilder { parts: (*self.parts).clone() }
    }

    /// The package without version, qualifiers and subpath: all versions share it.
    pub fn package(&self) -> Self {
        let parts = Parts { version: None, qualifiers: BTreeMap::new(), subpath: None, ..(*self.parts).clone() };
        // Valid already: only optional parts went, and a rule that requires one was met when this was made.
        Self { text: render(&parts), parts: Box::new(parts) }
    }

    fn finish(mut parts: Parts, input: impl Fn() -> String) -> Result<Self, BadPurl> {
        let bad = |reason| BadPurl { input: input().chars().take(200).collect(), reason };
        types::normalize(&mut parts);
        check(&parts).and_then(|()| types::check(&parts)).map_err(bad)?;
        let text = render(&parts);
        if text.len() > MAX_PURL {
            return Err(bad("it is longer than 8192 bytes"));
        }
        Ok(Self { text, parts: Box::new(parts) })
    }
}

impl PurlBuilder {
    /// Segments are separated by `/`; an empty text is no namespace.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.parts.namespace = segments(&namespace.into(), false);
        self
    }
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.parts.version = Some(version.into()).filter(|version| !version.is_empty());
        self
    }
    /// An empty value is the same as no qualifier.
    pub fn qualifier(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into().to_ascii_lowercase(), value.into());
        if !value.is_empty() {
            self.parts.qualifiers.insert(key, value);
        }
        self
    }
    /// Segments are separated by `/`; empty ones, `.` and `..` are dropped.
    pub fn subpath(mut self, subpath: impl Into<String>) -> Self {
        self.parts.subpath = segments(&subpath.into(), true);
        self
    }

    /// # Errors
    /// `BadPurl` when a part breaks a rule of package URLs or of the type.
    pub fn build(mut self) -> Result<Purl, BadPurl> {
        self.parts.kind.make_ascii_lowercase();
        let input = render(&self.parts);
        Purl::finish(self.parts, || input.clone())
    }
}

fn segments(text: &str, drop_dots: bool) -> Option<String> {
    let kept = text.split('/').filter(|s| !(s.is_empty() || drop_dots && matches!(*s, "." | "..")));
    let joined = kept.collect::<Vec<_>>().join("/");
    (!joined.is_empty()).then_some(joined)
}

impl FromStr for Purl {
    type Err = BadPurl;

    fn from_str(text: &str) -> Result<Self, BadPurl> {
        let bad = |reason| BadPurl { input: text.chars().take(200).collect(), reason };
        if text.len() > MAX_PURL {
            return Err(bad("it is longer than 8192 bytes"));
        }
        let parts = read(text).map_err(bad)?;
        Self::finish(parts, || text.to_owned())
    }
}

/// Reads from the right: subpath, qualifiers, then from the left scheme and type, then version and name.
fn read(text: &str) -> Result<Parts, &'static str> {
    let (rest, subpath) = cut_right(text, '#');
    let (rest, qualifiers) = cut_right(rest, '?');
    let (scheme, rest) = rest.split_once(':').ok_or("it does not begin with pkg:")?;
    if !scheme.eq_ignore_ascii_case("pkg") {
        return Err("it does not begin with pkg:");
    }
    let (kind, rest) = rest.trim_start_matches('/').split_once('/').ok_or("type and name are required")?;
    let (path, version) = cut_version(rest);
    let path = path.trim_start_matches('/');
    let path = if version.is_none() { path.trim_end_matches('/') } else { path };
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, path),
    };
    Ok(Parts {
        kind: kind.to_ascii_lowercase(),
        namespace: namespace.map(|text| read_segments(text, false)).transpose()?.flatten(),
        name: decode(name)?,
        version: version.filter(|v| !v.is_empty()).map(decode).transpose()?,
        qualifiers: read_qualifiers(qualifiers.unwrap_or_default())?,
        subpath: read_segments(subpath.unwrap_or_default(), true)?,
    })
}

fn cut_right(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.rsplit_once(separator) {
        Some((rest, part)) => (rest, Some(part)),
        None => (text, None),
    }
}

/// The last `@` begins the version, unless it begins a path segment that another follows (`@scope/name`).
fn cut_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((path, rest)) if (path.is_empty() || path.ends_with('/')) && rest.contains('/') => (text, None),
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    }
}

fn read_segments(text: &str, drop_dots: bool) -> Result<Option<String>, &'static str> {
    let mut kept = Vec::new();
    for segment in text.split('/') {
        let segment = decode(segment)?;
        if segment.contains('/') {
            return Err("a path segment holds an encoded slash");
        }
        if !(segment.is_empty() || drop_dots && matches!(segment.as_str(), "." | "..")) {
            kept.push(segment);
        }
    }
    Ok((!kept.is_empty()).then(|| kept.join("/")))
}

fn read_qualifiers(text: &str) -> Result<BTreeMap<String, String>, &'static str> {
    let mut qualifiers = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or("a qualifier has no value")?;
        let value = decode(value)?;
        if value.is_empty() {
            continue;
        }
        if qualifiers.insert(key.to_ascii_lowercase(), value).is_some() {
            return Err("a qualifier is given twice");
        }
    }
    Ok(qualifiers)
}

/// The rules that hold for every type.
fn check(parts: &Parts) -> Result<(), &'static str> {
    let kind_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+');
    if !parts.kind.starts_with(|c: char| c.is_ascii_lowercase()) || !parts.kind.bytes().all(kind_byte) {
        return Err("the type is missing or holds characters other than letters, digits, dot, plus and dash");
    }
    if parts.name.is_empty() {
        return Err("a name is required");
    }
    let key_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    for key in parts.qualifiers.keys() {
        if !key.starts_with(|c: char| c.is_ascii_lowercase()) || !key.bytes().all(key_byte) {
            return Err("a qualifier key holds characters other than letters, digits, dot, dash and underscore");
        }
    }
    Ok(())
}

fn render(parts: &Parts) -> String {
    let mut text = format!("pkg:{}", parts.kind);
    for segment in parts.namespace.iter().flat_map(|namespace| namespace.split('/')) {
        let _ = write!(text, "/{}", encode(segment));
    }
    if types::has_path_name(&parts.kind) {
        for segment in parts.name.split('/') {
            let _ = write!(text, "/{}", encode(segment));
        }
    } else {
        let _ = write!(text, "/{}", encode(&parts.name));
    }
    if let Some(version) = &parts.version {
        let _ = write!(text, "@{}", encode(version));
    }
    for (i, (key, value)) in parts.qualifiers.iter().enumerate() {
        let _ = write!(text, "{}{key}={}", if i == 0 { '?' } else { '&' }, encode(value));
    }
    for (i, segment) in parts.subpath.iter().flat_map(|subpath| subpath.split('/')).enumerate() {
        let _ = write!(text, "{}{}", if i == 0 { '#' } else { '/' }, encode(segment));
    }
    text
}

/// Percent-encoding as package URLs want it: letters, digits, `.-_~` and `:` stand for themselves.
mod percent {
    use std::borrow::Cow;

    pub(super) fn encode(text: &str) -> Cow<'_, str> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b':');
        if text.bytes().all(plain) {
            return Cow::Borrowed(text);
        }
        let mut encoded = String::with_capacity(text.len() + 8);
        for byte in text.bytes() {
            if plain(byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    let hex = b"0123456789ABCDEF"[usize::from(digit)];
                    encoded.push(char::from(hex));
                }
            }
        }
        Cow::Owned(encoded)
    }

    pub(super) fn decode(text: &str) -> Result<String, &'static str> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let digit = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
            let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                return Err("a percent sign is not followed by two hexadecimal digits");
            };
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = &after[2..];
        }
        String::from_utf8(bytes).map_err(|_| "the decoded text is not UTF-8")
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purl({})", self.text)
    }
}

impl PartialEq for Purl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Purl {}

impl Hash for Purl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Purl {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Purl {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl AsRef<str> for Purl {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl TryFrom<String> for Purl {
    type Error = BadPurl;

    fn try_from(text: String) -> Result<Self, BadPurl> {
        text.parse()
    }
}

impl From<Purl> for String {
    fn from(purl: Purl) -> Self {
        purl.text
    }
}

#[cfg(test)]
mod tests;
