//! Another waiver in place of one. What a waiver said when a decision rested on it must stay as it was, so its scope, reason
//! and word are never edited: the new one takes effect in the transaction that ends the old one, and no moment is between.

use super::{
    WaiverDraft,
    change::{is_one_of, unknown},
};
use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    problem::Problem,
    seam::meta::{self, Tx},
    waiver::{Waiver, WaiverId, WaiverScope, WaiverStatus, WaiverVex},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const OPEN: [WaiverStatus; 2] = [WaiverStatus::Requested, WaiverStatus::Active];

/// What is to be different; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverEdit {
    /// What it is about, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<WaiverScope>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it says as VEX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vex: Option<WaiverVex>,
    /// A word about the change.
    pub comment: String,
}

impl Engine {
    /// Asks for another waiver in place of one that waits or is in force. The new one is in force at once, or waits for an
    /// approver where the workspace wants one; until then the old one stays.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` saying what is wrong, also when nothing is different; `Conflict` when it has ended; `Forbidden`.
    pub async fn replace_waiver(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        edit: WaiverEdit,
    ) -> Result<Waiver, Problem> {
        caller.require_everywhere(Permission::Write)?;
        let (engine, who, id) = (self.clone(), caller.clone(), WaiverId(id.to_owned()));
        let made = meta::write(self.meta(), move |tx| {
            let old = tx.waiver(&id)?.ok_or_else(|| unknown(&id))?;
            is_one_of(&old, &OPEN)?;
            let edit = edit.clone();
            let draft = WaiverDraft {
                scope: edit.scope.unwrap_or_else(|| old.scope.clone()),
                reason: edit.reason.unwrap_or_else(|| old.reason.clone()),
                expires_at: edit.expires_at.unwrap_or(old.expires_at),
                vex: edit.vex.or_else(|| old.vex.clone()),
            };
            if (&draft.scope, &draft.reason, &draft.vex) == (&old.scope, &old.reason, &old.vex) {
                let message = format!("scope, reason and word of {id} stay as they are; `extend` gives it another end");
                return Err(Problem::invalid("bad-waiver", message));
            }
            engine.keep_waiver(tx, &who, draft, (Some(old.id), &edit.comment))
        })
        .await?;
        self.notice().await?;
        Ok(made)
    }

    /// Ends what this one replaces, where that has not ended.
    pub(super) fn end_replaced(&self, tx: &mut dyn Tx, waiver: &Waiver, actor: &str) -> Result<(), Problem> {
        let Some(replaced) = &waiver.replaces else { return Ok(()) };
        let Some(mut old) = tx.waiver(replaced)?.filter(|old| OPEN.contains(&old.status)) else { return Ok(()) };
        old.status = WaiverStatus::Revoked;
        old.changed_at = self.now();
        old.comment = format!("replaced by {}", waiver.id);
        tx.put_waiver(&old)?;
        self.conclude_step(tx, &old, ("waiver.replaced", actor), &format!("by {}", waiver.id))
    }
}
