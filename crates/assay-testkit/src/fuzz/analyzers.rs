//! Targets of `assay-analyzers`: each analyzer on the files it wants, and the inspector on whole artifacts.
//!
//! They follow the crate's own list: a new analyzer is fuzzed as soon as [`samples`] holds a file that it wants, and a
//! test fails until then.

use std::io::Cursor;
use std::time::Duration;

use assay_analyzers::{Part, Selection, StandardInspector};
use assay_archive::{Budget, Limits};
use assay_model::inventory::Inventory;
use assay_model::seam::analyzer::Entry;
use assay_model::seam::inspector::Inspector;

use super::{Target, packages, projects, systems};
use crate::make::{gzip, oci, sdist, tar, wheel::Wheel};

/// A file as an analyzer meets it.
struct Sample {
    path: &'static str,
    is_artifact: bool,
    bytes: Vec<u8>,
}

pub(super) fn targets() -> Vec<Target> {
    let mut all = Vec::new();
    for (at, part) in assay_analyzers::all().iter().enumerate() {
        let wanted: Vec<Sample> = samples().into_iter().filter(|sample| takes(part.as_ref(), sample)).collect();
        let name = format!("analyzer-{}", part.spec().id);
        let seeds = wanted.iter().map(|sample| sample.bytes.clone()).collect();
        let part = assay_analyzers::all().swap_remove(at);
        let selection =
            Selection { reads: vec![part.spec().reads], secrets: false, licenses: false, ..Selection::default() };
        let inspector = StandardInspector::new(limits()).selecting(selection);
        all.push(Target::new(name, seeds, move |input| {
            for sample in &wanted {
                alone(part.as_ref(), sample, input);
                if !sample.is_artifact {
                    in_a_tree(&inspector, sample.path, input);
                }
            }
        }));
    }
    let inspector = StandardInspector::new(limits());
    all.push(Target::new("inspect-layer", layers(), move |input| {
        if let Ok(inventory) = inspector.layer(&mut Cursor::new(input)) {
            sound(&inventory);
            let digest = assay_model::Digest::of(input);
            let _ = inspector.compose(&[(digest.clone(), inventory.clone()), (digest, inventory)]);
        }
    }));
    let inspector = StandardInspector::new(limits());
    let artifacts = samples().into_iter().filter(|sample| sample.is_artifact).map(|sample| sample.bytes);
    all.push(Target::new("inspect-file", artifacts.chain(layers()).collect(), move |input| {
        for name in ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-1.0.tgz", "a.jar", "a.zip", "a.bin"] {
            if let Ok(inventory) = inspector.file(name, input.len() as u64, &mut Cursor::new(input)) {
                sound(&inventory);
            }
        }
    }));
    all
}

/// Whether the analyzer does anything with such a file: reads it, keeps it to read it with others, or learns from it what
/// packages own.
fn takes(part: &dyn Part, sample: &Sample) -> bool {
    let entry = entry(sample, sample.bytes.len());
    part.wants(&entry)
        || part.gathers(&entry)
        || part.lists_owned_files(sample.path)
        || part.licence_of(sample.path).is_some()
}

fn alone(part: &dyn Part, sample: &Sample, input: &[u8]) {
    let entry = entry(sample, input.len());
    let mut out = Inventory::default();
    // Errors are an answer; what is looked for is worse.
    let _ = part.look(&entry, &mut Cursor::new(input), &Budget::new(limits()), &mut out);
    let _ = part.payload(&mut Cursor::new(input));
    let _ = part.owns(&entry, &mut Cursor::new(input), &Budget::new(limits()), &mut |_, _| {});
    sound(&out);
}

/// The file where it usually lies, with what usually lies beside it.
fn in_a_tree(inspector: &StandardInspector, path: &str, input: &[u8]) {
    let beside = projects::BESIDE.iter().filter(|(other, _)| *other != path);
    let files: Vec<(&str, &[u8])> =
        beside.map(|(path, text)| (*path, text.as_bytes())).chain([(path, input)]).collect();
    let tree = tar(&files).unwrap_or_default();
    if let Ok(inventory) = inspector.file("tree.bin", tree.len() as u64, &mut Cursor::new(&tree)) {
        sound(&inventory);
    }
}

/// What holds of every inventory: it can be stored, components can be named, and gaps have a reason.
fn sound(inventory: &Inventory) {
    assert!(serde_json::to_vec(inventory).is_ok());
    for found in &inventory.components {
        assert!(found.component.purl.starts_with("pkg:") && !found.component.name.is_empty(), "{found:?}");
    }
    for skipped in &inventory.skipped {
        assert!(!skipped.reason.is_empty() && !skipped.detail.is_empty(), "{skipped:?}");
    }
}

fn entry(sample: &Sample, size: usize) -> Entry<'_> {
    let head = sample.bytes.get(..sample.bytes.len().min(512)).unwrap_or_default();
    Entry { path: sample.path, size: size as u64, is_artifact: sample.is_artifact, head }
}

/// Bounds under which no input may take long.
fn limits() -> Limits {
    Limits::default()
        .with_entries(10_000)
        .with_entry_bytes(8 << 20)
        .with_total_bytes(16 << 20)
        .with_metadata_bytes(1 << 20)
        .with_deadline(Duration::from_secs(5))
}

