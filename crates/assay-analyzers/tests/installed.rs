//! What is installed in a file system: packages of languages, and what executables say of themselves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

mod common;

use std::io::Write;
use std::process::Command;

use assay_model::component::Relationship;
use common::*;

/// A little ELF of 64 bits with these sections, each loaded at its offset plus [`BASE`].
fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = b"\0".to_vec();
    let mut body = Vec::new();
    let mut headers = vec![[0_u8; 64]];
    let start = 64 + 56;
    let header = |name: u32, kind: u32, offset: u64, size: u64| {
        let mut bytes = [0; 64];
        bytes[0..4].copy_from_slice(&name.to_le_bytes());
        bytes[4..8].copy_from_slice(&kind.to_le_bytes());
        bytes[16..24].copy_from_slice(&(BASE + offset).to_le_bytes());
        bytes[24..32].copy_from_slice(&offset.to_le_bytes());
        bytes[32..40].copy_from_slice(&size.to_le_bytes());
        bytes
    };
    for (name, content) in sections {
        while (start + body.len()) % 16 != 0 {
            body.push(0);
        }
        headers.push(header(names.len() as u32, 1, (start + body.len()) as u64, content.len() as u64));
        names.extend(name.bytes().chain([0]));
        body.extend_from_slice(content);
    }
    let names_at = start + body.len();
    headers.push(header(0, 3, names_at as u64, names.len() as u64));
    body.extend(&names);
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    file[32..40].copy_from_slice(&64_u64.to_le_bytes());
    file[40..48].copy_from_slice(&((start + body.len()) as u64).to_le_bytes());
    file[54..56].copy_from_slice(&56_u16.to_le_bytes());
    file[56..58].copy_from_slice(&1_u16.to_le_bytes());
    file[58..60].copy_from_slice(&64_u16.to_le_bytes());
    file[60..62].copy_from_slice(&(headers.len() as u16).to_le_bytes());
    file[62..64].copy_from_slice(&(headers.len() as u16 - 1).to_le_bytes());
    let mut program = [0; 56];
    program[0] = 1;
    program[4] = 6;
    program[16..24].copy_from_slice(&BASE.to_le_bytes());
    program[32..40].copy_from_slice(&((start + body.len()) as u64).to_le_bytes());
    file.extend(program);
    file.extend(body);
    file.extend(headers.concat());
    file
}

const BASE: u64 = 0x40_0000;
/// Where the content of the first section lands in the file.
const FIRST: u64 = 128;

const MODULES: &str = "path\texample.org/cmd/x\nmod\texample.org/x\t(devel)\t\ndep\tgithub.com/acme/Dep\tv1.2.3\th1:abc=\n\
    dep\texample.org/old\tv1.0.0\n=>\texample.org/new\tv1.1.0\th1:def=\nbuild\t-ldflags=\"-X main.version=3.0.1\"\n\
    build\tGOARCH=arm64\nbuild\tGOOS=linux\n";

fn marked(text: &str) -> Vec<u8> {
    [&[b'<'; 16][..], text.as_bytes(), &[b'>'; 16][..]].concat()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut out = Vec::new();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(bytes);
    out
}

fn go_header(flags: u8) -> Vec<u8> {
    let mut header = b"\xff Go buildinf:".to_vec();
    header.extend([8, flags]);
    header.resize(32, 0);
    header
}

#[test]
fn a_go_program_says_what_it_was_built_from() {
    let info = [go_header(2), counted(b"go1.21.3 X:x"), counted(&marked(MODULES))].concat();
    let program = elf(&[(".go.buildinfo", &info)]);
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, "usr/bin/x", &program);
    append(&mut builder, "usr/bin/sh", b"#!/bin/sh\n");
    append(&mut builder, "usr/lib/c.so", &elf(&[(".text", b"no Go")]));
    let inventory = layer(&builder.into_inner().unwrap());
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    assert_eq!(
        purls(&inventory),
        [
            "pkg:golang/example.org/new@v1.1.0?goarch=arm64&goos=linux",
            "pkg:golang/example.org/x@v3.0.1?goarch=arm64&goos=linux",
            "pkg:golang/github.com/acme/dep@v1.2.3?goarch=arm64&goos=linux",
            "pkg:golang/stdlib@v1.21.3?goarch=arm64&goos=linux",
        ]
    );
    let main = named(&inventory, "x");
    assert_eq!(main.relationship, Relationship::Root);
    assert_eq!(main.depends_on, ["example.org/new@v1.1.0", "github.com/acme/Dep@v1.2.3", "stdlib@v1.21.3"]);
    assert_eq!((&*main.properties["go.goos"], &*main.properties["go.goarch"]), ("linux", "arm64"));
    assert_eq!(main.path, "usr/bin/x");
    let read: Vec<&str> = inventory.read.iter().map(|read| &*read.path).collect();
    assert_eq!(read, ["usr/bin/x"]);
    // The same program alone.
    assert_eq!(inspect("x", &program).unwrap().components.len(), 4);
}

