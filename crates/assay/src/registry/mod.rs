//! A client of OCI registries: fetches one image into a folder as an OCI image layout, and what is attached to it. For
//! `assay scan registry/name:tag`; the registry that Assay is lives in `assay-formats`.
//!
//! Specifications: OCI distribution 1.1 (pull, referrers), OCI image 1.1 (layout), the token flow of the Distribution
//! project. Every blob is checked against its digest; nothing is held in memory but documents.

mod auth;
mod layout;
mod reference;

pub use auth::Login;
pub use reference::Reference;

use crate::net;
use anyhow::{Context as _, Result, bail};
use assay_model::digest::Digest;
use auth::Auth;
use reqwest::{Client, Response, StatusCode, header};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{path::Path, time::Duration};
use tokio::io::AsyncWriteExt;

const INDEX: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFEST: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
/// Largest manifest, in bytes (the limit that registries are asked to support is 4 MiB).
const MAX_MANIFEST: usize = 8 << 20;
/// Largest attached document that is read, in bytes.
const MAX_ATTACHED: usize = 64 << 20;
/// More layers than clients accept.
const MAX_LAYERS: usize = 1000;
/// Attached artifacts that are looked at.
const MAX_REFERRERS: usize = 100;

/// How an image is fetched.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Speak HTTP without TLS; always so on this machine.
    pub plain_http: bool,
    /// `os/architecture` of an image for several; this machine's by default.
    pub platform: Option<String>,
    /// Name and password; else those that `docker login` and its kin have saved.
    pub login: Option<Login>,
}

/// An image that was fetched.
#[derive(Debug)]
pub struct Pulled {
    /// Digest of the image's manifest.
    pub digest: String,
    /// Documents that are attached to it: their media type and bytes.
    pub attached: Vec<(String, Vec<u8>)>,
}

/// A registry and what it wants to know of us.
pub struct Registry {
    client: Client,
    base: String,
    repository: String,
    auth: Auth,
}

