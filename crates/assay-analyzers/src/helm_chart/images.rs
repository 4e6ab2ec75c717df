//! Images that a chart's default values name: `image: host/name:tag`, or a map of `registry`, `repository`, `tag`, `digest`.

use std::collections::BTreeMap;

use assay_model::component::{Occurrence, Relationship};
use assay_model::problem::Problem;
use serde_json::{Map, Value};

use crate::component::occurrence;
use crate::part::field;
use crate::reader::{unmatched, yaml};

/// Deeper and more than any chart's values.
const DEPTH: u32 = 64;
const IMAGES: usize = 2000;

/// A place where an image is named, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Image {
    /// Host and port, empty where the default one is meant.
    host: String,
    name: String,
    tag: String,
    digest: String,
}

/// Each image once. A map without a tag means the version of the application, by the convention of `helm create`.
pub(super) fn read(text: &str, app: Option<&str>, path: &str, analyzer: &str) -> Result<Vec<Occurrence>, Problem> {
    // A file of comments alone is no document.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Vec::new());
    }
    let values: Value = yaml(text, path)?;
    let mut search = Search { text, app, found: BTreeMap::new() };
    search.visit(None, &values, DEPTH);
    Ok(search.found.into_iter().filter_map(|(image, note)| image.occurrence(note, path, analyzer)).collect())
}

struct Search<'a> {
    text: &'a str,
    app: Option<&'a str>,
    /// Whether the tag was taken from the version of the application.
    found: BTreeMap<Image, bool>,
}

impl Search<'_> {
    fn visit(&mut self, key: Option<&str>, value: &Value, depth: u32) {
        if depth == 0 || self.found.len() >= IMAGES {
            return;
        }
        match value {
            Value::Object(map) => {
                if let Some((image, assumed)) = self.of_map(key, map) {
                    self.found.insert(image, assumed);
                }
                for (key, inner) in map {
                    self.visit(Some(key), inner, depth - 1);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.visit(key, item, depth - 1)),
            Value::String(text) if key.is_some_and(is_image_key) => {
                if let Some(image) = reference(text) {
                    self.found.insert(image, false);
                }
            }
            _ => {}
        }
    }

    /// `repository` alone may be of git or of charts: there has to be more that speaks of an image.
    fn of_map(&self, key: Option<&str>, map: &Map<String, Value>) -> Option<(Image, bool)> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let repository = text("repository").or_else(|| text("name").filter(|_| map.contains_key("tag")))?;
        let speaks =
            key.is_some_and(is_image_key) || ["tag", "digest", "pullPolicy"].iter().any(|k| map.contains_key(*k));
        let full = match text("registry") {
            Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
            None => repository.to_owned(),
        };
        let mut image = reference(&full).filter(|_| speaks && !full.contains("://"))?;
        if let Some(digest) = text("digest").or_else(|| text("sha")) {
            image.digest = if digest.contains(':') { digest.to_owned() } else { format!("sha256:{digest}") };
        }
        let tag = map.get("tag").and_then(|tag| self.spelling(tag));
        let stated = tag.filter(|tag| !tag.is_empty());
        let assumed = stated.is_none() && image.tag.is_empty() && image.digest.is_empty();
        match stated {
            // `1.0@sha256:…` is in use, too.
            Some(tag) => match tag.split_once('@') {
                Some((tag, digest)) => (image.tag, image.digest) = (tag.to_owned(), digest.to_owned()),
                None => image.tag = tag,
            },
            None if assumed => image.tag = self.app.unwrap_or_default().to_owned(),
            None => {}
        }
        Some((image, assumed))
    }

    /// A tag as it is written: unquoted, `1.10` is a number to YAML, and would come back as `1.1`.
    fn spelling(&self, tag: &Value) -> Option<String> {
        let number = match tag {
            Value::String(text) => return Some(text.clone()),
            Value::Number(number) => number.as_f64()?,
            _ => return None,
        };
        let written = self.text.lines().filter_map(|line| {
            let value = line.trim().trim_start_matches("- ").strip_prefix("tag:")?;
            let value = value.split('#').next().unwrap_or_default().trim();
            value.parse::<f64>().ok().filter(|parsed| (parsed - number).abs() < f64::EPSILON).map(|_| value.to_owned())
        });
        written.into_iter().next().or_else(|| Some(tag.to_string()))
    }
}

