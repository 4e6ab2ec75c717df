//! Blob stores: files and S3.

use assay_model::{
    Digest,
    problem::Kind,
    seam::{ByteStream, blob::BlobStore},
};
use assay_store::{S3Config, StoreConfig};
use futures_util::StreamExt as _;
use std::{
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::{SystemTime, UNIX_EPOCH},
};

/// A blob store of its own for one test, and a place for spool files.
struct Shelf {
    blobs: Arc<dyn BlobStore>,
    home: tempfile::TempDir,
}

impl Shelf {
    fn spool(&self, content: &[u8]) -> PathBuf {
        let mut file = tempfile::NamedTempFile::new_in(self.home.path()).unwrap();
        file.write_all(content).unwrap();
        file.into_temp_path().keep().unwrap()
    }
    async fn put(&self, content: &[u8]) -> Digest {
        let (digest, spooled) = (Digest::of(content), self.spool(content));
        self.blobs.put(&digest, &spooled).await.unwrap();
        assert!(!spooled.exists(), "the spool file is consumed");
        digest
    }
}

async fn files() -> Shelf {
    let home = tempfile::tempdir().unwrap();
    let config = StoreConfig::embedded(&home.path().join("data")).unwrap();
    Shelf { blobs: assay_store::open_blobs(&config).await.unwrap(), home }
}

async fn s3() -> Option<Shelf> {
    let Ok(place) = std::env::var("ASSAY_TEST_S3") else {
        static ONCE: Once = Once::new();
        crate::world::skipped(&ONCE, "ASSAY_TEST_S3 is not set, so nothing is known about S3");
        return None;
    };
    let (endpoint, bucket) = place.trim_end_matches('/').rsplit_once('/').unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let config = StoreConfig {
        blobs: format!("s3://{bucket}/test/{now}"),
        s3: S3Config {
            endpoint: endpoint.to_owned(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            ..S3Config::default()
        },
        ..StoreConfig::default()
    };
    Some(Shelf { blobs: assay_store::open_blobs(&config).await.unwrap(), home: tempfile::tempdir().unwrap() })
}

macro_rules! shelves {
    ($($name:ident),* $(,)?) => {
        mod on_files {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(super::files().await).await;
                }
            )*
        }
        mod on_s3 {
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(shelf) = super::s3().await {
                        super::$name(shelf).await;
                    }
                }
            )*
        }
    };
}

shelves!(
    what_is_put_can_be_read,
    ranges_are_clamped_or_refused,
    a_missing_blob_is_not_found,
    a_local_copy_can_be_sought,
    deleting_and_putting_again,
    blobs_are_listed_in_order,
    a_spool_file_that_vanished_is_refused,
    a_large_blob_goes_in_parts,
);

async fn collect(mut stream: ByteStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 7 + i / 251) as u8).collect()
}

async fn what_is_put_can_be_read(shelf: Shelf) {
    for size in [0, 1, 4096, 128 * 1024, 128 * 1024 + 1, 1_000_000] {
        let content = pattern(size);
        let digest = shelf.put(&content).await;
        assert_eq!(shelf.blobs.stat(&digest).await.unwrap(), Some(size as u64));
        assert!(collect(shelf.blobs.open(&digest, None).await.unwrap()).await == content, "{size}");
    }
    let again = shelf.put(&pattern(4096)).await;
    assert_eq!(shelf.blobs.stat(&again).await.unwrap(), Some(4096), "storing again is harmless");
}

async fn ranges_are_clamped_or_refused(shelf: Shelf) {
    let content = pattern(300_000);
    let digest = shelf.put(&content).await;
    for (start, end) in [(0, 1), (5, 5), (1, 300_000), (131_072, 262_145), (299_999, 999_999), (300_000, 300_001)] {
        let read = collect(shelf.blobs.open(&digest, Some(start..end)).await.unwrap()).await;
        assert!(read == content[start as usize..(end as usize).min(content.len())], "{start}..{end}");
    }
    let beyond = shelf.blobs.open(&digest, Some(300_001..300_002)).await.err().unwrap();
    assert_eq!(beyond.kind, Kind::Range);
}

async fn a_missing_blob_is_not_found(shelf: Shelf) {
    let nothing = Digest::of(b"nothing");
    assert_eq!(shelf.blobs.open(&nothing, None).await.err().unwrap().kind, Kind::NotFound);
    assert_eq!(shelf.blobs.local(&nothing).await.err().unwrap().kind, Kind::NotFound);
    assert_eq!(shelf.blobs.stat(&nothing).await.unwrap(), None);
    shelf.blobs.delete(&nothing).await.unwrap();
}

async fn a_local_copy_can_be_sought(shelf: Shelf) {
    let content = pattern(200_000);
    let digest = shelf.put(&content).await;
    let mut local = shelf.blobs.local(&digest).await.unwrap();
    local.seek(SeekFrom::End(-10)).unwrap();
    let mut end = Vec::new();
    local.read_to_end(&mut end).unwrap();
    assert_eq!(end, content[199_990..]);
}

