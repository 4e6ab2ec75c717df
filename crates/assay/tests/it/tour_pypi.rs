//! Python packages with twine, pip and uv: in, out, the index between, and who may not.

use crate::support::{
    import, index_url, open_to_everyone, pip, publish, python_advisory, refuse_dangerous, server, settled, state,
    token, twine, unwrapped, uv,
};
use anyhow::Result;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::{sdist::sdist, sha256, wheel::Wheel};
use assay_testkit::tools::requests_wheel;
use assay_testkit::{Run, TestServer, tool};
use serde_json::{Value, json};

const JSON: &str = "application/vnd.pypi.simple.v1+json";

#[tokio::test]
async fn a_real_wheel_goes_in_by_twine_and_comes_out_by_pip_and_uv() -> Result<()> {
    let Some(wheel) = requests_wheel().await? else { return Ok(()) };
    let server = server().await?;
    let Some(run) = twine(&server, "__token__", server.token(), &[], &[&wheel])? else { return Ok(()) };
    let ran = run.succeed().await?;
    assert!(ran.says("Uploading requests-2.6.0-py2.py3-none-any.whl"), "{ran}");
    saw("pypi", "twine", Case::Push);

    for client in [pip, uv] {
        let place = tempfile::tempdir()?;
        let Some(run) = client(&index_url(&server), place.path(), &["requests==2.6.0"])? else { continue };
        let ran = run.succeed().await?;
        let metadata = std::fs::read_to_string(place.path().join("requests-2.6.0.dist-info/METADATA"))?;
        assert!(metadata.contains("\nVersion: 2.6.0\n"), "{ran}");
        assert!(place.path().join("requests/api.py").is_file(), "{ran}");
    }
    let served = server.http().get("/pypi/main/files/requests/requests-2.6.0-py2.py3-none-any.whl").await?;
    assert_eq!(sha256(&served.expect_status(200)?.body), sha256(&std::fs::read(&wheel)?));
    Ok(())
}

