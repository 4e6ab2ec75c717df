//! Signatures, from outside: an image is refused until it is signed by somebody who is trusted; what comes from a registry,
//! what publishers attest, and who asked for it.

mod cosign;
mod registries;

use crate::support::{PATIENCE, package, server, settled, state, token};
use crate::tour_oci::{OCI, OCI_INDEX, image, push, push_blobs, put_manifest, skopeo_copy};
use anyhow::{Context, Result, bail};
use assay_testkit::{
    Http, Ran, TestServer,
    make::{
        oci::Parts,
        sha256,
        signing::{self, Authority, Signer},
    },
    tool,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// A server that refuses what nobody trusted signed.
async fn strict(settings: &[&str]) -> Result<TestServer> {
    let server = server().await?;
    let mut line = vec!["policy", "install", "unsigned"];
    line.extend(settings.iter().flat_map(|one| ["--set", one]));
    server.cli(line)?.succeed().await?;
    Ok(server)
}

async fn until(server: &TestServer, what: &str, wanted: &str) -> Result<Value> {
    let start = Instant::now();
    loop {
        let seen = package(server, what).await?;
        if seen["state"] == wanted {
            return Ok(seen);
        }
        if start.elapsed() > PATIENCE {
            bail!("{what} is not {wanted}: {} {}", seen["signatures"], seen["decisions"]);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// `assay trust add` with a PEM in a file.
async fn trust(server: &TestServer, name: &str, kind: &str, pem: &str, more: &[&str]) -> Result<Ran> {
    let file = server.scratch().join(format!("{name}.pem"));
    std::fs::write(&file, pem)?;
    server.cli(["trust", "add", name, kind])?.arg(file).args(more).succeed().await
}

async fn blob(server: &TestServer, name: &str, bytes: &[u8]) -> Result<()> {
    let path = format!("/v2/{name}/blobs/uploads/?digest={}", digest(bytes));
    server.http().post(&path, bytes.to_vec()).await?.expect_status(201)?;
    Ok(())
}

/// Pushes a manifest with one layer; under a tag, or by its digest where it names its subject.
async fn attach(
    server: &TestServer,
    name: &str,
    tag: Option<&str>,
    layer: (&str, &[u8], Value),
    subject: Option<&Parts>,
) -> Result<String> {
    let (kind, bytes, annotations) = layer;
    let config =
        json!({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(bytes)]}});
    let config = config.to_string().into_bytes();
    blob(server, name, bytes).await?;
    blob(server, name, &config).await?;
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": OCI,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
        "layers": [{"mediaType": kind, "digest": digest(bytes), "size": bytes.len(), "annotations": annotations}],
    });
    if let Some(about) = subject {
        manifest["artifactType"] = json!(kind);
        manifest["subject"] =
            json!({"mediaType": OCI, "digest": about.manifest.digest, "size": about.manifest.bytes.len()});
    }
    let manifest = manifest.to_string().into_bytes();
    let own = digest(&manifest);
    put_manifest(server.http(), name, tag.unwrap_or(&own), OCI, manifest).await?.expect_status(201)?;
    Ok(own)
}

/// Signs an image as cosign does: a tag made of its digest.
async fn sign(server: &TestServer, name: &str, of: &str, signer: &Signer) -> Result<String> {
    let payload = signing::simple_signing(&format!("registry.example/{name}"), of);
    let annotations = json!({"dev.cosignproject.cosign/signature": signer.sign(&payload)?});
    let tag = format!("{}.sig", of.replace(':', "-"));
    attach(server, name, Some(&tag), (SIGNING, &payload, annotations), None).await
}

