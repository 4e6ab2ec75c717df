//! What of a target is looked at: files and folders that are left out, and files that an analyzer reads besides its own.

use anyhow::{Context as _, Result, bail};
use assay_analyzers::{Excluded, Pattern, Selection};
use assay_engine::report::trivy;
use assay_model::seam::analyzer::Reads;
use std::path::{Component, Path, PathBuf};

/// The options that narrow and widen.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What is looked at")]
pub(crate) struct Area {
    /// Files not to look at: `*` within a folder, `**` across folders; relative to the target, or as seen from here
    #[arg(long, value_name = "PATTERN,...")]
    skip_files: Vec<String>,
    /// Folders not to look into, patterns likewise
    #[arg(long, value_name = "PATTERN,...")]
    skip_dirs: Vec<String>,
    /// Let an analyzer read files whose path has this regular expression besides its own: `pip:requirements-.*\.txt`
    #[arg(long, value_name = "ANALYZER:REGEX,...")]
    file_patterns: Vec<String>,
}

impl Area {
    /// The selection with these options.
    pub(crate) fn apply(&self, target: &str, selection: Selection) -> Result<Selection> {
        let globs = |given: &[String]| -> Result<Vec<Pattern>> {
            let all = given.iter().flat_map(|list| apart(list));
            all.map(|text| Ok(Pattern::glob(&below(Path::new(target), text)?)?)).collect()
        };
        let excluded = Excluded { files: globs(&self.skip_files)?, folders: globs(&self.skip_dirs)? };
        let mut also = Vec::new();
        for text in self.file_patterns.iter().flat_map(|list| apart(list)) {
            let Some((name, expression)) = text.split_once(':') else {
                bail!("{text:?} is no ANALYZER:REGEX such as pip:requirements-.*\\.txt");
            };
            let pattern = Pattern::regex(expression)?;
            also.extend(analyzers(name)?.into_iter().map(|id| (id, pattern.clone())));
        }
        Ok(Selection { excluded, also, ..selection })
    }
}

/// The analyzers of this name: one's own, or one under which Trivy knows them.
fn analyzers(name: &str) -> Result<Vec<String>> {
    let all = assay_analyzers::all();
    if all.iter().any(|part| part.spec().id == name) {
        return Ok(vec![name.to_owned()]);
    }
    let known = trivy::analyzers_of(name);
    let mut specs: Vec<_> = all.iter().map(|part| part.spec()).filter(|spec| known.contains(&spec.id)).collect();
    // One name is for a lock file and for the package files of its ecosystem: the former is what has odd names.
    if specs.iter().any(|spec| spec.reads == Reads::Project) {
        specs.retain(|spec| spec.reads == Reads::Project);
    }
    if specs.is_empty() {
        bail!("no analyzer is called {name:?}; `assay scan --format json` names those that read something");
    }
    Ok(specs.into_iter().map(|spec| spec.id.to_owned()).collect())
}

/// Patterns between commas; a comma in brackets or braces belongs to its pattern.
fn apart(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_i32, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            ',' if depth <= 0 => {
                parts.push(list.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list.get(from..).unwrap_or_default());
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The pattern relative to the target: one that leads into the target, seen from the working directory or the root, loses
/// that part; any other is relative to it already.
fn below(target: &Path, pattern: &str) -> Result<String> {
    if !target.is_dir() {
        return Ok(pattern.to_owned());
    }
    let here = std::env::current_dir().context("the working directory is not known")?;
    let inside = plain(&here.join(pattern));
    let inner = inside.strip_prefix(plain(&here.join(target))).ok().filter(|inner| !inner.as_os_str().is_empty());
    Ok(inner.map_or_else(|| pattern.to_owned(), |inner| inner.to_string_lossy().into_owned()))
}

/// Without `.` and `..`, by the letters alone.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn commas_part_patterns_outside_of_braces() {
        assert_eq!(apart("a, **/{b,c}.txt,,d[,]"), ["a", "**/{b,c}.txt", "d[,]"]);
    }

    #[test]
    fn patterns_lead_into_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display();
        assert_eq!(below(folder.path(), &format!("{shown}/x/../sub/*.lock")).unwrap(), "sub/*.lock");
        assert_eq!(below(folder.path(), "sub").unwrap(), "sub");
        assert_eq!(below(Path::new("src"), "./src/cli").unwrap(), "cli");
        assert_eq!(below(Path::new("src"), "cli").unwrap(), "cli");
        assert_eq!(below(Path::new("image:tag"), "usr").unwrap(), "usr");
    }

    #[test]
    fn analyzers_have_two_names() {
        assert_eq!(analyzers("mix-lock").unwrap(), ["mix"]);
        assert_eq!(analyzers("pip").unwrap(), ["pip"]);
        assert!(analyzers("nothing").is_err());
        let area = Area { file_patterns: vec!["pip".to_owned()], ..Area::default() };
        assert!(area.apply("x", Selection::default()).is_err());
    }
}
