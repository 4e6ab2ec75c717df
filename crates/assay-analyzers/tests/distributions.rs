//! Packages of distributions: databases, package files, releases told in several places.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use assay_model::Digest;
use assay_model::inventory::Inventory;
use assay_model::seam::inspector::Inspector;
use common::*;

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).as_bytes());
        out.extend(*content);
        out.resize(out.len().next_multiple_of(2), b'\n');
    }
    out
}

fn image(layers: &[Vec<u8>]) -> Inventory {
    let made: Vec<(Digest, Inventory)> = layers.iter().map(|bytes| (Digest::of(bytes), layer(bytes))).collect();
    inspector().compose(&made)
}

const CONTROL: &str = "Package: python3-requests\nSource: requests (2.28.1+dfsg-1)\nVersion: 2.28.1+dfsg-1+deb12u1\n\
    Architecture: all\nMaintainer: A Team <team@example.org>\nDepends: python3:any, python3-urllib3 (>= 1.21.1) | x\n\
    Description: elegant\n more\n";

#[test]
fn a_debian_package_file() {
    let control = gz(&tar_of(&[("./md5sums", ""), ("./control", CONTROL)]));
    let metadata = metadata("requests", "2.28.1");
    let data = gz(&tar_of(&[("./usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA", metadata)]));
    for name in ["control.tar.gz", "control.tar.gz/"] {
        let deb = ar(&[("debian-binary", b"2.0\n"), (name, &control), ("data.tar.gz", &data)]);
        let inventory = inspect("python3-requests_2.28.1_all.deb", &deb).unwrap();
        let own = &inventory.components[0];
        assert!(own.is_subject && inventory.is_complete(), "{:?}", inventory.skipped);
        assert_eq!(
            own.component.purl,
            "pkg:deb/debian/python3-requests@2.28.1%2Bdfsg-1%2Bdeb12u1?arch=all&distro=debian-12&upstream=requests%402.28.1%2Bdfsg-1"
        );
        assert_eq!(own.component.ecosystem, "Debian:12");
        assert_eq!((&*own.component.match_name, &*own.component.match_version), ("requests", "2.28.1+dfsg-1"));
        assert_eq!(own.requires, ["python3:any", "python3-urllib3 (>= 1.21.1) | x"]);
        assert_eq!(own.property("maintainer"), Some("A Team <team@example.org>"));
        assert_eq!(named(&inventory, "requests").owned_by.as_ref(), Some(&own.component.purl));
    }
    let none = ar(&[("debian-binary", b"2.0\n"), ("data.tar.gz", &data)]);
    assert_eq!(inspect("a.deb", &none).unwrap_err().code, "corrupt");
    let plain = CONTROL.replace("+deb12u1", "");
    let deb = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &tar_of(&[("control", plain)]))]);
    let inventory = inspect("a.deb", &deb).unwrap();
    assert_eq!(inventory.components[0].component.ecosystem, "");
    assert!(inventory.skipped[0].detail.contains("release"), "{:?}", inventory.skipped);
}

#[test]
fn an_alpine_package_file() {
    let info = "# Generated\npkgname = libssl3\npkgver = 3.1.4-r5\npkgdesc = SSL\narch = x86_64\norigin = openssl\n\
        license = Apache-2.0\nmaintainer = A <a@example.org>\ndepend = so:libc.musl-x86_64.so.1\ndepend = libcrypto3=3.1.4-r5\n";
    // Signature and control have no end mark: together the members are one tar.
    let part = |files: &[(&str, &str)]| {
        let mut tar = tar_of(files);
        tar.truncate(tar.len() - 1024);
        gz(&tar)
    };
    let mut apk = part(&[(".SIGN.RSA.a.pub", "x")]);
    apk.extend(part(&[(".PKGINFO", info)]));
    apk.extend(gz(&tar_of(&[("usr/lib/libssl.so.3", "elf")])));
    let inventory = inspect("libssl3-3.1.4-r5.apk", &apk).unwrap();
    let own = &inventory.components[0];
    assert!(own.is_subject);
    assert_eq!(own.component.purl, "pkg:apk/libssl3@3.1.4-r5?arch=x86_64&upstream=openssl");
    assert_eq!((own.source(), own.licenses.as_slice()), (("openssl", "3.1.4-r5"), &["Apache-2.0".to_owned()][..]));
    assert_eq!(own.requires, ["so:libc.musl-x86_64.so.1", "libcrypto3=3.1.4-r5"]);
    assert_eq!(inspect("a.apk", b"ADBd rest").unwrap_err().code, "unsupported");
    let android = zip_of(&[("AndroidManifest.xml", "x")]);
    assert!(inspect("a.apk", &android).unwrap().components.is_empty());
}

