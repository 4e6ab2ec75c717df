//! Module paths, versions and escaping: examples from the reference, and laws.

use super::super::names::{Address, Module, Version, escape, unescape};
use proptest::prelude::*;

#[test]
fn module_paths() {
    for good in [
        "example.org/m",
        "example.org",
        "example.org/M/v2",
        "example.org/m/v10",
        "gopkg.in/yaml.v3",
        "gopkg.in/user/pkg.v0-unstable",
        "example.org/v",
        "example.org/vendor/x1",
        "a.b/c-d_e~f",
    ] {
        assert!(Module::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "m",
        "/m",
        "example.org/",
        "example.org//m",
        "Example.org/m",
        "-example.org/m",
        "example.org/.m",
        "example.org/m.",
        "example.org/a b",
        "example.org/v1",
        "example.org/v0",
        "example.org/v02",
        "example.org/v1.2",
        "example.org/con/x",
        "example.org/x~1",
        "example.org/ü",
        "gopkg.in/yaml",
        "gopkg.in/yaml.v03",
        "example.org/../m",
    ] {
        assert!(Module::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn versions() {
    for good in ["v1.2.3", "v0.0.0-20260102030405-abcdefabcdef", "v2.0.0+incompatible", "v1.0.0-rc.1"] {
        assert!(Version::parse(good).is_ok(), "{good}");
    }
    for bad in ["1.2.3", "v1", "v1.2", "v1.2.3+meta", "v01.2.3", "v1.2.3-", "main", "", "v1.2.3.4", "v1.2.x"] {
        assert!(Version::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn pseudo_versions_tell_their_time() {
    let time = |text: &str| Version::parse(text).unwrap().pseudo_time().map(|time| time.to_string());
    for pseudo in [
        "v0.0.0-20260102030405-abcdefabcdef",
        "v4.0.0-20260102030405-abcdefabcdef",
        "v1.2.4-0.20260102030405-abcdefabcdef",
        "v1.2.3-pre.0.20260102030405-abcdefabcdef",
        "v2.0.1-0.20260102030405-abcdefabcdef+incompatible",
    ] {
        assert_eq!(time(pseudo).as_deref(), Some("2026-01-02T03:04:05Z"), "{pseudo}");
    }
    for other in
        ["v1.2.3", "v1.2.3-20260102030405-abcdefabcdef", "v0.0.0-2026010203040-abc", "v0.0.0-20261302030405-abc"]
    {
        assert_eq!(time(other), None, "{other}");
    }
}

#[test]
fn addresses() {
    let module = |path: &str| Module::parse(path).unwrap();
    assert_eq!(Address::parse("example.org/m/@v/list").unwrap(), Address::List(module("example.org/m")));
    assert_eq!(
        Address::parse("example.org/!m/@v/feature/x.info").unwrap(),
        Address::Info(module("example.org/M"), "feature/x".to_owned())
    );
    assert_eq!(
        Address::parse("sumdb/sum.example.org/tile/8/0/x123/456.p/7").unwrap(),
        Address::Database("sum.example.org".to_owned(), "tile/8/0/x123/456.p/7".to_owned())
    );
    for bad in [
        "example.org/m/@v/../x.info",
        "example.org/m/@v/.info",
        "example.org/m/@v/v1.0.0",
        "sumdb/x/y",
        "sumdb/../x/latest",
        "sumdb/x/lookup/../../y",
        "sumdb/x/tile/8//1",
        "sumdb//latest",
        "sumdb/x/lookup/a?b",
    ] {
        assert!(Address::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn escaping_can_be_undone(text in "[A-Za-z0-9._~-]{0,40}") {
        let escaped = escape(&text);
        prop_assert!(!escaped.bytes().any(|b| b.is_ascii_uppercase()));
        prop_assert_eq!(unescape(&escaped), Some(text));
    }
    #[test]
    fn one_text_has_one_escaped_form(text in "[A-Za-z0-9!._-]{0,20}") {
        if let Some(plain) = unescape(&text) {
            prop_assert_eq!(escape(&plain), text);
        }
    }
    #[test]
    fn nothing_panics(text in "\\PC{0,60}") {
        let _ = (Address::parse(&text).is_ok(), Module::parse(&text).is_ok(), Version::parse(&text).is_ok());
        let _ = super::super::names::inside(&text);
    }
}
