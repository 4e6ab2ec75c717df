//! With cosign itself: what it signs and attests is read and holds, in the layouts of old and new versions.

use super::{strict, trust, until};
use crate::tour_oci::{image, push};
use anyhow::{Context, Result};
use assay_testkit::{Run, TestServer, tool};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::path::Path;

struct Cosign<'s> {
    server: &'s TestServer,
    program: &'s Path,
    folder: &'s Path,
}

impl Cosign<'_> {
    fn run(&self, arguments: &[&str]) -> Result<Run> {
        Ok(Run::new(self.program)?
            .args(arguments)
            .env("COSIGN_PASSWORD", "")
            .env("DOCKER_CONFIG", self.folder.display().to_string())
            .env("HOME", self.folder.display().to_string()))
    }

    async fn on(&self, what: &str, more: &[&str], digest: &str) -> Result<()> {
        let image = format!("{}/main/app@{digest}", self.server.authority());
        let key = self.folder.join("cosign.key").display().to_string();
        let line = [what, "--key", &key, "--tlog-upload=false", "--allow-http-registry", "--yes"];
        self.run(&line)?.args(more).arg(image).succeed().await.map(drop)
    }
}

#[tokio::test]
async fn what_cosign_signs_and_attests_holds() -> Result<()> {
    let Some(program) = tool("cosign") else { return Ok(()) };
    let server = strict(&["provenance=true"]).await?;
    let folder = tempfile::tempdir()?;
    let cosign = Cosign { server: &server, program: &program, folder: folder.path() };
    let login = json!({"auths": {server.authority(): {"auth": STANDARD.encode(format!("anyone:{}", server.token()))}}});
    std::fs::write(folder.path().join("config.json"), login.to_string())?;
    let prefix = folder.path().join("cosign").display().to_string();
    cosign.run(&["generate-key-pair", "--output-key-prefix", &prefix])?.succeed().await?;
    let pem = std::fs::read_to_string(folder.path().join("cosign.pub"))?;
    trust(&server, "cosign", "--key", &pem, &[]).await?;
    let predicate = folder.path().join("predicate.json");
    let said = json!({"buildDefinition": {"buildType": "x", "externalParameters": {}, "resolvedDependencies":
        [{"uri": "git+https://git.example/corp/app@refs/heads/main", "digest": {"gitCommit": "c0ffee"}}]},
        "runDetails": {"builder": {"id": "https://build.example/ci"}}});
    std::fs::write(&predicate, said.to_string())?;
    let predicate = predicate.display().to_string();
    for (word, forms, layout) in [
        ("old", ["cosign", "dsse"], &[][..]),
        ("new", ["sigstore-bundle", "sigstore-bundle"], &["--new-bundle-format"][..]),
    ] {
        let parts = image(word)?.parts()?;
        push(server.http(), "main/app", word, &parts).await?;
        let (what, digest) = (format!("main/oci/app:{word}"), &parts.manifest.digest);
        until(&server, &what, "quarantined").await?;
        // the layer of its own: the others are those of an image that is allowed, the second time
        let own = parts.layers.last().context("an image has layers")?;
        let bytes = format!("/v2/main/app/blobs/{}", own.digest);
        for path in [format!("/v2/main/app/manifests/{digest}"), bytes] {
            let refused = server.http().get_with(&path, &[("user-agent", "curl/8")]).await?;
            assert_eq!(refused.status.as_u16(), 403, "{path}: {}", refused.text());
        }
        cosign.on("sign", layout, digest).await?;
        let attested = [&["--type", "slsaprovenance1", "--predicate", &predicate][..], layout].concat();
        cosign.on("attest", &attested, digest).await?;
        let seen = until(&server, &what, "available").await?;
        let signatures = seen["signatures"].as_array().cloned().unwrap_or_default();
        let seen: Vec<_> = signatures
            .iter()
            .map(|one| (one["kind"].as_str(), one["form"].as_str(), one["verified"].as_bool()))
            .collect();
        assert_eq!(
            seen,
            [(Some("signature"), Some(forms[0]), Some(true)), (Some("provenance"), Some(forms[1]), Some(true))]
        );
        assert_eq!(signatures[1]["source"], "git.example/corp/app", "{signatures:?}");
    }
    Ok(())
}
