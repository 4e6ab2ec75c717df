//! Manifests and indexes of every kind: pushed with their blobs by digest and by tag, listed, pulled, found as referrers,
//! and taken away, each with everything that the answers promise.

use super::{Place, bytes, digest};
use crate::support::server;
use crate::tour_oci::{OCI, OCI_INDEX};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const NOTE: &str = "application/vnd.example.note.v1";
const OTHER_NOTE: &str = "application/vnd.example.other.v1";

/// One manifest with what is known of it.
struct Made {
    digest: String,
    kind: String,
    bytes: Vec<u8>,
    subject: Option<String>,
    artifact_type: Option<String>,
}

/// What is pushed together and taken away together.
struct Set {
    name: &'static str,
    algorithm: &'static str,
    blobs: Vec<(String, Vec<u8>)>,
    /// In an order in which they can be pushed.
    manifests: Vec<Made>,
    /// Tags, and the position of the manifest that each stands for.
    tags: Vec<(String, usize)>,
    /// Whether tags are set by `?tag=` of the push by digest.
    by_parameter: bool,
}

impl Set {
    fn new(name: &'static str, algorithm: &'static str) -> Self {
        let (blobs, manifests, tags) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, algorithm, blobs, manifests, tags, by_parameter: false }
    }

    fn blob(&mut self, kind: &str, bytes: Vec<u8>) -> Value {
        let digest = digest(self.algorithm, &bytes);
        let descriptor = json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
        if !self.blobs.iter().any(|(known, _)| *known == digest) {
            self.blobs.push((digest, bytes));
        }
        descriptor
    }

    fn manifest(&mut self, manifest: &Value) -> Value {
        let bytes = manifest.to_string().into_bytes();
        let digest = digest(self.algorithm, &bytes);
        let kind = manifest["mediaType"].as_str().unwrap().to_owned();
        let descriptor = json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
        let subject = manifest["subject"]["digest"].as_str().map(str::to_owned);
        let shown = manifest["artifactType"].as_str().or(manifest["config"]["mediaType"].as_str());
        self.manifests.push(Made { digest, kind, bytes, subject, artifact_type: shown.map(str::to_owned) });
        descriptor
    }

    fn tag(mut self, tag: &str) -> Self {
        self.tags.push((tag.to_owned(), self.manifests.len() - 1));
        self
    }

    fn image_of(&mut self, word: &str, layers: usize, more: Value) -> Value {
        let config = self.blob(CONFIG, json!({ "os": "linux", "architecture": word }).to_string().into_bytes());
        let name = self.name;
        let layers: Vec<Value> =
            (0..layers).map(|n| self.blob(LAYER, bytes(&format!("{name} {word} {n}"), 2048))).collect();
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers });
        manifest.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        manifest
    }

    fn image(&mut self, word: &str, layers: usize, more: Value) -> Value {
        let manifest = self.image_of(word, layers, more);
        self.manifest(&manifest)
    }

    fn artifact(&mut self, word: &str, kind: &str, subject: Option<&Value>) -> Value {
        let config = self.blob(EMPTY, b"{}".to_vec());
        let layer = self.blob(kind, bytes(word, 600));
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": OCI, "artifactType": kind, "config": config, "layers": [layer],
            "annotations": { "org.example.word": word },
        });
        if let Some(subject) = subject {
            manifest["subject"] = subject.clone();
        }
        self.manifest(&manifest)
    }

    fn index(&mut self, children: &[Value], more: Value) -> Value {
        let mut index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children });
        index.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.manifest(&index)
    }

    fn two_platforms(&mut self) -> Vec<Value> {
        let one = |set: &mut Self, word: &str| {
            let mut child = set.image(word, 2, json!({}));
            child["platform"] = json!({ "os": "linux", "architecture": word });
            child
        };
        vec![one(self, "amd64"), one(self, "arm64")]
    }
}

