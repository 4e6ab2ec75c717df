//! Samples of what operating systems keep of their packages, of their package files, and of bills of materials.

use crate::make::{gzip, tar};

/// Path, whether it is the artifact itself, and the bytes.
type Sample = (&'static str, bool, Vec<u8>);

pub(super) fn samples() -> Vec<Sample> {
    let headers = [BASH, SIX].map(rpm_header);
    let mut all: Vec<Sample> = vec![
        ("var/lib/rpm/Packages", false, berkeley(&headers)),
        ("var/lib/rpm/Packages.db", false, ndb(&headers)),
        ("var/lib/rpm/rpmdb.sqlite", false, sqlite(&headers)),
        ("bash-5.1.8-6.el9.x86_64.rpm", true, rpm_file(&headers[0])),
        ("a_1.0_amd64.deb", true, deb()),
        ("a-1.0-r0.apk", true, tar(&[(".PKGINFO", PKGINFO)]).and_then(|tar| gzip(&tar)).unwrap_or_default()),
        (
            "a-1.0-1-x86_64.pkg.tar.gz",
            true,
            tar(&[(".PKGINFO", PKGINFO)]).and_then(|tar| gzip(&tar)).unwrap_or_default(),
        ),
        ("a.intoto.jsonl", true, envelope().into_bytes()),
    ];
    all.extend(FILES.iter().map(|(path, text)| (*path, false, text.as_bytes().to_vec())));
    all.extend(BILLS.iter().map(|(path, text)| (*path, true, text.as_bytes().to_vec())));
    all
}

const FILES: &[(&str, &str)] = &[
    ("var/lib/dpkg/info/curl.list", "/.\n/usr\n/usr/bin/curl\n"),
    (
        "usr/share/doc/curl/copyright",
        "Format: https://x.example/\nFiles: *\nLicense: MIT and (GPL-2+ or BSD-3-clause)\n Text\n .\n more\n",
    ),
    (
        "var/lib/rpmmanifest/container-manifest-1",
        "bash\t5.1.8-6.cm1\t1653816591\t1653628924\tMicrosoft Corporation\t(none)\t1000\tx86_64\t0\tbash-5.1.8-6.cm1.src.rpm\n",
    ),
    (
        "var/lib/rpmmanifest/container-manifest-2",
        "bash\t5.1.8-6.cm1\t1653816591\t1653628924\tMicrosoft Corporation\t(none)\t1000\tx86_64\t0\tbash-5.1.8-6.cm1.src.rpm\n",
    ),
    (
        "var/lib/pacman/local/bash-5.1-1/desc",
        "%NAME%\nbash\n\n%VERSION%\n1:5.1-1\n\n%BASE%\nbash\n\n%ARCH%\nx86_64\n\n%LICENSE%\nGPL\n\n%DEPENDS%\nglibc>=2\n\n%PROVIDES%\nsh=5\n",
    ),
    ("var/lib/pacman/local/bash-5.1-1/files", "%FILES%\nusr/\nusr/bin/bash\n\n%BACKUP%\netc/x\t00\n"),
    ("var/db/pkg/app-shells/bash-5.1_p16-r2/PF", "bash-5.1_p16-r2\n"),
    ("var/db/pkg/app-shells/bash-5.1_p16-r2/LICENSE", "GPL-3+ || ( MIT BSD )\n"),
    ("var/db/pkg/app-shells/bash-5.1_p16-r2/SLOT", "0/5\n"),
    ("var/db/pkg/app-shells/bash-5.1_p16-r2/RDEPEND", "!<app-misc/x-1 >=sys-libs/ncurses-5.2:0= || ( a/b c/d[x?] )\n"),
    ("var/db/pkg/app-shells/bash-5.1_p16-r2/CONTENTS", "dir /bin\nobj /bin/bash 00 1\nsym /bin/sh -> bash 1\n"),
    ("aarch64-bottlerocket-linux-gnu/sys-root/usr/share/bottlerocket/application-inventory.json", BOTTLEROCKET),
    ("usr/share/bottlerocket/application-inventory.json", BOTTLEROCKET),
    ("etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n"),
    ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"),
];

const BOTTLEROCKET: &str = r#"{"Content":[{"Name":"kernel","Publisher":"Bottlerocket","InstalledTime":"2024-01-01T00:00:00Z","ApplicationType":"Unspecified","Architecture":"x86_64","Url":"https://x.example","Version":"5.15.1","Release":"1","Epoch":"0","Summary":"The kernel"}]}"#;

const BILLS: &[(&str, &str)] = &[
    (
        "a.cdx.json",
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:0","metadata":{"component":{"bom-ref":"r","type":"application","name":"app","components":[]},"tools":{"components":[]}},"components":[{"bom-ref":"a","type":"library","name":"a","version":"1","purl":"pkg:npm/a@1","licenses":[{"license":{"id":"MIT"}},{"expression":"MIT OR X"}],"hashes":[{"alg":"SHA-256","content":"00"}],"properties":[{"name":"x","value":"y"}],"components":[{"type":"library","name":"b","version":"2"}]},{"type":"operating-system","name":"alpine","version":"3.10"}],"dependencies":[{"ref":"r","dependsOn":["a"]},{"ref":"a","dependsOn":["a","?"]}],"vulnerabilities":[]}"#,
    ),
    (
        "a.cdx.xml",
        r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5" serialNumber="urn:uuid:0" version="1"><metadata><component type="application" bom-ref="r"><name>app</name></component></metadata><components><component type="library" bom-ref="a"><group>g</group><name>a</name><version>1</version><licenses><license><id>MIT</id></license></licenses><purl>pkg:maven/g/a@1</purl><components><component type="library"><name>b</name></component></components></component></components><dependencies><dependency ref="r"><dependency ref="a"/></dependency></dependencies></bom>"#,
    ),
    (
        "a.spdx.json",
        r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"app","documentDescribes":["SPDXRef-r"],"packages":[{"SPDXID":"SPDXRef-r","name":"app"},{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","licenseDeclared":"MIT","licenseConcluded":"NOASSERTION","checksums":[{"algorithm":"SHA1","checksumValue":"00"}],"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:pypi/a@1"}],"sourceInfo":"built package from: a 1"}],"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"SPDXRef-r","relationshipType":"DESCRIBES"},{"spdxElementId":"SPDXRef-a","relatedSpdxElement":"SPDXRef-r","relationshipType":"DEPENDENCY_OF"}],"files":[]}"#,
    ),
    (
        "a.spdx",
        "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: app\n\n##### Package\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nPackageComment: <text>two\nlines</text>\nPackageLicenseDeclared: MIT\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a\n",
    ),
    (
        "a.spdx3.json",
        r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1"},{"type":"SpdxDocument","spdxId":"d","creationInfo":"_:c","rootElement":["r"]},{"type":"software_Package","spdxId":"r","name":"app"},{"type":"software_Package","spdxId":"a","name":"a","software_packageVersion":"1","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:npm/a@1"}]},{"type":"Relationship","spdxId":"x","from":"r","relationshipType":"dependsOn","to":["a"]}]}"#,
    ),
    (
        "a.sigstore.json",
        r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}}"#,
    ),
];

