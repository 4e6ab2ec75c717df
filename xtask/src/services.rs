//! The services that some tests want beside Assay: a PostgreSQL cluster and an S3-speaking server.
//!
//! Both live in a temporary folder, listen on a free loopback port, and end with the value that holds them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::command::{Running, as_user, quiet};
use crate::{http, install, repo};

/// The bucket that exists when the S3 server is ready. Names need three characters.
const BUCKET: &str = "assay-test";

/// A running service and the address that tests are given.
#[derive(Debug)]
pub struct Service {
    pub url: String,
    // Declared before the folder, so that the program has ended when its folder goes away.
    _program: Running,
    _folder: TempDir,
}

/// Starts an empty PostgreSQL cluster: no password, no fsync, one database `assay`.
///
/// # Errors
/// When PostgreSQL is not installed, or does not start.
pub fn postgres() -> Result<Service> {
    let programs = install::postgres_folder()
        .or_else(|| repo::program("initdb").and_then(|path| path.parent().map(Path::to_path_buf)))
        .context("PostgreSQL's server is not installed")?;
    let folder = tempfile::Builder::new().prefix("assay-postgres-").tempdir()?;
    let data = folder.path().join("data");
    // The server refuses to run as root; Debian's package brings the user `postgres`.
    let user = is_root()?.then_some("postgres");
    std::fs::create_dir(&data)?;
    if let Some(user) = user {
        quiet(Command::new("chown").args(["-R", &format!("{user}:")]).arg(folder.path()))?;
    }
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.args(["-U", "assay", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"]).arg(&data);
    initdb.current_dir(folder.path());
    quiet(&mut as_user(&initdb, user, false))?;
    let port = http::free_port()?;
    let program = start_postgres(&programs, folder.path(), port, user)?;
    let mut service =
        Service { url: format!("postgres://assay@127.0.0.1:{port}/assay"), _program: program, _folder: folder };
    let ready = || {
        let mut check = Command::new(programs.join("pg_isready"));
        check.args(["-q", "-h", "127.0.0.1", "-U", "assay", "-p", &port.to_string()]);
        quiet(&mut check).is_ok()
    };
    service._program.wait_until(Duration::from_secs(60), ready)?;
    let mut create = Command::new(programs.join("createdb"));
    quiet(create.args(["-h", "127.0.0.1", "-U", "assay", "-p", &port.to_string(), "assay"]))?;
    Ok(service)
}

fn start_postgres(programs: &Path, folder: &Path, port: u16, user: Option<&str>) -> Result<Running> {
    let mut server = Command::new(programs.join("postgres"));
    server.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string(), "-k"]).arg(folder);
    let settings = ["listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "max_connections=200"];
    for setting in settings {
        server.args(["-c", setting]);
    }
    server.current_dir(folder);
    // The log is opened by this program, so its owner does not matter.
    Running::start("postgres", &server, user, &folder.join("log"))
}

/// Starts an S3-speaking server with one bucket; the address is `http://HOST:PORT/BUCKET`. Any key is accepted.
///
/// # Errors
/// When it is not installed, or does not start.
pub fn s3() -> Result<Service> {
    let server = program("moto_server")?;
    let folder = tempfile::Builder::new().prefix("assay-s3-").tempdir()?;
    let port = http::free_port()?;
    let mut command = Command::new(server);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(folder.path());
    let mut running = Running::start("moto_server", &command, None, &folder.path().join("log"))?;
    let answers = || http::request(port, "GET", "/", &[], b"").is_ok();
    running.wait_until(Duration::from_secs(240), answers)?;
    let made = http::request(port, "PUT", &format!("/{BUCKET}"), &[], b"")?;
    if made.status != 200 {
        bail!("creating the bucket gave {}: {}", made.status, String::from_utf8_lossy(&made.body));
    }
    Ok(Service { url: format!("http://127.0.0.1:{port}/{BUCKET}"), _program: running, _folder: folder })
}

fn program(name: &str) -> Result<PathBuf> {
    install::find(name).with_context(|| format!("{name} is not installed"))
}

fn is_root() -> Result<bool> {
    Ok(quiet(Command::new("id").arg("-u"))?.stdout.trim_ascii() == b"0")
}
