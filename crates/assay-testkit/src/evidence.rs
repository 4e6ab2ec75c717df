//! What tests saw real clients do, kept for the table of `docs/formats.md`: each line of the table was a run, none is
//! written by hand. Lines lie in `target/evidence/`, one file each; `cargo xtask formats` makes the page from them.

use crate::skip;
use serde::{Deserialize, Serialize};

/// How a client met the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Published to the server.
    Push,
    /// Had what was published here.
    Pull,
    /// Had what an upstream has, through the server.
    Proxied,
    /// Had it through a virtual repository.
    Virtual,
    /// Was refused a quarantined version and shown the reason.
    Quarantined,
    /// Did not see a hidden version.
    Hidden,
    /// Was refused without permission.
    NoPermission,
    /// Looked something up: a search, a list.
    Search,
    /// Took back: yanked, unpublished, deleted.
    TakeBack,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// Id of the format.
    pub format: String,
    /// Name of the client program.
    pub client: String,
    /// What it did.
    pub case: Case,
}

/// Notes that a client was seen to do what `case` says. To be called after the assertions that prove it.
pub fn saw(format: &str, client: &str, case: Case) {
    let seen = Seen { format: format.to_owned(), client: client.to_owned(), case };
    let folder = skip::repository().join("target/evidence");
    let Ok(text) = serde_json::to_string(&seen) else { return };
    let name = format!("{format}-{client}-{case:?}.json").replace(['/', ' '], "_");
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(name), text));
    if let Err(error) = kept {
        skip::skipped(&format!("what {client} did is not kept: {error}"));
    }
}
