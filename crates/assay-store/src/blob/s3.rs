//! Blobs as objects of an S3-compatible service: `PREFIX/sha256/<digest>`. A put is whole or not there; storing the same
//! digest twice writes the same bytes, so nothing depends on conditional writes, which some services ignore.

use super::{CHUNK, clamp, missing};
use crate::config::S3Config;
use assay_model::{
    Digest, Problem,
    seam::{ByteStream, ReadSeek, Task, blob::BlobStore},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::{
    ClientConfigKey, Error, GetOptions, ObjectStore, ObjectStoreExt as _, RetryConfig, WriteMultipart,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path as Key,
};
use std::{
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    ops::Range,
    path::Path,
    sync::Arc,
    time::Duration,
};

/// Larger blobs are sent in parts. At 16 MiB a part, the 10,000 parts that services allow make 156 GiB.
const WHOLE: u64 = 16 << 20;
/// Parts under way at the same time.
const PARTS: usize = 4;

/// How often a request is sent again, and for how long: a client waits for the outcome.
const RETRIES: usize = 4;
const RETRY: Duration = Duration::from_secs(15);
/// How long connecting may take, and how long the service may say nothing.
const CONNECT: &str = "5 seconds";
const SILENCE: &str = "15 seconds";
/// How long a whole answer may take: as long as the client that a large blob is sent on to.
const WHOLE_ANSWER: &str = "1 day";

/// Blobs of one bucket below a prefix.
pub struct S3Blobs {
    store: Arc<AmazonS3>,
    prefix: Key,
}

impl S3Blobs {
    /// A store at `BUCKET` or `BUCKET/PREFIX`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address or a setting is malformed.
    pub fn open(place: &str, config: &S3Config) -> Result<Self, Problem> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(Problem::invalid("bad-store-address", "the blob store's address lacks a bucket: s3://BUCKET"));
        }
        // credentials that are not set here come from the environment or the machine's role
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), WHOLE_ANSWER)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), CONNECT)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ReadTimeout), SILENCE)
            .with_retry(RetryConfig { max_retries: RETRIES, retry_timeout: RETRY, ..RetryConfig::default() })
            .with_region(&config.region)
            .with_virtual_hosted_style_request(!config.path_style);
        if !config.endpoint.is_empty() {
            builder = builder.with_endpoint(&config.endpoint).with_allow_http(config.endpoint.starts_with("http://"));
        }
        if !config.access_key_id.is_empty() {
            builder =
                builder.with_access_key_id(&config.access_key_id).with_secret_access_key(&config.secret_access_key);
        }
        if !config.session_token.is_empty() {
            builder = builder.with_token(&config.session_token);
        }
        let store = builder
            .build()
            .map_err(|e| Problem::invalid("bad-store-address", format!("the blob store s3://{place}: {e}")))?;
        let prefix = Key::parse(prefix)
            .map_err(|e| Problem::invalid("bad-store-address", format!("the blob store s3://{place}: {e}")))?;
        Ok(Self { store: Arc::new(store), prefix })
    }

    fn key(&self, digest: &Digest) -> Key {
        self.prefix.clone().join(digest.algorithm()).join(digest.hex())
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, Problem> {
        match self.store.head(&self.key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("look at", error)),
        }
    }

    async fn send(&self, digest: &Digest, spooled: &Path) -> Result<(), Problem> {
        let local = |e: io::Error| Problem::internal(format!("cannot read {}: {e}", spooled.display()), e);
        let file = std::fs::File::open(spooled).map_err(local)?;
        let size = file.metadata().map_err(local)?.len();
        if self.size(digest).await? != Some(size) {
            if size <= WHOLE {
                let (bytes, _) = read_some(file, size).await.map_err(local)?;
                self.store.put(&self.key(digest), bytes.into()).await.map_err(|e| failed("store", e))?;
            } else {
                self.send_parts(digest, file, size).await?;
            }
        }
        std::fs::remove_file(spooled).map_err(local)
    }

    /// Sends a large blob; an upload that fails is taken back, so that its parts do not stay.
    async fn send_parts(&self, digest: &Digest, mut file: std::fs::File, size: u64) -> Result<(), Problem> {
        let upload = self.store.put_multipart(&self.key(digest)).await.map_err(|e| failed("store", e))?;
        let part = usize::try_from(WHOLE).unwrap_or(CHUNK);
        let mut writer = WriteMultipart::new_with_chunk_size(upload, part);
        let mut left = size;
        while left > 0 {
            if let Err(error) = writer.wait_for_capacity(PARTS).await {
                let _ = writer.abort().await;
                return Err(failed("store", error));
            }
            match read_some(file, left.min(WHOLE)).await {
                Ok((bytes, same)) => {
                    left -= bytes.len() as u64;
                    writer.put(bytes);
                    file = same;
                }
                Err(error) => {
                    let _ = writer.abort().await;
                    return Err(Problem::internal("a spooled file cannot be read to its end", error));
                }
            }
        }
        // aborts by itself when it fails
        writer.finish().await.map(|_| ()).map_err(|e| failed("store", e))
    }

    async fn stream(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<ByteStream, Problem> {
        let size = self.size(digest).await?.ok_or_else(|| missing(digest))?;
        let range = clamp(range, size)?;
        if range.is_empty() {
            return Ok(Box::pin(futures_util::stream::empty()));
        }
        let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
        let got = self.store.get_opts(&self.key(digest), options).await.map_err(|e| failed("read", e))?;
        Ok(Box::pin(got.into_stream().map_err(io::Error::other)))
    }

    /// A copy in a file that has no name: it is gone when it is closed, also by a crash.
    async fn download(&self, digest: &Digest) -> Result<std::fs::File, Problem> {
        let failed_here = |e: io::Error| Problem::internal("cannot keep a copy for analysis", e);
        let mut bytes = self.stream(digest, None).await?;
        let mut file = tempfile::tempfile().map_err(failed_here)?;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|e| Problem::unavailable("the object store broke off", e))?;
            let written = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file));
            file = written.await.map_err(|e| Problem::internal("a copy was cut off", e))?.map_err(failed_here)?;
        }
        file.seek(SeekFrom::Start(0)).map_err(failed_here)?;
        Ok(file)
    }
}

