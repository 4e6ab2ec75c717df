//! Samples of package files, of records of installed packages, and of executables.

use std::io::{Cursor, Write};

use crate::make::{gzip, tar};

/// Path, whether it is the artifact itself, and the bytes.
type Sample = (&'static str, bool, Vec<u8>);

pub(super) fn samples() -> Vec<Sample> {
    let packages = packages().into_iter().map(|(path, bytes)| (path, true, bytes));
    packages.chain(installed().into_iter().map(|(path, bytes)| (path, false, bytes))).collect()
}

fn packages() -> Vec<(&'static str, Vec<u8>)> {
    let tgz = |files: &[(&str, &[u8])]| tar(files).and_then(|tar| gzip(&tar)).unwrap_or_default();
    let metadata = gzip(GEM).unwrap_or_default();
    vec![
        ("a-1.0.egg", zip(&[("EGG-INFO/PKG-INFO", PKG_INFO), ("EGG-INFO/requires.txt", b"b>=1\n[x]\nc\n")])),
        ("a-1.0.crate", tgz(&[("a-1.0/Cargo.toml", CARGO), ("a-1.0/Cargo.lock", b"")])),
        ("a-1.0.gem", tar(&[("metadata.gz", &metadata)]).unwrap_or_default()),
        ("a.1.0.nupkg", zip(&[("a.nuspec", NUSPEC)])),
        ("a-1.0-0.tar.bz2", tar(&[("info/index.json", CONDA)]).unwrap_or_default()),
        ("a-1.0-0.conda", zip(&[("info-a-1.0-0.tar.zst", &tar(&[("info/index.json", CONDA)]).unwrap_or_default())])),
        ("v1.0.0.zip", zip(&[("a.example/b@v1.0.0/go.mod", b"module a.example/b\nrequire c.example/d v1.0.0\n")])),
        ("a-b-1.0.0.zip", zip(&[("a-b/composer.json", br#"{"name":"a/b","require":{"php":">=8"}}"#)])),
        ("a-1.0.0.tgz", tgz(&[("a/Chart.yaml", CHART), ("a/values.yaml", VALUES)])),
        ("a-1.0.0.tar", tar(&[("VERSION", b"3"), ("metadata.config", HEX)]).unwrap_or_default()),
        ("a-1.0.0.tar.gz", tgz(&[("pubspec.yaml", b"name: a\nversion: 1.0.0\ndependencies:\n  b: ^1.0.0\n")])),
        ("a-1.0.jar", zip(&[("META-INF/maven/g/a/pom.properties", POM), ("META-INF/MANIFEST.MF", MANIFEST)])),
    ]
}

fn installed() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("usr/lib/ruby/gems/3.2.0/specifications/a-1.0.gemspec", GEMSPEC.to_vec()),
        ("srv/vendor/composer/installed.json", INSTALLED.to_vec()),
        ("opt/conda/conda-meta/a-1.0-0.json", CONDA.to_vec()),
        ("usr/bin/elf", elf(b".go.buildinfo", &build_info())),
        ("usr/bin/rust", elf(b".dep-v0", CRATES)),
        ("usr/bin/a.exe", [&b"MZ"[..], &[0; 58], &[64, 0, 0, 0], b"PE\0\0\x64\x86\x01\0", &[0; 80]].concat()),
        ("usr/bin/mac", [&[0xcf, 0xfa, 0xed, 0xfe][..], &[0; 12], &[1, 0, 0, 0, 72, 0, 0, 0], &[0; 90]].concat()),
        ("a.wasm", b"\0asm\x01\0\0\0\0\x09\x07.dep-v0x".to_vec()),
    ]
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let begun = writer.start_file(*path, zip::write::SimpleFileOptions::default());
        if begun.is_err() || writer.write_all(content).is_err() {
            return Vec::new();
        }
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

/// An ELF of 64 bits with one section, and the section of names.
fn elf(name: &[u8], content: &[u8]) -> Vec<u8> {
    let names = [b"\0", name, b"\0"].concat();
    let (names_at, headers_at) = (64 + content.len(), 64 + content.len() + names.len());
    let mut file = [&b"\x7fELF\x02\x01\x01"[..], &[0; 33]].concat();
    file.extend((headers_at as u64).to_le_bytes());
    file.extend([0; 10]);
    file.extend([64, 0, 2, 0, 1, 0]);
    file.extend(content);
    file.extend(&names);
    for (at, from, size) in [(1_u32, 64, content.len()), (0, names_at, names.len())] {
        file.extend(at.to_le_bytes());
        file.extend([1, 0, 0, 0]);
        file.extend([0; 16]);
        file.extend((from as u64).to_le_bytes());
        file.extend((size as u64).to_le_bytes());
        file.extend([0; 24]);
    }
    file
}

fn build_info() -> Vec<u8> {
    let list = "mod\ta.example/b\t(devel)\t\ndep\tc.example/d\tv1.0.0\th1:x=\nbuild\tGOOS=linux\n";
    let marked = format!("{}{list}{}", "<".repeat(16), ">".repeat(16));
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.extend([0; 16]);
    info.extend(b"\x08go1.21.3");
    info.push(u8::try_from(marked.len()).unwrap_or(127).min(127));
    info.extend(marked.as_bytes());
    info
}

const PKG_INFO: &[u8] = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\n";
const CARGO: &[u8] =
    b"[package]\nname = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nb = { version = \"1\", package = \"c\" }\n";
const GEM: &[u8] =
    b"--- !ruby/object:Gem::Specification\nname: a\nversion: !ruby/object:Gem::Version\n  version: '1.0'\n\
    dependencies:\n- !ruby/object:Gem::Dependency\n  name: b\n  requirement: &id001 !ruby/object:Gem::Requirement\n    \
    requirements:\n    - - '>='\n      - !ruby/object:Gem::Version\n        version: '0'\n  type: :runtime\n  \
    version_requirements: *id001\nlicenses:\n- MIT\n";
const NUSPEC: &[u8] =
    b"<package><metadata><id>a</id><version>1.0</version><dependencies><group><dependency id=\"b\" version=\"1\"/>\
    </group></dependencies></metadata></package>";
const CONDA: &[u8] = br#"{"name":"a","version":"1.0","build":"0","depends":["python"],"license":"MIT"}"#;
const CHART: &[u8] = b"name: a\nversion: 1.0.0\nappVersion: \"1\"\ndependencies:\n- name: b\n  version: 1.0.0\n  repository: https://c.example\n";
const VALUES: &[u8] = b"image:\n  repository: a/b\n  tag: 1.10\nother:\n  image: c.example:5000/d:1@sha256:00\n";
const HEX: &[u8] = b"{<<\"name\">>,<<\"a\">>}.\n{<<\"version\">>,<<\"1.0.0\">>}.\n{<<\"requirements\">>,[{<<\"b\">>,[{<<\"requirement\">>,<<\"~> 1.0\">>}]}]}.\n";
const POM: &[u8] = b"groupId=g\nartifactId=a\nversion=1.0\n";
const MANIFEST: &[u8] = b"Manifest-Version: 1.0\nBundle-SymbolicName: g.a;x\nBundle-Version: 1.0\n";
const GEMSPEC: &[u8] = b"Gem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = \"1.0\"\n  s.add_dependency(%q<b>, [\">= 0\"])\nend\n";
const INSTALLED: &[u8] =
    br#"{"packages":[{"name":"a/b","version":"1.0","require":{"c/d":"^1"}}],"dev-package-names":["a/b"]}"#;
/// An empty list, compressed with zlib.
const CRATES: &[u8] = &[
    0x78, 0x9c, 0xab, 0x56, 0x2a, 0x48, 0x4c, 0xce, 0x4e, 0x4c, 0x4f, 0x2d, 0x56, 0xb2, 0x8a, 0x8e, 0xad, 0x05, 0x00,
    0x2b, 0xbb, 0x05, 0x6e,
];
