//! Tells a channel that the policy matches; what one cause makes it match is one message.

use super::channel::Teller;
use assay_model::seam::action::ActionSpec;

/// Tells a channel.
pub const NOTIFY: Teller = Teller {
    spec: &ActionSpec {
        id: "notify",
        aliases: &[],
        summary: "Tell a channel that the policy matches; matches of one cause go in one message.",
        shorthands: &[("notify=", r#"{"channel":""}"#)],
    },
    alone: false,
};