/// Fetches an image into `folder`, telling `progress` the bytes so far and how many there are.
///
/// # Errors
/// When it cannot be had, or is not what its digests say.
pub async fn pull(
    reference: &Reference,
    options: &Options,
    folder: &Path,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Pulled> {
    let mut registry = Registry::new(reference, options)?;
    let (bytes, media) = registry.manifest(reference.locator()).await?;
    let (bytes, media) = registry.of_platform(bytes, media, options.platform.as_deref()).await?;
    let manifest: Value = serde_json::from_slice(&bytes).context("the manifest is no JSON")?;
    let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if layers.is_empty() {
        bail!("{reference} has no layers: it is {media}, which is no image that can be scanned");
    }
    if layers.len() > MAX_LAYERS {
        bail!("{reference} has more than {MAX_LAYERS} layers");
    }
    let total: u64 = layers.iter().filter_map(|layer| layer["size"].as_u64()).sum();
    let mut done = 0;
    for descriptor in std::iter::once(&manifest["config"]).chain(layers) {
        let Some(digest) = descriptor["digest"].as_str() else { bail!("a descriptor of {reference} has no digest") };
        let digest: Digest = digest.parse().with_context(|| format!("{digest} is no digest that is understood"))?;
        if is_foreign(descriptor) {
            continue;
        }
        let size = registry.blob(&digest, &layout::blob(folder, &digest), &|n| progress(done + n, total)).await?;
        done += size;
    }
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
    layout::write(folder, &digest, &media, &bytes, &reference.to_string()).context("the image cannot be kept")?;
    let attached = registry.attached(&digest).await;
    Ok(Pulled { digest, attached })
}

/// Layers that the registry only knows the address of.
fn is_foreign(descriptor: &Value) -> bool {
    descriptor["mediaType"]
        .as_str()
        .is_some_and(|media| media.contains("foreign") || media.contains("nondistributable"))
}

impl Registry {
    fn new(reference: &Reference, options: &Options) -> Result<Self> {
        let plain = options.plain_http || reference.is_loopback();
        let base = format!("{}://{}", if plain { "http" } else { "https" }, reference.host());
        let routed = !reference.is_loopback();
        Ok(Self {
            client: net::client(routed, Duration::from_secs(60))?,
            base,
            repository: reference.repository().to_owned(),
            auth: Auth::new(options.login.clone().or_else(|| auth::saved(reference.host()))),
        })
    }

    async fn get(&mut self, path: &str, accept: &str) -> Result<Response> {
        let url = format!("{}/v2/{}/{path}", self.base, self.repository);
        for attempt in 0..2 {
            let request = self.auth.sign(self.client.get(&url).header(header::ACCEPT, accept));
            let response = request.send().await.with_context(|| format!("{} cannot be reached", self.base))?;
            match response.status() {
                StatusCode::UNAUTHORIZED if attempt == 0 => {
                    let challenges: Vec<String> = response
                        .headers()
                        .get_all(header::WWW_AUTHENTICATE)
                        .iter()
                        .filter_map(|value| value.to_str().ok().map(str::to_owned))
                        .collect();
                    self.auth.answer(&self.client, &self.base, &self.repository, &challenges).await?;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    bail!(
                        "{} refuses to show {} ({}): log in with --username and --password-stdin, or `docker login`",
                        self.base,
                        self.repository,
                        response.status()
                    )
                }
                StatusCode::NOT_FOUND => bail!("{} has no {} at {path}", self.base, self.repository),
                status if !status.is_success() => {
                    let said: String = response.text().await.unwrap_or_default().chars().take(300).collect();
                    bail!("{url} answered {status}: {said}")
                }
                _ => return Ok(response),
            }
        }
        bail!("{} asks for authorisation again and again", self.base)
    }

    /// Bytes and media type of a manifest, checked against its digest where `locator` is one.
    async fn manifest(&mut self, locator: &str) -> Result<(Vec<u8>, String)> {
        let accept = INDEX.iter().chain(&MANIFEST).copied().collect::<Vec<_>>().join(", ");
        let response = self.get(&format!("manifests/{locator}"), &accept).await?;
        let media = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let bytes = bounded(response, MAX_MANIFEST).await?;
        let actual = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        if locator.starts_with("sha256:") && locator != actual {
            bail!("the registry sent other bytes for {locator}");
        }
        Ok((bytes, media))
    }

    /// Follows an index to the image of the platform.
    async fn of_platform(&mut self, bytes: Vec<u8>, media: String, wanted: Option<&str>) -> Result<(Vec<u8>, String)> {
        let document: Value = serde_json::from_slice(&bytes).context("the manifest is no JSON")?;
        let Some(manifests) = document["manifests"].as_array() else { return Ok((bytes, media)) };
        let wanted = wanted.map_or_else(layout::own_platform, str::to_owned);
        let of = |one: &Value| {
            let part = |name: &str| one["platform"][name].as_str().unwrap_or_default().to_owned();
            let variant = part("variant");
            let plain = format!("{}/{}", part("os"), part("architecture"));
            if variant.is_empty() { (plain.clone(), plain) } else { (format!("{plain}/{variant}"), plain) }
        };
        let found = manifests.iter().find(|one| {
            let (full, plain) = of(one);
            full == wanted || plain == wanted
        });
        let only = (manifests.len() == 1).then(|| manifests.first()).flatten();
        let Some(digest) = found.or(only).and_then(|one| one["digest"].as_str()) else {
            let has: Vec<String> =
                manifests.iter().map(|one| of(one).0).filter(|name| !name.contains("unknown")).collect();
            bail!("there is no image for {wanted}; choose one of {} with --platform", has.join(", "));
        };
        let (bytes, media) = self.manifest(digest).await?;
        Ok((bytes, media))
    }

    /// Fetches a blob into a file.
    async fn blob(&mut self, digest: &Digest, to: &Path, progress: &(dyn Fn(u64) + Send + Sync)) -> Result<u64> {
        let mut response = self.get(&format!("blobs/{digest}"), "*/*").await?;
        if let Some(folder) = to.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let mut file = tokio::fs::File::create(to).await?;
        let (mut hasher, mut size) = (Hasher::of(digest), 0_u64);
        while let Some(chunk) = response.chunk().await.with_context(|| format!("{digest} broke off"))? {
            hasher.update(&chunk);
            file.write_all(&chunk).await?;
            size += chunk.len() as u64;
            progress(size);
        }
        file.flush().await?;
        if hasher.finish() != digest.hex() {
            bail!("the registry sent other bytes for {digest}");
        }
        Ok(size)
    }

    /// Documents attached to an image: by the referrers API, or by the tag that stands in for it. What cannot be had is
    /// left out: an image can be scanned without.
    async fn attached(&mut self, digest: &str) -> Vec<(String, Vec<u8>)> {
        let index = match self.get(&format!("referrers/{digest}"), INDEX[0]).await {
            Ok(response) => bounded(response, MAX_MANIFEST).await.ok(),
            Err(_) => self.manifest(&digest.replace(':', "-")).await.ok().map(|(bytes, _)| bytes),
        };
        let index: Value = index.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let mut documents = Vec::new();
        for descriptor in index["manifests"].as_array().into_iter().flatten().take(MAX_REFERRERS) {
            let Some(manifest) = descriptor["digest"].as_str() else { continue };
            match self.document(manifest).await {
                Ok(found) => documents.extend(found),
                Err(error) => tracing::warn!(manifest, %error, "an attached document cannot be read"),
            }
        }
        documents
    }

    async fn document(&mut self, manifest: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let (bytes, _) = self.manifest(manifest).await?;
        let manifest: Value = serde_json::from_slice(&bytes)?;
        let mut documents = Vec::new();
        for layer in manifest["layers"].as_array().into_iter().flatten() {
            let media = layer["mediaType"].as_str().unwrap_or_default();
            let small = layer["size"].as_u64().is_some_and(|size| size <= MAX_ATTACHED as u64);
            if let Some(digest) = layer["digest"].as_str().filter(|_| small && media.contains("json")) {
                let response = self.get(&format!("blobs/{digest}"), "*/*").await?;
                documents.push((media.to_owned(), bounded(response, MAX_ATTACHED).await?));
            }
        }
        Ok(documents)
    }
}

async fn bounded(mut response: Response, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            bail!("{} sends more than {} MiB", response.url(), limit >> 20);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The hash that a digest names.
enum Hasher {
    Sha256(Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    fn of(digest: &Digest) -> Self {
        if digest.algorithm() == "sha512" { Self::Sha512(sha2::Sha512::new()) } else { Self::Sha256(Sha256::new()) }
    }
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }
    fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => hex::encode(hasher.finalize()),
            Self::Sha512(hasher) => hex::encode(hasher.finalize()),
        }
    }
}
