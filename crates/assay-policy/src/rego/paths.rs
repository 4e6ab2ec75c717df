//! Whether the paths that a policy reads exist: a misspelt field is undefined for every package, and its policy silent for
//! ever. Names are followed within a definition, through arguments of functions and through rules that stand for a plain
//! reference; what cannot be followed is not judged, and a name with several meanings is wrong only if all are.

use super::{
    compare,
    diagnose::Fault,
    survey::{self, Plain, Reference, Step, Survey, Use},
};
use crate::input::schema::{empty, instead, walk, written};
use assay_model::seam::judge::Remark;
use regorus::unstable::Module;
use std::collections::{BTreeMap, BTreeSet};

/// Longest path that is followed.
const MAX_STEPS: usize = 16;
/// Most rounds in which names get meanings.
const MAX_ROUNDS: usize = 64;

pub(super) type Path = Vec<Step>;
/// A name: of a definition, or of a rule.
type Name = (Option<usize>, String);

/// Refuses paths that do not exist, and comparisons that say nothing; remarks on what Assay never fills, and on nulls.
pub(super) fn check(module: &Module, survey: &Survey, package: &str, faults: &mut Vec<Fault>) -> Vec<Remark> {
    if survey.replaces_input {
        return Vec::new();
    }
    let imports = imports(module, faults);
    let mut names = Names { survey, imports, known: BTreeMap::new(), opaque: BTreeSet::new() };
    names.follow(&edges(survey, package));
    let mut warnings = Vec::new();
    for reference in &survey.references {
        let Some(starts) = names.starts(reference.scope, &reference.root) else { continue };
        faults.extend(judge(reference, &starts, &mut warnings).err());
    }
    warnings.extend(compare::check(module, &names, faults));
    warnings.sort_by_key(|remark| (remark.line, remark.column));
    warnings.dedup();
    warnings
}

/// One name getting the value of a reference, or of its elements.
struct Edge {
    to: Name,
    from: Plain,
    each: bool,
}

fn edges(survey: &Survey, package: &str) -> Vec<Edge> {
    let mut edges = Vec::new();
    for reference in &survey.references {
        let (name, each) = match &reference.used {
            Use::Named(name) => (name, false),
            Use::EachNamed(name) => (name, true),
            _ => continue,
        };
        let Reference { scope, root, steps, .. } = reference;
        let from = Plain { scope: *scope, root: root.clone(), steps: steps.clone() };
        edges.push(Edge { to: (Some(*scope), name.clone()), from, each });
    }
    let own = format!("data.{package}.");
    for call in &survey.calls {
        let name = call.name.strip_prefix(&own).unwrap_or(&call.name);
        for (scope, names) in survey.parameters.get(name).into_iter().flatten() {
            for (name, argument) in names.iter().zip(&call.arguments) {
                let Some(name) = name else { continue };
                // An argument that is computed gives its parameter a value that is not followed.
                let nothing = || Plain { scope: *scope, root: String::new(), steps: Vec::new() };
                let from = argument.clone().unwrap_or_else(nothing);
                edges.push(Edge { to: (Some(*scope), name.clone()), from, each: false });
            }
        }
    }
    for (rule, values) in &survey.values {
        for value in values {
            let nothing = || Plain { scope: usize::MAX, root: String::new(), steps: Vec::new() };
            edges.push(Edge { to: (None, rule.clone()), from: value.clone().unwrap_or_else(nothing), each: false });
        }
    }
    edges
}

/// What imports stand for; they must exist themselves.
fn imports(module: &Module, faults: &mut Vec<Fault>) -> BTreeMap<String, Path> {
    let mut imports = BTreeMap::new();
    for import in &module.imports {
        let Some(path) = survey::dotted(&import.refr) else { continue };
        let mut parts = path.split('.');
        if parts.next() != Some("input") {
            continue;
        }
        let steps: Path = parts.map(|part| Step::Key(part.to_owned())).collect();
        let keys = keys(&steps);
        if let Err(miss) = walk(&keys) {
            let until: Vec<Option<&str>> = keys.iter().take(miss.step + 1).copied().collect();
            let message = format!("there is no `{}`{}", written(&until), instead(&keys, &miss));
            faults.push(Fault::at((import.span.line, import.span.col), message).coded("unknown_field"));
            continue;
        }
        let last = path.rsplit('.').next().unwrap_or_default().to_owned();
        imports.insert(import.r#as.as_ref().map_or(last, |span| span.text().to_owned()), steps);
    }
    imports
}

pub(super) fn keys(path: &[Step]) -> Vec<Option<&str>> {
    path.iter().map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None }).collect()
}