#[tokio::test]
async fn a_program_is_installed_with_its_dependency_and_runs() -> Result<()> {
    let server = server().await?;
    let (folder, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let program =
        Wheel::new("tiny-program", "3.1").requires("tiny-library>=1.1,<2").build()?.write_to(folder.path())?;
    let old = Wheel::new("tiny-library", "1.0").build()?.write_to(folder.path())?;
    let good = Wheel::new("tiny-library", "1.4").build()?.write_to(folder.path())?;
    let far = Wheel::new("tiny-library", "2.0").build()?.write_to(folder.path())?;
    let files = [program.as_path(), &old, &good, &far];
    let Some(run) = twine(&server, "somebody", server.token(), &[], &files)? else { return Ok(()) };
    run.succeed().await?;

    let Some(run) = pip(&index_url(&server), place.path(), &["tiny-program"])? else { return Ok(()) };
    let ran = run.succeed().await?;
    assert!(ran.says("Successfully installed tiny-library-1.4 tiny-program-3.1"), "{ran}");
    let Some(python) = tool("python3") else { return Ok(()) };
    let ran = Run::new(python)?.env("PYTHONPATH", place.path()).args(["-m", "tiny_program"]).succeed().await?;
    assert_eq!(ran.stdout.trim(), "3.1");
    Ok(())
}

#[tokio::test]
async fn a_source_distribution_published_by_uv_is_built_and_installed() -> Result<()> {
    let server = server().await?;
    let (folder, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let Some(program) = tool("uv") else { return Ok(()) };
    let source = sdist("tiny-source", "0.7", &[])?.write_to(folder.path())?;
    let wheel = Wheel::new("tiny-both", "0.8").build()?.write_to(folder.path())?;
    let address = format!("{}/pypi/main/legacy/", server.url());
    let publish = |credentials: [String; 2], file: &std::path::Path| {
        Ok::<_, anyhow::Error>(
            Run::new(&program)?.args(["publish", "--publish-url", &address]).args(credentials).arg(file),
        )
    };
    publish(["--token".into(), server.token().into()], &source)?.succeed().await?;
    let password = format!("--password={}", server.token());
    publish(["--username=me".into(), password], &wheel)?.succeed().await?;

    let wanted = ["--no-binary", "tiny-source", "tiny-source"];
    let Some(run) = pip(&index_url(&server), place.path(), &wanted)? else { return Ok(()) };
    run.succeed().await?;
    let module = std::fs::read_to_string(place.path().join("tiny_source.py"))?;
    assert_eq!(module, "VERSION = \"0.7\"\n");
    let Some(run) = uv(&index_url(&server), place.path(), &["tiny-both"])? else { return Ok(()) };
    run.succeed().await?;
    assert!(place.path().join("tiny_both.py").is_file());
    Ok(())
}

async fn index(server: &TestServer, name: &str) -> Result<Value> {
    let path = format!("/pypi/main/simple/{name}/");
    server.http().get_with(&path, &[("accept", JSON)]).await?.expect_status(200)?.json()
}

#[tokio::test]
async fn the_index_says_all_that_installers_ask_for() -> Result<()> {
    let server = server().await?;
    let wheel = Wheel::new("Tiny.Index", "1.0").metadata("Requires-Python: >=3.9").requires("idna>=2");
    let built = wheel.build()?;
    publish(&server, &built).await?;

    let listed = index(&server, "tiny-index").await?;
    assert_eq!(listed["meta"]["api-version"], "1.3");
    assert_eq!((&listed["name"], &listed["versions"]), (&json!("tiny-index"), &json!(["1.0"])));
    let file = &listed["files"][0];
    assert_eq!(file["filename"], built.file_name.as_str());
    assert_eq!(file["hashes"]["sha256"], built.sha256.as_str());
    assert_eq!(file["size"], built.bytes.len());
    assert_eq!((&file["requires-python"], &file["yanked"]), (&json!(">=3.9"), &json!(false)));
    let uploaded: jiff::Timestamp = file["upload-time"].as_str().unwrap_or_default().parse()?;
    let age = jiff::Timestamp::now().duration_since(uploaded);
    assert!((0..300).contains(&age.as_secs()), "{uploaded}");

    // The metadata stands beside the file, byte for byte as in the wheel, with the hash that the index announces.
    let path = format!("/pypi/main/files/tiny-index/{}", built.file_name);
    let metadata = server.http().get(&format!("{path}.metadata")).await?.expect_status(200)?;
    assert_eq!(metadata.text(), wheel.metadata_text());
    assert_eq!(file["core-metadata"]["sha256"], sha256(&metadata.body).as_str());
    assert_eq!(file["dist-info-metadata"], file["core-metadata"]);
    assert_eq!(file["url"], format!("../../files/tiny-index/{}", built.file_name));
    assert_eq!(server.http().get(&path).await?.expect_status(200)?.body, built.bytes);
    Ok(())
}

#[tokio::test]
async fn the_index_is_also_a_page_and_can_be_cached() -> Result<()> {
    let server = server().await?;
    let built = Wheel::new("Tiny.Index", "1.0").metadata("Requires-Python: >=3.9").build()?;
    publish(&server, &built).await?;
    let page = server.http().get_with("/pypi/main/simple/tiny-index/", &[("accept", "text/html")]).await?;
    let page = page.expect_status(200)?;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let link = format!("href=\"../../files/tiny-index/{}#sha256={}\"", built.file_name, built.sha256);
    let text = page.text();
    for expected in [link.as_str(), "data-requires-python=\"&gt;=3.9\"", "data-core-metadata=\"sha256="] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let etag = page.header("etag").unwrap_or_default().to_owned();
    let again = server
        .http()
        .get_with("/pypi/main/simple/tiny-index/", &[("accept", "text/html"), ("if-none-match", &etag)])
        .await?;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));

    let projects =
        server.http().get_with("/pypi/main/simple/", &[("accept", JSON)]).await?.expect_status(200)?.json()?;
    assert_eq!(projects["projects"], json!([{ "name": "tiny-index" }]));
    let moved = server.http().get("/pypi/main/simple/Tiny.Index/").await?;
    let to = moved.header("location").unwrap_or_default();
    assert!(moved.status.is_redirection() && to.ends_with("/pypi/main/simple/tiny-index/"), "{to}");
    server.http().get("/pypi/main/simple/nobody-made-this/").await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn a_file_name_is_used_once() -> Result<()> {
    let server = server().await?;
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let original = Wheel::new("tiny-once", "1.0").build()?.write_to(first.path())?;
    let other = Wheel::new("tiny-once", "1.0").file("other.py", "").build()?.write_to(second.path())?;
    let upload = |more: &'static [&'static str], file| twine(&server, "__token__", server.token(), more, &[file]);
    let Some(run) = upload(&[], &original)? else { return Ok(()) };
    run.succeed().await?;
    upload(&[], &original)?.expect("twine is there").succeed().await?;

    let ran = upload(&[], &other)?.expect("twine is there").fail().await?;
    let said = unwrapped(&ran);
    assert!(said.contains("400 Bad Request") && said.contains("File already exists"), "{said}");
    let ran = upload(&["--skip-existing"], &other)?.expect("twine is there").succeed().await?;
    assert!(
        unwrapped(&ran).contains("Skipping tiny_once-1.0-py3-none-any.whl because it appears to already exist"),
        "{ran}"
    );

    let served = server.http().get("/pypi/main/files/tiny-once/tiny_once-1.0-py3-none-any.whl").await?;
    assert_eq!(served.expect_status(200)?.body, std::fs::read(original)?);
    Ok(())
}

