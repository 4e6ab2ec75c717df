//! Bundler projects: `Gemfile.lock` (also `gems.locked`).

use std::collections::{BTreeMap, BTreeSet};

use assay_model::component::{Lines, Relationship};
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{Locked, Single, file_name};
use crate::part::corrupt;

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "bundler",
    revision: 1,
    reads: Reads::Project,
    summary: "`Gemfile.lock`: gems, their graph, which of them the project itself asks for",
};

pub(crate) const PART: Single = Single {
    spec: &SPEC,
    wants: |path| matches!(file_name(path), "Gemfile.lock" | "gems.locked"),
    read,
    ecosystem: "RubyGems",
};

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
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("Gemfile.lock", LOCK)]);
    }
}
