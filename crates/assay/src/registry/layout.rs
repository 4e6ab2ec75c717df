//! An OCI image layout on disk (OCI image specification, image layout).

use assay_model::digest::Digest;
use serde_json::json;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where a blob stands.
pub(super) fn blob(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join("blobs").join(digest.algorithm()).join(digest.hex())
}

/// Writes the manifest and what makes the folder a layout.
pub(super) fn write(folder: &Path, digest: &str, media: &str, manifest: &[u8], name: &str) -> io::Result<()> {
    let hex = digest.rsplit(':').next().unwrap_or(digest);
    let blobs = folder.join("blobs").join("sha256");
    fs::create_dir_all(&blobs)?;
    fs::write(blobs.join(hex), manifest)?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": media, "digest": digest, "size": manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": name},
        }],
    });
    fs::write(folder.join("index.json"), index.to_string())?;
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
}

/// Of this machine, as images name it.
pub(super) fn own_platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("linux/{architecture}")
}
