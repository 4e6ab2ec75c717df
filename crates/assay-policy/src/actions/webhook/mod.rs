//! Calls a webhook channel for each package by itself, as soon as the policy matches, and once more when it no longer does.

use super::channel;
use assay_model::{
    Problem,
    decision::Notice,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// Calls a webhook.
#[derive(Clone, Copy, Debug)]
pub struct Webhook;

static SPEC: ActionSpec = ActionSpec {
    id: "webhook",
    aliases: &[],
    summary: "Call a webhook channel at once, for each package by itself.",
    shorthands: &[("webhook=", r#"{"channel":""}"#)],
};

fn notice(action: Applied<'_>) -> Option<Notice> {
    let channel = channel::of(action.params)?.to_owned();
    Some(Notice { channel, policy: action.policy.to_owned(), alone: true })
}

impl Action for Webhook {
    fn spec(&self) -> &'static ActionSpec {
        &SPEC
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        channel::check(params)
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        standing.notices.extend(notice(action));
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        if let Some(notice) = notice(action).filter(|notice| !base.notices.contains(notice)) {
            standing.notices.remove(&notice);
        }
    }
    fn channel<'a>(&self, params: &'a Value) -> Option<&'a str> {
        channel::of(params)
    }
}
