//! TLS in front of a server: `go` sends credentials over nothing else.

use super::Gopher;
use anyhow::{Context, Result};
use assay_testkit::{TestServer, tool};
use std::path::{Path, PathBuf};

/// nginx with a certificate in front of the server.
pub struct Front {
    pub port: u16,
    pub certificate: PathBuf,
    process: std::process::Child,
}

impl Front {
    pub async fn start(server: &TestServer, gopher: &Gopher) -> Result<Option<Self>> {
        let Some(nginx) = tool("nginx") else { return Ok(None) };
        let folder = server.scratch().join("front");
        std::fs::create_dir_all(&folder)?;
        // Go's own sources have a maker of certificates.
        let root = gopher.go(&["env", "GOROOT"]).succeed().await?;
        let maker = Path::new(root.stdout.trim()).join("src/crypto/tls/generate_cert.go");
        let maker = maker.to_str().context("no text")?.to_owned();
        gopher.go(&["run", &maker, "--host", "127.0.0.1", "--ca"]).current_dir(&folder).succeed().await?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (root, to) = (folder.display(), server.authority());
        let text = format!(
            "daemon off;\nmaster_process off;\nworker_processes 1;\npid {root}/pid;\nerror_log stderr error;\n\
             events {{ worker_connections 64; }}\nhttp {{\n  access_log off;\n  client_body_temp_path {root}/t1;\n  \
             proxy_temp_path {root}/t2;\n  fastcgi_temp_path {root}/t3;\n  uwsgi_temp_path {root}/t4;\n  \
             scgi_temp_path {root}/t5;\n  server {{\n    listen 127.0.0.1:{port} ssl;\n    \
             ssl_certificate {root}/cert.pem;\n    ssl_certificate_key {root}/key.pem;\n    \
             location / {{ proxy_pass http://{to}; proxy_set_header Host $http_host; }}\n  }}\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), text)?;
        let mut command = std::process::Command::new(nginx);
        command.arg("-c").arg(folder.join("nginx.conf")).arg("-p").arg(&folder).args(["-e", "stderr"]);
        let process = command.stdin(std::process::Stdio::null()).spawn()?;
        let front = Self { port, certificate: folder.join("cert.pem"), process };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Some(front));
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::bail!("nginx does not answer")
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // Nothing is left to do about an error here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
