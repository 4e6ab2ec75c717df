//! Properties of names, versions and file names, and parsers that survive anything.

use super::fixtures::wheel;
use crate::pypi::{
    inspect::{self, CoreMetadata},
    names::{FileName, normalise, version},
};
use proptest::prelude::*;
use std::io::Cursor;

#[test]
fn file_names_are_matched_with_their_project() {
    let belongs = |file: &str, name: &str, v: &str| {
        FileName::parse(file).unwrap().belongs_to(&normalise(name).unwrap(), &version(v).unwrap())
    };
    assert!(belongs("requests-2.6.0-py2.py3-none-any.whl", "Requests", "2.6"));
    assert!(belongs("a.b_c-1.0-1-py3-none-any.whl", "a-b-c", "1.0.0"));
    assert!(belongs("x-1!2.0+local.1-py3-none-any.whl", "x", "1!2.0+local-1"));
    assert!(belongs("zope.interface-5.0.tar.gz", "zope-interface", "5.0"));
    assert!(belongs("my-old-name-1.0.post1.tar.gz", "my-old-name", "1.0-1"));
    assert!(belongs("my-old-name-1.0-1.zip", "my-old-name", "1.0.post1"));
    assert!(!belongs("requests-2.6.0-py2.py3-none-any.whl", "requests", "2.6.1"));
    assert!(!belongs("requests_x-2.6.0.tar.gz", "requests", "2.6.0"));
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(name in "[A-Za-z0-9._-]{1,30}") {
        if let Ok(once) = normalise(&name) {
            prop_assert_eq!(normalise(&once).unwrap(), once.clone());
            prop_assert!(!once.contains("--") && !once.contains(['_', '.']));
            prop_assert_eq!(normalise(&name.replace(['-', '_', '.'], "-_.")).unwrap(), once.clone());
            prop_assert_eq!(normalise(&name.to_uppercase()).unwrap(), once);
        }
    }

    #[test]
    fn canonical_versions_stay_as_they_are(text in "v?[0-9]{1,3}(\\.[0-9]{1,3}){0,3}((a|b|rc)[0-9]{1,2})?(\\.?post[0-9]{1,2})?(\\+[a-z0-9]{1,4})?") {
        let canonical = version(&text).unwrap().to_string();
        prop_assert_eq!(version(&canonical).unwrap().to_string(), canonical);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,300}") {
        let _ = normalise(&text);
        let _ = version(&text);
        let _ = FileName::parse(&text);
        let _ = CoreMetadata::parse(text.into_bytes());
    }

    #[test]
    fn damage_to_a_wheel_never_changes_its_metadata(at in 0_usize..600, to: u8, cut in 0_usize..600) {
        let mut bytes = wheel("demo", "1.0", "");
        let at = at % bytes.len();
        bytes[at] = to;
        let cut = cut.min(bytes.len());
        let file = FileName::parse("demo-1.0-py3-none-any.whl").unwrap();
        if let Ok(metadata) = inspect::read(&file, &mut Cursor::new(bytes.clone())) {
            let sound = inspect::read(&file, &mut Cursor::new(wheel("demo", "1.0", ""))).unwrap();
            prop_assert_eq!(metadata.document, sound.document, "damage went unnoticed");
        }
        bytes.truncate(cut);
        let _ = inspect::read(&file, &mut Cursor::new(bytes));
    }
}