/// A statement in an envelope, as `cosign attest` writes it.
fn envelope() -> String {
    use base64::Engine as _;
    let statement = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"00"}}],"predicateType":"https://cyclonedx.org/bom","predicate":{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]}}"#;
    let payload = base64::engine::general_purpose::STANDARD.encode(statement);
    format!(r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[]}}"#)
}

const PKGINFO: &[u8] = b"# x\npkgname = a\npkgbase = a\npkgver = 1.0-r0\narch = x86_64\norigin = a\nlicense = MIT\ndepend = so:libc.so.6\nsize = 1\n";
const CONTROL: &[u8] = b"Package: a\nVersion: 1.0-1\nArchitecture: amd64\nSource: b (1.0)\nDepends: libc6 (>= 2.34) | c\nDescription: x\n y\n";

fn deb() -> Vec<u8> {
    let control = tar(&[("./control", CONTROL)]).and_then(|tar| gzip(&tar)).unwrap_or_default();
    let data = tar(&[("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", b"Name: a\nVersion: 1\n")]);
    let data = data.and_then(|tar| gzip(&tar)).unwrap_or_default();
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &control), ("data.tar.gz", &data)] {
        out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).as_bytes());
        out.extend(content);
        out.resize(out.len().next_multiple_of(2), b'\n');
    }
    out
}

