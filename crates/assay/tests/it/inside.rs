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
rows = [list(row) for row in db.execute(sys.argv[2]).fetchall()]
db.commit()
print(json.dumps(rows, default=lambda b: b.hex()))
"#;

/// Runs one statement on the embedded database.
pub fn rows(data: &Path, sql: &str) -> Result<Vec<Vec<Value>>> {
    let ran = Command::new("python3").args(["-c", QUERY]).arg(data.join("assay.db")).arg(sql).output();
    let ran = ran.context("these tests read the database with python3")?;
    if !ran.status.success() {
        bail!("{sql}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    Ok(serde_json::from_slice(&ran.stdout)?)
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

/// Rows and files that contradict each other, in words.
pub fn contradictions(data: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for row in rows(data, "PRAGMA integrity_check")?.iter().filter(|row| row[0] != "ok") {
        found.push(format!("the database is damaged: {row:?}"));
    }
    for row in rows(data, "PRAGMA foreign_key_check")? {
        found.push(format!("a reference leads nowhere: {row:?}"));
    }
    let stored = blobs(data)?;
    for row in rows(data, "SELECT digest, size FROM blob UNION SELECT digest, size FROM file")? {
        let (digest, size) = (row[0].as_str().unwrap_or_default(), row[1].as_u64());
        if stored.get(digest).copied() != size {
            found.push(format!("{digest} should have {size:?} bytes and has {:?}", stored.get(digest)));
        }
    }
    for (sql, what) in [
        ("SELECT id FROM package WHERE state = 'pending'", "packages are not decided"),
        (
            "SELECT id FROM package p WHERE state <> 'deleted' AND NOT EXISTS (SELECT 1 FROM file WHERE package = p.id)",
            "packages without files",
        ),
        ("SELECT id FROM package p WHERE state <> 'deleted' AND decision IS NULL", "packages without decision"),
        ("SELECT id, error FROM job WHERE state = 'dead'", "jobs were given up"),
    ] {
        let rows = rows(data, sql)?;
        if !rows.is_empty() {
            found.push(format!("{what}: {rows:?}"));
        }
    }
    Ok(found)
}

/// Bytes without a row and spool files that nobody can continue.
pub fn leftovers(data: &Path) -> Result<Vec<String>> {
    let column = |sql: &str| -> Result<BTreeSet<String>> {
        Ok(rows(data, sql)?.iter().map(|row| row[0].as_str().unwrap_or_default().to_owned()).collect())
    };
    let mut found: Vec<String> = spooled(data)?.into_iter().map(|name| format!("spool/{name}")).collect();
    let (files, open) = (names(&data.join("spool/sessions"))?, column("SELECT id FROM upload")?);
    found.extend(files.difference(&open).map(|id| format!("a session without row: {id}")));
    found.extend(open.difference(&files).map(|id| format!("a session without bytes: {id}")));
    let named = column("SELECT digest FROM blob")?;
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
