//! Texts that are slow to read: nested without end, naming each other, doubling with every line.

use std::fmt::Write as _;

use super::Case;

pub const MIB: usize = 1 << 20;

/// Files that are JSON, by where they lie.
const JSON: &[&str] = &[
    "package-lock.json",
    "bun.lock",
    "Pipfile.lock",
    "composer.lock",
    "packages.lock.json",
    "app.deps.json",
    "conan.lock",
    "build.sbt.lock",
    "Package.resolved",
    "vendor/composer/installed.json",
    "opt/conda-meta/a-1-0.json",
    "node_modules/a/package.json",
    "a.cdx.json",
    "a.spdx.json",
    "a.spdx3.json",
    "a.sigstore.json",
];
const YAML: &[&str] = &["pnpm-lock.yaml", "Podfile.lock", "pubspec.lock", "environment.yml", "yarn.lock"];
const TOML: &[&str] =
    &["Cargo.lock", "Cargo.toml", "poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Manifest.toml"];
const XML: &[&str] = &["pom.xml", "packages.config", "Directory.Packages.props", "a.cdx.xml"];
const LINES: &[&str] = &[
    "requirements.txt",
    "go.mod",
    "go.sum",
    "gradle.lockfile",
    "Gemfile.lock",
    "mix.lock",
    "yarn.lock",
    "Podfile.lock",
    "lib/apk/db/installed",
    "var/lib/dpkg/status",
    "usr/share/doc/a/copyright",
    "var/lib/pacman/local/a-1-1/desc",
    "var/db/pkg/a/b-1/RDEPEND",
    "var/db/pkg/a/b-1/LICENSE",
    "usr/lib/specifications/a-1.gemspec",
    "a.spdx",
    "a-1.dist-info/METADATA",
    "etc/os-release",
    "LICENSE",
    "src/a.c",
    "settings.ini",
    "id_rsa",
];

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for path in JSON {
        all.push(Case::tree(&format!("json: nested, {path}"), path, || "[".repeat(MIB).into_bytes()));
        all.push(Case::tree(&format!("json: objects nested, {path}"), path, move || {
            in_json(path, &"{\"a\":".repeat(300_000))
        }));
        all.push(Case::tree(&format!("json: many small things, {path}"), path, move || {
            in_json(path, &format!("[{}1]", "[],".repeat(2 * MIB)))
        }));
    }
    for path in YAML {
        all.push(Case::tree(&format!("yaml: anchors that double, {path}"), path, move || anchors(path)));
        all.push(Case::tree(&format!("yaml: nested in a line, {path}"), path, || {
            format!("packages: {}", "[".repeat(100_000)).into_bytes()
        }));
        all.push(Case::tree(&format!("yaml: nested by dashes, {path}"), path, || {
            format!("packages:\n  {}x\n", "- ".repeat(100_000)).into_bytes()
        }));
        all.push(Case::tree(&format!("yaml: nested by spaces, {path}"), path, || stairs(2500).into_bytes()));
    }
    for path in TOML {
        all.push(Case::tree(&format!("toml: a key of many parts, {path}"), path, || {
            format!("{}a = 1\n", "a.".repeat(200_000)).into_bytes()
        }));
        all.push(Case::tree(&format!("toml: lists in lists, {path}"), path, || {
            format!("a = {}", "[".repeat(300_000)).into_bytes()
        }));
        all.push(Case::tree(&format!("toml: tables of many parts, {path}"), path, || tables().into_bytes()));
        all.push(Case::tree(&format!("toml: everything needs everything, {path}"), path, || everything().into_bytes()));
    }
    for path in XML {
        all.push(Case::tree(&format!("xml: entities that double, {path}"), path, || laughs().into_bytes()));
        all.push(Case::tree(&format!("xml: nested, {path}"), path, || "<project>".repeat(300_000).into_bytes()));
        all.push(Case::tree(&format!("xml: many attributes, {path}"), path, || {
            format!(
                "<project {}/>",
                (0..60_000).fold(String::new(), |mut all, at| {
                    let _ = write!(all, "a{at}='' ");
                    all
                })
            )
            .into_bytes()
        }));
    }
    for path in LINES {
        for (what, piece) in PIECES {
            all.push(Case::tree(&format!("text: {what}, {path}"), path, move || {
                begun(path, &piece.repeat(MIB / piece.len()))
            }));
        }
    }
    all
}

