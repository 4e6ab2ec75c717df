//! Single documents, and projects of several, that are made to be slow, to double or never to end.

use std::fmt::Write as _;

use super::Case;
use super::documents::{MIB, anchors};
use crate::make::{gz, raw, tar_of, zip_of, zip_stored};

fn files(all: &[(String, String)]) -> Vec<u8> {
    all.iter().flat_map(|(path, text)| raw(b'0', path, "", text.as_bytes())).collect()
}

pub fn cases() -> Vec<Case> {
    vec![
        Case::project("requirements: files that include each other", || {
            let includes = (0..300).fold(String::new(), |mut text, at| {
                let _ = writeln!(text, "-r requirements-{at}.txt\n-c requirements-{at}.txt");
                text
            });
            files(
                &(0..300)
                    .map(|at| (format!("requirements-{at}.txt"), format!("{includes}a{at}==1\n")))
                    .collect::<Vec<_>>(),
            )
        }),
        Case::project("maven: parents in a circle", || {
            let pom = |name: &str, parent: &str| {
                format!(
                    "<project><parent><groupId>g</groupId><artifactId>{parent}</artifactId><version>1</version><relativePath>../{parent}/pom.xml</relativePath></parent><artifactId>{name}</artifactId></project>"
                )
            };
            files(&[
                ("a/pom.xml".into(), pom("a", "b")),
                ("b/pom.xml".into(), pom("b", "a")),
                ("c/pom.xml".into(), pom("c", "c")),
            ])
        }),
        Case::project("maven: properties that double", || {
            let properties = (1..60).fold("<p0>xxxxxxxxxx</p0>".to_owned(), |mut text, at| {
                let _ = write!(text, "<p{at}>${{p{0}}}${{p{0}}}</p{at}>", at - 1);
                text
            });
            files(&[(
                "pom.xml".into(),
                format!(
                    "<project><groupId>g</groupId><artifactId>a</artifactId><version>${{p59}}</version><properties>{properties}</properties><dependencies><dependency><groupId>${{p59}}</groupId><artifactId>b</artifactId><version>${{p59}}</version></dependency></dependencies></project>"
                ),
            )])
        }),
        Case::project("maven: bills of materials that import each other", || {
            let imports = (0..120).fold(String::new(), |mut text, at| { let _ = write!(text, "<dependency><groupId>g</groupId><artifactId>a{at}</artifactId><version>1</version><type>pom</type><scope>import</scope></dependency>"); text });
            files(&(0..120).map(|at| (format!("a{at}/pom.xml"), format!("<project><groupId>g</groupId><artifactId>a{at}</artifactId><version>1</version><dependencyManagement><dependencies>{imports}</dependencies></dependencyManagement></project>"))).collect::<Vec<_>>())
        }),
        Case::project("nuget: properties that double", || {
            let properties = (1..60).fold("<P0>xxxxxxxxxx</P0>".to_owned(), |mut text, at| {
                let _ = write!(text, "<P{at}>$(P{0})$(P{0})</P{at}>", at - 1);
                text
            });
            files(&[(
                "Directory.Packages.props".into(),
                format!(
                    "<Project><PropertyGroup>{properties}</PropertyGroup><ItemGroup><PackageVersion Include=\"A\" Version=\"$(P59)\"/></ItemGroup></Project>"
                ),
            )])
        }),
        Case::project("npm: folders in folders", || {
            let mut text = "{\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"a\"}".to_owned();
            for at in 1..1000 {
                let _ = write!(
                    text,
                    ",\"{}node_modules/a\":{{\"version\":\"1.0.{at}\",\"dependencies\":{{\"b\":\"1\"}}}}",
                    "node_modules/a/".repeat(at)
                );
            }
            files(&[("package-lock.json".into(), text + "}}")])
        }),
        Case::project("npm: everything needs everything", || {
            let needs = (0..700).map(|at| format!("\"p{at}\":\"1\"")).collect::<Vec<_>>().join(",");
            let all = (0..700)
                .map(|at| format!("\"node_modules/p{at}\":{{\"version\":\"1.0.0\",\"dependencies\":{{{needs}}}}}"))
                .collect::<Vec<_>>()
                .join(",");
            files(&[("package-lock.json".into(), format!("{{\"lockfileVersion\":3,\"packages\":{{{all}}}}}"))])
        }),
        Case::project("npm: a thousand lock files in one another", || {
            files(
                &(1..1000)
                    .map(|at| {
                        (
                            format!("{}package-lock.json", "d/".repeat(at % 40)),
                            "{\"lockfileVersion\":3,\"packages\":{}}".to_owned(),
                        )
                    })
                    .collect::<Vec<_>>(),
            )
        }),
        Case::project("cargo: workspaces that match everything", || {
            let members = (0..2000).map(|_| "\"*/*/*/**\"").collect::<Vec<_>>().join(",");
            let mut all = vec![
                ("Cargo.toml".to_owned(), format!("[workspace]\nmembers = [{members}]\n")),
                ("Cargo.lock".to_owned(), "version = 3\n".to_owned()),
            ];
            all.extend((0..400).map(|at| {
                (
                    format!("a/b/c{at}/Cargo.toml"),
                    format!("[package]\nname = \"c{at}\"\nversion = \"1.0.0\"\n[dependencies]\nx = \"*\"\n"),
                )
            }));
            files(&all)
        }),
        Case::project("yarn: workspaces that match everything", || {
            let patterns = (0..2000).map(|_| "\"**/*a*b*c*/**\"").collect::<Vec<_>>().join(",");
            let mut all = vec![
                ("package.json".to_owned(), format!("{{\"name\":\"a\",\"workspaces\":[{patterns}]}}")),
                ("yarn.lock".to_owned(), "# yarn lockfile v1\n\na@1:\n  version \"1.0.0\"\n".to_owned()),
            ];
            all.extend((0..200).map(|at| {
                (
                    format!("{}c{at}/package.json", "aaaabbbb/".repeat(8)),
                    "{\"name\":\"x\",\"version\":\"1.0.0\",\"dependencies\":{\"a\":\"1\"}}".to_owned(),
                )
            }));
            files(&all)
        }),
        Case::file("sbom: components in components", "a.cdx.json", || {
            let nested = "{\"type\":\"library\",\"name\":\"a\",\"version\":\"1\",\"components\":[".repeat(100_000);
            format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{nested}").into_bytes()
        }),
        Case::file("sbom: four hundred thousand components", "a.cdx.json", || {
            let all =
                "{\"type\":\"library\",\"name\":\"a\",\"version\":\"1\",\"purl\":\"pkg:npm/a@1\"},".repeat(400_000);
            format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{all}{{}}]}}").into_bytes()
        }),
        Case::file("sbom: dependencies in a circle, and of everything", "a.cdx.json", || {
            let parts = (0..1500).map(|at| format!("{{\"bom-ref\":\"{at}\",\"type\":\"library\",\"name\":\"a{at}\",\"version\":\"1\",\"purl\":\"pkg:npm/a{at}@1\"}}")).collect::<Vec<_>>().join(",");
            let refs = (0..1500).map(|at| format!("\"{at}\"")).collect::<Vec<_>>().join(",");
            let needs = (0..1500)
                .map(|at| format!("{{\"ref\":\"{at}\",\"dependsOn\":[{refs}]}}"))
                .collect::<Vec<_>>()
                .join(",");
            format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{parts}],\"dependencies\":[{needs}]}}").into_bytes()
        }),
        Case::file("sbom: relationships in a circle", "a.spdx.json", || {
            let parts = (0..3000)
                .map(|at| format!("{{\"SPDXID\":\"SPDXRef-{at}\",\"name\":\"a{at}\"}}"))
                .collect::<Vec<_>>()
                .join(",");
            let needs = (0..60_000).map(|at| format!("{{\"spdxElementId\":\"SPDXRef-{}\",\"relationshipType\":\"CONTAINS\",\"relatedSpdxElement\":\"SPDXRef-{}\"}}", at % 3000, (at * 7 + 1) % 3000)).collect::<Vec<_>>().join(",");
            format!("{{\"spdxVersion\":\"SPDX-2.3\",\"SPDXID\":\"SPDXRef-DOCUMENT\",\"packages\":[{parts}],\"relationships\":[{needs}]}}").into_bytes()
        }),
        Case::file("sbom: envelopes in envelopes", "a.intoto.jsonl", || {
            use base64::Engine as _;
            let core = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#.to_owned();
            (0..40)
                .fold(core, |inner, _| {
                    let payload = base64::engine::general_purpose::STANDARD.encode(&inner);
                    if payload.len() > 6 * MIB {
                        return inner;
                    }
                    format!(r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[]}}"#)
                })
                .into_bytes()
        }),
        Case::file("gem: a specification whose anchors double", "a-1.0.gem", || {
            tar_of(&[("metadata.gz", &gz(&anchors("x")))])
        }),
        Case::file("gem: a specification that is a bomb", "a-1.0.gem", || {
            tar_of(&[("metadata.gz", &gz(&vec![b' '; 200 * MIB]))])
        }),
        Case::file("helm: values whose anchors double", "a-1.0.tgz", || {
            gz(&tar_of(&[("a/Chart.yaml", b"name: a\nversion: 1.0.0\n"), ("a/values.yaml", &anchors("x"))]))
        }),
        Case::file("helm: charts in charts", "a-1.0.tgz", || {
            let chart = b"name: a\nversion: 1.0.0\n";
            (0..40).fold(gz(&tar_of(&[("a/Chart.yaml", chart)])), |inner, _| {
                gz(&tar_of(&[("a/Chart.yaml", chart), ("a/charts/a-1.0.tgz", &inner)]))
            })
        }),
        Case::file("hex: lists in lists", "a-1.0.tar", || {
            tar_of(&[("VERSION", b"3"), ("metadata.config", &b"[".repeat(MIB))])
        }),
        Case::file("hex: tuples in tuples", "a-1.0.tar", || {
            tar_of(&[("VERSION", b"3"), ("metadata.config", &b"{<<\"a\">>,".repeat(MIB / 8))])
        }),
        Case::file("nuget: a description nested without end", "a.1.0.nupkg", || {
            zip_of(&[("a.nuspec", &b"<a>".repeat(2 * MIB))])
        }),
        Case::file("jar: a manifest of one line", "a-1.jar", || {
            zip_of(&[("META-INF/MANIFEST.MF", &vec![b'a'; 7 * MIB])])
        }),
        Case::file("jar: folded lines", "a-1.jar", || {
            zip_of(&[(
                "META-INF/MANIFEST.MF",
                [&b"Bundle-Version: 1"[..], &b"\n 1".repeat(2 * MIB)].concat().as_slice(),
            )])
        }),
        Case::file("jar: a hundred thousand poms", "a-1.jar", || {
            zip_stored(
                &(0..15_000)
                    .map(|at| {
                        (
                            format!("META-INF/maven/g/a{at}/pom.properties"),
                            format!("groupId=g\nartifactId=a{at}\nversion=1\n").into_bytes(),
                        )
                    })
                    .collect::<Vec<_>>(),
            )
        }),
        Case::file("wheel: headers without end", "a-1.0-py3-none-any.whl", || {
            zip_of(&[(
                "a-1.0.dist-info/METADATA",
                [&b"Name: a\nVersion: 1.0\n"[..], &b"Requires-Dist: b (((((>=1)))))\n".repeat(200_000)]
                    .concat()
                    .as_slice(),
            )])
        }),
        Case::file("wheel: a marker nested without end", "a-1.0-py3-none-any.whl", || {
            zip_of(&[(
                "a-1.0.dist-info/METADATA",
                [
                    &b"Name: a\nVersion: 1.0\nLicense-Expression: "[..],
                    &b"(".repeat(MIB),
                    b"\nRequires-Dist: b; ",
                    &b"(".repeat(MIB),
                ]
                .concat()
                .as_slice(),
            )])
        }),
        Case::tree("package.json: a licence nested without end", "node_modules/a/package.json", || {
            format!("{{\"name\":\"a\",\"version\":\"1.0.0\",\"license\":\"{}\"}}", "(".repeat(MIB)).into_bytes()
        }),
        Case::tree("package.json: a licence of choices without end", "node_modules/a/package.json", || {
            format!(
                "{{\"name\":\"a\",\"version\":\"1.0.0\",\"license\":\"{}MIT\"}}",
                "MIT AND Apache 2 or GPL, ".repeat(MIB / 24)
            )
            .into_bytes()
        }),
        Case::tree("pylock: a marker nested without end", "pylock.toml", || {
            format!("lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '1'\nmarker = \"{}\"\n", "(".repeat(MIB))
                .into_bytes()
        }),
        Case::tree("secrets: keys that never end", "keys.txt", || b"-----BEGIN RSA PRIVATE KEY-----\n".repeat(200_000)),
        Case::tree("secrets: every word that begins one", "keys.txt", || {
            b"AKIA ghp_ xoxb- sk_live_ password= secret: token= AIza eyJ".repeat(100_000)
        }),
        Case::tree("secrets: a line of sixteen megabytes", "keys.txt", || {
            b"api_key=".iter().copied().chain((0..16 * MIB).map(|at| b'a' + (at % 26) as u8)).collect()
        }),
        Case::tree("licences: one text again and again", "LICENSE", || {
            b"Permission is hereby granted, free of charge, to any person obtaining a copy of this software "
                .repeat(80_000)
        }),
        Case::tree("dpkg: packages that need each other", "var/lib/dpkg/status", || {
            let needs = (0..1500).map(|at| format!("p{at} | q{at}")).collect::<Vec<_>>().join(", ");
            (0..400).fold(String::new(), |mut text, at| { let _ = write!(text, "Package: p{at}\nStatus: install ok installed\nVersion: 1\nProvides: {needs}\nDepends: {needs}\n\n"); text }).into_bytes()
        }),
        Case::tree("dpkg: packages of a few bytes", "var/lib/dpkg/status", || {
            b"Package: a\nVersion: 1\n\n".repeat(7 * MIB / 24)
        }),
        Case::tree("apk: packages of a few bytes", "lib/apk/db/installed", || b"P:a\nV:1\n\n".repeat(7 * MIB / 9)),
        Case::tree("apk: everything provides everything", "lib/apk/db/installed", || {
            let same = "so:libc.so.6 ".repeat(1500);
            (0..400)
                .fold(String::new(), |mut text, at| {
                    let _ = write!(text, "P:p{at}\nV:1\np:{same}\nD:{same}\n\n");
                    text
                })
                .into_bytes()
        }),
    ]
}
