//! Images that another registry has, through the server: by the clients that people use, and without that registry later.

use crate::proxied::upstream;
use crate::support::{open_to_everyone, server, settled};
use crate::tour_oci::{OCI, OCI_INDEX, image, push, push_blobs, put_manifest, skopeo_copy};
use anyhow::Result;
use assay_testkit::{
    Run, TestServer,
    evidence::{Case, saw},
    tool,
};
use serde_json::{Value, json};

/// A registry that everyone may read, with images in its repository `main`, and a server that takes from it.
async fn behind() -> Result<(TestServer, TestServer)> {
    let (far, near) = (server().await?, server().await?);
    open_to_everyone(&far).await?;
    push(far.http(), "main/team/app", "1", &image("one")?.parts()?).await?;
    push(far.http(), "main/team/app", "2", &image("two")?.parts()?).await?;
    upstream(&near, "main", "far", "oci", &format!("{}/main", far.url()), json!({})).await?;
    Ok((far, near))
}

#[tokio::test]
async fn skopeo_has_an_image_of_an_upstream_and_has_it_again_without() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let (mut far, near) = behind().await?;
    let at = |tag: &str| format!("docker://{}/main/team/app:{tag}", near.authority());
    let place = tempfile::tempdir()?;
    let folder = |name: &str| format!("dir:{}", place.path().join(name).display());
    let credentials = format!("anyone:{}", near.token());
    let list = ["list-tags", "--tls-verify=false", "--creds", &credentials];
    let listed = Run::new(&skopeo)?.args(list).arg(at("1").trim_end_matches(":1")).succeed().await?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    assert_eq!(listed["Tags"], json!(["1", "2"]), "tags of the upstream are listed");

    skopeo_copy(&near, &skopeo, &[], &at("1"), &folder("first"))?.succeed().await?;
    let expected = image("one")?.parts()?;
    assert_eq!(std::fs::read(place.path().join("first/manifest.json"))?, expected.manifest.bytes);
    let kept = near.http().get("/api/v1/packages?format=oci").await?.expect_status(200)?.json()?;
    assert_eq!((&kept["packages"][0]["origin"], &kept["packages"][0]["state"]), (&json!("far"), &json!("available")));
    saw("oci", "skopeo", Case::Proxied);

    far.kill()?;
    skopeo_copy(&near, &skopeo, &[], &at("1"), &folder("again"))?.succeed().await?;
    assert_eq!(std::fs::read(place.path().join("again/manifest.json"))?, expected.manifest.bytes);
    Ok(())
}

#[tokio::test]
async fn the_images_of_an_index_come_when_they_are_pulled() -> Result<()> {
    let (far, near) = behind().await?;
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let parts = image(architecture)?.parts()?;
        push_blobs(far.http(), "main/multi", &parts).await?;
        let manifest = &parts.manifest;
        put_manifest(far.http(), "main/multi", &manifest.digest, OCI, manifest.bytes.clone())
            .await?
            .expect_status(201)?;
        entries.push(json!({
            "mediaType": OCI, "digest": manifest.digest, "size": manifest.bytes.len(),
            "platform": { "os": "linux", "architecture": architecture },
        }));
    }
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries }).to_string();
    put_manifest(far.http(), "main/multi", "1", OCI_INDEX, index.clone().into_bytes()).await?.expect_status(201)?;

    let got = near.http().get("/v2/main/multi/manifests/1").await?.expect_status(200)?;
    assert_eq!((got.text(), got.header("content-type")), (index, Some(OCI_INDEX)));
    let child = image("arm64")?.parts()?;
    let path = format!("/v2/main/multi/manifests/{}", child.manifest.digest);
    assert_eq!(near.http().get(&path).await?.expect_status(200)?.body, child.manifest.bytes);
    for layer in &child.layers {
        let blob = near.http().get(&format!("/v2/main/multi/blobs/{}", layer.digest)).await?.expect_status(200)?;
        assert_eq!(blob.body, layer.bytes);
    }
    near.http().get("/v2/main/multi/manifests/none").await?.expect_status(404)?;
    let nowhere = format!("/v2/main/multi/manifests/sha256:{}", "0".repeat(64));
    near.http().get(&nowhere).await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn what_a_policy_refuses_never_leaves_on_its_first_pull() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let (_far, near) = behind().await?;
    let rego = "package cloudsmith\nimport rego.v1\nmatch if input.v0.package.name == \"team/app\"\n";
    let actions = json!([{"kind": "set_state", "params": {"state": "quarantined"}}]);
    let draft = json!({"name": "nothing of this team", "rego": rego, "actions": actions});
    near.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    settled(&near).await?;
    let place = tempfile::tempdir()?;
    let at = format!("docker://{}/main/team/app:1", near.authority());
    let refused = skopeo_copy(&near, &skopeo, &[], &at, &format!("dir:{}", place.path().display()))?.fail().await?;
    assert!(refused.says("nothing of this team"), "{refused}");
    Ok(())
}
