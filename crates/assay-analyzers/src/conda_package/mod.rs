//! Conda packages: `info/index.json`, in a `.tar.bz2`, or in the `info-*.tar.zst` inside a `.conda`.

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};
use std::io::Read;

use crate::conda;
use crate::part::{Halt, corrupt, inside, text};
use crate::reader::{Reader, if_recognised, json, may_be_package, members};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "conda-package",
    revision: 1,
    reads: Reads::Package,
    summary: "index.json of Conda packages (.conda, .tar.bz2): name, version, build, licence, dependencies",
};

const INDEX: &str = "info/index.json";
const ABOUT: &str = "info/about.json";

pub(crate) const PART: Reader = Reader {
    spec: &SPEC,
    wants: |entry| is_new(entry) || entry.path.ends_with(".tar.bz2") && may_be_package(entry),
    look,
};

fn is_new(entry: &Entry<'_>) -> bool {
    entry.path.ends_with(".conda")
}

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut info = Info::default();
    if is_new(entry) {
        members(bytes, Kind::Zip, budget, |head, body| {
            if head.path.starts_with("info-") && !head.path.contains('/') {
                let nested = budget.nested()?;
                info.walk(body, &nested, &inside(entry, &format!("{}!/", head.path)))?;
            }
            Ok(Flow::Continue)
        })?;
        let own = info.finish()?;
        add(own.ok_or_else(|| corrupt("a Conda package has an info/index.json, this one has none"))?, entry, out);
        return Ok(());
    }
    let prefix = inside(entry, "");
    let outcome = info.walk(bytes, budget, &prefix).map_err(|halt| halt.0);
    let recognised = if_recognised(outcome, info.index.is_some().then_some(info))?;
    if let Some(own) = recognised.map(Info::finish).transpose()?.flatten() {
        add(own, entry, out);
    }
    Ok(())
}

fn add(mut own: Occurrence, entry: &Entry<'_>, out: &mut Inventory) {
    own.is_subject = entry.is_artifact;
    out.components.push(own);
}

#[derive(Default)]
struct Info {
    /// Path and text.
    index: Option<(String, String)>,
    about: Option<String>,
}

impl Info {
    fn walk(&mut self, body: &mut dyn Read, budget: &Budget, prefix: &str) -> Result<(), Halt> {
        let walker = assay_archive::Walker::new(budget).tolerance(assay_archive::Tolerance::SkipAndReport);
        let report = walker.stream(body, Kind::Tar, |head, body| {
            match head.path.as_str() {
                INDEX => self.index = Some((format!("{prefix}{INDEX}"), text(body, budget)?)),
                ABOUT => self.about = Some(text(body, budget)?),
                _ => {}
            }
            Ok::<_, Halt>(Flow::Continue)
        });
        report.map(|_| ())
    }

    fn finish(self) -> Result<Option<Occurrence>, Problem> {
        let Some((path, index)) = self.index else { return Ok(None) };
        let mut own = conda::package(&json(&index, &path)?, &path, SPEC.id)?;
        if let Some(about) = self.about.and_then(|about| json(&about, ABOUT).ok()) {
            own.summary = crate::part::line(about["summary"].as_str());
            if own.licenses.is_empty() {
                own.licenses.extend(crate::part::line(about["license"].as_str()));
            }
        }
        Ok(Some(own))
    }
}