/// Who signs must be able to read what is signed, and nothing more: not without the right to write, not the layers, and not
/// where a signature would change nothing.
#[tokio::test]
async fn a_manifest_is_given_to_be_signed_only_where_a_signature_is_what_it_lacks() -> Result<()> {
    let server = strict(&[]).await?;
    let parts = image("waits")?.parts()?;
    push(server.http(), "main/app", "waits", &parts).await?;
    let what = "main/oci/app:waits";
    until(&server, what, "quarantined").await?;
    let manifest = format!("/v2/main/app/manifests/{}", parts.manifest.digest);
    let layer = parts.layers.last().context("an image has layers")?;
    let reader = server.http().with_token(Some(&token(&server, "read", &["main"]).await?));
    let may = async |http: &Http, path: &str, agent: &str| -> Result<u16> {
        Ok(http.get_with(path, &[("user-agent", agent)]).await?.status.as_u16())
    };
    let signer = "cosign/v2.6.5 (linux; amd64)";
    assert_eq!(may(server.http(), &manifest, signer).await?, 200);
    assert_eq!(may(server.http(), &manifest, "docker/28").await?, 403);
    assert_eq!(may(&reader, &manifest, signer).await?, 403);
    assert_eq!(may(server.http(), &format!("/v2/main/app/blobs/{}", layer.digest), signer).await?, 403);

    let named = server.scratch().join("named.rego");
    std::fs::write(&named, "package assay\n\nmatch if input.v1.package.name == \"app\"\n")?;
    server.cli(["policy", "add"])?.arg(&named).args(["--action", "quarantine"]).succeed().await?;
    settled(&server).await?;
    assert_eq!(may(server.http(), &manifest, signer).await?, 403, "another policy refuses it as well");
    let told = server.http().get_with(&manifest, &[("user-agent", signer)]).await?.text();
    assert!(told.contains("it lacks more than a signature") && told.contains("named"), "{told}");
    let told = server.http().get_with(&manifest, &[("user-agent", "docker/28")]).await?.text();
    assert!(!told.contains("to be signed"), "{told}");
    server.cli(["policy", "remove", "named"])?.succeed().await?;
    settled(&server).await?;
    assert_eq!(may(server.http(), &manifest, signer).await?, 200);
    server.cli(["package", "hold", what, "--reason", "under review"])?.succeed().await?;
    settled(&server).await?;
    assert_eq!(may(server.http(), &manifest, signer).await?, 403, "an operator holds it");
    Ok(())
}

#[tokio::test]
async fn an_image_is_refused_until_somebody_who_is_trusted_signed_it() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = strict(&[]).await?;
    let archive = server.scratch().join("image.tar");
    std::fs::write(&archive, image("signed")?.docker_archive("app:1")?)?;
    let remote = format!("docker://{}/main/app:1", server.authority());
    let source = format!("docker-archive:{}", archive.display());
    skopeo_copy(&server, &skopeo, &[], &source, &remote)?.succeed().await?;
    let what = "main/oci/app:1";
    let seen = until(&server, what, "quarantined").await?;
    let back = tempfile::tempdir()?;
    let into = format!("dir:{}", back.path().display());
    let refused = skopeo_copy(&server, &skopeo, &[], &remote, &into)?.fail().await?;
    assert!(refused.output().contains("no signature came with"), "{refused}");

    let (release, stranger) = (Signer::new()?, Signer::new()?);
    let version = seen["version"].as_str().unwrap_or_default().to_owned();
    let held = sign(&server, "main/app", &version, &release).await?;
    settled(&server).await?;
    let seen = package(&server, what).await?;
    assert_eq!(
        (&seen["state"], &seen["signatures"][0]["verified"]),
        (&json!("quarantined"), &Value::Null),
        "nobody is trusted"
    );
    trust(&server, "stranger", "--key", &stranger.pem(), &[]).await?;
    settled(&server).await?;
    let seen = package(&server, what).await?;
    assert_eq!(seen["signatures"][0]["detail"], "no trusted key made it");

    let told = trust(&server, "release", "--key", &release.pem(), &[]).await?;
    assert!(told.stdout.contains("1 package is decided again"), "{told}");
    let seen = until(&server, what, "available").await?;
    let signature = &seen["signatures"][0];
    assert_eq!(
        (&signature["verified"], &signature["signer"], &signature["form"]),
        (&json!(true), &json!("release"), &json!("cosign"))
    );
    skopeo_copy(&server, &skopeo, &[], &remote, &into)?.succeed().await?;
    assert_eq!(state(&server, &format!("main/oci/app@{held}")).await?, "available", "what is a signature needs none");
    let shown = server.cli(["package", what])?.succeed().await?;
    assert!(shown.stdout.contains("VERIFIED") && shown.stdout.contains("release"), "{shown}");
    let page = server.http().get(&format!("/ui/packages/{}", seen["id"])).await?.text();
    assert!(page.contains("badge state-available\">verified") && page.contains("release"), "{page}");
    let input =
        server.http().get(&format!("/api/v1/packages/{}/input", seen["id"])).await?.expect_status(200)?.json()?;
    assert_eq!(input["v1"]["signatures"][0]["signer"], "release", "{}", input["v1"]["signatures"]);

    let told = server.cli(["trust", "remove", "release"])?.succeed().await?;
    assert!(told.stdout.contains("1 package is decided again"), "{told}");
    until(&server, what, "quarantined").await?;
    trust(&server, "release", "--key", &release.pem(), &["--repository", "other"]).await?;
    settled(&server).await?;
    assert_eq!(state(&server, what).await?, "quarantined", "it is for another repository");
    trust(&server, "release", "--key", &release.pem(), &["--repository", "ma*", "--package", "oci:app"]).await?;
    until(&server, what, "available").await?;
    server.cli(["delete"])?.arg(format!("main/oci/app@{held}")).succeed().await?;
    until(&server, what, "quarantined").await.map(drop)
}

