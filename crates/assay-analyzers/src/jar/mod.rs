//! Java archives: jar, war, ear, par and aar.
//!
//! What Maven packed says so in `META-INF/maven/*/*/pom.properties`; several of them are the archive's own and those of
//! others that were mixed into it ("shaded"), which are told as vendored copies. Without one, the manifest and the file's name
//! are asked. Archives inside are read as what they are.

mod manifest;
mod name;
mod pom;

use std::collections::BTreeMap;

use assay_archive::{Budget, Flow, Kind};
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::component::{occurrence, of_language};
use crate::locked::UNRESOLVED;
use crate::part::{corrupt, field, inside, line, skipped, text};
use crate::reader::{Reader, members, requirements};
use manifest::Manifest;
use name::{FileName, Fit};
use pom::Pom;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "jar",
    revision: 1,
    reads: Reads::Package,
    summary: "Java archives (jar, war, ear, par, aar): group, artifact and version from pom.properties, pom.xml, the manifest \
        or the file's name; others mixed in",
};

const OSV: &str = "Maven";
const SUFFIXES: [&str; 7] = [".jar", ".war", ".ear", ".par", ".aar", ".hpi", ".jpi"];
const POMS: &str = "META-INF/maven/";
const MANIFEST: &str = "META-INF/MANIFEST.MF";
/// More than any archive has mixed into it.
const COPIES: usize = 5000;

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| suffix(entry.path).is_some(), look };

fn suffix(path: &str) -> Option<&'static str> {
    SUFFIXES.into_iter().find(|suffix| {
        path.len() > suffix.len()
            && path.get(path.len() - suffix.len()..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    })
}

/// Group, artifact and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Coordinates {
    group: String,
    artifact: String,
    version: String,
}

/// What one archive says of itself and of what is mixed in.
#[derive(Default)]
struct Said {
    /// By the folder below `META-INF/maven`, wherever in the archive that is.
    properties: BTreeMap<String, Coordinates>,
    poms: BTreeMap<String, Pom>,
    manifest: Manifest,
    /// Poms that could not be read.
    broken: Vec<(String, Problem)>,
}

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut said = Said::default();
    members(bytes, Kind::Zip, budget, |head, body| {
        let path = head.path.as_str();
        if path == MANIFEST {
            said.manifest = manifest::parse(&text(body, budget)?);
        } else if let Some(folder) = pom_folder(path, "/pom.properties") {
            if said.properties.len() < COPIES {
                said.properties.extend(Some(folder.to_owned()).zip(pom::properties(&text(body, budget)?)));
            }
        } else if let Some(folder) = pom_folder(path, "/pom.xml")
            && said.poms.len() < COPIES
        {
            match pom::parse(&text(body, budget)?) {
                Ok(pom) => drop(said.poms.insert(folder.to_owned(), pom)),
                Err(problem) => said.broken.push((inside(entry, path), problem)),
            }
        }
        Ok(Flow::Continue)
    })?;
    out.skipped.extend(said.broken.iter().map(|(path, problem)| skipped(path, problem)));
    said.tell(entry, out)
}

/// The folder of a pom, with what comes before `META-INF` where the archive keeps classes elsewhere than at its top.
fn pom_folder<'a>(path: &'a str, file: &str) -> Option<&'a str> {
    let folder = path.strip_suffix(file)?;
    let at = folder.find(POMS)?;
    let before = folder.get(..at)?;
    let known = matches!(before, "" | "WEB-INF/classes/" | "BOOT-INF/classes/" | "APP-INF/classes/");
    let depth = folder.get(at + POMS.len()..)?.split('/').count();
    (known && depth == 2).then_some(folder)
}

