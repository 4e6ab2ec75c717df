//! Fetching: whole at first, then only what changed. The feeds come from a small HTTP server in the test, which keeps
//! what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use assay_testkit::make::feeds::{CRITICAL, epss_csv_gz, kev_json, osv_record, osv_zip};
use assay_testkit::make::sha256;
use assay_testkit::{Run, ServerOptions, TestServer};
use serde_json::{Value, json};

use super::{Report, SEVERE, head, publish, pull, quarantine, states, status};
use crate::support::{ASSAY, PATIENCE, server, settled};

/// An export of feeds as they are published.
#[derive(Clone)]
struct Export {
    address: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Export {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let export = Self { address, files: Arc::default(), asked: Arc::default() };
        let answering = export.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is not this server's trouble.
                let _ = answering.answer(stream);
            }
        });
        export
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut known = String::new();
        for line in lines {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some((_, value)) = line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case("if-none-match")) {
                value.trim().clone_into(&mut known);
            }
        }
        let file = self.files.lock().unwrap().get(&path).cloned();
        let etag = file.as_ref().map(|bytes| format!("\"{}\"", &sha256(bytes)[..16])).unwrap_or_default();
        let (code, body) = match file {
            None => ("404 Not Found", Vec::new()),
            Some(_) if known == etag => ("304 Not Modified", Vec::new()),
            Some(bytes) => ("200 OK", bytes),
        };
        self.asked.lock().unwrap().push(format!("{path} {}", &code[..3]));
        let length =
            if code.starts_with("304") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        write!(stream, "HTTP/1.1 {code}\r\nETag: {etag}\r\n{length}Connection: close\r\n\r\n")?;
        stream.write_all(&body)
    }

    fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes.into());
    }

    /// What was asked since the last time, sorted, as `PATH STATUS`.
    fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked
    }

    /// Publishes the records of an ecosystem: the zip, the list of changes (newest first) and each record.
    fn publish(&self, ecosystem: &str, records: &[Value]) {
        let mut sorted = records.to_vec();
        sorted.sort_by_key(|record| std::cmp::Reverse(record["modified"].as_str().unwrap().to_owned()));
        let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
        let list: String = sorted.iter().map(|r| format!("{},{}\n", text(r, "modified"), text(r, "id"))).collect();
        self.put(&format!("/osv/{ecosystem}/modified_id.csv"), list);
        self.put(&format!("/osv/{ecosystem}/all.zip"), osv_zip(records).unwrap());
        for record in records {
            self.put(&format!("/osv/{ecosystem}/{}.json", text(record, "id")), record.to_string());
        }
    }

    fn variables(&self) -> [(&'static str, String); 7] {
        [
            ("ASSAY_SOURCES_OSV", format!("{}/osv", self.address)),
            ("ASSAY_SOURCES_EPSS", format!("{}/epss_scores-current.csv.gz", self.address)),
            ("ASSAY_SOURCES_KEV", format!("{}/kev.json", self.address)),
            ("ASSAY_SOURCES_EOL", String::new()),
            ("ASSAY_SOURCES_SCORECARD", String::new()),
            ("ASSAY_SOURCES_POPULARITY", String::new()),
            ("ASSAY_SOURCES_SSVC", String::new()),
        ]
    }

    fn cli(&self, server: &TestServer, arguments: &[&str]) -> Run {
        let run = server.cli(arguments).unwrap();
        self.variables().iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    async fn sync(&self, server: &TestServer) -> Report {
        Report::read(&self.cli(server, &["feeds", "sync", "--json"]).succeed().await.unwrap().stdout).unwrap()
    }
}

fn record(id: &str, ecosystem: &str, name: &str, fixed: &str, day: u32) -> Value {
    osv_record(id, ecosystem, name, Some(fixed), CRITICAL, &format!("2024-01-{day:02}T00:00:00Z"))
}

/// Two ecosystems, a day of scores and a catalogue; `aa` 1.0 is not affected.
fn world() -> (Export, Vec<Value>) {
    let export = Export::start();
    let python = vec![record("GHSA-a", "PyPI", "aa", "0.5", 1), record("GHSA-b", "PyPI", "bb", "0.5", 2)];
    export.put("/osv/ecosystems.txt", "PyPI\nnpm\n");
    export.publish("PyPI", &python);
    export.publish("npm", &[record("GHSA-c", "npm", "cc", "0.5", 1)]);
    export.put("/epss_scores-current.csv.gz", epss_csv_gz("2024-01-01", &[("CVE-2024-1001", 0.1, 0.1)]).unwrap());
    export.put("/kev.json", kev_json("2024-01-01", &[("CVE-2024-1001", "2024-01-01")]).unwrap());
    (export, python)
}

#[tokio::test]
async fn a_second_fetch_takes_only_what_changed() {
    let (export, mut python) = world();
    let server = server().await.unwrap();
    publish(&server, &["aa", "bb"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    let whole = export.sync(&server).await;
    assert_eq!(["osv", "epss", "kev"].map(|source| whole.counts(source)[0]), [3, 1, 1]);
    let everything = [
        "/epss_scores-current.csv.gz 200",
        "/kev.json 200",
        "/osv/PyPI/all.zip 200",
        "/osv/PyPI/modified_id.csv 200",
        "/osv/ecosystems.txt 200",
        "/osv/npm/all.zip 200",
        "/osv/npm/modified_id.csv 200",
    ];
    assert_eq!(export.asked(), everything);

    let before = head(&server).await.unwrap();
    assert_eq!(export.sync(&server).await.change(), [0; 4]);
    let nothing = [
        "/epss_scores-current.csv.gz 304",
        "/kev.json 304",
        "/osv/PyPI/modified_id.csv 304",
        "/osv/ecosystems.txt 200",
        "/osv/npm/modified_id.csv 304",
    ];
    assert_eq!(export.asked(), nothing);
    assert_eq!(head(&server).await.unwrap(), before, "nothing happened");

    python[0] = record("GHSA-a", "PyPI", "aa", "1.1", 3);
    python.push(record("GHSA-d", "PyPI", "dd", "1", 3));
    export.publish("PyPI", &python);
    export.put("/epss_scores-current.csv.gz", epss_csv_gz("2024-01-02", &[("CVE-2024-1001", 0.2, 0.2)]).unwrap());
    let changed = export.sync(&server).await;
    assert_eq!((changed.counts("osv"), changed.counts("epss")), ([1, 1, 0, 0, 0], [0, 1, 0, 0, 0]));
    assert_eq!(changed.change(), [1, 1, 1, 0]);
    let singly = [
        "/epss_scores-current.csv.gz 200",
        "/kev.json 304",
        "/osv/PyPI/GHSA-a.json 200",
        "/osv/PyPI/GHSA-d.json 200",
        "/osv/PyPI/modified_id.csv 200",
        "/osv/ecosystems.txt 200",
        "/osv/npm/modified_id.csv 304",
    ];
    assert_eq!(export.asked(), singly);
    assert_eq!(states(&server, &["aa", "bb"]).await.unwrap(), ["quarantined", "available"]);
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_told_and_keeps_its_place() {
    let (export, _) = world();
    let server = server().await.unwrap();
    export.sync(&server).await;
    export.asked();
    // A port that was free a moment ago.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = format!("http://{nobody}/kev.json");
    let failed = export.cli(&server, &["feeds", "sync", "kev"]).env("ASSAY_SOURCES_KEV", &down).fail().await.unwrap();
    assert!(failed.says(&format!("cannot fetch {down}")) && failed.says("refused"), "{failed}");
    let gone =
        export.cli(&server, &["feeds", "sync", "osv"]).env("ASSAY_SOURCES_OSV", format!("{}/no", export.address));
    let gone = gone.fail().await.unwrap();
    assert!(gone.says("404"), "{gone}");

    let shown = export.cli(&server, &["feeds", "status"]).succeed().await.unwrap();
    assert!(shown.says("cannot fetch") && shown.says("404"), "{shown}");
    let feeds = status(&server).await.unwrap()["feeds"].clone();
    let kev = feeds.as_array().unwrap().iter().find(|f| f["feed"] == "kev").unwrap().clone();
    assert!(kev["error"].as_str().unwrap().contains("refused") && !kev["synced_at"].is_null(), "{kev}");

    export.asked();
    assert_eq!(export.sync(&server).await.change(), [0; 4]);
    assert!(export.asked().contains(&"/kev.json 304".to_owned()), "it goes on from where it stood");
    let feeds = status(&server).await.unwrap()["feeds"].clone();
    assert!(feeds.as_array().unwrap().iter().all(|feed| feed["error"].is_null()), "{feeds}");
}

#[tokio::test]
async fn a_server_fetches_when_it_starts_and_when_it_is_told_to() {
    let (export, mut python) = world();
    let options = export.variables().iter().fold(ServerOptions::new(ASSAY), |o, (name, value)| o.env(name, value));
    let server = options.start().await.unwrap();
    let start = Instant::now();
    loop {
        let feeds = status(&server).await.unwrap()["feeds"].clone();
        // A file that was imported is a sign of life, a place to go on from is the end of the fetch.
        let fetched = feeds.as_array().into_iter().flatten().filter(|feed| feed["cursor"] != "").count();
        if fetched == 3 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{feeds}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let feeds = server.http().get("/api/v1/feeds").await.unwrap().expect_status(200).unwrap().json().unwrap();
    assert_eq!(feeds["advisories"], json!({"osv": 3}), "{feeds} {:?}", export.asked());
    publish(&server, &["aa"]).await.unwrap();
    quarantine(&server, "severe", SEVERE).await.unwrap();
    pull(&server, "aa").await.unwrap().expect_status(200).unwrap();

    python.push(record("GHSA-new", "PyPI", "aa", "1.1", 9));
    export.publish("PyPI", &python);
    export.asked();
    let said = server.http().post("/api/v1/feeds/sync", Vec::new()).await.unwrap().expect_status(200).unwrap();
    let said = said.json().unwrap();
    assert_eq!(said["osv"]["report"]["sources"]["osv"]["new"], 1, "{said}");
    assert!(export.asked().contains(&"/osv/PyPI/GHSA-new.json 200".to_owned()));
    settled(&server).await.unwrap();
    pull(&server, "aa").await.unwrap().expect_status(403).unwrap();
}
