//! Which registries the container tools of a machine take from: mirrors and search lists of their configuration, and those
//! that somebody has logged in to.

use assay_model::{
    seam::machine::{Detected, Machine},
    upstream::Secrets,
};
use base64::Engine as _;
use serde_json::Value;
use std::path::PathBuf;

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let mut found = daemon(machine);
    found.extend(containers(machine));
    let logins = logins(machine);
    for one in &mut found {
        if let Some(login) = logins.iter().find(|login| login.url == one.url) {
            one.secrets = login.secrets.clone();
        }
    }
    let others: Vec<Detected> =
        logins.into_iter().filter(|login| !found.iter().any(|one| one.url == login.url)).collect();
    found.extend(others);
    found
}

/// `registry-mirrors` of Docker's daemon.
fn daemon(machine: &dyn Machine) -> Vec<Detected> {
    let files = machine.home().map(|home| home.join(".config/docker/daemon.json"));
    let files = files.into_iter().chain([PathBuf::from("/etc/docker/daemon.json")]);
    let mut found = Vec::new();
    for file in files {
        let Some(settings) = machine.text(&file).and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
            continue;
        };
        let mirrors = settings.get("registry-mirrors").and_then(Value::as_array).into_iter().flatten();
        found.extend(mirrors.filter_map(|m| Detected::new("docker", file.display().to_string(), m.as_str()?)));
    }
    found
}

/// registries.conf of Podman, Buildah, Skopeo and CRI-O (containers-registries.conf(5)). The user's file stands in for
/// the system's.
fn containers(machine: &dyn Machine) -> Vec<Detected> {
    let named = machine.variable("CONTAINERS_REGISTRIES_CONF").map(PathBuf::from);
    let users = machine.home().map(|home| home.join(".config/containers"));
    let of_user = users.as_ref().map(|folder| folder.join("registries.conf"));
    let main = [named, of_user, Some(PathBuf::from("/etc/containers/registries.conf"))];
    let main = main.into_iter().flatten().find(|file| machine.text(file).is_some());
    let more = [Some(PathBuf::from("/etc/containers/registries.conf.d")), users.map(|u| u.join("registries.conf.d"))];
    let more = more.into_iter().flatten().flat_map(|folder| machine.entries(&folder));
    let more = more.filter(|file| file.extension().is_some_and(|kind| kind == "conf"));
    let mut found = Vec::new();
    for file in main.into_iter().chain(more) {
        let Some(settings) = machine.text(&file).and_then(|text| text.parse::<toml::Table>().ok()) else { continue };
        let place = file.display().to_string();
        let mut add = |location: Option<&toml::Value>, insecure: bool| {
            let Some(location) = location.and_then(toml::Value::as_str).filter(|l| !l.contains('*')) else { return };
            let scheme = if insecure { "http" } else { "https" };
            found.extend(Detected::new("podman", place.clone(), &format!("{scheme}://{location}")));
        };
        let list = |table: &toml::Table, key: &str| table.get(key).and_then(toml::Value::as_array).cloned();
        for registry in list(&settings, "registry").unwrap_or_default() {
            let Some(registry) = registry.as_table() else { continue };
            let is = |table: &toml::Table, key: &str| table.get(key).and_then(toml::Value::as_bool) == Some(true);
            if is(registry, "blocked") {
                continue;
            }
            for mirror in list(registry, "mirror").unwrap_or_default().iter().filter_map(toml::Value::as_table) {
                add(mirror.get("location"), is(mirror, "insecure"));
            }
            add(registry.get("location").or_else(|| registry.get("prefix")), is(registry, "insecure"));
        }
        for registry in list(&settings, "unqualified-search-registries").unwrap_or_default() {
            add(Some(&registry), false);
        }
    }
    found
}

/// What `docker login`, `podman login` and their kin have saved. Helpers that keep passwords elsewhere are not asked.
fn logins(machine: &dyn Machine) -> Vec<Detected> {
    let folder = machine.variable("DOCKER_CONFIG").map(PathBuf::from);
    let files = [
        machine.variable("REGISTRY_AUTH_FILE").map(PathBuf::from),
        machine.variable("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("containers/auth.json")),
        folder.or_else(|| Some(machine.home()?.join(".docker"))).map(|folder| folder.join("config.json")),
    ];
    let mut found: Vec<Detected> = Vec::new();
    for file in files.into_iter().flatten() {
        let Some(saved) = machine.text(&file).and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
            continue;
        };
        for (key, entry) in saved.get("auths").and_then(Value::as_object).into_iter().flatten() {
            // a key may be an address of an older protocol: only its host is the registry's
            let bare = key.split_once("://").map_or(key.as_str(), |(_, rest)| rest);
            let host = bare.split('/').next().unwrap_or_default();
            let Some(one) = Detected::new("docker", file.display().to_string(), &format!("https://{host}")) else {
                continue;
            };
            let secrets = entry.get("auth").and_then(Value::as_str).and_then(login).unwrap_or_default();
            if !found.iter().any(|known| known.url == one.url) {
                found.push(Detected { secrets, ..one });
            }
        }
    }
    found
}

fn login(encoded: &str) -> Option<Secrets> {
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let (username, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Secrets { username: username.to_owned(), password: password.to_owned(), ..Secrets::default() })
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
    fn mirrors_and_search_lists_are_found() {
        let conf = r#"
            unqualified-search-registries = ["registry.example", "second.example"]
            [[registry]]
            prefix = "*.wild.example"
            [[registry]]
            location = "hub.example/library"
            [[registry.mirror]]
            location = "mirror.example:5000"
            insecure = true
            [[registry]]
            location = "bad.example"
            blocked = true
        "#;
        let machine = FakeMachine::default()
            .file("/etc/docker/daemon.json", r#"{"registry-mirrors": ["https://docker-mirror.example/"]}"#)
            .file("/etc/containers/registries.conf", conf)
            .file("/etc/containers/registries.conf.d/x.conf", "[[registry]]\nlocation = \"more.example\"\n")
            .file("/etc/containers/registries.conf.d/README", "[[registry]]\nlocation = \"not.example\"\n");
        assert_eq!(
            addresses(&machine),
            [
                "https://docker-mirror.example",
                "http://mirror.example:5000",
                "https://hub.example/library",
                "https://registry.example",
                "https://second.example",
                "https://more.example",
            ]
        );
        let own = machine.file("/home/ann/.config/containers/registries.conf", "unqualified-search-registries = []\n");
        assert_eq!(
            addresses(&own),
            ["https://docker-mirror.example", "https://more.example"],
            "the user's file counts"
        );
    }

    #[test]
    fn logins_are_found_by_host() {
        let auth = base64::engine::general_purpose::STANDARD.encode("me:se:cret");
        let saved =
            format!(r#"{{"auths": {{"https://a.example/v1/": {{"auth": "{auth}"}}, "b.example:5000": {{}}}}}}"#);
        let machine = FakeMachine::default()
            .file("/home/ann/.docker/config.json", &saved)
            .file("/etc/docker/daemon.json", r#"{"registry-mirrors": ["https://a.example"]}"#);
        let found = detect(&machine);
        assert_eq!(addresses(&machine), ["https://a.example", "https://b.example:5000"]);
        assert_eq!((found[0].secrets.password.as_str(), found[0].client.as_str()), ("se:cret", "docker"));
        assert!(found[1].secrets.is_empty());
    }
}
