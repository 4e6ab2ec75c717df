//! Node packages with npm, pnpm, yarn 1 and yarn: publish, install, edit, search, log in, and who may not.

mod refused;

use crate::support::{server, settled, token};
use anyhow::Result;
use assay_testkit::evidence::{Case, saw};
use assay_testkit::make::npm::package;
use assay_testkit::{Run, TestServer, tool};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A client: its name in tables, its program, and how it installs what the manifest or what the lock file says, and
/// publishes.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    pub(crate) install: &'static [&'static str],
    pub(crate) locked: &'static [&'static str],
    publish: &'static [&'static str],
}

pub(crate) const NPM: Client =
    Client { name: "npm", program: "npm", install: &["install"], locked: &["ci"], publish: &["publish"] };

pub(crate) const CLIENTS: [Client; 4] = [
    NPM,
    Client {
        name: "pnpm",
        program: "pnpm",
        install: &["install", "--no-frozen-lockfile"],
        locked: &["install", "--frozen-lockfile"],
        publish: &["publish", "--no-git-checks"],
    },
    Client {
        name: "yarn 1",
        program: "yarn1",
        install: &["install", "--non-interactive"],
        locked: &["install", "--non-interactive", "--frozen-lockfile"],
        publish: &["publish", "--non-interactive", "--no-git-tag-version"],
    },
    Client {
        name: "yarn",
        program: "yarn4",
        install: &["install", "--no-immutable"],
        locked: &["install", "--immutable"],
        publish: &["npm", "publish"],
    },
];

/// A home with the registry and a token in it, and a folder to work in.
pub(crate) struct Bench {
    home: TempDir,
    pub(crate) place: TempDir,
}

impl Bench {
    pub(crate) fn new(server: &TestServer, token: Option<&str>) -> Result<Self> {
        Self::of(server, "main", token)
    }

    /// The same for another repository.
    pub(crate) fn of(server: &TestServer, repository: &str, token: Option<&str>) -> Result<Self> {
        let bench = Self { home: tempfile::tempdir()?, place: tempfile::tempdir()? };
        let registry = format!("{}/npm/{repository}/", server.url());
        let mut npmrc = format!(
            "registry={registry}\naudit=false\nfund=false\nupdate-notifier=false\nfetch-retries=0\nfetch-timeout=20000\n"
        );
        let mut yarnrc = format!(
            "npmRegistryServer: \"{registry}\"\nunsafeHttpWhitelist: [\"127.0.0.1\"]\nenableTelemetry: false\n\
             enableGlobalCache: false\nnodeLinker: node-modules\nnpmMinimalAgeGate: 0\nhttpRetry: 0\n"
        );
        if let Some(token) = token {
            let bare = registry.trim_start_matches("http:");
            npmrc.push_str(&format!("{bare}:_authToken={token}\nalways-auth=true\n"));
            yarnrc.push_str(&format!("npmAuthToken: \"{token}\"\nnpmAlwaysAuth: true\n"));
        }
        std::fs::write(bench.home.path().join(".npmrc"), npmrc)?;
        std::fs::write(bench.home.path().join(".yarnrc.yml"), yarnrc)?;
        Ok(bench)
    }

    /// A project with these dependencies.
    pub(crate) fn project(&self, name: &str, dependencies: &Value) -> Result<PathBuf> {
        let folder = self.place.path().join(name);
        package(&folder, name, "0.0.1", &json!({ "private": true, "dependencies": dependencies }))?;
        Ok(folder)
    }

    /// A run of a client in a folder; nothing and a line that says so without the client.
    pub(crate) fn run(&self, client: &Client, at: &Path, arguments: &[&str]) -> Result<Option<Run>> {
        let Some(program) = tool(client.program) else { return Ok(None) };
        match client.program {
            // Both look for a project above the folder without these.
            "yarn4" if !at.join("yarn.lock").exists() => std::fs::write(at.join("yarn.lock"), "")?,
            "pnpm" => std::fs::write(at.join("pnpm-workspace.yaml"), "minimumReleaseAge: 0\nfetchRetries: 0\n")?,
            _ => {}
        }
        let run = Run::in_home(program, self.home.path()).current_dir(at).args(arguments);
        // Run by root, yarn 1 keeps its cache and settings outside of the home folder, unless root is only played.
        let run = run.env("FAKEROOTKEY", "1").env("YARN_CACHE_FOLDER", self.home.path().join("yarn-cache"));
        Ok(Some(run.env("CI", "").env("PNPM_HOME", self.home.path())))
    }
}

