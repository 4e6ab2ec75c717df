//! VEX that is attached to an image: a manifest that says it is about another one, with a document in a layer. It speaks
//! of that image alone, whatever else it names, and goes with the manifest that holds it.

use super::{Engine, decide_spoken};
use assay_model::{
    digest::Digest,
    event::NewEvent,
    package::{File, Package, PackageId, Role},
    problem::{Kind, Problem},
    purl::{OCI, Purl},
    seam::meta::{self, Tx, VexFilter},
    vex::{NewVex, VexOrigin, VexProduct, VexStatement},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, io::Read, sync::Arc};

/// The largest document that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;
/// Layers of a manifest that are looked at.
const MAX_LAYERS: usize = 50;
/// Documents that one package can hold: one.
const HELD: usize = 100;

/// What the format says of a manifest that is about another.
#[derive(Deserialize)]
struct About {
    /// The manifest that it is about.
    about: String,
    /// What it takes the place of when it is published again; else its own digest.
    #[serde(default, rename = "aboutAs")]
    about_as: Option<String>,
    #[serde(default, rename = "artifactType")]
    artifact_type: String,
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    digest: Digest,
    #[serde(default, rename = "mediaType")]
    media_type: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    absent: bool,
}

impl Engine {
    /// Keeps what a package says of another one, where that is VEX. Repeating it changes nothing.
    pub(crate) async fn attach_vex(self: &Arc<Self>, package: &Package, files: &[File]) -> Result<(), Problem> {
        if !files.iter().any(|file| file.role == Some(Role::Image)) {
            return Ok(());
        }
        let Ok(about) = About::deserialize(&package.metadata) else { return Ok(()) };
        let mut statements = Vec::new();
        for layer in about.layers.iter().take(MAX_LAYERS) {
            if [&layer.media_type, &about.artifact_type].iter().any(|kind| self.parts.vex.may_be_in(kind)) {
                statements.extend(self.statements_in(layer).await?);
            }
        }
        if statements.is_empty() {
            return Ok(());
        }
        let (engine, package, now) = (self.clone(), package.clone(), self.now());
        meta::write(self.meta(), move |tx| {
            let Some(repository) = tx.repository_by_id(package.repository)? else { return Ok(()) };
            let at = &package.at;
            let subjects = subjects(tx, &package, &about.about)?;
            let last = at.name.rsplit('/').next().unwrap_or(&at.name);
            let bound = statements.iter().filter_map(|one| bind(one, last, &subjects)).collect::<Vec<_>>();
            if bound.is_empty() {
                return Ok(());
            }
            let place = about.about_as.as_deref().unwrap_or(&at.version);
            engine.keep_vex(
                tx,
                &NewVex {
                    name: format!("{}/{}@{place}", at.format, at.name),
                    origin: VexOrigin::Attached(repository.name),
                    digest: at.version.clone(),
                    package: Some(package.id),
                    statements: bound,
                    at: now,
                },
            )?;
            Ok(())
        })
        .await?;
        self.notice().await
    }

    /// The statements in a layer; none where it is no document of VEX, or too large.
    async fn statements_in(self: &Arc<Self>, layer: &Layer) -> Result<Vec<VexStatement>, Problem> {
        if layer.absent || layer.size > MAX_BYTES || self.parts.blobs.stat(&layer.digest).await?.is_none() {
            return Ok(Vec::new());
        }
        let reader = self.parts.blobs.local(&layer.digest).await?;
        let (engine, name) = (self.clone(), layer.digest.to_string());
        crate::analyze::blocking(move || {
            let mut bytes = Vec::new();
            let read = reader.take(MAX_BYTES).read_to_end(&mut bytes);
            read.map_err(|error| Problem::internal("an attached document cannot be read", error))?;
            match engine.parts.vex.read(&name, &bytes) {
                Ok(statements) => Ok(statements),
                // Attestations are of many kinds, and what is attached is anyone's.
                Err(problem) if matches!(problem.kind, Kind::Invalid | Kind::TooLarge) => Ok(Vec::new()),
                Err(problem) => Err(problem),
            }
        })
        .await
    }
}

