//! Packages as reports list them, made into components the way a reader of such a document does.

use anyhow::{Context, Result};
use assay_model::component::{Component, Occurrence};
use assay_model::ecosystem::{self, Keys, Law};
use assay_model::inventory::OsRelease;
use assay_model::purl::Purl;
use serde::Deserialize;
use serde_json::Value;

/// A distribution's release.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) family: String,
    pub(crate) version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) epoch: u32,
    pub(crate) arch: String,
    pub(crate) src_name: String,
    pub(crate) src_version: String,
    pub(crate) src_release: String,
    pub(crate) src_epoch: u32,
    pub(crate) modularitylabel: String,
    pub(crate) repository: Option<Repository>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Repository {
    class: String,
}

impl System {
    pub(crate) fn new(family: &str, version: &str) -> Self {
        Self { family: family.to_owned(), version: version.to_owned() }
    }

    pub(crate) fn of_report(report: &Value) -> Result<Self> {
        let os = &report["Metadata"]["OS"];
        let family = os["Family"].as_str().context("the report names no system")?;
        Ok(Self::new(family, os["Name"].as_str().unwrap_or_default()))
    }

    fn law(&self) -> Result<&'static Law> {
        ecosystem::of(&self.ecosystem()).with_context(|| format!("a system that is not known: {}", self.family))
    }

    fn ecosystem(&self) -> String {
        let family = match self.family.as_str() {
            "suse linux enterprise server" => "sles",
            "suse linux enterprise micro" => "slem",
            family => family,
        };
        ecosystem::of_release(family, &self.version)
    }

    pub(crate) fn release(&self) -> OsRelease {
        OsRelease {
            id: self.family.clone(),
            version: self.version.clone(),
            name: format!("{} {}", self.family, self.version),
            ecosystem: self.ecosystem(),
            path: "etc/os-release".to_owned(),
        }
    }
}

/// `epoch:version-release` of what is there.
fn full(epoch: u32, version: &str, release: &str) -> String {
    let epoch = if epoch == 0 { String::new() } else { format!("{epoch}:") };
    let release = if release.is_empty() { String::new() } else { format!("-{release}") };
    format!("{epoch}{version}{release}")
}

impl Package {
    /// One of an rpm database, which is its own source.
    pub(crate) fn rpm(name: &str, version: &str, release: &str) -> Self {
        let [name, version, release] = [name, version, release].map(str::to_owned);
        Self {
            src_name: name.clone(),
            src_version: version.clone(),
            src_release: release.clone(),
            name,
            version,
            release,
            arch: "x86_64".to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn from(self, source: &str) -> Self {
        Self { src_name: source.to_owned(), ..self }
    }

    pub(crate) fn epoch(self, epoch: u32) -> Self {
        Self { epoch, src_epoch: epoch, ..self }
    }

    pub(crate) fn occurrence(&self, system: &System) -> Result<Occurrence> {
        let law = system.law()?;
        let third_party = self.repository.as_ref().is_some_and(|repository| repository.class == "third-party");
        let bare = full(0, &self.version, &self.release);
        let own = full(self.epoch, &self.version, &self.release);
        let (source, source_version) = match self.src_name.as_str() {
            "" => (self.name.as_str(), own.clone()),
            name => (name, full(self.src_epoch, &self.src_version, &self.src_release)),
        };
        let upstream = if source == self.name { String::new() } else { format!("{source}@{source_version}") };
        let purl = Purl::builder(law.purl_type, &self.name)
            .namespace(&system.family)
            .version(&bare)
            .qualifier("arch", &self.arch)
            .qualifier("epoch", if self.epoch == 0 { String::new() } else { self.epoch.to_string() })
            .qualifier("modularitylabel", &self.modularitylabel)
            .qualifier("distro", format!("{}-{}", system.family, system.version))
            .qualifier("upstream", upstream)
            .build()?;
        let match_version = if law.keys == Keys::SourceName { own.clone() } else { source_version.clone() };
        let component = Component {
            purl: purl.as_str().to_owned(),
            purl_type: law.purl_type.to_owned(),
            namespace: system.family.clone(),
            name: self.name.clone(),
            match_name: source.to_owned(),
            match_version,
            version: own.clone(),
            ecosystem: if third_party { String::new() } else { system.ecosystem() },
        };
        Ok(Occurrence {
            component,
            analyzer: law.purl_type.to_owned(),
            path: "list".to_owned(),
            ..Occurrence::default()
        })
    }
}
