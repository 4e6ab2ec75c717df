//! Evidence in files of their own, found by the ends of their names: detached signatures, which nobody here can check, and
//! Sigstore bundles.

use assay_model::{
    package::File,
    trust::{Brought, Held, Layout},
};

/// Evidence that a file is, or came with.
pub(crate) fn in_file(file: &File, layout: Layout, subjects: Vec<String>) -> Held {
    Held { layout, path: file.path.clone(), about: None, place: None, documents: vec![file.digest.clone()], subjects }
}

/// Signatures of OpenPGP.
pub(crate) const OPENPGP: Layout = Layout::Opaque { form: "openpgp", why: "there is no verifier for OpenPGP here" };

/// Detached signatures of OpenPGP that end in `detached`, and bundles that end in one of `bundles`, beside what they sign.
pub(crate) fn beside(files: &[File], detached: &str, bundles: &[&str]) -> Brought {
    let held = |file: &File| {
        let (layout, end) = match bundles.iter().find(|end| file.path.ends_with(**end)) {
            Some(end) => (Layout::Bundles, *end),
            None => (OPENPGP, detached),
        };
        let signed = file.path.strip_suffix(end)?;
        let subject = files.iter().find(|other| other.path == signed);
        let hashes = subject.into_iter().flat_map(|file| &file.hashes).map(|(name, hex)| format!("{name}:{hex}"));
        let subjects = subject.iter().map(|file| file.digest.to_string()).chain(hashes);
        Some(in_file(file, layout, subjects.collect()))
    };
    Brought { held: files.iter().filter_map(held).collect(), ..Brought::default() }
}