/// Tag and text; a text of several lines is a list.
type Tags = &'static [(u32, &'static str)];
const BASH: Tags = &[
    (1000, "bash"),
    (1001, "5.1.8"),
    (1002, "6.el9"),
    (1004, "A shell"),
    (1011, "A vendor"),
    (1014, "GPLv3+"),
    (1022, "x86_64"),
    (1044, "bash-5.1.8-6.el9.src.rpm"),
    (1117, "sh\nbash"),
    (1118, "/usr/bin/\n/bin/"),
];
const SIX: Tags = &[
    (1000, "python3-six"),
    (1001, "1.15.0"),
    (1002, "9.module_el8"),
    (1022, "noarch"),
    (1049, "/usr/bin/sh\nbash"),
    (1050, "\n2.0"),
    (5096, "python39:3.9:8050020:1"),
];

/// A header as rpm stores it: an index of tags, then their data (rpm's `format_header`).
fn rpm_header(tags: Tags) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    let mut add = |tag: u32, kind: u32, count: usize, bytes: &[u8]| {
        for number in [tag, kind, small(data.len()), small(count)] {
            index.extend(number.to_be_bytes());
        }
        data.extend(bytes);
    };
    add(1003, 4, 1, &[0, 0, 0, 1]);
    add(1048, 4, 2, &[0, 0, 0, 0, 0, 0, 0, 12]);
    add(1116, 4, 2, &[0, 0, 0, 0, 0, 0, 0, 1]);
    for (tag, text) in tags {
        let lines: Vec<&str> = text.split('\n').collect();
        let bytes = lines.iter().flat_map(|line| line.bytes().chain([0])).collect::<Vec<u8>>();
        add(*tag, if lines.len() > 1 { 8 } else { 6 }, lines.len(), &bytes);
    }
    [&small(tags.len() + 3).to_be_bytes()[..], &small(data.len()).to_be_bytes(), &index, &data].concat()
}

fn rpm_file(header: &[u8]) -> Vec<u8> {
    const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
    let mut out = vec![0xed, 0xab, 0xee, 0xdb, 3, 0];
    out.resize(96, 0);
    out.extend(MAGIC);
    out.extend([0; 8]);
    out.extend(MAGIC);
    out.extend(header);
    out.extend(b"payload");
    out
}

/// rpm's own database: slots of sixteen bytes, then blobs in blocks of sixteen.
fn ndb(values: &[Vec<u8>]) -> Vec<u8> {
    let (mut slots, mut blobs) = (Vec::new(), Vec::new());
    for (package, value) in (1_u32..).zip(values) {
        let blocks = (16 + value.len() + 12).div_ceil(16);
        slots.extend(b"Slot");
        for number in [package, small(4096 + blobs.len()) / 16, small(blocks)] {
            slots.extend(number.to_le_bytes());
        }
        let begin = blobs.len();
        blobs.extend(b"BlbS");
        for number in [package, 1, small(value.len())] {
            blobs.extend(number.to_le_bytes());
        }
        blobs.extend(value);
        blobs.resize(begin + blocks * 16, 0);
    }
    let mut out = b"RpmP".to_vec();
    for number in [0, 1, 1, small(values.len() + 1), 0, 0, 0_u32] {
        out.extend(number.to_le_bytes());
    }
    out.extend(slots);
    out.resize(4096, 0);
    out.extend(blobs);
    out
}

