//! Package files of many ecosystems: what each says of itself, and what is inside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{Cursor, Write};

use assay_model::component::Occurrence;
use assay_model::inventory::Inventory;
use common::*;

fn zip_bytes(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn subject(inventory: &Inventory) -> &Occurrence {
    let subjects: Vec<_> = inventory.components.iter().filter(|found| found.is_subject).collect();
    assert_eq!(subjects.len(), 1, "{:?}", purls(inventory));
    subjects[0]
}

fn whole(name: &str, bytes: &[u8]) -> Inventory {
    let inventory = inspect(name, bytes).unwrap();
    assert!(inventory.is_complete(), "{name}: {:?}", inventory.skipped);
    assert!(inventory.read.iter().any(|read| read.path == name), "{name}: {:?}", inventory.read);
    // The same file inside a tree is the same package, and no subject.
    let inside = inspect("tree.tar", &tar_of(&[(&format!("d/{name}"), bytes)])).unwrap();
    assert!(inside.components.iter().all(|found| !found.is_subject));
    let of = |all: &Inventory| {
        let mut all: Vec<String> = all.components.iter().map(|found| found.component.purl.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(of(&inventory), of(&inside), "{name}");
    assert!(inside.components.iter().all(|found| found.path.starts_with(&format!("d/{name}!/"))), "{name}");
    inventory
}

#[test]
fn an_egg() {
    let bytes = zip_of(&[
        ("EGG-INFO/PKG-INFO", &metadata("Demo", "1.0")),
        ("EGG-INFO/requires.txt", "six>=1\n\n[test]\npytest\n"),
        ("demo/__init__.py", ""),
    ]);
    let inventory = whole("Demo-1.0-py3.9.egg", &bytes);
    assert_eq!(purls(&inventory), ["pkg:pypi/demo@1.0"]);
    assert_eq!(subject(&inventory).requires, ["six>=1"]);
}

#[test]
fn a_crate() {
    let toml = "[package]\nname = \"demo-x\"\nversion = \"0.1.0\"\nlicense = \"MIT OR Apache-2.0\"\n\
        [dependencies]\nserde = { version = \"1\", features = [] }\nrenamed = { package = \"real\", version = \"2\" }\n";
    let tar = tar_of(&[
        ("demo-x-0.1.0/Cargo.toml", toml),
        ("demo-x-0.1.0/Cargo.lock", "version = 3\n[[package]]\nname = \"other\"\nversion = \"9.0.0\"\n"),
        ("demo-x-0.1.0/src/lib.rs", ""),
    ]);
    let inventory = whole("demo-x-0.1.0.crate", &gz(&tar));
    assert_eq!(purls(&inventory), ["pkg:cargo/demo-x@0.1.0"]);
    let own = subject(&inventory);
    assert_eq!(own.requires, ["renamed@2".replace("renamed", "real"), "serde@1".to_owned()]);
    assert_eq!(own.licenses, ["MIT OR Apache-2.0"]);
    assert_eq!(own.properties["crate.locked"], "true");
    assert!(inspect("x-1.crate", &gz(&tar_of(&[("x-1/README", "")]))).is_err());
}

#[test]
fn a_gem_with_its_own_content() {
    let yaml = "--- !ruby/object:Gem::Specification\nname: demo\nversion: !ruby/object:Gem::Version\n  version: 1.2.3\n\
        platform: ruby\nlicenses:\n- MIT\n";
    let data = tar_of(&[("lib/demo.rb", ""), ("vendor/x-1-py3-none-any.whl", "")]);
    let tar =
        tar_of(&[("metadata.gz", gz(yaml.as_bytes())), ("data.tar.gz", gz(&data)), ("checksums.yaml.gz", gz(b"x"))]);
    let inventory = inspect("demo-1.2.3.gem", &tar).unwrap();
    assert_eq!(purls(&inventory), ["pkg:gem/demo@1.2.3"]);
    assert_eq!(inventory.skipped.len(), 1, "the empty wheel is told: {:?}", inventory.skipped);
    assert_eq!(inventory.skipped[0].path, "data.tar.gz!/vendor/x-1-py3-none-any.whl");
    let plain = tar_of(&[("metadata.gz", gz(yaml.as_bytes()))]);
    assert_eq!(subject(&whole("demo-1.2.3.gem", &plain)).licenses, ["MIT"]);
}

#[test]
fn a_nuget_package() {
    let nuspec = "<package><metadata><id>Demo</id><version>1.0.0</version></metadata></package>";
    let inventory = whole("demo.1.0.0.nupkg", &zip_of(&[("Demo.nuspec", nuspec), ("lib/net6.0/Demo.dll", "MZ")]));
    assert_eq!(purls(&inventory), ["pkg:nuget/Demo@1.0.0"]);
    assert!(inspect("x.nupkg", &zip_of(&[("a/x.nuspec", nuspec)])).is_err());
}

#[test]
fn both_forms_of_conda_packages() {
    let index =
        r#"{"name":"numpy","version":"1.26.0","build":"py311_0","subdir":"linux-64","depends":["python >=3.11"]}"#;
    let about = r#"{"summary":"Arrays","license":"BSD-3-Clause"}"#;
    let info = tar_of(&[("info/index.json", index), ("info/about.json", about)]);
    let dist = tar_of(&[("lib/python3.11/site-packages/numpy-1.26.0.dist-info/METADATA", metadata("numpy", "1.26.0"))]);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let new = zip_bytes(&[
        ("metadata.json", b"{}"),
        ("info-numpy-1.26.0-py311_0.tar.zst", &zstd(&info)),
        ("pkg-numpy-1.26.0-py311_0.tar.zst", &zstd(&dist)),
    ]);
    let inventory = whole("numpy-1.26.0-py311_0.conda", &new);
    // What it installs is a Python package, too, and by that name it has advisories.
    assert_eq!(purls(&inventory), ["pkg:conda/numpy@1.26.0", "pkg:pypi/numpy@1.26.0"]);
    let own = subject(&inventory);
    assert_eq!(own.licenses, ["BSD-3-Clause"]);
    assert_eq!(own.properties["conda-package.build"], "py311_0");
    assert_eq!(own.requires, ["python >=3.11"]);
    let mut old = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    old.write_all(&info).unwrap();
    let inventory = whole("numpy-1.26.0-py311_0.tar.bz2", &old.finish().unwrap());
    assert_eq!(purls(&inventory), ["pkg:conda/numpy@1.26.0"]);
}

#[test]
fn zips_of_go_modules_and_of_composer_and_of_neither() {
    let prefix = "example.org/acme/demo@v1.2.3";
    let go = zip_of(&[(&format!("{prefix}/go.mod"), "module example.org/acme/demo\n\nrequire a.example/b v1.0.0\n")]);
    let inventory = whole("v1.2.3.zip", &go);
    assert_eq!(purls(&inventory), ["pkg:golang/example.org/acme/demo@v1.2.3"]);
    assert_eq!(subject(&inventory).requires, ["a.example/b v1.0.0"]);
    let php = zip_of(&[("acme-demo-0a1b2c/composer.json", r#"{"name":"acme/demo","version":"2.0.0"}"#)]);
    assert_eq!(purls(&whole("demo.zip", &php)), ["pkg:composer/acme/demo@2.0.0"]);
    let unversioned = inspect("demo.zip", &zip_of(&[("composer.json", r#"{"name":"acme/demo"}"#)])).unwrap();
    assert_eq!(purls(&unversioned), ["pkg:composer/acme/demo"]);
    assert_eq!(unversioned.skipped[0].reason, "unresolved");
    let other = inspect("other.zip", &zip_of(&[("a/b.txt", ""), ("c/composer.json", r#"{"name":"a/b"}"#)])).unwrap();
    assert!(other.components.is_empty());
}

#[test]
fn a_helm_chart_with_charts_and_images() {
    let sub = gz(&tar_of(&[("redis/Chart.yaml", "apiVersion: v2\nname: redis\nversion: 18.1.0\n")]));
    let chart = "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: \"2.5\"\ndependencies:\n- name: redis\n  version: ^18\n  \
        repository: https://charts.example/x\n";
    let lock =
        "dependencies:\n- name: redis\n  repository: https://charts.example/x\n  version: 18.1.0\ndigest: sha256:0\n";
    let values = "image:\n  repository: acme/web\n  tag: \"\"\n";
    let tar = tar_of(&[
        ("demo/Chart.yaml", chart.as_bytes().to_vec()),
        ("demo/Chart.lock", lock.as_bytes().to_vec()),
        ("demo/values.yaml", values.as_bytes().to_vec()),
        ("demo/templates/x.yaml", b"image: {{ .Values.image.repository }}".to_vec()),
        ("demo/charts/redis-18.1.0.tgz", sub),
        ("demo/charts/inner/Chart.yaml", b"name: inner\nversion: 0.1.0\n".to_vec()),
    ]);
    let inventory = whole("demo-1.0.0.tgz", &gz(&tar));
    assert_eq!(
        purls(&inventory),
        [
            "pkg:helm/demo@1.0.0",
            "pkg:helm/redis@18.1.0?repository_url=https:%2F%2Fcharts.example%2Fx",
            "pkg:helm/inner@0.1.0",
            "pkg:helm/redis@18.1.0",
            "pkg:docker/acme/web@2.5",
        ]
    );
    let own = subject(&inventory);
    assert_eq!(own.depends_on, ["redis@18.1.0"]);
    assert_eq!(own.requires, ["redis ^18"]);
}

#[test]
fn packages_of_hex_and_pub() {
    let metadata =
        "{<<\"name\">>,<<\"demo\">>}.\n{<<\"version\">>,<<\"1.0.0\">>}.\n{<<\"licenses\">>,[<<\"MIT\">>]}.\n";
    let hex = tar_of(&[
        ("VERSION", b"3".to_vec()),
        ("CHECKSUM", b"00".to_vec()),
        ("metadata.config", metadata.as_bytes().to_vec()),
        ("contents.tar.gz", gz(&tar_of(&[("mix.exs", "")]))),
    ]);
    let inventory = whole("demo-1.0.0.tar", &hex);
    assert_eq!(purls(&inventory), ["pkg:hex/demo@1.0.0"]);
    assert_eq!(subject(&inventory).licenses, ["MIT"]);
    let dart = tar_of(&[("lib/demo.dart", ""), ("pubspec.yaml", "name: demo\nversion: 1.0.0\n")]);
    assert_eq!(purls(&whole("demo-1.0.0.tar.gz", &gz(&dart))), ["pkg:pub/demo@1.0.0"]);
}

fn pom(group: &str, artifact: &str, version: &str) -> (String, String) {
    let path = format!("META-INF/maven/{group}/{artifact}/pom.properties");
    (path, format!("version={version}\ngroupId={group}\nartifactId={artifact}\n"))
}

#[test]
fn java_archives_in_each_other() {
    let lib = pom("org.example", "lib", "2.0");
    let lib = zip_of(&[(&lib.0, &lib.1), ("org/example/Lib.class", "")]);
    let (own, copy) = (pom("org.example", "core", "1.0"), pom("com.other", "util", "3.1"));
    let shaded = zip_of(&[(&own.0, &own.1), (&copy.0, &copy.1)]);
    let war = zip_bytes(&[
        ("WEB-INF/lib/lib-2.0.jar", &lib),
        ("WEB-INF/lib/core-1.0.jar", &shaded),
        ("META-INF/MANIFEST.MF", b"Implementation-Title: shop\nImplementation-Version: 5\n"),
    ]);
    let ear = zip_bytes(&[("shop.war", &war)]);
    let inventory = inspect("shop.ear", &ear).unwrap();
    let found: Vec<_> =
        inventory.components.iter().map(|found| (&*found.id, &*found.path, found.vendored_in.as_deref())).collect();
    assert_eq!(
        found,
        [
            ("shop:5", "shop.war!/META-INF/MANIFEST.MF", None),
            (
                "com.other:util:3.1",
                "shop.war!/WEB-INF/lib/core-1.0.jar!/META-INF/maven/com.other/util",
                Some("pkg:maven/org.example/core@1.0")
            ),
            ("org.example:core:1.0", "shop.war!/WEB-INF/lib/core-1.0.jar!/META-INF/maven/org.example/core", None),
            ("org.example:lib:2.0", "shop.war!/WEB-INF/lib/lib-2.0.jar!/META-INF/maven/org.example/lib", None),
        ]
    );
    // Nothing says what the ear itself is.
    let skipped: Vec<_> = inventory.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.reason)).collect();
    assert_eq!(skipped, [("shop.ear", "unresolved")]);
}

#[test]
fn a_jar_that_a_script_starts() {
    let lib = pom("org.example", "lib", "2.0");
    let lib = zip_of(&[(&lib.0, &lib.1)]);
    let own = pom("org.example", "app", "1.0");
    let mut bytes = b"#!/bin/sh\nexec java -jar \"$0\"\n".to_vec();
    bytes.extend(zip_bytes(&[(&own.0, own.1.as_bytes()), ("BOOT-INF/lib/lib-2.0.jar", &lib)]));
    let inventory = whole("app.jar", &bytes);
    assert_eq!(purls(&inventory), ["pkg:maven/org.example/app@1.0", "pkg:maven/org.example/lib@2.0"]);
}

#[test]
fn jars_without_maven() {
    let osgi = "Bundle-SymbolicName: org.apache.commons.demo3\nBundle-Version: 3.12.0\nBundle-License: Apache-2.0\n";
    let inventory = whole("commons-demo3-3.12.0.jar", &zip_of(&[("META-INF/MANIFEST.MF", osgi)]));
    assert_eq!(purls(&inventory), ["pkg:maven/org.apache.commons/commons-demo3@3.12.0"]);
    assert_eq!(subject(&inventory).licenses, ["Apache-2.0"]);
    let bare = whole("legacy-1.0.jar", &zip_of(&[("a/B.class", "")]));
    assert_eq!(purls(&bare), ["pkg:maven/legacy@1.0"]);
    // A file that is named after something else than the one pom inside carries a copy of that.
    let copy = pom("com.other", "util", "3.1");
    let inventory = inspect("mine-1.0.jar", &zip_of(&[(&copy.0, &copy.1)])).unwrap();
    assert_eq!(purls(&inventory), ["pkg:maven/mine@1.0", "pkg:maven/com.other/util@3.1"]);
    assert_eq!(named(&inventory, "util").vendored_in.as_deref(), Some("pkg:maven/mine@1.0"));
}

#[test]
fn damaged_packages_are_refused_with_a_reason() {
    for name in ["a.egg", "a-1.jar", "a.nupkg", "a.conda", "a.gem", "a-1.crate"] {
        for bytes in [b"PK\x03\x04 nonsense".to_vec(), gz(b"text"), vec![], vec![0; 2000]] {
            let problem = inspect(name, &bytes).unwrap_err();
            assert!(matches!(problem.code, "corrupt" | "unsupported"), "{name}: {problem:?}");
        }
    }
}
