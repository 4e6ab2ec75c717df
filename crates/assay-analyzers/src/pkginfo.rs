//! `.PKGINFO`: `key = value` lines that name a package, as those of Alpine and Arch Linux have them.

use std::io::Read;

use assay_archive::{Budget, Flow, Kind, Names, Tolerance, Walker};
use assay_model::component::Occurrence;
use assay_model::problem::Problem;

use crate::component::{OsPackage, set};
use crate::part::{Halt, corrupt, field, line, text};

const FILE: &str = ".PKGINFO";
/// It is among the first files of a package; what has none there is another kind of archive.
const AMONG: u32 = 8;

/// The text of the file in a compressed tar, or none where it does not stand at the beginning.
pub(crate) fn find(bytes: &mut dyn Read, kind: Kind, budget: &Budget) -> Result<Option<String>, Problem> {
    let mut found = None;
    let mut seen = 0;
    let walker = Walker::new(budget).names(Names::Layer).tolerance(Tolerance::SkipAndReport);
    let outcome = walker.stream(bytes, kind, |head, body| {
        seen += 1;
        if head.path == FILE {
            found = Some(text(body, budget)?);
        }
        Ok::<_, Halt>(if found.is_some() || seen >= AMONG { Flow::Stop } else { Flow::Continue })
    });
    match outcome {
        Err(halt) if found.is_none() => Err(halt.0),
        _ => Ok(found),
    }
}

/// The package that the file describes. Its source, if it tells one, is under one of `source` and has the same version.
pub(crate) fn package(
    text: &str,
    purl_type: &str,
    source: &str,
    path: &str,
    analyzer: &str,
) -> Result<Occurrence, Problem> {
    let lines = || text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let all = |key: &str| {
        let of = move |(found, value): (&str, &str)| (found.trim() == key).then(|| value.trim().to_owned());
        lines().filter_map(of).collect::<Vec<_>>()
    };
    let get = |key: &str| all(key).into_iter().next();
    let nameless = || corrupt("the package has no usable name or version");
    let name = field(get("pkgname").as_deref()).ok_or_else(nameless)?;
    let version = field(get("pkgver").as_deref()).ok_or_else(nameless)?;
    let package = OsPackage {
        purl_type,
        name: &name,
        version: &version,
        architecture: &field(get("arch").as_deref()).unwrap_or_default(),
        source: &field(get(source).as_deref()).unwrap_or_else(|| name.clone()),
        source_version: &version,
    };
    let mut found = package.occurrence(path, analyzer).map_err(|_| nameless())?;
    found.summary = line(get("pkgdesc").as_deref());
    found.licenses = all("license").iter().filter_map(|licence| line(Some(licence))).collect();
    found.requires = all("depend").into_iter().filter(|one| field(Some(one)).is_some()).collect();
    let maintainer = get("maintainer").or_else(|| get("packager"));
    set(&mut found, "maintainer", &line(maintainer.as_deref()).unwrap_or_default());
    Ok(found)
}
