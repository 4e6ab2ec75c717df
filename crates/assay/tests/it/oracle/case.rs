//! A line of `cases.tsv`: expected document, command, input, options; the last three as Trivy's command line has them.

use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

/// Where the expected documents saw their inputs.
const FIXTURES: &str = "testdata/fixtures";

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The expected document, relative to the folder.
    pub(super) golden: String,
    /// Trivy's command.
    pub(super) command: String,
    /// Relative to the folder.
    input: String,
    options: Vec<String>,
}

/// The cases of a folder.
pub(super) fn list(folder: &Path) -> Result<Vec<Case>> {
    let text = fs::read_to_string(folder.join("cases.tsv"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(Case::of_line).collect()
}

impl Case {
    pub(super) fn of_line(line: &str) -> Result<Self> {
        let mut columns = line.split('\t').map(str::trim);
        let mut next = || columns.next().filter(|column| !column.is_empty());
        let (golden, command, input) = (next(), next(), next());
        Ok(Self {
            golden: golden.with_context(|| format!("no document in {line:?}"))?.to_owned(),
            command: command.with_context(|| format!("no command in {line:?}"))?.to_owned(),
            input: input.with_context(|| format!("no input in {line:?}"))?.to_owned(),
            options: next().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        })
    }

    pub(super) fn name(&self) -> String {
        format!("{} {} {} {}", self.golden, self.command, self.input, self.options.join(" "))
    }

    fn value(&self, option: &str) -> Option<&str> {
        let equals = self.options.iter().find_map(|o| o.strip_prefix(option)?.strip_prefix('='));
        let at = self.options.iter().position(|o| o == option);
        equals.or_else(|| self.options.get(at? + 1).map(String::as_str))
    }

    /// The format as Trivy names it.
    pub(super) fn format(&self) -> &str {
        self.value("--format").unwrap_or("json")
    }

    /// The input as the expected document names it.
    pub(super) fn shown(&self) -> String {
        format!("{FIXTURES}/{}", self.input)
    }

    /// The same in our own options; files that options name lie in the folder of the oracle, as inputs do.
    pub(super) fn arguments(&self, folder: &Path) -> Result<Vec<String>> {
        let format = match self.format() {
            "json" => "trivy-json",
            "cyclonedx" => "trivy-cyclonedx",
            other => other,
        };
        let input = self.shown();
        if self.command == "convert" {
            return Ok(owned(&["convert", &input, "--format", format]));
        }
        let mut all = owned(&["scan", "--as", self.kind()?, &input, "--format", format]);
        all.extend(owned(&["--scanners", self.value("--scanners").unwrap_or("vuln")]));
        let mut packages = format != "trivy-json";
        let mut options = self.options.iter();
        while let Some(option) = options.next() {
            let (name, value) = option.split_once('=').map_or((option.as_str(), None), |(name, v)| (name, Some(v)));
            match name {
                "--list-all-pkgs" => packages = value != Some("false"),
                "--include-dev-deps" | "--ignore-unfixed" | "--show-suppressed" if value == Some("false") => {}
                "--include-dev-deps" | "--ignore-unfixed" | "--show-suppressed" => all.push(name.to_owned()),
                _ => {
                    let value = value.or_else(|| options.next().map(String::as_str));
                    let value = value.with_context(|| format!("{name} has no value"))?;
                    if let Some(ours) = ours(name)? {
                        all.extend([ours.to_owned(), placed(folder, name, value)]);
                    }
                }
            }
        }
        if !packages {
            all.push("--no-packages".to_owned());
        }
        Ok(all)
    }

    fn kind(&self) -> Result<&'static str> {
        Ok(match self.command.as_str() {
            "repo" => "repository",
            "fs" => "filesystem",
            "rootfs" => "rootfs",
            "image" => "image",
            "sbom" => "sbom",
            other => bail!("the command {other} is not known to this harness"),
        })
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What we call an option that has a value; nothing for those that are told otherwise.
fn ours(name: &str) -> Result<Option<&'static str>> {
    Ok(Some(match name {
        "--format" | "--scanners" => return Ok(None),
        "--severity" => "--severity",
        "--skip-files" => "--skip-files",
        "--skip-dirs" => "--skip-dirs",
        "--file-patterns" => "--file-patterns",
        "--vex" => "--vex",
        "--ignorefile" => "--ignore-file",
        unknown => bail!("the option {unknown} is not known to this harness"),
    }))
}

/// A value, seen from where the expected documents were made if it is a path in the folder.
fn placed(folder: &Path, name: &str, value: &str) -> String {
    let is_path = matches!(name, "--skip-files" | "--skip-dirs" | "--vex" | "--ignorefile");
    let place = |one: &str| match is_path && folder.join(one).exists() {
        true => format!("{FIXTURES}/{one}"),
        false => one.to_owned(),
    };
    value.split(',').map(place).collect::<Vec<_>>().join(",")
}
