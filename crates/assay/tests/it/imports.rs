//! Imports as administrators meet them: another server's packages come over with all that belongs to them, an import that
//! was interrupted goes on, and what is wrong is refused, told, and does not stop the rest.

mod world;

use crate::proxied::upstream;
use crate::support::{package, server, settled};
use crate::tour_oci::{OCI_INDEX, image, push};
use anyhow::{Result, bail};
use assay_testkit::remote::{Answer, Remote};
use assay_testkit::{Ran, Run, TestServer, make, tool};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use world::{FORMATS, address, far};

/// `assay import` into `main` from a source on this machine.
fn import(near: &TestServer, format: &str, address: &str, more: &[&str]) -> Result<Run> {
    let run = near.cli(["import", format, address, "--allow-private", "--json", "--repository", "main"])?;
    Ok(run.args(more).limit(Duration::from_secs(120)))
}

fn counts(ran: &Ran) -> Result<Value> {
    Ok(serde_json::from_str::<Value>(&ran.stdout)?["counts"].clone())
}

async fn rows(near: &TestServer) -> Result<Vec<Value>> {
    let listed = near.http().get("/api/v1/repositories/main/imports").await?.expect_status(200)?.json()?;
    Ok(listed["imports"].as_array().cloned().unwrap_or_default())
}

