//! Formats of anything: charts, images and plain files, whose advisories name what lies in them.

use super::{Place, Trade, story};
use crate::tour_helm::Sailor;
use crate::tour_oci;
use anyhow::{Context, Result};
use assay_testkit::make::{gzip, oci::Image, tar};
use assay_testkit::{Ran, Run, tool};
use std::path::PathBuf;

/// Files of an installed Python package, below a folder.
fn installed(below: &str, name: &str, version: &str) -> [(String, String); 2] {
    let at = format!("{below}{name}-{version}.dist-info");
    [
        (format!("{at}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n")),
        (format!("{at}/RECORD"), String::new()),
    ]
}

fn packed(files: &[(String, String)]) -> Result<Vec<u8>> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    tar(&files)
}

const PACKAGES: &str = "usr/lib/python3/site-packages/";

struct Helm;

impl Trade for Helm {
    fn format(&self) -> &'static str {
        "helm"
    }
    fn client(&self) -> &'static str {
        "helm"
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("PyPI", name.to_owned())
    }
    fn address(&self) -> &'static str {
        "/helm/main"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\ndescription: tiny\n");
        let mut files = vec![(format!("{name}/Chart.yaml"), about)];
        files.extend(installed(&format!("{name}/files/"), name, version));
        let http = to.server.http().with_token(to.token);
        let path = format!("/helm/{}/api/charts", to.repository);
        http.post(&path, gzip(&packed(&files)?)?).await?.expect_status(201)?;
        Ok(())
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let sailor = Sailor::new()?.context("it is there")?;
        let repository = format!("{}/helm/{}", from.server.url(), from.repository);
        let credentials = ["--username", "__token__", "--password", from.token.unwrap_or_default()];
        let pull = ["pull", name, "--repo", &repository, "--version", version, "--destination", "pulled"];
        let ran = sailor.helm(&pull).args(credentials).run().await?;
        let brought = sailor.path("pulled").join(format!("{name}-{version}.tgz")).is_file();
        assert_eq!(brought, ran.status.success(), "{ran}");
        Ok(ran)
    }
}

#[tokio::test]
async fn helm() -> Result<()> {
    if Sailor::new()?.is_none() {
        return Ok(());
    }
    story(&Helm).await
}

/// Images by skopeo.
struct Oci(PathBuf);

impl Trade for Oci {
    fn format(&self) -> &'static str {
        "oci"
    }
    fn client(&self) -> &'static str {
        "skopeo"
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("PyPI", name.to_owned())
    }
    fn address(&self) -> &'static str {
        "/main"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let files = installed(PACKAGES, name, version);
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
        let parts = Image::new().alpine("3.10.9", &[])?.layer(&files)?.parts()?;
        let http = to.server.http().with_token(to.token);
        tour_oci::push(&http, &format!("{}/team/{name}", to.repository), version, &parts).await
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let place = tempfile::tempdir()?;
        let credentials = format!("anyone:{}", from.token.unwrap_or_default());
        let image = format!("docker://{}/{}/team/{name}:{version}", from.server.authority(), from.repository);
        let run = Run::new(&self.0)?.args(["copy", "--insecure-policy", "--src-tls-verify=false", "--src-creds"]);
        let ran = run.args([&credentials, &image, &format!("dir:{}", place.path().display())]).run().await?;
        assert_eq!(place.path().join("manifest.json").is_file(), ran.status.success(), "{ran}");
        Ok(ran)
    }
}

#[tokio::test]
async fn oci() -> Result<()> {
    let Some(skopeo) = tool("skopeo") else { return Ok(()) };
    story(&Oci(skopeo)).await
}

/// Files by curl.
struct Generic(PathBuf);

impl Trade for Generic {
    fn format(&self) -> &'static str {
        "generic"
    }
    fn client(&self) -> &'static str {
        "curl"
    }
    fn advised(&self, name: &str) -> (&'static str, String) {
        ("PyPI", name.to_owned())
    }
    fn address(&self) -> &'static str {
        "/generic/main"
    }
    async fn publish(&self, to: Place<'_>, name: &str, version: &str) -> Result<()> {
        let http = to.server.http().with_token(to.token);
        let path = format!("/generic/{}/tools/{name}-{version}.tar.gz", to.repository);
        http.put(&path, gzip(&packed(&installed(PACKAGES, name, version))?)?).await?.expect_status(201)?;
        Ok(())
    }
    async fn pull(&self, from: Place<'_>, name: &str, version: &str) -> Result<Ran> {
        let place = tempfile::tempdir()?;
        let got = place.path().join("got");
        let credentials = format!("anyone:{}", from.token.unwrap_or_default());
        let url = format!("{}/generic/{}/tools/{name}-{version}.tar.gz", from.server.url(), from.repository);
        let run = Run::new(&self.0)?.args(["--silent", "--show-error", "--fail-with-body", "-u", &credentials]);
        let ran = run.args(["-D", "-", "-o"]).arg(&got).arg(&url).run().await?;
        let body = std::fs::read(&got).unwrap_or_default();
        let sent = gzip(&packed(&installed(PACKAGES, name, version))?)?;
        assert_eq!(body == sent, ran.status.success(), "{ran}");
        let stderr = ran.stderr.clone() + &if ran.status.success() { String::new() } else { String::from_utf8(body)? };
        Ok(Ran { stderr, ..ran })
    }
}

#[tokio::test]
async fn generic() -> Result<()> {
    let Some(curl) = tool("curl") else { return Ok(()) };
    story(&Generic(curl)).await
}
