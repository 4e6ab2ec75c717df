//! Targets that are not on this machine: images in registries, git repositories, packages that a server stores. Each is
//! fetched into a temporary folder that is gone afterwards, or looked at where it is.

use super::{
    progress::Bar,
    target::{As, Looked, inspect, subject_of},
};
use crate::{
    cli::{Context, local},
    config::Config,
    git,
    registry::{self, Login, Options, Reference},
};
use anyhow::{Context as _, Result, bail};
use assay_analyzers::Selection;
use assay_engine::{
    ScanResult,
    report::trivy::{ArtifactKind, Git, Subject},
};
use assay_model::{
    purl::{self, Purl},
    vex::VexSubject,
};
use std::io::{IsTerminal as _, Read as _};

/// How to reach what is elsewhere.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Targets elsewhere")]
pub(crate) struct Reach {
    /// Name for the registry; else what `docker login` and its kin have saved
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    username: Option<String>,
    /// Read the password for the registry from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Speak to the registry without TLS
    #[arg(long)]
    plain_http: bool,
    /// Which image of several [default: linux and this machine's architecture]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Branch or tag of a git repository [default: its default branch]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
}

impl Reach {
    fn options(&self) -> Result<Options> {
        let login = match &self.username {
            Some(username) => Some(Login { username: username.clone(), password: password()? }),
            None => None,
        };
        Ok(Options { plain_http: self.plain_http, platform: self.platform.clone(), login })
    }
}

fn password() -> Result<String> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        bail!("--password-stdin reads the password from standard input: pipe it in");
    }
    let mut text = String::new();
    input.by_ref().take(64 << 10).read_to_string(&mut text).context("the password cannot be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// An image in a registry.
pub(super) async fn image(
    config: &Config,
    reference: &Reference,
    selection: Selection,
    reach: &Reach,
) -> Result<Looked> {
    let folder = tempfile::tempdir().context("there is no room for the image")?;
    let bar = Bar::begin(&format!("Fetching {reference}"));
    let pulled =
        registry::pull(reference, &reach.options()?, folder.path(), &|done, total| bar.at(done, total)).await?;
    drop(bar);
    let (mut target, mut inventory) = local::inspect_for(config, folder.path(), selection).await?;
    target.path = reference.to_string();
    target.kind = local::IMAGE_IN_REGISTRY;
    if let Some(image) = &mut inventory.image {
        image.digests = vec![format!("{}/{}@{}", reference.host(), reference.repository(), pulled.digest)];
    }
    let mut vex = subject_of(&inventory, None);
    vex.digests.push(pulled.digest.clone());
    vex.purls.extend(oci_purls(reference, &pulled.digest));
    let subject = Subject { name: reference.to_string(), kind: ArtifactKind::Image, git: None };
    Ok(Looked { target, inventory, subject, vex, attached: pulled.attached, matched: None })
}

/// `pkg:oci/name@sha256:…?repository_url=host/name` (package-URL type `oci`), and the same without its place.
fn oci_purls(reference: &Reference, digest: &str) -> Vec<String> {
    let name = reference.repository().rsplit('/').next().unwrap_or_default();
    let place = format!("{}/{}", reference.host(), reference.repository());
    let purl = Purl::builder(purl::OCI, name).version(digest).qualifier("repository_url", place).build();
    purl.map(|purl| purl.as_str().to_owned()).into_iter().collect()
}

/// A git repository.
pub(super) async fn repository(
    config: &Config,
    url: &str,
    as_what: As,
    selection: Selection,
    reach: &Reach,
) -> Result<Looked> {
    let folder = tempfile::tempdir().context("there is no room for the repository")?;
    let place = folder.path().join("clone");
    let seen = git::clone(url, reach.branch.as_deref(), &place).await?;
    let (mut target, inventory) = inspect(config, &place, as_what, selection).await?;
    target.path.clone_from(&seen.url);
    target.kind = local::GIT;
    let kind = if as_what == As::Auto { ArtifactKind::Repository } else { as_what.kind(&target, &inventory) };
    let subject = Subject { name: seen.url.clone(), kind, git: Some(commit(seen)) };
    let vex = subject_of(&inventory, None);
    Ok(Looked { target, inventory, subject, vex, attached: Vec::new(), matched: None })
}

pub(super) fn commit(seen: git::Checkout) -> Git {
    let git::Checkout { url, branch, tags, commit, message, author, committer } = seen;
    Git { url, branch, tags, commit, message, author, committer }
}

/// A package that a server stores: what the server found in it, matched by the server.
pub(super) async fn stored(context: &Context, what: &str) -> Result<Looked> {
    let client = context.client()?;
    let id = client.find(what).await.with_context(|| {
        format!("{what} is neither here nor an image in a registry (host/name:tag) nor a git repository")
    })?;
    let mut matched: ScanResult = client.get(&["packages", &id.to_string(), "scan"], &[]).await?;
    let inventory = std::mem::take(&mut matched.inventory);
    let target = local::Target { path: what.to_owned(), kind: local::STORED, sha256: None, size: None };
    let kind = if inventory.image.is_some() || inventory.components.iter().any(|found| found.layer.is_some()) {
        ArtifactKind::Image
    } else {
        ArtifactKind::FileSystem
    };
    let vex: VexSubject = subject_of(&inventory, None);
    let subject = Subject { name: what.to_owned(), kind, git: None };
    Ok(Looked { target, inventory, subject, vex, attached: Vec::new(), matched: Some(matched) })
}
