//! Package URLs as Trivy writes them: no `upstream`, the epoch apart, the release of a distribution in its own form.

use super::hash::{self, Structure};
use assay_model::purl::Purl;

/// The parts of a package URL, not escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) qualifiers: Vec<(String, String)>,
    pub(super) subpath: String,
}

impl Parts {
    /// Of a package of a distribution. `distro` is how this kind of package names its release.
    pub(super) fn of_system(kind: &str, family: &str, name: &str, version: &str) -> Self {
        let namespace = match family {
            "sles" | "slem" => "suse",
            "opensuse-leap" | "opensuse-tumbleweed" => "opensuse",
            family => family,
        };
        Self {
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
            version: version.into(),
            ..Self::default()
        }
    }

    /// With a qualifier, unless it is empty.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.qualifiers.push((key.to_owned(), value.to_owned()));
            self.qualifiers.sort();
        }
        self
    }

    /// Of a package of a language; `name` is whole, with scope or group. Nothing for what has no place in the world: a
    /// folder named as a Go module.
    pub(super) fn of_language(kind: &str, name: &str, version: &str) -> Option<Self> {
        let lower = matches!(kind, "golang" | "npm" | "pypi");
        let name = if lower { name.to_lowercase() } else { name.to_owned() };
        if kind == "golang" && (name.starts_with("./") || name.starts_with("../")) {
            return None;
        }
        let last = |joint: char| name.rsplit_once(joint).unwrap_or(("", &name));
        let (namespace, bare, subpath) = match kind {
            "maven" => {
                let (group, artifact) = name.rsplit_once(':').unwrap_or(("", &name));
                (group.to_owned(), artifact.to_owned(), String::new())
            }
            "golang" | "npm" | "composer" | "swift" => (last('/').0.to_owned(), last('/').1.to_owned(), String::new()),
            "pypi" => (String::new(), name.replace('_', "-"), String::new()),
            "cocoapods" => {
                let (pod, part) = name.split_once('/').unwrap_or((&name, ""));
                (String::new(), pod.to_owned(), part.to_owned())
            }
            _ => (String::new(), name.clone(), String::new()),
        };
        let version = version.to_owned();
        Some(Self { kind: kind.into(), namespace, name: bare, version, subpath, ..Self::default() })
    }

    /// The parts of a written one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let purl: Purl = text.parse().ok()?;
        Some(Self {
            kind: purl.kind().to_owned(),
            namespace: purl.namespace().unwrap_or_default().to_owned(),
            name: purl.name().to_owned(),
            version: purl.version().unwrap_or_default().to_owned(),
            qualifiers: purl.qualifiers().iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            subpath: purl.subpath().unwrap_or_default().to_owned(),
        })
    }

    /// The package URL; empty where the parts cannot be one.
    pub(super) fn text(&self) -> String {
        let mut builder = Purl::builder(&self.kind, &self.name)
            .namespace(&self.namespace)
            .version(&self.version)
            .subpath(&self.subpath);
        for (key, value) in &self.qualifiers {
            builder = builder.qualifier(key, value);
        }
        builder.build().map(|purl| purl.as_str().to_owned()).unwrap_or_default()
    }

    /// As part of a UID.
    pub(super) fn hashed(&self) -> u64 {
        let qualifiers =
            self.qualifiers.iter().map(|(k, v)| Structure::new("Qualifier").text("Key", k).text("Value", v).end());
        Structure::new("PackageURL")
            .text("Type", &self.kind)
            .text("Namespace", &self.namespace)
            .text("Name", &self.name)
            .text("Version", &self.version)
            .part("Qualifiers", (!self.qualifiers.is_empty()).then(|| hash::list(qualifiers)))
            .text("Subpath", &self.subpath)
            .end()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Parts;

    #[test]
    fn languages_have_their_own_rules() {
        for (kind, name, version, purl) in [
            (
                "golang",
                "github.com/Docker/distribution",
                "v2.7.1+incompatible",
                "pkg:golang/github.com/docker/distribution@v2.7.1%2Bincompatible",
            ),
            ("npm", "@Babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
            ("pypi", "Flask_Login", "2.0.0", "pkg:pypi/flask-login@2.0.0"),
            ("maven", "com.example:thing", "1-SNAPSHOT", "pkg:maven/com.example/thing@1-SNAPSHOT"),
            ("composer", "guzzlehttp/psr7", "1.8.3", "pkg:composer/guzzlehttp/psr7@1.8.3"),
            ("swift", "github.com/apple/swift-nio", "2.41.0", "pkg:swift/github.com/apple/swift-nio@2.41.0"),
            ("cocoapods", "GoogleUtilities/NSData+zlib", "7.5.2", "pkg:cocoapods/GoogleUtilities@7.5.2#NSData%2Bzlib"),
            ("nuget", "Newtonsoft.Json", "12.0.3", "pkg:nuget/Newtonsoft.Json@12.0.3"),
        ] {
            assert_eq!(Parts::of_language(kind, name, version).unwrap().text(), purl);
        }
        assert!(Parts::of_language("golang", "./local", "").is_none());
    }

    #[test]
    fn a_system_has_the_release_as_a_qualifier() {
        let bash = Parts::of_system("rpm", "centos", "openssl-libs", "1.0.2k-16.el7").with("epoch", "1");
        let bash = bash.with("distro", "centos-7.6.1810").with("arch", "x86_64").with("modularitylabel", "");
        assert_eq!(bash.text(), "pkg:rpm/centos/openssl-libs@1.0.2k-16.el7?arch=x86_64&distro=centos-7.6.1810&epoch=1");
        assert_eq!(Parts::parse(&bash.text()).unwrap(), bash);
    }
}
