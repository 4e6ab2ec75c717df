//! Waivers: asking, approving, refusing, revoking and extending them, and their end. What one does to a finding or a verdict
//! is in `assay_model::assessment`; which packages one touches in [`touch`].

mod change;
mod draft;
mod end;
mod list;
mod replace;
mod touch;

pub use draft::{WaiverChange, WaiverDraft};
pub(crate) use list::waivers_used;
pub use list::{UseRow, WaiverFilter, WaiverUses};
pub use replace::WaiverEdit;

use assay_model::{problem::Problem, seam::meta::Tx, waiver::WaiverRules};

/// Where the rules are kept.
const RULES: &str = "waivers.rules";

/// How the workspace wants its waivers.
fn rules(tx: &mut dyn Tx) -> Result<WaiverRules, Problem> {
    let Some(text) = tx.setting(RULES)? else { return Ok(WaiverRules::default()) };
    serde_json::from_str(&text).map_err(|error| Problem::internal("the rules of waivers cannot be read", error))
}
