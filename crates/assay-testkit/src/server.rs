//! A real Assay server process in a temporary data directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::client::Http;
use crate::process::Run;

/// How long a server may take to answer, on a machine that also compiles.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    data: Option<PathBuf>,
    token: String,
}

/// A running server. Dropping it ends the process and removes its data.
#[derive(Debug)]
pub struct TestServer {
    options: ServerOptions,
    child: Option<Child>,
    port: u16,
    /// Holds the data directory (unless the options name one) and the server's output.
    folder: TempDir,
    http: Http,
}

impl ServerOptions {
    /// The server program: `env!("CARGO_BIN_EXE_assay")` in a test of `crates/assay`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            data: None,
            token: "assay-test-admin-token-0123456789".to_owned(),
        }
    }

    /// The server program that `ASSAY_BIN` names, for tests outside of `crates/assay`; `None` and a line that says so
    /// when there is none.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let program = std::env::var_os("ASSAY_BIN").map(PathBuf::from).filter(|path| path.is_file());
        if program.is_none() {
            crate::skipped("ASSAY_BIN names no server program");
        }
        program.map(Self::new)
    }

    /// One more argument after `serve --data DIR --listen ADDRESS`.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// One variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A data directory that outlives the server, instead of a temporary one.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_path_buf());
        self
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it does not; the error carries the end of its output.
    pub async fn start(self) -> Result<TestServer> {
        let folder = tempfile::Builder::new().prefix("assay-test-").tempdir()?;
        let http = Http::new("http://127.0.0.1:0", None)?;
        let mut server = TestServer { options: self, child: None, port: 0, folder, http };
        server.launch().await?;
        Ok(server)
    }
}

impl TestServer {
    /// Starts a server with nothing special about it. `program` is `env!("CARGO_BIN_EXE_assay")`.
    ///
    /// # Errors
    /// As [`ServerOptions::start`].
    pub async fn start(program: &str) -> Result<Self> {
        ServerOptions::new(program).start().await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// `127.0.0.1:PORT`, as docker-style references want it.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The administrator's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.options.token
    }

    /// `http://USER:TOKEN@127.0.0.1:PORT`, for clients that take credentials in an address.
    #[must_use]
    pub fn url_with_credentials(&self, user: &str) -> String {
        format!("http://{user}:{}@{}", self.token(), self.authority())
    }

    /// Requests as the administrator.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.options.data.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// A folder that goes away with the server, for what a test puts beside it.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// All that the server has printed, over restarts.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// The process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The command line as a client of this server and, for commands that need none, on its data directory.
    ///
    /// # Errors
    /// When no home folder can be made.
    pub fn cli<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Run> {
        let run = Run::new(&self.options.program)?.args(arguments);
        Ok(run.env("ASSAY_URL", self.url()).env("ASSAY_TOKEN", self.token()).env("ASSAY_DATA", self.data()))
    }

    /// `kill -9`: no chance to tidy up.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            // An error means that it has ended already.
            let _ = child.kill();
            child.wait()?;
        }
        Ok(())
    }

    /// Asks the server to end (SIGTERM) and waits; the answer is its exit status.
    ///
    /// # Errors
    /// When it has not ended after [`PATIENCE`]; it is then killed.
    pub async fn stop(&mut self) -> Result<std::process::ExitStatus> {
        let mut child = self.child.take().context("the server is not running")?;
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &child.id().to_string()]).status()?;
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                bail!("the server did not end when asked to\n{}", self.tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it again on the same data and the same port, killing it first if it still runs.
    ///
    /// # Errors
    /// As [`ServerOptions::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.launch().await
    }

    async fn launch(&mut self) -> Result<()> {
        let data = self.data();
        let announced = data.join("listen");
        // Left behind by a killed server, it would name a port that is no longer served.
        match std::fs::remove_file(&announced) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let printed = self.log().len();
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new(&self.options.program);
        command.arg("serve").arg("--data").arg(&data).args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.args(&self.options.arguments).env("ASSAY_ADMIN_TOKEN", &self.options.token);
        for name in ["ASSAY_DATA", "ASSAY_LISTEN", "ASSAY_CONFIG", "ASSAY_URL", "ASSAY_TOKEN"] {
            command.env_remove(name);
        }
        for (name, value) in &self.options.environment {
            command.env(name, value);
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        let program = self.options.program.display();
        self.child = Some(command.spawn().with_context(|| format!("cannot start {program}"))?);
        self.wait_until_ready(&announced, printed).await
    }

    async fn wait_until_ready(&mut self, announced: &Path, printed: usize) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                self.child = None;
                bail!("the server ended at once: {}\n{}", status?, self.tail());
            }
            let text = std::fs::read_to_string(announced).unwrap_or_default();
            let port = port_in_file(&text).or_else(|| port_in_log(self.log().get(printed..).unwrap_or_default()));
            if let Some(port) = port {
                let http = Http::new(&format!("http://127.0.0.1:{port}"), Some(&self.options.token))?;
                if http.get("/healthz").await.is_ok_and(|reply| reply.status.is_success()) {
                    self.port = port;
                    self.http = http;
                    return Ok(());
                }
            }
            if start.elapsed() > PATIENCE {
                bail!("the server did not answer within {} s\n{}", PATIENCE.as_secs(), self.tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server's output ends with\n{}", self.tail());
        }
        // Nothing is left to do about an error here.
        let _ = self.kill();
    }
}

/// The file holds `127.0.0.1:PORT`. Seen half written it names a wrong port, which then does not answer.
fn port_in_file(text: &str) -> Option<u16> {
    text.trim().rsplit_once(':')?.1.parse().ok().filter(|port| *port != 0)
}

fn port_in_log(text: &str) -> Option<u16> {
    let line = text.lines().find(|line| line.to_ascii_lowercase().contains("listening on http://"))?;
    let address = &line[line.find("http://")? + 7..];
    let address = address.split(|c: char| c == '/' || c.is_whitespace()).next()?;
    port_in_file(address)
}

#[cfg(test)]
mod tests {
    use super::{port_in_file, port_in_log};

    #[test]
    fn the_port_is_read_where_it_is_announced() {
        assert_eq!(port_in_file("127.0.0.1:4873\n"), Some(4873));
        assert_eq!(port_in_file(""), None);
        assert_eq!(port_in_file("127.0.0.1:0"), None);
        assert_eq!(port_in_log("x\nAssay is listening on http://127.0.0.1:4873/ui/ now\n"), Some(4873));
    }
}
