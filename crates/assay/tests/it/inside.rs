//! Behind the curtain: rows and files of a data directory, read beside the server that works on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use assay_testkit::{TestServer, make::sha256};
use serde_json::Value;

use crate::support::{PATIENCE, settled};

const QUERY: &str = r#"
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=20)
answers = [[list(row) for row in db.execute(sql).fetchall()] for sql in sys.argv[2:]]
db.commit()
print(json.dumps(answers, default=lambda b: b.hex()))
"#;

/// What statements give, one after the other in one process, whose start costs more than they do.
fn answers(data: &Path, statements: &[&str]) -> Result<Vec<Vec<Vec<Value>>>> {
    let ran = Command::new("python3").args(["-c", QUERY]).arg(data.join("assay.db")).args(statements).output();
    let ran = ran.context("these tests read the database with python3")?;
    if !ran.status.success() {
        bail!("{statements:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    Ok(serde_json::from_slice(&ran.stdout)?)
}

/// Runs one statement on the embedded database.
pub fn rows(data: &Path, sql: &str) -> Result<Vec<Vec<Value>>> {
    answers(data, &[sql])?.pop().context("no answer")
}

/// The one number that a statement gives.
pub fn number(data: &Path, sql: &str) -> Result<i64> {
    rows(data, sql)?.first().and_then(|row| row.first()?.as_i64()).with_context(|| format!("no number: {sql}"))
}

/// Names of the files in a folder; none when there is no such folder.
pub fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(BTreeSet::new()) };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Bodies in the spool that are being received, or were left there.
pub fn spooled(data: &Path) -> Result<BTreeSet<String>> {
    let mut found = names(&data.join("spool"))?;
    found.remove("sessions");
    Ok(found)
}

/// Stored bytes: digest (`sha256:…`) to size.
pub fn blobs(data: &Path) -> Result<BTreeMap<String, u64>> {
    let root = data.join("blobs/sha256");
    let mut found = BTreeMap::new();
    for folder in names(&root)? {
        for name in names(&root.join(&folder))? {
            let size = std::fs::metadata(root.join(&folder).join(&name))?.len();
            found.insert(format!("sha256:{folder}{name}"), size);
        }
    }
    Ok(found)
}

/// Stored bytes that are not what their name says, those in `seen` apart; what was looked at is added to it.
pub fn damaged(data: &Path, seen: &mut BTreeSet<String>) -> Result<Vec<String>> {
    let mut bad = Vec::new();
    for digest in blobs(data)?.into_keys() {
        if seen.insert(digest.clone()) {
            let hex = digest.trim_start_matches("sha256:");
            let bytes = std::fs::read(data.join("blobs/sha256").join(&hex[..2]).join(&hex[2..]))?;
            if sha256(&bytes) != hex {
                bad.push(digest);
            }
        }
    }
    Ok(bad)
}

/// What nothing may be found by, with what it would mean.
const NEVER: [(&str, &str); 5] = [
    ("PRAGMA foreign_key_check", "references lead nowhere"),
    ("SELECT id FROM package WHERE state = 'pending'", "packages are not decided"),
    (
        "SELECT id FROM package p WHERE state <> 'deleted' AND NOT EXISTS (SELECT 1 FROM file WHERE package = p.id)",
        "packages have no files",
    ),
    ("SELECT id FROM package WHERE state <> 'deleted' AND decision IS NULL", "packages have no decision"),
    ("SELECT id, error FROM job WHERE state = 'dead'", "jobs were given up"),
];

/// Rows and files that contradict each other, in words.
pub fn contradictions(data: &Path) -> Result<Vec<String>> {
    let mut statements =
        vec!["PRAGMA integrity_check", "SELECT digest, size FROM blob UNION SELECT digest, size FROM file"];
    statements.extend(NEVER.map(|(sql, _)| sql));
    let mut answers = answers(data, &statements)?.into_iter();
    let mut found = Vec::new();
    for row in answers.next().unwrap_or_default().iter().filter(|row| row[0] != "ok") {
        found.push(format!("the database is damaged: {row:?}"));
    }
    let stored = blobs(data)?;
    for row in answers.next().unwrap_or_default() {
        let (digest, size) = (row[0].as_str().unwrap_or_default(), row[1].as_u64());
        if stored.get(digest).copied() != size {
            found.push(format!("{digest} should have {size:?} bytes and has {:?}", stored.get(digest)));
        }
    }
    for ((_, what), rows) in NEVER.iter().zip(answers) {
        if !rows.is_empty() {
            found.push(format!("{what}: {rows:?}"));
        }
    }
    Ok(found)
}

/// Bytes without a row and spool files that nobody can continue.
pub fn leftovers(data: &Path) -> Result<Vec<String>> {
    let answers = answers(data, &["SELECT id FROM upload", "SELECT digest FROM blob"])?;
    let column = |rows: &Vec<Vec<Value>>| -> BTreeSet<String> {
        rows.iter().map(|row| row[0].as_str().unwrap_or_default().to_owned()).collect()
    };
    let (open, named) = (column(&answers[0]), column(&answers[1]));
    let files = names(&data.join("spool/sessions"))?;
    let mut found: Vec<String> = spooled(data)?.into_iter().map(|name| format!("spool/{name}")).collect();
    found.extend(files.difference(&open).map(|id| format!("a session without row: {id}")));
    found.extend(open.difference(&files).map(|id| format!("a session without bytes: {id}")));
    found.extend(blobs(data)?.into_keys().filter(|d| !named.contains(d)).map(|d| format!("unnamed bytes: {d}")));
    Ok(found)
}

/// As [`leftovers`], once what is collected in the background after a start had its time.
pub async fn leftovers_in_the_end(data: &Path) -> Result<Vec<String>> {
    let start = Instant::now();
    loop {
        let found = leftovers(data)?;
        if found.is_empty() || start.elapsed() > PATIENCE / 4 {
            return Ok(found);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Makes all that is staged or in progress old and starts the server again, which collects what nobody came back for.
pub async fn collected(server: &mut TestServer) -> Result<()> {
    server.kill()?;
    for table in ["blob_stage SET staged_at", "blob SET stored_at", "upload SET touched_at"] {
        rows(&server.data(), &format!("UPDATE {table} = 1"))?;
    }
    server.restart().await?;
    settled(server).await?;
    let start = Instant::now();
    while number(&server.data(), "SELECT COUNT(*) FROM blob_stage")? > 0 {
        if start.elapsed() > PATIENCE {
            bail!("what is staged is never collected");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let found = leftovers_in_the_end(&server.data()).await?;
    if !found.is_empty() {
        bail!("these are never collected: {found:?}");
    }
    Ok(())
}
