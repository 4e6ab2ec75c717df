//! go.mod files of every age.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::PART;
use crate::locked::testing::{by_id, ids, survives_damage, tree};
use assay_model::component::Relationship;

const MODERN: &str = "// Deprecated: no
module example.org/app // the app

go 1.22.1
toolchain go1.22.5

require (
\texample.org/a v1.2.3
\t\"example.org/b\" v0.1.0 // a comment
)
require example.org/Upper/c v2.0.0+incompatible // indirect; kept
require (
\texample.org/d v1.0.0 // indirect
\texample.org/e v1.0.0 // indirectly

\texample.org/f v1.0.0
)
exclude example.org/a v1.2.4
replace (
\texample.org/b => ./local/b
\texample.org/d v1.0.0 => example.org/fork/d v1.0.1
\texample.org/f v9.9.9 => example.org/never v1.0.0
)
retract [v1.0.0, v1.1.0]
tool example.org/a/cmd
godebug default=go1.21
";

#[test]
fn a_modern_module() {
    let out = tree(&PART, &[("app/go.mod", MODERN), ("app/go.sum", "example.org/z v1.0.0 h1:x=\n")]);
    let mut found = ids(&out);
    found.sort_unstable();
    let expected = [
        "example.org/Upper/c@v2.0.0+incompatible",
        "example.org/a@v1.2.3",
        "example.org/app",
        "example.org/e@v1.0.0",
        "example.org/f@v1.0.0",
        "example.org/fork/d@v1.0.1",
    ];
    assert_eq!(found, expected);
    let main = by_id(&out, "example.org/app");
    assert_eq!(main.relationship, Relationship::Root);
    assert_eq!(main.requires, ["go 1.22.1", "toolchain go1.22.5"]);
    assert_eq!(main.depends_on, ["example.org/a@v1.2.3", "example.org/e@v1.0.0", "example.org/f@v1.0.0"]);
    let upper = by_id(&out, "example.org/Upper/c@v2.0.0+incompatible");
    assert_eq!(upper.component.purl, "pkg:golang/example.org/upper/c@v2.0.0%2Bincompatible");
    assert_eq!(upper.component.match_name, "example.org/upper/c");
    assert_eq!((upper.component.namespace.as_str(), upper.component.name.as_str()), ("example.org/upper", "c"));
    assert_eq!(upper.relationship, Relationship::Indirect);
    assert_eq!(by_id(&out, "example.org/fork/d@v1.0.1").relationship, Relationship::Indirect);
    assert!(out.is_complete());
}

#[test]
fn an_old_module_needs_its_sums() {
    let old = "module m\ngo 1.16\nrequire example.org/a v1.0.0\nrequire example.org/i v1.0.0 // indirect\n\
               require example.org/j v1.0.0 // indirect\nexclude example.org/x v1.9.0\n";
    let sums = "example.org/a v1.0.0 h1:a=\nexample.org/a v1.5.0/go.mod h1:a=\nexample.org/i v1.10.0 h1:a=\n\
                example.org/i v1.9.0/go.mod h1:a=\nexample.org/x v1.8.0/go.mod h1:a=\nexample.org/x v1.9.0/go.mod h1:a=\nbroken\n";
    let out = tree(&PART, &[("go.mod", old), ("go.sum", sums)]);
    for (id, relationship) in [
        ("example.org/a@v1.0.0", Relationship::Direct),
        ("example.org/i@v1.10.0", Relationship::Indirect),
        ("example.org/j@v1.0.0", Relationship::Indirect),
        ("example.org/x@v1.8.0", Relationship::Indirect),
        ("m", Relationship::Root),
    ] {
        assert_eq!(by_id(&out, id).relationship, relationship);
    }
    assert_eq!(out.components.len(), 5);
}

#[test]
fn what_cannot_be_read_is_told() {
    let out = tree(&PART, &[("a/go.mod", "module \"x"), ("b/go.sum", "x v1.0.0 h1:=\n"), ("c/go.mod", "require x")]);
    let reasons: Vec<_> = out.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.reason)).collect();
    assert_eq!(reasons, [("a/go.mod", "corrupt"), ("c/go.mod", "corrupt"), ("b/go.sum", "unresolved")]);
    assert!(tree(&PART, &[("go.mod", "")]).components.is_empty());
}

#[test]
fn damage_does_no_harm() {
    survives_damage(&PART, &[("go.mod", MODERN)]);
    survives_damage(
        &PART,
        &[("go.mod", "module m\nrequire a/b v1.0.0"), ("go.sum", "a/c v1.0.0 h1:=\na/c v1.1.0 h1:=")],
    );
}