/// `image`, `sidecarImage`, `init_image`.
fn is_image_key(key: &str) -> bool {
    key.to_ascii_lowercase().ends_with("image")
}

/// `host/path/name:tag@digest`, of which only the name has to be there. Templates are no references.
fn reference(text: &str) -> Option<Image> {
    let text = text.trim();
    let usable = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "{}$\"'".contains(c));
    let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
    let colon = rest.rfind(':').filter(|at| !rest.get(*at..).unwrap_or_default().contains('/'));
    let (path, tag) = colon.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))).unwrap_or((rest, ""));
    // What comes before the first `/` is a host if it looks like one (distribution reference grammar).
    let is_host = |first: &str| first.contains('.') || first.contains(':') || first == "localhost";
    let (host, name) = path.split_once('/').filter(|(first, _)| is_host(first)).unwrap_or(("", path));
    let named = !name.is_empty() && !name.starts_with('/') && !name.ends_with('/');
    (usable && named).then(|| Image {
        host: host.to_owned(),
        name: name.to_owned(),
        tag: tag.to_owned(),
        digest: digest.to_owned(),
    })
}

impl Image {
    /// By digest an `oci` package, by tag a `docker` one (package-URL types).
    fn occurrence(&self, assumed: bool, path: &str, analyzer: &str) -> Option<Occurrence> {
        let (namespace, bare) = self.name.rsplit_once('/').unwrap_or(("", &self.name));
        let at = if self.host.is_empty() { self.name.clone() } else { format!("{}/{}", self.host, self.name) };
        let component = if self.digest.is_empty() {
            unmatched("docker", namespace, bare, &self.tag, &[("repository_url", &self.host)])
        } else {
            unmatched(assay_model::purl::OCI, "", bare, &self.digest, &[("repository_url", &at), ("tag", &self.tag)])
        };
        let mut found = occurrence(component.ok()?, path, analyzer);
        found.relationship = Relationship::Direct;
        found.id = match (self.digest.is_empty(), self.tag.is_empty()) {
            (false, _) => format!("{at}@{}", self.digest),
            (true, false) => format!("{at}:{}", self.tag),
            (true, true) => at,
        };
        field(Some(&found.id))?;
        if assumed && !self.tag.is_empty() {
            found.properties.insert(format!("{analyzer}.tag"), "the chart's appVersion".to_owned());
        }
        Some(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;

    #[test]
    fn all_ways_to_name_an_image() {
        let text = r#"
image:
  repository: acme/web
  pullPolicy: IfNotPresent
  tag: ""
sidecar:
  image: r.example:5000/tools/proxy:1.2
numeric:
  image: {repository: nginx, tag: 1.10}
bitnami:
  image:
    registry: r.example
    repository: charts/redis
    tag: 7.2.0
    digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
git:
  repository: https://git.example/x.git
template:
  image: "{{ .Values.other }}"
initImage: busybox
"#;
        let text = text.replace("{repository: nginx, tag: 1.10}", "\n    repository: nginx\n    tag: 1.10");
        let found = read(&text, Some("2.0.0"), "values.yaml", "helm-chart").unwrap();
        let mut purls: Vec<&str> = found.iter().map(|found| &*found.component.purl).collect();
        purls.sort_unstable();
        assert_eq!(
            purls,
            [
                "pkg:docker/acme/web@2.0.0",
                "pkg:docker/busybox",
                "pkg:docker/nginx@1.10",
                "pkg:docker/tools/proxy@1.2?repository_url=r.example:5000",
                "pkg:oci/redis@sha256:0000000000000000000000000000000000000000000000000000000000000000?repository_url=r.example%2Fcharts%2Fredis&tag=7.2.0",
            ]
        );
        assert!(read("# nothing\n", None, "values.yaml", "x").unwrap().is_empty());
        assert!(read("a: [", None, "values.yaml", "x").is_err());
    }
}
