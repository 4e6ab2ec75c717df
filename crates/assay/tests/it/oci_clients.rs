//! Container images by the clients that people use: what they print, and what is there afterwards.

use crate::support::{server, settled, token};
use crate::tour_oci::{OCI, image, push, push_blobs, put_manifest, skopeo_copy};
use anyhow::{Context, Result};
use assay_testkit::{
    Ran, Run, TestServer,
    evidence::{Case, saw},
    make::sha256,
    tool,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Why some images are refused.
const REASON: &str = "images of this name are not for use";

/// A policy that quarantines everything of a name, and says why.
async fn refuse(server: &TestServer, name: &str) -> Result<()> {
    let rego = format!(
        "package cloudsmith\nimport rego.v1\ndefault match := false\nmatch if count(reason) > 0\n\
         reason contains \"{REASON}\" if input.v0.package.name == \"{name}\"\n"
    );
    let actions = json!([{"kind": "set_state", "params": {"state": "quarantined"}}]);
    let draft = json!({"name": "not for use", "rego": rego, "actions": actions});
    server.http().post_json("/api/v1/policies", &draft).await?.expect_status(201)?;
    settled(server).await
}

/// A server with the images `good:1` and `bad:1`, of which the second is refused.
async fn good_and_bad() -> Result<TestServer> {
    let server = server().await?;
    for name in ["good", "bad"] {
        push(server.http(), &format!("main/{name}"), "1", &image(name)?.parts()?).await?;
    }
    refuse(&server, "bad").await?;
    Ok(server)
}

fn refused(ran: &Ran, client: &str) {
    assert!(ran.says(REASON), "{client} shows why: {ran}");
    saw("oci", client, Case::Quarantined);
}

#[tokio::test]
async fn skopeo_syncs_deletes_and_is_refused() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = good_and_bad().await?;
    let at = |name: &str| format!("docker://{}/main/{name}:1", server.authority());
    let place = tempfile::tempdir()?;
    let folder = |name: &str| format!("dir:{}", place.path().join(name).display());
    let bad = skopeo_copy(&server, &skopeo, &[], &at("bad"), &folder("bad"))?.fail().await?;
    refused(&bad, "skopeo");

    let credentials = format!("anyone:{}", server.token());
    let sync =
        ["sync", "--insecure-policy", "--src", "docker", "--dest", "dir", "--src-tls-verify=false", "--src-creds"];
    let source = format!("{}/main/good", server.authority());
    Run::new(&skopeo)?.args(sync).args([&credentials, &source]).arg(place.path()).succeed().await?;
    assert!(place.path().join("good:1/manifest.json").is_file());

    let reader = token(&server, "read", &["main"]).await?;
    let delete = |secret: &str| {
        let credentials = format!("anyone:{secret}");
        Ok::<_, anyhow::Error>(Run::new(&skopeo)?.args([
            "delete",
            "--tls-verify=false",
            "--creds",
            &credentials,
            &at("good"),
        ]))
    };
    let denied = delete(&reader)?.fail().await?;
    assert!(denied.says("denied") || denied.says("403"), "{denied}");
    saw("oci", "skopeo", Case::NoPermission);
    delete(server.token())?.succeed().await?;
    server.http().get("/v2/main/good/manifests/1").await?.expect_status(404)?;
    saw("oci", "skopeo", Case::TakeBack);
    Ok(())
}

/// A program of the containers family with storage of its own, which needs no daemon.
struct Containers<'a> {
    program: PathBuf,
    folder: &'a Path,
}

impl Containers<'_> {
    fn run(&self) -> Run {
        let run = Run::in_home(&self.program, self.folder).env("BUILDAH_ISOLATION", "chroot");
        let run = run.args(["--root"]).arg(self.folder.join("root")).arg("--runroot").arg(self.folder.join("runroot"));
        run.args(["--storage-driver", "vfs"])
    }
}

/// The signature policy that takes everything, where the machine has none; and no credentials yet.
fn policy(folder: &Path) -> Result<PathBuf> {
    std::fs::write(folder.join("auth.json"), "{}")?;
    let path = folder.join("policy.json");
    std::fs::write(&path, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)?;
    Ok(path)
}

