//! Where the real clients are, and the real artifacts they fetch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::Run;
use crate::skip::{fast, repository, skipped};

/// A client by the name of its program (`pip`, `uv`, `twine`, `skopeo`, `chromium`, ...), or `None` and a line that says
/// so. Private tools come before those on the path. With `--fast`, no client is there.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    if fast() {
        skipped(&format!("{name} is not run with --fast"));
        return None;
    }
    let found = find(name);
    if found.is_none() {
        skipped(&format!("{name} is not installed: `cargo xtask install`"));
    }
    found
}

/// As [`tool`], without a word when it is missing.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let mut folders = vec![tools_folder().join("venv/bin"), tools_folder().join("bin")];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.extend(["/usr/sbin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The git-ignored folder of installed tools and downloaded artifacts (`ASSAY_TOOLS`).
#[must_use]
pub fn tools_folder() -> PathBuf {
    std::env::var_os("ASSAY_TOOLS").map_or_else(|| repository().join(".assay-tools"), PathBuf::from)
}

/// An empty virtual environment with its own pip, in `folder`; the answer is its Python, or `None` and a line that says
/// so.
///
/// # Errors
/// When the environment cannot be made although Python is there.
pub async fn python_environment(folder: &Path) -> Result<Option<PathBuf>> {
    let Some(python) = tool("python3") else { return Ok(None) };
    Run::new(&python)?.args(["-m", "venv"]).arg(folder).succeed().await?;
    Ok(Some(folder.join("bin/python")))
}

/// The wheel of `requests` 2.6.0, whose vulnerabilities are well known.
///
/// # Errors
/// As [`wheel_of`].
pub async fn requests_wheel() -> Result<Option<PathBuf>> {
    wheel_of("requests", "2.6.0", "requests-2.6.0-py2.py3-none-any.whl").await
}

/// A real wheel by name and version, downloaded once from whatever index this machine's pip is configured with, or
/// `None` and a line that says so when there is no network.
///
/// # Errors
/// When the folder of artifacts cannot be written.
pub async fn wheel_of(name: &str, version: &str, file: &str) -> Result<Option<PathBuf>> {
    let folder = tools_folder().join("artifacts");
    let path = folder.join(file);
    if path.is_file() {
        return Ok(Some(path));
    }
    let Some(pip) = tool("pip") else { return Ok(None) };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Several tests may download at once: each into its own folder, and the last rename wins.
    let place = tempfile::Builder::new().prefix("download-").tempdir_in(&folder)?;
    let mut run = Run::new(&pip)?.args(["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]);
    run = run.arg(place.path()).arg(format!("{name}=={version}")).limit(Duration::from_secs(180));
    for (variable, value) in user_configuration() {
        run = run.env(&variable, value);
    }
    let ran = run.run().await?;
    let downloaded = place.path().join(file);
    if !ran.status.success() || !downloaded.is_file() {
        skipped(&format!("{name} {version} could not be downloaded: {}", ran.output().trim()));
        return Ok(None);
    }
    std::fs::rename(downloaded, &path)?;
    Ok(Some(path))
}

/// What pip needs to reach this machine's index: its settings and proxies, and the home where its file is.
fn user_configuration() -> Vec<(String, String)> {
    let wanted = |name: &str| {
        let name = name.to_ascii_uppercase();
        let pip = name.starts_with("PIP_") && name != "PIP_CONFIG_FILE";
        pip || name == "HOME"
            || name.ends_with("_PROXY")
            || name.starts_with("SSL_CERT")
            || name == "REQUESTS_CA_BUNDLE"
    };
    let mut variables: Vec<(String, String)> = std::env::vars().filter(|(name, _)| wanted(name)).collect();
    // An empty name makes pip read its usual files again.
    variables.push(("PIP_CONFIG_FILE".to_owned(), std::env::var("PIP_CONFIG_FILE").unwrap_or_default()));
    variables
}