fn images() -> Vec<Set> {
    let mut plain = Set::new("image", "sha256");
    plain.image("amd64", 4, json!({}));
    let mut large = Set::new("large-manifest", "sha256");
    let notes: serde_json::Map<_, _> = (0..390).map(|n| (format!("note-{n}"), "A".repeat(10_000).into())).collect();
    large.image("amd64", 1, json!({ "annotations": notes }));
    let mut data = Set::new("data-field", "sha256");
    let mut manifest = data.image_of("amd64", 1, json!({}));
    manifest["config"]["data"] = "e30=".into();
    data.manifest(&manifest);
    let mut custom = Set::new("custom-fields", "sha256");
    custom.image("amd64", 1, json!({ "org.example.field": "an own field" }));
    let mut bare = Set::new("no-layers", "sha256");
    bare.image("amd64", 0, json!({}));
    let mut foreign = Set::new("non-distributable", "sha256");
    let mut manifest = foreign.image_of("windows", 1, json!({}));
    for kind in ["tar", "tar+gzip"] {
        let layer = json!({
            "mediaType": format!("application/vnd.oci.image.layer.nondistributable.v1.{kind}"),
            "digest": digest("sha256", kind.as_bytes()), "size": 123_456, "urls": ["https://layers.example/1"],
        });
        manifest["layers"].as_array_mut().unwrap().push(layer);
    }
    foreign.manifest(&manifest);
    let mut docker = Set::new("docker", "sha256");
    let mut manifest = docker.image_of("amd64", 2, json!({}));
    manifest["mediaType"] = DOCKER.into();
    let child = docker.manifest(&manifest);
    let list = json!({ "schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [child] });
    docker.manifest(&list);
    let mut sparse = Set::new("sparse-image", "sha256");
    sparse.image("amd64", 3, json!({}));
    sparse.blobs.pop();
    let sets = [plain, large, data, custom, bare, foreign, docker, sparse];
    sets.into_iter()
        .map(|set| {
            let name = set.name;
            set.tag(name)
        })
        .collect()
}

fn indexes() -> Vec<Set> {
    let mut plain = Set::new("index", "sha256");
    let children = plain.two_platforms();
    plain.index(&children, json!({}));
    let mut nested = Set::new("nested-index", "sha256");
    let children = nested.two_platforms();
    let inner = nested.index(&children, json!({ "annotations": { "n": "1" } }));
    nested.index(&[inner], json!({}));
    let mut empty = Set::new("empty-index", "sha256");
    empty.index(&[], json!({}));
    let mut artifacts = Set::new("artifact-index", "sha256");
    let children = [artifacts.artifact("a", NOTE, None), artifacts.artifact("b", NOTE, None)];
    artifacts.index(&children, json!({ "artifactType": NOTE }));
    let mut sparse = Set::new("sparse-index", "sha256");
    let here = sparse.image("amd64", 1, json!({}));
    let missing = json!({ "mediaType": OCI, "digest": digest("sha256", b"missing"), "size": 1024 });
    sparse.index(&[here, missing], json!({}));
    let mut other = Set::new("sha512", "sha512");
    let children = other.two_platforms();
    other.index(&children, json!({}));
    let sets = [plain, nested, empty, artifacts, sparse];
    let mut sets: Vec<Set> = sets
        .into_iter()
        .map(|set| {
            let name = set.name;
            set.tag(name)
        })
        .collect();
    sets.push(other);
    for algorithm in super::ALGORITHMS {
        let name = if algorithm == "sha256" { "tag-param-sha256" } else { "tag-param-sha512" };
        let mut set = Set::new(name, algorithm);
        let children = set.two_platforms();
        set.index(&children, json!({}));
        set.by_parameter = true;
        set.tags = (0..3).map(|n| (format!("{name}-{n}"), n)).chain([(name.to_owned(), 2)]).collect();
        sets.push(set);
    }
    sets
}

fn artifacts() -> Vec<Set> {
    let mut plain = Set::new("artifact", "sha256");
    plain.artifact("plain", NOTE, None);
    let mut bare = Set::new("artifact-without-layers", "sha256");
    let nothing = bare.blob(EMPTY, b"{}".to_vec());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI, "artifactType": NOTE, "config": nothing, "layers": [nothing],
    });
    bare.manifest(&manifest);
    let mut about = Set::new("artifacts-with-subject", "sha256");
    let subject = about.image("amd64", 2, json!({}));
    about.image("amd64", 1, json!({ "subject": subject }));
    about.artifact("first", NOTE, Some(&subject));
    about.artifact("second", OTHER_NOTE, Some(&subject));
    let mut missing = Set::new("missing-subject", "sha256");
    let nowhere = json!({ "mediaType": OCI, "digest": digest("sha256", b"missing content"), "size": 123 });
    missing.artifact("early", NOTE, Some(&nowhere));
    let mut index = Set::new("index-with-subject", "sha256");
    let children = index.two_platforms();
    let subject = index.index(&children, json!({}));
    let child = index.artifact("part", NOTE, None);
    index.index(&[child], json!({ "artifactType": NOTE, "subject": subject, "annotations": { "n": "1" } }));
    let sets = [plain, bare, about, missing, index];
    sets.into_iter()
        .map(|set| {
            let name = set.name;
            set.tag(name)
        })
        .collect()
}

