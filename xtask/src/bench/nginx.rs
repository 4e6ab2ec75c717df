//! nginx serving given bytes from files: the yardstick of what the machine can do.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::load;
use crate::command::Running;
use crate::{http, install};

/// A running nginx and its folder of files.
#[derive(Debug)]
pub struct Nginx {
    pub port: u16,
    _program: Running,
    folder: TempDir,
}

impl Nginx {
    /// # Errors
    /// When nginx is not installed or does not start.
    pub fn start() -> Result<Self> {
        let program = install::find("nginx").context("nginx is not installed")?;
        let folder = tempfile::Builder::new().prefix("assay-nginx-").tempdir()?;
        std::fs::create_dir(folder.path().join("www"))?;
        let port = http::free_port()?;
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, configuration(folder.path(), port))?;
        let mut command: Command = load::pinned(&program, Some(0));
        command.arg("-c").arg(&config).arg("-p").arg(folder.path()).args(["-e", "stderr"]);
        let mut running = Running::start("nginx", &command, None, &folder.path().join("log"))?;
        running.wait_until(Duration::from_secs(10), || http::request(port, "GET", "/", &[], b"").is_ok())?;
        Ok(Self { port, _program: running, folder })
    }

    /// Serves `bytes` under `path`; a path that ends in `/` is served as its index.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.folder.path().join("www").join(path.trim_start_matches('/'));
        if path.ends_with('/') {
            file.push("index.html");
        }
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// One worker in the foreground, everything in the temporary folder, tuned for small static files.
fn configuration(folder: &Path, port: u16) -> String {
    let root = folder.display();
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {root}/pid;\nerror_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 100000000;\n  \
         open_file_cache max=100 inactive=1h;\n  default_type application/octet-stream;\n  \
         client_body_temp_path {root}/t1;\n  proxy_temp_path {root}/t2;\n  fastcgi_temp_path {root}/t3;\n  \
         uwsgi_temp_path {root}/t4;\n  scgi_temp_path {root}/t5;\n  \
         client_max_body_size 0;\n  \
         server {{ listen 127.0.0.1:{port}; root {root}/www;\n    \
         location /put/ {{ dav_methods PUT; create_full_put_path on; }} }}\n}}\n"
    )
}
