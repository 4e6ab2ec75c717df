//! What names things across reports: the UID of a package, the fingerprint of a finding, the id of an artifact, UUIDs.

use super::{
    hash::{self, Structure},
    model::{Layer, Location, Package},
    purl::Parts,
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Positions of the relationships in Trivy's enumeration.
const RELATIONSHIPS: [&str; 5] = ["unknown", "root", "workspace", "direct", "indirect"];

/// The UID of a package found under `path`; `path` is empty for packages of the system. `purl` is given for packages
/// whose purl came with them, from a bill of materials.
pub(super) fn uid(path: &str, package: &Package, purl: Option<&Parts>) -> String {
    format!("{:x}", hash::map([("filePath", hash::text(path)), ("pkg", structure(package, purl))]))
}

fn structure(p: &Package, purl: Option<&Parts>) -> u64 {
    let relationship = RELATIONSHIPS.iter().position(|name| *name == p.relationship).unwrap_or(0);
    let locations = p.locations.iter().map(|l| location(*l));
    let identifier = purl.map(|purl| {
        let named = Structure::new("PkgIdentifier").part("PURL", Some(purl.hashed()));
        named.text("BOMRef", &p.identifier.bom_ref).end()
    });
    Structure::new("Package")
        .text("ID", &p.id)
        .text("Name", &p.name)
        .part("Identifier", identifier)
        .text("Version", &p.version)
        .text("Release", &p.release)
        .integer("Epoch", p.epoch)
        .text("Arch", &p.arch)
        .flag("Dev", p.dev)
        .text("SrcName", &p.src_name)
        .text("SrcVersion", &p.src_version)
        .text("SrcRelease", &p.src_release)
        .integer("SrcEpoch", p.src_epoch)
        .texts("Licenses", &p.licenses)
        .text("Maintainer", &p.maintainer)
        .text("Modularitylabel", &p.modularity_label)
        .flag("Indirect", p.indirect)
        .integer("Relationship", i64::try_from(relationship).unwrap_or(0))
        .texts("DependsOn", &p.depends_on)
        .part("Layer", (purl.is_some() && p.layer != Layer::default()).then(|| layer(&p.layer)))
        .text("FilePath", &p.file_path)
        .text("Digest", &p.digest)
        .part("Locations", (!p.locations.is_empty()).then(|| hash::list(locations)))
        .texts("InstalledFiles", &p.installed_files)
        .text("AnalyzedBy", &p.analyzed_by)
        .end()
}

fn location(l: Location) -> u64 {
    let (first, last) = (i64::from(l.start_line), i64::from(l.end_line));
    Structure::new("Location").integer("StartLine", first).integer("EndLine", last).end()
}

fn layer(l: &Layer) -> u64 {
    let size = i64::try_from(l.size).unwrap_or(0);
    Structure::new("Layer")
        .integer("Size", size)
        .text("Digest", &l.digest)
        .text("DiffID", &l.diff_id)
        .text("CreatedBy", &l.created_by)
        .end()
}

/// The fingerprint of a finding.
pub(super) fn fingerprint(artifact: &str, target: &str, package: &str, vulnerability: &str) -> String {
    sha256(&format!("{artifact}:{target}:{package}:{vulnerability}"))
}

/// The id of an image by its configuration's digest and the name (with or without a tag) under which it was found.
pub(super) fn of_image(image: &str, reference: &str) -> String {
    match (image, repository(reference)) {
        ("", _) | (_, None) => String::new(),
        (image, Some(repository)) => sha256(&format!("{image}:{repository}")),
    }
}

/// The id of a git repository at a commit.
pub(super) fn of_repository(url: &str, commit: &str) -> String {
    if url.is_empty() || commit.is_empty() { String::new() } else { sha256(&format!("{url}@{commit}")) }
}

fn sha256(text: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

/// `ghcr.io/group/name` of `ghcr.io/group/name:tag`; names without a registry belong to Docker's.
fn repository(reference: &str) -> Option<String> {
    let name = reference.split('@').next().filter(|name| !name.is_empty())?;
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    Some(match name.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => name.to_owned(),
        Some(_) => format!("index.docker.io/{name}"),
        None => format!("index.docker.io/library/{name}"),
    })
}

/// UUIDs made from a time and what they are for, so that the same report at the same time has the same ones.
#[derive(Clone, Debug)]
pub struct Uuids {
    seed: [u8; 32],
    millisecond: u64,
    given: u64,
}

impl Uuids {
    /// A source of UUIDs for something with this content, made at this time.
    #[must_use]
    pub fn new(content: &[u8], at: Timestamp) -> Self {
        let millisecond = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Self { seed: Sha256::digest(content).into(), millisecond, given: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        self.given += 1;
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.given.to_le_bytes()).finalize();
        let mut bytes = [0_u8; 16];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        bytes
    }

    /// One of version 7 (RFC 9562): sorted by time.
    pub fn by_time(&mut self) -> String {
        let mut bytes = self.next();
        bytes.iter_mut().zip(self.millisecond.to_be_bytes().into_iter().skip(2)).for_each(|(to, from)| *to = from);
        dashed(bytes, 7)
    }

    /// One in the form of version 4.
    pub fn plain(&mut self) -> String {
        let bytes = self.next();
        dashed(bytes, 4)
    }
}

fn dashed(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_package_of_a_lock_file_has_the_uid_that_others_compute() {
        let package = Package {
            id: "regex@1.7.3".into(),
            name: "regex".into(),
            version: "1.7.3".into(),
            relationship: "direct".into(),
            depends_on: ["aho-corasick@0.7.20", "memchr@2.7.4", "regex-syntax@0.6.29"].map(str::to_owned).into(),
            locations: vec![Location { start_line: 44, end_line: 53 }],
            analyzed_by: "cargo".into(),
            ..Package::default()
        };
        assert_eq!(uid("Cargo.lock", &package, None), "57a64064d2c70151");
        let licensed = Package {
            name: "z".into(),
            licenses: vec!["MIT".into()],
            indirect: true,
            dev: true,
            epoch: 1,
            ..Package::default()
        };
        assert_ne!(uid("", &licensed, None), uid("", &Package { epoch: 2, ..licensed.clone() }, None));
    }

    #[test]
    fn artifacts_have_ids_of_their_configuration_and_name() {
        let image = "sha256:961769676411f082461f9ef46626dd7a2d1e2b2a38e6a44364bcbecf51e66dd4";
        let id = of_image(image, "ghcr.io/aquasecurity/trivy-test-images:alpine-310");
        assert_eq!(id, "sha256:39549bf49d696f172a6513103cdc8f53717024ad1fbce62d680a8e7ddde1a612");
        assert_eq!(repository("localhost:5000/a/b:1").unwrap(), "localhost:5000/a/b");
        assert_eq!(repository("alpine").unwrap(), "index.docker.io/library/alpine");
        assert_eq!(repository("a/b@sha256:0").unwrap(), "index.docker.io/a/b");
        assert_eq!(of_image(image, ""), "");
    }

    #[test]
    fn the_same_report_at_the_same_time_has_the_same_uuid() {
        let at: Timestamp = "2021-08-25T12:20:30.000000005Z".parse().unwrap();
        let mut uuids = Uuids::new(b"x", at);
        let (first, second) = (uuids.by_time(), uuids.plain());
        assert!(first.starts_with("017b7d41-32b0-7") && first.len() == 36, "{first}");
        assert_eq!(second.as_bytes().get(14), Some(&b'4'), "{second}");
        assert_eq!(Uuids::new(b"x", at).by_time(), first);
        assert_ne!(Uuids::new(b"y", at).by_time(), first);
    }
}
