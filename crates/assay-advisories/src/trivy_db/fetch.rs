//! Pulling the database from a registry (OCI Distribution Specification 1.1): manifest, then the one layer of the
//! database's media type. The layer's digest is the cursor.
//!
//! The address is `https://registry.example/owner/name:tag`, `oci://` meaning the same; without a tag it is the current
//! schema's. An address that ends in `.tar.gz` or `.db` is one file, fetched as such.

use crate::download;
use assay_model::Problem;
use assay_model::problem::Kind;
use assay_model::seam::source::{Cursor, Fetched, Net, NetRequest};
use serde::Deserialize;
use std::io::Read;
use std::path::PathBuf;

const LAYER: &str = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip";
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// Tag of the schema that this source reads.
const SCHEMA: &str = "2";
/// Largest manifest and token, in bytes.
const MAX_DOCUMENT: u64 = 4 << 20;
/// Name under which the layer is given to the parser.
const FILE: &str = "db.tar.gz";

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

/// What is new since `since`.
///
/// # Errors
/// `Upstream`.
pub(super) async fn fetch(net: &dyn Net, base: &str, since: Option<&Cursor>) -> Result<Fetched, Problem> {
    if [".tar.gz", ".tgz", ".db"].iter().any(|end| base.ends_with(end)) {
        return download::one_file(net, base, since).await;
    }
    let place = Place::parse(base)?;
    let mut session = Session { net, token: None };
    let manifest = session.get(&place.url("manifests", &place.reference), ACCEPT).await?;
    let manifest: Manifest = serde_json::from_slice(&small(manifest)?)
        .map_err(|error| upstream(format!("{base} is no image manifest: {error}")))?;
    let layer = manifest.layers.into_iter().find(|layer| layer.media_type == LAYER);
    let digest = layer.ok_or_else(|| upstream(format!("{base} has no layer of type {LAYER}")))?.digest;
    if since.is_some_and(|cursor| cursor.0 == digest) {
        return Ok(Fetched::Unchanged);
    }
    let body = session.get(&place.url("blobs", &digest), "*/*").await?;
    if let Err(problem) = verify(&body, &digest) {
        download::discard(&body);
        return Err(problem);
    }
    Ok(Fetched::Batch { files: vec![(FILE.to_owned(), body)], cursor: Cursor(digest) })
}

struct Place {
    origin: String,
    repository: String,
    reference: String,
}

impl Place {
    fn parse(base: &str) -> Result<Self, Problem> {
        let wrong = || {
            Problem::invalid(
                "bad-url",
                format!("`{base}` is no artifact; expected https://registry.example/owner/name:tag"),
            )
        };
        let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
        let scheme = if scheme == "oci" { "https" } else { scheme };
        let (host, path) = rest.trim_end_matches('/').split_once('/').ok_or_else(wrong)?;
        let path = path.strip_prefix("v2/").unwrap_or(path);
        let (repository, reference) = match path.split_once('@') {
            Some(parts) => parts,
            None => path.rsplit_once(':').unwrap_or((path, SCHEMA)),
        };
        if host.is_empty() || repository.is_empty() || reference.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            origin: format!("{scheme}://{host}"),
            repository: repository.to_owned(),
            reference: reference.to_owned(),
        })
    }

    fn url(&self, kind: &str, reference: &str) -> String {
        format!("{}/v2/{}/{kind}/{reference}", self.origin, self.repository)
    }
}

/// Requests to one registry, with the token it asked for.
struct Session<'a> {
    net: &'a dyn Net,
    token: Option<String>,
}

impl Session<'_> {
    async fn get(&mut self, url: &str, accept: &str) -> Result<PathBuf, Problem> {
        for _ in 0..2 {
            let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
            let mut headers = vec![("accept", accept)];
            headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
            let reply = self.net.request(NetRequest { url, etag: None, headers: &headers, challenged: true }).await?;
            match reply.challenge {
                None => return Ok(reply.body),
                Some(challenge) => self.token = Some(self.ask(&challenge).await?),
            }
        }
        Err(upstream(format!("{url} refuses the token that its own registry gave")))
    }

    /// The token that a `WWW-Authenticate: Bearer` asks for (the registries' token protocol).
    async fn ask(&self, challenge: &str) -> Result<String, Problem> {
        let refused =
            || upstream(format!("the registry wants `{challenge}`, and only anonymous tokens are known here"));
        let parameters =
            challenge.strip_prefix("Bearer ").or_else(|| challenge.strip_prefix("bearer ")).ok_or_else(refused)?;
        let value = |name: &str| {
            let at = parameters.find(&format!("{name}=\""))? + name.len() + 2;
            parameters.get(at..)?.split('"').next()
        };
        let realm = value("realm").ok_or_else(refused)?;
        let encoded =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let query: Vec<String> =
            ["service", "scope"].iter().filter_map(|name| Some(format!("{name}={}", encoded(value(name)?)))).collect();
        let separator = if realm.contains('?') { '&' } else { '?' };
        let reply = self.net.get(&format!("{realm}{separator}{}", query.join("&")), None).await?;
        let token: Token = serde_json::from_slice(&small(reply.body)?)
            .map_err(|error| upstream(format!("{realm} gave no token: {error}")))?;
        Ok(token.token)
    }
}

/// A small document out of its spool, which is removed.
fn small(body: PathBuf) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&body).and_then(|file| file.take(MAX_DOCUMENT).read_to_end(&mut bytes));
    download::discard(&body);
    read.map_err(|error| Problem::internal("a spooled download cannot be read", error))?;
    Ok(bytes)
}

fn verify(body: &std::path::Path, digest: &str) -> Result<(), Problem> {
    use sha2::Digest as _;
    let unreadable = |error| Problem::internal("a spooled download cannot be read", error);
    let mut file = std::fs::File::open(body).map_err(unreadable)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    let found = format!("sha256:{}", hex::encode(hasher.finalize()));
    if found == digest { Ok(()) } else { Err(upstream(format!("the layer {digest} came as {found}"))) }
}

fn upstream(message: String) -> Problem {
    Problem::new(Kind::Upstream, "upstream", message)
}
