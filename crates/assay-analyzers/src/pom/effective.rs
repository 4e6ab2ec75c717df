//! A pom with what it inherits from its parents, and what the bills of materials it imports say of versions.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::file::{Dependency, Parent, Pom};
use super::interpolate::Properties;
use super::poms::Poms;

/// Bills of materials that one pom may lead to.
const BILLS: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Effective {
    pub(super) path: String,
    pub(super) group: String,
    pub(super) name: String,
    /// Empty when it is not known.
    pub(super) version: String,
    pub(super) licenses: Vec<String>,
    pub(super) modules: Vec<String>,
    pub(super) properties: Properties,
    managed: Vec<Rc<Dependency>>,
    pub(super) dependencies: Vec<Rc<Dependency>>,
    /// Parents, its own or a parent's, that are not here.
    pub(super) missing: BTreeSet<String>,
}

impl Effective {
    /// How much is held for it.
    pub(super) fn weight(&self) -> usize {
        1 + self.properties.values.len() + self.managed.len() + self.dependencies.len()
    }
}

/// By [`Dependency::key`].
type Said = BTreeMap<[String; 4], Rc<Dependency>>;

/// What is said of dependencies elsewhere than where they are asked for.
#[derive(Debug, Default)]
pub(super) struct Managed {
    own: Rc<Said>,
    /// By the paths of bills of materials, in the order in which they are asked.
    bills: Vec<(String, Rc<Said>)>,
    /// Bills of materials, and their parents, that are not here.
    pub(super) missing: BTreeSet<String>,
}

impl Managed {
    /// What is said of this dependency.
    pub(super) fn of(&self, dependency: &Dependency) -> Option<&Rc<Dependency>> {
        let key = dependency.key().map(str::to_owned);
        self.own.get(&key).or_else(|| self.bills.iter().find_map(|(_, bill)| bill.get(&key)))
    }

    /// How much is held for it.
    pub(super) fn weight(&self) -> usize {
        1 + self.own.len() + self.bills.len()
    }
}

pub(super) fn make(poms: &mut Poms<'_>, path: &str) -> Option<Effective> {
    let pom = poms.pom(path)?;
    let mut missing = BTreeSet::new();
    let parent = pom.parent.as_ref().and_then(|wanted| {
        let parent = parent(poms, path, wanted);
        if parent.is_none() {
            missing.insert(format!("{}:{}:{}", wanted.group, wanted.name, wanted.version));
        }
        parent
    });
    let parent = parent.as_deref();
    missing.extend(parent.into_iter().flat_map(|parent| parent.missing.iter().cloned()));
    let mut properties = Properties::default();
    properties.values.extend(parent.map(|parent| parent.properties.values.clone()).unwrap_or_default());
    properties.values.extend(pom.properties.clone());
    let wanted = |field: fn(&Parent) -> &String| pom.parent.as_ref().map(|parent| field(parent).clone());
    let group = pom.group.clone().or_else(|| wanted(|parent| &parent.group)).unwrap_or_default();
    let name = pom.name.clone().unwrap_or_default();
    let version = pom.version.clone().or_else(|| wanted(|parent| &parent.version)).unwrap_or_default();
    own_values(&mut properties, &pom, [&group, &name, &version]);
    let filled = |text: &str| properties.filled(text).unwrap_or_default();
    let (group, name, version) = (filled(&group), filled(&name), filled(&version));
    let inherited = |list: fn(&Effective) -> &Vec<Rc<Dependency>>| parent.map(list).cloned().unwrap_or_default();
    Some(Effective {
        path: path.to_owned(),
        group,
        name,
        version,
        licenses: match (pom.licenses.is_empty(), parent) {
            (true, Some(parent)) => parent.licenses.clone(),
            _ => pom.licenses.clone(),
        },
        modules: pom.modules.clone(),
        managed: over(pom.managed.clone(), inherited(|parent| &parent.managed)),
        dependencies: over(pom.dependencies.clone(), inherited(|parent| &parent.dependencies)),
        properties,
        missing,
    })
}

