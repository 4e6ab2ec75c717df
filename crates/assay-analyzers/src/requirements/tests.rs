//! Pins, includes, constraints, encodings.
#![allow(clippy::unwrap_used, reason = "tests")]

use assay_model::inventory::Inventory;

use super::Requirements;
use crate::project::Locked;
use crate::project::testing::{shown, survives, tree, tree_after};

const TEXT: &str = "# all of it\nFlask==2.0.0\nzope.interface[x] == 5.4 ; python_version > '3' # why\nopen>=1\n\
    b==1.0 \\\n    --hash=sha256:47DEQpj8 \\\n    --hash=sha256:01\n\
    c==2 --hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
    https://host.example/d-3.0-py3-none-any.whl\n{{ template }}\n-e ./local\n";

#[test]
fn only_pins_are_versions() {
    let out = tree(&Locked(Requirements), &[("requirements.txt", TEXT)]);
    assert_eq!(shown(&out), ["Flask==2.0.0 2-2", "zope.interface==5.4 3-3", "b==1.0 5-5", "c==2 8-8", "d==3.0 9-9"]);
    assert_eq!(out.components[1].component.match_name, "zope-interface");
    assert!(out.components[3].digest.as_deref().is_some_and(|digest| digest.starts_with("sha256:e3b0")));
    assert_eq!(out.components[2].digest, None);
    assert_eq!(out.skipped.len(), 1);
    let skipped = &out.skipped[0];
    assert_eq!((skipped.path.as_str(), skipped.reason.as_str()), ("requirements.txt", "unresolved"));
    assert_eq!(skipped.detail, "no version is known of: open>=1 (line 4); {{ template }} (line 10); ./local (line 11)");
}

#[test]
fn files_that_are_included() {
    let out = tree(
        &Locked(Requirements),
        &[
            ("x/requirements.txt", "-r base/reqs.in\n-r requirements-test.txt\n-c constraints.txt\na\n"),
            ("x/base/reqs.in", "b==1\n-r ../requirements.txt\n-r gone.txt\n"),
            ("x/requirements-test.txt", "c==1\n"),
            ("x/constraints.txt", "A==9\nunused==1\n"),
            ("x/requirements-dev.txt", "-r requirements.txt\nd==1\n-r ../../outside.txt\n"),
            ("x/notes.txt", "e==1\n"),
            ("requirements/docs.txt", "f==1\n"),
        ],
    );
    let mut found: Vec<String> =
        out.components.iter().zip(shown(&out)).map(|(found, line)| format!("{} {line}", found.path)).collect();
    found.sort();
    assert_eq!(
        found,
        [
            "requirements/docs.txt f==1 dev 1-1",
            "x/base/reqs.in b==1 1-1",
            "x/requirements-dev.txt d==1 dev 2-2",
            "x/requirements-test.txt c==1 1-1",
            "x/requirements.txt a==9 4-4",
        ]
    );
    let told: Vec<&str> = out.skipped.iter().map(|skipped| skipped.detail.as_str()).collect();
    assert!(told.iter().any(|detail| detail.contains("x/base/gone.txt")), "{told:?}");
    assert!(told.iter().any(|detail| detail.contains("../../outside.txt")), "{told:?}");
}

#[test]
fn editors_leave_other_encodings() {
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain("a==1\r\nb==2\r\n".bytes().flat_map(|byte| [byte, 0])).collect();
    let out = tree_after(&Locked(Requirements), &[("requirements.txt", &wide)], Inventory::default());
    assert_eq!(shown(&out), ["a==1 1-1", "b==2 2-2"]);
}

#[test]
fn more_lines_than_are_believed() {
    let out = tree(&Locked(Requirements), &[("requirements.txt", &"a==1\n".repeat(100_010))]);
    assert_eq!(out.components.len(), 100_001);
    assert_eq!(out.skipped[0].reason, "limit");
}

#[test]
fn damaged_files() {
    survives(&Locked(Requirements), "requirements.txt", TEXT);
}
