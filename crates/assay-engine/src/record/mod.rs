//! The record of decisions: what they were functions of, their log, and why one differs from another. Recomputing them is
//! in [`replay`](crate::replay).

pub(crate) mod changes;
pub(crate) mod explain;
mod follow;
pub(crate) mod log;
pub(crate) mod packing;
mod reader;

use crate::Engine;
use assay_model::{
    problem::Problem,
    seam::meta::{self, Tx},
};
use jiff::SignedDuration;

/// Decisions that forget their inputs in one transaction.
const STEP: usize = 500;

/// The document of that digest, where it is kept.
///
/// # Errors
/// From the store; when it is damaged.
pub(crate) fn document(tx: &mut dyn Tx, digest: &str) -> Result<Option<Vec<u8>>, Problem> {
    let found = tx.inputs(&[digest.to_owned()])?.pop();
    found.map(|input| packing::unpack(&input)).transpose()
}

impl Engine {
    /// Lets decisions that were superseded long ago forget what they were functions of.
    pub(crate) async fn forget_old_inputs(&self) -> Result<usize, Problem> {
        let kept = SignedDuration::from_hours(24 * i64::from(self.parts.decision_input_days));
        let before = self.now() - kept;
        let mut forgotten = 0;
        loop {
            let step = meta::write(self.meta(), move |tx| tx.forget_inputs(before, STEP)).await?;
            forgotten += step;
            if step < STEP {
                return Ok(forgotten);
            }
        }
    }
}
