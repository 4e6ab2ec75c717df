//! Properties of paths, versions of builds, file names; parsers that survive anything.

use crate::maven::{
    inspect,
    names::{Artifact, Build, FileAt, Target, compare, default_prefix, folder_of, is_snapshot},
};
use proptest::prelude::*;
use std::io::Cursor;

fn file(folder: &str, name: &str) -> Option<FileAt> {
    FileAt::parse(Artifact::of_name("g:a").unwrap(), folder, name)
}

#[test]
fn file_names_are_taken_apart() {
    let kind = |name: &str| file("1.0", name).map(|at| (at.kind().0.map(str::to_owned), at.kind().1.to_owned()));
    let some = |classifier: Option<&str>, extension: &str| Some((classifier.map(str::to_owned), extension.to_owned()));
    assert_eq!(kind("a-1.0.jar"), some(None, "jar"));
    assert_eq!(kind("a-1.0-sources.jar"), some(Some("sources"), "jar"));
    assert_eq!(kind("a-1.0-jdk1.5.jar"), some(Some("jdk1.5"), "jar"));
    assert_eq!(kind("a-1.0-bin.tar.gz"), some(Some("bin"), "tar.gz"));
    assert_eq!(kind("a-1.0-bin.tar.gz.asc"), some(Some("bin"), "tar.gz.asc"));
    assert_eq!(kind("a-1.0.pom.sigstore.json"), some(None, "pom.sigstore.json"));
    for wrong in ["a-1.0", "a-1.0.", "a-1.0-.jar", "a-1.0-x", "b-1.0.jar", "a-1.00.jar", "a1.0.jar"] {
        assert_eq!(kind(wrong), None, "{wrong}");
    }
}

#[test]
fn builds_belong_to_their_snapshot() {
    let at = file("1.0-SNAPSHOT", "a-1.0-20260102.030405-12-sources.jar").unwrap();
    assert_eq!((&*at.version, &*at.suffix, at.is_any_build()), ("1.0-20260102.030405-12", "-sources.jar", false));
    let any = file("1.0-SNAPSHOT", "a-1.0-SNAPSHOT-sources.jar").unwrap();
    assert!(any.is_any_build() && any.of_build("1.0-20260102.030405-12") == at);
    let bare = file("SNAPSHOT", "a-20260102.030405-1.pom").unwrap();
    assert_eq!((folder_of(&bare.version), &*bare.suffix), ("SNAPSHOT".to_owned(), ".pom"));
    assert!(file("1.0", "a-1.0-20260102.030405-1.jar").is_some_and(|at| at.version == "1.0"), "a classifier");
    assert!(is_snapshot("SNAPSHOT") && !is_snapshot("1.0SNAPSHOT") && !is_snapshot("1.0"));
}

#[test]
fn plugins_are_called_as_maven_derives_it() {
    for (artifact, prefix) in [
        ("maven-dependency-plugin", "dependency"),
        ("exec-maven-plugin", "exec"),
        ("maven-plugin-plugin", "plugin"),
        ("far", "far"),
    ] {
        assert_eq!(default_prefix(artifact), prefix);
    }
}

#[test]
fn checksum_files_are_read_as_tools_write_them() {
    let hex = "0123456789abcdef0123456789abcdef";
    for text in [hex.to_owned(), format!("{hex} *a.jar\n"), format!("MD5 (a.jar) = {}", hex.to_uppercase())] {
        assert_eq!(inspect::checksum(&text, 32).unwrap(), hex);
    }
    assert!(inspect::checksum("0123", 32).is_err());
}

proptest! {
    #[test]
    fn a_file_is_found_under_the_path_that_it_gives(
        group in "[a-z]{1,5}(\\.[a-z]{1,5}){0,3}",
        artifact in "[a-z][a-z0-9.-]{0,9}",
        version in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-[a-z]{1,5}|-SNAPSHOT)?",
        classifier in "(-[a-z]{1,8})?",
    ) {
        let of = Artifact::of_name(&format!("{group}:{artifact}")).unwrap();
        let name = format!("{artifact}-{version}{classifier}.jar");
        let at = FileAt::parse(of.clone(), &version, &name).unwrap();
        prop_assert_eq!(FileAt::of_path(&of.name(), &at.path()), Some(at.clone()));
        let path = format!("{}/{}", of.folder(), at.path());
        prop_assert_eq!(Target::parse(&path).unwrap(), Target::File(at, None));
    }

    #[test]
    fn builds_are_written_as_they_are_read(version in "([0-9.]{1,4}-)?2026[0-9]{4}\\.[0-9]{6}-[1-9][0-9]{0,3}") {
        let build = Build::parse(&version).unwrap();
        prop_assert_eq!(build.version(), version);
        prop_assert!(is_snapshot(&build.folder()));
    }

    #[test]
    fn any_path_is_survived(path in "[ -~]{0,60}") {
        let _ = Target::parse(&path);
    }

    #[test]
    fn versions_have_an_order(a in "[0-9a-z.-]{1,8}", b in "[0-9a-z.-]{1,8}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }

    #[test]
    fn any_file_is_survived(text in "[<>/a-zA-Z{}\":,= ]{0,200}", suffix in "\\.(pom|module|jar|zip)") {
        let at = file("1.0", &format!("a-1.0{suffix}")).unwrap();
        let _ = inspect::learn(&at, text.len() as u64, &mut Cursor::new(text.into_bytes()));
    }
}
