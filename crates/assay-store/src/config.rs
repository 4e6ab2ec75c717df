//! Where metadata and bytes are kept. Reading it from files and variables is the server's work.

use assay_model::Problem;
use serde::Deserialize;
use std::{fmt, path::Path};

/// Where metadata and bytes are kept.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub metadata: String,
    /// `file:DIRECTORY`, or `s3://BUCKET/PREFIX`.
    pub blobs: String,
    /// How the S3 service is reached; not used for files.
    pub s3: S3Config,
}

/// How an S3-compatible service is reached.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// `https://HOST:PORT`; empty means the service of the region. `http://` is allowed for services nearby.
    pub endpoint: String,
    /// Region; `us-east-1` unless set.
    pub region: String,
    /// Access key id; empty means: from the environment (`AWS_*`) or the machine's role.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Token of temporary credentials.
    pub session_token: String,
    /// Whether the bucket is part of the path (most services that one runs oneself) or of the host name.
    pub path_style: bool,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            access_key_id: String::new(),
            secret_access_key: String::new(),
            session_token: String::new(),
            path_style: true,
        }
    }
}

impl StoreConfig {
    /// The embedded default below one directory: `DIR/assay.db` and `DIR/blobs/`.
    ///
    /// # Errors
    /// When the path is not UTF-8.
    pub fn embedded(directory: &Path) -> Result<Self, Problem> {
        let directory = directory.to_str().ok_or_else(|| {
            Problem::invalid("bad-path", format!("the data directory {} is not UTF-8", directory.display()))
        })?;
        Ok(Self {
            metadata: format!("sqlite:{directory}/assay.db"),
            blobs: format!("file:{directory}"),
            s3: S3Config::default(),
        })
    }
}

/// A database URL without what must not be logged.
pub fn redacted(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.has_host() => {
            if parsed.password().is_some() {
                let _ = parsed.set_password(Some("***"));
            }
            // a password may stand there too
            parsed.set_query(None);
            parsed.to_string()
        }
        _ if url.starts_with("sqlite:") || url.starts_with("file:") => url.to_owned(),
        _ => "***".to_owned(),
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("metadata", &redacted(&self.metadata))
            .field("blobs", &self.blobs)
            .field("s3", &self.s3)
            .finish()
    }
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |text: &str| if text.is_empty() { "" } else { "***" };
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &hidden(&self.secret_access_key))
            .field("session_token", &hidden(&self.session_token))
            .field("path_style", &self.path_style)
            .finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let config = StoreConfig {
            metadata: "postgres://ann:hunter2@db/assay?password=hunter2".to_owned(),
            blobs: "s3://bucket/prefix".to_owned(),
            s3: S3Config {
                secret_access_key: "hunter2".to_owned(),
                session_token: "hunter2".to_owned(),
                ..S3Config::default()
            },
        };
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("ann") && shown.contains("s3://bucket/prefix"), "{shown}");
        let keywords = StoreConfig { metadata: "host=db password=hunter2".to_owned(), ..StoreConfig::default() };
        assert!(!format!("{keywords:?}").contains("hunter2"));
        let embedded = StoreConfig::embedded(Path::new("/data")).unwrap();
        assert!(format!("{embedded:?}").contains("sqlite:/data/assay.db"));
    }
}