#[test]
fn what_depends_on_what() {
    let db = "C:Q1/4j2MJgdG7gVCAvAaxs4gd3pCzk=\nP:a\nV:1-r0\nA:x86_64\nm:M <m@example.org>\nD:so:libb.so.1 /bin/sh c !x nothing\n\n\
        P:b\nV:2-r0\np:so:libb.so.1=1.0 cmd:b=2-r0\n\nP:c\nV:3-r0\nD:b>1\n\n";
    let inventory = layer(&tar_of(&[("lib/apk/db/installed", db)]));
    assert_eq!(named(&inventory, "a").depends_on, ["b@2-r0", "c@3-r0"]);
    assert_eq!(named(&inventory, "c").depends_on, ["b@2-r0"]);
    assert_eq!(named(&inventory, "a").property("maintainer"), Some("M <m@example.org>"));
    assert_eq!(named(&inventory, "a").digest.as_deref(), Some("sha1:ff88f630981d1bb815080bc06b1b3881dde90b39"));

    let status =
        |name: &str, rest: &str| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n{rest}\n");
    let all = [
        status("mail", "Depends: mta | none, libx (>= 1) [amd64]\nPre-Depends: base:any\n"),
        status("exim", "Provides: mta (= 1),\n other\n"),
        status("libx", ""),
        status("base", ""),
        "Package: half\nStatus: install ok unpacked\nVersion: 1\n\n".to_owned(),
        "Package: gone\nStatus: purge ok not-installed\nVersion: 1\n\n".to_owned(),
    ];
    let inventory = layer(&tar_of(&[("var/lib/dpkg/status", all.concat())]));
    assert_eq!(named(&inventory, "mail").depends_on, ["base@1", "exim@1", "libx@1"]);
    assert_eq!(inventory.components.len(), 5);
}

#[test]
fn packages_without_a_package_manager_depend_on_each_other() {
    let tar = tar_of(&[
        ("var/lib/dpkg/status.d/libssl3", "Package: libssl3\nSource: openssl\nVersion: 3.0.15\nDepends: libc6\n"),
        ("var/lib/dpkg/status.d/libc6", "Package: libc6\nSource: glibc\nVersion: 2.36\n"),
        ("var/lib/dpkg/status.d/libc6.md5sums", "00  usr/lib/python3/a.dist-info/METADATA\n"),
        ("usr/lib/python3/a.dist-info/METADATA", &metadata("a", "1")),
        ("etc/os-release", "PRETTY_NAME=\"Distroless\"\nID=\"debian\"\nVERSION_ID=\"12\"\n"),
    ]);
    let whole = image(&[tar]);
    let ssl = named(&whole, "libssl3");
    assert_eq!((ssl.depends_on.as_slice(), &*ssl.component.match_name), (&["libc6@2.36".to_owned()][..], "openssl"));
    assert_eq!(named(&whole, "a").owned_by.as_ref(), Some(&named(&whole, "libc6").component.purl));
    assert!(whole.is_complete(), "{:?}", whole.skipped);
}

#[test]
fn a_release_is_put_together_from_all_layers() {
    let db = apk_db(&[("musl", "1.2-r0")]);
    let base = tar_of(&[
        ("lib/apk/db/installed", db.as_str()),
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"),
        ("etc/apk/repositories", "https://mirror.example/alpine/v3.20/main\n"),
    ]);
    let edge = tar_of(&[("etc/apk/repositories", "https://mirror.example/alpine/edge/main\n")]);
    let of = |layers: &[Vec<u8>]| {
        let os = image(layers).os.unwrap();
        (os.version, os.ecosystem)
    };
    assert_eq!(of(std::slice::from_ref(&base)), ("3.20.3".to_owned(), "Alpine:v3.20".to_owned()));
    assert_eq!(of(&[base.clone(), edge]), ("3.20.3".to_owned(), "Alpine:edge".to_owned()));
    let whole = image(&[base, tar_of(&[("etc/.wh.os-release", "")])]);
    assert!(whole.os.is_none() && whole.releases.is_empty());

    let old = tar_of(&[("etc/debian_version", "12.5\n"), ("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n")]);
    let new = tar_of(&[("etc/debian_version", "12.7\n")]);
    assert_eq!(of(&[old.clone(), new]), ("12.7".to_owned(), "Debian:12".to_owned()));
    assert_eq!(of(&[old, tar_of(&[("etc/.wh.debian_version", "")])]).0, "12");
}