/// Waits until the newest import fits.
async fn until(near: &TestServer, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let start = Instant::now();
    loop {
        let newest = rows(near).await?.into_iter().next().unwrap_or_default();
        if fits(&newest) {
            return Ok(newest);
        }
        if start.elapsed() > Duration::from_secs(60) {
            bail!("the import is not {what}: {newest}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn all_formats_come_over_whole_and_only_once() -> Result<()> {
    let (far, near) = (far().await?, server().await?);
    for format in FORMATS {
        let (id, from) = (format.id, address(&far, format));
        let foreseen = counts(&import(&near, id, &from, format.names)?.arg("--dry-run").succeed().await?)?;
        assert_eq!(foreseen["versions"], format.versions, "{id} would take {foreseen}");
        let taken = counts(&import(&near, id, &from, format.names)?.succeed().await?)?;
        assert_eq!((&taken["versions"], &taken["failed"]), (&json!(format.versions), &json!(0)), "{id}: {taken}");
        assert_eq!(taken["names"], taken["names_done"], "{id}: {taken}");
        for path in format.same {
            let (there, here) = (far.http().get(path).await?, near.http().get(path).await?.expect_status(200)?);
            assert_eq!(there.body, here.body, "{path}");
        }
        let again = counts(&import(&near, id, &from, format.names)?.succeed().await?)?;
        let expected = (json!(0), json!(format.versions), json!(0));
        let told = (again["versions"].clone(), again["versions_here"].clone(), again["failed"].clone());
        assert_eq!(told, expected, "{id} a second time: {again}");
    }
    settled(&near).await?;
    let (there, here) = (package(&far, "main/npm/tiny@1.1.0").await?, package(&near, "main/npm/tiny@1.1.0").await?);
    assert_eq!(here["origin"], Value::Null, "published here: {here}");
    // this protocol tells milliseconds
    let told = |value: &Value| value.as_str().and_then(|at| Some(at.parse::<jiff::Timestamp>().ok()?.as_millisecond()));
    assert!(told(&here["published_at"]).is_some(), "{here}");
    assert_eq!(told(&here["published_at"]), told(&there["uploaded_at"]), "{here}");
    let packument = near.http().get("/npm/main/tiny").await?.json()?;
    assert_eq!(packument["dist-tags"], json!({"latest": "1.1.0", "old": "1.0.0"}), "{packument}");
    let index = near.http().get("/cargo/main/ti/ny/tiny").await?.text();
    assert!(index.contains("\"yanked\":true") && index.contains("\"yanked\":false"), "{index}");
    let tags = near.http().get("/v2/main/multi/tags/list").await?.json()?;
    assert_eq!(tags["tags"], json!(["1", "latest"]));
    let index = near.http().get("/v2/main/multi/manifests/1").await?.expect_status(200)?;
    assert_eq!(index.header("content-type"), Some(OCI_INDEX));
    let digest = index.header("docker-content-digest").unwrap_or_default().to_owned();
    let referrers = near.http().get(&format!("/v2/main/multi/referrers/{digest}")).await?.json()?;
    assert_eq!(referrers["manifests"].as_array().map(Vec::len), Some(1), "{referrers}");
    Ok(())
}

#[tokio::test]
async fn a_killed_import_goes_on_by_itself_and_takes_nothing_twice() -> Result<()> {
    const FILES: usize = 60;
    let (mut near, remote) = (server().await?, Remote::start().await?);
    let listing: String = (0..FILES).map(|n| format!("<a href=\"f{n}.bin\">f{n}.bin</a>\n")).collect();
    remote.gives("/", Answer::of(format!("<html>{listing}</html>")).header("Content-Type", "text/html"));
    for n in 0..FILES {
        let slow = Answer { delay: Duration::from_millis(60), ..Answer::of(format!("content of {n}")) };
        remote.gives(&format!("/f{n}.bin"), slow);
    }
    import(&near, "generic", &remote.url(), &["--no-wait"])?.succeed().await?;
    let some = |row: &Value| row["counts"]["names_done"].as_u64().is_some_and(|done| done >= 5);
    let before = until(&near, "under way", some).await?;
    near.kill()?;
    assert_ne!(before["progress"], "done", "{before}");
    near.restart().await?;
    let done = until(&near, "done", |row| row["progress"] == "done").await?;
    let sum = |row: &Value, key: &str| row["counts"][key].as_u64().unwrap_or_default();
    assert_eq!((sum(&done, "names"), sum(&done, "names_done"), sum(&done, "failed")), (60, 60, 0), "{done}");
    assert_eq!(sum(&done, "versions") + sum(&done, "versions_here"), FILES as u64, "{done}");
    assert!(sum(&done, "versions_here") <= 4, "only what was under way may be looked at again: {done}");
    let stored = near.http().get("/api/v1/packages?format=generic&limit=500").await?.json()?;
    assert_eq!(stored["packages"].as_array().map(Vec::len), Some(FILES));
    let most = (0..FILES).filter(|n| remote.times(&format!("/f{n}.bin")) > 1).count();
    assert!(most <= 4, "{most} files were fetched again");
    for n in 0..FILES {
        let file = near.http().get(&format!("/generic/main/f{n}.bin")).await?.expect_status(200)?;
        assert_eq!(file.text(), format!("content of {n}"));
    }
    Ok(())
}

#[tokio::test]
async fn wrong_bytes_are_refused_and_told_and_can_be_tried_again() -> Result<()> {
    let (near, remote) = (server().await?, Remote::start().await?);
    let good = make::wheel::Wheel::new("good", "1.0").build()?;
    let bad = make::wheel::Wheel::new("bad", "1.0").build()?;
    let list = json!({"meta": {"api-version": "1.0"}, "projects": [{"name": "good"}, {"name": "bad"}]});
    let as_json = |value: &Value| Answer::of(value.to_string()).header("Content-Type", "application/json");
    remote.gives("/simple/", as_json(&list));
    for built in [&good, &bad] {
        let file = json!({"filename": built.file_name, "url": format!("../../files/{}", built.file_name),
            "hashes": {"sha256": built.sha256}, "upload-time": "2020-02-03T04:05:06Z"});
        let page = json!({"meta": {"api-version": "1.0"}, "name": built.name, "files": [file]});
        remote.gives(&format!("/simple/{}/", built.name), as_json(&page));
    }
    remote.gives(&format!("/files/{}", good.file_name), Answer::of(good.bytes.clone()));
    remote.gives(&format!("/files/{}", bad.file_name), Answer::of(good.bytes.clone()));
    let from = format!("{}/simple", remote.url());
    let told = near.cli(["import", "pypi", &from, "--allow-private"])?.fail().await?;
    for part in ["1 version taken", "1 failed", "bad 1.0", "announces", "the same command again"] {
        assert!(told.says(part), "{part} is not in {told}");
    }
    near.http().get("/pypi/main/simple/bad/").await?.expect_status(404)?;
    let here = package(&near, "main/pypi/good@1.0").await?;
    assert_eq!(here["published_at"], "2020-02-03T04:05:06Z", "{here}");

    remote.gives(&format!("/files/{}", bad.file_name), Answer::of(bad.bytes.clone()));
    let again = counts(&import(&near, "pypi", &from, &[])?.succeed().await?)?;
    assert_eq!(
        (&again["versions"], &again["failed"], &again["names_done"]),
        (&json!(2), &json!(0), &json!(2)),
        "{again}"
    );
    assert_eq!(rows(&near).await?.len(), 1, "the same import went on");
    assert_eq!(remote.times(&format!("/files/{}", good.file_name)), 1);
    near.http().get("/pypi/main/simple/bad/").await?.expect_status(200)?;
    Ok(())
}

#[tokio::test]
async fn an_import_is_ended_and_goes_on_when_it_is_started_again() -> Result<()> {
    let (near, remote) = (server().await?, Remote::start().await?);
    let names: Vec<String> = (0..20).map(|n| format!("f{n}.bin")).collect();
    for name in &names {
        let slow = Answer { delay: Duration::from_millis(150), ..Answer::of(name.clone()) };
        remote.gives(&format!("/{name}"), slow);
    }
    let list = near.scratch().join("names");
    std::fs::write(&list, format!("# wanted\n{}\n", names.join("\n")))?;
    let list = list.display().to_string();
    let more = ["--names-from", list.as_str()];
    import(&near, "generic", &remote.url(), &more)?.arg("--no-wait").succeed().await?;
    until(&near, "under way", |row| row["counts"]["names_done"].as_u64() >= Some(2)).await?;
    near.cli(["import", "generic", &remote.url(), "--cancel"])?.succeed().await?;
    let ended = until(&near, "ended", |row| row["progress"] == "cancelled").await?;
    let asked = remote.asked().len();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(remote.asked().len() <= asked + 8, "nothing is asked for after it was ended");
    assert!(ended["counts"]["names_done"].as_u64() < Some(20), "{ended}");
    let done = counts(&import(&near, "generic", &remote.url(), &more)?.succeed().await?)?;
    let all = done["versions"].as_u64().unwrap_or(0) + done["versions_here"].as_u64().unwrap_or(0);
    assert_eq!((all, &done["failed"]), (20, &json!(0)), "{done}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_imported_says_why() -> Result<()> {
    let (near, remote) = (server().await?, Remote::start().await?);
    let unlisted = near.cli(["import", "generic", &remote.url(), "--allow-private"])?.fail().await?;
    assert!(unlisted.says("does not list its names") && unlisted.says("--names-from"), "{unlisted}");
    let private = near.cli(["import", "generic", &remote.url(), "--name", "x"])?.fail().await?;
    assert!(private.says("private"), "{private}");
    let no_upstream = import(&near, "generic", &remote.url(), &["--as-cache", "--name", "x"])?.fail().await?;
    assert!(no_upstream.says("has none of format generic"), "{no_upstream}");
    let format = import(&near, "nothing", &remote.url(), &[])?.fail().await?;
    assert!(format.says("known are"), "{format}");
    let missing = import(&near, "generic", &remote.url(), &["--name", "x"])?.fail().await?;
    assert!(missing.says("does not have it"), "{missing}");
    let writer = crate::support::token(&near, "write", &["main"]).await?;
    let draft = json!({"format": "generic", "settings": {"url": remote.url()}});
    let path = "/api/v1/repositories/main/imports";
    near.http().with_token(Some(&writer)).post_json(path, &draft).await?.expect_status(403)?;
    Ok(())
}

#[tokio::test]
async fn what_counts_as_cached_belongs_to_its_upstream() -> Result<()> {
    let (near, remote) = (server().await?, Remote::start().await?);
    remote.gives("/a.bin", Answer::of("a"));
    upstream(&near, "main", "files", "generic", &remote.url(), json!({})).await?;
    import(&near, "generic", &remote.url(), &["--as-cache", "--name", "a.bin"])?.succeed().await?;
    let stored = near.http().get("/api/v1/packages?format=generic").await?.json()?;
    assert_eq!(stored["packages"][0]["origin"], "files", "{stored}");
    Ok(())
}

#[tokio::test]
async fn images_of_docker_registry_come_over() -> Result<()> {
    let Some(registry) = tool("docker-registry") else { return Ok(()) };
    let near = server().await?;
    let folder = tempfile::tempdir()?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n",
        folder.path().join("data").display()
    );
    std::fs::write(folder.path().join("config.yml"), config)?;
    let mut child = std::process::Command::new(registry)
        .arg("serve")
        .arg(folder.path().join("config.yml"))
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let outcome = from_docker_registry(&near, &format!("http://127.0.0.1:{port}")).await;
    child.kill()?;
    child.wait()?;
    outcome
}

async fn from_docker_registry(near: &TestServer, there: &str) -> Result<()> {
    let http = assay_testkit::Http::new(there, None)?;
    let start = Instant::now();
    while http.get("/v2/").await.is_err() && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (name, tag) in [("team/app", "1"), ("team/app", "2"), ("other", "1")] {
        let parts = image(&format!("{name}{tag}"))?.parts()?;
        for blob in parts.layers.iter().chain([&parts.config]) {
            let begun = http.post(&format!("/v2/{name}/blobs/uploads/"), "").await?.expect_status(202)?;
            let place = begun.header("location").unwrap_or_default().replace(there, "");
            let address = format!("{place}&digest={}", blob.digest);
            http.put(&address, blob.bytes.clone()).await?.expect_status(201)?;
        }
        crate::tour_oci::put_manifest(&http, name, tag, crate::tour_oci::OCI, parts.manifest.bytes.clone())
            .await?
            .expect_status(201)?;
    }
    let taken = counts(&import(near, "oci", there, &["--exclude", "nothing*"])?.succeed().await?)?;
    assert_eq!((&taken["names"], &taken["versions"], &taken["failed"]), (&json!(2), &json!(3), &json!(0)), "{taken}");
    for (name, tag) in [("team/app", "1"), ("team/app", "2"), ("other", "1")] {
        let here = near.http().get(&format!("/v2/main/{name}/manifests/{tag}")).await?.expect_status(200)?;
        assert_eq!(here.body, image(&format!("{name}{tag}"))?.parts()?.manifest.bytes);
    }
    // the same as a person would push it is the same here
    push(near.http(), "main/team/app", "1", &image("team/app1")?.parts()?).await
}

#[tokio::test]
async fn a_folder_is_sent_and_a_second_time_left_alone() -> Result<()> {
    let near = server().await?;
    let folder = near.scratch().join("tree");
    let place = folder.join("org/example/word/1.0");
    std::fs::create_dir_all(&place)?;
    let pom = "<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId>\
               <artifactId>word</artifactId><version>1.0</version></project>";
    std::fs::write(place.join("word-1.0.pom"), pom)?;
    std::fs::write(place.join("word-1.0.pom.sha1"), "wrong")?;
    let send = |format: &'static str| -> Result<Run> {
        Ok(near.cli(["import", "dir"])?.arg(&folder).args(["--format", format, "--json"]))
    };
    let told = |ran: &Ran| -> Result<Value> {
        let all: Value = serde_json::from_str(&ran.stdout)?;
        Ok(json!([all["files"], all["files_here"], all["other"], all["failed"]]))
    };
    assert_eq!(told(&send("maven")?.arg("--dry-run").succeed().await?)?, json!([1, 0, 1, 0]));
    assert_eq!(told(&send("maven")?.succeed().await?)?, json!([1, 0, 1, 0]));
    assert_eq!(told(&send("maven")?.succeed().await?)?, json!([0, 1, 1, 0]));
    let there = near.http().get("/maven/main/org/example/word/1.0/word-1.0.pom").await?.expect_status(200)?;
    assert_eq!(there.text(), pom);
    assert_eq!(told(&send("generic")?.succeed().await?)?, json!([2, 0, 0, 0]));
    std::fs::write(folder.join("broken-1.0.0.tgz"), "no chart")?;
    let refused = send("helm")?.fail().await?;
    assert_eq!(told(&refused)?, json!([0, 0, 2, 1]), "{refused}");
    let unknown = send("npm")?.fail().await?;
    assert!(unknown.says("those of generic, helm, maven are"), "{unknown}");
    Ok(())
}
