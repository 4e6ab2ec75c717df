//! What is measured. Each item is a function of its own world; one that fails does not hide the others.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::server::Server;
use super::table::Row;
use super::{Options, Programs, change, continuous, policy, pull, registry, scan, scanner, simulate};
use crate::command::quiet;

/// A measurement by name.
pub type Item = (&'static str, fn(&Options, &Programs) -> Result<Vec<Row>>);

pub const ALL: &[Item] = &[
    ("pull", pull::measure),
    ("registry: pulls", registry::pulls),
    ("registry: indexes", registry::indexes),
    ("registry: pushes", registry::pushes),
    ("registry: proxy", registry::proxy),
    ("scan: wheel", scan::wheel),
    ("scan: Alpine image", scan::image),
    ("scanner: wheel", scanner::wheel),
    ("scanner: systems", scanner::systems),
    ("scanner: bills", scanner::bills),
    ("scanner: secrets", scanner::secrets),
    ("scanner: large image", scanner::large),
    ("policy: evaluations", policy::evaluations),
    ("scale", change::measure),
    ("policy: simulate", simulate::measure),
    ("continuous", continuous::measure),
];

/// A policy that reads vulnerabilities, as most do: it refuses what has one that scores 9 or more.
pub const POLICY: &str = "\
package assay

import rego.v1

default match := false

match if count(reason) > 0

reason contains msg if {
\tsome vulnerability in input.v0.security_scan.Vulnerabilities
\tsome cvss in vulnerability.CVSS
\tcvss.V3Score >= 9
\tmsg := sprintf(\"%s scores %v\", [vulnerability.VulnerabilityID, cvss.V3Score])
}
";

/// Adds the policy, which asks for a decision about everything that is stored.
pub fn add_policy(server: &Server) -> Result<()> {
    let file = server.scratch().join("critical.rego");
    std::fs::write(&file, POLICY)?;
    server.cli(&["policy", "add", &file.display().to_string(), "--action", "quarantine"]).map(drop)
}

/// Uploads `names` projects with `versions` versions each, as tiny wheels.
pub fn fill(programs: &Programs, server: &Server, prefix: &str, names: usize, versions: usize) -> Result<()> {
    let mut command = Command::new(&programs.fill);
    command.args(["wheels", "--url", &server.address(), "--repository", "main", "--prefix", prefix]);
    command.args(["--names", &names.to_string(), "--versions", &versions.to_string(), "--connections", "8"]);
    quiet(command.env("ASSAY_TOKEN", server.token())).map(drop)
}

/// Writes a feed of one advisory that says every version of `name` has a critical vulnerability.
pub fn write_advisory(programs: &Programs, id: &str, name: &str, file: &Path) -> Result<()> {
    quiet(Command::new(&programs.fill).args(["advisory", "--id", id, "--name", name, "--out"]).arg(file)).map(drop)
}
