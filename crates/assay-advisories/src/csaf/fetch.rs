//! Fetching a publisher's documents: the first time the archive that `archive_latest.txt` names, later what `changes.csv`
//! (`"path","time"`, newest first) lists since then.

use crate::download;
use assay_model::Problem;
use assay_model::seam::source::{Cursor, Fetched, Net};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Changes that are fetched one by one; beyond, the rest comes the next time.
const MAX_CHANGES: usize = 2000;
/// Bytes of the list that are read.
const MAX_LIST: u64 = 256 << 20;

pub(super) async fn fetch(net: &dyn Net, base: &str, since: Option<&Cursor>) -> Result<Fetched, Problem> {
    let base = base.trim_end_matches('/');
    let changes = list(net, &format!("{base}/changes.csv")).await?;
    let newest = changes.first().map(|(_, when)| when.clone()).unwrap_or_default();
    let known = since.map(|cursor| cursor.0.as_str()).filter(|cursor| !cursor.is_empty());
    let Some(known) = known else {
        let name = text(net, &format!("{base}/archive_latest.txt")).await?;
        let name = name.trim();
        if name.is_empty() || name.contains(['/', '\\', ' ']) {
            return Err(Problem::invalid("bad-feed", format!("{base}/archive_latest.txt names no archive")));
        }
        let reply = net.get(&format!("{base}/{name}"), None).await?;
        return Ok(Fetched::Batch { files: vec![(name.to_owned(), reply.body)], cursor: Cursor(newest) });
    };
    let mut new: Vec<&(String, String)> = changes.iter().take_while(|(_, when)| when.as_str() > known).collect();
    // The oldest first, so that a cut leaves no gap.
    new.reverse();
    new.truncate(MAX_CHANGES);
    let Some((_, last)) = new.last() else { return Ok(Fetched::Unchanged) };
    let cursor = Cursor(last.clone());
    let mut files: Vec<(String, PathBuf)> = Vec::with_capacity(new.len());
    for (path, _) in new {
        let reply = net.get(&format!("{base}/{path}"), None).await;
        let reply = reply.inspect_err(|_| files.iter().for_each(|(_, body)| download::discard(body)))?;
        files.push((path.clone(), reply.body));
    }
    Ok(Fetched::Batch { files, cursor })
}

async fn text(net: &dyn Net, url: &str) -> Result<String, Problem> {
    let reply = net.get(url, None).await?;
    let text = std::fs::File::open(&reply.body).and_then(|file| {
        let mut text = String::new();
        file.take(4096).read_to_string(&mut text).map(|_| text)
    });
    download::discard(&reply.body);
    text.map_err(crate::input::failed)
}

async fn list(net: &dyn Net, url: &str) -> Result<Vec<(String, String)>, Problem> {
    let reply = net.get(url, None).await?;
    let changes = read(&reply.body);
    download::discard(&reply.body);
    changes.map_err(crate::input::failed)
}

fn read(path: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut changes = Vec::new();
    for line in BufReader::new(std::fs::File::open(path)?.take(MAX_LIST)).lines() {
        let line = line?;
        let mut fields = line.splitn(2, ',').map(|field| field.trim().trim_matches('"').to_owned());
        if let (Some(path), Some(when)) = (fields.next(), fields.next())
            && path.ends_with(".json")
            && !path.contains("..")
            && !path.starts_with('/')
        {
            changes.push((path, when));
        }
    }
    changes.sort_by(|a, b| b.1.cmp(&a.1));
    Ok(changes)
}