#[test]
fn packages_of_arch_linux() {
    let desc = |name: &str, rest: &str| format!("%NAME%\n{name}\n\n%VERSION%\n1:2.0-1\n\n%ARCH%\nx86_64\n\n{rest}");
    let metadata_path = "usr/lib/python3.12/site-packages/six-1.dist-info/METADATA";
    let tar = tar_of(&[
        ("var/lib/pacman/local/ALPM_DB_VERSION", "9\n".to_owned()),
        (
            "var/lib/pacman/local/python-six-1:2.0-1/desc",
            desc("python-six", "%LICENSE%\nMIT\n\n%DEPENDS%\nsh\nzlib>=1\n"),
        ),
        ("var/lib/pacman/local/python-six-1:2.0-1/files", format!("%FILES%\nusr/\n{metadata_path}\n")),
        ("var/lib/pacman/local/bash-1:2.0-1/desc", desc("bash", "%PROVIDES%\nsh=5\n\n%BASE%\nshells\n")),
        (metadata_path, metadata("six", "1")),
        ("etc/os-release", "ID=arch\nPRETTY_NAME=\"Arch Linux\"\n".to_owned()),
    ]);
    let whole = image(&[tar]);
    let six = named(&whole, "python-six");
    assert_eq!(six.component.purl, "pkg:alpm/arch/python-six@1:2.0-1?arch=x86_64&distro=arch");
    assert_eq!(
        (six.depends_on.as_slice(), six.licenses.as_slice()),
        (&["bash@1:2.0-1".to_owned()][..], &["MIT".to_owned()][..])
    );
    assert_eq!(named(&whole, "bash").source().0, "shells");
    assert_eq!(named(&whole, "six").owned_by.as_ref(), Some(&six.component.purl));
    assert!(whole.skipped.iter().all(|skipped| skipped.detail.contains("no advisories")), "{:?}", whole.skipped);

    let info = "pkgname = zlib\npkgbase = zlib\npkgver = 1:1.3-1\narch = x86_64\nlicense = Zlib\ndepend = glibc\n";
    let file = gz(&tar_of(&[(".BUILDINFO", ""), (".PKGINFO", info), ("usr/lib/libz.so", "")]));
    let inventory = inspect("zlib-1:1.3-1-x86_64.pkg.tar.gz", &file).unwrap();
    assert_eq!(purls(&inventory), ["pkg:alpm/zlib@1:1.3-1?arch=x86_64"]);
}

#[test]
fn packages_of_gentoo() {
    let folder = "var/db/pkg/dev-python/six-1.16.0-r1";
    let path = "usr/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA";
    let files = [
        (format!("{folder}/PF"), "six-1.16.0-r1\n".to_owned()),
        (format!("{folder}/CATEGORY"), "dev-python\n".to_owned()),
        (format!("{folder}/LICENSE"), "MIT\n".to_owned()),
        (format!("{folder}/SLOT"), "0\n".to_owned()),
        (format!("{folder}/CONTENTS"), format!("dir /usr\nobj /{path} 0123 1700000000\n")),
        (path.to_owned(), metadata("six", "1.16.0")),
        ("etc/os-release".to_owned(), "ID=gentoo\nVERSION_ID=2.15\n".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let whole = image(&[tar_of(&files)]);
    let six = named(&whole, "dev-python/six");
    assert_eq!(six.component.purl, "pkg:ebuild/dev-python/six@1.16.0-r1?distro=gentoo-2.15");
    assert_eq!((six.licenses.as_slice(), six.property("slot")), (&["MIT".to_owned()][..], Some("0")));
    assert_eq!(named(&whole, "six").owned_by.as_ref(), Some(&six.component.purl));
}
