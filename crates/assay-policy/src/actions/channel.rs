//! What the actions that tell somebody share: the parameter `{"channel": "..."}`, and the notice that stands while the
//! policy matches. Sending is the engine's.

use assay_model::{
    Problem,
    channel::check_name,
    decision::Notice,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// An action that tells a channel once that the policy matches a package, and once that it no longer does.
#[derive(Clone, Copy, Debug)]
pub struct Teller {
    pub(super) spec: &'static ActionSpec,
    /// Whether each package is a message of its own.
    pub(super) alone: bool,
}

impl Teller {
    fn notice(&self, action: Applied<'_>) -> Option<Notice> {
        let channel = of(action.params)?.to_owned();
        Some(Notice { channel, policy: action.policy.to_owned(), alone: self.alone })
    }
}

fn of(params: &Value) -> Option<&str> {
    params.get("channel").and_then(Value::as_str)
}

impl Action for Teller {
    fn spec(&self) -> &'static ActionSpec {
        self.spec
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        match of(params) {
            Some(name) => check_name(name).map_err(|problem| Problem::invalid("bad-action", problem.message)),
            None => Err(Problem::invalid("bad-action", "`channel` is missing; write {\"channel\": \"security\"}")),
        }
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        standing.notices.extend(self.notice(action));
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        if let Some(notice) = self.notice(action).filter(|notice| !base.notices.contains(notice)) {
            standing.notices.remove(&notice);
        }
    }
    fn channel<'a>(&self, params: &'a Value) -> Option<&'a str> {
        of(params)
    }
}
