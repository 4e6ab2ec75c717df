//! Properties of names and paths, and parsers that survive anything.

use super::fixtures::Publication;
use crate::{
    cargo::{
        inspect::{self, Links, metadata::Metadata},
        line,
        names::{file_path, index_path, normalise, prefix, version, version_of},
    },
    kit::testing::tgz,
};
use proptest::prelude::*;
use std::io::Cursor;

proptest! {
    #[test]
    fn names_lead_to_one_place(name in "[A-Za-z_][A-Za-z0-9_-]{0,40}") {
        if let Ok(lower) = normalise(&name) {
            prop_assert_eq!(normalise(&lower).unwrap(), lower.clone());
            prop_assert_eq!(normalise(&name.to_uppercase()).unwrap(), lower.clone());
            let path = index_path(&lower);
            let ends = path.strip_suffix(&lower).is_some_and(|folders| folders.ends_with('/'));
            prop_assert!(ends && path.starts_with(&prefix(&lower).unwrap()));
            let file = file_path(&lower, "1.0.0-a+b");
            prop_assert_eq!(version_of(&lower, &file), Some("1.0.0-a+b"));
        }
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,300}") {
        let _ = (normalise(&text), version(&text), prefix(&text), version_of("a", &text));
        let _ = line::parse("demo", &text);
        let _ = Metadata::parse(text.as_bytes());
        let archive = tgz(&[("demo-1.0.0/Cargo.toml", &text)]);
        let _ = inspect::read("demo", "1.0.0", &mut Cursor::new(archive), Links::Refused);
    }

    #[test]
    fn damage_to_a_crate_never_changes_its_manifest(at in 0_usize..3000, to: u8, cut in 0_usize..3000) {
        let sound = Publication::new("demo", "1.0.0").packed();
        let mut bytes = sound.clone();
        let at = at % bytes.len();
        bytes[at] = to;
        let read = |bytes: Vec<u8>| inspect::read("demo", "1.0.0", &mut Cursor::new(bytes), Links::Refused);
        if let Ok(manifest) = read(bytes.clone()) {
            prop_assert_eq!(format!("{manifest:?}"), format!("{:?}", read(sound).unwrap()));
        }
        bytes.truncate(cut);
        let _ = read(bytes);
    }
}
