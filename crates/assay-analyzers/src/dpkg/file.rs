//! Package files (`.deb`, deb(5)): an `ar` with the control file in `control.tar`, compressed in any way. What the package
//! installs is in its other archive, which is looked into like any archive.

use std::io::{Cursor, Read};

use assay_archive::{Budget, Flow, Kind, Limits, Names, Tolerance, Walker, read_small, sniff};
use assay_model::ecosystem;
use assay_model::inventory::{Inventory, OsRelease};
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{Analyzer, AnalyzerSpec, Entry, Reads};

use super::control;
use crate::component::settle;
use crate::part::{Halt, Part, corrupt, problem, text};
use crate::stanza::first;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "deb-file",
    revision: 1,
    reads: Reads::Package,
    summary: "Debian package files: name, version, source package, requirements",
};

const SUFFIXES: [&str; 3] = [".deb", ".udeb", ".ddeb"];
const CONTROL: &str = "control.tar";

/// A package file.
pub(crate) struct DebFile;

impl Analyzer for DebFile {
    fn spec(&self) -> &'static AnalyzerSpec {
        &SPEC
    }

    fn wants(&self, entry: &Entry<'_>) -> bool {
        SUFFIXES.iter().any(|suffix| entry.path.ends_with(suffix))
    }

    fn analyze(&self, entry: &Entry<'_>, bytes: &mut dyn ReadSeek, out: &mut Inventory) -> Result<(), Problem> {
        self.look(entry, bytes, &Budget::new(Limits::default()), out)
    }
}

impl Part for DebFile {
    fn look(
        &self,
        entry: &Entry<'_>,
        bytes: &mut dyn ReadSeek,
        budget: &Budget,
        out: &mut Inventory,
    ) -> Result<(), Problem> {
        let mut control = None;
        let report = walker(budget)
            .stream(bytes, Kind::Ar, |head, body| {
                if !head.path.starts_with(CONTROL) {
                    return Ok::<_, Halt>(Flow::Continue);
                }
                control = control_file(body, budget)?;
                Ok(Flow::Stop)
            })
            .map_err(|halt| halt.0)?;
        let control = control.ok_or_else(|| corrupt("a Debian package has a control file, this one has none"))?;
        let node = control::package(first(&control), entry.path, SPEC.id)
            .ok_or_else(|| corrupt("the control file has no usable name or version"))?;
        let mut found = node.found;
        found.is_subject = entry.is_artifact;
        if let Some(os) = origin(&found.component.version) {
            settle(&mut found, &os);
        }
        out.files_seen += report.entries;
        out.components.push(found);
        Ok(())
    }
}

fn walker(budget: &Budget) -> Walker {
    Walker::new(budget).names(Names::Layer).tolerance(Tolerance::SkipAndReport)
}

fn control_file(body: &mut dyn Read, budget: &Budget) -> Result<Option<String>, Halt> {
    let packed = read_small(body, budget)?;
    let kind = sniff(&packed).unwrap_or(Kind::Tar);
    let mut found = None;
    let inner = budget.nested().map_err(problem)?;
    walker(&inner).stream(Cursor::new(packed), kind, |head, body| {
        if !head.is_file() || head.path != "control" {
            return Ok::<_, Halt>(Flow::Continue);
        }
        found = Some(text(body, budget)?);
        Ok(Flow::Stop)
    })?;
    Ok(found)
}

/// Which release it was built for, where the version has its mark: stable updates (`+deb12u1`), backports (`~deb12`, `~bpo12`),
/// Ubuntu's updates (`ubuntu0.22.04.1`).
fn origin(version: &str) -> Option<OsRelease> {
    let after = |mark: &str| version.rfind(mark).and_then(|at| version.get(at + mark.len()..));
    let number = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end).filter(|number| !number.is_empty()).map(str::to_owned)
    };
    let (id, release) = match after("ubuntu") {
        Some(rest) => ("ubuntu", ubuntu(rest)?),
        None => ("debian", ["+deb", "~deb", "~bpo"].iter().find_map(|mark| number(after(mark)?))?),
    };
    let ecosystem = ecosystem::of_release(id, &release);
    Some(OsRelease {
        id: id.to_owned(),
        name: format!("{id} {release}"),
        version: release,
        ecosystem,
        path: String::new(),
    })
}

/// `0.22.04.1` begins with a number of its own; the release has two digits, twice.
fn ubuntu(rest: &str) -> Option<String> {
    let parts: Vec<&str> = rest.split(['.', '~', '+']).collect();
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut pairs = parts.windows(2).filter(|pair| two(pair[0]) && two(pair[1]));
    pairs.find(|pair| pair[1] == "04" || pair[1] == "10").map(|pair| format!("{}.{}", pair[0], pair[1]))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn updates_tell_their_release() {
        for (version, expected) in [
            ("3.0.15-1~deb12u1", "Debian:12"),
            ("252.30-1+deb11u2", "Debian:11"),
            ("1.2-3~bpo12+1", "Debian:12"),
            ("3.0.2-0ubuntu1.15", ""),
            ("2.35-0ubuntu3.8", ""),
            ("1.34.0-0ubuntu0.22.04.1", "Ubuntu:22.04:LTS"),
            ("1:115.0+build2-0ubuntu0.23.10.1", "Ubuntu:23.10"),
            ("5.2.15-2+b7", ""),
        ] {
            assert_eq!(origin(version).map(|os| os.ecosystem).unwrap_or_default(), expected, "{version}");
        }
    }
}