/// A Berkeley DB hash of 512 bytes a page: one pair a page, values on overflow pages.
fn berkeley(values: &[Vec<u8>]) -> Vec<u8> {
    const PAGE: usize = 512;
    let mut pages: Vec<Vec<u8>> = vec![vec![0; PAGE]];
    for (at, value) in values.iter().enumerate() {
        let item =
            [&[3, 0, 0, 0][..], &small(pages.len() + 1).to_le_bytes(), &small(value.len()).to_le_bytes()].concat();
        let mut page = vec![0; PAGE];
        let key = PAGE - 5;
        let data = key - item.len();
        page[20..22].copy_from_slice(&2_u16.to_le_bytes());
        page[25] = 13;
        page[26..28].copy_from_slice(&small(key).to_le_bytes()[..2]);
        page[28..30].copy_from_slice(&small(data).to_le_bytes()[..2]);
        page[key] = 1;
        page[key + 1..].copy_from_slice(&small(at).to_le_bytes());
        page[data..key].copy_from_slice(&item);
        pages.push(page);
        let pieces: Vec<&[u8]> = value.chunks(PAGE - 26).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let mut page = vec![0; PAGE];
            let next = if number + 1 < pieces.len() { pages.len() + 1 } else { 0 };
            page[16..20].copy_from_slice(&small(next).to_le_bytes());
            page[22..24].copy_from_slice(&small(piece.len()).to_le_bytes()[..2]);
            page[25] = 7;
            page[26..26 + piece.len()].copy_from_slice(piece);
            pages.push(page);
        }
    }
    let last = small(pages.len() - 1);
    for (at, number) in [(12, 0x0006_1561), (16, 9), (20, small(PAGE)), (32, last)] {
        pages[0][at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    pages[0][25] = 8;
    pages.concat()
}

/// A SQLite database of two pages (sqlite.org/fileformat2.html): the schema, and one leaf with the blobs.
fn sqlite(values: &[Vec<u8>]) -> Vec<u8> {
    const PAGE: usize = 4096;
    let schema = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)";
    let texts = ["table", "Packages", "Packages"];
    let mut types: Vec<u64> = texts.iter().map(|text| 13 + 2 * text.len() as u64).collect();
    types.extend([1, 13 + 2 * schema.len() as u64]);
    let body = [texts.concat().as_bytes(), &[2], schema.as_bytes()].concat();
    let first = page(PAGE, 100, &[cell(1, &record(&types, &body))]);
    let cells: Vec<Vec<u8>> = (1_u64..)
        .zip(values)
        .map(|(row, value)| cell(row, &record(&[0, 12 + 2 * value.len() as u64], value)))
        .collect();
    let mut out = first;
    out[..16].copy_from_slice(b"SQLite format 3\0");
    out[16..18].copy_from_slice(&[16, 0]);
    out[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    for (at, number) in [(24, 1_u32), (28, 2), (40, 1), (44, 4), (56, 1), (92, 1), (96, 3_045_000)] {
        out[at..at + 4].copy_from_slice(&number.to_be_bytes());
    }
    out.extend(page(PAGE, 0, &cells));
    out
}

fn page(size: usize, header: usize, cells: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0; size];
    let mut end = size;
    for (at, cell) in cells.iter().enumerate() {
        end -= cell.len();
        out[end..end + cell.len()].copy_from_slice(cell);
        let pointer = header + 8 + 2 * at;
        out[pointer..pointer + 2].copy_from_slice(&small(end).to_be_bytes()[2..]);
    }
    out[header] = 13;
    out[header + 3..header + 5].copy_from_slice(&small(cells.len()).to_be_bytes()[2..]);
    out[header + 5..header + 7].copy_from_slice(&small(end).to_be_bytes()[2..]);
    out
}

fn record(types: &[u64], body: &[u8]) -> Vec<u8> {
    let types: Vec<u8> = types.iter().flat_map(|number| varint(*number)).collect();
    [varint(types.len() as u64 + 1), types, body.to_vec()].concat()
}

fn cell(row: u64, payload: &[u8]) -> Vec<u8> {
    [varint(payload.len() as u64), varint(row), payload.to_vec()].concat()
}

/// Seven bits a byte, highest first; numbers here are small.
fn varint(number: u64) -> Vec<u8> {
    let low = |number: u64| number.to_le_bytes()[0] & 0x7f;
    match number {
        0..0x80 => vec![low(number)],
        0x80..0x4000 => vec![low(number >> 7) | 0x80, low(number)],
        _ => vec![low(number >> 14) | 0x80, low(number >> 7) | 0x80, low(number)],
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
