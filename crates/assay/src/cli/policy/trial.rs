//! Policies from files, as something to be tried: a Rego file, or a directory of Rego files or of folders with
//! `policy.rego` and `policy.yaml`.

use super::{action, named, source};
use crate::cli::text;
use anyhow::{Context as _, Result, bail};
use assay_engine::{PolicyTrial, Trial};
use assay_model::policy::{OnFailure, PolicyAction};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Largest `policy.yaml`, in bytes.
const MAX_YAML: u64 = 64 << 10;

/// What is tried, and where.
#[derive(Debug, clap::Args)]
pub(super) struct TrialArgs {
    /// Rego sources, or directories of them (`NAME.rego`, or `NAME/policy.rego` beside `policy.yaml`)
    #[arg(value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Try these policies as a change to the stored ones: the same name replaces, others stay (the default)
    #[arg(long, conflicts_with = "alone")]
    set: bool,
    /// Try these policies alone, without the stored ones
    #[arg(long)]
    alone: bool,
    /// Try a stored policy as if it were enabled; may be repeated
    #[arg(long, value_name = "SLUG")]
    enable: Vec<String>,
    /// Try without a stored policy; may be repeated
    #[arg(long, value_name = "SLUG")]
    disable: Vec<String>,
    /// What a match does: quarantine, hide, allow, ...; else what `policy.yaml` or the stored policy says, else quarantine
    #[arg(long, value_name = "ACTION", value_parser = action)]
    action: Vec<PolicyAction>,
    /// Name of the policy, where one file is tried; else the file's
    #[arg(long)]
    name: Option<String>,
    /// Only packages of this repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only packages that this search finds
    #[arg(long, value_name = "SEARCH")]
    query: Option<String>,
}

impl TrialArgs {
    /// # Errors
    /// When files cannot be read or nothing is tried.
    pub(super) fn trial(self) -> Result<Trial> {
        if self.paths.is_empty() && self.enable.is_empty() && self.disable.is_empty() {
            bail!(
                "nothing to try: name a Rego file or a directory, or switch a stored policy with --enable or --disable"
            );
        }
        let mut policies = Vec::new();
        for path in &self.paths {
            read(path, &mut policies)?;
        }
        if let Some(name) = &self.name {
            match policies.as_mut_slice() {
                [one] => one.name.clone_from(name),
                all => bail!("--name is for one policy, and there are {}", all.len()),
            }
        }
        if !self.action.is_empty() {
            policies.iter_mut().for_each(|one| one.actions = Some(self.action.clone()));
        }
        Ok(Trial {
            policies,
            alone: self.alone,
            enable: self.enable,
            disable: self.disable,
            repository: self.repository,
            query: self.query,
        })
    }
}

fn read(path: &Path, into: &mut Vec<PolicyTrial>) -> Result<()> {
    let before = into.len();
    if path.is_dir() {
        if path.join("policy.rego").is_file() {
            into.push(folder(path)?);
            return Ok(());
        }
        let listed = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut entries = listed.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
        entries.sort();
        for entry in entries {
            if entry.join("policy.rego").is_file() {
                into.push(folder(&entry)?);
            } else if is_policy(&entry) {
                into.push(PolicyTrial { name: named(&entry), rego: Some(source(&entry)?), ..PolicyTrial::default() });
            }
        }
        if into.len() == before {
            bail!("{} has no policy: neither NAME.rego nor NAME/policy.rego", path.display());
        }
        return Ok(());
    }
    if path.file_name().is_some_and(|name| name == "policy.rego") && path.with_extension("yaml").is_file() {
        into.push(folder(path.parent().unwrap_or(Path::new(".")))?);
        return Ok(());
    }
    into.push(PolicyTrial { name: named(path), rego: Some(source(path)?), ..PolicyTrial::default() });
    Ok(())
}

/// Tests beside a policy are none.
fn is_policy(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.is_file() && name.ends_with(".rego") && !name.ends_with("_test.rego")
}

/// What `policy.yaml` may say; what else is in there is for people.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sheet {
    name: Option<String>,
    description: Option<String>,
    precedence: Option<u16>,
    terminal: Option<bool>,
    enabled: Option<bool>,
    on_failure: Option<OnFailure>,
    actions: Option<Vec<Wanted>>,
}

/// An action as it is typed on the command line, or with its parameters.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    Short(String),
    Long(PolicyAction),
}

fn folder(path: &Path) -> Result<PolicyTrial> {
    let yaml = path.join("policy.yaml");
    let sheet = if yaml.is_file() { sheet(&yaml)? } else { Sheet::default() };
    let kind = |wanted: Wanted| match wanted {
        Wanted::Short(text) => action(&text).map_err(|e| anyhow::anyhow!("{}: {e}", yaml.display())),
        Wanted::Long(action) => Ok(action),
    };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(PolicyTrial {
        name: sheet.name.unwrap_or(folder),
        description: sheet.description,
        rego: Some(source(&path.join("policy.rego"))?),
        precedence: sheet.precedence,
        terminal: sheet.terminal,
        enabled: sheet.enabled,
        on_failure: sheet.on_failure,
        actions: sheet.actions.map(|all| all.into_iter().map(kind).collect::<Result<Vec<_>>>()).transpose()?,
    })
}

fn sheet(path: &Path) -> Result<Sheet> {
    let text = text::read(path, MAX_YAML, "")?;
    serde_saphyr::from_str(&text).map_err(|e| {
        anyhow::anyhow!("{} cannot be understood: {}", path.display(), e.to_string().lines().next().unwrap_or_default())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_become_policies_and_tests_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("plain.rego", "package assay");
        write("plain_test.rego", "package assay_test");
        write("kev/policy.rego", "package cloudsmith");
        write(
            "kev/policy.yaml",
            "name: Known exploited\nprecedence: 7\non_failure: fail-open\nactions:\n  - hide\n  - kind: add_tags\n    params: {tags: [kev]}\nsummary: x\n",
        );
        let mut all = Vec::new();
        read(dir.path(), &mut all).unwrap();
        let named: Vec<_> = all.iter().map(|p| (p.name.as_str(), p.precedence)).collect();
        assert_eq!(named, [("Known exploited", Some(7)), ("plain", None)]);
        let kinds: Vec<_> = all[0].actions.iter().flatten().map(|a| a.kind.as_str()).collect();
        assert_eq!((kinds, all[0].on_failure), (vec!["set_state", "add_tags"], Some(OnFailure::FailOpen)));
        let mut one = Vec::new();
        read(&dir.path().join("kev/policy.rego"), &mut one).unwrap();
        assert_eq!(one, all[..1]);
        write("bad/policy.rego", "");
        write("bad/policy.yaml", "precedence: many");
        let error = read(&dir.path().join("bad"), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("policy.yaml cannot be understood"), "{error}");
    }
}
