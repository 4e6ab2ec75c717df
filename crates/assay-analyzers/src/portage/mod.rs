//! Gentoo's packages: a folder `var/db/pkg/CATEGORY/NAME-VERSION` for each, with one file a fact (PMS, and portage's own).

use std::collections::BTreeMap;

use assay_archive::{Budget, Limits};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use crate::component::{OsPackage, set};
use crate::part::{Gathered, Part, corrupt, line, skipped};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "portage",
    revision: 1,
    reads: Reads::System,
    summary: "installed packages of Gentoo, with licence, slot and requirements",
};

const PURL_TYPE: &str = "ebuild";
const FOLDER: &str = "var/db/pkg/";
const CONTENTS: &str = "CONTENTS";
/// Facts that are read; the first two are always there.
const FACTS: [&str; 7] = ["PF", "CATEGORY", "SLOT", "LICENSE", "DESCRIPTION", "RDEPEND", "repository"];

/// Installed packages.
pub(crate) struct Portage;

/// Category, package with version, and fact.
fn parts(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.strip_prefix(FOLDER)?.split('/');
    let found = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(found)
}

impl Analyzer for Portage {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, _entry: &Entry<'_>) -> bool {
        false
    }

    /// One file tells too little: see `conclude`.
    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for Portage {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut files = Gathered::default();
        files.insert(entry.path, crate::part::text(bytes, budget)?.into_bytes());
        self.conclude(&files, budget, out);
        Ok(())
    }

    fn gathers(&self, entry: &Entry<'_>) -> bool {
        parts(entry.path).is_some_and(|(.., fact)| FACTS.contains(&fact))
    }

    fn conclude(&self, files: &Gathered, _budget: &Budget, out: &mut Inventory) {
        let mut packages: BTreeMap<(&str, &str), BTreeMap<&str, String>> = BTreeMap::new();
        for (path, bytes) in files.iter() {
            if let Some((category, package, fact)) = parts(path) {
                let text = String::from_utf8_lossy(bytes).trim().to_owned();
                packages.entry((category, package)).or_default().insert(fact, text);
            }
        }
        for ((category, package), facts) in packages {
            let path = format!("{FOLDER}{category}/{package}/PF");
            match found(category, package, &facts, &path) {
                Some(found) => out.components.push(found),
                None => out.skipped.push(skipped(&path, &corrupt("the folder's name has no version"))),
            }
        }
    }

    fn lists_owned_files(&self, path: &str) -> bool {
        parts(path).is_some_and(|(.., file)| file == CONTENTS)
    }

    /// `obj /path digest time`, `sym /path -> target time`, `dir /path`.
    fn owned_files(&self, path: &str, list: &str, owned: &mut dyn FnMut(&str, &str)) {
        let Some((category, package, _)) = parts(path) else { return };
        let Some((name, _)) = split(package) else { return };
        let package = format!("{category}/{name}");
        for line in list.lines() {
            let Some(rest) = line.strip_prefix("obj /") else { continue };
            // The path may have spaces; digest and time have none.
            let mut fields = rest.rsplitn(3, ' ');
            if let (Some(_), Some(_), Some(file)) = (fields.next(), fields.next(), fields.next()) {
                owned(file, &package);
            }
        }
    }
}

fn found(category: &str, package: &str, facts: &BTreeMap<&str, String>, path: &str) -> Option<Occurrence> {
    let (name, version) = split(facts.get("PF").map_or(package, String::as_str))?;
    let fact = |key: &str| line(facts.get(key).map(String::as_str));
    let name = format!("{category}/{name}");
    let package = OsPackage {
        purl_type: PURL_TYPE,
        name: &name,
        version,
        architecture: "",
        source: &name,
        source_version: version,
    };
    let mut found = package.occurrence(path, SPEC.id).ok()?;
    found.summary = fact("DESCRIPTION");
    found.licenses.extend(fact("LICENSE"));
    found.requires =
        facts.get("RDEPEND").into_iter().flat_map(|all| all.split_whitespace()).map(str::to_owned).collect();
    set(&mut found, "slot", &fact("SLOT").unwrap_or_default());
    set(&mut found, "repository", &fact("repository").unwrap_or_default());
    Some(found)
}

/// Name and version: the version begins after the last hyphen that a number follows, but for the revision `-r1`.
fn split(package: &str) -> Option<(&str, &str)> {
    let is_version = |at: &usize| {
        let rest = package.get(at + 1..).unwrap_or_default();
        let (version, revision) = rest.split_once('-').unwrap_or((rest, "r0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        version.starts_with(|c: char| c.is_ascii_digit()) && revision.strip_prefix('r').is_some_and(is_number)
    };
    let at = package.match_indices('-').map(|(at, _)| at).find(is_version)?;
    let (name, version) = (package.get(..at)?, package.get(at + 1..)?);
    let is_plain = !name.is_empty() && !version.contains(|c: char| c.is_whitespace() || c.is_control());
    is_plain.then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn versions_follow_names() {
        assert_eq!(split("bash-5.1_p16-r2"), Some(("bash", "5.1_p16-r2")));
        assert_eq!(split("gtk+-2.24.33"), Some(("gtk+", "2.24.33")));
        assert_eq!(split("font-adobe-100dpi-1.0.3-r2"), Some(("font-adobe-100dpi", "1.0.3-r2")));
        assert_eq!(split("xorg-x11-7.5"), Some(("xorg-x11", "7.5")));
        assert_eq!(split("nothing"), None);
        assert_eq!(split("-1"), None);
    }
}