#[tokio::test]
async fn buildah_builds_pushes_and_pulls() -> Result<()> {
    let Some(program) = tool("buildah") else { return Ok(()) };
    let server = good_and_bad().await?;
    let place = tempfile::tempdir()?;
    let buildah = Containers { program, folder: place.path() };
    let policy = policy(place.path())?.display().to_string();
    let common = ["--tls-verify=false", "--signature-policy", &policy, "--creds"];
    let credentials = format!("anyone:{}", server.token());
    let context = place.path().join("context");
    std::fs::create_dir_all(&context)?;
    std::fs::write(context.join("Dockerfile"), "FROM scratch\nCOPY word /srv/word\nLABEL org.example.word=built\n")?;
    std::fs::write(context.join("word"), "built here")?;
    let build = buildah.run().args(["bud", "--signature-policy", &policy, "-t", "localhost/built:1"]);
    build.arg(&context).succeed().await?;
    for (kind, format) in [("v2s2", "docker"), ("oci", "oci")] {
        let remote = format!("docker://{}/main/built/{format}:1", server.authority());
        let push = buildah.run().args(["push", "--format", kind]).args(common).arg(&credentials);
        push.args(["localhost/built:1", &remote]).succeed().await?;
    }
    let stored = server.http().get("/v2/main/built/oci/manifests/1").await?.expect_status(200)?;
    assert_eq!(stored.header("content-type"), Some(OCI));
    saw("oci", "buildah", Case::Push);
    let from = |name: &str| buildah.run().args(["pull"]).args(common).args([&credentials, name]);
    buildah.run().args(["rmi", "--all", "--force"]).succeed().await?;
    from(&format!("{}/main/built/docker:1", server.authority())).succeed().await?;
    let listed = buildah.run().args(["images"]).succeed().await?;
    assert!(listed.says("main/built/docker"), "{listed}");
    saw("oci", "buildah", Case::Pull);
    let bad = from(&format!("{}/main/bad:1", server.authority())).fail().await?;
    refused(&bad, "buildah");
    Ok(())
}

#[tokio::test]
async fn podman_logs_in_pulls_searches_and_pushes() -> Result<()> {
    let Some(program) = tool("podman") else { return Ok(()) };
    let server = good_and_bad().await?;
    let place = tempfile::tempdir()?;
    let podman = Containers { program, folder: place.path() };
    let policy = policy(place.path())?.display().to_string();
    let authority = server.authority();
    let login =
        |secret: &str| podman.run().args(["login", "--tls-verify=false", "-u", "anyone", "-p", secret, &authority]);
    let wrong = login("wrong").fail().await?;
    assert!(wrong.says("invalid username/password"), "{wrong}");
    login(server.token()).succeed().await?;
    let pull = |name: &str| {
        let reference = format!("{authority}/main/{name}:1");
        podman.run().args(["pull", "--tls-verify=false", "--signature-policy", &policy, &reference])
    };
    pull("good").succeed().await?;
    saw("oci", "podman", Case::Pull);
    refused(&pull("bad").fail().await?, "podman");
    let tags = podman.run().args(["search", "--tls-verify=false", "--list-tags", &format!("{authority}/main/good")]);
    let tags = tags.succeed().await?;
    assert!(tags.stdout.lines().any(|line| line.ends_with(" 1")), "{tags}");
    saw("oci", "podman", Case::Search);
    let (from, to) = (format!("{authority}/main/good:1"), format!("{authority}/main/again:2"));
    podman.run().args(["tag", &from, &to]).succeed().await?;
    podman.run().args(["push", "--tls-verify=false", "--signature-policy", &policy, &to]).succeed().await?;
    server.http().get("/v2/main/again/manifests/2").await?.expect_status(200)?;
    saw("oci", "podman", Case::Push);
    let reader = token(&server, "read", &["main"]).await?;
    login(&reader).succeed().await?;
    let elsewhere = format!("docker://{authority}/main/denied:1");
    let denied = podman.run().args(["push", "--tls-verify=false", "--signature-policy", &policy, &to, &elsewhere]);
    let denied = denied.fail().await?;
    assert!(denied.says("denied") || denied.says("you may read"), "{denied}");
    saw("oci", "podman", Case::NoPermission);
    Ok(())
}

