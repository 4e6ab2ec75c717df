//! Mail over TLS and STARTTLS to a server whose certificate is from an authority of one's own: a small mail server of
//! Python's standard library, with a certificate made for the test.

use crate::{
    actions::{becomes, save},
    notify::{channel, quarantine, quick},
    support::{PATIENCE, publish},
};
use anyhow::{Context, Result, bail};
use assay_testkit::{Run, TestServer, make::wheel::Wheel, tool};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Speaks so much of SMTP as a client needs; writes each mail to a file of the folder it is given.
const SERVER: &str = r#"
import base64, itertools, pathlib, socketserver, ssl, sys
mode, folder = sys.argv[1], pathlib.Path(sys.argv[2])
numbers = itertools.count(1)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder / "server.pem", folder / "server.key")

class Mail(socketserver.BaseRequestHandler):
    def handle(self):
        sock, safe = self.request, mode == "tls"
        try:
            if safe:
                sock = tls.wrap_socket(sock, server_side=True)
            lines = sock.makefile("rb")
            say = lambda text: sock.sendall(text.encode() + b"\r\n")
            say("220 here")
            login = ""
            while line := lines.readline():
                word = line.decode().strip()
                upper = word.upper()
                if upper.startswith("EHLO"):
                    say("250-here")
                    say("250 AUTH PLAIN" if safe else "250 STARTTLS")
                elif upper == "STARTTLS":
                    say("220 go on")
                    sock = tls.wrap_socket(sock, server_side=True)
                    lines, safe = sock.makefile("rb"), True
                elif upper.startswith("AUTH PLAIN"):
                    login = base64.b64decode(word.split()[2]).decode().replace("\0", " ").strip()
                    say("235 welcome")
                elif upper == "DATA":
                    say("354 go on")
                    text = b""
                    while (part := lines.readline()) != b".\r\n":
                        text += part
                    head = f"safe={safe} login={login}\n".encode()
                    name = folder / f"mail-{next(numbers)}"
                    name.with_suffix(".part").write_bytes(head + text)
                    name.with_suffix(".part").rename(name.with_suffix(".txt"))
                    say("250 taken")
                elif upper == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 ok")
        except (ssl.SSLError, ConnectionError):
            return

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

with Server(("127.0.0.1", 0), Mail) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"#;

struct MailServer {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl MailServer {
    async fn start(folder: &Path, mode: &str) -> Result<Option<Self>> {
        let (Some(python), Some(openssl)) = (tool("python3"), tool("openssl")) else { return Ok(None) };
        std::fs::create_dir_all(folder)?;
        certificates(&openssl, folder).await?;
        let mut command = Command::new(python);
        command.args(["-c", SERVER, mode]).arg(folder).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut process = command.spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output")?).read_line(&mut line)?;
        let port = line.trim().parse().context("no port was told")?;
        Ok(Some(Self { process, port, folder: folder.to_owned() }))
    }

    /// Waits for so many mails.
    async fn mails(&self, n: usize) -> Result<Vec<String>> {
        let start = Instant::now();
        loop {
            let mut found: Vec<PathBuf> = std::fs::read_dir(&self.folder)?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|end| end == "txt"))
                .collect();
            found.sort();
            if found.len() >= n {
                return Ok(found.iter().map(std::fs::read_to_string).collect::<std::io::Result<_>>()?);
            }
            if start.elapsed() > PATIENCE {
                bail!("{} of {n} mails came", found.len());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // Nothing is left to do about an error here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An authority of one's own, and a certificate from it for this machine.
async fn certificates(openssl: &Path, folder: &Path) -> Result<()> {
    let steps = [
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Our-authority -keyout ca.key -out ca.pem \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign",
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile names",
    ];
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")?;
    for step in steps {
        Run::new(openssl)?.args(step.split_whitespace()).current_dir(folder).succeed().await?;
    }
    Ok(())
}

async fn tells(server: &TestServer, mode: &str, scheme: &str) -> Result<()> {
    let folder = server.scratch().join(mode);
    let Some(mail) = MailServer::start(&folder, mode).await? else { return Ok(()) };
    let settings = json!({"address": format!("{scheme}://localhost:{}", mail.port), "allow_private": true,
        "from": "assay@example.org", "to": ["team@example.org", "boss@example.org"],
        "filter": {"events": ["decision.quarantined"]}});
    let login = json!({"username": "assay", "password": "pass word"});
    channel(server, mode, "email", settings, login).await?;
    let strange = server.cli(["channel", "test", mode])?.fail().await?;
    assert!(strange.says("failed:"), "a certificate that nobody here knows: {strange}");
    let ca = folder.join("ca.pem");
    server.cli(["channel", "edit", mode, "--ca-file"])?.arg(&ca).succeed().await?;
    server.cli(["channel", "test", mode])?.succeed().await?;
    let got = mail.mails(1).await?.remove(0);
    assert!(got.starts_with("safe=True login=assay pass word"), "{got}");
    assert!(got.contains("To: team@example.org, boss@example.org"), "{got}");

    let name = format!("thing-{mode}");
    publish(server, &Wheel::new(&name, "1.0").build()?).await?;
    becomes(server, &format!("main/pypi/{name}@1.0"), "available").await?;
    save(server, "gate", 10, &name, quarantine()).await?;
    let all = mail.mails(2).await?;
    let told = all.iter().find(|text| text.contains(&format!("main/pypi/{name}@1.0"))).context("the decision")?;
    for part in ["quarantined", "why: gate says so", "to do: use another version", "Nobody pulled it"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let wrong = server.cli(["channel", "edit", mode, "--ca-file"])?.arg(folder.join("server.key")).fail().await?;
    assert!(wrong.says("ca_certificates"), "{wrong}");
    Ok(())
}

#[tokio::test]
async fn mail_goes_over_tls_to_a_server_of_an_authority_of_ones_own() -> Result<()> {
    tells(&quick().await?, "tls", "smtps").await
}

#[tokio::test]
async fn mail_goes_over_starttls_to_a_server_of_an_authority_of_ones_own() -> Result<()> {
    tells(&quick().await?, "starttls", "smtp").await
}
