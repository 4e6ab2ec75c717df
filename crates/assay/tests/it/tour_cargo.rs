//! Rust crates with cargo: publish, build, yank, search, log in, replace the public source, and who may not.

mod elsewhere;
mod refused;

use crate::support::{open_to_everyone, server, settled, token};
use anyhow::{Context, Result};
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::crates::{folder, publication};
use assay_testkit::{Run, TestServer, tool};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A workbench: cargo with a home and a configuration of its own, and a folder to work in.
pub(crate) struct Bench {
    program: PathBuf,
    home: TempDir,
    place: TempDir,
}

impl Bench {
    /// Cargo with the registry `assay` and this token; nothing and a line that says so without cargo.
    pub(crate) fn new(server: &TestServer, token: Option<&str>) -> Result<Option<Self>> {
        Self::of(server, "main", token)
    }

    /// The same for another repository.
    pub(crate) fn of(server: &TestServer, repository: &str, token: Option<&str>) -> Result<Option<Self>> {
        let Some(program) = tool("cargo") else { return Ok(None) };
        let bench = Self { program, home: tempfile::tempdir()?, place: tempfile::tempdir()? };
        bench.configure(&format!(
            "[registries.assay]\nindex = \"sparse+{}/cargo/{repository}/\"\n[registry]\n\
             global-credential-providers = [\"cargo:token\"]\n[net]\nretry = 0\n[build]\ntarget-dir = \"{}\"\n",
            server.url(),
            bench.place.path().join("target").display()
        ))?;
        if let Some(token) = token {
            std::fs::write(
                bench.home.path().join("credentials.toml"),
                format!("[registries.assay]\ntoken = \"{token}\"\n"),
            )?;
        }
        Ok(Some(bench))
    }

    /// Adds to its configuration.
    pub(crate) fn configure(&self, more: &str) -> Result<()> {
        let file = self.home.path().join("config.toml");
        let had = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(file, had + more)?;
        Ok(())
    }

    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// A run of cargo in a folder.
    pub(crate) fn run(&self, at: &Path, arguments: &[&str]) -> Run {
        self.dressed(&self.program).current_dir(at).args(arguments)
    }

    /// A run of a program that finds this bench's configuration and the machine's compiler.
    fn dressed(&self, program: &Path) -> Run {
        let mut run = Run::in_home(program, self.home.path()).env("CARGO_HOME", self.home.path());
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup"));
        let rustup = std::env::var_os("RUSTUP_HOME").map(PathBuf::from).or(home);
        if let Some(rustup) = rustup.filter(|folder| folder.is_dir()) {
            run = run.env("RUSTUP_HOME", rustup);
        }
        if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
            run = run.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        run.env("CARGO_TERM_PROGRESS_WHEN", "never")
    }

    /// `cargo login`, as somebody does who pastes the token.
    fn login(&self, token: &str) -> Run {
        let run = self.dressed(Path::new("sh")).current_dir(self.place());
        let script = "printf '%s\n' \"$1\" | \"$2\" login --registry assay";
        run.args(["-c", script, "sh", token]).arg(&self.program)
    }