/// Publishes a package with npm; nothing without npm.
pub(crate) async fn publish(bench: &Bench, name: &str, version: &str, more: &Value) -> Result<Option<()>> {
    let folder = bench.place.path().join(format!("{}-{version}", name.replace('/', "-")));
    package(&folder, name, version, more)?;
    let Some(run) = bench.run(&NPM, &folder, &["publish"])? else { return Ok(None) };
    let ran = run.succeed().await?;
    assert!(ran.says(&format!("+ {name}@{version}")), "{ran}");
    Ok(Some(()))
}

pub(crate) fn installed(project: &Path, name: &str) -> String {
    std::fs::read_to_string(project.join("node_modules").join(name).join("index.js")).unwrap_or_default()
}

#[tokio::test]
async fn npm_publishes_and_every_client_installs() -> Result<()> {
    let server = server().await?;
    let bench = Bench::new(&server, Some(server.token()))?;
    for version in ["1.0.0", "1.2.0", "2.0.0"] {
        if publish(&bench, "@tiny/library", version, &json!({})).await?.is_none() {
            return Ok(());
        }
    }
    let needs = json!({ "dependencies": { "@tiny/library": "^1.0.0" } });
    publish(&bench, "tiny-program", "0.1.0", &needs).await?;
    settled(&server).await?;
    saw("npm", "npm", Case::Push);
    for client in CLIENTS {
        let bench = Bench::new(&server, Some(server.token()))?;
        let project = bench.project("user", &json!({ "tiny-program": "*", "@tiny/library": "^1.0.0" }))?;
        let Some(run) = bench.run(&client, &project, client.install)? else { continue };
        let ran = run.succeed().await?;
        assert_eq!(installed(&project, "@tiny/library"), "module.exports = \"1.2.0\";\n", "{ran}");
        assert!(!installed(&project, "tiny-program").is_empty(), "{ran}");
        std::fs::remove_dir_all(project.join("node_modules"))?;
        let ran = bench.run(&client, &project, client.locked)?.expect("it ran before").succeed().await?;
        assert_eq!(installed(&project, "@tiny/library"), "module.exports = \"1.2.0\";\n", "{ran}");
        saw("npm", client.name, Case::Pull);
    }
    Ok(())
}

