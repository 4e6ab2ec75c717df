//! Listings of folders as web servers show them: Assay's own as JSON, nginx's as JSON or HTML, Apache's and any other page
//! whose links lead to what lies directly below it. A file that happens to be such a page is none: its folder's name ends
//! in a slash.

use super::{
    path::{decode, encode_path},
    upstream,
};
use assay_model::{
    Problem,
    seam::upstream::{Origin, RemoteDocument},
};
use html5gum::{Token, Tokenizer};
use serde_json::Value;
use std::collections::BTreeSet;
use url::Url;

/// Files of one tree, folders that are looked into, and how deep.
const FILES: usize = 1_000_000;
const FOLDERS: usize = 100_000;
const DEPTH: usize = 32;

/// JSON where it is spoken.
const ACCEPT: &str = "application/json, text/html;q=0.5";

/// The names directly below a folder, those of folders with a slash at their end; nothing where the server shows none.
/// `folder` is encoded, relative to the upstream's address, and empty or ends in a slash.
pub(crate) async fn entries(origin: &dyn Origin, folder: &str) -> Result<Option<Vec<String>>, Problem> {
    let address = format!("{}/{folder}", origin.base());
    let Some(document) = origin.document(&address, ACCEPT).await? else { return Ok(None) };
    match read(&address, &document) {
        Some(Listed { complete: false, .. }) => {
            Err(upstream::unusable("listing", format!("{address} shows a part only")))
        }
        listed => Ok(listed.map(|listed| listed.names.into_iter().collect())),
    }
}

struct Listed {
    names: BTreeSet<String>,
    complete: bool,
}

/// Paths of all files below the upstream's address that are wanted, decoded.
pub(crate) async fn files(
    origin: &dyn Origin,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Option<Vec<String>>, Problem> {
    let mut open = vec![String::new()];
    let (mut found, mut folders) = (Vec::new(), 0);
    while let Some(folder) = open.pop() {
        folders += 1;
        if folders > FOLDERS || found.len() > FILES {
            return Err(upstream::unusable("tree of files", format!("it has more than {FILES} files")));
        }
        let Some(entries) = entries(origin, &encode_path(&folder)).await? else {
            if folder.is_empty() {
                return Ok(None);
            }
            continue;
        };
        for entry in entries {
            let path = format!("{folder}{entry}");
            match entry.ends_with('/') {
                true if path.matches('/').count() <= DEPTH => open.push(path),
                false if wanted(&path) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort_unstable();
    Ok(Some(found))
}

fn read(address: &str, document: &RemoteDocument) -> Option<Listed> {
    let text = String::from_utf8_lossy(&document.body);
    let mut complete = true;
    let names = match serde_json::from_str::<Value>(&text) {
        Ok(listing) => {
            complete = listing.get("truncated") != Some(&Value::Bool(true));
            of_json(&listing)?
        }
        Err(_) if text.contains("<a ") || text.contains("<A ") => of_html(address, &text)?,
        Err(_) => return None,
    };
    let sound = |name: &String| {
        let bare = name.strip_suffix('/').unwrap_or(name);
        !matches!(bare, "" | "." | "..") && !bare.contains('/') && !bare.chars().any(char::is_control)
    };
    Some(Listed { names: names.into_iter().filter(sound).collect(), complete })
}

/// `{"folders": [], "files": []}`, or `[{"name": "", "type": "directory"}]`.
fn of_json(listing: &Value) -> Option<Vec<String>> {
    if let Some(entries) = listing.as_array() {
        let name = |entry: &Value| {
            let name = entry.get("name")?.as_str()?;
            let slash = if entry.get("type")?.as_str()? == "directory" { "/" } else { "" };
            Some(format!("{name}{slash}"))
        };
        return entries.iter().map(name).collect();
    }
    let texts = |key: &str| Some(listing.get(key)?.as_array()?.iter().filter_map(Value::as_str));
    let folders = texts("folders")?.map(|name| format!("{name}/"));
    Some(folders.chain(texts("files")?.map(str::to_owned)).collect())
}

fn of_html(address: &str, text: &str) -> Option<Vec<String>> {
    let base = Url::parse(address).ok()?;
    let mut names = Vec::new();
    for token in Tokenizer::new(text) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        if tag.name.as_slice() != b"a" {
            continue;
        }
        let href = tag.attributes.iter().find(|(key, _)| key.as_slice() == b"href");
        let Some(href) = href.and_then(|(_, value)| str::from_utf8(value).ok()) else { continue };
        // Links that sort the listing have a query.
        if href.contains(['?', '#']) {
            continue;
        }
        let Ok(there) = base.join(href) else { continue };
        let same = there.origin() == base.origin();
        let below = there.path().strip_prefix(base.path()).filter(|below| same && !below.is_empty());
        names.extend(below.and_then(|below| decode(below).ok()).map(|name| name.into_owned()));
    }
    Some(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::kit::testing::FakeOrigin;

    const BASE: &str = "https://files.example/root";

    #[tokio::test]
    async fn listings_of_several_servers_say_the_same() {
        let ours = r#"{"folders": ["sub"], "files": ["a b.txt"], "truncated": false}"#;
        let nginx = r#"[{"name": "sub", "type": "directory"}, {"name": "a b.txt", "type": "file", "size": 1}]"#;
        let autoindex =
            "<html><pre><a href=\"../\">../</a>\n<a href=\"sub/\">sub/</a>\n<a href=\"a%20b.txt\">a b.txt</a></pre>";
        let apache = "<table><a href=\"?C=N;O=D\">Name</a><a href=\"/root/\">Parent</a><a href=\"./sub/\">s</a>\
                      <a href=\"/root/a%20b.txt\">a</a><a href=\"https://other.example/x\">x</a></table>";
        for (media_type, body) in
            [("application/json", ours), ("application/json", nginx), ("text/html", autoindex), ("text/html", apache)]
        {
            let origin = FakeOrigin::new(BASE).with(&format!("{BASE}/"), media_type, body);
            assert_eq!(entries(&origin, "").await.unwrap().unwrap(), ["a b.txt", "sub/"], "{body}");
        }
    }

    #[tokio::test]
    async fn a_tree_is_walked_and_never_left() {
        let origin = FakeOrigin::new(BASE)
            .with(&format!("{BASE}/"), "text/html", "<a href=\"sub/\">s</a><a href=\"x\">x</a><a href=\"../up\">u</a>")
            .with(
                &format!("{BASE}/sub/"),
                "text/html",
                "<a href=\"y%2Fz\">y</a><a href=\"y\">y</a><a href=\"sub/\">s</a>",
            );
        assert_eq!(files(&origin, &|_| true).await.unwrap().unwrap(), ["sub/y", "x"]);
        assert_eq!(files(&origin, &|path| path.starts_with("sub")).await.unwrap().unwrap(), ["sub/y"]);
    }

    #[tokio::test]
    async fn what_shows_no_listing_has_none() {
        let origin = FakeOrigin::new(BASE).with(&format!("{BASE}/"), "text/plain", "welcome");
        assert_eq!(files(&origin, &|_| true).await.unwrap(), None);
        assert_eq!(files(&FakeOrigin::new(BASE), &|_| true).await.unwrap(), None);
    }
}
