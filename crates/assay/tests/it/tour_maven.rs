//! Maven artifacts with mvn: deploy projects and files, resolve releases, ranges and snapshots, and who may not.

mod refused;

use crate::support::{open_to_everyone, package, server, settled, token};
use anyhow::Result;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::{Run, TestServer, make, skipped, tool};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Where Debian's packages have Maven's plugins, as a repository.
const PLUGINS: &str = "/usr/share/maven-repo";
const DEPLOY_FILE: &str = "org.apache.maven.plugins:maven-deploy-plugin:deploy-file";
const GET: &str = "org.apache.maven.plugins:maven-dependency-plugin:get";

/// A workbench: mvn with a local repository and settings of its own, and a folder to work in.
pub(crate) struct Bench {
    program: PathBuf,
    place: TempDir,
    url: String,
}

impl Bench {
    /// mvn with the repository `main` of a server and this token; nothing and a line that says so without mvn or its
    /// plugins.
    pub(crate) fn new(server: &TestServer, token: Option<&str>) -> Result<Option<Self>> {
        Self::of(server, "main", token)
    }

    /// The same for another repository.
    pub(crate) fn of(server: &TestServer, repository: &str, token: Option<&str>) -> Result<Option<Self>> {
        let Some(program) = tool("mvn") else { return Ok(None) };
        if !Path::new(PLUGINS).join("org/apache/maven/plugins/maven-deploy-plugin").is_dir() {
            skipped("Maven's plugins are not installed: `cargo xtask install`");
            return Ok(None);
        }
        let bench = Self { program, place: tempfile::tempdir()?, url: format!("{}/maven/{repository}/", server.url()) };
        let credentials = token.map(|token| {
            format!("<server><id>assay</id><username>__token__</username><password>{token}</password></server>")
        });
        let always = "<enabled>true</enabled><updatePolicy>always</updatePolicy><checksumPolicy>fail</checksumPolicy>";
        let ours = format!(
            "<id>assay</id><url>{}</url><releases>{always}</releases><snapshots>{always}</snapshots>",
            bench.url
        );
        // Debian's repository has no checksums.
        let debian = format!(
            "<id>central</id><url>file://{PLUGINS}</url><releases><checksumPolicy>ignore</checksumPolicy></releases>"
        );
        let settings = format!(
            "<settings><localRepository>{}</localRepository><servers>{}</servers><profiles><profile><id>here</id>\
             <repositories><repository>{debian}</repository><repository>{ours}</repository></repositories>\
             <pluginRepositories><pluginRepository>{debian}</pluginRepository></pluginRepositories></profile></profiles>\
             <activeProfiles><activeProfile>here</activeProfile></activeProfiles></settings>",
            bench.local().display(),
            credentials.unwrap_or_default()
        );
        std::fs::write(bench.place.path().join("settings.xml"), settings)?;
        Ok(Some(bench))
    }

    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    fn local(&self) -> PathBuf {
        self.place.path().join("repository")
    }

    /// A run of mvn in a folder.
    pub(crate) fn run(&self, at: &Path, arguments: &[&str]) -> Run {
        let run = Run::in_home(&self.program, self.place()).current_dir(at).limit(Duration::from_secs(300));
        run.args(["-B", "-ntp", "-s"]).arg(self.place().join("settings.xml")).args(arguments)
    }

    /// `mvn deploy:deploy-file` of a file with its pom.
    fn deploy_file(&self, pom: &Path, file: &Path, more: &[&str]) -> Run {
        let run = self.run(self.place(), &[DEPLOY_FILE, "-DrepositoryId=assay"]).arg(format!("-Durl={}", self.url));
        run.arg(format!("-DpomFile={}", pom.display())).arg(format!("-Dfile={}", file.display())).args(more)
    }