/// Digests of the image that is spoken of: its own, and where it is an index those of its manifests.
fn subjects(tx: &mut dyn Tx, holder: &Package, about: &str) -> Result<BTreeSet<String>, Problem> {
    let mut digests = BTreeSet::from([about.to_owned()]);
    let at = &holder.at;
    for image in tx.packages_named(holder.repository, &at.format, &at.name, Some(about))? {
        let listed = image.metadata.get("manifests").and_then(Value::as_array).into_iter().flatten();
        digests.extend(listed.filter_map(|one| one.get("digest")?.as_str()).map(str::to_owned));
    }
    Ok(digests)
}

/// A statement limited to the image that it is attached to; nothing where it speaks of another image.
fn bind(statement: &VexStatement, name: &str, subjects: &BTreeSet<String>) -> Option<VexStatement> {
    let digests: Vec<String> = subjects.iter().cloned().collect();
    let mut products = Vec::new();
    for product in &statement.products {
        let images: Vec<Purl> = product.purls.iter().filter_map(|purl| purl.parse().ok()).filter(is_image).collect();
        let names_it = images.iter().any(|purl| is_the_one(purl, name, subjects));
        let has_it = product.digests.iter().any(|digest| subjects.contains(digest));
        let parts = if names_it || has_it {
            product.parts.clone()
        } else if images.is_empty() && product.digests.is_empty() {
            // A part of the image, named by itself.
            product.purls.iter().chain(&product.parts).cloned().collect()
        } else {
            continue;
        };
        products.push(VexProduct { purls: Vec::new(), digests: digests.clone(), parts });
    }
    (!products.is_empty()).then(|| VexStatement { products, ..statement.clone() })
}

fn is_image(purl: &Purl) -> bool {
    matches!(purl.kind(), OCI | "docker")
}

fn is_the_one(purl: &Purl, name: &str, subjects: &BTreeSet<String>) -> bool {
    let version = purl.version();
    purl.name().eq_ignore_ascii_case(name)
        && version.is_none_or(|version| !version.starts_with("sha256:") || subjects.contains(version))
}

/// Removes what a package holds that is about to go, and asks for the decisions that it touches.
pub(crate) fn detach(tx: &mut dyn Tx, package: PackageId, at: Timestamp) -> Result<(), Problem> {
    let filter = VexFilter { package: Some(package), limit: HELD, ..VexFilter::default() };
    for document in tx.vex_documents(&filter)? {
        let spoken = tx.remove_vex(document.id)?.unwrap_or_default();
        let packages = decide_spoken(tx, spoken, &format!("VEX {} removed", document.name), at)?;
        let body = json!({"name": document.name, "origin": document.origin, "packages": packages});
        let subject = format!("vex/{}", document.id.0);
        tx.append_event(&NewEvent { at, kind: "vex.removed", actor: "system".into(), subject, body })?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::vex::VexStatus;

    fn bound(purls: &[&str], digests: &[&str], parts: &[&str]) -> Option<Vec<String>> {
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let statement = VexStatement {
            vulnerability: BTreeSet::from(["CVE-1".to_owned()]),
            products: vec![VexProduct { purls: own(purls), digests: own(digests), parts: own(parts) }],
            status: VexStatus::NotAffected,
            justification: None,
            statement: None,
            at: None,
            author: String::new(),
            document: String::new(),
        };
        let subjects = BTreeSet::from(["sha256:aa".to_owned()]);
        let bound = bind(&statement, "app", &subjects)?;
        assert_eq!(
            (bound.products[0].digests.as_slice(), bound.products[0].purls.len()),
            (&["sha256:aa".to_owned()][..], 0)
        );
        Some(bound.products[0].parts.clone())
    }

    #[test]
    fn what_is_attached_speaks_of_its_image_alone() {
        let curl = "pkg:apk/alpine/curl";
        assert_eq!(bound(&["pkg:oci/app?repository_url=registry.example/app"], &[], &[]), Some(vec![]));
        assert_eq!(bound(&["pkg:oci/app@sha256%3Aaa"], &[], &[curl]), Some(vec![curl.to_owned()]));
        assert_eq!(bound(&[], &["sha256:aa"], &[curl]), Some(vec![curl.to_owned()]));
        assert_eq!(bound(&[curl], &[], &[]), Some(vec![curl.to_owned()]), "a part by itself");
        assert_eq!(bound(&["pkg:oci/app@sha256%3Abb"], &[], &[]), None, "another build");
        assert_eq!(bound(&["pkg:oci/other"], &[], &[]), None);
        assert_eq!(bound(&[], &["sha256:bb"], &[]), None);
    }
}