#[test]
fn go_programs_before_1_18_point_to_their_texts() {
    let list = marked(MODULES);
    let mut info = go_header(0);
    let go = b"go1.17.2";
    let (strings, texts) = (FIRST + 32, FIRST + 32 + 32);
    info[16..24].copy_from_slice(&(BASE + strings).to_le_bytes());
    info[24..32].copy_from_slice(&(BASE + strings + 16).to_le_bytes());
    for (at, length) in [(texts, go.len()), (texts + go.len() as u64, list.len())] {
        info.extend((BASE + at).to_le_bytes());
        info.extend((length as u64).to_le_bytes());
    }
    info.extend(go);
    info.extend(list);
    // A section of another name: then the beginning of what is writable is searched.
    for section in [".go.buildinfo", ".data"] {
        let inventory = inspect("x", &elf(&[(section, &info)])).unwrap();
        assert!(
            purls(&inventory).iter().any(|purl| purl.starts_with("pkg:golang/stdlib@v1.17.2")),
            "{section}: {:?}",
            purls(&inventory)
        );
        assert_eq!(inventory.components.len(), 4, "{section}");
    }
}

#[test]
fn a_real_go_program() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "go.mod",
        "module example.org/demo\n\ngo 1.18\n\nrequire example.org/dep v1.0.0\n\nreplace example.org/dep => ./dep\n",
    );
    write("dep/go.mod", "module example.org/dep\n");
    write("dep/dep.go", "package dep\n\nfunc Say() string { return \"x\" }\n");
    write(
        "main.go",
        "package main\n\nimport \"example.org/dep\"\n\nvar version string\n\nfunc main() { println(dep.Say(), version) }\n",
    );
    for (goos, goarch) in [("linux", "amd64"), ("windows", "amd64"), ("darwin", "arm64")] {
        let built = Command::new("go")
            .args(["build", "-buildvcs=false", "-ldflags", "-s -w -X main.version=1.4.0", "-o", "demo"])
            .current_dir(folder.path())
            .envs([
                ("GOOS", goos),
                ("GOARCH", goarch),
                ("CGO_ENABLED", "0"),
                ("GOFLAGS", "-mod=mod"),
                ("GOPROXY", "off"),
            ])
            .output();
        match built {
            Ok(built) if built.status.success() => {}
            other => {
                eprintln!("SKIPPED: go cannot build here: {other:?}");
                return;
            }
        }
        let bytes = std::fs::read(folder.path().join("demo")).unwrap();
        let inventory = inspect("demo", &bytes).unwrap();
        let main = named(&inventory, "demo");
        let purl = format!("pkg:golang/example.org/demo@v1.4.0?goarch={goarch}&goos={goos}");
        assert_eq!(main.component.purl, purl);
        assert_eq!((&*main.properties["go.goos"], &*main.properties["go.goarch"]), (goos, goarch));
        assert!(named(&inventory, "stdlib").component.version.starts_with("v1."), "{:?}", purls(&inventory));
        assert_eq!(inventory.skipped[0].reason, "unresolved", "a module that a folder replaces is told");
    }
}

#[test]
fn a_rust_program_with_its_list_of_crates() {
    let list = r#"{"packages":[{"name":"app","version":"0.1.0","source":"local","dependencies":[1,2],"root":true},
        {"name":"serde","version":"1.0.1","source":"crates.io","dependencies":[3]},
        {"name":"cc","version":"1.1.0","source":"crates.io","kind":"build"},
        {"name":"itoa","version":"1.0.0","source":"crates.io"}]}"#;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(list.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    let section = [counted(b".dep-v0"), packed.clone()].concat();
    wasm.extend([&[0][..], &counted(&section)].concat());
    for program in [elf(&[(".text", b"x"), (".dep-v0", &packed)]), wasm] {
        let inventory = inspect("app", &program).unwrap();
        assert_eq!(
            purls(&inventory),
            ["pkg:cargo/app@0.1.0", "pkg:cargo/cc@1.1.0", "pkg:cargo/itoa@1.0.0", "pkg:cargo/serde@1.0.1"]
        );
        assert_eq!(named(&inventory, "app").depends_on, ["cc@1.1.0", "serde@1.0.1"]);
        assert_eq!(named(&inventory, "serde").relationship, Relationship::Direct);
        assert_eq!(named(&inventory, "itoa").relationship, Relationship::Indirect);
        assert!(named(&inventory, "cc").dev);
    }
    let zeros = vec![0; 64 << 20];
    let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&zeros).unwrap();
    let inventory = inspect("app", &elf(&[(".dep-v0", &bomb.finish().unwrap())])).unwrap();
    assert_eq!(inventory.skipped[0].reason, "limit");
}

