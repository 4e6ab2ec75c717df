//! Which chart repositories Helm knows on a machine: the file in which `helm repo add` keeps them.

use super::yaml::{self, Bounds};
use assay_model::{
    seam::machine::{Detected, Machine},
    upstream::Secrets,
};
use serde::Deserialize;
use std::path::PathBuf;

/// Largest list of repositories.
const BOUNDS: Bounds = Bounds { nodes: 100_000, bytes: 4 << 20 };

#[derive(Deserialize)]
struct Repositories {
    #[serde(default)]
    repositories: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let named = machine.variable("HELM_REPOSITORY_CONFIG").map(PathBuf::from);
    let config = machine.variable("HELM_CONFIG_HOME").map(PathBuf::from).or_else(|| {
        let config = machine.variable("XDG_CONFIG_HOME").map(PathBuf::from);
        Some(config.or_else(|| Some(machine.home()?.join(".config")))?.join("helm"))
    });
    let Some(file) = named.or_else(|| Some(config?.join("repositories.yaml"))) else { return Vec::new() };
    let place = file.display().to_string();
    let read = machine.text(&file).and_then(|text| yaml::read::<Repositories>(&text, BOUNDS).ok());
    let found = read.into_iter().flat_map(|all| all.repositories).filter_map(|entry| {
        let found = Detected::new("helm", place.clone(), &entry.url)?;
        if entry.username.is_empty() {
            return Some(found);
        }
        let secrets = Secrets { username: entry.username, password: entry.password, ..Secrets::default() };
        Some(Detected { secrets, ..found })
    });
    found.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::testing::FakeMachine;

    #[test]
    fn added_repositories_are_found_with_their_logins() {
        let text = "apiVersion: \"\"\nrepositories:\n- name: a\n  url: https://charts.example/stable/\n  username: ann\n  password: pw\n\
                    - name: b\n  url: https://more.example\n- name: c\n  url: oci://registry.example/charts\n";
        let machine = FakeMachine::default().file("/home/ann/.config/helm/repositories.yaml", text);
        let found = detect(&machine);
        let addresses: Vec<&str> = found.iter().map(|one| one.url.as_str()).collect();
        assert_eq!(addresses, ["https://charts.example/stable", "https://more.example"]);
        assert_eq!((found[0].secrets.password.as_str(), found[1].secrets.is_empty()), ("pw", true));
        let elsewhere = FakeMachine::default().variable("HELM_REPOSITORY_CONFIG", "/r.yaml").file("/r.yaml", text);
        assert_eq!(detect(&elsewhere).len(), 2);
        assert!(detect(&FakeMachine::default().file("/home/ann/.config/helm/repositories.yaml", "{[")).is_empty());
    }
}
