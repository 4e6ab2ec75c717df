//! What `pyproject.toml` says of dependencies: the standard tables (PEP 621, PEP 735), poetry's and pdm's own.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::normal;
use super::requirement::Requirement;

/// Normalised names of what a project asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PyProject {
    /// To run it, extras included.
    pub(crate) main: BTreeSet<String>,
    /// To develop it.
    pub(crate) groups: BTreeSet<String>,
    /// Names of the groups to develop it.
    pub(crate) group_names: BTreeSet<String>,
}

impl PyProject {
    /// None if it is no TOML.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let table: Table = super::toml(text).ok()?;
        let mut found = Self::default();
        let project = table.get("project").and_then(Value::as_table);
        let tool = |name: &str| table.get("tool").and_then(|tool| tool.get(name)).and_then(Value::as_table);
        let standard: Vec<&Value> =
            ["dependencies", "optional-dependencies"].iter().filter_map(|key| project?.get(*key)).collect();
        for value in &standard {
            found.main.extend(names(value));
        }
        if standard.is_empty()
            && let Some(value) = tool("poetry").and_then(|poetry| poetry.get("dependencies"))
        {
            found.main.extend(names(value));
        }
        found.main.remove("python");
        found.add_groups(table.get("dependency-groups"), None);
        found.add_groups(tool("poetry").and_then(|poetry| poetry.get("group")), Some("dependencies"));
        found.add_groups(tool("pdm").and_then(|pdm| pdm.get("dev-dependencies")), None);
        if let Some(value) = tool("poetry").and_then(|poetry| poetry.get("dev-dependencies")) {
            found.groups.extend(names(value));
            found.group_names.insert("dev".to_owned());
        }
        Some(found)
    }

    fn add_groups(&mut self, groups: Option<&Value>, below: Option<&str>) {
        for (name, group) in groups.and_then(Value::as_table).into_iter().flatten() {
            let Some(members) = below.map_or(Some(group), |key| group.get(key)) else { continue };
            self.groups.extend(names(members));
            self.group_names.insert(name.clone());
        }
    }

    pub(crate) fn is_direct(&self, name: &str) -> bool {
        let name = normal(name);
        self.main.contains(&name) || self.groups.contains(&name)
    }
}

/// Of a list of requirements, or of a table by name, or of a table of such lists.
fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => {
            let parsed = items.iter().filter_map(|item| Requirement::parse(item.as_str()?));
            parsed.map(|requirement| normal(requirement.name)).collect()
        }
        Value::Table(table) if table.values().all(Value::is_array) && lists_requirements(table) => {
            table.values().flat_map(names).collect()
        }
        Value::Table(table) => table.keys().map(|name| normal(name)).collect(),
        _ => BTreeSet::new(),
    }
}

/// Lists of texts are requirements by extra; poetry's lists are of tables, one for each platform.
fn lists_requirements(table: &Table) -> bool {
    table.values().all(|value| value.as_array().is_some_and(|items| items.iter().all(Value::is_str)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::PyProject;

    #[test]
    fn all_tables() {
        let text = "[project]\ndependencies = ['A_b>=1', 'c[x] (==1)']\n[project.optional-dependencies]\nx = ['d']\n\
            [dependency-groups]\ntest = ['e', {include-group = 'z'}]\n[tool.poetry.dependencies]\nnot = '*'\n\
            [tool.poetry.group.lint.dependencies]\nF = '^1'\n[tool.pdm.dev-dependencies]\nmore = ['g']\n";
        let found = PyProject::parse(text).unwrap();
        assert_eq!(found.main.into_iter().collect::<Vec<_>>(), ["a-b", "c", "d"]);
        assert_eq!(found.groups.into_iter().collect::<Vec<_>>(), ["e", "f", "g"]);
        assert_eq!(found.group_names.into_iter().collect::<Vec<_>>(), ["lint", "more", "test"]);
    }

    #[test]
    fn poetry_alone() {
        let text = "[tool.poetry.dependencies]\npython = '^3'\nA = '1'\nb = [{version = '1'}]\n\
            [tool.poetry.dev-dependencies]\nc = '*'\n";
        let found = PyProject::parse(text).unwrap();
        assert!(found.is_direct("a") && found.is_direct("B") && found.is_direct("c") && !found.is_direct("python"));
        assert_eq!(found.groups.into_iter().collect::<Vec<_>>(), ["c"]);
        assert!(PyProject::parse("[").is_none());
    }
}
