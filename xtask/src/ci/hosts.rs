//! No public package registry is named in the repository: where artifacts come from is configuration.
//!
//! Which hosts are public registries is asked of the clients installed on this machine, so that this file need not
//! name them either. Lock files are left out; they record where their content came from.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command::quiet;
use crate::repo;

/// Files above this many bytes are data, not something a person wrote.
const LARGE: u64 = 4 << 20;

/// Asks pip for the index and the file host that it knows without any configuration.
const ASK_PIP: &str =
    "from pip._internal.models.index import PyPI\nprint(PyPI.url)\nprint('https://' + PyPI.file_storage_domain)";

/// Places where such a host is named.
///
/// # Errors
/// When the tree cannot be read.
pub fn check() -> Result<Vec<String>> {
    let hosts = known();
    let mut broken = Vec::new();
    for file in repo::files()? {
        let path = repo::root().join(&file);
        let lock = file.extension().is_some_and(|kind| kind == "lock");
        if lock || path.metadata()?.len() > LARGE {
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in text.lines().enumerate() {
            if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
                broken.push(format!("{}:{}: names {host}: make it configuration", file.display(), number + 1));
            }
        }
    }
    Ok(broken)
}

/// The hosts that the clients on this machine use.
fn known() -> BTreeSet<String> {
    let mut said = String::new();
    let python = repo::program("python3").unwrap_or_else(|| PathBuf::from("python3"));
    for (program, arguments) in [
        ("npm", vec!["config", "get", "registry"]),
        ("go", vec!["env", "GOPROXY", "GOSUMDB"]),
        (python.to_str().unwrap_or("python3"), vec!["-c", ASK_PIP]),
    ] {
        if let Ok(output) = quiet(Command::new(program).args(arguments)) {
            said.push_str(&String::from_utf8_lossy(&output.stdout));
            said.push('\n');
        }
    }
    said.push_str(&apt_sources());
    let mut hosts: BTreeSet<String> = said.split([',', '|', '\n', ' ']).filter_map(host).collect();
    hosts.extend(cargo_indexes());
    hosts.retain(|host| public(host));
    hosts
}

/// The host of an address; a bare name counts when it looks like one (a checksum database has no scheme).
fn host(word: &str) -> Option<String> {
    let rest = match word.split_once("://") {
        Some((_, rest)) => rest,
        None if word.starts_with("sum.") => word,
        None => return None,
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', ':']).next().map(str::to_owned)
}

/// Loopback mirrors and hosts of source code are no package registries.
fn public(host: &str) -> bool {
    let name = host.contains('.') && host.chars().any(|c| c.is_ascii_alphabetic());
    name && !host.ends_with(".localhost") && !host.contains("github")
}

fn apt_sources() -> String {
    let mut text = std::fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    let entries = std::fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    for entry in entries {
        text.push('\n');
        text.push_str(&std::fs::read_to_string(entry.path()).unwrap_or_default());
    }
    text
}

/// Cargo names the folder of an index after its host, a dash and a hash.
fn cargo_indexes() -> Vec<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    let Some(home) = home else { return Vec::new() };
    let entries = std::fs::read_dir(home.join("registry/index")).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.rsplit_once('-').map(|(host, _)| host.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{host, known, public};

    #[test]
    fn hosts_are_taken_out_of_addresses() {
        assert_eq!(host("https://user:secret@registry.example.test:8443/x/").as_deref(), Some("registry.example.test"));
        assert_eq!(host("sum.example.test").as_deref(), Some("sum.example.test"));
        assert_eq!(host("direct"), None);
    }

    #[test]
    fn mirrors_on_this_machine_are_not_public() {
        assert!(!public("127.0.0.1"));
        assert!(!public("localhost"));
        assert!(public("registry.example.test"));
    }

    #[test]
    fn this_machine_has_a_cargo_at_least() {
        // Without an index folder (vendored sources) there is nothing to compare with, and no client to be misled.
        assert!(known().iter().all(|host| public(host)));
    }
}