#[test]
fn a_program_that_replaces_another_in_a_later_layer() {
    let info = [go_header(2), counted(b"go1.21.3"), counted(&marked(MODULES))].concat();
    let layered = |content: &[u8]| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, "app", content).unwrap();
        layer(&builder.into_inner().unwrap())
    };
    use assay_model::seam::inspector::Inspector;
    let digest = |text: &str| assay_model::Digest::of(text.as_bytes());
    let base = layered(&elf(&[(".go.buildinfo", &info)]));
    assert_eq!(base.components.len(), 4);
    let whole = inspector().compose(&[(digest("1"), base), (digest("2"), layered(b"#!/bin/sh\n"))]);
    assert!(whole.components.is_empty());
}

#[test]
fn packages_of_languages_in_a_file_system() {
    let gemspec = "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\nend\n";
    let composer = r#"{"packages":[{"name":"acme/a","version":"v1.0.0","require":{"acme/B":"^2"},"license":["MIT"]},
        {"name":"acme/b","version":"2.1.0"}],"dev":true,"dev-package-names":["acme/b"]}"#;
    let conda =
        r#"{"name":"numpy","version":"1.26.0","build":"py311_0","license":"BSD-3-Clause","depends":["python"]}"#;
    let site = "usr/lib/python3/site-packages";
    let tar = tar_of(&[
        ("usr/lib/ruby/gems/3.2.0/specifications/rake-13.0.6.gemspec", gemspec.to_owned()),
        ("srv/vendor/composer/installed.json", composer.to_owned()),
        ("opt/conda/conda-meta/numpy-1.26.0-py311_0.json", conda.to_owned()),
        ("opt/conda/conda-meta/history", "not json".to_owned()),
        (&format!("{site}/a.egg-info"), metadata("a", "1")),
        (&format!("{site}/b.egg-info/PKG-INFO"), metadata("b", "2")),
        (&format!("{site}/c-3-py3.egg/EGG-INFO/PKG-INFO"), metadata("c", "3")),
        (&format!("{site}/pip-24.dist-info/METADATA"), metadata("pip", "24")),
        (&format!("{site}/pip/_vendor/urllib3-1.26.dist-info/METADATA"), metadata("urllib3", "1.26")),
        ("srv/node_modules/@s/n/package.json", r#"{"name":"@s/n","version":"1.0.0"}"#.to_owned()),
    ]);
    let inventory = layer(&tar);
    assert!(inventory.is_complete(), "{:?}", inventory.skipped);
    let mut found = purls(&inventory);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "pkg:composer/acme/a@v1.0.0",
            "pkg:composer/acme/b@2.1.0",
            "pkg:conda/numpy@1.26.0",
            "pkg:gem/rake@13.0.6",
            "pkg:npm/%40s/n@1.0.0",
            "pkg:pypi/a@1",
            "pkg:pypi/b@2",
            "pkg:pypi/c@3",
            "pkg:pypi/pip@24",
            "pkg:pypi/urllib3@1.26",
        ]
    );
    let vendored: Vec<_> = inventory.components.iter().filter(|found| found.vendored_in.is_some()).collect();
    assert_eq!(vendored.len(), 1);
    assert_eq!(vendored[0].vendored_in.as_deref(), Some("pkg:pypi/pip@24"));
    assert!(inventory.components.iter().any(|found| found.dev && found.component.name == "b"));
    let php = inventory.components.iter().find(|found| found.id == "acme/a@v1.0.0").unwrap();
    assert_eq!(php.depends_on, ["acme/b@2.1.0"]);
}

#[test]
fn broken_executables_are_told_or_passed_over() {
    let good = elf(&[(".go.buildinfo", &[go_header(2), counted(b"go1.21.3"), counted(&marked(MODULES))].concat())]);
    for cut in (0..good.len()).step_by(37) {
        let _ = inspect("x", &good[..cut]);
    }
    for at in 0..good.len().min(700) {
        for value in [0, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            let _ = inspect("x", &bad);
        }
    }
    for head in [&b"MZ\0\0"[..], &[0xcf, 0xfa, 0xed, 0xfe], &[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], b"\0asm\x01\0\0\0"] {
        for fill in [0, 0x40, 0xff] {
            let mut bytes = head.to_vec();
            bytes.resize(300, fill);
            let _ = inspect("x", &bytes);
        }
    }
}
