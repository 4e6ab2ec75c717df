//! What stands beside a distribution that somebody signed: its provenance (PEP 740) and a detached signature.

use super::kept;
use crate::kit::evidence::{OPENPGP, in_file};
use assay_model::{
    package::File,
    trust::{Brought, Layout},
};

pub(super) fn of(files: &[File]) -> Brought {
    let beside = |file: &File| {
        let layout = match () {
            () if file.path.ends_with(kept::PROVENANCE) => Layout::Attestations,
            () if file.path.ends_with(kept::SIGNATURE) => OPENPGP,
            () => return None,
        };
        let subject = files.iter().find(|other| other.path == kept::distribution(&file.path))?;
        Some(in_file(file, layout, vec![subject.digest.to_string()]))
    };
    Brought { held: files.iter().filter_map(beside).collect(), ..Brought::default() }
}