    /// Forgets what it downloaded.
    pub(crate) fn forget(&self) -> Result<()> {
        for folder in ["registry", ".package-cache"] {
            let path = self.home.path().join(folder);
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    /// A program that prints what its dependency says of itself.
    pub(crate) fn program(&self, name: &str, dependencies: &str, prints: &str) -> Result<PathBuf> {
        let main = format!("fn main() {{ println!(\"{{}}\", {prints}); }}\n");
        folder(self.place(), name, "0.1.0", dependencies, ("main.rs", &main))
    }
}

const PUBLISH: &[&str] = &["publish", "--registry", "assay", "--allow-dirty"];

/// A library whose `VERSION` is its version.
fn library(bench: &Bench, name: &str, version: &str) -> Result<PathBuf> {
    let code = format!("pub const VERSION: &str = \"{version}\";\n");
    folder(bench.place(), name, version, "", ("lib.rs", &code))
}

/// Publishes with one request.
pub(crate) async fn put(server: &TestServer, name: &str, version: &str) -> Result<()> {
    let body = publication(name, version)?;
    server.http().put("/cargo/main/api/v1/crates/new", body).await?.expect_status(200)?;
    Ok(())
}

/// The lines of a name's file in the index.
pub(crate) async fn index(server: &TestServer, path: &str) -> Result<Vec<Value>> {
    let file = server.http().get(&format!("/cargo/main/{path}")).await?.expect_status(200)?;
    file.text().lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[tokio::test]
async fn a_published_crate_is_verified_found_and_built_by_others() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    let leaf = library(&bench, "tiny-leaf", "1.2.0")?;
    let ran = bench.run(&leaf, PUBLISH).succeed().await?;
    assert!(ran.says("Published tiny-leaf v1.2.0 at registry `assay`"), "{ran}");
    put(&server, "tiny-soft", "1.2.0").await?;
    put(&server, "tiny-unix", "1.9.9").await?;
    let code = "pub fn leaf() -> &'static str { leaf::VERSION }\n";
    let wants = "leaf = { package = \"tiny-leaf\", version = \"1\", registry = \"assay\", default-features = false }\n\
                 soft = { package = \"tiny-soft\", version = \"1.2\", registry = \"assay\", optional = true }\n\
                 [target.'cfg(all(unix,not(windows)))'.dependencies]\n\
                 tiny-unix = { version = \">=1, <2\", registry = \"assay\" }\n\
                 [features]\ndefault = []\nextra = [\"dep:soft\"]\nplain = [\"default\"]\n";
    let branch = folder(bench.place(), "tiny_branch", "0.3.1-rc.1+built", wants, ("lib.rs", code))?;
    let ran = bench.run(&branch, PUBLISH).succeed().await?;
    assert!(ran.says("Published tiny_branch v0.3.1-rc.1+built"), "{ran}");
    saw("cargo", "cargo", Case::Push);

    bench.forget()?;
    let wants = "tiny_branch = { version = \"0.3.1-rc.1\", registry = \"assay\" }";
    let program = bench.program("tiny-program", wants, "tiny_branch::leaf()")?;
    let ran = bench.run(&program, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.2.0\n", "{ran}");
    saw("cargo", "cargo", Case::Pull);

    let ran = bench.run(&leaf, PUBLISH).fail().await?;
    assert!(ran.says("tiny-leaf@1.2.0 already exists on `assay` index"), "{ran}");
    let line = &index(&server, "ti/ny/tiny_branch").await?[0];
    assert_eq!((&line["deps"][0]["name"], &line["deps"][0]["package"]), (&json!("leaf"), &json!("tiny-leaf")));
    assert_eq!((&line["v"], &line["features2"]), (&json!(2), &json!({ "extra": ["dep:soft"] })));
    assert_eq!(line["features"], json!({ "default": [], "plain": ["default"] }));
    Ok(())
}

#[tokio::test]
async fn a_workspace_is_published_in_order_and_its_program_installed() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    library(&bench, "tiny-part", "0.1.0")?;
    let wants = "tiny-part = { path = \"../tiny-part-0.1.0\", version = \"0.1\", registry = \"assay\" }\n\
                 [dev-dependencies]\nonly-here = { path = \"../tiny-part-0.1.0\", package = \"tiny-part\" }";
    bench.program("tiny-tool", wants, "tiny_part::VERSION")?;
    std::fs::write(bench.place().join("Cargo.toml"), "[workspace]\nmembers = [\"tiny-*\"]\nresolver = \"2\"\n")?;
    let ran = bench.run(bench.place(), &[PUBLISH, &["--workspace"]].concat()).succeed().await?;
    assert!(ran.says("Published tiny-tool v0.1.0"), "{ran}");
    let root = bench.place().join("installed");
    let to = root.display().to_string();
    bench.run(bench.place(), &["install", "--registry", "assay", "--root", &to, "tiny-tool"]).succeed().await?;
    let ran = bench.dressed(&root.join("bin/tiny-tool")).succeed().await?;
    assert_eq!(ran.stdout, "0.1.0\n");
    Ok(())
}

#[tokio::test]
async fn a_yanked_version_is_passed_over_and_had_by_those_who_locked_it() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    for version in ["1.0.0", "1.1.0"] {
        put(&server, "tiny-yank", version).await?;
    }
    let wants = "tiny-yank = { version = \"1\", registry = \"assay\" }";
    let locked = bench.program("locked", wants, "tiny_yank::VERSION")?;
    bench.run(&locked, &["generate-lockfile"]).succeed().await?;
    let yank = ["yank", "--registry", "assay", "tiny-yank@1.1.0"];
    let ran = bench.run(bench.place(), &yank).succeed().await?;
    assert!(ran.says("Yank tiny-yank@1.1.0"), "{ran}");

    let ran = bench.run(&locked, &["run", "--quiet", "--locked"]).succeed().await?;
    assert_eq!(ran.stdout, "1.1.0\n", "who locked it still has it");
    let fresh = bench.program("fresh", wants, "tiny_yank::VERSION")?;
    let ran = bench.run(&fresh, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.0.0\n", "a new resolution passes over it");
    saw("cargo", "cargo", Case::TakeBack);

    bench.run(bench.place(), &["yank", "--undo", "--registry", "assay", "tiny-yank@1.1.0"]).succeed().await?;
    bench.run(&fresh, &["update"]).succeed().await?;
    let ran = bench.run(&fresh, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.1.0\n");
    let ran = bench.run(bench.place(), &["yank", "--registry", "assay", "tiny-yank@9.0.0"]).fail().await?;
    assert!(ran.says("has no version 9.0.0"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn crates_are_searched_and_their_publishers_named() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    put(&server, "Tiny-Search", "1.0.0").await?;
    put(&server, "Tiny-Search", "2.0.0-beta.1").await?;
    put(&server, "other", "1.0.0").await?;
    let ran = bench.run(bench.place(), &["search", "--registry", "assay", "tiny"]).succeed().await?;
    assert!(ran.says("Tiny-Search = \"1.0.0\"") && ran.says("# tiny") && !ran.says("other"), "{ran}");
    saw("cargo", "cargo", Case::Search);
    let ran = bench.run(bench.place(), &["search", "--registry", "assay", "--limit", "1", "e"]).succeed().await?;
    assert!(ran.says("and 1 crates more") || ran.says("1 crates more"), "{ran}");
    let ran = bench.run(bench.place(), &["info", "--registry", "assay", "Tiny-Search@1.0.0"]).succeed().await?;
    assert!(ran.says("Tiny-Search") && ran.says("version: 1.0.0"), "{ran}");

    let ran = bench.run(bench.place(), &["owner", "--list", "--registry", "assay", "Tiny-Search"]).succeed().await?;
    assert_eq!(ran.stdout.lines().count(), 1, "{ran}");
    let add = ["owner", "--add", "somebody", "--registry", "assay", "Tiny-Search"];
    let ran = bench.run(bench.place(), &add).fail().await?;
    assert!(ran.says("crates have no owners here") && ran.says("assay tokens create"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn one_logs_in_with_a_token_that_may() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, None)? else { return Ok(()) };
    let guarded = library(&bench, "tiny-guarded", "1.0.0")?;
    let ran = bench.run(&guarded, PUBLISH).fail().await?;
    assert!(ran.says("no token found") && ran.says("cargo login"), "{ran}");
    let ran = bench.run(&guarded, &[PUBLISH, &["--token", "wrong"]].concat()).fail().await?;
    assert!(ran.says("401"), "{ran}");
    let reader = token(&server, "read", &["main"]).await?;
    let ran = bench.run(&guarded, &[PUBLISH, &["--token", &reader]].concat()).fail().await?;
    assert!(ran.says("status 403") && ran.says("lacks `write` on main"), "{ran}");
    let packages = server.http().get("/api/v1/packages").await?.json()?;
    assert_eq!(packages, json!({ "packages": [] }), "a refused publication leaves nothing behind");
    saw("cargo", "cargo", Case::NoPermission);

    let writer = token(&server, "write", &["main"]).await?;
    let ran = bench.login(&writer).succeed().await?;
    assert!(ran.says("token for `assay` saved"), "{ran}");
    bench.run(&guarded, PUBLISH).succeed().await?;
    Ok(())
}

#[tokio::test]
async fn all_crates_come_from_here_by_source_replacement() -> Result<()> {
    let server = server().await?;
    let Some(bench) = Bench::new(&server, Some(server.token()))? else { return Ok(()) };
    put(&server, "tiny-source", "1.0.0").await?;
    bench.configure("[source.crates-io]\nreplace-with = \"assay\"\n")?;
    let program = bench.program("tiny-user", "tiny-source = \"1\"", "tiny_source::VERSION")?;
    let ran = bench.run(&program, &["run", "--quiet"]).succeed().await?;
    assert_eq!(ran.stdout, "1.0.0\n");
    let lock = std::fs::read_to_string(program.join("Cargo.lock"))?;
    assert!(!lock.contains(&server.authority()), "the lock file does not tie the project to a mirror: {lock}");
    let ran = bench.run(bench.place(), &["search", "tiny", "--registry", "assay"]).succeed().await?;
    assert!(ran.says("tiny-source"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn the_index_is_cached_and_says_when_versions_came() -> Result<()> {
    let server = server().await?;
    let http = server.http();
    put(&server, "tiny-index", "1.0.0").await?;
    let config = http.get("/cargo/main/config.json").await?.expect_status(200)?.json()?;
    assert_eq!(config["dl"], format!("{}/cargo/main/api/v1/crates", server.url()));
    assert_eq!(
        (&config["api"], &config["auth-required"]),
        (&json!(format!("{}/cargo/main", server.url())), &json!(true))
    );

    let path = "/cargo/main/ti/ny/tiny-index";
    let file = http.get(path).await?.expect_status(200)?;
    let etag = file.header("etag").context("an index can be cached")?.to_owned();
    http.get_with(path, &[("if-none-match", &etag)]).await?.expect_status(304)?;
    let line = &index(&server, "ti/ny/tiny-index").await?[0];
    let time: jiff::Timestamp = line["pubtime"].as_str().context("it has a time")?.parse()?;
    assert!((0..300).contains(&jiff::Timestamp::now().duration_since(time).as_secs()), "{line}");
    put(&server, "tiny-index", "1.1.0").await?;
    http.get_with(path, &[("if-none-match", &etag)]).await?.expect_status(200)?;

    let download = "/cargo/main/api/v1/crates/tiny-index/1.0.0/download";
    let whole = http.get(download).await?.expect_status(200)?;
    assert_eq!(assay_testkit::make::sha256(&whole.body), line["cksum"].as_str().unwrap_or_default());
    let part = http.get_with(download, &[("range", "bytes=0-1")]).await?.expect_status(206)?;
    assert_eq!(part.body, [0x1f, 0x8b]);
    assert!(http.head(download).await?.expect_status(200)?.body.is_empty());

    settled(&server).await?;
    let stranger = http.with_token(None);
    let told = stranger.get("/cargo/main/config.json").await?.expect_status(401)?;
    let challenge = told.header("www-authenticate").unwrap_or_default().to_owned();
    assert_eq!(challenge, format!("Cargo login_url=\"{}/ui/\"", server.url()));
    open_to_everyone(&server).await?;
    let config = stranger.get("/cargo/main/config.json").await?.expect_status(200)?.json()?;
    assert!(config.get("auth-required").is_none(), "{config}");
    Ok(())
}