#[tokio::test]
async fn the_other_clients_publish_too() -> Result<()> {
    let server = server().await?;
    for client in CLIENTS.into_iter().skip(1) {
        let bench = Bench::new(&server, Some(server.token()))?;
        let name = format!("tiny-{}", client.program);
        let folder = bench.place.path().join(&name);
        package(&folder, &name, "1.0.0", &json!({ "description": "made by another" }))?;
        let Some(run) = bench.run(&client, &folder, client.install)? else { continue };
        run.succeed().await?;
        bench.run(&client, &folder, client.publish)?.expect("it ran before").succeed().await?;
        let shown = server.http().get(&format!("/npm/main/{name}")).await?.expect_status(200)?.json()?;
        assert_eq!(shown["dist-tags"]["latest"], "1.0.0", "{shown}");
        assert_eq!(shown["description"], "made by another");
        saw("npm", client.name, Case::Push);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_published_is_tagged_deprecated_found_and_taken_back() -> Result<()> {
    let server = server().await?;
    let bench = Bench::new(&server, Some(server.token()))?;
    for version in ["1.0.0", "1.1.0"] {
        if publish(&bench, "@tiny/edited", version, &json!({ "description": "to be edited" })).await?.is_none() {
            return Ok(());
        }
    }
    let npm = async |arguments: &[&str]| {
        bench.run(&NPM, bench.place.path(), arguments)?.expect("npm is there").succeed().await
    };
    npm(&["dist-tag", "add", "@tiny/edited@1.0.0", "stable"]).await?;
    let ran = npm(&["dist-tag", "ls", "@tiny/edited"]).await?;
    assert_eq!(ran.stdout, "latest: 1.1.0\nstable: 1.0.0\n");
    npm(&["dist-tag", "rm", "@tiny/edited", "stable"]).await?;
    npm(&["deprecate", "@tiny/edited@1.0.0", "use 1.1"]).await?;
    let ran = npm(&["view", "@tiny/edited@1.0.0", "deprecated"]).await?;
    assert_eq!(ran.stdout, "use 1.1\n");
    let ran = npm(&["view", "@tiny/edited", "time", "versions", "--json"]).await?;
    let shown: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(shown["versions"], json!(["1.0.0", "1.1.0"]));
    assert!(shown["time"]["1.1.0"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{ran}");
    let ran = npm(&["search", "--json", "edited"]).await?;
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout)?[0]["name"], "@tiny/edited");
    saw("npm", "npm", Case::Search);
    assert_eq!(npm(&["whoami"]).await?.stdout, "admin\n");
    npm(&["ping"]).await?;
    assert!(npm(&["profile", "get"]).await?.says("admin"));

    let folder = bench.place.path().join("@tiny-edited-1.1.0");
    let ran = bench.run(&NPM, &folder, &["publish"])?.expect("npm is there").fail().await?;
    assert!(ran.says("cannot publish over the previously published versions"), "{ran}");
    for (arguments, words) in [
        (&["token", "list"][..], "assay token"),
        (&["owner", "add", "me", "@tiny/edited"], "there are no users here"),
        (&["access", "get", "status", "@tiny/edited"], "permissions"),
    ] {
        let ran = bench.run(&NPM, bench.place.path(), arguments)?.expect("npm is there").fail().await?;
        assert!(ran.says(words), "{ran}");
    }

    npm(&["unpublish", "@tiny/edited@1.1.0"]).await?;
    let ran = npm(&["view", "@tiny/edited", "version"]).await?;
    assert_eq!(ran.stdout, "1.0.0\n");
    npm(&["unpublish", "--force", "@tiny/edited"]).await?;
    server.http().get("/npm/main/@tiny%2fedited").await?.expect_status(404)?;
    saw("npm", "npm", Case::TakeBack);
    Ok(())
}

#[tokio::test]
async fn publishing_and_installing_take_a_token_that_may() -> Result<()> {
    let server = server().await?;
    let bench = Bench::new(&server, Some(server.token()))?;
    if publish(&bench, "tiny-guarded", "1.0.0", &json!({})).await?.is_none() {
        return Ok(());
    }
    let reader = token(&server, "read", &["main"]).await?;
    let folder = bench.place.path().join("tiny-more");
    package(&folder, "tiny-more", "1.0.0", &json!({}))?;
    let reading = Bench::new(&server, Some(&reader))?;
    let ran = reading.run(&NPM, &folder, &["publish"])?.expect("npm is there").fail().await?;
    assert!(ran.says("E403") && ran.says("lacks `write` on main"), "{ran}");
    let ran =
        reading.run(&NPM, &folder, &["unpublish", "--force", "tiny-guarded"])?.expect("npm is there").fail().await?;
    assert!(ran.says("E403"), "{ran}");
    for client in CLIENTS {
        let stranger = Bench::new(&server, Some("assay_000000000000_wrong"))?;
        let project = stranger.project("user", &json!({ "tiny-guarded": "1.0.0" }))?;
        let Some(run) = stranger.run(&client, &project, client.install)? else { continue };
        let ran = run.fail().await?;
        let words = ["401", "Unauthorized", "the token is wrong", "Invalid authentication"];
        assert!(words.iter().any(|word| ran.says(word)), "{ran}");
        saw("npm", client.name, Case::NoPermission);
    }
    server.http().get("/npm/main/tiny-more").await?.expect_status(404)?;
    Ok(())
}

/// Types a user name and a password where the client asks for them, on a terminal of its own.
const TYPIST: &str = r#"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
said, answers = b"", [(b"sername", sys.argv[1]), (b"assword", sys.argv[2])]
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    said += more
    if answers and answers[0][0] in said:
        os.write(terminal, answers.pop(0)[1].encode() + b"\r")
        said = b""
    sys.stdout.write(more.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[tokio::test]
async fn npm_logs_in_with_a_token_as_password() -> Result<()> {
    let server = server().await?;
    let (Some(npm), Some(python)) = (tool("npm"), tool("python3")) else { return Ok(()) };
    let writer = token(&server, "write", &["main"]).await?;
    let bench = Bench::new(&server, None)?;
    let login = |password: &str| -> Result<Run> {
        let run = Run::in_home(&python, bench.home.path()).current_dir(bench.place.path());
        Ok(run.args(["-c", TYPIST, "me", password]).arg(&npm).args(["login", "--auth-type=legacy"]))
    };
    let ran = login("not-a-token")?.fail().await?;
    assert!(ran.says("401"), "{ran}");
    login(&writer)?.succeed().await?;
    let ran = bench.run(&NPM, bench.place.path(), &["whoami"])?.expect("npm is there").succeed().await?;
    assert_eq!(ran.stdout, "write-only\n");
    publish(&bench, "tiny-logged-in", "1.0.0", &json!({})).await?;
    bench.run(&NPM, bench.place.path(), &["logout"])?.expect("npm is there").succeed().await?;
    bench.run(&NPM, bench.place.path(), &["whoami"])?.expect("npm is there").fail().await?;
    // The token itself is still good: others may use it.
    server.http().with_token(Some(&writer)).get("/npm/main/-/whoami").await?.expect_status(200)?;
    Ok(())
}