async fn push(place: &Place<'_>, set: &Set) -> Result<()> {
    for (digest, bytes) in &set.blobs {
        let path = place.path(&format!("blobs/uploads/?digest={digest}"));
        place.send(Method::POST, &path, &[], bytes).await?.expect_status(201)?;
    }
    for (position, made) in set.manifests.iter().enumerate() {
        let tags: Vec<&str> = set
            .tags
            .iter()
            .filter(|(_, of)| set.by_parameter && *of == position)
            .map(|(tag, _)| tag.as_str())
            .collect();
        let query: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
        let mark = if tags.is_empty() { "" } else { "?" };
        put(place, made, &format!("{}{mark}{}", made.digest, query.join("&")), &tags).await?;
    }
    for (tag, position) in set.tags.iter().filter(|_| !set.by_parameter) {
        put(place, &set.manifests[*position], tag, &[tag]).await?;
    }
    Ok(())
}

async fn put(place: &Place<'_>, made: &Made, pointer: &str, tags: &[&str]) -> Result<()> {
    let path = place.path(&format!("manifests/{pointer}"));
    let reply =
        place.send(Method::PUT, &path, &[("content-type", &made.kind)], &made.bytes).await?.expect_status(201)?;
    ensure!(reply.header("docker-content-digest") == Some(made.digest.as_str()), "{:?}", reply.headers);
    ensure!(reply.header("oci-subject") == made.subject.as_deref(), "{:?}", reply.headers);
    let told = reply.header("oci-tag").unwrap_or_default();
    let told: BTreeSet<&str> = told.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    ensure!(told == tags.iter().copied().collect(), "{told:?}");
    let location = reply.header("location").context("a manifest has an address")?;
    place.has(location, &made.digest, &made.bytes, Some(&made.kind)).await
}

