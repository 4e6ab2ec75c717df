//! Debian's `copyright` files: the short names of the machine-readable form (DEP 5), or in older ones the licences that
//! the text refers to by their common file.

use std::collections::BTreeSet;

use crate::part::line;
use crate::stanza::stanzas;

const COMMON: &str = "/usr/share/common-licenses/";
/// Some packages list hundreds of variants; a person reads the first few.
const NAMES: usize = 30;

/// The licences as they are named, in order, with commas between.
pub(super) fn licences(text: &str) -> Option<String> {
    let is_machine_readable = text.lines().next().is_some_and(|first| first.starts_with("Format:"));
    let names: BTreeSet<String> = if is_machine_readable { declared(text) } else { referred(text) };
    let listed: Vec<String> = names.into_iter().take(NAMES).collect();
    (!listed.is_empty()).then(|| listed.join(", "))
}

fn declared(text: &str) -> BTreeSet<String> {
    stanzas(text).filter_map(|stanza| line(stanza.get("License")?.lines().next())).collect()
}

fn referred(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-.+".contains(c)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').to_owned()
    };
    text.split(COMMON).skip(1).map(name).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::licences;

    #[test]
    fn both_forms_are_read() {
        let new =
            "Format: x\nSource: y\n\nFiles: *\nLicense: GPL-2+\n text\n\nFiles: a\nLicense: Expat\n\nLicense: GPL-2+\n";
        assert_eq!(licences(new).as_deref(), Some("Expat, GPL-2+"));
        let old = "It is free.\nSee `/usr/share/common-licenses/GPL-3', and /usr/share/common-licenses/LGPL-2.1.\n";
        assert_eq!(licences(old).as_deref(), Some("GPL-3, LGPL-2.1"));
        assert_eq!(licences("Public domain."), None);
        assert_eq!(licences("see /usr/share/common-licenses/"), None);
    }
}