impl Said {
    fn tell(self, entry: &Entry<'_>, out: &mut Inventory) -> Result<(), Problem> {
        let file = FileName::of(entry.path);
        let mut mavens = self.mavens();
        let main = main(&mavens, &self.manifest, &file);
        let mut own = None;
        if let Some((folder, coordinates)) = main.and_then(|folder| mavens.remove_entry(&folder)) {
            let mut found = component(&coordinates, &inside(entry, &folder))?;
            if let Some(pom) = self.poms.get(&folder) {
                found.licenses.clone_from(&pom.licenses);
                found.requires = requirements(pom.requires.iter().cloned());
                found.summary = line(pom.name.as_deref());
            }
            own = Some(found);
        }
        let guessed = || self.manifest.coordinates(&file).or_else(|| file.coordinates());
        if own.is_none()
            && let Some(coordinates) = guessed()
        {
            let mut found = component(&coordinates, &inside(entry, MANIFEST))?;
            found.properties.insert(format!("{}.evidence", SPEC.id), "manifest or file name".to_owned());
            own = Some(found);
        }
        let carrier = own.as_ref().map_or_else(|| entry.path.to_owned(), |own| own.component.purl.clone());
        if let Some(mut own) = own {
            if own.licenses.is_empty() {
                own.licenses.extend(line(self.manifest.get("Bundle-License")));
            }
            own.is_subject = entry.is_artifact;
            out.components.push(own);
        } else if mavens.is_empty() {
            let detail = "neither a pom, the manifest nor the file's name tells what this archive is";
            out.skipped.push(skipped(entry.path, &Problem::invalid(UNRESOLVED, detail)));
        }
        for (folder, coordinates) in &mavens {
            let Ok(mut copy) = component(coordinates, &inside(entry, folder)) else { continue };
            copy.vendored_in = Some(carrier.clone());
            copy.licenses = self.poms.get(folder).map(|pom| pom.licenses.clone()).unwrap_or_default();
            out.components.push(copy);
        }
        Ok(())
    }

    /// All that Maven left behind: properties, or poms where there are none.
    fn mavens(&self) -> BTreeMap<String, Coordinates> {
        let mut all = self.properties.clone();
        for (folder, pom) in &self.poms {
            if !all.contains_key(folder)
                && let Some(coordinates) = pom.coordinates()
            {
                all.insert(folder.clone(), coordinates);
            }
        }
        all
    }
}

/// Which of them is the archive itself: the one that the file's name or the manifest names, else the only one unless the name
/// is clearly of another.
fn main(mavens: &BTreeMap<String, Coordinates>, manifest: &Manifest, file: &FileName) -> Option<String> {
    let ranked = mavens.iter().map(|(folder, one)| {
        // Those elsewhere than at the top are of the classes that an application was made of.
        let rank = (file.fits(one), folder.starts_with(POMS), one.artifact.len());
        (rank, folder, one)
    });
    let best = ranked.max_by_key(|(rank, ..)| *rank);
    let (fit, folder) = best.map(|((fit, ..), folder, _)| (fit, folder))?;
    if fit >= Fit::Beginning {
        return Some(folder.clone());
    }
    let named = mavens.iter().filter(|(folder, _)| folder.starts_with(POMS)).find(|(_, one)| manifest.is_of(one));
    let only = || (mavens.len() == 1 && (fit == Fit::Version || !file.is_versioned())).then_some(folder);
    named.map(|(folder, _)| folder).or_else(only).cloned()
}

fn component(coordinates: &Coordinates, path: &str) -> Result<Occurrence, Problem> {
    let Coordinates { group, artifact, version } = coordinates;
    let usable = [artifact, version].iter().all(|text| field(Some(text)).is_some());
    if !usable {
        return Err(corrupt(format!("{path} has no usable artifact or version")));
    }
    let name = if group.is_empty() { artifact.clone() } else { format!("{group}:{artifact}") };
    let component = of_language(OSV, &name, version).map_err(|error| corrupt(format!("{path}: {error}")))?;
    let mut found = occurrence(component, path, SPEC.id);
    found.id = format!("{name}:{version}");
    Ok(found)
}
