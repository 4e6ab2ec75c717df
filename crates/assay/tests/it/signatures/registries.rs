//! What registries sign, what publishers attest, and who asked for what an upstream gave.

use super::{strict, trust, until};
use crate::proxied::upstream;
use crate::support::{package, server, settled, token};
use anyhow::Result;
use assay_testkit::{
    make::{
        gzip, sha512,
        signing::{self, Authority, Signer},
        tar,
        wheel::Wheel,
    },
    remote::{Answer, Remote},
    upload,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A registry with one version of a package, signed over its name, version and hash.
async fn registry(signer: &Signer) -> Result<Remote> {
    let remote = Remote::start().await?;
    let manifest = json!({"name": "left", "version": "1.0.0"});
    let archive = gzip(&tar(&[("package/package.json", manifest.to_string().as_bytes())])?)?;
    let integrity = format!("sha512-{}", STANDARD.encode(hex::decode(sha512(&archive))?));
    let signature = signer.sign(format!("left@1.0.0:{integrity}").as_bytes())?;
    let mut version = manifest;
    version["dist"] = json!({
        "tarball": format!("{}/left/-/left-1.0.0.tgz", remote.url()), "integrity": integrity,
        "signatures": [{"keyid": signer.npm_id(), "sig": signature}],
    });
    let document = json!({"name": "left", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version},
        "time": {"1.0.0": "2026-01-01T00:00:00.000Z"}});
    remote.gives("/left", Answer::of(document.to_string()).header("Content-Type", "application/json"));
    remote.gives("/left/-/left-1.0.0.tgz", Answer::of(archive));
    Ok(remote)
}

#[tokio::test]
async fn a_registrys_signature_counts_by_its_key_and_the_asker_is_known() -> Result<()> {
    let server = strict(&["formats=npm"]).await?;
    let (old, new) = (Signer::new()?, Signer::new()?);
    let remote = registry(&old).await?;
    upstream(&server, "main", "far", "npm", &remote.url(), json!({})).await?;
    let ci = token(&server, "read", &["main"]).await?;
    let archive = "/npm/main/left/-/left-1.0.0.tgz";
    let refused = server.http().with_token(Some(&ci)).get(archive).await?;
    assert_eq!(refused.status.as_u16(), 403, "{}", refused.text());
    let what = "main/npm/left@1.0.0";
    let seen = until(&server, what, "quarantined").await?;
    assert_eq!((&seen["requester"], &seen["signatures"][0]["form"]), (&json!("read-only"), &json!("npm-registry")));
    let input =
        server.http().get(&format!("/api/v1/packages/{}/input", seen["id"])).await?.expect_status(200)?.json()?;
    assert_eq!(input["v1"]["requester"], "read-only");

    let keys = json!({"keys": [{"keyid": new.npm_id(), "key": new.der()}, {"keyid": old.npm_id(), "key": old.der()}]});
    let file = server.scratch().join("keys.json");
    std::fs::write(&file, keys.to_string())?;
    server.cli(["trust", "add", "npm", "--package", "npm:*", "--npm-keys"])?.arg(&file).succeed().await?;
    let seen = until(&server, what, "available").await?;
    assert_eq!(seen["signatures"][0]["signer"], "npm-2");
    server.http().with_token(Some(&ci)).get(archive).await?.expect_status(200)?;
    server.cli(["trust", "remove", "npm-1"])?.succeed().await?;
    settled(&server).await?;
    let decisions = package(&server, what).await?["decisions"].as_array().map_or(0, Vec::len);
    server.cli(["trust", "remove", "npm-2"])?.succeed().await?;
    let seen = until(&server, what, "quarantined").await?;
    assert_eq!(seen["decisions"].as_array().map_or(0, Vec::len), decisions + 1, "the other key touched nothing");
    Ok(())
}

#[tokio::test]
async fn a_publishers_attestation_counts_by_its_identity() -> Result<()> {
    let server = strict(&["formats=pypi"]).await?;
    let (corp, log) = (Authority::new()?, Signer::new()?);
    let ci = corp.certify("ci@corp.example", "https://login.example")?;
    let built = Wheel::new("tiny", "1.0").build()?;
    let kind = "https://index.example/attestations/publish/v1";
    let statement = signing::statement(kind, &built.file_name, ("sha256", &built.sha256), &Value::Null);
    let attestations = json!([signing::attestation(&ci, &statement, &log)?]).to_string();
    let more = [("attestations", attestations.as_str())];
    upload::pypi_with(server.http(), "main", &built, &more).await?.expect_status(200)?;
    let what = "main/pypi/tiny@1.0";
    until(&server, what, "quarantined").await?;
    trust(&server, "log", "--log", &log.pem(), &[]).await?;
    trust(&server, "corp", "--ca", corp.pem(), &["--identity", "*@corp.example", "--logged"]).await?;
    let seen = until(&server, what, "available").await?;
    let one = &seen["signatures"][0];
    assert_eq!(
        (&one["form"], &one["signer"], &one["kind"]),
        (&json!("pep740"), &json!("ci@corp.example"), &json!("signature"))
    );
    server.cli(["trust", "remove", "log"])?.succeed().await?;
    until(&server, what, "quarantined").await?;
    // Without a policy that reads signatures nothing is decided again.
    server.cli(["policy", "remove", "unsigned"])?.succeed().await?;
    until(&server, what, "available").await?;
    let told = trust(&server, "log", "--log", &log.pem(), &[]).await?;
    assert!(told.stdout.contains("0 packages are decided again"), "{told}");
    Ok(())
}

#[tokio::test]
async fn what_nobody_checks_is_shown_with_the_reason() -> Result<()> {
    let server = server().await?;
    let built = Wheel::new("tiny", "1.0").build()?;
    let detached = "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----";
    upload::pypi_with(server.http(), "main", &built, &[("gpg_signature", detached)]).await?.expect_status(200)?;
    settled(&server).await?;
    let seen = package(&server, "main/pypi/tiny@1.0").await?;
    let one = &seen["signatures"][0];
    assert_eq!((&one["form"], &one["verified"]), (&json!("openpgp"), &Value::Null));
    assert_eq!(one["detail"], "there is no verifier for OpenPGP here");
    Ok(())
}
