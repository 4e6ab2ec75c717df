//! VEX: documents that are kept, whose word counts, and what they touch. What a statement does to a finding is in
//! `assay_model::assessment`; reading documents is behind a seam.

mod names;

pub(crate) use names::names_of;

use assay_model::{problem::Problem, seam::meta::Tx, vex::VexTrust};

/// Where the rules of trust are kept.
const TRUST: &str = "vex.trust";

/// Whose statements are trusted.
pub(crate) fn trust(tx: &mut dyn Tx) -> Result<VexTrust, Problem> {
    let Some(text) = tx.setting(TRUST)? else { return Ok(VexTrust::default()) };
    serde_json::from_str(&text).map_err(|error| Problem::internal("the rules of trust cannot be read", error))
}