/// What names stand for.
pub(super) struct Names<'a> {
    survey: &'a Survey,
    imports: BTreeMap<String, Path>,
    known: BTreeMap<Name, BTreeSet<Path>>,
    opaque: BTreeSet<Name>,
}

impl Names<'_> {
    /// Whether it is a name of a definition, and not of the module.
    pub(super) fn is_local(&self, scope: usize, root: &str) -> bool {
        self.survey.declared.contains(&(scope, root.to_owned()))
            || self.known.contains_key(&(Some(scope), root.to_owned()))
    }

    fn name(&self, scope: usize, root: &str) -> Name {
        (self.is_local(scope, root).then_some(scope), root.to_owned())
    }

    /// The paths that a first part stands for, as far as they are known.
    fn paths(&self, scope: usize, root: &str) -> Vec<Path> {
        let name = self.name(scope, root);
        match name.0 {
            None if root == "input" => vec![Path::new()],
            None if self.imports.contains_key(root) => self.imports.get(root).cloned().into_iter().collect(),
            _ => self.known.get(&name).into_iter().flatten().cloned().collect(),
        }
    }

    fn is_opaque(&self, scope: usize, root: &str) -> bool {
        let name = self.name(scope, root);
        self.opaque.contains(&name)
            || name.0.is_some_and(|scope| self.survey.opaque.contains(&(scope, root.to_owned())))
            || self.paths(scope, root).is_empty()
    }

    /// All that a first part can stand for; nothing where that is not known.
    pub(super) fn starts(&self, scope: usize, root: &str) -> Option<Vec<Path>> {
        (!self.is_opaque(scope, root)).then(|| self.paths(scope, root))
    }

    fn follow(&mut self, edges: &[Edge]) {
        for _ in 0..MAX_ROUNDS {
            let before: usize = self.known.values().map(BTreeSet::len).sum();
            for edge in edges {
                for mut path in self.paths(edge.from.scope, &edge.from.root) {
                    path.extend(edge.from.steps.iter().cloned());
                    path.extend(edge.each.then_some(Step::Any));
                    if path.len() <= MAX_STEPS {
                        self.known.entry(edge.to.clone()).or_default().insert(path);
                    } else {
                        self.opaque.insert(edge.to.clone());
                    }
                }
            }
            if self.known.values().map(BTreeSet::len).sum::<usize>() == before {
                break;
            }
        }
        loop {
            let before = self.opaque.len();
            for edge in edges {
                if self.is_opaque(edge.from.scope, &edge.from.root) {
                    self.opaque.insert(edge.to.clone());
                }
            }
            if self.opaque.len() == before {
                return;
            }
        }
    }
}

fn judge(reference: &Reference, starts: &[Path], warnings: &mut Vec<Remark>) -> Result<(), Fault> {
    let mut first = None;
    let mut unfilled = None;
    for start in starts {
        let whole: Path = start.iter().chain(&reference.steps).cloned().collect();
        let keys = keys(&whole);
        match walk(&keys) {
            Ok(_) => {
                let never = empty(&keys).filter(|(step, _)| *step >= start.len());
                let Some((step, _)) = never else { return Ok(()) };
                let until: Vec<Option<&str>> = keys.iter().take(step + 1).copied().collect();
                unfilled = Some((written(&until), step - start.len()));
            }
            // What is wrong with the way to it is said where that stands.
            Err(miss) if miss.step < start.len() => return Ok(()),
            Err(miss) => {
                let until: Vec<Option<&str>> = keys.iter().take(miss.step + 1).copied().collect();
                let message = format!("there is no `{}`{}", written(&until), instead(&keys, &miss));
                first.get_or_insert((message, miss.step - start.len()));
            }
        }
    }
    let place = |step: usize| reference.places.get(step).copied().unwrap_or(reference.place);
    if let Some((path, step)) = unfilled {
        let (line, column) = place(step);
        let message = format!("`{path}` is part of the document's shape, and Assay has nothing to put there");
        warnings.push(Remark { line, column, code: "never_filled".into(), message });
        return Ok(());
    }
    match first {
        Some((message, step)) => Err(Fault::at(place(step), message).coded("unknown_field")),
        None => Ok(()),
    }
}