#[tokio::test]
async fn who_signs_an_index_signs_what_it_lists() -> Result<()> {
    let server = strict(&["provenance=true", "signature=false"]).await?;
    let corp = Authority::new()?;
    let parts = image("amd64")?.parts()?;
    let name = "main/multi";
    push_blobs(server.http(), name, &parts).await?;
    let own = &parts.manifest;
    put_manifest(server.http(), name, &own.digest, OCI, own.bytes.clone()).await?.expect_status(201)?;
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{"mediaType": OCI, "digest": own.digest,
        "size": own.bytes.len(), "platform": {"os": "linux", "architecture": "amd64"}}]});
    let index = index.to_string().into_bytes();
    let about = digest(&index);
    // The statement comes before what it is about.
    let predicate = signing::provenance("https://build.example/ci", "https://git.example/corp/app", "c0ffee");
    let statement =
        signing::statement("https://slsa.dev/provenance/v1", "multi", ("sha256", &sha256(&index)), &predicate);
    let by = corp.certify("https://git.example/corp/app/ci", "https://login.example")?;
    let bundle = signing::bundle(&by, &statement, None)?.to_string();
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let mut subject = parts.clone();
    (subject.manifest.digest, subject.manifest.bytes) = (about.clone(), index.clone());
    attach(&server, name, None, (kind, bundle.as_bytes(), Value::Null), Some(&subject)).await?;
    let more = ["--identity", "https://git.example/corp/*", "--issuer", "https://login.example"];
    trust(&server, "corp", "--ca", corp.pem(), &more).await?;
    settled(&server).await?;
    let (whole, part) = (format!("main/oci/multi@{about}"), format!("main/oci/multi@{}", own.digest));
    assert_eq!(state(&server, &part).await?, "quarantined");

    put_manifest(server.http(), name, "1", OCI_INDEX, index).await?.expect_status(201)?;
    until(&server, &whole, "available").await?;
    let seen = until(&server, &part, "available").await?;
    let said = &seen["signatures"][0];
    assert_eq!(
        (&said["kind"], &said["verified"], &said["issuer"]),
        (&json!("provenance"), &json!(true), &json!("https://login.example"))
    );
    assert_eq!((&said["source"], &said["commit"]), (&json!("git.example/corp/app"), &json!("c0ffee")));
    assert_eq!(
        (&said["builder"], &said["signer"]),
        (&json!("https://build.example/ci"), &json!("https://git.example/corp/app/ci"))
    );

    trust(&server, "corp", "--ca", corp.pem(), &["--identity", "https://git.example/other/*"]).await?;
    until(&server, &part, "quarantined").await.map(drop)
}

#[tokio::test]
async fn who_is_trusted_is_kept_as_files() -> Result<()> {
    let server = server().await?;
    let key = Signer::new()?;
    trust(&server, "release", "--key", &key.pem(), &["--package", "oci:team/*"]).await?;
    let place = server.scratch().join("workspace");
    server.cli(["export", "-o"])?.arg(&place).succeed().await?;
    let text = std::fs::read_to_string(place.join("trust/release.yaml"))?;
    assert!(text.contains("kind: trust") && text.contains("type: key") && text.contains("oci:team/*"), "{text}");
    let nothing = server.cli(["apply", "--dry-run", "-f"])?.arg(&place).succeed().await?;
    assert!(nothing.stdout.contains("everything is as the files say"), "{nothing}");
    server.cli(["trust", "remove", "release"])?.succeed().await?;
    server.cli(["apply", "-f"])?.arg(&place).succeed().await?;
    let listed = server.cli(["trust", "list", "--json"])?.succeed().await?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let one = &listed["trusted"][0];
    assert_eq!(
        (&one["name"], &one["algorithm"], &one["scope"]["packages"]),
        (&json!("release"), &json!("ecdsa-p256"), &json!(["oci:team/*"]))
    );
    std::fs::remove_file(place.join("trust/release.yaml"))?;
    server.cli(["apply", "--prune", "--kind", "trust", "-f"])?.arg(&place).succeed().await?;
    assert!(server.cli(["trust", "list"])?.succeed().await?.stdout.contains("nobody is trusted"));
    Ok(())
}

