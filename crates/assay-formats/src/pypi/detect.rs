//! Which indexes the Python clients of a machine take from: pip is asked, uv's variables and files are read.

use assay_model::seam::machine::{Detected, Machine};
use std::{collections::BTreeMap, path::PathBuf};

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let mut found = uv(machine);
    found.extend(pip(machine));
    found
}

/// pip says what is configured, whatever file it stands in, and in its help what holds where nothing is.
fn pip(machine: &dyn Machine) -> Vec<Detected> {
    let Some((program, listed)) =
        ["pip", "pip3"].into_iter().find_map(|p| Some((p, machine.ask(p, &["config", "list"])?)))
    else {
        return Vec::new();
    };
    let settings: BTreeMap<&str, String> = listed.lines().filter_map(setting).collect();
    let of = |key: &str| {
        // variables first, then what holds for one command, then what holds for all
        [":env:", "install", "global"].iter().find_map(|section| settings.get(format!("{section}.{key}").as_str()))
    };
    let mut found = Vec::new();
    match of("index-url") {
        Some(addresses) => found.extend(Detected::new("pip", "pip config list", addresses)),
        None if of("no-index").is_some() => {}
        None => {
            let help = machine.ask(program, &["install", "--help"]).unwrap_or_default();
            found.extend(default_in(&help).and_then(|url| Detected::new("pip", "pip install --help", &url)));
        }
    }
    let extra = of("extra-index-url").map(String::as_str).unwrap_or_default();
    found.extend(extra.split_whitespace().filter_map(|url| Detected::new("pip", "pip config list", url)));
    found
}

/// `global.index-url='https://…'`, the value as Python writes it.
fn setting(line: &str) -> Option<(&str, String)> {
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let value = value.strip_prefix(quote)?.strip_suffix(quote)?;
    Some((key.trim(), value.replace("\\n", "\n")))
}

/// The address in `--index-url <url>  … (default ADDRESS)`.
fn default_in(help: &str) -> Option<String> {
    let (_, after) = help.split_once("--index-url")?;
    let (_, after) = after.split_once("(default")?;
    let (address, _) = after.split_once(')')?;
    Some(address.split_whitespace().collect())
}

fn uv(machine: &dyn Machine) -> Vec<Detected> {
    let mut found = Vec::new();
    for name in ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"] {
        let value = machine.variable(name).unwrap_or_default();
        for word in value.split_whitespace() {
            // an index may be written with its name: `name=address`
            let address = word.split_once('=').filter(|(name, _)| !name.contains("://")).map_or(word, |(_, url)| url);
            found.extend(Detected::new("uv", name, address));
        }
    }
    let config = machine.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(machine.home()?.join(".config")));
    let files = config.into_iter().chain([PathBuf::from("/etc")]).map(|folder| folder.join("uv/uv.toml"));
    for file in files {
        let Some(settings) = machine.text(&file).and_then(|text| text.parse::<toml::Table>().ok()) else { continue };
        let place = file.display().to_string();
        let listed = settings.get("index").and_then(toml::Value::as_array).into_iter().flatten();
        let (defaults, others): (Vec<_>, Vec<_>) =
            listed.partition(|index| index.get("default").and_then(toml::Value::as_bool) == Some(true));
        let named = defaults.iter().chain(&others).filter_map(|index| index.get("url"));
        let extra = settings.get("extra-index-url").and_then(toml::Value::as_array).into_iter().flatten();
        let all = named.chain(settings.get("index-url")).chain(extra);
        found.extend(all.filter_map(|url| Detected::new("uv", place.clone(), url.as_str()?)));
    }
    found
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
    fn pip_tells_what_is_configured() {
        let machine = FakeMachine::default().program(
            "pip config list",
            ":env:.index-url='https://me:pw@env.example/simple/'\nglobal.index-url='https://global.example'\n\
             global.extra-index-url='\\nhttps://a.example/simple\\nhttps://b.example/simple'\n",
        );
        let found = detect(&machine);
        assert_eq!(
            addresses(&machine),
            ["https://env.example/simple", "https://a.example/simple", "https://b.example/simple"]
        );
        assert_eq!(found[0].secrets.password, "pw");
    }

    #[test]
    fn pip_tells_its_own_default() {
        let help = "  -i, --index-url <url>   Base URL of the Index\n      (default\n    https://index.example/simple).\n --extra-index-url";
        let machine = FakeMachine::default()
            .program("pip3 config list", "global.cert='/etc/ssl/ca.pem'\n")
            .program("pip3 install --help", help);
        assert_eq!(addresses(&machine), ["https://index.example/simple"]);
        assert!(addresses(&machine.program("pip3 config list", "global.no-index='true'\n")).is_empty());
    }

    #[test]
    fn uv_has_variables_and_files() {
        let machine = FakeMachine::default()
            .variable("UV_INDEX", "corp=https://corp.example/simple https://second.example/simple?a=b")
            .file(
                "/home/ann/.config/uv/uv.toml",
                "[[index]]\nurl = \"https://more.example\"\n[[index]]\nurl = \"https://first.example\"\ndefault = true\n",
            )
            .file("/etc/uv/uv.toml", "this is no TOML");
        assert_eq!(
            addresses(&machine),
            [
                "https://corp.example/simple",
                "https://second.example/simple",
                "https://first.example",
                "https://more.example"
            ]
        );
    }
}
