//! An index document as it is read: JSON (PEP 691) and HTML (PEP 503) become the same list. Pure.

use assay_model::seam::upstream::RemoteDocument;
use html5gum::{StartTag, Token, Tokenizer};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// Files of one project that are looked at; the largest known has a tenth of this.
const FILES: usize = 200_000;

/// Projects of one registry that are listed; the largest known has a third of this.
const PROJECTS: usize = 2_000_000;

/// Bytes of a text that is kept of an index.
const TEXT: usize = 4096;

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) files: Vec<Listed>,
    pub(crate) tracks: Vec<String>,
    pub(crate) alternates: Vec<String>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) hashes: BTreeMap<String, String>,
    pub(crate) size: Option<u64>,
    pub(crate) uploaded: Option<Timestamp>,
    pub(crate) requires_python: Option<String>,
    /// Why; empty when nobody said.
    pub(crate) yanked: Option<String>,
    /// Its metadata document can be had; with the document's hashes, if they are known.
    pub(crate) core_metadata: Option<BTreeMap<String, String>>,
    pub(crate) provenance: Option<Url>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Json {
    #[serde(default)]
    meta: Meta,
    #[serde(default)]
    alternate_locations: Option<Vec<String>>,
    files: Vec<JsonFile>,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default, rename = "api-version")]
    version: Option<String>,
    #[serde(default)]
    tracks: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    size: Option<u64>,
    upload_time: Option<String>,
    requires_python: Option<String>,
    yanked: Option<Value>,
    core_metadata: Option<Value>,
    dist_info_metadata: Option<Value>,
    provenance: Option<String>,
}

impl Page {
    /// # Errors
    /// What is wrong with it, for a message.
    pub(crate) fn read(address: &str, document: &RemoteDocument) -> Result<Self, String> {
        let base = Url::parse(address).map_err(|error| error.to_string())?;
        let media_type = document.media_type.to_ascii_lowercase();
        let is_json = media_type.split(';').next().is_some_and(|essence| essence.trim().ends_with("json"));
        if is_json || document.body.trim_ascii_start().starts_with(b"{") {
            return Self::of_json(&base, &document.body);
        }
        Self::of_html(base, &document.body)
    }

    fn of_json(base: &Url, body: &[u8]) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        newer(json.meta.version.as_deref())?;
        let files = json.files.into_iter().take(FILES).filter_map(|file| file.listed(base)).collect();
        let addresses = |list: Option<Vec<String>>| {
            list.unwrap_or_default().into_iter().filter(|text| text.len() <= TEXT).take(100).collect()
        };
        Ok(Self { files, tracks: addresses(json.meta.tracks), alternates: addresses(json.alternate_locations) })
    }

    /// Links are read wherever they stand; a page without any is an empty project.
    fn of_html(mut base: Url, body: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(body);
        let mut page = Self::default();
        for token in Tokenizer::new(text.as_ref()) {
            let Ok(Token::StartTag(tag)) = token else { continue };
            match tag.name.as_slice() {
                b"base" => {
                    if let Some(other) = attribute(&tag, "href").and_then(|href| base.join(&href).ok()) {
                        base = other;
                    }
                }
                b"meta" => match (attribute(&tag, "name").as_deref(), attribute(&tag, "content")) {
                    (Some("pypi:repository-version"), content) => newer(content.as_deref())?,
                    (Some("pypi:tracks"), Some(address)) => page.tracks.push(address),
                    (Some("pypi:alternate-locations"), Some(address)) => page.alternates.push(address),
                    _ => {}
                },
                b"a" if page.files.len() < FILES => page.files.extend(link(&base, &tag)),
                _ => {}
            }
        }
        Ok(page)
    }
}

