//! Holds the version orders and package URLs against the lists of other projects.
//!
//! The lists stand outside the repository, in the folder that `ASSAY_CORPUS` names (default: `shared` beside
//! the repository). Files are found by listing folders, so more of the same shape need no change here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use assay_model::ecosystem::{self, rpm};
use assay_model::purl::Purl;
use serde_json::Value;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// The folder of one kind of list, or `None` with a loud note when the corpus is missing.
fn oracle(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ASSAY_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        |folder| {
            let folder = PathBuf::from(folder);
            if folder.is_absolute() { folder } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder) }
        },
    );
    let folder = root.join("oracles").join(name);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no {} (set ASSAY_CORPUS)", folder.display());
    None
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let comment = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//");
    text.lines().map(str::trim).filter(comment)
}

/// `A < B`, `A = B`, `A == B` or `A > B`.
fn comparison(line: &str) -> (&str, Ordering, &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [a, operator, b] = words[..] else { panic!("no comparison: {line}") };
    let order = match operator {
        "<" => Ordering::Less,
        ">" => Ordering::Greater,
        "=" | "==" => Ordering::Equal,
        _ => panic!("unknown operator: {line}"),
    };
    (a, order, b)
}

/// Runs every line of one list both ways round; prints each wrong one. Gives (lines, wrong lines).
fn hold(list: &Path, compare: impl Fn(&str, &str) -> Result<Ordering, String>) -> (usize, usize) {
    let text = std::fs::read_to_string(list).unwrap();
    let (mut read, mut wrong) = (0, 0);
    for line in lines(&text) {
        let (a, wanted, b) = comparison(line);
        let (got, back) = (compare(a, b), compare(b, a));
        read += 1;
        if got != Ok(wanted) || back != Ok(wanted.reverse()) {
            println!("WRONG {}: {line} (got {got:?}, reversed {back:?})", list.display());
            wrong += 1;
        }
    }
    println!("{}: {read} lines, {wrong} wrong", list.display());
    (read, wrong)
}

#[test]
fn every_version_list_is_right() {
    let Some(folder) = oracle("versions") else { return };
    let (mut read, mut wrong) = (0, 0);
    for list in files(&folder, ".txt") {
        let name = list.file_name().unwrap().to_string_lossy().into_owned();
        let ecosystem = name.split("-versions").next().unwrap();
        let (r, w) = hold(&list, |a, b| ecosystem::compare_cli(ecosystem, a, b).map_err(|e| e.to_string()));
        assert!(r > 0, "{name} holds no comparison");
        read += r;
        wrong += w;
    }
    assert!(read > 0, "no list found");
    assert_eq!(wrong, 0, "{wrong} of {read} lines are wrong");
}

#[test]
fn the_lists_for_rpm_are_right() {
    let Some(folder) = oracle("rpmver") else { return };
    let (read, wrong) = hold(&folder.join("rpmvercmp"), |a, b| Ok(rpm::rpmvercmp(a, b)));
    assert!(read > 0 && wrong == 0, "{wrong} of {read} wrong");
    let (read, wrong) = hold(&folder.join("compare"), |a, b| Ok(rpm::Nevra::parse(a).compare(&rpm::Nevra::parse(b))));
    assert!(read > 0 && wrong == 0, "{wrong} of {read} wrong");
}

#[test]
fn labels_of_rpm_packages_are_cut_right() {
    let Some(folder) = oracle("rpmver") else { return };
    let text = std::fs::read_to_string(folder.join("parse")).unwrap();
    let (mut read, mut wrong) = (0, 0);
    for line in lines(&text) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [input, name, epoch, version, release, arch] = words[..] else { panic!("six fields: {line}") };
        let some = |field: &'static str, text: &str| {
            let text = text.trim_matches(['\'', '"']);
            (field, (!text.is_empty()).then(|| text.to_owned()))
        };
        let wanted = [some("n", name), some("e", epoch), some("v", version), some("r", release), some("a", arch)];
        let got = rpm::Nevra::parse(input);
        let own = |text: Option<&str>| text.map(str::to_owned);
        let got = [
            ("n", own(got.name)),
            ("e", own(got.epoch)),
            ("v", Some(got.version.to_owned())),
            ("r", own(got.release)),
            ("a", own(got.arch)),
        ];
        read += 1;
        if got != wanted {
            println!("WRONG {input}: wanted {wanted:?}, got {got:?}");
            wrong += 1;
        }
    }
    assert!(read > 0);
    assert_eq!(wrong, 0, "{wrong} of {read} labels are wrong");
}