#[tokio::test]
async fn docker_logs_in_and_looks_without_an_engine() -> Result<()> {
    let Some(docker) = tool("docker") else { return Ok(()) };
    let server = good_and_bad().await?;
    let home = tempfile::tempdir()?;
    let authority = server.authority();
    let run = |arguments: &[&str]| {
        let run = Run::in_home(&docker, home.path()).env("DOCKER_CLI_EXPERIMENTAL", "enabled");
        run.env("DOCKER_HOST", "unix:///nowhere/docker.sock").args(arguments)
    };
    let inspect = |name: &str| {
        let reference = format!("{authority}/main/{name}:1");
        run(&["manifest", "inspect", "--insecure", &reference])
    };
    let stranger = inspect("good").fail().await?;
    assert!(stranger.says("unauthorized") || stranger.says("authentication required"), "{stranger}");
    saw("oci", "docker", Case::NoPermission);
    run(&["login", "-u", "anyone", "-p", server.token(), &authority]).succeed().await?;
    let shown: Value = serde_json::from_str(&inspect("good").succeed().await?.stdout)?;
    assert_eq!(shown["schemaVersion"], 2);
    saw("oci", "docker", Case::Pull);
    refused(&inspect("bad").fail().await?, "docker");
    Ok(())
}

#[tokio::test]
async fn helm_keeps_charts_as_artifacts() -> Result<()> {
    let Some(helm) = tool("helm") else { return Ok(()) };
    let server = server().await?;
    let home = tempfile::tempdir()?;
    let run = |arguments: &[&str]| Run::in_home(&helm, home.path()).current_dir(home.path()).args(arguments);
    let chart = |name: &str| -> Result<()> {
        let folder = home.path().join(name).join("templates");
        std::fs::create_dir_all(&folder)?;
        let text = format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\ndescription: A chart for {name}\n");
        std::fs::write(home.path().join(name).join("Chart.yaml"), text)?;
        std::fs::write(folder.join("word.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: word\n")?;
        Ok(())
    };
    let authority = server.authority();
    let place = format!("oci://{authority}/main/charts");
    for name in ["good", "bad"] {
        chart(name)?;
        run(&["package", name]).succeed().await?;
    }
    let push = |name: &str| run(&["push", &format!("{name}-1.2.3.tgz"), &place, "--plain-http"]);
    let stranger = push("good").fail().await?;
    assert!(stranger.says("401") || stranger.says("authentication required"), "{stranger}");
    saw("oci", "helm", Case::NoPermission);
    run(&["registry", "login", &authority, "--plain-http", "-u", "anyone", "-p", server.token()]).succeed().await?;
    for name in ["good", "bad"] {
        push(name).succeed().await?;
    }
    saw("oci", "helm", Case::Push);
    let shown =
        run(&["show", "chart", &format!("{place}/good"), "--version", "1.2.3", "--plain-http"]).succeed().await?;
    assert!(shown.says("A chart for good"), "{shown}");
    let pull = |name: &str| {
        let reference = format!("{place}/{name}");
        run(&["pull", &reference, "--version", "1.2.3", "--plain-http", "--destination", "pulled"])
    };
    std::fs::create_dir_all(home.path().join("pulled"))?;
    pull("good").succeed().await?;
    let (sent, back) = (home.path().join("good-1.2.3.tgz"), home.path().join("pulled/good-1.2.3.tgz"));
    assert_eq!(std::fs::read(sent)?, std::fs::read(back)?);
    saw("oci", "helm", Case::Pull);
    refuse(&server, "charts/bad").await?;
    refused(&pull("bad").fail().await?, "helm");
    Ok(())
}

/// Files by the library of ORAS for Python: it has no command line.
const ORAS: &str = r#"
import os, sys
import oras.client
host, secret, folder = sys.argv[1:4]
os.chdir(folder)
client = oras.client.OrasClient(hostname=host, insecure=True, tls_verify=False, auth_backend="token")
client.login(hostname=host, username="anyone", password=secret, tls_verify=False)
open("note.txt", "w").write("kept by oras")
target = f"{host}/main/notes:1"
client.push(target=target, files=["note.txt"], disable_path_validation=True)
print("tags", client.get_tags(target))
os.makedirs("back")
for path in client.pull(target=target, outdir="back"):
    print("pulled", open(path).read())
"#;

#[tokio::test]
async fn oras_keeps_files() -> Result<()> {
    let Some(python) = tool("python") else { return Ok(()) };
    let found = Run::new(&python)?.args(["-c", "import oras.client"]).run().await?;
    if !found.status.success() {
        assay_testkit::skipped("oras is not installed: `cargo xtask install`");
        return Ok(());
    }
    let server = server().await?;
    let place = tempfile::tempdir()?;
    let authority = server.authority();
    let ran = Run::new(&python)?.args(["-c", ORAS, &authority, server.token()]).arg(place.path()).succeed().await?;
    assert!(ran.says("pulled kept by oras") && ran.says("tags ['1']"), "{ran}");
    for case in [Case::Push, Case::Pull, Case::Search] {
        saw("oci", "oras", case);
    }
    Ok(())
}

#[tokio::test]
async fn regctl_attaches_finds_and_addresses_by_another_digest() -> Result<()> {
    let Some(regctl) = tool("regctl") else { return Ok(()) };
    let server = good_and_bad().await?;
    let home = tempfile::tempdir()?;
    let authority = server.authority();
    let run = |arguments: &[&str]| Run::in_home(&regctl, home.path()).current_dir(home.path()).args(arguments);
    let at = |name: &str| format!("{authority}/main/{name}");
    run(&["registry", "set", "--tls", "disabled", "--skip-check", &authority]).succeed().await?;
    let stranger = run(&["manifest", "get", &at("good:1")]).fail().await?;
    assert!(stranger.says("unauthorized") || stranger.says("401"), "{stranger}");
    saw("oci", "regctl", Case::NoPermission);
    run(&["registry", "login", &authority, "-u", "anyone", "-p", server.token()]).succeed().await?;

    std::fs::write(home.path().join("note.txt"), "a note")?;
    let kind = "application/vnd.example.note";
    let put = ["artifact", "put", "--artifact-type", kind, "-f", "note.txt", "--subject", &at("good:1")];
    run(&put).succeed().await?;
    saw("oci", "regctl", Case::Push);
    let found = run(&["artifact", "list", &at("good:1"), "--filter-artifact-type", kind]).succeed().await?;
    assert!(found.says(kind), "{found}");
    let none = run(&["artifact", "list", &at("good:1"), "--filter-artifact-type", "application/vnd.other"]);
    assert!(!none.succeed().await?.says(kind));
    saw("oci", "regctl", Case::Search);
    run(&["image", "copy", "--referrers", &at("good:1"), &at("copy:1")]).succeed().await?;
    let copied = run(&["artifact", "list", &at("copy:1")]).succeed().await?;
    assert!(copied.says(kind), "what refers to an image goes along: {copied}");

    run(&["image", "mod", &at("good:1"), "--create", &at("other:1"), "--digest-algo", "sha512"]).succeed().await?;
    let digest = run(&["manifest", "head", &at("other:1")]).succeed().await?.stdout;
    assert!(digest.starts_with("sha512:"), "{digest}");
    run(&["image", "export", &format!("{}@{}", at("other"), digest.trim()), "other.tar"]).succeed().await?;
    let listed = Run::new("tar")?.arg("tf").arg(home.path().join("other.tar")).succeed().await?;
    assert!(
        listed.stdout.lines().filter(|line| line.starts_with("blobs/sha512/") && !line.ends_with('/')).count() >= 3
    );
    saw("oci", "regctl", Case::Pull);
    let names = run(&["repo", "ls", &authority]).succeed().await?;
    assert!(names.says("main/copy") && names.says("main/other") && !names.says("main/bad"), "{names}");
    refused(&run(&["manifest", "get", &at("bad:1")]).fail().await?, "regctl");
    run(&["tag", "rm", &at("copy:1")]).succeed().await?;
    server.http().get("/v2/main/copy/manifests/1").await?.expect_status(404)?;
    saw("oci", "regctl", Case::TakeBack);
    Ok(())
}

/// Signatures as cosign keeps them: an image under the tag `sha256-<hex>.sig`, and an artifact with a subject.
#[tokio::test]
async fn signatures_are_kept_by_tag_and_as_referrers() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = server().await?;
    let http = server.http();
    let parts = image("signed")?.parts()?;
    push(http, "main/signed", "1", &parts).await?;
    let payload = json!({ "critical": { "image": { "docker-manifest-digest": parts.manifest.digest } } }).to_string();
    let blob = |bytes: &[u8]| (format!("sha256:{}", sha256(bytes)), bytes.len());
    let ((config, config_size), (layer, layer_size)) = (blob(b"{}"), blob(payload.as_bytes()));
    for bytes in [b"{}".to_vec(), payload.clone().into_bytes()] {
        let path = format!("/v2/main/signed/blobs/uploads/?digest=sha256:{}", sha256(&bytes));
        http.post(&path, bytes).await?.expect_status(201)?;
    }
    let simple = "application/vnd.dev.cosign.simplesigning.v1+json";
    let signature = json!({
        "schemaVersion": 2, "mediaType": OCI,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size },
        "layers": [{
            "mediaType": simple, "digest": layer, "size": layer_size,
            "annotations": { "dev.cosignproject.cosign/signature": "MEUCIQ==" },
        }],
    });
    let tag = format!("{}.sig", parts.manifest.digest.replace(':', "-"));
    put_manifest(http, "main/signed", &tag, OCI, signature.to_string().into_bytes()).await?.expect_status(201)?;
    let mut attached = signature.clone();
    attached["artifactType"] = "application/vnd.dev.sigstore.bundle.v0.3+json".into();
    attached["subject"] =
        json!({ "mediaType": OCI, "digest": parts.manifest.digest, "size": parts.manifest.bytes.len() });
    let told = put_manifest(http, "main/signed", "by-subject", OCI, attached.to_string().into_bytes()).await?;
    assert_eq!(told.expect_status(201)?.header("oci-subject"), Some(parts.manifest.digest.as_str()));

    // All of it goes along when skopeo copies the name.
    let credentials = format!("anyone:{}", server.token());
    let place = tempfile::tempdir()?;
    let sync =
        ["sync", "--insecure-policy", "--src", "docker", "--dest", "dir", "--src-tls-verify=false", "--src-creds"];
    let source = format!("{}/main/signed", server.authority());
    Run::new(&skopeo)?.args(sync).args([&credentials, &source]).arg(place.path()).succeed().await?;
    assert_eq!(
        std::fs::read_to_string(place.path().join(format!("signed:{tag}/manifest.json")))?,
        signature.to_string()
    );
    let listed = http.get(&format!("/v2/main/signed/referrers/{}", parts.manifest.digest)).await?.json()?;
    let entries = listed["manifests"].as_array().context("a list")?;
    assert_eq!((entries.len(), &entries[0]["artifactType"]), (1, &attached["artifactType"]));
    Ok(())
}

