//! `assay policy check` and `assay policy schema`: what a server would say of a source, without one.

use super::{super::Context, source};
use anyhow::{Context as _, Result, bail};
use assay_engine::Validation;
use assay_model::seam::judge::Judge as _;
use assay_policy::RegoJudge;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Most files of one check.
const MAX_FILES: usize = 10_000;
/// Deepest folder.
const MAX_DEPTH: usize = 32;

pub(super) fn check(context: &Context, paths: &[PathBuf]) -> Result<ExitCode> {
    let mut files = BTreeSet::new();
    for path in paths {
        collect(path, 0, &mut files)?;
    }
    if files.is_empty() {
        bail!("there is no .rego file there");
    }
    let judge = RegoJudge::new(&[]);
    let mut checked: Vec<(PathBuf, Validation)> = Vec::new();
    for file in files {
        let rego = source(&file)?;
        checked.push((file, Validation::of(judge.check(&rego))));
    }
    let good = checked.iter().all(|(_, one)| one.is_valid);
    if context.out.json {
        let files: Vec<Value> = checked
            .iter()
            .map(|(file, one)| json!({"file": file, "is_valid": one.is_valid, "findings": one.findings}))
            .collect();
        context.out.data(&json!({"is_valid": good, "files": files}))?;
    } else {
        context.out.text(&told(&checked))?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line for each finding, as compilers write them, and how it ended.
fn told(checked: &[(PathBuf, Validation)]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (file, one) in checked {
        for finding in &one.findings {
            let remark = &finding.remark;
            let place = if remark.line == 0 { String::new() } else { format!(":{}:{}", remark.line, remark.column) };
            lines.push(format!(
                "{}{place}: {}: {} [{}]",
                file.display(),
                finding.severity,
                remark.message,
                remark.code
            ));
        }
    }
    let bad = checked.iter().filter(|(_, one)| !one.is_valid).count();
    let files = if checked.len() == 1 { "1 policy".to_owned() } else { format!("{} policies", checked.len()) };
    lines.push(if bad == 0 {
        format!("{files} checked, all can be saved")
    } else {
        format!("{files} checked, {bad} cannot be saved")
    });
    lines.join("\n")
}

/// Rego files at or below a path; tests of policies are left out.
fn collect(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    if !std::fs::metadata(path).with_context(unreadable)?.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    if depth > MAX_DEPTH {
        bail!("{} is nested too deep", path.display());
    }
    for entry in std::fs::read_dir(path).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let (kind, name) = (entry.file_type().with_context(unreadable)?, entry.file_name());
        let name = name.to_string_lossy();
        if kind.is_dir() {
            collect(&entry.path(), depth + 1, files)?;
        } else if name.ends_with(".rego") && !name.ends_with("_test.rego") {
            files.insert(entry.path());
        }
        if files.len() > MAX_FILES {
            bail!("there are more than {MAX_FILES} files; name a smaller folder");
        }
    }
    Ok(())
}

pub(super) fn schema(context: &Context, version: &str) -> Result<()> {
    match RegoJudge::new(&[]).schema(version) {
        Some(schema) => context.out.data(&schema),
        None => bail!("there is no input.{version}; there are v0 and v1"),
    }
}
