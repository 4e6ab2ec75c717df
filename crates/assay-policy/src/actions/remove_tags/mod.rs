//! Removes tags from a package.

use super::tags;
use assay_model::{
    Problem,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// Removes tags.
#[derive(Clone, Copy, Debug)]
pub struct RemoveTags;

static SPEC: ActionSpec = ActionSpec {
    id: "remove_tags",
    aliases: &["RemovePackageTags"],
    summary: "Remove tags from the package.",
    shorthands: &[("remove-tags=", r#"{"tags":[]}"#)],
};

impl Action for RemoveTags {
    fn spec(&self) -> &'static ActionSpec {
        &SPEC
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        tags::check(params)
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        for tag in tags::of(action.params) {
            standing.tags.remove(tag);
        }
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        let taken = tags::of(action.params).filter(|tag| base.tags.contains(*tag));
        standing.tags.extend(taken.map(str::to_owned));
    }
}
