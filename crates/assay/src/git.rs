//! Git repositories as targets of a scan, by the `git` command: a shallow clone without hooks, filters or prompts.

use anyhow::{Context as _, Result, bail};
use std::{path::Path, process::Stdio};
use tokio::process::Command;

/// What is known of a working tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkout {
    /// Address it came from.
    pub url: String,
    /// Branch, where one is checked out.
    pub branch: String,
    /// Tags of the commit.
    pub tags: Vec<String>,
    /// Commit.
    pub commit: String,
    /// First line of its message.
    pub message: String,
    /// `name <address>`.
    pub author: String,
    /// `name <address>`.
    pub committer: String,
}

/// Whether the text is the address of a repository rather than a path.
pub fn looks_like_one(text: &str) -> bool {
    let remote = ["https://", "http://", "ssh://", "git://", "file://"].iter().any(|scheme| text.starts_with(scheme));
    let scp = text.split_once(':').is_some_and(|(host, path)| {
        host.contains('@') && !host.contains('/') && !path.is_empty() && !path.starts_with('/')
    });
    (remote && !text.contains([' ', '\n'])) || scp
}

/// Clones a repository into an empty folder: one commit of a branch, tag or the default branch.
///
/// # Errors
/// When `git` is not installed or cannot have it.
pub async fn clone(url: &str, revision: Option<&str>, folder: &Path) -> Result<Checkout> {
    let mut args = vec!["clone", "--quiet", "--depth", "1", "--no-recurse-submodules"];
    if let Some(revision) = revision {
        if revision.starts_with('-') {
            bail!("{revision} is no branch or tag");
        }
        args.extend(["--branch", revision]);
    }
    let folder_text = folder.to_string_lossy();
    args.extend(["--", url, &folder_text]);
    git(None, &args).await.with_context(|| format!("{url} cannot be cloned"))?;
    Ok(Checkout { url: without_password(url), ..look(folder).await? })
}

/// What is known of a folder that is a checked-out repository.
///
/// # Errors
/// When it is none.
pub async fn look(folder: &Path) -> Result<Checkout> {
    let format = "--format=%H%x00%s%x00%an <%ae>%x00%cn <%ce>";
    let told = git(Some(folder), &["log", "-1", format]).await?;
    let mut fields = told.trim_end().split('\0').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    let (commit, message, author, committer) = (next(), next(), next(), next());
    let branch = git(Some(folder), &["symbolic-ref", "--quiet", "--short", "HEAD"]).await.unwrap_or_default();
    let tags = git(Some(folder), &["tag", "--points-at", "HEAD"]).await.unwrap_or_default();
    let url = git(Some(folder), &["config", "--get", "remote.origin.url"]).await.unwrap_or_default();
    Ok(Checkout {
        url: without_password(url.trim()),
        branch: branch.trim().to_owned(),
        tags: tags.lines().map(str::to_owned).collect(),
        commit,
        message,
        author,
        committer,
    })
}

/// The address without a name or password in it.
fn without_password(address: &str) -> String {
    match address.parse::<url::Url>() {
        Ok(mut url) if url.has_host() => {
            // Both fail only for addresses that cannot have them.
            let _ = url.set_password(None);
            if url.scheme().starts_with("http") {
                let _ = url.set_username("");
            }
            url.to_string()
        }
        _ => address.to_owned(),
    }
}

async fn git(folder: Option<&Path>, args: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command
        .args(["-c", "protocol.ext.allow=never", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"])
        .args(["-c", "filter.lfs.smudge=cat", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false"]);
    if let Some(folder) = folder {
        command.arg("-C").arg(folder);
    }
    command
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("GIT_LFS_SKIP_SMUDGE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.context("git cannot be run; install it to scan repositories")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git says: {}", without_passwords(said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Git repeats the address it was given.
fn without_passwords(text: &str) -> String {
    let cleaned = |word: &str| {
        let bare = word.trim_matches(['\'', '"', ',', '.']);
        if bare.contains("://") && bare.contains('@') {
            word.replace(bare, &without_password(bare))
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(cleaned).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        for text in ["https://git.example/a/b.git", "ssh://git@git.example/a", "git@git.example:a/b", "file:///srv/a"] {
            assert!(looks_like_one(text), "{text}");
        }
        for text in ["a", "./a", "/srv/a", "main/pypi/a@1.0", "registry.example:5000/a:1", "a:b"] {
            assert!(!looks_like_one(text), "{text}");
        }
    }

    #[test]
    fn passwords_are_never_told() {
        assert_eq!(without_password("https://me:secret@git.example/a"), "https://git.example/a");
        assert_eq!(
            without_passwords("fatal: 'https://me:secret@git.example/a' is gone"),
            "fatal: 'https://git.example/a' is gone"
        );
    }

    #[tokio::test]
    async fn a_clone_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        std::fs::create_dir(&origin).unwrap();
        if git(Some(&origin), &["init", "-q", "-b", "main"]).await.is_err() {
            eprintln!("SKIPPED: git is not installed");
            return;
        }
        std::fs::write(origin.join("go.mod"), "module example.org/a\n").unwrap();
        git(Some(&origin), &["add", "."]).await.unwrap();
        let name = [
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "Begin",
            "--author",
            "B <b@example.org>",
        ];
        git(Some(&origin), &name).await.unwrap();
        git(Some(&origin), &["tag", "v1"]).await.unwrap();
        let url = format!("file://{}", origin.display());
        let seen = clone(&url, Some("main"), &folder.path().join("clone")).await.unwrap();
        assert_eq!((seen.branch.as_str(), seen.message.as_str(), seen.tags), ("main", "Begin", vec!["v1".to_owned()]));
        assert_eq!((seen.author.as_str(), seen.commit.len()), ("B <b@example.org>", 40));
        assert!(clone(&url, Some("nowhere"), &folder.path().join("other")).await.is_err());
    }
}
