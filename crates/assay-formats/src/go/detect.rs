//! Which module proxies Go uses on a machine: it is asked.

use assay_model::seam::machine::{Detected, Machine};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "UPPERCASE", default)]
struct Environment {
    goproxy: String,
    gonoproxy: String,
}

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let said = machine.ask("go", &["env", "-json", "GOPROXY", "GONOPROXY"]);
    let Some(said) = said.and_then(|text| serde_json::from_str::<Environment>(&text).ok()) else { return Vec::new() };
    // both are prefixes of module paths, element by element
    let exclude: Vec<String> = said
        .gonoproxy
        .split(',')
        .map(|pattern| pattern.trim().trim_end_matches('/'))
        .filter(|pattern| !pattern.is_empty())
        .flat_map(|pattern| [pattern.to_owned(), format!("{pattern}/*")])
        .collect();
    let proxies = said.goproxy.split([',', '|']).filter_map(|proxy| Detected::new("go", "go env GOPROXY", proxy));
    proxies.map(|found| Detected { exclude: exclude.clone(), ..found }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::testing::FakeMachine;

    #[test]
    fn proxies_are_found_in_order_and_private_modules_left_out() {
        let said = r#"{"GONOPROXY": "git.acme.example,*.corp.example/secret", "GOPROXY": "https://a.example/go|http://b.example,direct"}"#;
        let machine = FakeMachine::default().program("go env -json GOPROXY GONOPROXY", said);
        let found = detect(&machine);
        let addresses: Vec<&str> = found.iter().map(|one| one.url.as_str()).collect();
        assert_eq!(addresses, ["https://a.example/go", "http://b.example"]);
        let out = ["git.acme.example", "git.acme.example/*", "*.corp.example/secret", "*.corp.example/secret/*"];
        assert_eq!(found[0].exclude, out);
        for said in [r#"{"GOPROXY": "off"}"#, "go: no", "{}"] {
            assert!(detect(&FakeMachine::default().program("go env -json GOPROXY GONOPROXY", said)).is_empty());
        }
    }
}
