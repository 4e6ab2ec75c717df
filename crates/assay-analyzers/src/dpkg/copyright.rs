//! Debian's `copyright` files: the short names of the machine-readable form (DEP 5), or in older ones the licences that
//! the text refers to by their common file.

use crate::part::line;
use crate::stanza::stanzas;

const COMMON: &str = "/usr/share/common-licenses/";
/// Some packages list hundreds of variants; a person reads the first few.
const NAMES: usize = 50;

/// The licences as they are named, each once, in the order of the file.
pub(super) fn licences(text: &str) -> Vec<String> {
    let text = text.trim_start_matches(['\u{feff}', '\n', '\r', ' ']);
    let first = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    let is_machine_readable = first.starts_with("format:") || first.starts_with("format-specification:");
    let mut all: Vec<String> = Vec::new();
    let mut add = |name: String| {
        if all.len() < NAMES && !all.contains(&name) {
            all.push(name);
        }
    };
    match is_machine_readable {
        true => declared(text).for_each(&mut add),
        false => stated(text).chain(referred(text)).for_each(&mut add),
    }
    all
}

/// The first line of each `License` field; what follows is the licence's text.
fn declared(text: &str) -> impl Iterator<Item = String> {
    stanzas(text).filter_map(|stanza| {
        let field = stanza.get("License")?;
        line(Some(field.lines().next()?.trim_end_matches([',', ';'])))
    })
}

/// Files from before the form was settled use its field all the same.
fn stated(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|text| line(text.strip_prefix("License:")))
}

fn referred(text: &str) -> impl Iterator<Item = String> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-.+".contains(c)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').to_owned()
    };
    text.split(COMMON).skip(1).map(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::licences;

    #[test]
    fn every_form_is_read() {
        let new = "Format: x\nSource: y\n\nFiles: *\nLicense: GPL-2+ and Expat\n text\n\nFiles: a\nLicense: Expat\n\nFiles: b\n\
            Copyright: x\nLicense: GPL-2+ with OpenSSL exception\n\nLicense: Expat\n text\n\nFiles: c\nLicense:\n text only\n";
        assert_eq!(licences(new), ["GPL-2+ and Expat", "Expat", "GPL-2+ with OpenSSL exception"]);
        assert_eq!(licences("\u{feff}\nFormat-Specification: x\n\nFiles: *\nLicense: MIT,\n"), ["MIT"]);
        let old = "It is free.\nSee `/usr/share/common-licenses/GPL-3', and /usr/share/common-licenses/LGPL-2.1.\n";
        assert_eq!(licences(old), ["GPL-3", "LGPL-2.1"]);
        let between = "This is x.\nLicense: BSD\n\nSee /usr/share/common-licenses/BSD and common-licenses/GPL.\n";
        assert_eq!(licences(between), ["BSD"]);
        assert!(licences("Public domain.").is_empty());
        assert!(licences("see /usr/share/common-licenses/").is_empty());
    }
}
