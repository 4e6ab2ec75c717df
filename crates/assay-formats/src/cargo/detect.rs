//! Which registries Cargo takes from on a machine: its configuration is read, and the folders in which it keeps what it
//! took from registries that nobody configured.

use assay_model::seam::machine::{Detected, Machine};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Replacements of sources that are followed.
const STEPS: usize = 10;
/// The source that Cargo knows by itself.
const DEFAULT: &str = "crates-io";

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let home = machine.variable("CARGO_HOME").map(PathBuf::from);
    let Some(home) = home.or_else(|| Some(machine.home()?.join(".cargo"))) else { return Vec::new() };
    let config = ["config.toml", "config"].iter().find_map(|name| {
        let file = home.join(name);
        Some((machine.text(&file)?.parse::<Table>().ok()?, file.display().to_string()))
    });
    let (config, place) = config.unwrap_or_default();
    let mut found: Vec<Detected> = Vec::new();
    let replaced = replacement(&config);
    found.extend(replaced.as_deref().and_then(|address| sparse(address, &place)));
    let named = config.get("registries").and_then(Value::as_table).into_iter().flatten();
    let named: Vec<Detected> = named
        .filter_map(|(name, registry)| {
            let variable = format!("CARGO_REGISTRIES_{}_INDEX", name.to_uppercase().replace('-', "_"));
            match machine.variable(&variable) {
                Some(address) => sparse(&address, &variable),
                None => sparse(registry.get("index")?.as_str()?, &place),
            }
        })
        .collect();
    if replaced.is_none() {
        let known: Vec<String> = named.iter().map(|registry| host(&registry.url).to_owned()).collect();
        found.extend(taken_from(machine, &home).into_iter().filter(|one| !known.iter().any(|k| k == host(&one.url))));
    }
    found.extend(named);
    found
}

/// The address that stands for the source that Cargo knows by itself.
fn replacement(config: &Table) -> Option<String> {
    let sources = config.get("source")?.as_table()?;
    let mut name = DEFAULT;
    for _ in 0..STEPS {
        let source = sources.get(name)?;
        match source.get("replace-with").and_then(Value::as_str) {
            Some(next) => name = next,
            None => return source.get("registry")?.as_str().map(str::to_owned),
        }
    }
    None
}

/// An index that speaks the sparse protocol; git repositories are no upstreams.
fn sparse(address: &str, place: &str) -> Option<Detected> {
    Detected::new("cargo", place, address.strip_prefix("sparse+")?)
}

/// Sparse indexes that Cargo has taken from: `HOST-0123456789abcdef`, with the registry's own configuration inside.
fn taken_from(machine: &dyn Machine, home: &Path) -> Vec<Detected> {
    let folders = machine.entries(&home.join("registry/index"));
    let one = |folder: PathBuf| {
        machine.text(&folder.join("config.json"))?;
        let (host, hash) = folder.file_name()?.to_str()?.rsplit_once('-')?;
        let is_hash = hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let found = Detected::new("cargo", folder.display().to_string(), &format!("https://{host}"));
        found.filter(|_| is_hash)
    };
    folders.into_iter().filter_map(one).collect()
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::testing::FakeMachine;

    fn addresses(machine: &FakeMachine) -> Vec<String> {
        detect(machine).into_iter().map(|found| found.url).collect()
    }

    #[test]
    fn a_replaced_source_and_named_registries_are_found() {
        let config = r#"
            [source.crates-io]
            replace-with = "mirror"
            [source.mirror]
            replace-with = "closer"
            [source.closer]
            registry = "sparse+https://mirror.example/index/"
            [registries.acme]
            index = "sparse+https://acme.example/cargo/"
            [registries.over-there]
            index = "sparse+https://old.example/"
            [registries.git]
            index = "https://git.example/index"
        "#;
        let machine = FakeMachine::default()
            .file("/home/ann/.cargo/config.toml", config)
            .file("/home/ann/.cargo/registry/index/other.example-0123456789abcdef/config.json", "{}")
            .variable("CARGO_REGISTRIES_OVER_THERE_INDEX", "sparse+https://new.example/");
        assert_eq!(
            addresses(&machine),
            ["https://mirror.example/index", "https://acme.example/cargo", "https://new.example"]
        );
    }

    #[test]
    fn what_cargo_took_from_without_configuration_is_found() {
        let machine = FakeMachine::default()
            .variable("CARGO_HOME", "/opt/cargo")
            .file("/opt/cargo/config.toml", "[registries.acme]\nindex = \"sparse+https://acme.example/cargo/\"\n")
            .file("/opt/cargo/registry/index/acme.example-0000000000000000/config.json", "{}")
            .file("/opt/cargo/registry/index/index.example-0123456789abcdef/config.json", "{}")
            .file("/opt/cargo/registry/index/git.example-0123456789abcdef/.last-updated", "")
            .file("/opt/cargo/registry/index/stray/config.json", "{}");
        assert_eq!(addresses(&machine), ["https://index.example", "https://acme.example/cargo"]);
        assert!(addresses(&FakeMachine::default()).is_empty());
    }

    #[test]
    fn sources_that_replace_each_other_are_given_up() {
        let config = "[source.crates-io]\nreplace-with = \"a\"\n[source.a]\nreplace-with = \"crates-io\"\n";
        assert!(addresses(&FakeMachine::default().file("/home/ann/.cargo/config", config)).is_empty());
    }
}