#[tokio::test]
async fn publishing_takes_a_token_that_may() -> Result<()> {
    let server = server().await?;
    let folder = tempfile::tempdir()?;
    let file = Wheel::new("tiny-guarded", "1.0").build()?.write_to(folder.path())?;
    let reader = token(&server, "read", &["main"]).await?;
    let writer = token(&server, "write", &["main"]).await?;
    let Some(run) = twine(&server, "__token__", "not-the-token", &[], &[&file])? else { return Ok(()) };
    let said = unwrapped(&run.fail().await?);
    assert!(said.contains("401 Unauthorized") && said.contains("the token is wrong, revoked or expired"), "{said}");

    let run = twine(&server, "__token__", &reader, &[], &[&file])?.expect("twine is there");
    let said = unwrapped(&run.fail().await?);
    assert!(said.contains("403 Forbidden") && said.contains("lacks `write` on main"), "{said}");

    let stranger = server.http().with_token(None).post("/pypi/main/legacy/", "").await?.expect_status(401)?;
    assert_eq!(stranger.header("www-authenticate"), Some("Basic realm=\"assay\""));
    let packages = server.http().get("/api/v1/packages").await?.json()?;
    assert_eq!(packages, json!({ "packages": [] }), "a refused upload leaves nothing behind");

    let run = twine(&server, "__token__", &writer, &[], &[&file])?.expect("twine is there");
    run.succeed().await?;
    Ok(())
}

#[tokio::test]
async fn a_repository_can_be_opened_for_everyone_to_read() -> Result<()> {
    let server = server().await?;
    let place = tempfile::tempdir()?;
    publish(&server, &Wheel::new("tiny-open", "1.0").build()?).await?;
    settled(&server).await?;
    let anonymous = format!("{}/pypi/main/simple/", server.url());
    let Some(run) = pip(&anonymous, place.path(), &["tiny-open"])? else { return Ok(()) };
    run.fail().await?;
    server.http().with_token(None).get("/pypi/main/simple/tiny-open/").await?.expect_status(401)?;

    open_to_everyone(&server).await?;
    pip(&anonymous, place.path(), &["tiny-open"])?.expect("pip is there").succeed().await?;
    assert!(place.path().join("tiny_open.py").is_file());
    let another = Wheel::new("tiny-open", "2.0").build()?;
    assay_testkit::upload::pypi(&server.http().with_token(None), "main", &another).await?.expect_status(401)?;
    // Wrong credentials are an error, and never the same as none.
    server.http().with_token(Some("wrong")).get("/pypi/main/simple/tiny-open/").await?.expect_status(401)?;
    Ok(())
}

#[tokio::test]
async fn resolving_takes_the_newest_version_that_is_allowed() -> Result<()> {
    let server = server().await?;
    for version in ["1.0", "1.5", "2.0"] {
        publish(&server, &Wheel::new("tiny-risk", version).build()?).await?;
    }
    let record = python_advisory("PYSEC-2026-1", "CVE-2026-10001", "tiny-risk", "2.0", "2.1");
    let feed = crate::support::advisories(&server, "feed", &[record])?;
    import(&server, &[&feed]).await?;
    refuse_dangerous(&server).await?;
    assert_eq!(state(&server, "main/pypi/tiny-risk@2.0").await?, "quarantined");
    assert_eq!(state(&server, "main/pypi/tiny-risk@1.5").await?, "available");

    for client in [pip, uv] {
        let place = tempfile::tempdir()?;
        let Some(run) = client(&index_url(&server), place.path(), &["tiny-risk>=1"])? else { continue };
        run.succeed().await?;
        assert!(place.path().join("tiny_risk-1.5.dist-info").is_dir(), "1.5 is the newest allowed version");
    }
    let files = index(&server, "tiny-risk").await?["files"].clone();
    let yanked: Vec<&Value> = files.as_array().into_iter().flatten().map(|file| &file["yanked"]).collect();
    assert_eq!(yanked[..2], [&json!(false), &json!(false)]);
    let why = yanked[2].as_str().unwrap_or_default();
    assert!(why.contains("too-dangerous") && why.contains("CVE-2026-10001"), "{why}");
    Ok(())
}