/// Names of the projects that the list of all of them has (PEP 691, PEP 503).
///
/// # Errors
/// What is wrong with it, for a message.
pub(crate) fn projects(document: &RemoteDocument) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        meta: Meta,
        projects: Vec<Project>,
    }
    #[derive(Deserialize)]
    struct Project {
        name: String,
    }
    if document.body.trim_ascii_start().starts_with(b"{") {
        let list: List = serde_json::from_slice(&document.body).map_err(|error| error.to_string())?;
        newer(list.meta.version.as_deref())?;
        return Ok(list.projects.into_iter().map(|project| project.name).take(PROJECTS).collect());
    }
    let text = String::from_utf8_lossy(&document.body);
    let tags = Tokenizer::new(text.as_ref()).filter_map(|token| match token {
        Ok(Token::StartTag(tag)) if tag.name.as_slice() == b"a" => attribute(&tag, "href"),
        _ => None,
    });
    let last = |href: String| {
        let path = href.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or_default();
        (!last.is_empty() && last != "..").then(|| last.to_owned())
    };
    Ok(tags.filter_map(last).take(PROJECTS).collect())
}

/// Another major version may mean anything (PEP 629).
fn newer(version: Option<&str>) -> Result<(), String> {
    match version.and_then(|version| version.split('.').next()) {
        None | Some("1") => Ok(()),
        Some(_) => Err(format!("it speaks version {} of the simple API", version.unwrap_or_default())),
    }
}

fn web(base: &Url, address: &str) -> Option<Url> {
    base.join(address.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.as_str().len() <= TEXT)
}

fn short(text: String) -> Option<String> {
    (text.len() <= TEXT).then_some(text)
}

impl JsonFile {
    fn listed(self, base: &Url) -> Option<Listed> {
        let mut url = web(base, &self.url)?;
        url.set_fragment(None);
        let core = [self.core_metadata, self.dist_info_metadata].into_iter().flatten().find_map(|value| match value {
            Value::Bool(true) => Some(BTreeMap::new()),
            Value::Object(_) => serde_json::from_value(value).ok(),
            _ => None,
        });
        let yanked = match self.yanked {
            Some(Value::Bool(true)) => Some(String::new()),
            Some(Value::String(why)) => Some(why.chars().take(TEXT / 4).collect()),
            _ => None,
        };
        Some(Listed {
            name: self.filename,
            url,
            hashes: self.hashes,
            size: self.size,
            uploaded: self.upload_time.and_then(|time| time.parse().ok()),
            requires_python: self.requires_python.and_then(short).filter(|range| !range.is_empty()),
            yanked,
            core_metadata: core,
            provenance: self.provenance.and_then(|address| web(base, &address)),
        })
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    short(String::from_utf8_lossy(&value.value).into_owned())
}

/// The file of a link: its name is the end of the address (PEP 503), its hash the fragment.
fn link(base: &Url, tag: &StartTag<()>) -> Option<Listed> {
    let mut url = web(base, &attribute(tag, "href")?)?;
    let hashes = url.fragment().and_then(hash).into_iter().collect();
    url.set_fragment(None);
    let last = url.path_segments()?.next_back()?;
    let name = crate::kit::path::decode(last).ok()?.into_owned();
    let core = ["data-core-metadata", "data-dist-info-metadata"].iter().find_map(|name| attribute(tag, name));
    let core = core.filter(|value| value != "false").map(|value| hash(&value).into_iter().collect());
    Some(Listed {
        name,
        url,
        hashes,
        size: None,
        uploaded: attribute(tag, "data-upload-time").and_then(|time| time.parse().ok()),
        requires_python: attribute(tag, "data-requires-python").filter(|range| !range.is_empty()),
        yanked: attribute(tag, "data-yanked"),
        core_metadata: core,
        provenance: attribute(tag, "data-provenance").and_then(|address| web(base, &address)),
    })
}

/// `sha256=…`
fn hash(text: &str) -> Option<(String, String)> {
    let (algorithm, hex) = text.split_once('=')?;
    let sound = !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then(|| (algorithm.to_ascii_lowercase(), hex.to_ascii_lowercase()))
}
