//! Bundler projects: `Gemfile.lock` (also `gems.locked`), with the `Gemfile` (`gems.rb`), which says what is for development.

mod groups;

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Lines, Relationship};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{self, Locked, Together, file_name};
use crate::part::{Gathered, corrupt};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "bundler",
    revision: 1,
    reads: Reads::Project,
    summary: "`Gemfile.lock` with `Gemfile`: gems, their graph, what is for development",
};

const ECOSYSTEM: &str = "RubyGems";
/// Locks and what they are made from.
const NAMES: [(&str, &str); 2] = [("Gemfile.lock", "Gemfile"), ("gems.locked", "gems.rb")];

pub(crate) const PART: Together = Together {
    spec: &SPEC,
    wants: |path| NAMES.iter().any(|(lock, manifest)| [lock, manifest].contains(&&file_name(path))),
    conclude,
};

fn conclude(files: &Gathered, out: &mut Inventory) {
    let (usual, other) = (NAMES[0].0, NAMES[1].0);
    for (lock, manifest) in NAMES {
        let is_one = |path: &str| file_name(path) == lock || lock == usual && file_name(path) != other;
        let locks = files.read_as(lock).filter(|(path, _)| is_one(path));
        locked::each(&SPEC, ECOSYSTEM, locks, out, |text, found| {
            read(text, found)?;
            if let Some(gemfile) = files.beside(found.path, manifest) {
                mark(&groups::for_development(&String::from_utf8_lossy(gemfile)), found);
            }
            Ok(())
        });
    }
}

/// What is not reached from a gem for the product is for development.
fn mark(for_development: &BTreeMap<String, bool>, found: &mut Locked<'_>) {
    let is_aside = |name: &str| for_development.get(name).copied().unwrap_or_default();
    let product: Vec<String> = found
        .entries()
        .filter(|gem| gem.relationship == Relationship::Direct && !is_aside(&gem.component.name))
        .map(|gem| gem.id.clone())
        .collect();
    let aside: Vec<String> = found
        .entries()
        .filter(|gem| gem.relationship == Relationship::Direct && is_aside(&gem.component.name))
        .map(|gem| gem.id.clone())
        .collect();
    let (product, aside) = (found.reach(product), found.reach(aside));
    for gem in found.entries() {
        gem.dev = aside.contains(&gem.id) && !product.contains(&gem.id);
    }
}

struct Gem<'t> {
    name: &'t str,
    version: &'t str,
    needs: Vec<&'t str>,
    line: u32,
}

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let mut section = "";
    let mut gems: Vec<Gem<'_>> = Vec::new();
    let mut direct: BTreeSet<&str> = BTreeSet::new();
    let mut sums: BTreeMap<String, String> = BTreeMap::new();
    let mut in_specs = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let content = line.trim();
        let depth = line.len() - line.trim_start_matches(' ').len();
        if content.starts_with("<<<<<<<") {
            return Err(corrupt(format!("line {number}: a merge was not finished")));
        }
        match (depth, content) {
            (_, "") => {}
            (0, _) => {
                section = content;
                in_specs = false;
            }
            (2, "specs:") => in_specs = true,
            (2, _) if section == "DEPENDENCIES" => direct.extend(name(content)),
            (2, _) if section == "CHECKSUMS" => sums.extend(checksum(content)),
            (4, _) if in_specs => match entry(content) {
                Some((name, version)) => gems.push(Gem { name, version, needs: Vec::new(), line: number }),
                None => found.refuse(),
            },
            (6, _) if in_specs => {
                if let Some(gem) = gems.last_mut() {
                    gem.needs.extend(name(content));
                }
            }
            _ => {}
        }
    }
    add(&gems, &direct, &sums, found);
    Ok(())
}

