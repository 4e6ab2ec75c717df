//! Tells a channel, once, that the policy matches a package; and once that it no longer does. Sending is the engine's.

use super::channel;
use assay_model::{
    Problem,
    decision::Notice,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// Tells a channel.
#[derive(Clone, Copy, Debug)]
pub struct Notify;

static SPEC: ActionSpec = ActionSpec {
    id: "notify",
    aliases: &[],
    summary: "Tell a channel that the policy matches; matches of one cause go in one message.",
    shorthands: &[("notify=", r#"{"channel":""}"#)],
};

fn notice(action: Applied<'_>) -> Option<Notice> {
    let channel = channel::of(action.params)?.to_owned();
    Some(Notice { channel, policy: action.policy.to_owned(), alone: false })
}

impl Action for Notify {
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
