//! Which repositories Maven takes from on a machine: its settings are read, and the model that it ships with, which names
//! the repository of all projects that name none.

use assay_model::seam::machine::{Detected, Machine};
use std::path::PathBuf;

/// The model that all projects inherit from, inside Maven's own archives.
const MODEL: &str = "org/apache/maven/model/pom-4.0.0.xml";

pub(super) fn detect(machine: &dyn Machine) -> Vec<Detected> {
    let home = home(machine);
    let user = machine.home().map(|home| home.join(".m2/settings.xml"));
    let installed = home.as_ref().map(|home| home.join("conf/settings.xml"));
    let (mut found, mut mirrors_all) = (Vec::new(), false);
    for file in [user, installed].into_iter().flatten() {
        let Some(text) = machine.text(&file) else { continue };
        let text = without_comments(&text);
        let place = file.display().to_string();
        for mirror in elements(&text, "mirror") {
            let of = elements(mirror, "mirrorOf").first().copied().unwrap_or_default();
            mirrors_all |= of.split(',').map(str::trim).any(|of| matches!(of, "*" | "external:*" | "central"));
            found.extend(address(mirror).and_then(|url| Detected::new("maven", place.clone(), url)));
        }
        for repository in elements(&text, "repository") {
            found.extend(address(repository).and_then(|url| Detected::new("maven", place.clone(), url)));
        }
    }
    if mirrors_all {
        return found;
    }
    let archives = home.map(|home| machine.entries(&home.join("lib"))).unwrap_or_default();
    let is_model = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("maven-model-builder") && name.ends_with(".jar")
    };
    for archive in archives.into_iter().filter(is_model) {
        let Some(model) = machine.archived(&archive, MODEL) else { continue };
        let model = without_comments(&model);
        let place = archive.display().to_string();
        for repository in elements(&model, "repository") {
            found.extend(address(repository).and_then(|url| Detected::new("maven", place.clone(), url)));
        }
    }
    found
}

/// Where Maven is installed, as it says itself.
fn home(machine: &dyn Machine) -> Option<PathBuf> {
    if let Some(home) = machine.variable("MAVEN_HOME") {
        return Some(home.into());
    }
    let said = machine.ask("mvn", &["--version"])?;
    said.lines().find_map(|line| line.strip_prefix("Maven home: ")).map(|home| home.trim().into())
}

fn address(element: &str) -> Option<&str> {
    elements(element, "url").first().map(|url| url.trim())
}

/// The contents of all elements of that name that are not inside one another. Settings are plain: no attributes that
/// matter, no character data sections.
fn elements<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(open.as_str()) {
        let Some((content, after)) = after.split_once(close.as_str()) else { break };
        found.push(content);
        rest = after;
    }
    found
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("<!--");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    plain.extend(parts.map(|part| part.split_once("-->").map_or("", |(_, after)| after)));
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::testing::FakeMachine;

    const MODEL_TEXT: &str = "<project><repositories><repository><id>x</id><url>https://central.example/maven2</url>\
                              </repository></repositories></project>";

    fn machine() -> FakeMachine {
        FakeMachine::default()
            .program("mvn --version", "Apache Maven 3\nMaven home: /usr/share/maven\nJava version: 17\n")
            .file(&format!("/usr/share/maven/lib/maven-model-builder-3.x.jar!{MODEL}"), MODEL_TEXT)
            .file("/usr/share/maven/lib/maven-core.jar", "")
    }

    fn addresses(machine: &FakeMachine) -> Vec<String> {
        detect(machine).into_iter().map(|found| found.url).collect()
    }

    #[test]
    fn what_maven_ships_with_is_found() {
        assert_eq!(addresses(&machine()), ["https://central.example/maven2"]);
        assert!(addresses(&FakeMachine::default()).is_empty());
    }

    #[test]
    fn a_mirror_of_everything_stands_for_all() {
        let settings = |of: &str| {
            format!(
                "<settings><!-- <mirror><url>https://not.example</url></mirror> --><mirrors><mirror><mirrorOf>{of}</mirrorOf>\
                 <url>\n https://mirror.example/all </url></mirror></mirrors></settings>"
            )
        };
        let all = machine().file("/home/ann/.m2/settings.xml", &settings("external:*,!inside"));
        assert_eq!(addresses(&all), ["https://mirror.example/all"]);
        let some = machine().file("/home/ann/.m2/settings.xml", &settings("inside"));
        assert_eq!(addresses(&some), ["https://mirror.example/all", "https://central.example/maven2"]);
    }
}