/// A gem with builds for several platforms has an entry for each.
fn add(gems: &[Gem<'_>], direct: &BTreeSet<&str>, sums: &BTreeMap<String, String>, found: &mut Locked<'_>) {
    let ids: BTreeMap<&str, String> = gems.iter().map(|gem| (gem.name, identifier(gem))).collect();
    for gem in gems {
        let (version, platform) = split(gem.version);
        let Some(mut entry) = found.entry(gem.name, version) else { continue };
        entry.id = identifier(gem);
        entry.depends_on = gem.needs.iter().filter_map(|name| ids.get(name).cloned()).collect();
        let is_direct = direct.contains(gem.name);
        entry.relationship = if is_direct { Relationship::Direct } else { Relationship::Indirect };
        entry.lines = vec![Lines { first: gem.line, last: gem.line }];
        if platform.is_empty() {
            entry.digest = sums.get(&format!("{} {version}", gem.name)).cloned();
        }
        found.add(entry);
    }
}

fn identifier(gem: &Gem<'_>) -> String {
    format!("{}@{}", gem.name, split(gem.version).0)
}

/// Version and platform: versions of gems have no `-`.
fn split(version: &str) -> (&str, &str) {
    version.split_once('-').unwrap_or((version, ""))
}

/// `name (version)`
fn entry(content: &str) -> Option<(&str, &str)> {
    let (name, rest) = content.split_once(' ')?;
    let version = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    (!version.is_empty() && !version.contains([' ', ','])).then_some((name, version))
}

/// `name (>= 1.0)`, and `name!` for one that comes from a folder or repository.
fn name(content: &str) -> Option<&str> {
    content.split_whitespace().next().map(|name| name.trim_end_matches('!'))
}

/// `name (version) sha256=...`
fn checksum(content: &str) -> Option<(String, String)> {
    let (gem, sum) = content.rsplit_once(" sha256=")?;
    let (name, version) = entry(gem)?;
    let sum = sum.split(',').next()?.trim();
    let sane = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    sane.then(|| (format!("{name} {version}"), format!("sha256:{sum}")))
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, ids, lines, survives_damage, tree};
    use assay_model::component::Relationship::{Direct, Indirect};

    const LOCK: &str = "GIT
  remote: https://git.example/own.git
  revision: 0123
  specs:
    own (0.1.0)
      deep (>= 1.0, < 3)

GEM
  remote: https://registry.example/
  specs:
    deep (2.0.0.pre1)
    native (1.13.6)
      deep (~> 2)
      gone
    native (1.13.6-x86_64-linux)
      deep (~> 2)
    odd

PLATFORMS
  ruby
    x86_64-linux

DEPENDENCIES
  native (~> 1.13)
  own!

CHECKSUMS
  deep (2.0.0.pre1) sha256=0123456789012345678901234567890123456789012345678901234567890123
  native (1.13.6)

BUNDLED WITH
   2.6.1
";

    #[test]
    fn gems() {
        let out = tree(&PART, &[("Gemfile.lock", LOCK)]);
        assert_eq!(ids(&out), ["deep@2.0.0.pre1", "native@1.13.6", "own@0.1.0"]);
        let native = by_id(&out, "native@1.13.6");
        assert_eq!(native.component.purl, "pkg:gem/native@1.13.6");
        assert_eq!((native.relationship, lines(native)), (Direct, vec![(12, 12), (15, 15)]));
        assert_eq!(native.depends_on, ["deep@2.0.0.pre1"]);
        let deep = by_id(&out, "deep@2.0.0.pre1");
        assert_eq!(deep.relationship, Indirect);
        assert!(deep.digest.as_deref().is_some_and(|digest| digest.starts_with("sha256:0123")));
        assert_eq!(by_id(&out, "own@0.1.0").relationship, Direct);
        assert_eq!(out.skipped.len(), 1);
        assert_eq!(tree(&PART, &[("gems.locked", "<<<<<<< HEAD\n")]).skipped[0].reason, "corrupt");
    }

    #[test]
    fn what_only_development_leads_to() {
        let gemfile = "gem 'native'\ngroup :test do\n  gem 'own', path: '.'\nend\n";
        let out = tree(&PART, &[("x/Gemfile.lock", LOCK), ("x/Gemfile", gemfile)]);
        let dev: Vec<&str> = out.components.iter().filter(|gem| gem.dev).map(|gem| gem.id.as_str()).collect();
        assert_eq!(dev, ["own@0.1.0"]);
        let gemfile = "group :test do\n gem 'own'\n gem 'native'\nend";
        let out = tree(&PART, &[("x/Gemfile.lock", LOCK), ("x/Gemfile", gemfile)]);
        assert!(out.components.iter().all(|gem| gem.dev));
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("Gemfile.lock", LOCK), ("Gemfile", "group :test do\ngem 'own', group: [:a]\nend")]);
    }
}