/// The parts of a package URL as the test files write them.
fn parts(purl: &Purl) -> Value {
    let qualifiers = if purl.qualifiers().is_empty() { Value::Null } else { serde_json::json!(purl.qualifiers()) };
    serde_json::json!({
        "type": purl.kind(), "namespace": purl.namespace(), "name": purl.name(), "version": purl.version(),
        "qualifiers": qualifiers, "subpath": purl.subpath(),
    })
}

fn build(input: &Value) -> Result<Purl, String> {
    let field = |name: &str| input[name].as_str().unwrap_or_default();
    let mut builder = Purl::builder(field("type"), field("name"))
        .namespace(field("namespace"))
        .version(field("version"))
        .subpath(field("subpath"));
    if let Some(qualifiers) = input["qualifiers"].as_object() {
        for (key, value) in qualifiers {
            builder = builder.qualifier(key, value.as_str().expect("a text"));
        }
    }
    builder.build().map_err(|e| e.to_string())
}

/// What one test gives: the parts of a parsed package URL, or the canonical text.
fn run(test: &Value) -> Result<Value, String> {
    let parse = || test["input"].as_str().expect("a text").parse::<Purl>().map_err(|e| e.to_string());
    match test["test_type"].as_str() {
        Some("parse") => parse().map(|purl| parts(&purl)),
        Some("build") => build(&test["input"]).map(|purl| purl.as_str().into()),
        Some("roundtrip" | "validate") => parse().map(|purl| purl.as_str().into()),
        other => panic!("unknown test type {other:?}"),
    }
}

/// True when the same file wants the input both refused and made canonical: no parser can do both, and
/// reading it is what a registry needs.
fn contradicts_itself(test: &Value, all: &[Value]) -> bool {
    let reads = |other: &&Value| other["expected_failure"] != true && other["input"] == test["input"];
    test["expected_failure"] == true && all.iter().any(|other| reads(&other))
}

#[test]
fn every_package_url_test_passes() {
    let Some(folder) = oracle("purl") else { return };
    let (mut run_tests, mut wrong, mut contradictions) = (0, 0, 0);
    for file in files(&folder, ".json") {
        let document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let tests = document["tests"].as_array().expect("a list of tests");
        for test in tests {
            run_tests += 1;
            let got = run(test);
            let right = match &got {
                Ok(_) if test["expected_failure"] == true => false,
                Ok(value) => same(value, &test["expected_output"]),
                Err(_) => test["expected_failure"] == true,
            };
            if right {
                continue;
            }
            if contradicts_itself(test, tests) {
                println!("CONTRADICTION in {}: {}", file.display(), test["input"]);
                contradictions += 1;
                continue;
            }
            println!("WRONG {}: {test}\n  got {got:?}", file.display());
            wrong += 1;
        }
    }
    println!("package URLs: {run_tests} tests, {wrong} wrong, {contradictions} the suite contradicts");
    assert!(run_tests > 0);
    assert_eq!(wrong, 0, "{wrong} of {run_tests} tests are wrong");
}

/// Equal, where a missing part, an empty one and `null` are the same.
fn same(got: &Value, wanted: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            let keys = got.keys().chain(wanted.keys());
            keys.into_iter()
                .all(|key| same(got.get(key).unwrap_or(&Value::Null), wanted.get(key).unwrap_or(&Value::Null)))
        }
        _ => got == wanted || empty(got) && empty(wanted),
    }
}
