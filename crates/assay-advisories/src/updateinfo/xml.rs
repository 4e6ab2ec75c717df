//! The XML of an announcement. The file is cut at `<update ...>` and `</update>` while it streams, so that only one
//! announcement is in memory and a bad one costs itself only.

use crate::input;
use assay_model::Problem;
use roxmltree::{Document, Node, ParsingOptions};
use std::io::BufRead;

/// Largest announcement, in bytes.
const MAX_UPDATE: usize = 64 << 20;
/// XML nodes of one announcement.
const MAX_NODES: u32 = 4_000_000;
const BEGIN: &str = "<update";
const END: &str = "</update>";

/// One announcement.
pub(super) struct Update {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) severity: String,
    pub(super) issued: Option<String>,
    pub(super) updated: String,
    /// What may name the release.
    pub(super) releases: Vec<String>,
    pub(super) cves: Vec<String>,
    pub(super) links: Vec<String>,
    pub(super) packages: Vec<Package>,
}

/// A package that it brings.
pub(super) struct Package {
    pub(super) name: String,
    /// `epoch:version-release`, without an epoch of 0.
    pub(super) version: String,
    pub(super) arch: String,
    /// `name:stream` where it is part of a module.
    pub(super) module: Option<String>,
}

/// Hands each announcement's text to `read`.
pub(super) fn each(
    name: &str,
    content: &mut dyn BufRead,
    read: &mut dyn FnMut(&str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let (mut kept, mut found) = (String::new(), 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = std::io::Read::take(&mut *content, MAX_UPDATE as u64)
            .read_until(b'\n', &mut line)
            .map_err(input::failed)?;
        kept.push_str(&String::from_utf8_lossy(&line));
        while let Some(end) = kept.find(END) {
            let rest = kept.split_off(end + END.len());
            if let Some(begin) = beginning(&kept) {
                found += 1;
                read(kept.get(begin..).unwrap_or_default())?;
            }
            kept = rest;
        }
        if beginning(&kept).is_none() {
            // Keeps what may be the beginning of a beginning.
            let from = kept.rfind('<').unwrap_or(kept.len());
            kept.drain(..from);
        }
        if kept.len() > MAX_UPDATE {
            return Err(Problem::new(
                assay_model::Kind::TooLarge,
                "limit",
                format!("{name}: an update has more than 64 MiB"),
            ));
        }
        if length == 0 {
            break;
        }
    }
    let whole = found > 0 || beginning(&kept).is_none();
    if whole { Ok(()) } else { Err(Problem::invalid("bad-feed", format!("{name} ends within its first update"))) }
}

/// Where `<update ...` begins; `<updates>` is another element.
fn beginning(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(BEGIN) {
        let after = text.as_bytes().get(from + at + BEGIN.len());
        if after.is_none_or(|byte| byte.is_ascii_whitespace() || *byte == b'>') {
            return Some(from + at);
        }
        from += at + BEGIN.len();
    }
    None
}

impl Update {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
        let root = document.root_element();
        let id = child_text(root, "id").ok_or("it has no id")?;
        if id.len() > 128 || id.contains(['/', ' ']) {
            return Err("its id cannot be one".to_owned());
        }
        let references = || root.descendants().filter(|node| node.has_tag_name("reference"));
        let mut cves: Vec<String> = references()
            .filter_map(|node| node.attribute("id").or_else(|| node.attribute("title")))
            .filter(|id| input::is_cve(id))
            .map(str::to_owned)
            .collect();
        cves.sort();
        cves.dedup();
        let collections = root.descendants().filter(|node| node.has_tag_name("collection"));
        let named = collections.flat_map(|node| [child_text(node, "name"), node.attribute("short").map(str::to_owned)]);
        let issued = date(root, "issued");
        Ok(Self {
            title: child_text(root, "title").or_else(|| child_text(root, "summary")),
            description: child_text(root, "description"),
            severity: child_text(root, "severity").unwrap_or_default(),
            updated: date(root, "updated")
                .or_else(|| issued.clone())
                .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned()),
            issued,
            releases: std::iter::once(child_text(root, "release")).chain(named).flatten().collect(),
            cves,
            links: references().filter_map(|node| node.attribute("href")).map(str::to_owned).collect(),
            packages: packages(root),
            id,
        })
    }
}

fn packages(root: Node<'_, '_>) -> Vec<Package> {
    let of = |node: Node<'_, '_>| {
        let (version, release) = (node.attribute("version")?, node.attribute("release")?);
        let epoch = node.attribute("epoch").filter(|epoch| !epoch.is_empty() && *epoch != "0");
        let collection = node.parent();
        let module = collection.and_then(|parent| parent.children().find(|child| child.has_tag_name("module")));
        Some(Package {
            name: node.attribute("name")?.to_owned(),
            version: match epoch {
                Some(epoch) => format!("{epoch}:{version}-{release}"),
                None => format!("{version}-{release}"),
            },
            arch: node.attribute("arch").unwrap_or_default().to_owned(),
            module: module.and_then(|node| Some(format!("{}:{}", node.attribute("name")?, node.attribute("stream")?))),
        })
    };
    root.descendants().filter(|node| node.has_tag_name("package")).filter_map(of).collect()
}

fn child_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let child = node.children().find(|child| child.has_tag_name(name))?;
    child.text().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// RFC 3339, from `2023-01-02 03:04:05` or `2023-01-02T03:04:05Z` or a day alone.
fn date(root: Node<'_, '_>, name: &str) -> Option<String> {
    let text = root.children().find(|child| child.has_tag_name(name))?.attribute("date")?.trim();
    let day = text.get(..10)?.parse::<jiff::civil::Date>().ok()?;
    let time = text.get(11..19).and_then(|time| time.parse::<jiff::civil::Time>().ok()).unwrap_or_default();
    day.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().to_string())
}