    /// `mvn dependency:get` of coordinates, without what they depend on.
    pub(crate) fn get(&self, what: &str) -> Run {
        let run = self.run(self.place(), &[GET, "-Dtransitive=false"]).arg(format!("-Dartifact={what}"));
        run.arg(format!("-DremoteRepositories=assay::::{}", self.url))
    }

    /// What it downloaded of ours.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.local().join(path).is_file()
    }

    /// Forgets what it downloaded of ours.
    pub(crate) fn forget(&self) -> Result<()> {
        let ours = self.local().join("org/example");
        if ours.is_dir() {
            std::fs::remove_dir_all(ours)?;
        }
        Ok(())
    }

    /// A project with one class `org.example.Says` that has a `main`.
    fn project(&self, pom: &str, says: &str) -> Result<PathBuf> {
        let folder = self.place().join("project");
        let sources = folder.join("src/main/java/org/example");
        std::fs::create_dir_all(&sources)?;
        std::fs::write(folder.join("pom.xml"), pom)?;
        std::fs::write(sources.join("Says.java"), says)?;
        Ok(folder)
    }
}

/// A pom of `org.example`.
pub(crate) fn pom(artifact: &str, version: &str, more: &str) -> String {
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>org.example</groupId><artifactId>{artifact}</artifactId><version>{version}</version>{more}</project>\n"
    )
}

/// A jar with a text in it, as a tool makes it that is not Maven: it does not say whose it is.
pub(crate) fn jar(text: &str) -> Result<Vec<u8>> {
    let manifest = b"Manifest-Version: 1.0\n\n".to_vec();
    make::zip(&[("META-INF/MANIFEST.MF".to_owned(), manifest), ("text.txt".to_owned(), text.as_bytes().to_vec())])
}

/// Publishes a jar and its pom with two requests.
pub(crate) async fn put(server: &TestServer, artifact: &str, version: &str) -> Result<()> {
    let stem = format!("/maven/main/org/example/{artifact}/{version}/{artifact}-{version}");
    server.http().put(&format!("{stem}.jar"), jar(version)?).await?.expect_status(201)?;
    server.http().put(&format!("{stem}.pom"), pom(artifact, version, "")).await?.expect_status(201)?;
    Ok(())
}

fn building(url: &str) -> String {
    format!(
        "<properties><maven.compiler.source>8</maven.compiler.source><maven.compiler.target>8</maven.compiler.target>\
         <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties><distributionManagement>\
         <repository><id>assay</id><url>{url}</url></repository></distributionManagement>"
    )
}

fn says(text: &str) -> String {
    format!(
        "package org.example;\npublic class Says {{\n  public static String it() {{ return \"{text}\"; }}\n\
           public static void main(String[] a) {{ System.out.println(it()); }}\n}}\n"
    )
}

/// Deploys a version of the project `lib`, whose class says `text`.
async fn deploy(bench: &Bench, version: &str, text: &str) -> Result<()> {
    let folder = bench.project(&pom("lib", version, &building(&bench.url)), &says(text))?;
    let ran = bench.run(&folder, &["deploy", "-Dmaven.install.skip=true"]).succeed().await?;
    assert!(ran.says("BUILD SUCCESS"), "{ran}");
    Ok(())
}

/// Builds a project that calls `lib`, and answers what that says.
async fn said_by_lib(bench: &Bench, version: &str) -> Result<String> {
    let Some(java) = tool("java") else { return Ok(String::new()) };
    let dependency = format!(
        "{}<dependencies><dependency><groupId>org.example</groupId><artifactId>lib</artifactId>\
         <version>{version}</version></dependency></dependencies>",
        building(&bench.url)
    );
    let folder = bench.place().join("app");
    std::fs::create_dir_all(folder.join("src/main/java/app"))?;
    std::fs::write(folder.join("pom.xml"), pom("app", "1", &dependency))?;
    let main = "package app;\npublic class Main {\n  public static void main(String[] a) {\n    \
                System.out.println(org.example.Says.it());\n  }\n}\n";
    std::fs::write(folder.join("src/main/java/app/Main.java"), main)?;
    let listing = bench.place().join("classpath");
    let output = format!("-Dmdep.outputFile={}", listing.display());
    let build = "org.apache.maven.plugins:maven-dependency-plugin:build-classpath";
    bench.run(&folder, &["-U", "compile", build]).arg(&output).succeed().await?;
    let path = format!("{}:{}", folder.join("target/classes").display(), std::fs::read_to_string(listing)?.trim());
    let ran = Run::new(java)?.args(["-cp", &path, "app.Main"]).succeed().await?;
    Ok(ran.stdout.trim().to_owned())
}

