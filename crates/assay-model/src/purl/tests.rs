//! What a package URL promises: one text for one package, and everything that is read can be read again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

#[test]
fn parts_are_read_and_written() {
    let purl: Purl = "pkg:NPM/%40angular/animation@12.3.1?b=2&A=1&empty=#/src//./x".parse().unwrap();
    assert_eq!(purl.kind(), "npm");
    assert_eq!(purl.namespace(), Some("@angular"));
    assert_eq!(purl.name(), "animation");
    assert_eq!(purl.version(), Some("12.3.1"));
    assert_eq!(purl.qualifier("a"), Some("1"));
    assert_eq!(purl.subpath(), Some("src/x"));
    assert_eq!(purl.to_string(), "pkg:npm/%40angular/animation@12.3.1?a=1&b=2#src/x");
    assert_eq!(purl.package().as_str(), "pkg:npm/%40angular/animation");
    assert_eq!(purl.scheme(), Scheme::Npm);
}

#[test]
fn a_builder_follows_the_type() {
    let purl = Purl::builder("pypi", "Django_Package").version("1.0+local").build().unwrap();
    assert_eq!(purl.as_str(), "pkg:pypi/django-package@1.0%2Blocal");
    assert!(Purl::builder("swift", "Alamofire").build().is_err());
    assert!(Purl::builder("npm", "").build().is_err());
    assert!(Purl::builder("npm", "x").qualifier("a key", "v").build().is_err());
    let deb = Purl::builder("deb", "attr").namespace("debian").version("1:2.4-2").build().unwrap();
    assert_eq!(deb.as_str(), "pkg:deb/debian/attr@1:2.4-2");
    assert_eq!(deb.scheme(), Scheme::Debian);
}

#[test]
fn it_is_a_text_in_json() {
    let purl: Purl = serde_json::from_str("\"pkg:GitHub/A/B@v1\"").unwrap();
    assert_eq!(serde_json::to_string(&purl).unwrap(), "\"pkg:github/a/b@v1\"");
    assert!(serde_json::from_str::<Purl>("\"npm/x\"").is_err());
}

#[test]
fn bad_texts_say_what_is_wrong() {
    for text in [
        "",
        "pkg:",
        "pkg:npm",
        "pkg:npm/",
        "npm/x",
        "pkg:npm/a%2",
        "pkg:npm/a%ff",
        "pkg:npm/a?x",
        "pkg:npm/a?x=1&X=2",
        "pkg:npm/a%2Fb/c",
    ] {
        assert!(text.parse::<Purl>().is_err(), "{text}");
    }
    let endless = format!("pkg:npm/{}", "a".repeat(MAX_PURL));
    assert!(endless.parse::<Purl>().is_err());
}

proptest! {
    #[test]
    fn nothing_makes_the_parser_panic(text in "\\PC{0,60}", tail in "[a-z%@/?#&=:.0-9A-F]{0,40}") {
        let _ = text.parse::<Purl>();
        let _ = format!("pkg:{tail}").parse::<Purl>();
    }

    #[test]
    fn what_is_read_reads_the_same_again(tail in "[a-z]{1,5}/[a-zA-Z%@/?#&=:.0-9]{1,40}") {
        if let Ok(purl) = format!("pkg:{tail}").parse::<Purl>() {
            let again: Purl = purl.as_str().parse().expect("canonical text is valid");
            prop_assert_eq!(&again.parts, &purl.parts);
            prop_assert_eq!(again.as_str(), purl.as_str());
        }
    }

    #[test]
    fn what_is_built_reads_the_same(
        kind in "[a-z][a-z0-9.+-]{0,8}", namespace in "[^/]{0,9}(/[^/]{1,5})?", name in "\\PC{1,12}",
        version in "\\PC{0,12}", value in "\\PC{0,12}", subpath in "\\PC{0,12}",
    ) {
        let built = Purl::builder(kind, name).namespace(namespace).version(version)
            .qualifier("key", value).subpath(subpath).build();
        if let Ok(purl) = built {
            let again: Purl = purl.as_str().parse().expect("built text is valid");
            prop_assert_eq!(&again.parts, &purl.parts);
        }
    }
}