fn layers() -> Vec<Vec<u8>> {
    let layer = tar(&[
        ("etc/os-release", OS_RELEASE),
        ("lib/apk/db/installed", APK),
        ("var/lib/dpkg/status", DPKG),
        ("usr/lib/python3/site-packages/a-1.dist-info/METADATA", METADATA),
        ("usr/lib/node_modules/a/package.json", PACKAGE_JSON),
        ("usr/lib/.wh.old", b""),
        ("opt/.wh..wh..opq", b""),
    ]);
    let apk = oci::Apk { name: "musl", version: "1.1.22-r3", origin: "musl", license: "MIT" };
    let image = oci::Image::new().alpine("3.10.9", &[apk]).and_then(|image| image.docker_archive("a:1"));
    [layer, image].into_iter().flatten().collect()
}

const OS_RELEASE: &[u8] = b"ID=alpine\nVERSION_ID=3.10.9\nPRETTY_NAME=\"Alpine Linux v3.10\"\n";
const APK: &[u8] =
    b"C:Q1AA=\nP:musl\nV:1.1.22-r3\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\nP:b\nV:1\n\n";
const DPKG: &[u8] = b"Package: curl\nStatus: install ok installed\nArchitecture: amd64\nSource: curl (7.88.1-10)\n\
    Version: 7.88.1-10+deb12u5\nDescription: x\n .\n y\nDepends: libc6 (>= 2.34), libcurl4\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 1\n";
const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\nLicense: MIT\n\
    Classifier: License :: OSI Approved :: MIT License\nRequires-Dist: b[x]>=1,<2; python_version < \"3.9\"\n\nText.\n";
const PACKAGE_JSON: &[u8] = br#"{"name":"@s/a","version":"1.0.0","license":"MIT","dependencies":{"b":"^1.0.0"}}"#;

const CYCLONEDX: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"application","bom-ref":"r","name":"r"}},"components":[{"type":"library","bom-ref":"a","name":"a","version":"1","purl":"pkg:deb/debian/a@1?upstream=b%402&distro=debian-12","licenses":[{"expression":"MIT"}],"hashes":[{"alg":"SHA-1","content":"aa"}],"properties":[{"name":"syft:location:0:path","value":"/x"}],"components":[{"name":"b"}]}],"dependencies":[{"ref":"r","dependsOn":["a"]}]}"#;
const CYCLONEDX_XML: &[u8] = br#"<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="library" bom-ref="a"><name>a</name><version>1</version><licenses><license><id>MIT</id></license></licenses><purl>pkg:npm/a@1</purl></component></components><dependencies><dependency ref="a"/></dependencies></bom>"#;
const SPDX: &[u8] =
    b"SPDXVersion: SPDX-2.3\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nPackageComment: <text>x\ny</text>\n\
    ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a\n";
const SPDX_JSON: &[u8] = br#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","sourceInfo":"built package from: b 2","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:rpm/redhat/a@1?epoch=1"}]}],"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-b"}]}"#;
const SPDX_3: &[u8] = br#"{"@graph":[{"type":"CreationInfo","specVersion":"3.0.1"},{"type":"software_Package","spdxId":"x#a","name":"a","software_packageUrl":"pkg:npm/a@1"},{"type":"Relationship","from":"x#a","relationshipType":"dependsOn","to":["x#b"]},{"type":"Annotation","subject":"x#a","statement":"{\"assay:path\":\"p\"}"}]}"#;
const ENVELOPE: &[u8] = br#"{"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":"eyJwcmVkaWNhdGUiOnsiYm9tRm9ybWF0IjoiQ3ljbG9uZURYIiwiY29tcG9uZW50cyI6W3sibmFtZSI6ImEifV19fQ=="}}"#;

fn samples() -> Vec<Sample> {
    let file = |path, bytes: &[u8]| Sample { path, is_artifact: false, bytes: bytes.to_vec() };
    let artifact = |path, bytes| Sample { path, is_artifact: true, bytes };
    let of = |(path, is_artifact, bytes)| Sample { path, is_artifact, bytes };
    let npm = tar(&[("package/package.json", PACKAGE_JSON)]).and_then(|tar| gzip(&tar)).unwrap_or_default();
    let wheel = Wheel::new("a", "1.0").requires("b>=1").build().map(|built| built.bytes).unwrap_or_default();
    let sdist = sdist::sdist("a", "1.0", &["b"]).map(|built| built.bytes).unwrap_or_default();
    vec![
        file("etc/os-release", OS_RELEASE),
        file("etc/alpine-release", b"3.10.9\n"),
        file("etc/debian_version", b"12.5\n"),
        file("lib/apk/db/installed", APK),
        file("var/lib/dpkg/status", DPKG),
        file("var/lib/dpkg/status.d/curl", DPKG),
        file("usr/lib/python3/site-packages/a-1.0.dist-info/METADATA", METADATA),
        file("usr/lib/python3/site-packages/a-1.0.egg-info/PKG-INFO", METADATA),
        file("usr/lib/node_modules/@s/a/package.json", PACKAGE_JSON),
        file("x/a.cdx.json", CYCLONEDX),
        file("x/a.cdx.xml", CYCLONEDX_XML),
        file("x/a.spdx", SPDX),
        file("x/a.spdx.json", SPDX_JSON),
        file("x/a.spdx3.json", SPDX_3),
        file("x/b.cdx.json", ENVELOPE),
        artifact("a-1.0.tgz", npm),
        artifact("a-1.0-py3-none-any.whl", wheel),
        artifact("a-1.0.tar.gz", sdist),
    ]
    .into_iter()
    .chain(packages::samples().into_iter().chain(systems::samples()).map(of))
    .chain(projects::SAMPLES.iter().map(|(path, text)| file(path, text.as_bytes())))
    .collect()
}