async fn listed(place: &Place<'_>, query: &str) -> Result<BTreeSet<String>> {
    let reply = place.http.get(&place.path(&format!("tags/list{query}"))).await?.expect_status(200)?.json()?;
    let tags = reply["tags"].as_array().cloned().unwrap_or_default();
    Ok(tags.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

async fn pull(place: &Place<'_>, set: &Set) -> Result<()> {
    if !set.tags.is_empty() {
        let all = listed(place, "").await?;
        ensure!(set.tags.iter().all(|(tag, _)| all.contains(tag)), "{all:?}");
        if let Some(middle) = all.iter().nth(all.len() / 2) {
            let after = listed(place, &format!("?last={middle}")).await?;
            ensure!(after == all.iter().filter(|tag| *tag > middle).cloned().collect(), "{after:?}");
        }
    }
    for (tag, position) in &set.tags {
        let made = &set.manifests[*position];
        place.has(&place.path(&format!("manifests/{tag}")), &made.digest, &made.bytes, Some(&made.kind)).await?;
    }
    for made in &set.manifests {
        let path = place.path(&format!("manifests/{}", made.digest));
        place.has(&path, &made.digest, &made.bytes, Some(&made.kind)).await?;
    }
    for (digest, bytes) in &set.blobs {
        place.has(&place.path(&format!("blobs/{digest}")), digest, bytes, None).await?;
    }
    Ok(())
}

async fn referrers(place: &Place<'_>, set: &Set) -> Result<()> {
    let subjects: BTreeSet<&str> = set.manifests.iter().filter_map(|made| made.subject.as_deref()).collect();
    for subject in subjects {
        let about = |kind: Option<&str>| -> BTreeSet<&str> {
            let refers = set.manifests.iter().filter(|made| made.subject.as_deref() == Some(subject));
            let fits = refers.filter(|made| kind.is_none() || made.artifact_type.as_deref() == kind);
            fits.map(|made| made.digest.as_str()).collect()
        };
        for kind in [None, Some(NOTE), Some(OTHER_NOTE), Some(CONFIG)] {
            let filter = kind.map(|kind| format!("?artifactType={}", kind.replace('+', "%2B"))).unwrap_or_default();
            let reply =
                place.http.get(&place.path(&format!("referrers/{subject}{filter}"))).await?.expect_status(200)?;
            ensure!(reply.header("content-type") == Some(OCI_INDEX), "{:?}", reply.headers);
            let applied = reply.header("oci-filters-applied");
            ensure!(applied == kind.map(|_| "artifactType"), "{applied:?}");
            let index = reply.json()?;
            ensure!(index["schemaVersion"] == 2 && index["mediaType"] == OCI_INDEX, "{index}");
            let entries = index["manifests"].as_array().context("an index has manifests")?;
            let found: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["digest"].as_str()).collect();
            ensure!(found == about(kind), "{subject} {kind:?}: {index}");
            for entry in entries {
                let made = set.manifests.iter().find(|made| entry["digest"] == made.digest.as_str()).context("ours")?;
                let written: Value = serde_json::from_slice(&made.bytes)?;
                ensure!(entry["mediaType"] == made.kind.as_str() && entry["size"] == made.bytes.len(), "{entry}");
                ensure!(entry["artifactType"].as_str() == made.artifact_type.as_deref(), "{entry}");
                ensure!(entry["annotations"] == written["annotations"], "{entry}");
            }
        }
    }
    Ok(())
}

async fn take_away(place: &Place<'_>, set: &Set) -> Result<()> {
    for (tag, _) in &set.tags {
        place.delete(&place.path(&format!("manifests/{tag}"))).await?;
    }
    for made in set.manifests.iter().rev() {
        place.delete(&place.path(&format!("manifests/{}", made.digest))).await?;
    }
    for (digest, _) in &set.blobs {
        // Gone with the last manifest that has it.
        place.http.head(&place.path(&format!("blobs/{digest}"))).await?.expect_status(404)?;
    }
    Ok(())
}

async fn all_of(sets: Vec<Set>, name: &str) -> Result<()> {
    let server = server().await?;
    let place = Place { http: server.http(), name };
    for set in &sets {
        let told = |step: &str| format!("{}: {step}", set.name);
        push(&place, set).await.with_context(|| told("push"))?;
        pull(&place, set).await.with_context(|| told("pull"))?;
        referrers(&place, set).await.with_context(|| told("referrers"))?;
        take_away(&place, set).await.with_context(|| told("take away"))?;
    }
    Ok(())
}

#[tokio::test]
async fn images_of_every_kind() -> Result<()> {
    all_of(images(), "main/conformance/images").await
}

#[tokio::test]
async fn indexes_of_every_kind() -> Result<()> {
    all_of(indexes(), "main/conformance/deeply/nested/names/indexes").await
}

#[tokio::test]
async fn artifacts_and_what_they_are_about() -> Result<()> {
    all_of(artifacts(), "main/conformance/artifacts").await
}

#[tokio::test]
async fn a_manifest_under_another_digest_is_refused() -> Result<()> {
    let server = server().await?;
    let place = Place { http: server.http(), name: "main/conformance/wrong" };
    for algorithm in super::ALGORITHMS {
        let mut set = Set::new("wrong", algorithm);
        set.image("amd64", 1, json!({}));
        for (digest, bytes) in &set.blobs {
            let path = place.path(&format!("blobs/uploads/?digest={digest}"));
            place.send(Method::POST, &path, &[], bytes).await?.expect_status(201)?;
        }
        let made = &set.manifests[0];
        let path = place.path(&format!("manifests/{}", made.digest));
        let spaced = [made.bytes.as_slice(), b"  "].concat();
        let refused = place.send(Method::PUT, &path, &[("content-type", OCI)], &spaced).await?.expect_status(400)?;
        assert_eq!(refused.json()?["errors"][0]["code"], "DIGEST_INVALID");
        place.http.get(&path).await?.expect_status(404)?;
    }
    Ok(())
}