#[tokio::test]
async fn projects_are_deployed_and_those_that_depend_on_them_build() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    deploy(&bench, "1.0", "release").await?;
    saw("maven", "mvn", Case::Push);
    settled(&server).await?;
    assert_eq!(said_by_lib(&bench, "[1.0,2.0)").await?, "release");
    saw("maven", "mvn", Case::Pull);
    let found = package(&server, "main/maven/org.example:lib@1.0").await?;
    assert_eq!(found["metadata"]["packaging"], "jar", "{found}");

    for (text, builds) in [("first", 1), ("second", 2)] {
        deploy(&bench, "2.0-SNAPSHOT", text).await?;
        settled(&server).await?;
        let metadata = server.http().get("/maven/main/org/example/lib/2.0-SNAPSHOT/maven-metadata.xml").await?;
        let metadata = metadata.expect_status(200)?.text();
        assert!(metadata.contains(&format!("<buildNumber>{builds}</buildNumber>")), "{metadata}");
        assert_eq!(said_by_lib(&bench, "2.0-SNAPSHOT").await?, text);
    }
    let metadata = server.http().get("/maven/main/org/example/lib/maven-metadata.xml").await?.text();
    assert!(metadata.contains("<latest>2.0-SNAPSHOT</latest>\n    <release>1.0</release>"), "{metadata}");
    Ok(())
}

#[tokio::test]
async fn files_are_deployed_with_what_belongs_to_them() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    let at = |name: &str| bench.place().join(name);
    std::fs::write(at("tiny.pom"), pom("tiny", "1.0", "<packaging>jar</packaging>"))?;
    std::fs::write(at("tiny.jar"), jar("tiny")?)?;
    std::fs::write(at("sources.jar"), jar("sources")?)?;
    std::fs::write(at("tiny.jar.asc"), "-----BEGIN PGP SIGNATURE-----\n")?;
    let sources = format!("-Dsources={}", at("sources.jar").display());
    let signature = format!("-Dfiles={}", at("tiny.jar.asc").display());
    let more = [&*sources, &signature, "-Dtypes=jar.asc", "-Dclassifiers="];
    bench.deploy_file(&at("tiny.pom"), &at("tiny.jar"), &more).succeed().await?;
    settled(&server).await?;
    for what in ["org.example:tiny:1.0", "org.example:tiny:1.0:jar:sources"] {
        bench.get(what).succeed().await?;
    }
    for file in ["tiny-1.0.jar", "tiny-1.0-sources.jar", "tiny-1.0.pom"] {
        assert!(bench.has(&format!("org/example/tiny/1.0/{file}")), "{file}");
    }
    // mvn itself never asks for a signature's checksums, and this one insists on checksums.
    let signature = server.http().get("/maven/main/org/example/tiny/1.0/tiny-1.0.jar.asc").await?.expect_status(200)?;
    assert_eq!(signature.text(), "-----BEGIN PGP SIGNATURE-----\n");
    bench.forget()?;
    bench.get("org.example:tiny:LATEST").succeed().await?;
    assert!(bench.has("org/example/tiny/1.0/tiny-1.0.jar"));

    // The same again is fine, other bytes are not, and the deployer reads why.
    bench.deploy_file(&at("tiny.pom"), &at("tiny.jar"), &[]).succeed().await?;
    std::fs::write(at("tiny.jar"), jar("changed")?)?;
    let ran = bench.deploy_file(&at("tiny.pom"), &at("tiny.jar"), &[]).fail().await?;
    assert!(ran.says("tiny-1.0.jar exists already with other content and never changes"), "{ran}");
    let served = server.http().get("/maven/main/org/example/tiny/1.0/tiny-1.0.jar").await?.expect_status(200)?;
    assert_eq!(served.body, jar("tiny")?);
    Ok(())
}

