//! Calls a webhook channel for each package by itself, as soon as the policy matches, and once more when it no longer does.

use super::channel::Teller;
use assay_model::seam::action::ActionSpec;

/// Calls a webhook.
pub const WEBHOOK: Teller = Teller {
    spec: &ActionSpec {
        id: "webhook",
        aliases: &[],
        summary: "Call a webhook channel at once, for each package by itself.",
        shorthands: &[("webhook=", r#"{"channel":""}"#)],
    },
    alone: true,
};
