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

    /// The same in our own options.
    pub(super) fn arguments(&self) -> Result<Vec<String>> {
        let format = match self.format() {
            "json" => "trivy-json",
            "cyclonedx" => "trivy-cyclonedx",
            other => other,
        };
        let mut all: Vec<&str> =
            if self.command == "convert" { vec!["convert"] } else { vec!["scan", "--as", self.kind()?] };
        let input = self.shown();
        all.extend([input.as_str(), "--format", format]);
        if self.command == "convert" {
            return Ok(all.into_iter().map(str::to_owned).collect());
        }
        all.extend(["--scanners", self.value("--scanners").unwrap_or("vuln")]);
        let mut packages = format != "trivy-json";
        let mut options = self.options.iter().map(String::as_str);
        while let Some(option) = options.next() {
            match option.split('=').next().unwrap_or(option) {
                "--list-all-pkgs" => packages = !option.ends_with("=false"),
                "--include-dev-deps" => all.push("--include-dev"),
                "--ignore-unfixed" => all.push("--ignore-unfixed"),
                "--severity" => all.extend(["--severity", self.value("--severity").unwrap_or_default()]),
                "--format" | "--scanners" => {}
                unknown => bail!("the option {unknown} is not known to this harness"),
            }
            if !option.contains('=') && matches!(option, "--format" | "--scanners" | "--severity") {
                options.next();
            }
        }
        if !packages {
            all.push("--no-packages");
        }
        Ok(all.into_iter().map(str::to_owned).collect())
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