#[tokio::test]
async fn documents_and_files_can_be_cached_and_compared() -> Result<()> {
    let server = server().await?;
    put(&server, "tiny", "1.0").await?;
    settled(&server).await?;
    let http = server.http();
    for path in ["org/example/tiny/maven-metadata.xml", "org/example/tiny/1.0/tiny-1.0.jar"] {
        let path = format!("/maven/main/{path}");
        let whole = http.get(&path).await?.expect_status(200)?;
        let told = http.get(&format!("{path}.sha256")).await?.expect_status(200)?.text();
        assert_eq!(told, make::sha256(&whole.body), "{path}");
        for (extension, length) in [("md5", 32), ("sha1", 40), ("sha512", 128)] {
            assert_eq!(http.get(&format!("{path}.{extension}")).await?.expect_status(200)?.body.len(), length);
        }
        let head = http.head(&path).await?.expect_status(200)?;
        assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
        let etag = whole.header("etag").unwrap_or_default().to_owned();
        let again = http.get_with(&path, &[("if-none-match", &etag)]).await?;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        let part = http.get_with(&path, &[("range", "bytes=2-5")]).await?;
        assert!(part.status.as_u16() == 200 || part.body == whole.body[2..6], "{path}");
    }
    let jar = "/maven/main/org/example/tiny/1.0/tiny-1.0.jar";
    let sha1 = http.get(jar).await?.header("x-checksum-sha1").unwrap_or_default().to_owned();
    http.put(&format!("{jar}.sha1"), sha1).await?.expect_status(201)?;
    let wrong = http.put(&format!("{jar}.sha1"), "0".repeat(40)).await?.expect_status(400)?;
    assert!(wrong.text().contains("the sha1 of tiny-1.0.jar is"), "{}", wrong.text());
    let page = http.get_with("/maven/main/org/example/tiny/", &[("accept", "text/html")]).await?.expect_status(200)?;
    assert!(page.text().contains("<a href=\"./1.0/\">1.0/</a>"), "{}", page.text());
    Ok(())
}

#[tokio::test]
async fn deploying_takes_a_token_that_may() -> Result<()> {
    let server = server().await?;
    let reader = token(&server, "read", &["main"]).await?;
    let Some(bench) = Bench::new(&server, Some(&reader))? else { return Ok(()) };
    let at = |name: &str| bench.place().join(name);
    std::fs::write(at("tiny.pom"), pom("tiny", "1.0", ""))?;
    std::fs::write(at("tiny.jar"), jar("tiny")?)?;
    let ran = bench.deploy_file(&at("tiny.pom"), &at("tiny.jar"), &[]).fail().await?;
    assert!(ran.says("403") && ran.says("lacks `write` on main"), "{ran}");
    put(&server, "tiny", "1.0").await?;
    settled(&server).await?;
    bench.get("org.example:tiny:1.0").succeed().await?;

    let Some(stranger) = Bench::new(&server, None)? else { return Ok(()) };
    let ran = stranger.get("org.example:tiny:1.0").fail().await?;
    assert!(ran.says("401"), "{ran}");
    saw("maven", "mvn", Case::NoPermission);
    open_to_everyone(&server).await?;
    stranger.forget()?;
    stranger.get("org.example:tiny:1.0").succeed().await?;
    Ok(())
}
