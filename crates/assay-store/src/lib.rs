//! Metadata and bytes: SQLite or PostgreSQL, files or S3. The only crate that knows SQL or an object store; everything else
//! uses the seams `MetaStore` and `BlobStore` and cannot tell which is below.
//!
//! `sql` is the thin layer over both databases, `meta` the ports of every noun over it, `sqlite` and `postgres` open
//! connections and run transactions, `migrate` keeps the schema, `blob` keeps bytes.

pub mod blob;
pub mod config;
pub mod meta;
mod migrate;
mod moved;
pub mod postgres;
pub mod sql;
pub mod sqlite;

pub use config::{S3Config, StoreConfig};

use assay_model::{
    Problem,
    seam::{blob::BlobStore, meta::MetaStore},
};
use std::{path::Path, sync::Arc};

/// Both stores of an installation.
#[derive(Clone)]
pub struct Stores {
    /// Metadata.
    pub meta: Arc<dyn MetaStore>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
}

/// Opens both stores, makes what is missing (folders, schema) and checks that they answer.
///
/// # Errors
/// When an address is malformed, a store cannot be reached, or the schema was written by a newer version.
pub async fn open(config: &StoreConfig) -> Result<Stores, Problem> {
    Ok(Stores { meta: open_meta(&config.metadata).await?, blobs: open_blobs(config).await? })
}

/// Opens the metadata store at `sqlite:PATH` or `postgres://...`.
///
/// # Errors
/// As [`open`].
pub async fn open_meta(address: &str) -> Result<Arc<dyn MetaStore>, Problem> {
    if let Some(path) = address.strip_prefix("sqlite:") {
        let path = path.to_owned();
        return blocking(move || {
            make_parent(Path::new(&path))?;
            Ok(Arc::new(sqlite::SqliteStore::open(Path::new(&path))?) as Arc<dyn MetaStore>)
        })
        .await;
    }
    if address.starts_with("postgres://") || address.starts_with("postgresql://") {
        let address = address.to_owned();
        return blocking(move || Ok(Arc::new(postgres::PostgresStore::open(&address)?) as Arc<dyn MetaStore>)).await;
    }
    Err(Problem::invalid(
        "bad-store-address",
        format!("`{}` names no metadata store; use sqlite:PATH or postgres://...", config::redacted(address)),
    ))
}

/// Opens the blob store at `file:DIRECTORY` or `s3://BUCKET/PREFIX`.
///
/// # Errors
/// As [`open`].
pub async fn open_blobs(config: &StoreConfig) -> Result<Arc<dyn BlobStore>, Problem> {
    if let Some(path) = config.blobs.strip_prefix("file:") {
        let path = path.to_owned();
        return blocking(move || Ok(Arc::new(blob::files::FileBlobs::open(Path::new(&path))?) as Arc<dyn BlobStore>))
            .await;
    }
    if let Some(place) = config.blobs.strip_prefix("s3://") {
        return Ok(Arc::new(blob::s3::S3Blobs::open(place, &config.s3)?));
    }
    Err(Problem::invalid(
        "bad-store-address",
        format!("`{}` names no blob store; use file:DIRECTORY or s3://BUCKET/PREFIX", config.blobs),
    ))
}

fn make_parent(path: &Path) -> Result<(), Problem> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::create_dir_all(parent)
            .map_err(|e| Problem::internal(format!("cannot make the folder {}: {e}", parent.display()), e)),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(job: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(job).await.map_err(|e| Problem::internal("opening a store was cut off", e))?
}