#[tokio::test]
async fn immutable_tags_stay() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    let server = server().await?;
    let http = server.http();
    let change = http.request(reqwest::Method::PATCH, "/api/v1/repositories/main");
    http.send(change.json(&json!({ "immutable_tags": true }))).await?.expect_status(200)?;
    let (one, two) = (image("one")?.parts()?, image("two")?.parts()?);
    push(http, "main/fixed", "1", &one).await?;
    push(http, "main/fixed", "1", &one).await.context("the same again is allowed")?;
    push_blobs(http, "main/fixed", &two).await?;
    let moved = put_manifest(http, "main/fixed", "1", OCI, two.manifest.bytes.clone()).await?.expect_status(409)?;
    assert_eq!(moved.json()?["errors"][0]["code"], "DENIED");
    let gone = http.delete("/v2/main/fixed/manifests/1").await?.expect_status(409)?;
    assert!(gone.text().contains("immutable"), "{}", gone.text());
    let stays = http.get("/v2/main/fixed/manifests/1").await?.expect_status(200)?;
    assert_eq!(stays.header("docker-content-digest"), Some(one.manifest.digest.as_str()));
    // And that is what a client's user reads.
    push(http, "main/other", "1", &two).await?;
    let at = |name: &str| format!("docker://{}/main/{name}:1", server.authority());
    let copy = skopeo_copy(&server, &skopeo, &[], &at("other"), &at("fixed"))?.fail().await?;
    assert!(copy.says("is immutable in this repository"), "{copy}");
    Ok(())
}
