//! The harness itself: a stand-in that announces a port and answers `/healthz` is started, killed, restarted, stopped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::os::unix::fs::PermissionsExt;

use assay_testkit::{ServerOptions, tools};

const STAND_IN: &str = r#"
import http.server, os, sys
data, listen = sys.argv[sys.argv.index("--data") + 1], sys.argv[sys.argv.index("--listen") + 1]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.headers.get("Authorization", "").encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
server = http.server.HTTPServer(("127.0.0.1", int(listen.split(":")[1])), Answer)
os.makedirs(data, exist_ok=True)
open(os.path.join(data, "listen"), "w").write("127.0.0.1:%d" % server.server_port)
print("started", flush=True)
server.serve_forever()
"#;

#[tokio::test]
async fn a_server_is_started_killed_restarted_and_stopped() {
    let Some(python) = tools::find("python3") else {
        assay_testkit::skipped("python3 is not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("stand-in");
    std::fs::write(&program, format!("#!{}\n{STAND_IN}", python.display())).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();

    let mut server = ServerOptions::new(&program).start().await.unwrap();
    let url = server.url();
    let reply = server.http().get("/x").await.unwrap().expect_status(200).unwrap();
    assert_eq!(reply.text(), format!("Bearer {}", server.token()));

    server.kill().unwrap();
    assert!(server.http().get("/x").await.is_err());
    server.restart().await.unwrap();
    assert_eq!(server.url(), url, "clients keep their address over a restart");
    assert_eq!(server.log().matches("started").count(), 2);

    assert!(!server.stop().await.unwrap().success(), "Python dies by the signal");
    assert!(server.pid().is_none());
}

#[tokio::test]
async fn a_server_that_ends_at_once_says_what_it_printed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("broken");
    std::fs::write(&program, "#!/bin/sh\necho this is why >&2\nexit 7\n").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let error = ServerOptions::new(&program).start().await.unwrap_err();
    assert!(error.to_string().contains("this is why"), "{error}");
}