async fn deleting_and_putting_again(shelf: Shelf) {
    let digest = shelf.put(b"bytes").await;
    shelf.blobs.delete(&digest).await.unwrap();
    assert_eq!(shelf.blobs.stat(&digest).await.unwrap(), None);
    assert_eq!(shelf.put(b"bytes").await, digest);
    assert_eq!(collect(shelf.blobs.open(&digest, None).await.unwrap()).await, b"bytes");
}

async fn blobs_are_listed_in_order(shelf: Shelf) {
    let mut digests = Vec::new();
    for i in 0..30_u8 {
        digests.push(shelf.put(&vec![i; usize::from(i)]).await);
    }
    digests.sort();
    let mut listed = Vec::new();
    loop {
        let page = shelf.blobs.list(listed.last(), 7).await.unwrap();
        if page.is_empty() {
            break;
        }
        for (digest, size) in page {
            assert_eq!(shelf.blobs.stat(&digest).await.unwrap(), Some(size));
            listed.push(digest);
        }
    }
    assert_eq!(listed, digests);
}

async fn a_spool_file_that_vanished_is_refused(shelf: Shelf) {
    let digest = Digest::of(b"vanished");
    let spooled = shelf.spool(b"vanished");
    std::fs::remove_file(&spooled).unwrap();
    assert!(shelf.blobs.put(&digest, &spooled).await.is_err());
    assert_eq!(shelf.blobs.stat(&digest).await.unwrap(), None);
}

async fn a_large_blob_goes_in_parts(shelf: Shelf) {
    let content = pattern((33 << 20) + 5);
    let digest = shelf.put(&content).await;
    assert_eq!(shelf.blobs.stat(&digest).await.unwrap(), Some(content.len() as u64));
    let start = (16 << 20) - 3;
    let read = collect(shelf.blobs.open(&digest, Some(start..start + 100)).await.unwrap()).await;
    assert!(read == content[start as usize..start as usize + 100]);
    assert!(collect(shelf.blobs.open(&digest, None).await.unwrap()).await == content);
}

fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(tree(&path)) } else { files.push(path) }
    }
    files
}

/// A reader that looks all the time while the same blobs are put and deleted sees whole blobs or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_never_seen_in_part() {
    let shelf = Arc::new(files().await);
    let content = pattern(700_000);
    let digest = Digest::of(&content);
    let writer = tokio::spawn({
        let (shelf, content) = (shelf.clone(), content.clone());
        async move {
            for _ in 0..30 {
                let digest = shelf.put(&content).await;
                shelf.blobs.delete(&digest).await.unwrap();
            }
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        if let Some(size) = shelf.blobs.stat(&digest).await.unwrap() {
            assert_eq!(size, content.len() as u64);
        }
        match shelf.blobs.open(&digest, None).await {
            Ok(stream) => {
                assert!(collect(stream).await == content);
                seen += 1;
            }
            Err(problem) => assert_eq!(problem.kind, Kind::NotFound),
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    assert!(seen > 0, "the reader was there in time");
    assert!(tree(&shelf.home.path().join("data/blobs")).is_empty(), "nothing is left behind");
}

/// A blob that was cut short, say by a failing disk, is made whole by the next put, and never streamed as if it were whole.
#[tokio::test]
async fn a_torn_blob_is_mended() {
    let shelf = files().await;
    let content = pattern(500_000);
    let digest = shelf.put(&content).await;
    let stored = tree(&shelf.home.path().join("data/blobs")).remove(0);
    let stream = shelf.blobs.open(&digest, None).await.unwrap();
    std::fs::OpenOptions::new().write(true).open(&stored).unwrap().set_len(300_000).unwrap();
    let chunks: Vec<_> = stream.collect().await;
    assert!(chunks.last().unwrap().is_err(), "fewer bytes than promised are an error");
    shelf.put(&content).await;
    assert!(collect(shelf.blobs.open(&digest, None).await.unwrap()).await == content);
}

#[tokio::test]
async fn addresses_are_checked() {
    for (metadata, blobs) in [("mysql://x", "file:/tmp"), ("", "file:/tmp"), ("sqlite:/proc/nowhere/x.db", "file:/tmp")]
    {
        let config = StoreConfig { metadata: metadata.into(), blobs: blobs.into(), ..StoreConfig::default() };
        assert!(assay_store::open(&config).await.is_err(), "{config:?}");
    }
    let home = tempfile::tempdir().unwrap();
    for blobs in ["", "ftp://x", "s3://"] {
        let config = StoreConfig { blobs: blobs.into(), ..StoreConfig::embedded(home.path()).unwrap() };
        assert!(assay_store::open(&config).await.is_err(), "{config:?}");
    }
}
