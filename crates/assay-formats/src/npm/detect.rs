//! Which registries the JavaScript clients of a machine take from: they are asked.

use assay_model::seam::machine::{Detected, Machine};
use serde_json::{Map, Value};

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let mut found = npm(machine);
    let others: [(&str, &[&str]); 3] = [
        ("pnpm", &["config", "get", "registry"]),
        ("yarn", &["config", "get", "npmRegistryServer"]),
        ("yarn", &["config", "get", "registry"]),
    ];
    for (client, arguments) in others {
        let said = machine.ask(client, arguments).unwrap_or_default();
        let place = format!("{client} {}", arguments.join(" "));
        // older ones print notes around the answer
        let address = said.lines().map(str::trim).find(|line| line.contains("://") && !line.contains(' '));
        found.extend(address.and_then(|address| Detected::new(client, place, address)));
    }
    found
}

/// npm tells its whole configuration; a scope may have a registry of its own.
fn npm(machine: &dyn Machine) -> Vec<Detected> {
    let place = "npm config list --json";
    let said = machine.ask("npm", &["config", "list", "--json"]);
    let Some(settings) = said.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok()) else {
        return Vec::new();
    };
    let scoped = settings.iter().filter_map(|(key, value)| {
        let scope = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@'))?;
        let found = Detected::new("npm", place, value.as_str()?)?;
        Some(Detected { include: vec![format!("{scope}/*")], ..found })
    });
    let default = settings.get("registry").and_then(Value::as_str).and_then(|url| Detected::new("npm", place, url));
    scoped.chain(default).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::testing::FakeMachine;

    #[test]
    fn scopes_come_before_the_registry_of_all() {
        let said = r#"{"registry": "https://registry.example/", "@acme:registry": "https://acme.example/npm/", "cache": "/x"}"#;
        let machine = FakeMachine::default()
            .program("npm config list --json", said)
            .program("yarn config get registry", "warning something\nhttps://yarn.example\nDone in 0.1s.\n")
            .program("yarn config get npmRegistryServer", "undefined\n");
        let found = detect(&machine);
        let addresses: Vec<&str> = found.iter().map(|one| one.url.as_str()).collect();
        assert_eq!(addresses, ["https://acme.example/npm", "https://registry.example", "https://yarn.example"]);
        assert_eq!(found[0].include, ["@acme/*"]);
        assert!(detect(&FakeMachine::default()).is_empty());
    }
}