/// The next `size` bytes of a file, which is given back.
async fn read_some(mut file: std::fs::File, size: u64) -> io::Result<(Bytes, std::fs::File)> {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        file.read_exact(&mut bytes)?;
        Ok((Bytes::from(bytes), file))
    });
    read.await.map_err(io::Error::other)?
}

/// The digest that a key ends with; other objects below the prefix are not ours.
fn digest_of(key: &Key) -> Option<Digest> {
    let (folder, hex) = key.as_ref().rsplit_once('/')?;
    let algorithm = folder.rsplit('/').next()?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// What the service says of itself is for the log.
fn failed(verb: &str, error: Error) -> Problem {
    Problem::unavailable(
        &format!("cannot {verb} a blob in the object store, which does not answer as it should"),
        error,
    )
}

impl BlobStore for S3Blobs {
    fn put<'a>(&'a self, digest: &'a Digest, spooled: &'a Path) -> Task<'a, ()> {
        Box::pin(self.send(digest, spooled))
    }

    fn open<'a>(&'a self, digest: &'a Digest, range: Option<Range<u64>>) -> Task<'a, ByteStream> {
        Box::pin(self.stream(digest, range))
    }

    fn local<'a>(&'a self, digest: &'a Digest) -> Task<'a, Box<dyn ReadSeek>> {
        Box::pin(async { Ok(Box::new(self.download(digest).await?) as Box<dyn ReadSeek>) })
    }

    fn stat<'a>(&'a self, digest: &'a Digest) -> Task<'a, Option<u64>> {
        Box::pin(self.size(digest))
    }

    fn delete<'a>(&'a self, digest: &'a Digest) -> Task<'a, ()> {
        Box::pin(async {
            match self.store.delete(&self.key(digest)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failed("delete", error)),
            }
        })
    }

    fn list<'a>(&'a self, after: Option<&'a Digest>, limit: usize) -> Task<'a, Vec<(Digest, u64)>> {
        Box::pin(async move {
            // services list in order of the key, which is the order of digests
            let offset = after.map_or_else(|| self.prefix.clone().join("sha"), |a| self.key(a));
            let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
            let found: Vec<_> = self
                .store
                .list_with_offset(prefix, &offset)
                .try_filter_map(|meta| async move { Ok(digest_of(&meta.location).map(|digest| (digest, meta.size))) })
                .take(limit)
                .try_collect()
                .await
                .map_err(|e| failed("list", e))?;
            Ok(found)
        })
    }
}