#[tokio::test]
async fn only_what_can_be_trusted_is_taken() -> Result<()> {
    let server = server().await?;
    let (key, corp) = (Signer::new()?, Authority::new()?);
    let put = |draft: Value| {
        let http = server.http();
        async move { anyhow::Ok(http.post_json("/api/v1/trust", &draft).await?) }
    };
    for (draft, said) in [
        (json!({"name": "a", "kind": "key", "pem": "hello"}), "no public key"),
        (
            json!({"name": "a", "kind": "key", "pem": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"}),
            "private key",
        ),
        (json!({"name": "a", "kind": "authority", "pem": corp.pem()}), "identities"),
        (json!({"name": "a", "kind": "authority", "pem": key.pem(), "identities": ["*"]}), "certificate"),
        (json!({"name": "a/b", "kind": "key", "pem": key.pem()}), "a name has"),
        (json!({"name": "a", "kind": "key", "pem": key.pem(), "identities": ["*"]}), "its own identity"),
        (json!({"name": "a", "kind": "castle", "pem": key.pem()}), "castle"),
    ] {
        let reply = put(draft.clone()).await?;
        assert_eq!(reply.status.as_u16(), 400, "{draft}: {}", reply.text());
        assert!(reply.text().contains(said), "{draft}: {}", reply.text());
    }
    let none = server.http().get("/api/v1/trust").await?.expect_status(200)?.json()?;
    assert_eq!(none["trusted"], json!([]), "nothing is left behind");
    let good = json!({"name": "a", "kind": "key", "pem": key.pem()});
    assert_eq!(put(good.clone()).await?.expect_status(200)?.json()?["change"], "new");
    assert_eq!(put(good).await?.expect_status(200)?.json()?["change"], "unchanged");
    let reader = token(&server, "write", &["main"]).await?;
    let reply = server.http().with_token(Some(&reader)).get("/api/v1/trust").await?;
    assert_eq!(reply.status.as_u16(), 403, "{}", reply.text());
    let gone = server.cli(["trust", "remove", "nobody"])?.fail().await?;
    assert!(gone.stderr.contains("nobody is trusted as `nobody`"), "{gone}");
    Ok(())
}

#[tokio::test]
async fn a_signature_of_another_image_is_none() -> Result<()> {
    let server = strict(&[]).await?;
    let release = Signer::new()?;
    trust(&server, "release", "--key", &release.pem(), &[]).await?;
    let (good, bad) = (image("good")?.parts()?, image("bad")?.parts()?);
    push(server.http(), "main/app", "good", &good).await?;
    push(server.http(), "main/app", "bad", &bad).await?;
    sign(&server, "main/app", &good.manifest.digest, &release).await?;
    until(&server, "main/oci/app:good", "available").await?;
    // The same signature under the other image's tag.
    let payload = signing::simple_signing("registry.example/app", &good.manifest.digest);
    let annotations = json!({"dev.cosignproject.cosign/signature": release.sign(&payload)?});
    let tag = format!("{}.sig", bad.manifest.digest.replace(':', "-"));
    attach(&server, "main/app", Some(&tag), (SIGNING, &payload, annotations), None).await?;
    settled(&server).await?;
    let seen = package(&server, "main/oci/app:bad").await?;
    assert_eq!((&seen["state"], &seen["signatures"][0]["verified"]), (&json!("quarantined"), &json!(false)));
    assert!(
        seen["signatures"][0]["detail"].as_str().is_some_and(|why| why.contains("another image")),
        "{}",
        seen["signatures"]
    );
    // An image that says it is about another one is an image all the same.
    let mut manifest: Value = serde_json::from_slice(&image("sly")?.parts()?.manifest.bytes)?;
    push_blobs(server.http(), "main/app", &image("sly")?.parts()?).await?;
    manifest["subject"] = json!({"mediaType": OCI, "digest": good.manifest.digest, "size": good.manifest.bytes.len()});
    put_manifest(server.http(), "main/app", "sly", OCI, manifest.to_string().into_bytes()).await?.expect_status(201)?;
    until(&server, "main/oci/app:sly", "quarantined").await.map(drop)
}

/// Clients unpack layers however they are called: an image whose layers bear the names of signatures is an image.
#[tokio::test]
async fn an_image_whose_layers_are_called_signatures_needs_one_all_the_same() -> Result<()> {
    let server = strict(&[]).await?;
    let release = Signer::new()?;
    trust(&server, "release", "--key", &release.pem(), &[]).await?;
    let good = image("good")?.parts()?;
    push(server.http(), "main/app", "good", &good).await?;
    let held = sign(&server, "main/app", &good.manifest.digest, &release).await?;
    until(&server, "main/oci/app:good", "available").await?;
    until(&server, &format!("main/oci/app@{held}"), "available").await?;

    // A later signature under the same tag takes the place of the first, which is one all the same.
    let second = Signer::new()?;
    sign(&server, "main/app", &good.manifest.digest, &second).await?;
    trust(&server, "second", "--key", &second.pem(), &[]).await?;
    until(&server, "main/oci/app:good", "available").await?;
    let named = server.scratch().join("beside.rego");
    std::fs::write(&named, "package assay\n\nmatch if input.v1.package.name == \"nobody\"\n")?;
    server.cli(["policy", "add"])?.arg(&named).args(["--action", "quarantine"]).succeed().await?;
    settled(&server).await?;
    assert_eq!(state(&server, &format!("main/oci/app@{held}")).await?, "available");

    let sly = image("sly")?.parts()?;
    push_blobs(server.http(), "main/app", &sly).await?;
    for (tag, kind, annotations) in [
        ("envelope", "application/vnd.dsse.envelope.v1+json", json!({})),
        ("bundle", "application/vnd.dev.sigstore.bundle.v0.3+json", json!({})),
        ("statement", "application/vnd.in-toto+json", json!({})),
        ("signature", SIGNING, json!({"dev.cosignproject.cosign/signature": release.sign(b"anything")?})),
    ] {
        let mut manifest: Value = serde_json::from_slice(&sly.manifest.bytes)?;
        manifest["subject"] =
            json!({"mediaType": OCI, "digest": good.manifest.digest, "size": good.manifest.bytes.len()});
        for layer in manifest["layers"].as_array_mut().context("an image has layers")? {
            layer["mediaType"] = json!(kind);
            layer["annotations"] = annotations.clone();
        }
        let manifest = manifest.to_string().into_bytes();
        put_manifest(server.http(), "main/app", tag, OCI, manifest).await?.expect_status(201)?;
        let what = format!("main/oci/app:{tag}");
        until(&server, &what, "quarantined").await?;
        let refused = server.http().get(&format!("/v2/main/app/manifests/{tag}")).await?;
        assert_eq!(refused.status.as_u16(), 403, "{tag}: {}", refused.text());
    }
    until(&server, "main/oci/app:good", "available").await.map(drop)
}

async fn decided(server: &TestServer) -> Result<String> {
    let text = server.http().get("/metrics").await?.expect_status(200)?.text();
    let line = text.lines().find(|line| line.starts_with("assay_decisions_total ")).map(str::to_owned);
    line.with_context(|| format!("no such metric: {text}"))
}

#[tokio::test]
async fn a_signature_that_goes_decides_nothing_where_no_policy_reads_signatures() -> Result<()> {
    let server = server().await?;
    let release = Signer::new()?;
    let good = image("good")?.parts()?;
    push(server.http(), "main/app", "good", &good).await?;
    let held = sign(&server, "main/app", &good.manifest.digest, &release).await?;
    settled(&server).await?;
    let before = decided(&server).await?;
    server.cli(["delete"])?.arg(format!("main/oci/app@{held}")).succeed().await?;
    settled(&server).await?;
    assert_eq!(decided(&server).await?, before);
    assert_eq!(package(&server, "main/oci/app:good").await?["signatures"], json!([]), "it is gone");
    Ok(())
}