/// What slow expressions and careless loops dislike, to be repeated for megabytes.
const PIECES: &[(&str, &str)] = &[
    ("one line", "a"),
    ("brackets", "("),
    ("alternatives", "MIT or "),
    ("lines of a word", "a\n"),
    ("fields", "Package: a\nVersion: 1\nP:a\nV:1\n\n"),
    ("quotes and backslashes", "\\\"'"),
];

fn begun(path: &str, text: &str) -> Vec<u8> {
    let begin = match path.rsplit('/').next().unwrap_or(path) {
        "RDEPEND" | "LICENSE" => "",
        "copyright" => "Format: x\n\nFiles: *\nLicense: ",
        "go.mod" => "module a.example/b\nrequire (\n",
        "mix.lock" => "%{\n  \"a\": {:hex, :a, \"1\", [",
        "installed" => "P:a\nV:1\nD:",
        "status" => "Package: a\nStatus: install ok installed\nVersion: 1\nDepends: ",
        "desc" => "%NAME%\na\n%VERSION%\n1-1\n%DEPENDS%\n",
        "a.spdx" => "SPDXVersion: SPDX-2.3\nPackageName: <text>",
        "METADATA" => "Name: a\nVersion: 1\nLicense-Expression: ",
        "requirements.txt" => "a==1 ; ",
        "id_rsa" => "-----BEGIN RSA PRIVATE KEY-----\n",
        "settings.ini" => "password = ",
        _ => "",
    };
    format!("{begin}{text}").into_bytes()
}

/// A member that each of these documents has, so that it is not refused before the trap.
fn in_json(path: &str, trap: &str) -> Vec<u8> {
    let before = match path {
        "a.cdx.json" => "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":",
        "a.spdx.json" => "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":",
        "a.spdx3.json" => "{\"@context\":\"https://spdx.org/rdf/3.0.1/x\",\"@graph\":",
        "a.sigstore.json" => "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"dsseEnvelope\":",
        "conan.lock" => "{\"version\":\"0.5\",\"requires\":",
        "composer.lock" | "package-lock.json" | "bun.lock" => "{\"lockfileVersion\":3,\"packages\":",
        _ => "{\"dependencies\":",
    };
    let end = if trap.ends_with(']') { "}" } else { "" };
    format!("{before}{trap}{end}").into_bytes()
}

pub fn anchors(path: &str) -> Vec<u8> {
    let mut text = match path {
        "yarn.lock" => "__metadata:\n  version: 8\n".to_owned(),
        _ => String::new(),
    };
    text.push_str("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for at in 1..12 {
        let before = format!("*a{}", at - 1);
        let _ = writeln!(text, "a{at}: &a{at} [{}]", vec![before; 10].join(", "));
    }
    for key in ["packages", "dependencies", "PODS", "snapshots", "importers"] {
        let _ = writeln!(text, "{key}: *a11");
    }
    text.into_bytes()
}

fn stairs(depth: usize) -> String {
    let mut text = String::new();
    for at in 0..depth {
        let _ = writeln!(text, "{}a:", " ".repeat(at));
    }
    text
}

fn tables() -> String {
    (0..3000).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, "[[{}a{at}]]", "a.".repeat(60));
        text
    })
}

fn everything() -> String {
    let names: Vec<String> = (0..600).map(|at| format!("\"p{at}\"")).collect();
    let list = names.join(", ");
    names.iter().fold("version = 3\n".to_owned(), |mut text, name| {
        let _ = writeln!(text, "[[package]]\nname = {name}\nversion = \"1.0.0\"\ndependencies = [{list}]");
        text
    })
}

fn laughs() -> String {
    let mut text = "<?xml version=\"1.0\"?><!DOCTYPE project [<!ENTITY a0 \"xxxxxxxxxx\">".to_owned();
    for at in 1..12 {
        let _ = write!(text, "<!ENTITY a{at} \"{}\">", format!("&a{};", at - 1).repeat(10));
    }
    text.push_str("]><project><name>&a11;</name></project>");
    text
}
