//! Installed Ruby gems: `specifications/*.gemspec`, which RubyGems writes as Ruby source.
//!
//! The source is not run: RubyGems writes one assignment to a line, with literal values. A hand-written specification that
//! computes its version is read by the file's name, which RubyGems makes of name and version.

use assay_archive::Budget;
use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::part::{line, text};
use crate::reader::{Reader, package, requirements};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "gemspec",
    revision: 1,
    reads: Reads::Installed,
    summary: "specifications of installed Ruby gems: name, version, licences, dependencies",
};

const OSV: &str = "RubyGems";

pub(crate) const PART: Reader = Reader { spec: &SPEC, wants: |entry| is_specification(entry.path), look };

/// `specifications/x.gemspec`, and those of Ruby's own gems in `specifications/default/`.
fn is_specification(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let folder = folder.strip_suffix("/default").unwrap_or(folder);
    name.ends_with(".gemspec") && (folder == "specifications" || folder.ends_with("/specifications"))
}

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    out.components.push(read(&text(bytes, budget)?, entry.path)?);
    Ok(())
}

fn read(text: &str, path: &str) -> Result<Occurrence, Problem> {
    let mut name = None;
    let mut version = None;
    let mut platform = None;
    let mut summary = None;
    let mut licenses = Vec::new();
    let mut requires = Vec::new();
    for statement in text.lines().map(str::trim).filter(|statement| !statement.starts_with('#')) {
        let Some((_, attribute)) = statement.split_once('.') else { continue };
        let (key, value) = attribute.split_once(['=', '(', ' ']).unwrap_or((attribute, ""));
        let values = || literals(value);
        let first = || values().into_iter().next();
        match key.trim() {
            "name" => name = name.or_else(first),
            "version" => version = version.or_else(first),
            "platform" => platform = platform.or_else(first),
            "summary" => summary = summary.or_else(first),
            "license" | "licenses" if licenses.is_empty() => licenses = values(),
            "add_runtime_dependency" | "add_dependency" => requires.extend(requirement(&values())),
            _ => {}
        }
    }
    let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".gemspec")).unwrap_or_default();
    let named = stem.rsplit_once('-').filter(|(_, version)| is_version(version));
    let name = name.or_else(|| named.map(|(name, _)| name.to_owned())).unwrap_or_default();
    let in_name = || {
        let rest = stem.strip_prefix(name.as_str())?.strip_prefix('-')?;
        rest.split('-').next().filter(|version| is_version(version)).map(str::to_owned)
    };
    let version = version.filter(|version| is_version(version)).or_else(in_name).unwrap_or_default();
    if version.is_empty() {
        let detail = format!("the version in {path} is computed, and the file's name does not tell it");
        return Err(Problem::invalid(crate::locked::UNRESOLVED, detail));
    }
    let mut found = package(OSV, &name, &version, path, SPEC.id)?;
    found.licenses = licenses.iter().filter_map(|one| line(Some(one))).collect();
    found.summary = line(summary.as_deref());
    found.requires = requirements(requires.into_iter());
    // RubyGems writes a requirement twice: for itself, and for its first versions.
    found.requires.sort();
    found.requires.dedup();
    if let Some(platform) = platform.filter(|platform| platform != "ruby") {
        found.properties.insert(format!("{}.platform", SPEC.id), platform);
    }
    Ok(found)
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

/// `name (~> 1.0, >= 1.0.2)`.
fn requirement(values: &[String]) -> Option<String> {
    let (name, ranges) = values.split_first()?;
    Some(if ranges.is_empty() { name.clone() } else { format!("{name} ({})", ranges.join(", ")) })
}

/// The string literals of a statement: `"x"`, `'x'`, `%q<x>`.
fn literals(statement: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = statement;
    while let Some(at) = rest.find(['"', '\'', '%', '#']) {
        let (open, after) = match rest.get(at..).unwrap_or_default() {
            text if text.starts_with('#') => break,
            text if text.starts_with("%q<") || text.starts_with("%Q<") => ('>', text.get(3..)),
            text if text.starts_with('%') => ('%', text.get(1..)),
            text => (text.chars().next().unwrap_or('"'), text.get(1..)),
        };
        let Some(after) = after else { break };
        if open == '%' {
            rest = after;
            continue;
        }
        let mut literal = String::new();
        let mut characters = after.char_indices();
        let mut end = None;
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => literal.extend(characters.next().map(|(_, c)| c)),
                c if c == open => {
                    end = Some(at + c.len_utf8());
                    break;
                }
                c => literal.push(c),
            }
        }
        let Some(end) = end else { break };
        found.push(literal);
        rest = after.get(end..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{is_specification, literals, read};

    #[test]
    fn what_rubygems_writes() {
        let text = r##"# -*- encoding: utf-8 -*-
# stub: demo 1.2.3 ruby lib

Gem::Specification.new do |s|
  s.name = "demo".freeze
  s.version = "1.2.3"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.summary = "It's a demo".freeze
  s.installed_by_version = "3.5.3".freeze

  s.add_runtime_dependency(%q<rack>.freeze, ["~> 2.0".freeze, ">= 2.0.1".freeze])
  s.add_development_dependency(%q<rspec>.freeze, ["~> 3".freeze])
end
"##;
        let found = read(text, "usr/lib/ruby/gems/3.2.0/specifications/demo-1.2.3.gemspec").unwrap();
        assert_eq!(found.component.purl, "pkg:gem/demo@1.2.3");
        assert_eq!(found.licenses, ["MIT", "Ruby"]);
        assert_eq!(found.requires, ["rack (~> 2.0, >= 2.0.1)"]);
        assert_eq!(found.summary.as_deref(), Some("It's a demo"));
    }

    #[test]
    fn computed_versions_are_taken_from_the_name_or_told() {
        let text = "Gem::Specification.new do |spec|\n  spec.name = 'demo-x'\n  spec.version = Demo::VERSION\nend\n";
        let found = read(text, "specifications/default/demo-x-2.0.0.pre1.gemspec").unwrap();
        assert_eq!(found.component.purl, "pkg:gem/demo-x@2.0.0.pre1");
        assert_eq!(read(text, "specifications/demo-x.gemspec").unwrap_err().code, "unresolved");
        let platform = "s.name = 'n'\ns.version = Gem::Version.new(\"1.0\")\ns.platform = \"x86_64-linux\".freeze\n";
        let found = read(platform, "specifications/n-1.0-x86_64-linux.gemspec").unwrap();
        assert_eq!(found.component.version, "1.0");
        assert_eq!(found.properties["gemspec.platform"], "x86_64-linux");
    }

    #[test]
    fn places_and_literals() {
        assert!(is_specification("a/specifications/x.gemspec") && is_specification("specifications/default/x.gemspec"));
        assert!(!is_specification("a/gems/x/x.gemspec") && !is_specification("x.gemspec"));
        assert_eq!(literals(r#"["a\"b", 'c', %q<d>, "unclosed"#), ["a\"b", "c", "d"]);
        assert!(literals("100% # 'x'").is_empty());
    }
}