/// The project's coordinates under the names they may be asked for by.
fn own_values(properties: &mut Properties, pom: &Pom, coordinates: [&String; 3]) {
    let names = ["groupId", "artifactId", "version"];
    let mut put = |name: String, value: &str| properties.values.insert(name, value.to_owned());
    for (name, value) in names.iter().zip(coordinates) {
        for prefix in ["project.", "pom.", ""] {
            // A property of that name would be itself.
            if !value.contains(&format!("${{{prefix}{name}}}")) {
                put(format!("{prefix}{name}"), value);
            }
        }
    }
    if let Some(parent) = &pom.parent {
        for (name, value) in names.iter().zip([&parent.group, &parent.name, &parent.version]) {
            for prefix in ["project.parent.", "pom.parent.", "parent."] {
                put(format!("{prefix}{name}"), value);
            }
        }
    }
}

/// What a parent says holds where the child is silent.
fn over(mut own: Vec<Rc<Dependency>>, parents: Vec<Rc<Dependency>>) -> Vec<Rc<Dependency>> {
    let known: BTreeSet<[String; 4]> = own.iter().map(|dependency| dependency.key().map(str::to_owned)).collect();
    // Lines are those of another file.
    let strange = |dependency: Rc<Dependency>| match dependency.lines {
        None => dependency,
        Some(_) => Rc::new(Dependency { lines: None, ..(*dependency).clone() }),
    };
    own.extend(parents.into_iter().filter(|one| !known.contains(&one.key().map(str::to_owned))).map(strange));
    own
}

/// By its relative path, if that leads to the right one, or by its coordinates.
fn parent(poms: &mut Poms<'_>, path: &str, wanted: &Parent) -> Option<Rc<Effective>> {
    if let Some(at) = wanted.relative_path.as_ref().and_then(|relative| poms.beside(path, relative)) {
        let right = poms.pom(&at).is_some_and(|pom| pom.name.as_ref() == Some(&wanted.name));
        if let Some(found) = poms.effective(&at).filter(|_| right && at != path) {
            let same = |asked: &str, is: &str| asked.is_empty() || asked.contains("${") || asked == is;
            if same(&wanted.group, &found.group) && (same(&wanted.version, &found.version) || found.version.is_empty())
            {
                return Some(found);
            }
        }
    }
    poms.find(&wanted.group, &wanted.name, &wanted.version)
}

/// What is managed: by the pom and its parents, then by the bills of materials it imports, the first first.
pub(super) fn manage(poms: &mut Poms<'_>, of: &Effective) -> Managed {
    let mut own = Said::new();
    let mut managed = Managed::default();
    let mut imports = Vec::new();
    for dependency in &of.managed {
        let Some(filled) = fill(dependency, &of.properties, &mut BTreeSet::new()) else { continue };
        if filled.scope == "import" {
            imports.push(filled);
        } else {
            own.entry(filled.key().map(str::to_owned)).or_insert_with(|| Rc::new(filled));
        }
    }
    managed.own = Rc::new(own);
    for import in imports.into_iter().take(BILLS) {
        let Some(bill) = poms.find(&import.group, &import.name, &import.version) else {
            managed.missing.insert(format!("{}:{}:{}", import.group, import.name, import.version));
            continue;
        };
        managed.missing.extend(bill.missing.iter().cloned());
        let said = poms.managed(&bill);
        managed.missing.extend(said.missing.iter().cloned());
        let nested = said.bills.iter().cloned();
        for (path, bill) in std::iter::once((bill.path.clone(), Rc::clone(&said.own))).chain(nested) {
            if managed.bills.len() < BILLS && managed.bills.iter().all(|(known, _)| *known != path) {
                managed.bills.push((path, bill));
            }
        }
    }
    managed
}

/// With its properties; none when group or name have one without value. A version without value is empty.
pub(super) fn fill(
    dependency: &Dependency,
    properties: &Properties,
    unknown: &mut BTreeSet<String>,
) -> Option<Dependency> {
    let mut filled = dependency.clone();
    filled.group = properties.fill(&dependency.group, unknown)?;
    filled.name = properties.fill(&dependency.name, unknown)?;
    filled.version = properties.fill(&dependency.version, unknown).unwrap_or_default();
    filled.scope = properties.fill(&dependency.scope, unknown).unwrap_or_default();
    filled.kind = properties.fill(&dependency.kind, unknown).unwrap_or_default();
    filled.classifier = properties.fill(&dependency.classifier, unknown).unwrap_or_default();
    (!filled.group.is_empty() && !filled.name.is_empty()).then_some(filled)
}
