//! Debian's `docker-registry`, the registry that most others are measured by.

use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::load;
use crate::command::Running;
use crate::{http, install};

/// A running registry on an empty folder.
#[derive(Debug)]
pub struct DockerRegistry {
    pub port: u16,
    _program: Running,
    _folder: TempDir,
}

impl DockerRegistry {
    /// # Errors
    /// When it is not installed or does not start.
    pub fn start() -> Result<Self> {
        let program = install::find("docker-registry").context("docker-registry is not installed")?;
        let folder = tempfile::Builder::new().prefix("assay-registry-").tempdir()?;
        let port = http::free_port()?;
        let config = folder.path().join("config.yml");
        let root = folder.path().display();
        // no log of accesses, and what it knows of blobs in memory: as fast as it goes without another service
        let text = format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  cache:\n    blobdescriptor: \
             inmemory\n  filesystem:\n    rootdirectory: {root}/data\n  delete:\n    enabled: true\nhttp:\n  addr: \
             127.0.0.1:{port}\n"
        );
        std::fs::write(&config, text)?;
        let mut command = load::pinned(&program, Some(0));
        command.arg("serve").arg(&config);
        let mut running = Running::start("docker-registry", &command, None, &folder.path().join("log"))?;
        running.wait_until(Duration::from_secs(10), || http::request(port, "GET", "/v2/", &[], b"").is_ok())?;
        Ok(Self { port, _program: running, _folder: folder })
    }
}
