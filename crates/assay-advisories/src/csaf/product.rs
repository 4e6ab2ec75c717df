//! The product tree of a document: which package of which release an id stands for.

use assay_model::ecosystem;
use assay_model::purl::Purl;
use serde_json::Value;
use std::collections::BTreeMap;

/// Branches inside each other.
const MAX_DEPTH: u32 = 30;

/// A package of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// OSV ecosystem with release.
    pub(super) ecosystem: String,
    /// Name, after `module:stream::` where it is part of one.
    pub(super) name: String,
    /// With its epoch.
    pub(super) version: Option<String>,
    pub(super) arch: Option<String>,
}

#[derive(Default)]
pub(super) struct Products {
    purls: BTreeMap<String, Purl>,
    /// Releases by product id.
    releases: BTreeMap<String, String>,
    /// Id of a package in a release to (package, release).
    within: BTreeMap<String, (String, String)>,
}

impl Products {
    pub(super) fn of(tree: &Value) -> Self {
        let mut products = Self::default();
        list(&tree["branches"]).for_each(|branch| products.branch(branch, MAX_DEPTH));
        list(&tree["full_product_names"]).for_each(|product| products.add(product));
        for one in list(&tree["relationships"]) {
            let id = one["full_product_name"]["product_id"].as_str();
            let (part, whole) = (one["product_reference"].as_str(), one["relates_to_product_reference"].as_str());
            if let (Some(id), Some(part), Some(whole)) = (id, part, whole) {
                products.within.insert(id.to_owned(), (part.to_owned(), whole.to_owned()));
            }
        }
        products
    }

    fn branch(&mut self, branch: &Value, depth: u32) {
        if depth == 0 {
            return;
        }
        self.add(&branch["product"]);
        list(&branch["branches"]).for_each(|inner| self.branch(inner, depth - 1));
    }

    fn add(&mut self, product: &Value) {
        let Some(id) = product["product_id"].as_str() else { return };
        let helper = &product["product_identification_helper"];
        if let Some(purl) = helper["purl"].as_str().and_then(|text| text.parse().ok()) {
            self.purls.insert(id.to_owned(), purl);
        }
        let release = helper["cpe"].as_str().and_then(of_cpe).or_else(|| of_name(product["name"].as_str()?));
        if let Some(release) = release {
            self.releases.insert(id.to_owned(), release);
        }
    }

    /// The package that an id stands for; none where it is no rpm of a release that is known.
    pub(super) fn package(&self, id: &str) -> Option<Package> {
        let (part, release) = self.within.get(id)?;
        // A package of a module stands in the module, which stands in the release.
        let (part, module) = match self.within.get(part) {
            Some((inner, module)) => (inner, self.purls.get(module)),
            None => (part, None),
        };
        let release = self.releases.get(release).or_else(|| self.releases.get(&self.within.get(release)?.1))?;
        let purl = self.purls.get(part).filter(|purl| purl.kind() == "rpm")?;
        let stream = module.and_then(stream).or_else(|| purl.qualifier("rpmmod").map(short));
        let name = match stream {
            Some(stream) => format!("{stream}::{}", purl.name()),
            None => purl.name().to_owned(),
        };
        let epoch = purl.qualifier("epoch").filter(|epoch| *epoch != "0");
        let version = purl.version().map(|version| match epoch {
            Some(epoch) => format!("{epoch}:{version}"),
            None => version.to_owned(),
        });
        let arch = purl.qualifier("arch").map(str::to_owned);
        Some(Package { ecosystem: release.clone(), name, version, arch })
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `nodejs:12` of `pkg:rpmmod/redhat/nodejs@12:8030:229f0a1c`.
fn stream(module: &Purl) -> Option<String> {
    (module.kind() == "rpmmod")
        .then(|| format!("{}:{}", module.name(), module.version().unwrap_or_default()))
        .map(|t| short(&t))
}

fn short(label: &str) -> String {
    label.split(':').take(2).collect::<Vec<_>>().join(":")
}

/// `Red Hat:9` of `cpe:/o:redhat:enterprise_linux:9::baseos`.
fn of_cpe(cpe: &str) -> Option<String> {
    let bare = cpe.strip_prefix("cpe:/").or_else(|| cpe.strip_prefix("cpe:2.3:"))?;
    let fields: Vec<&str> = bare.split(':').collect();
    match fields.as_slice() {
        // Extended and updated releases (`rhel_eus`, `rhel_aus`) have versions of their own, and are not the release.
        ["o" | "a", "redhat", "enterprise_linux", release, ..] if !release.is_empty() => {
            Some(format!("Red Hat:{}", release.split('.').next()?))
        }
        ["o", "suse", product, release, rest @ ..] => suse(product, release, rest.first().copied()),
        ["o", "opensuse", "leap", release, ..] => Some(format!("openSUSE:Leap {release}")),
        ["o", "opensuse", "tumbleweed", ..] => Some("openSUSE:Tumbleweed".to_owned()),
        _ => None,
    }
}

fn suse(product: &str, release: &str, pack: Option<&str>) -> Option<String> {
    let server = ["sles", "sle-module-", "sle_hpc", "sled", "suse_sles"].iter().any(|name| product.starts_with(name));
    if !server || product.contains("ltss") || release.is_empty() {
        return None;
    }
    let pack = pack.and_then(|pack| pack.strip_prefix("sp")).filter(|pack| !pack.is_empty());
    Some(pack.map_or_else(|| format!("SUSE:{release}"), |pack| format!("SUSE:{release}.{pack}")))
}

/// Releases that are only named.
fn of_name(name: &str) -> Option<String> {
    let release = name.strip_prefix("openSUSE Leap ")?;
    let plain = !release.is_empty() && release.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (plain && ecosystem::of("openSUSE").is_some()).then(|| format!("openSUSE:Leap {release}"))
}
